//! The directory: who is who, where, with which keys. Published by the authority, signed, versioned, polled by all.

use std::collections::HashMap;

use schemars::JsonSchema;
use seal::{SealingPublic, Sha256, Typ, VerifyKey};
use serde::{Deserialize, Serialize};
use wire::{Callers, KnownParty};
use words::{B64, Kind, Moment, PartyId};

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
    /// SHA-256 of its TLS certificate.
    pub certificate: B64,
    /// The key that verifies its signatures.
    pub signing: VerifyKey,
    /// The key to seal to it.
    pub sealing: SealingPublic,
    /// Whether the authority has revoked it.
    pub revoked: bool,
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
}

impl Directory {
    /// Indexes a document.
    pub fn new(document: DirectoryDocument) -> Self {
        let certificate =
            |entry: &Entry| entry.certificate.fixed("certificate").ok().map(|hash| (hash, entry.id.clone()));
        Self {
            version: document.version,
            by_certificate: document
                .parties
                .iter()
                .filter(|entry| !entry.revoked)
                .filter_map(certificate)
                .collect(),
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
        let entry = self.by_certificate.get(certificate).and_then(|id| self.parties.get(id))?;
        Some(KnownParty { id: entry.id.clone(), kind: entry.kind.clone() })
    }
}
