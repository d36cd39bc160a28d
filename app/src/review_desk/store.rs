//! The desk's own SQL: one SQLite file, only ever added to.

use store::{Db, Migrations, Row, StoreError, Write, params};
use words::Moment;

use super::standing::{Act, Record, Refusal, SecondLook, Standing};

/// The desk's tables.
pub(super) const MIGRATIONS: Migrations = Migrations {
    owner: "review_desk",
    steps: &[(1, "review_desk", include_str!("../../migrations/0001_review_desk.sql"))],
};

/// A customer's or a resident's attributes, as their files have them.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Attributes {
    pub(super) name: String,
    pub(super) kana: String,
    pub(super) sex: String,
    pub(super) birth: String,
    pub(super) address: String,
}

/// A customer in doubt.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) query_id: String,
    pub(super) institution: String,
    pub(super) customer: Attributes,
    pub(super) candidates: Vec<Candidate>,
}

/// A row of the review file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) person_id: String,
    pub(super) score: String,
    pub(super) why: String,
}

/// A resident who is a candidate.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Resident {
    pub(super) person_id: String,
    pub(super) attributes: Attributes,
    pub(super) tsusho: String,
    pub(super) past: Vec<Past>,
}

/// A former name or address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) kind: String,
    pub(super) value: String,
    pub(super) kana: String,
}

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failed {
    /// The rules say no.
    Refused(Refusal),
    /// The file could not be read or written.
    Store(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::Store(error)
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Failed {
        Failed::Refused(refusal)
    }
}

const RECORDS: &str = "SELECT act, person_id, staff, at, why, second_look, imported FROM record
    WHERE case_no = $1 ORDER BY version";

fn record(row: &Row) -> Result<Record, StoreError> {
    let person = row.opt_text(1)?.unwrap_or_default();
    let act = Act::read(&row.text(0)?, &person).ok_or_else(|| StoreError::Constraint {
        what: "an act that this program does not know stands in the desk's file".to_owned(),
    })?;
    Ok(Record {
        act,
        staff: row.text(2)?,
        at: Moment(row.int(3)?),
        why: row.text(4)?,
        second_look: row.int(5)? == 1,
        imported: row.int(6)? == 1,
    })
}

fn records(rows: &[Row]) -> Result<Vec<Record>, StoreError> {
    rows.iter().map(record).collect()
}

/// Something to be done to a case.
pub(super) struct Doing {
    pub(super) case_no: i64,
    pub(super) record: Record,
}

/// Does it, if the rules allow; `seen` is the version that whoever asks has before them.
pub(super) async fn act(db: &Db, doing: Doing, seen: u32) -> Result<Standing, Failed> {
    db.write("act", move |write| {
        let before = records(&write.rows(RECORDS, &params![doing.case_no])?)?;
        if before.len() != usize::try_from(seen).unwrap_or(usize::MAX) {
            return Err(Refusal::Stale.into());
        }
        append(write, &before, &doing)
    })
    .await
}

/// Adds a record after `before`, if the rules allow.
fn append(write: &mut Write<'_>, before: &[Record], doing: &Doing) -> Result<Standing, Failed> {
    let Doing { case_no, record } = doing;
    let row = write.row("SELECT institution FROM review_case WHERE no = $1", &params![*case_no])?;
    let institution = row.ok_or(Refusal::UnknownCase)?.text(0)?;
    let standing = Standing::of(before);
    standing.allows(&record.act, &record.staff, &record.why)?;
    if let Some(person) = record.act.person() {
        let candidate = "SELECT place FROM candidate WHERE case_no = $1 AND person_id = $2";
        write.row(candidate, &params![*case_no, person])?.ok_or(Refusal::NotACandidate)?;
        // INVARIANT: one resident is at most one customer of an institution. Writes run one after the other, so no
        // other link can come in between.
        let mut tied = Vec::new();
        tied.extend(
            write.row(AUTOMATIC, &params![&institution, person])?.map(|row| row.text(0)).transpose()?,
        );
        for row in write.rows(LINKED_ELSEWHERE, &params![person, &institution, *case_no])? {
            if Standing::of(&records(&write.rows(RECORDS, &params![row.int(0)?])?)?).tied() == Some(person) {
                tied.push(row.text(1)?);
            }
        }
        if let Some(other) = tied.into_iter().next() {
            return Err(Refusal::Tied(other).into());
        }
    }
    let last = write.row("SELECT MAX(sequence) FROM record", &[])?;
    let sequence = last.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0) + 1;
    write.execute(
        "INSERT INTO record
         (sequence, case_no, version, act, person_id, staff, at, why, second_look, imported)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &params![
            sequence,
            *case_no,
            standing.version + 1,
            record.act.word(),
            record.act.person(),
            &record.staff,
            record.at.0,
            &record.why,
            record.second_look,
            record.imported
        ],
    )?;
    Ok(standing.with(record))
}

const AUTOMATIC: &str = "SELECT query_id FROM automatic_link WHERE institution = $1 AND person_id = $2";
const LINKED_ELSEWHERE: &str = "SELECT DISTINCT r.case_no, c.query_id
    FROM record r JOIN review_case c ON c.no = r.case_no
    WHERE r.person_id = $1 AND c.institution = $2 AND r.case_no <> $3";

/// A line of a file of decisions.
pub(super) struct Line {
    pub(super) line: u64,
    pub(super) query_id: String,
    pub(super) record: Record,
}

/// Enters decisions made elsewhere, all of them or none. What stands in a case already is passed over. Says how many
/// were new, or which line was refused.
pub(super) async fn enter(
    db: &Db,
    lines: Vec<Line>,
    policy: SecondLook,
) -> Result<usize, (Option<u64>, Failed)> {
    db.write("enter", move |write| {
        let mut new = 0;
        for mut line in lines {
            let at_line = |failed: Failed| AtLine(Some(line.line), failed);
            let row =
                write.row("SELECT no FROM review_case WHERE query_id = $1", &params![&line.query_id])?;
            let case_no = row.ok_or_else(|| at_line(Refusal::UnknownCase.into()))?.int(0)?;
            let before = records(&write.rows(RECORDS, &params![case_no])?)?;
            let same = |known: &Record| {
                let of = |record: &Record| {
                    (record.act.clone(), record.staff.clone(), record.at, record.why.clone())
                };
                of(known) == of(&line.record)
            };
            if before.iter().any(same) {
                continue;
            }
            // A file can ask for more second looks than this desk, never for fewer.
            line.record.second_look |= policy.needed(&line.record.act);
            append(write, &before, &Doing { case_no, record: line.record }).map_err(at_line)?;
            new += 1;
        }
        Ok(new)
    })
    .await
    .map_err(|AtLine(line, failed)| (line, failed))
}

struct AtLine(Option<u64>, Failed);

impl From<StoreError> for AtLine {
    fn from(error: StoreError) -> AtLine {
        AtLine(None, error.into())
    }
}

/// What the desk is given to work on.
#[derive(Default)]
pub(super) struct Given {
    pub(super) cases: Vec<Case>,
    pub(super) residents: Vec<Resident>,
    /// Institution, person_id, query_id.
    pub(super) links: Vec<(String, String, String)>,
}

/// Adds cases that are new; one that stands there must be the same. Says how many were new, or the query_id of one
/// that is another now.
pub(super) async fn add(db: &Db, given: Given) -> Result<Result<usize, String>, StoreError> {
    db.write("add", move |write| {
        let last = write.row("SELECT MAX(no) FROM review_case", &[])?;
        let mut next = last.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0) + 1;
        let first = next;
        for case in &given.cases {
            let known = "SELECT no FROM review_case WHERE query_id = $1";
            if let Some(row) = write.row(known, &params![&case.query_id])? {
                let no = row.int(0)?;
                if !is_same_case(write, no, case)? {
                    return Err(Changed(Ok(case.query_id.clone())));
                }
                continue;
            }
            add_case(write, next, case)?;
            next += 1;
        }
        for resident in &given.residents {
            add_resident(write, resident)?;
        }
        for (institution, person, query) in &given.links {
            write.execute(
                "INSERT INTO automatic_link (institution, person_id, query_id) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                &params![institution, person, query],
            )?;
        }
        Ok(usize::try_from(next - first).unwrap_or(0))
    })
    .await
    .map_or_else(|Changed(why)| why.map(Err), |new| Ok(Ok(new)))
}

/// A case that is another than before, or an error of the store.
struct Changed(Result<String, StoreError>);

impl From<StoreError> for Changed {
    fn from(error: StoreError) -> Changed {
        Changed(Err(error))
    }
}

fn is_same_case(write: &mut Write<'_>, no: i64, case: &Case) -> Result<bool, StoreError> {
    let row = write.row(CASE, &params![no])?;
    let Some((query_id, institution, customer)) = row.as_ref().map(case_row).transpose()? else {
        return Ok(false);
    };
    let candidates = write.rows(CANDIDATES, &params![no])?.iter().map(candidate).collect::<Result<_, _>>()?;
    Ok(*case == Case { query_id, institution, customer, candidates })
}

fn add_case(write: &mut Write<'_>, no: i64, case: &Case) -> Result<(), StoreError> {
    let Attributes { name, kana, sex, birth, address } = &case.customer;
    write.execute(
        "INSERT INTO review_case (no, query_id, institution, name, kana, sex, birth, address)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &params![no, &case.query_id, &case.institution, name, kana, sex, birth, address],
    )?;
    for (place, candidate) in (1_i64..).zip(&case.candidates) {
        write.execute(
            "INSERT INTO candidate (case_no, place, person_id, score, why) VALUES ($1, $2, $3, $4, $5)",
            &params![no, place, &candidate.person_id, &candidate.score, &candidate.why],
        )?;
    }
    Ok(())
}

fn add_resident(write: &mut Write<'_>, resident: &Resident) -> Result<(), StoreError> {
    let Attributes { name, kana, sex, birth, address } = &resident.attributes;
    let new = write.execute(
        "INSERT INTO resident (person_id, name, kana, sex, birth, address, tsusho)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &params![&resident.person_id, name, kana, sex, birth, address, &resident.tsusho],
    )?;
    for (place, past) in (1_i64..).zip(resident.past.iter().filter(|_| new == 1)) {
        write.execute(
            "INSERT INTO resident_past (person_id, place, kind, value, kana) VALUES ($1, $2, $3, $4, $5)",
            &params![&resident.person_id, place, &past.kind, &past.value, &past.kana],
        )?;
    }
    Ok(())
}

const CASE: &str =
    "SELECT query_id, institution, name, kana, sex, birth, address FROM review_case WHERE no = $1";
const CANDIDATES: &str = "SELECT person_id, score, why FROM candidate WHERE case_no = $1 ORDER BY place";

fn case_row(row: &Row) -> Result<(String, String, Attributes), StoreError> {
    Ok((row.text(0)?, row.text(1)?, attributes(row, 2)?))
}

fn attributes(row: &Row, from: usize) -> Result<Attributes, StoreError> {
    Ok(Attributes {
        name: row.text(from)?,
        kana: row.text(from + 1)?,
        sex: row.text(from + 2)?,
        birth: row.text(from + 3)?,
        address: row.text(from + 4)?,
    })
}

fn candidate(row: &Row) -> Result<Candidate, StoreError> {
    Ok(Candidate { person_id: row.text(0)?, score: row.text(1)?, why: row.text(2)? })
}

/// All of a case that a page shows.
pub(super) struct Whole {
    pub(super) case: Case,
    /// For each candidate: the resident, and the customer of the same institution that the resident is already.
    pub(super) residents: Vec<(Resident, Option<Tie>)>,
    pub(super) records: Vec<Record>,
}

/// Another customer whom a resident is tied to.
pub(super) struct Tie {
    pub(super) query_id: String,
    /// Its case, unless the matcher linked it.
    pub(super) case_no: Option<i64>,
}

/// Reads a case with its candidates and its history.
pub(super) async fn whole(db: &Db, no: i64) -> Result<Option<Whole>, StoreError> {
    db.read("whole", move |read| {
        let row = read.row(CASE, &params![no])?;
        let Some((query_id, institution, customer)) = row.as_ref().map(case_row).transpose()? else {
            return Ok(None);
        };
        let candidates: Vec<Candidate> =
            read.rows(CANDIDATES, &params![no])?.iter().map(candidate).collect::<Result<_, _>>()?;
        let mut residents = Vec::new();
        for Candidate { person_id, .. } in &candidates {
            let row = read.row(
                "SELECT name, kana, sex, birth, address, tsusho FROM resident WHERE person_id = $1",
                &params![person_id],
            )?;
            let past = read.rows(
                "SELECT kind, value, kana FROM resident_past WHERE person_id = $1 ORDER BY place",
                &params![person_id],
            )?;
            let past = past.iter().map(|row| {
                Ok::<_, StoreError>(Past { kind: row.text(0)?, value: row.text(1)?, kana: row.text(2)? })
            });
            let resident = Resident {
                person_id: person_id.clone(),
                attributes: row.as_ref().map(|row| attributes(row, 0)).transpose()?.unwrap_or_default(),
                tsusho: row.as_ref().map(|row| row.text(5)).transpose()?.unwrap_or_default(),
                past: past.collect::<Result<_, _>>()?,
            };
            let automatic = read.row(AUTOMATIC, &params![&institution, person_id])?;
            let mut tie = automatic
                .map(|row| Ok::<_, StoreError>(Tie { query_id: row.text(0)?, case_no: None }))
                .transpose()?;
            for row in read.rows(LINKED_ELSEWHERE, &params![person_id, &institution, no])? {
                let other = row.int(0)?;
                let standing = Standing::of(&records(&read.rows(RECORDS, &params![other])?)?);
                if standing.tied() == Some(person_id) {
                    tie = Some(Tie { query_id: row.text(1)?, case_no: Some(other) });
                }
            }
            residents.push((resident, tie));
        }
        let records = records(&read.rows(RECORDS, &params![no])?)?;
        Ok(Some(Whole { case: Case { query_id, institution, customer, candidates }, residents, records }))
    })
    .await
}

/// What the list shows of a case.
pub(super) struct Brief {
    pub(super) no: i64,
    pub(super) query_id: String,
    pub(super) institution: String,
    pub(super) name: String,
    pub(super) candidates: i64,
    pub(super) score: String,
}

/// The list's rows for these cases.
pub(super) async fn briefs(db: &Db, numbers: Vec<i64>) -> Result<Vec<Brief>, StoreError> {
    db.read("briefs", move |read| {
        let mut briefs = Vec::with_capacity(numbers.len());
        for no in numbers {
            let sql = "SELECT c.query_id, c.institution, CASE c.name WHEN '' THEN c.kana ELSE c.name END,
                (SELECT COUNT(*) FROM candidate WHERE case_no = c.no), f.score
                FROM review_case c JOIN candidate f ON f.case_no = c.no AND f.place = 1 WHERE c.no = $1";
            if let Some(row) = read.row(sql, &params![no])? {
                briefs.push(Brief {
                    no,
                    query_id: row.text(0)?,
                    institution: row.text(1)?,
                    name: row.text(2)?,
                    candidates: row.int(3)?,
                    score: row.text(4)?,
                });
            }
        }
        Ok(briefs)
    })
    .await
}

/// The case of a customer.
pub(super) async fn case_of(db: &Db, query_id: String) -> Result<Option<i64>, StoreError> {
    db.read("case_of", move |read| {
        let row = read.row("SELECT no FROM review_case WHERE query_id = $1", &params![&query_id])?;
        row.map(|row| row.int(0)).transpose()
    })
    .await
}

/// Every case's standing, in order of their numbers, which count from 1.
pub(super) async fn standings(db: &Db) -> Result<Vec<Standing>, StoreError> {
    db.read("standings", |read| {
        let count = read.row("SELECT COUNT(*) FROM review_case", &[])?;
        let count = count.map(|row| row.int(0)).transpose()?.unwrap_or(0);
        let mut standings = vec![Standing::default(); usize::try_from(count).unwrap_or(0)];
        let all = "SELECT act, person_id, staff, at, why, second_look, imported, case_no FROM record
            ORDER BY sequence";
        read.each(all, &[], |row| {
            let place = usize::try_from(row.int(7)? - 1).ok();
            if let Some(standing) = place.and_then(|place| standings.get_mut(place)) {
                *standing = std::mem::take(standing).with(&record(&row)?);
            }
            Ok(())
        })?;
        Ok(standings)
    })
    .await
}

/// Every record with its customer, in the order in which they were made.
pub(super) async fn log(db: &Db) -> Result<Vec<(String, Record)>, StoreError> {
    db.read("log", |read| {
        let sql = "SELECT r.act, r.person_id, r.staff, r.at, r.why, r.second_look, r.imported, c.query_id
            FROM record r JOIN review_case c ON c.no = r.case_no ORDER BY r.sequence";
        let mut log = Vec::new();
        read.each(sql, &[], |row| {
            log.push((row.text(7)?, record(&row)?));
            Ok(())
        })?;
        Ok(log)
    })
    .await
}

/// Every row of the review file: number of the case, query_id, and the candidate.
pub(super) async fn review_rows(db: &Db) -> Result<Vec<(i64, String, Candidate)>, StoreError> {
    db.read("review_rows", |read| {
        let sql = "SELECT f.person_id, f.score, f.why, c.no, c.query_id
            FROM candidate f JOIN review_case c ON c.no = f.case_no ORDER BY c.no, f.place";
        let mut rows = Vec::new();
        read.each(sql, &[], |row| {
            rows.push((row.int(3)?, row.text(4)?, candidate(&row)?));
            Ok(())
        })?;
        Ok(rows)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn records_can_only_be_added() {
        let folder = tempfile::tempdir().unwrap();
        let location = store::Location::Sqlite(folder.path().join("desk.db"));
        let db = Db::open(&location, &[MIGRATIONS]).await.unwrap();
        let candidate = Candidate { person_id: "P1".into(), score: "1.0".into(), why: String::new() };
        let case = Case {
            query_id: "Q1".into(),
            institution: String::new(),
            customer: Attributes::default(),
            candidates: vec![candidate],
        };
        let given = || Given { cases: vec![case.clone()], ..Given::default() };
        assert_eq!(add(&db, given()).await.unwrap(), Ok(1));
        assert_eq!(add(&db, given()).await.unwrap(), Ok(0), "given again, it is there");
        let record = Record {
            act: Act::None,
            staff: "sato".into(),
            at: Moment(1),
            why: String::new(),
            second_look: false,
            imported: false,
        };
        let doing = || Doing { case_no: 1, record: record.clone() };
        assert!(act(&db, doing(), 0).await.is_ok());
        assert!(matches!(act(&db, doing(), 0).await, Err(Failed::Refused(Refusal::Stale))));
        for sql in ["UPDATE record SET staff = 'other'", "DELETE FROM record"] {
            let changed = db.write("change", move |write| write.execute(sql, &[])).await;
            assert!(matches!(changed, Err(StoreError::Constraint { .. })), "{sql}: {changed:?}");
        }
        assert_eq!(log(&db).await.unwrap(), [("Q1".to_owned(), record)]);
        db.close().await;
    }
}
