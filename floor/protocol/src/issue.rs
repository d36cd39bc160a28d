//! The issue of link codes (DESIGN §3, "Issue"): institution → registry → linkage → trustee → institution.
//!
//! Rows keep their order and carry no handle: row i answers row i. A row that was not matched carries a fresh
//! random point; its true status is sealed to the institution.

use schemars::JsonSchema;
use seal::{EncryptedCode, Jws, Typ};
use serde::{Deserialize, Serialize};
use words::{ActId, B64, Epoch, Moment, PartyId, SessionName};

use crate::Message;
use crate::index::HalfIndex;

/// Route at the registry, linkage, the trustee and the institution, in this order.
pub const PATH: &str = "/issues";

/// HPKE info of the rows sealed to the registry; the batch id is the additional data.
pub const ROWS_INFO: &[u8] = b"musubi/issue-rows/v1";
/// HPKE info of the statuses sealed to the institution; the batch id is the additional data.
pub const STATUS_INFO: &[u8] = b"musubi/issue-status/v1";

/// One customer as the institution holds the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// Name, in the institution's spelling.
    pub name: String,
    /// Reading, where it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kana: Option<String>,
    /// Address, in the institution's spelling.
    pub address: String,
    /// Birth date, in the institution's notation.
    pub birth: String,
    /// Sex, in the institution's notation.
    pub sex: String,
}

/// What the institution signs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The batch; row i is `id ‖ i`.
    pub id: ActId,
    /// The institution.
    pub from: PartyId,
    /// The epoch of its codes.
    pub epoch: Epoch,
    /// The session the codes shall arrive under.
    pub session: SessionName,
    /// How many rows.
    pub rows: u32,
    /// SHA-256 of the sealed rows.
    pub sealed: B64,
    /// When it was sent.
    pub at: Moment,
}

impl Message for Order {
    const TYP: Typ = Typ("musubi-issue-order+jws");
}

/// Institution to registry.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToRegistry {
    /// The signed [`Order`].
    pub order: Jws,
    /// `Vec<Attributes>` as JSON, sealed to the registry.
    pub sealed: B64,
}

/// What became of a row; sealed to the institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// Matched; the row carries the person's code.
    Linked,
    /// Doubtful; a person must look. The row carries a random point.
    Review,
    /// Not in the register. The row carries a random point.
    None,
}

/// What the registry signs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The batch.
    pub id: ActId,
    /// For whom.
    pub to: PartyId,
    /// The epoch of its codes.
    pub to_epoch: Epoch,
    /// The session the codes shall arrive under.
    pub to_session: SessionName,
    /// The registry's session under which the rows are encrypted.
    pub from_session: SessionName,
    /// How many rows.
    pub rows: u32,
    /// SHA-256 over the 64-byte codes for the institution.
    pub codes: B64,
    /// SHA-256 over the 64-byte codes for the portal's index; over nothing where the portal itself is served.
    pub index: B64,
    /// SHA-256 of the sealed statuses.
    pub status: B64,
    /// When it was sent.
    pub at: Moment,
    /// Where the first row is a person who was asserted to the registry: until when that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserted_until: Option<Moment>,
}

impl Message for Rows {
    const TYP: Typ = Typ("musubi-issue-rows+jws");
}

/// Registry to linkage.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IssueToLinkage")]
pub struct ToLinkage {
    /// The institution's [`Order`]; absent where the registry serves the portal by its own duty.
    pub order: Option<Jws>,
    /// The registry's [`Rows`].
    pub rows: Jws,
    /// Codes for the institution, one a row.
    pub codes: Vec<EncryptedCode>,
    /// Codes for the portal's index, one a row; empty where the portal itself is served.
    pub index: Vec<EncryptedCode>,
    /// `Vec<RowStatus>` as JSON, sealed to the institution.
    pub status: B64,
}

/// What a transcryptor signs of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueHop {
    /// The batch.
    pub id: ActId,
    /// SHA-256 of the registry's JWS.
    pub rows: B64,
    /// SHA-256 over the codes taken in.
    pub taken: B64,
    /// SHA-256 over the codes given out.
    pub given: B64,
}

impl Message for IssueHop {
    const TYP: Typ = Typ("musubi-issue-hop+jws");
}

/// Linkage to the trustee.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IssueToTrustee")]
pub struct ToTrustee {
    /// As it came.
    pub order: Option<Jws>,
    /// As it came.
    pub rows: Jws,
    /// Linkage's [`IssueHop`].
    pub hop: Jws,
    /// Half converted.
    pub codes: Vec<EncryptedCode>,
    /// Half converted, for the portal; absent where the portal itself is served.
    pub index: Option<HalfIndex>,
    /// As it came.
    pub status: B64,
}

/// Trustee to the institution.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToInstitution {
    /// As it came.
    pub order: Option<Jws>,
    /// As it came.
    pub rows: Jws,
    /// Linkage's and the trustee's [`IssueHop`].
    pub hops: Vec<Jws>,
    /// Converted to the institution's domain and session.
    pub codes: Vec<EncryptedCode>,
    /// As it came.
    pub status: B64,
}

/// The institution's word that it has the rows, passed back the whole way.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// The batch.
    pub id: ActId,
    /// How many rows are stored.
    pub rows: u32,
}
