//! Reconciliation (A5): the third-party body collects records from where they lie and holds the sides of each act
//! against one another. Records name institutions, departments, staff, items and times, and commit to content; they hold
//! no content and no code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::{ActId, B64, Moment, PartyId};

/// Route at every room, for oversight: records in the order of the room's ledger.
pub const RECORDS: &str = "/records";
/// Route at oversight, for its officers: a reconciliation over a time.
pub const RECONCILIATIONS: &str = "/reconciliations";

/// Route at every room, for oversight: what the room did under an act's id.
pub const LINES: &str = "/acts/{id}/lines";

/// Which records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichRecords {
    /// Only those behind this number of the ledger; numbers begin with 1.
    #[serde(default)]
    pub after: i64,
    /// From the first that was made at or after this time, ms since 1970.
    #[serde(default)]
    pub from: i64,
}

/// Most records in one answer.
pub const PAGE: i64 = 1_000;

/// One record as it stands in a room's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// Its number in the ledger, from 1: entry `seq - 1` of the tree.
    pub seq: i64,
    /// When it was made.
    pub at: Moment,
    /// The entry in the ledger.
    pub entry: B64,
    /// Salt and canonical record; `None` once they were erased.
    pub opened: Option<OpenedRecord>,
}

/// A record with what it takes to hold it against its entry: `SHA-256(tag ‖ salt ‖ text)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenedRecord {
    /// 32 bytes.
    pub salt: B64,
    /// The canonical record, exactly as hashed.
    pub text: String,
}

/// Route at the transcryptors, for their operators: a past decision, decided again under the law of its day.
pub const REPLAY: &str = "/acts/{id}/replay";

/// A past decision, decided again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replayed {
    /// The act.
    pub act: ActId,
    /// When it was decided.
    pub at: Moment,
    /// `permitted`, or the reason of the refusal, as recorded.
    pub recorded: String,
    /// The same, as decided again from the recorded facts and the documents of that day.
    pub replayed: String,
    /// Whether both are the same.
    pub agrees: bool,
    /// On which entry of the law it rests, where it was permitted.
    pub basis: Option<String>,
    /// The whitelist's version it was decided on.
    pub list_version: i64,
    /// The accreditations' version.
    pub accreditations_version: i64,
}

/// Over which time to reconcile; open ends where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// From when.
    pub from: Option<Moment>,
    /// Up to when.
    pub to: Option<Moment>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A side of an act has no record of it.
    MissingSide,
    /// Two sides say different things.
    Differs,
    /// An answer was given that no transcryptor had decided on.
    AnsweredWithoutDecision,
    /// An act did not come into the person's index.
    NotIndexed,
    /// An index entry of an act that nobody else knows.
    IndexedWithoutAct,
    /// An index entry that matches no resident.
    UnknownIndexEntry,
    /// A conversion that was not shown to be what it must be.
    DishonestConversion,
    /// A room's records are not those of its ledger.
    RecordNotInLedger,
    /// A room's ledger is not what its checkpoint says, or its checkpoint is not signed.
    LedgerBroken,
    /// A ledger has two histories.
    LedgerConflict,
    /// A ledger is not shown to its witness any more.
    LedgerSilent,
    /// A room's clock went back.
    ClockBack,
    /// A set for research was not returned or destroyed by its day.
    SetOverdue,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// With which act, where it is about one.
    pub act: Option<ActId>,
    /// At whom.
    pub party: PartyId,
    /// Which field or which side; no personal data.
    pub detail: String,
}

/// How one room's ledger was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerSeen {
    /// Whose.
    pub party: PartyId,
    /// Its entries.
    pub size: u64,
    /// How many records were read.
    pub records: usize,
    /// Whether entries, checkpoint, signature and records agree; `None` where the room could not be reached.
    pub verified: Option<bool>,
}

/// What a reconciliation found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconciliation {
    /// From when.
    pub from: Option<Moment>,
    /// Up to when.
    pub to: Moment,
    /// Every room, reached or not.
    pub ledgers: Vec<LedgerSeen>,
    /// How many acts were joined.
    pub acts: usize,
    /// How many of them have every side, agreeing.
    pub agreed: usize,
    /// How many could not be judged, because a room was away or the act is too young.
    pub not_judged: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}
