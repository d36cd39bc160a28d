//! Proofs of conversion: demanded by the next hop, the provider, the portal or oversight, given by the transcryptor.

use schemars::JsonSchema;
use seal::{CodeProof, Jws};
use serde::{Deserialize, Serialize};
use words::ActId;

/// Route at both transcryptors: shows one conversion of the last 24 hours.
pub const CONVERSION_PROOFS: &str = "/conversion-proofs";

/// Which of an act's two conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To the provider, or the institution that is given codes.
    To,
    /// To the portal's index.
    Index,
}

impl Target {
    /// The word in databases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::To => "to",
            Self::Index => "index",
        }
    }
}

/// Demands a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemandProof {
    /// The act; of a batch, the row's id.
    pub act: ActId,
    /// Which conversion.
    pub target: Target,
}

/// A proof with everything it rests on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversionProof {
    /// The act.
    pub act: ActId,
    /// Which conversion.
    pub target: Target,
    /// Linkage's and the trustee's statements of the sender's session key ([`crate::session::SessionKey`]).
    pub from: Vec<Jws>,
    /// The same of the receiver's.
    pub to: Vec<Jws>,
    /// The proof.
    pub code: CodeProof,
}

/// A proof oversight demanded, held against what both transcryptors published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proved {
    /// The transcryptor.
    pub party: words::PartyId,
    /// Which conversion.
    pub target: Target,
    /// Whether it showed it.
    pub holds: bool,
    /// What was wrong, if it did not.
    pub why: Option<words::Reason>,
}
