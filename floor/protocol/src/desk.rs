//! A gateway's inner side, for clerks and the institution's own systems, and what every room tells its operator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use words::{ActId, AffairId, Date, ItemId, Moment, PartyId, Reason};

/// Route at a gateway: a clerk asks.
pub const INQUIRIES: &str = "/inquiries";
/// Route at a gateway: fetch link codes for the own customers that have none.
pub const ISSUE: &str = "/codes";
/// Route at every room: acts counted.
pub const SUMMARY: &str = "/acts/summary";
/// Route at every room: whether it is up.
pub const HEALTH: &str = "/health";
/// Route at every room, for its operator: figures in the Prometheus text format.
pub const METRICS: &str = "/metrics";
/// Route at every room: its OpenAPI document.
pub const OPENAPI: &str = "/openapi.json";

/// Route at every room that serves pages: a ticket for its pages, for the holder of a key.
pub const SIGN_INS: &str = "/sign-ins";

/// Where a browser is let in, once, within a minute.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The address to open.
    pub url: String,
}

/// Route at every room, for its operator: erase what has come to the end of its period.
pub const ERASURES: &str = "/erasures";

/// By which day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// What has come to its end by this day is erased.
    pub as_of: Date,
}

/// What was erased of one kind and month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasedShelf {
    /// Kind and month, e.g. `provision/2026-11`.
    pub shelf: String,
    /// Records that lost salt and text. Their entries in the ledger stay.
    pub records: u64,
    /// Acts with their kept replies.
    pub acts: u64,
}

/// What a clerk asks. No code: the own customer number.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The act's id; chosen by the gateway where it is left out. Given again with the same fields, it is a repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ActId>,
    /// The own customer number.
    pub customer: String,
    /// For which affair.
    pub affair: AffairId,
    /// For which item.
    pub item: ItemId,
    /// From whom.
    pub provider: PartyId,
}

/// What a clerk is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The act.
    pub id: ActId,
    /// The content.
    pub content: Box<RawValue>,
    /// When the provider's copy was taken, where the answer is from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Moment>,
}

/// What a clerk is told (202) where a clerk of the provider decides: the answer comes later, under the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The act.
    pub id: ActId,
    /// When an answer is due at the latest.
    pub until: Moment,
}

/// How an own inquiry stands. Route: `GET /inquiries/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskState {
    /// In a batch, not sent yet.
    Queued,
    /// Sent.
    Asking,
    /// The content is there.
    Answered,
    /// The provider's clerk has it.
    Waiting,
    /// Refused, with a reason that does not depend on the person.
    Refused,
    /// Not answered, or something broke; the reason says which.
    Failed,
}

impl AskState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Asking, Self::Answered, Self::Waiting, Self::Refused, Self::Failed];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Asking => "asking",
            Self::Answered => "answered",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// An own inquiry as it stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The act.
    pub id: ActId,
    /// How it stands.
    pub state: AskState,
    /// The content, where it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Box<RawValue>>,
    /// When the provider's copy was taken, where the answer is from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Moment>,
    /// Why not, where it was refused or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When an answer is due, where it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// Route at a gateway: takes the copy of the own system now.
pub const COPY: &str = "/copy";

/// The copy was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyTaken {
    /// Of how many customers.
    pub customers: u32,
    /// When.
    pub at: Moment,
}

/// Route at a gateway: many inquiries at once.
pub const BATCHES: &str = "/inquiry-batches";
/// Most rows of one batch.
pub const BATCH_ROWS: usize = 10_000;

/// Many inquiries. The same id with the same rows goes on where it stopped.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskMany {
    /// The batch: its last four bytes are zero. Row `i`, from 0, is the act `id ‖ try ‖ i + 1`: its first 12 bytes, one byte of
    /// earlier tries that came to no end, the row in three bytes.
    pub id: ActId,
    /// At most [`BATCH_ROWS`].
    pub rows: Vec<AskRow>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskRow {
    /// The own customer number.
    pub customer: String,
    /// For which affair.
    pub affair: AffairId,
    /// For which item.
    pub item: ItemId,
    /// From whom.
    pub provider: PartyId,
}

/// How far a batch is. Routes: `GET /inquiry-batches/{id}`, `POST /inquiry-batches/{id}` with [`MoveBatch`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchState {
    /// Rows.
    pub rows: u32,
    /// Not sent yet.
    pub queued: u32,
    /// Under way.
    pub asking: u32,
    /// Answered.
    pub answered: u32,
    /// With a provider's clerk.
    pub waiting: u32,
    /// Refused.
    pub refused: u32,
    /// Not answered, or broken.
    pub failed: u32,
    /// Whether it was stopped.
    pub stopped: bool,
}

/// Stops a batch or lets it go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveBatch {
    /// Whether it is to stop.
    pub stop: bool,
}

/// One row as it stands. Route: `GET /inquiry-batches/{id}/rows`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRow {
    /// The row as it was sent.
    pub row: AskRow,
    /// What came of it.
    pub asked: Asked,
}

/// Route at a gateway: inquiries of others that wait for an own clerk.
pub const AWAITING: &str = "/awaiting";

/// An inquiry that waits for an own clerk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwaitingLine {
    /// The act.
    pub id: ActId,
    /// Who asks.
    pub inquirer: PartyId,
    /// For which affair.
    pub affair: AffairId,
    /// For which item.
    pub item: ItemId,
    /// About which own customer; none where nobody here is meant: such an inquiry waits like any other, so that waiting
    /// says nothing of the person.
    pub customer: Option<String>,
    /// When it came.
    pub at: Moment,
    /// Until when it must be decided.
    pub until: Moment,
}

/// A clerk's decision. Route: `POST /awaiting/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// Whether it is to be answered.
    pub approve: bool,
}

/// Route at a gateway: shield a customer's record, or lift the shield.
pub const SHIELDS: &str = "/shields";

/// Whose record, and how.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shield {
    /// The own customer number.
    pub customer: String,
    /// Whether nothing of it may be provided.
    pub shielded: bool,
}

/// How far an issue is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// Customers with a code.
    pub linked: u32,
    /// Customers whose match awaits review.
    pub review: u32,
    /// Customers the register does not know.
    pub none: u32,
    /// Customers in batches that could not be sent; call again to go on.
    pub left: u32,
    /// Why they were not sent.
    pub reason: Option<Reason>,
}

/// Whether a room is up.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The room.
    pub room: String,
    /// The party.
    pub party: PartyId,
    /// `up`, or `degraded`: it runs and does not do all it should.
    pub state: HealthState,
    /// Why it is degraded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Trouble>,
}

/// How a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It does all it should.
    Up,
    /// It runs and does not.
    Degraded,
}

/// What keeps a room from doing all it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Its ledger is not the one that was witnessed; it answers nothing.
    LedgerBroken,
    /// No witness has seen its ledger lately; it answers nothing.
    Unwitnessed,
    /// Its copy of the law is missing or too old to decide on.
    LawTooOld,
    /// Its database does not answer.
    Database,
}

impl Trouble {
    /// Every trouble.
    pub const ALL: [Self; 4] = [Self::LedgerBroken, Self::Unwitnessed, Self::LawTooOld, Self::Database];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LedgerBroken => "ledger_broken",
            Self::Unwitnessed => "unwitnessed",
            Self::LawTooOld => "law_too_old",
            Self::Database => "database",
        }
    }
}
