//! The opening of a session (DESIGN §3, "Sessions").
//!
//! A room asks linkage; linkage multiplies its factor into the global key, the trustee multiplies its own after
//! checking linkage's proof, both store the result. The room fetches its share from each over its own
//! connection, sealed to its certified key, and checks the public key against its own secret.

use schemars::JsonSchema;
use seal::{KeyProof, PublicPoint, Typ};
use serde::{Deserialize, Serialize};
use words::{B64, Epoch, Moment, PartyId, SessionName};

use crate::Message;

/// Route at linkage: the caller's current session, opened if there is none.
pub const OPEN: &str = "/sessions";
/// Route at linkage, for the registry: the name of a party's current session.
pub const CURRENT: &str = "/sessions/{party}";
/// Route at the trustee, for linkage: the trustee's turn in a session's key.
pub const EXTEND: &str = "/session-keys";
/// Route at linkage, for the trustee: what linkage stated of a session that this replica did not hear of.
pub const STATEMENT: &str = "/session-statements";
/// Route at the trustee, for the session's own room: the trustee's share.
pub const SHARE: &str = "/session-shares";

/// HPKE info under which a share is sealed; the session's name is the additional data.
pub const SHARE_INFO: &[u8] = b"musubi/session-share/v1";

/// What a transcryptor states of a session's key after its turn.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionKey {
    /// The session.
    pub session: SessionName,
    /// Commitment, key so far, and proof.
    pub key: KeyProof,
    /// Commitment to the factor of the party's domain in this epoch.
    pub domain: PublicPoint,
    /// The epoch; the first one where none is named.
    #[serde(default, skip_serializing_if = "Epoch::is_first")]
    pub epoch: Epoch,
    /// From when it holds.
    pub opened_at: Moment,
    /// When it ends.
    pub ends_at: Moment,
}

impl Message for SessionKey {
    const TYP: Typ = Typ("musubi-session-key+jws");
}

/// Asks for the caller's current session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// A session the caller knows and does not want again, e.g. because it is near its end.
    pub instead_of: Option<SessionName>,
    /// A session of the caller's own that it wants the share of again. For the portal, whose index entries may
    /// have waited for it beyond the session's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<SessionName>,
}

/// Linkage's answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// Both transcryptors' statements, in the order of the route.
    pub keys: Vec<seal::Jws>,
    /// Linkage's share, sealed to the caller.
    pub share: B64,
}

/// Asks linkage for its statement of a session; the answer is an [`Extend`].
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskStatement {
    /// Which session.
    pub session: SessionName,
}

/// Asks the trustee to take its turn.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// For whom.
    pub party: PartyId,
    /// Linkage's statement.
    pub key: seal::Jws,
}

/// The trustee's turn.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extended {
    /// The trustee's statement.
    pub key: seal::Jws,
}

/// Asks the trustee for its share.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskShare {
    /// Of which session; must be the caller's own.
    pub session: SessionName,
}

/// The trustee's share.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareAnswer {
    /// Sealed to the caller.
    pub share: B64,
}

/// The name of a party's current session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// The session.
    pub session: SessionName,
}
