//! This room's own SQL.

use protocol::research::{
    AskSet, FindingLine, FindingState, Judgement, LeastChange, MadeSet, OpenDomain, SetLine, SetState,
    TableLine,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Db, Migrations, Read, Row, StoreError, Write, params};
use words::{ActId, DataDomain, Moment};

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "research",
    steps: &[
        (1, "research", include_str!("../migrations/0001_research.sql")),
        (2, "counted", include_str!("../migrations/0002_counted.sql")),
    ],
};

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|_| StoreError::Unavailable { what: "a row holds JSON of another shape".into() })
}

fn id(row: &Row, column: usize) -> Result<ActId, StoreError> {
    row.array(column).map(ActId::new)
}

/// A domain as it lies in the database.
pub(crate) struct StoredDomain {
    pub(crate) about: OpenDomain,
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) spent: i64,
}

/// All domains, by id.
pub(crate) async fn domains(db: &Db) -> Result<Vec<StoredDomain>, StoreError> {
    db.read("domains", |read| {
        let rows = read.rows("SELECT about, content, spent FROM data_domain ORDER BY id", &[])?;
        let line = |row: &Row| {
            Ok(StoredDomain { about: parsed(&row.text(0)?)?, content: row.opt_bytes(1)?, spent: row.int(2)? })
        };
        rows.iter().map(line).collect()
    })
    .await
}

pub(crate) fn open_domain(write: &mut Write<'_>, about: &OpenDomain) -> Result<(), StoreError> {
    let sql = "INSERT INTO data_domain (id, about, content, spent) VALUES ($1, $2, $3, 0)";
    write.execute(sql, &params![about.id.as_str(), text(about), None::<Vec<u8>>]).map(|_| ())
}

pub(crate) fn put_content(
    write: &mut Write<'_>,
    domain: &DataDomain,
    content: &[u8],
) -> Result<(), StoreError> {
    let sql = "UPDATE data_domain SET content = $2 WHERE id = $1";
    write.execute(sql, &params![domain.as_str(), content]).map(|_| ())
}

pub(crate) fn spend(
    write: &mut Write<'_>,
    domain: &DataDomain,
    milli_epsilon: u32,
) -> Result<(), StoreError> {
    let sql = "UPDATE data_domain SET spent = spent + $2 WHERE id = $1";
    write.execute(sql, &params![domain.as_str(), milli_epsilon]).map(|_| ())
}

/// A release as it lies in the database.
pub(crate) struct StoredRelease {
    pub(crate) number: i64,
    pub(crate) set: ActId,
    pub(crate) at: Moment,
    pub(crate) people: i64,
    pub(crate) classes: Vec<u8>,
}

/// The releases of a domain, in order.
pub(crate) async fn releases(db: &Db, domain: &DataDomain) -> Result<Vec<StoredRelease>, StoreError> {
    let domain = domain.as_str().to_owned();
    db.read("releases", move |read| {
        let sql =
            "SELECT number, set_id, at, people, classes FROM released WHERE data_domain = $1 ORDER BY number";
        let line = |row: &Row| {
            Ok(StoredRelease {
                number: row.int(0)?,
                set: id(row, 1)?,
                at: Moment(row.int(2)?),
                people: row.int(3)?,
                classes: row.bytes(4)?,
            })
        };
        read.rows(sql, &params![domain])?.iter().map(line).collect()
    })
    .await
}

pub(crate) fn add_release(
    write: &mut Write<'_>,
    domain: &DataDomain,
    release: &StoredRelease,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO released (data_domain, number, set_id, at, people, classes) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = params![
        domain.as_str(),
        release.number,
        release.set.bytes(),
        release.at.0,
        release.people,
        &release.classes
    ];
    write.execute(sql, &values).map(|_| ())
}

/// The statistics tables of a domain, in order.
pub(crate) async fn tables(db: &Db, domain: &DataDomain) -> Result<Vec<TableLine>, StoreError> {
    let domain = domain.as_str().to_owned();
    db.read("tables", move |read| {
        let sql = "SELECT c.id, c.at, c.columns, c.milli_epsilon, r.number FROM counted c \
                   LEFT JOIN released r ON r.set_id = c.id WHERE c.data_domain = $1 ORDER BY c.at, c.id";
        let line = |row: &Row| {
            Ok(TableLine {
                act: id(row, 0)?,
                at: Moment(row.int(1)?),
                columns: parsed(&row.text(2)?)?,
                milli_epsilon: row.opt_int(3)?.and_then(|spent| u32::try_from(spent).ok()),
                release: row.opt_int(4)?.and_then(|number| u64::try_from(number).ok()),
            })
        };
        read.rows(sql, &params![domain])?.iter().map(line).collect()
    })
    .await
}

pub(crate) fn add_table(
    write: &mut Write<'_>,
    domain: &DataDomain,
    table: &TableLine,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO counted (id, data_domain, at, columns, milli_epsilon) VALUES ($1, $2, $3, $4, $5)";
    let spent = table.milli_epsilon.map(i64::from);
    let values = params![table.act.bytes(), domain.as_str(), table.at.0, text(&table.columns), spent];
    write.execute(sql, &values).map(|_| ())
}

pub(crate) fn add_set(
    write: &mut Write<'_>,
    set: &ActId,
    ask: &AskSet,
    researcher: &str,
    at: Moment,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO asked_set (id, data_domain, ask, researcher, at, state, reminded) VALUES ($1, $2, $3, $4, $5, $6, 0)";
    let values =
        params![set.bytes(), ask.domain.as_str(), text(ask), researcher, at.0, SetState::Asked.as_str()];
    write.execute(sql, &values).map(|_| ())
}

fn state(word: &str) -> Result<SetState, StoreError> {
    let unknown = || StoreError::Unavailable { what: "a set is in a state that is not known".into() };
    SetState::ALL.into_iter().find(|state| state.as_str() == word).ok_or_else(unknown)
}

fn judgements(read: &mut Read<'_>, set: &ActId) -> Result<Vec<Judgement>, StoreError> {
    let sql = "SELECT officer, approves, reason, at FROM judgement WHERE set_id = $1 ORDER BY at, officer";
    let line = |row: &Row| {
        Ok(Judgement {
            officer: row.text(0)?,
            approves: row.int(1)? == 1,
            reason: row.text(2)?,
            at: Moment(row.int(3)?),
        })
    };
    read.rows(sql, &params![set.bytes()])?.iter().map(line).collect()
}

/// A set with how far its recipients were reminded.
pub(crate) struct StoredSet {
    pub(crate) line: SetLine,
    pub(crate) reminded: i64,
}

/// All sets, the latest first, or one of them. `today`: days since 1970 in Japan.
pub(crate) async fn sets(db: &Db, one: Option<ActId>, today: i64) -> Result<Vec<StoredSet>, StoreError> {
    db.read("sets", move |read| {
        const COLUMNS: &str =
            "SELECT id, ask, researcher, at, state, made, refused, ended_at, reminded FROM asked_set";
        let rows = match one {
            Some(id) => read.rows(&format!("{COLUMNS} WHERE id = $1"), &params![id.bytes()])?,
            None => read.rows(&format!("{COLUMNS} ORDER BY at DESC, id"), &[])?,
        };
        let mut sets = Vec::new();
        for row in &rows {
            let (set, ask): (ActId, AskSet) = (id(row, 0)?, parsed(&row.text(1)?)?);
            let state = state(&row.text(4)?)?;
            let days_left = (state == SetState::HandedOver).then(|| ask.return_by.days() - today);
            let line = SetLine {
                id: set,
                ask,
                researcher: row.text(2)?,
                at: Moment(row.int(3)?),
                state,
                judgements: judgements(read, &set)?,
                made: row.opt_text(5)?.map(|made| parsed::<MadeSet>(&made)).transpose()?,
                least_change: row.opt_text(6)?.map(|least| parsed::<LeastChange>(&least)).transpose()?,
                ended_at: row.opt_int(7)?.map(Moment),
                days_left,
            };
            sets.push(StoredSet { line, reminded: row.int(8)? });
        }
        Ok(sets)
    })
    .await
}

pub(crate) fn put_state(write: &mut Write<'_>, set: &ActId, state: SetState) -> Result<(), StoreError> {
    write
        .execute("UPDATE asked_set SET state = $2 WHERE id = $1", &params![set.bytes(), state.as_str()])
        .map(|_| ())
}

pub(crate) fn add_judgement(
    write: &mut Write<'_>,
    set: &ActId,
    judgement: &Judgement,
    opener: &seal::SealingPublic,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO judgement (set_id, officer, approves, reason, at, opener) VALUES ($1, $2, $3, $4, $5, $6)";
    let Judgement { officer, approves, reason, at } = judgement;
    write.execute(sql, &params![set.bytes(), officer, *approves, reason, at.0, text(opener)]).map(|_| ())
}

/// Who approved a set, with the key to which the share is sealed; in the order of the shares.
pub(crate) async fn openers(db: &Db, set: ActId) -> Result<Vec<(String, seal::SealingPublic)>, StoreError> {
    db.read("openers", move |read| {
        let sql =
            "SELECT officer, opener FROM judgement WHERE set_id = $1 AND approves = 1 ORDER BY at, officer";
        read.rows(sql, &params![set.bytes()])?
            .iter()
            .map(|row| Ok((row.text(0)?, parsed(&row.text(1)?)?)))
            .collect()
    })
    .await
}

pub(crate) fn put_refused(write: &mut Write<'_>, set: &ActId, least: &LeastChange) -> Result<(), StoreError> {
    put_state(write, set, SetState::Refused)?;
    write
        .execute("UPDATE asked_set SET refused = $2 WHERE id = $1", &params![set.bytes(), text(least)])
        .map(|_| ())
}

pub(crate) fn put_made(
    write: &mut Write<'_>,
    set: &ActId,
    made: &MadeSet,
    content: &[u8],
    numbers: Option<&Vec<u8>>,
) -> Result<(), StoreError> {
    put_state(write, set, SetState::Made)?;
    let sql = "UPDATE asked_set SET made = $2, content = $3, numbers = $4 WHERE id = $1";
    write.execute(sql, &params![set.bytes(), text(made), content, numbers.cloned()]).map(|_| ())
}

/// The sealed CSV and the sealed table of numbers of a set.
pub(crate) async fn content(db: &Db, set: ActId) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), StoreError> {
    db.read("content", move |read| {
        let row = read.row("SELECT content, numbers FROM asked_set WHERE id = $1", &params![set.bytes()])?;
        row.map_or(Ok((None, None)), |row| Ok((row.opt_bytes(0)?, row.opt_bytes(1)?)))
    })
    .await
}

/// Ends a set: the room's own copy goes with it.
pub(crate) fn end(write: &mut Write<'_>, set: &ActId, state: SetState, at: Moment) -> Result<(), StoreError> {
    put_state(write, set, state)?;
    let sql = "UPDATE asked_set SET content = $2, ended_at = $3 WHERE id = $1";
    write.execute(sql, &params![set.bytes(), None::<Vec<u8>>, at.0]).map(|_| ())
}

pub(crate) fn put_reminded(write: &mut Write<'_>, set: &ActId, stage: i64) -> Result<(), StoreError> {
    write
        .execute("UPDATE asked_set SET reminded = $2 WHERE id = $1", &params![set.bytes(), stage])
        .map(|_| ())
}

pub(crate) fn add_finding(
    write: &mut Write<'_>,
    finding: &ActId,
    set: &ActId,
    researcher: &str,
    at: Moment,
    content: &[u8],
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO finding (id, set_id, researcher, at, state, content) VALUES ($1, $2, $3, $4, $5, $6)";
    let state = text(&FindingState::Reported);
    write.execute(sql, &params![finding.bytes(), set.bytes(), researcher, at.0, state, content]).map(|_| ())
}

/// A finding with what is sealed of it.
pub(crate) struct StoredFinding {
    pub(crate) line: FindingLine,
    pub(crate) content: Vec<u8>,
    pub(crate) reach: Option<Vec<u8>>,
}

/// All findings, the latest first, or one of them.
pub(crate) async fn findings(db: &Db, one: Option<ActId>) -> Result<Vec<StoredFinding>, StoreError> {
    db.read("findings", move |read| {
        const COLUMNS: &str = "SELECT f.id, f.set_id, s.data_domain, f.researcher, f.at, f.state, f.content, f.reach \
                               FROM finding f JOIN asked_set s ON s.id = f.set_id";
        let rows = match one {
            Some(id) => read.rows(&format!("{COLUMNS} WHERE f.id = $1"), &params![id.bytes()])?,
            None => read.rows(&format!("{COLUMNS} ORDER BY f.at DESC, f.id"), &[])?,
        };
        let mut findings = Vec::new();
        for row in &rows {
            let finding = id(row, 0)?;
            let sql = "SELECT officer FROM assent WHERE finding = $1 ORDER BY at, officer";
            let assents = read.rows(sql, &params![finding.bytes()])?;
            let unknown = |_| StoreError::Unavailable { what: "a finding of no domain".into() };
            let line = FindingLine {
                id: finding,
                set: id(row, 1)?,
                domain: DataDomain::parse(&row.text(2)?).map_err(unknown)?,
                researcher: row.text(3)?,
                at: Moment(row.int(4)?),
                state: parsed(&row.text(5)?)?,
                assents: assents.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?,
            };
            findings.push(StoredFinding { line, content: row.bytes(6)?, reach: row.opt_bytes(7)? });
        }
        Ok(findings)
    })
    .await
}

/// Who assented, each with the sealed share.
pub(crate) async fn shares(db: &Db, finding: ActId) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    db.read("shares", move |read| {
        let sql = "SELECT officer, share FROM assent WHERE finding = $1 AND share IS NOT NULL";
        read.rows(sql, &params![finding.bytes()])?
            .iter()
            .map(|row| Ok((row.text(0)?, row.bytes(1)?)))
            .collect()
    })
    .await
}

/// One assent; with the second the person's key comes in and the first share goes.
pub(crate) fn add_assent(
    write: &mut Write<'_>,
    finding: &ActId,
    officer: &str,
    at: Moment,
    share: Option<&[u8]>,
    reach: Option<&[u8]>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO assent (finding, officer, at, share) VALUES ($1, $2, $3, $4)";
    write.execute(sql, &params![finding.bytes(), officer, at.0, share.map(<[u8]>::to_vec)])?;
    let state = text(&if reach.is_some() { FindingState::Opened } else { FindingState::OneAssent });
    let sql = "UPDATE finding SET state = $2, reach = $3 WHERE id = $1";
    write.execute(sql, &params![finding.bytes(), state, reach.map(<[u8]>::to_vec)])?;
    if reach.is_some() {
        let sql = "UPDATE assent SET share = $2 WHERE finding = $1";
        write.execute(sql, &params![finding.bytes(), None::<Vec<u8>>])?;
    }
    Ok(())
}

pub(crate) fn put_reached(write: &mut Write<'_>, finding: &ActId) -> Result<(), StoreError> {
    let sql = "UPDATE finding SET state = $2 WHERE id = $1";
    write.execute(sql, &params![finding.bytes(), text(&FindingState::Reached)]).map(|_| ())
}
