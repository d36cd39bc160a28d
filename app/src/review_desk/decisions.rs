//! Files of decisions: the log that the desk writes, which another desk can read, and what follows from it.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::moments;
use super::standing::{Act, Record, Standing, State};
use super::store::{Candidate, Line};
use crate::matching_command::table::Table;

const LOG: [&str; 8] = ["query_id", "decision", "person_id", "who", "when", "why", "second_look", "imported"];
const MATCHES: [&str; 4] = ["query_id", "person_id", "score", "why"];

/// Reads a file of decisions: query_id, decision, person_id, who, when; also why and second_look.
pub(super) fn read(path: &Path) -> Result<Vec<Line>> {
    let mut table = Table::open(path, &["query_id", "decision", "person_id", "who", "when"])?;
    let mut lines = Vec::new();
    while let Some(row) = table.next()? {
        let at = format!("{}, line {}", path.display(), row.line);
        let act = Act::read(row.field("decision").trim(), row.field("person_id").trim()).with_context(|| {
            format!(
                "{at}: decision must be link (with a person_id), none, note, confirm, send_back or undo (without)"
            )
        })?;
        let moment = moments::read(row.field("when").trim())
            .with_context(|| format!("{at}: when must be a moment such as 2026-04-01T09:30:00+09:00"))?;
        let second_look = match row.field("second_look").trim() {
            "yes" => true,
            "" | "no" => false,
            _ => bail!("{at}: second_look must be yes, no or empty"),
        };
        lines.push(Line {
            line: row.line,
            query_id: row.required("query_id", path)?,
            record: Record {
                act,
                staff: row.required("who", path)?.trim().to_owned(),
                at: moment,
                why: row.field("why").trim().to_owned(),
                second_look,
                imported: true,
            },
        });
    }
    Ok(lines)
}

/// The log as [`read`] takes it.
pub(super) fn log(log: &[(String, Record)]) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(LOG)?;
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    for (query_id, record) in log {
        out.write_record([
            query_id,
            record.act.word(),
            record.act.person().unwrap_or(""),
            &record.staff,
            &moments::written(record.at),
            &record.why,
            yes_no(record.second_look),
            yes_no(record.imported),
        ])?;
    }
    out.into_inner().context("writing the decisions")
}

/// Decided links in the form of `musubi match --out`; what waits for a second look is not among them.
pub(super) fn links(rows: &[(i64, String, Candidate)], standings: &[Standing]) -> Result<Vec<u8>> {
    matches(rows, standings, |standing, candidate| {
        let outcome = standing.outcome.as_ref().filter(|_| standing.state == State::Decided)?;
        if outcome.act.person() != Some(&candidate.person_id) {
            return None;
        }
        let mut why =
            format!("{} Decided by {} at {}.", candidate.why, outcome.staff, moments::written(outcome.at));
        if let Some(second) = &standing.second {
            why += &format!(" Second look by {} at {}.", second.staff, moments::written(second.at));
        }
        Some(why)
    })
}

/// What is still to be done, in the form of `musubi match --review`.
pub(super) fn remaining(rows: &[(i64, String, Candidate)], standings: &[Standing]) -> Result<Vec<u8>> {
    matches(rows, standings, |standing, candidate| {
        (standing.state != State::Decided).then(|| candidate.why.clone())
    })
}

fn matches(
    rows: &[(i64, String, Candidate)],
    standings: &[Standing],
    why: impl Fn(&Standing, &Candidate) -> Option<String>,
) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(MATCHES)?;
    for (no, query_id, candidate) in rows {
        let standing = usize::try_from(no - 1).ok().and_then(|place| standings.get(place));
        if let Some(why) = standing.and_then(|standing| why(standing, candidate)) {
            out.write_record([query_id, &candidate.person_id, &candidate.score, &why])?;
        }
    }
    out.into_inner().context("writing the rows")
}
