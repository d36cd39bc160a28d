//! A gateway's inner side, for clerks and the institution's own systems, and what every room tells its operator.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use words::{ActId, AffairId, Date, ItemId, PartyId, Reason};

/// Route at a gateway: a clerk asks.
pub const INQUIRIES: &str = "/inquiries";
/// Route at a gateway: fetch link codes for the own customers that have none.
pub const ISSUE: &str = "/codes";
/// Route at every room: acts counted.
pub const SUMMARY: &str = "/acts/summary";
/// Route at every room: whether it is up.
pub const HEALTH: &str = "/health";

/// Route at every room that serves pages: a ticket for its pages, for the holder of a key.
pub const SIGN_INS: &str = "/sign-ins";

/// Where a browser is let in, once, within a minute.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The address to open.
    pub url: String,
}

/// Route at every room, for its operator: erase what has come to the end of its period.
pub const ERASURES: &str = "/erasures";

/// By which day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// What has come to its end by this day is erased.
    pub as_of: Date,
}

/// What was erased of one kind and month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The act.
    pub id: ActId,
    /// The content.
    pub content: Box<RawValue>,
}

/// How far an issue is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// The room.
    pub room: String,
    /// The party.
    pub party: PartyId,
    /// `up`.
    pub state: String,
}
