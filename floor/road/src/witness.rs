//! A room as a witness of others' ledgers: what it saw last of each, and the two histories it was shown.

use std::sync::PoisonError;

use ledger::{AddCheckpoint, NoteKey, WitnessRefusal};
use store::{StoreError, params};
use words::Moment;

use crate::ledger::{signed, unsigned};
use crate::travel::Road;

/// Two histories of one ledger, shown to this room as a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Whose.
    pub origin: String,
    /// What is wrong.
    pub refusal: WitnessRefusal,
    /// When it was shown.
    pub at: Moment,
}

impl Road {
    /// This room as a witness: judges a request over the ledger of `key` and keeps what it saw, in one transaction.
    /// The answer is the cosignature line.
    pub async fn witness(
        &self,
        request: &AddCheckpoint,
        key: &NoteKey,
    ) -> Result<Result<String, WitnessRefusal>, StoreError> {
        let ledger = self.ledger()?;
        let now = self.now();
        let (asked, of, seen_at) = (request.clone(), key.clone(), now.0);
        let judged = self
            .db
            .write("witness", move |write| {
                let sql = "SELECT size, root FROM witnessed WHERE origin = $1";
                let last = match write.row(sql, &params![of.name()])? {
                    Some(row) => Some((unsigned(row.int(0)?), row.array(1)?)),
                    None => None,
                };
                let judged = ledger::judge(&asked, &of, last);
                if let Ok(tree) = &judged {
                    let sql = "INSERT INTO witnessed (origin, size, root, note, at) VALUES ($1, $2, $3, $4, $5) \
                               ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, at = excluded.at";
                    let note = asked.checkpoint.to_string();
                    write.execute(sql, &params![of.name(), signed(tree.size), tree.root, note, seen_at])?;
                }
                Ok::<_, StoreError>(judged)
            })
            .await?;
        match judged {
            Ok(_) => {
                let time = unsigned(now.0.div_euclid(1000));
                let line = ledger::cosign(&ledger.origin, &ledger.key, time, &request.checkpoint.text);
                Ok(line.map(|line| format!("{line}\n")).map_err(|_| WitnessRefusal::Malformed))
            }
            Err(refusal) => {
                if refusal.is_conflict() {
                    tracing::error!(origin = key.name(), %refusal, "a ledger has two histories");
                    let conflict = Conflict { origin: key.name().to_owned(), refusal, at: now };
                    ledger.conflicts.lock().unwrap_or_else(PoisonError::into_inner).push(conflict);
                }
                Ok(Err(refusal))
            }
        }
    }

    /// Conflicts that were shown to this room since the last call. At most the last thousand.
    pub fn take_conflicts(&self) -> Vec<Conflict> {
        let Some(ledger) = &self.ledger else { return Vec::new() };
        let mut conflicts = ledger.conflicts.lock().unwrap_or_else(PoisonError::into_inner);
        let from = conflicts.len().saturating_sub(1000);
        conflicts.split_off(from)
    }

    /// When this room, as a witness, last saw each ledger, and at which size.
    pub async fn witnessed(&self) -> Result<Vec<(String, u64, Moment)>, StoreError> {
        self.db
            .read("witnessed", |read| {
                let rows = read.rows("SELECT origin, size, at FROM witnessed ORDER BY origin", &[])?;
                rows.iter()
                    .map(|row| Ok((row.text(0)?, unsigned(row.int(1)?), Moment(row.int(2)?))))
                    .collect()
            })
            .await
    }
}
