//! The road's own SQL: acts, leaves, and what is read of them.

use seal::Sha256;
use store::{Read, StoreError, Value, Write, params};
use words::{ActId, Moment};

use crate::record::{Record, leaf_hash};
use crate::shelves::Shelves;

/// How an act stands.
pub(crate) mod state {
    pub(crate) const DECIDED: i64 = 0;
    pub(crate) const DONE: i64 = 1;
    pub(crate) const REFUSED: i64 = 2;
    pub(crate) const FAILED: i64 = 3;
    pub(crate) const UNKNOWN: i64 = 4;
    pub(crate) const WORDS: [&str; 5] = ["decided", "done", "refused", "failed", "unknown"];
}

/// A leaf ready to be inserted: sealed and hashed outside the transaction.
pub(crate) struct Leaf {
    act: Option<ActId>,
    verb: &'static str,
    step: &'static str,
    at: Moment,
    salt: [u8; 32],
    sealed: Vec<u8>,
    shelf: String,
    hash: Sha256,
}

impl Leaf {
    pub(crate) fn new(
        shelves: &Shelves,
        salt: [u8; 32],
        act: Option<ActId>,
        verb: &'static str,
        step: &'static str,
        at: Moment,
        mut record: Record,
    ) -> Result<Self, StoreError> {
        record.set("verb", verb).set("step", step).set("at", at);
        if let Some(act) = act {
            record.set("act", act);
        }
        let canonical = record.canonical();
        let (shelf, key) = shelves.for_record(verb, at)?;
        let sealed = key.seal("leaf", &salt, "record", &canonical);
        Ok(Self { act, verb, step, at, salt, sealed, shelf, hash: leaf_hash(&salt, &canonical) })
    }

    /// Under which retention key it is sealed.
    pub(crate) fn shelf(&self) -> &str {
        &self.shelf
    }

    pub(crate) fn insert(self, write: &mut Write<'_>) -> Result<(), StoreError> {
        // Writes are serial on both engines (decision 0001), so the next number is the greatest and one.
        let sql = "INSERT INTO leaf (seq, act, verb, step, at, salt, record, hash, shelf) \
                   VALUES ((SELECT COALESCE(MAX(seq), 0) + 1 FROM leaf), $1, $2, $3, $4, $5, $6, $7, $8)";
        let act = self.act.map(|act| act.bytes().to_vec());
        let values: [Value; 8] =
            params![act, self.verb, self.step, self.at.0, self.salt, self.sealed, self.hash, self.shelf];
        write.execute(sql, &values).map(|_| ())
    }
}

/// A row of `act` as it is found when its id comes again.
pub(crate) struct Found {
    pub(crate) caller: String,
    pub(crate) request_hash: Vec<u8>,
    pub(crate) state: i64,
    pub(crate) reason: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) reply: Option<Vec<u8>>,
    pub(crate) shelf: String,
}

const FIND: &str =
    "SELECT caller, request_hash, state, reason, detail, reply, shelf FROM act WHERE verb = $1 AND id = $2";

fn found(row: &store::Row) -> Result<Found, StoreError> {
    Ok(Found {
        caller: row.text(0)?,
        request_hash: row.bytes(1)?,
        state: row.int(2)?,
        reason: row.opt_text(3)?,
        detail: row.opt_text(4)?,
        reply: row.opt_bytes(5)?,
        shelf: row.text(6)?,
    })
}

pub(crate) fn find(read: &mut Read<'_>, verb: &str, id: &ActId) -> Result<Option<Found>, StoreError> {
    read.row(FIND, &params![verb, id.bytes()])?.map(|row| found(&row)).transpose()
}

pub(crate) fn find_in_write(
    write: &mut Write<'_>,
    verb: &str,
    id: &ActId,
) -> Result<Option<Found>, StoreError> {
    write.row(FIND, &params![verb, id.bytes()])?.map(|row| found(&row)).transpose()
}

/// One act as an operator or oversight sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct ActLine {
    /// The verb.
    pub verb: String,
    /// Who called.
    pub caller: String,
    /// How it stands.
    pub state: String,
    /// The reason, if it was not done.
    pub reason: Option<String>,
    /// When it was decided.
    pub decided_at: Moment,
    /// When it was closed.
    pub closed_at: Option<Moment>,
}

/// One leaf, opened with the room's own key.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafLine {
    /// Its number in this room's ledger, from 1.
    pub seq: i64,
    /// The act, if it belongs to one.
    pub act: Option<Vec<u8>>,
    /// The verb.
    pub verb: String,
    /// Which step it records.
    pub step: String,
    /// The salt.
    pub salt: Vec<u8>,
    /// The record.
    pub record: Record,
    /// The leaf's hash.
    pub hash: Vec<u8>,
}

/// Acts counted by verb, label, state and reason.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Summary {
    /// The verb.
    pub verb: String,
    /// What the verb counts under.
    pub label: String,
    /// `done`, `refused`, `failed`, `unknown` or `decided`.
    pub state: String,
    /// The reason the caller was told.
    pub reason: Option<String>,
    /// The reason in this room's own ledger, where it differs.
    pub truth: Option<String>,
    /// How many.
    pub count: i64,
}

fn state_word(state: i64) -> String {
    usize::try_from(state)
        .ok()
        .and_then(|state| state::WORDS.get(state))
        .map_or("unknown", |word| word)
        .to_owned()
}

impl crate::Road {
    /// Acts counted; no personal data in it.
    pub async fn summary(&self) -> Result<Vec<Summary>, StoreError> {
        self.db
            .read("summary", |read| {
                let sql = "SELECT verb, label, state, reason, truth, COUNT(*) FROM act GROUP BY verb, label, state, reason, truth \
                           ORDER BY verb, label, state, reason, truth";
                let mut lines = Vec::new();
                for row in &read.rows(sql, &[])? {
                    lines.push(Summary {
                        verb: row.text(0)?,
                        label: row.text(1)?,
                        state: state_word(row.int(2)?),
                        reason: row.opt_text(3)?,
                        truth: row.opt_text(4)?,
                        count: row.int(5)?,
                    });
                }
                // A used id is refused beside the act that has it: a record of its own, no act.
                let sql = "SELECT verb, COUNT(*) FROM leaf WHERE step = $1 GROUP BY verb ORDER BY verb";
                for row in &read.rows(sql, &params!["replayed"])? {
                    let reason = Some(words::Reason::Replayed.as_str().to_owned());
                    lines.push(Summary {
                        verb: row.text(0)?,
                        label: String::new(),
                        state: "refused".into(),
                        reason,
                        truth: None,
                        count: row.int(1)?,
                    });
                }
                Ok(lines)
            })
            .await
    }

    /// What this room did under an act id, verb by verb.
    pub async fn lines_of(&self, id: ActId) -> Result<Vec<ActLine>, StoreError> {
        self.db
            .read("lines_of", move |read| {
                let sql = "SELECT verb, caller, state, reason, decided_at, closed_at FROM act WHERE id = $1 ORDER BY verb";
                let rows = read.rows(sql, &params![id.bytes()])?;
                rows.iter()
                    .map(|row| {
                        Ok(ActLine {
                            verb: row.text(0)?,
                            caller: row.text(1)?,
                            state: state_word(row.int(2)?),
                            reason: row.opt_text(3)?,
                            decided_at: Moment(row.int(4)?),
                            closed_at: row.opt_int(5)?.map(Moment),
                        })
                    })
                    .collect()
            })
            .await
    }

    /// The records of one act, or of all (`None`), in the order of the ledger, opened with the room's key.
    pub async fn leaves(&self, of: Option<ActId>) -> Result<Vec<LeafLine>, StoreError> {
        let shelves = std::sync::Arc::clone(&self.shelves);
        self.db
            .read("leaves", move |read| {
                const COLUMNS: &str = "SELECT seq, act, verb, step, salt, record, hash, shelf FROM leaf";
                let (sql, values) = match of {
                    Some(act) => {
                        (format!("{COLUMNS} WHERE act = $1 ORDER BY seq"), params![act.bytes()].to_vec())
                    }
                    None => (format!("{COLUMNS} ORDER BY seq"), Vec::new()),
                };
                let mut lines = Vec::new();
                read.each(&sql, &values, |row| {
                    let (salt, sealed) = (row.bytes(4)?, row.bytes(5)?);
                    let opened = shelves.open_record(&row.text(7)?, &salt, &sealed);
                    let opened = opened.and_then(|bytes| Record::read(&bytes));
                    lines.push(LeafLine {
                        seq: row.int(0)?,
                        act: row.opt_bytes(1)?,
                        verb: row.text(2)?,
                        step: row.text(3)?,
                        salt,
                        record: opened.unwrap_or_default(),
                        hash: row.bytes(6)?,
                    });
                    Ok(())
                })?;
                Ok(lines)
            })
            .await
    }
}

/// One leaf as oversight collects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectedLeaf {
    /// Its number in this room's ledger, from 1.
    pub seq: i64,
    /// When it was made.
    pub at: Moment,
    /// The entry.
    pub entry: Sha256,
    /// Salt and canonical record; `None` once they were erased.
    pub opened: Option<([u8; 32], Vec<u8>)>,
}

/// One leaf of an act with its canonical text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActLeaf {
    /// Its number in this room's ledger, from 1.
    pub seq: i64,
    /// Which step it records.
    pub step: String,
    /// The salt.
    pub salt: [u8; 32],
    /// The canonical record.
    pub text: String,
}

impl crate::Road {
    /// The leaves of one act that have not been erased, in the order of the ledger, exactly as hashed.
    pub async fn act_leaves(&self, act: ActId) -> Result<Vec<ActLeaf>, StoreError> {
        let shelves = std::sync::Arc::clone(&self.shelves);
        self.db
            .read("act_leaves", move |read| {
                let sql = "SELECT seq, step, salt, record, shelf FROM leaf WHERE act = $1 ORDER BY seq";
                let mut leaves = Vec::new();
                for row in &read.rows(sql, &params![act.bytes()])? {
                    let Ok(salt) = <[u8; 32]>::try_from(row.bytes(2)?) else { continue };
                    let text = shelves.open_record(&row.text(4)?, &salt, &row.bytes(3)?);
                    if let Some(text) = text.and_then(|text| String::from_utf8(text).ok()) {
                        leaves.push(ActLeaf { seq: row.int(0)?, step: row.text(1)?, salt, text });
                    }
                }
                Ok(leaves)
            })
            .await
    }

    /// Leaves behind number `after`, from the first that was made at `from` or later, in the order of the ledger.
    pub async fn collect(
        &self,
        after: i64,
        from: Moment,
        most: i64,
    ) -> Result<Vec<CollectedLeaf>, StoreError> {
        let shelves = std::sync::Arc::clone(&self.shelves);
        self.db
            .read("collect", move |read| {
                let sql = "SELECT seq, at, hash, salt, record, shelf FROM leaf WHERE seq > $1 AND seq >= COALESCE((SELECT MIN(seq) FROM leaf WHERE at >= $2), 9223372036854775807) ORDER BY seq LIMIT $3";
                let rows = read.rows(sql, &params![after, from.0, most])?;
                rows.iter()
                    .map(|row| {
                        let salt = row.bytes(3)?;
                        let text = shelves.open_record(&row.text(5)?, &salt, &row.bytes(4)?);
                        Ok(CollectedLeaf {
                            seq: row.int(0)?,
                            at: Moment(row.int(1)?),
                            entry: row.array(2)?,
                            opened: salt.try_into().ok().zip(text),
                        })
                    })
                    .collect()
            })
            .await
    }
}
