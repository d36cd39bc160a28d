//! The directory: who is who, where, with which keys. Published by the authority, signed, versioned, polled by all.

use std::collections::HashMap;

use schemars::JsonSchema;
use seal::{SealingPublic, Sha256, Typ, VerifyKey};
use serde::{Deserialize, Serialize};
use wire::{Callers, KnownParty};
use words::{ActId, B64, Kind, Moment, PartyId};

use crate::Message;

/// Route: the signed directory, as `{"directory": <JWS>}`.
pub const PATH: &str = "/directory";

/// One party.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its id.
    pub id: PartyId,
    /// What it is: a room's name; `gateway` for every institution.
    pub kind: Kind,
    /// What people call it, in Japanese.
    pub name: String,
    /// What people call it, in English.
    pub name_en: String,
    /// Where its outer side listens, `host:port`.
    pub address: String,
    /// SHA-256 of the TLS certificate it was enrolled with. Once the party has ordered others, this one opens the authority's
    /// door alone.
    pub certificate: B64,
    /// SHA-256 of the short-lived TLS certificates it shows, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub current: Vec<B64>,
    /// The key that verifies its signatures.
    pub signing: VerifyKey,
    /// The key to seal to it.
    pub sealing: SealingPublic,
    /// Whether the authority has revoked it.
    pub revoked: bool,
    /// Names of its operators who have been revoked: neither certificate nor key of theirs opens its inner side. They mean
    /// nothing to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_operators: Vec<String>,
}

/// Route: a certificate for a day.
pub const CERTIFICATES: &str = "/party-certificates";

/// A party orders a certificate for a new key of its own; at its inner side so does an operator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderPartyCertificate {
    /// The act.
    pub id: ActId,
    /// PKCS#10 in DER, signed with the new key: ECDSA P-256.
    pub request: B64,
}

/// What it is given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyCertificate {
    /// Its certificate and that of the authority for organisations, DER.
    pub chain: Vec<B64>,
    /// Until when it holds.
    pub not_after: Moment,
}

/// Route: a certificate for a day, for somebody inside a party. At the party's inner side for whoever calls; at the authority for
/// the party, which says who it is.
pub const OPERATOR_CERTIFICATES: &str = "/operator-certificates";

/// A party orders a certificate for one of its operators.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderOperatorCertificate {
    /// The act.
    pub id: ActId,
    /// What the party calls the operator: `a-z`, `0-9`, `-`, at most 64.
    pub operator: String,
    /// PKCS#10 in DER, signed with the operator's new key: ECDSA P-256.
    pub request: B64,
}

/// Route at the authority: a party revokes one of its operators.
pub const OPERATOR_REVOCATIONS: &str = "/operator-revocations";

/// Route at a party's inner side: the same by its operator.
pub const REVOKE_OPERATOR: &str = "/operators/{name}/revoke";

/// Which operator of the calling party.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeOperator {
    /// The act.
    pub id: ActId,
    /// What the party calls the operator.
    pub operator: String,
}

/// The whole directory, as signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryDocument {
    /// Grows with every change.
    pub version: i64,
    /// When it was signed.
    pub issued_at: Moment,
    /// Until when it may be relied on.
    pub valid_until: Moment,
    /// All parties.
    pub parties: Vec<Entry>,
}

impl Message for DirectoryDocument {
    const TYP: Typ = Typ("musubi-directory+jws");
}

/// The answer of [`PATH`], and of the other signed documents.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The signatures over the same payload, each a JWS of its own.
    pub signed: Vec<seal::Jws>,
}

/// A directory indexed for look-ups.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    version: i64,
    parties: HashMap<PartyId, Entry>,
    by_certificate: HashMap<Sha256, PartyId>,
    /// By the certificates of enrolment.
    by_enrolment: HashMap<Sha256, PartyId>,
}

impl Directory {
    /// Indexes a document.
    pub fn new(document: DirectoryDocument) -> Self {
        let hash = |certificate: &B64| certificate.fixed("certificate").ok();
        let shown = |entry: &Entry| match entry.current.as_slice() {
            [] => vec![entry.certificate.clone()],
            current => current.to_vec(),
        };
        let here = || document.parties.iter().filter(|entry| !entry.revoked);
        let of = |entry: &Entry, certificate: &B64| Some((hash(certificate)?, entry.id.clone()));
        let each = |entry| shown(entry).into_iter().filter_map(move |one| of(entry, &one));
        Self {
            version: document.version,
            by_certificate: here().flat_map(each).collect(),
            by_enrolment: here().filter_map(|entry| of(entry, &entry.certificate)).collect(),
            parties: document.parties.into_iter().map(|entry| (entry.id.clone(), entry)).collect(),
        }
    }

    /// Its version.
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// A party that is not revoked.
    pub fn entry(&self, id: &PartyId) -> Option<&Entry> {
        self.parties.get(id).filter(|entry| !entry.revoked)
    }

    /// The one party of a kind of which a country has one, e.g. `linkage`; the first by id if there are more.
    pub fn only(&self, kind: &str) -> Option<&Entry> {
        let of_kind = self.parties.values().filter(|entry| entry.kind.as_str() == kind && !entry.revoked);
        of_kind.min_by(|a, b| a.id.cmp(&b.id))
    }

    /// The party of a certificate, that of its enrolment included: for the authority, where others are ordered with it.
    pub fn enrolled(&self, certificate: &Sha256) -> Option<KnownParty> {
        let enrolled = || self.known(self.by_enrolment.get(certificate)?);
        Callers::party(self, certificate).or_else(enrolled)
    }

    fn known(&self, id: &PartyId) -> Option<KnownParty> {
        let entry = self.parties.get(id)?;
        Some(KnownParty { id: entry.id.clone(), kind: entry.kind.clone() })
    }

    /// All parties of a kind, by id.
    pub fn of_kind(&self, kind: &str) -> Vec<&Entry> {
        let mut entries: Vec<_> =
            self.parties.values().filter(|entry| entry.kind.as_str() == kind && !entry.revoked).collect();
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        entries
    }
}

impl Callers for Directory {
    fn party(&self, certificate: &Sha256) -> Option<KnownParty> {
        self.known(self.by_certificate.get(certificate)?)
    }
}
