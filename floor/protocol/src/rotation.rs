//! The rotation of one institution's codes (DESIGN §3, "Rotation"): opened by linkage's operator, taken over by the
//! institution batch by batch, then switched.
//!
//! Rows go institution → linkage → trustee → institution: the codes of its present epoch, encrypted under its own session,
//! come back as those of the next one. Row i answers row i, and rows carry no handle.

use schemars::JsonSchema;
use seal::{EncryptedCode, Jws, Typ};
use serde::{Deserialize, Serialize};
use words::{ActId, B64, Epoch, Moment, PartyId, SessionName};

use crate::Message;

/// Route at linkage's inner side: its operator opens a rotation, or goes on with one.
pub const ROTATIONS: &str = "/rotations";
/// Route at the trustee and the institution, for linkage: an epoch is opened, or switched to.
pub const EPOCHS: &str = "/epochs";
/// Route at linkage, for the trustee: the changes of a party's epochs so far, for a replica that missed some.
pub const CHANGES: &str = "/epoch-changes";
/// Route at linkage, the trustee and the institution, in this order: the rows of a rotation.
pub const ROWS: &str = "/rotation-rows";

/// What the operator asks for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// Whose codes.
    pub party: PartyId,
    /// For how long after the switch codes of the old epoch are taken, ms.
    pub grace_ms: Option<u32>,
}

/// How far a rotation is. While `left` is not 0, ask again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Whose codes.
    pub party: PartyId,
    /// The new epoch.
    pub epoch: Epoch,
    /// Codes the institution has taken over in this call.
    pub taken: u32,
    /// Codes still to be taken over.
    pub left: u32,
    /// Until when old codes are taken, once it has switched.
    pub old_until: Option<Moment>,
}

/// What linkage signs of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpochChange {
    /// Whose codes.
    pub party: PartyId,
    /// The new epoch.
    pub epoch: Epoch,
    /// Absent while its codes are being taken over; then until when those of the old one are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_until: Option<Moment>,
    /// When it was sent.
    pub at: Moment,
}

impl Message for EpochChange {
    const TYP: Typ = Typ("musubi-epoch+jws");
}

/// Linkage to the trustee and the institution.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeOfEpoch {
    /// The signed [`EpochChange`].
    pub change: Jws,
}

/// Asks linkage for the changes of a party's epochs so far.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskChanges {
    /// Whose codes.
    pub party: PartyId,
}

/// Linkage's answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// A signed [`EpochChange`] for each epoch after the first, in their order.
    pub changes: Vec<Jws>,
}

/// What is still to be taken over; of the trustee nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakenOver {
    /// Codes taken over in this call.
    pub taken: u32,
    /// Codes still to be taken over.
    pub left: u32,
}

/// What the institution signs of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationRows {
    /// The batch; row i is `id ‖ i`.
    pub id: ActId,
    /// The institution.
    pub from: PartyId,
    /// The epoch of the codes.
    pub epoch: Epoch,
    /// The epoch they are wanted in.
    pub to_epoch: Epoch,
    /// The session they are encrypted under and shall come back under.
    pub session: SessionName,
    /// How many rows.
    pub rows: u32,
    /// SHA-256 over the 64-byte codes.
    pub codes: B64,
    /// When it was sent.
    pub at: Moment,
}

impl Message for RotationRows {
    const TYP: Typ = Typ("musubi-rotation-rows+jws");
}

/// Institution to linkage.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RotationToLinkage")]
pub struct ToLinkage {
    /// The institution's [`RotationRows`].
    pub rows: Jws,
    /// Its codes.
    pub codes: Vec<EncryptedCode>,
}

/// Linkage to the trustee.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RotationToTrustee")]
pub struct ToTrustee {
    /// As it came.
    pub rows: Jws,
    /// Linkage's [`crate::issue::IssueHop`]; its `rows` is the hash of the institution's.
    pub hop: Jws,
    /// Half converted.
    pub codes: Vec<EncryptedCode>,
}

/// Trustee to the institution, which answers with [`crate::issue::Stored`], passed back the whole way.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RotationToInstitution")]
pub struct ToInstitution {
    /// As it came.
    pub rows: Jws,
    /// Linkage's and the trustee's [`crate::issue::IssueHop`].
    pub hops: Vec<Jws>,
    /// Converted to the next epoch.
    pub codes: Vec<EncryptedCode>,
}
