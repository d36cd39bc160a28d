//! Who is calling. Known from the connection alone: a "caller" field in a message proves nothing.

use std::sync::Arc;

use rules::Role;
use seal::Sha256;
use words::{Kind, PartyId};

/// The certificate the peer proved on the connection: of the country, and within its time when the connection began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The SHA-256 of the DER.
    pub fingerprint: Sha256,
    /// The DER.
    pub der: Arc<[u8]>,
}

impl PeerCertificate {
    /// Of this DER.
    pub fn new(der: &[u8]) -> Self {
        Self { fingerprint: seal::sha256(der), der: der.into() }
    }
}

/// A party of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownParty {
    /// Its id.
    pub id: PartyId,
    /// What it is: a room's name; `gateway` for every institution.
    pub kind: Kind,
}

/// Whoever sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A party of the directory, by its certificate.
    Party(KnownParty),
    /// Somebody of this room's own house, by a certificate or a key.
    Inner {
        /// The name the key was given, e.g. `clerk-01`.
        name: String,
        /// The role behind the key.
        role: Role,
    },
    /// A certificate that is not in the directory (any more), or no valid key.
    Nobody,
}

impl Caller {
    /// A short name for records: the party, `inner/<name>`, or `nobody`.
    pub fn label(&self) -> String {
        match self {
            Self::Party(party) => party.id.to_string(),
            Self::Inner { name, .. } => format!("inner/{name}"),
            Self::Nobody => "nobody".into(),
        }
    }

    /// Whose repeats are one act's: as [`Caller::label`], but of the trustee its kind. Its replicas are one body, and what one
    /// of them began another may bring once more.
    pub fn body(&self) -> String {
        match self {
            Self::Party(party) if party.kind.as_str() == TRUSTEE => TRUSTEE.to_owned(),
            other => other.label(),
        }
    }
}

/// The kind of which a country may have several parties that stand for one another.
const TRUSTEE: &str = "trustee";

/// Knows which party a certificate belongs to now. Asked at each request, so that a revocation acts on
/// connections that are already open.
pub trait Callers: Send + Sync {
    /// The party of a certificate, if it is in the directory and not revoked.
    fn party(&self, certificate: &Sha256) -> Option<KnownParty>;
}

/// Knows the room's own people by their certificate, or by what a request carries: a key, or a session.
pub trait Insiders: Send + Sync {
    /// Who sent these headers, to that path.
    fn caller(&self, path: &str, headers: &axum::http::HeaderMap) -> Caller;

    /// Whose certificate this is. Asked at each request, as is [`Callers::party`].
    fn certified(&self, _certificate: &PeerCertificate) -> Caller {
        Caller::Nobody
    }
}

impl<T: Callers + ?Sized> Callers for Arc<T> {
    fn party(&self, certificate: &Sha256) -> Option<KnownParty> {
        (**self).party(certificate)
    }
}
