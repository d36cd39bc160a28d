//! The trust anchor every party starts from: made by the ceremony, public, the same for all.

use seal::{GlobalKeys, VerifyKey};
use serde::{Deserialize, Serialize};
use words::{PartyId, Scheme};

/// `country.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Country {
    /// The root certificate that certifies every party's TLS key, PEM.
    pub root_certificate: String,
    /// The authority's id.
    pub authority: PartyId,
    /// Where the authority listens, `host:port`.
    pub authority_address: String,
    /// The key that signs the directory.
    pub authority_key: VerifyKey,
    /// In whose name the whitelist is published.
    pub publisher: PartyId,
    /// The key that signs the whitelist, beside oversight's.
    pub publisher_key: VerifyKey,
    /// The key of the demo's picker of persons. Only rooms configured with `demo = true` take what it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo_key: Option<VerifyKey>,
    /// The scheme by which institutions have their codes; the blind one where none is named.
    #[serde(default, skip_serializing_if = "is_blind")]
    pub scheme: Scheme,
    /// The link codes' public material.
    pub global: GlobalKeys,
}

/// For serde, which hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_blind(scheme: &Scheme) -> bool {
    scheme.is_blind()
}
