//! Oversight's own SQL.

use protocol::audit::Finding;
use protocol::oversight::{AlarmLine, CaseKind, CaseLine, CaseState, OpenCase};
use rules::Accreditation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Db, Migrations, Row, StoreError, Write, params};
use words::{ActId, Moment, PartyId};

use crate::alarms::NewAlarm;

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "oversight",
    steps: &[
        (1, "oversight", include_str!("../migrations/0001_oversight.sql")),
        (2, "audit", include_str!("../migrations/0002_audit.sql")),
    ],
};

fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn of_word<T: DeserializeOwned>(text: String) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text)).ok()
}

/// Enters the first accreditations, if there are none yet.
pub(crate) async fn begin_with(db: &Db, first: Vec<Accreditation>) -> Result<(), StoreError> {
    db.write("begin_with", move |write| {
        for one in &first {
            let known =
                write.row("SELECT 1 FROM accreditation WHERE party = $1", &params![one.party.as_str()])?;
            if known.is_none() {
                put(write, one)?;
            }
        }
        Ok(())
    })
    .await
}

/// Puts one accreditation and raises the version; gives the version.
pub(crate) fn put(write: &mut Write<'_>, one: &Accreditation) -> Result<i64, StoreError> {
    let body = serde_json::to_string(one).unwrap_or_default();
    let sql = "INSERT INTO accreditation (party, body, changed) VALUES ($1, $2, (SELECT COALESCE(MAX(changed), 0) + 1 FROM accreditation)) \
               ON CONFLICT (party) DO UPDATE SET body = excluded.body, changed = excluded.changed RETURNING changed";
    write.row(sql, &params![one.party.as_str(), body])?.map_or(Ok(0), |row| row.int(0))
}

/// All accreditations and their version.
pub(crate) async fn accreditations(db: &Db) -> Result<(i64, Vec<Accreditation>), StoreError> {
    db.read("accreditations", |read| {
        let mut version = 0;
        let mut all = Vec::new();
        for row in &read.rows("SELECT body, changed FROM accreditation ORDER BY party", &[])? {
            version = version.max(row.int(1)?);
            all.extend(serde_json::from_str::<Accreditation>(&row.text(0)?).ok());
        }
        Ok((version, all))
    })
    .await
}

/// Enters an alarm.
pub(crate) fn add_alarm(
    write: &mut Write<'_>,
    alarm: &NewAlarm,
    between: Option<(PartyId, PartyId)>,
) -> Result<(), StoreError> {
    let (inquirer, provider) =
        between.map_or((None, None), |(a, b)| (Some(a.to_string()), Some(b.to_string())));
    let sql = "INSERT INTO alarm (number, act, kind, at, raised_by, party, detail, inquirer, provider) \
               VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM alarm), $1, $2, $3, $4, $5, $6, $7, $8)";
    let row = params![
        alarm.act.map(|act| act.bytes().to_vec()),
        word(&alarm.kind),
        alarm.at.0,
        alarm.by.as_str(),
        alarm.party.as_ref().map(PartyId::to_string),
        alarm.detail.as_str(),
        inquirer,
        provider
    ];
    write.execute(sql, &row).map(|_| ())
}

/// Whether an alarm was raised for this finding.
pub(crate) async fn is_raised(db: &Db, finding: Finding) -> Result<bool, StoreError> {
    db.read("is_raised", move |read| {
        let sql = "SELECT 1 FROM alarm WHERE kind = $1 AND (party IS NULL OR (party = $2 AND detail = $3)) AND (act = $4 OR (act IS NULL AND $5 = 1))";
        let act = finding.act.map(|act| act.bytes().to_vec());
        let none = i64::from(act.is_none());
        let kind = word(&finding.kind);
        let row = read.row(sql, &params![kind, finding.party.as_str(), finding.detail, act, none])?;
        Ok(row.is_some())
    })
    .await
}

/// All alarms, newest first.
pub(crate) async fn alarms(db: &Db) -> Result<Vec<AlarmLine>, StoreError> {
    db.read("alarms", |read| {
        let rows = read.rows(
            "SELECT act, kind, at, raised_by, party, detail, inquirer, provider FROM alarm ORDER BY number DESC",
            &[],
        )?;
        Ok(rows.iter().filter_map(|row| alarm_line(row).ok().flatten()).collect())
    })
    .await
}

fn alarm_line(row: &Row) -> Result<Option<AlarmLine>, StoreError> {
    let party = |text: Option<String>| text.and_then(|text| PartyId::parse(&text).ok());
    let (Some(kind), Some(raised_by)) = (of_word(row.text(1)?), party(Some(row.text(3)?))) else {
        return Ok(None);
    };
    let act = row.opt_bytes(0)?.and_then(|bytes| bytes.try_into().ok()).map(ActId::new);
    Ok(Some(AlarmLine {
        kind,
        act,
        at: Moment(row.int(2)?),
        raised_by,
        party: party(row.opt_text(4)?),
        detail: row.text(5)?,
        inquirer: party(row.opt_text(6)?),
        provider: party(row.opt_text(7)?),
    }))
}

/// How far the watch has come with each room's records.
pub(crate) async fn audited(db: &Db) -> Result<Vec<(PartyId, i64)>, StoreError> {
    db.read("audited", |read| {
        let rows = read.rows("SELECT party, seq FROM audited", &[])?;
        let line = |row: &Row| Ok::<_, StoreError>(PartyId::parse(&row.text(0)?).ok().zip(Some(row.int(1)?)));
        Ok(rows.iter().map(line).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    })
    .await
}

/// Keeps how far the watch has come: records up to here belong to acts that were judged.
pub(crate) async fn keep_audited(db: &Db, seen: Vec<(PartyId, i64)>) -> Result<(), StoreError> {
    db.write("keep_audited", move |write| {
        for (party, seq) in &seen {
            let sql = "INSERT INTO audited (party, seq) VALUES ($1, $2) ON CONFLICT (party) DO UPDATE SET seq = excluded.seq";
            write.execute(sql, &params![party.as_str(), *seq])?;
        }
        Ok::<_, StoreError>(())
    })
    .await
}

/// Opens a case.
pub(crate) fn add_case(
    write: &mut Write<'_>,
    case: &OpenCase,
    by: &PartyId,
    due: Moment,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO case_file (number, act, kind, at, opened_by, state, due) \
               VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM case_file), $1, $2, $3, $4, $5, $6)";
    write
        .execute(
            sql,
            &params![
                case.act.bytes(),
                word(&case.kind),
                case.at.0,
                by.as_str(),
                word(&CaseState::Open),
                due.0
            ],
        )
        .map(|_| ())
}

/// All cases, newest first.
pub(crate) async fn cases(db: &Db) -> Result<Vec<CaseLine>, StoreError> {
    db.read("cases", |read| {
        let rows = read.rows(
            "SELECT number, act, kind, at, opened_by, state, due FROM case_file ORDER BY number DESC",
            &[],
        )?;
        Ok(rows.iter().filter_map(|row| case_line(row).ok().flatten()).collect())
    })
    .await
}

fn case_line(row: &Row) -> Result<Option<CaseLine>, StoreError> {
    let (kind, state) = (of_word::<CaseKind>(row.text(2)?), of_word::<CaseState>(row.text(5)?));
    let (Some(kind), Some(state), Ok(opened_by)) = (kind, state, PartyId::parse(&row.text(4)?)) else {
        return Ok(None);
    };
    let case = OpenCase { kind, act: ActId::new(row.array(1)?), at: Moment(row.int(3)?) };
    Ok(Some(CaseLine { number: row.int(0)?, case, opened_by, state, due: Moment(row.int(6)?) }))
}

/// Moves a case on; says whether there is one of that number.
pub(crate) fn move_case(write: &mut Write<'_>, number: i64, state: CaseState) -> Result<bool, StoreError> {
    write
        .execute("UPDATE case_file SET state = $2 WHERE number = $1", &params![number, word(&state)])
        .map(|changed| changed == 1)
}
