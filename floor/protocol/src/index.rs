//! Index entries: how an act finds its way into the person's own records without anybody in between knowing whose.
//!
//! The portal is given its own code for the person and the act's id, nothing else; what the act was about it
//! asks linkage, by id, while the person looks.

use schemars::JsonSchema;
use seal::{EncryptedCode, Jws, Typ};
use serde::{Deserialize, Serialize};
use words::{ActId, B64, Epoch, SessionName};

use crate::Message;

/// Route at the portal (from the trustee): finished entries.
pub const PATH: &str = "/index-entries";
/// Route at the trustee (from linkage): half-converted entries of acts that went no further.
pub const HALF_PATH: &str = "/half-index-entries";

/// What a transcryptor signs of the entries it took in and gave out. One entry for an inquiry; for a batch, one
/// a row, in order, under the ids `id ‖ row`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexHop {
    /// The act, or the batch.
    pub id: ActId,
    /// Whether `codes` are the rows of a batch.
    pub batch: bool,
    /// The portal's session.
    pub to_session: SessionName,
    /// The portal's epoch.
    pub to_epoch: Epoch,
    /// SHA-256 over the 64-byte codes taken in, one after the other.
    pub taken: B64,
    /// SHA-256 over the 64-byte codes given out.
    pub given: B64,
}

impl Message for IndexHop {
    const TYP: Typ = Typ("musubi-index-hop+jws");
}

/// Linkage's half, as it travels with the act or alone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HalfIndex {
    /// Linkage's [`IndexHop`].
    pub hop: Jws,
    /// From which domain the codes come.
    pub from_session: SessionName,
    /// The epoch of that domain.
    pub from_epoch: Epoch,
    /// The half-converted codes.
    pub codes: Vec<EncryptedCode>,
}

/// Finished entries, trustee to portal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexEntries {
    /// Linkage's and the trustee's [`IndexHop`], in this order.
    pub hops: Vec<Jws>,
    /// The codes in the portal's domain and session.
    pub codes: Vec<EncryptedCode>,
}

/// An empty acknowledgement.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Taken {}

/// The hash over a row of codes.
pub fn hash_of(codes: &[EncryptedCode]) -> B64 {
    let bytes: Vec<u8> = codes.iter().flat_map(EncryptedCode::to_bytes).collect();
    B64::from(seal::sha256(&bytes))
}
