//! A room's ledger over HTTP, by C2SP tlog-tiles and tlog-witness. Not JSON: checkpoints and proofs are texts, tiles are
//! bytes.

use seal::VerifyKey;
use words::PartyId;

use crate::directory::{Directory, Entry};

/// Where a ledger lies: `/ledger/checkpoint`, `/ledger/tile/…`.
pub const PREFIX: &str = "/ledger";
/// Route: the signed and cosigned checkpoint.
pub const CHECKPOINT: &str = "/ledger/checkpoint";
/// Route: tiles and entry bundles.
pub const TILE: &str = "/ledger/tile/{*path}";
/// Route: the directory as the authority signed it, with the keys of ledger and witnesses.
pub const DIRECTORY: &str = "/ledger/directory";
/// Route at a witness: `add-checkpoint`.
pub const ADD_CHECKPOINT: &str = "/ledger/add-checkpoint";

/// The kinds of room that witness others' ledgers (DESIGN §5).
pub const WITNESSES: [&str; 4] = ["oversight", "authority", "linkage", "trustee"];

/// The name of a party's ledger and of its key: the first line of its checkpoints.
pub fn origin_of(party: &PartyId) -> String {
    format!("musubi/{party}")
}

/// The party whose ledger has that origin.
pub fn party_of(origin: &str) -> Option<PartyId> {
    origin.strip_prefix("musubi/").and_then(|party| PartyId::parse(party).ok())
}

/// Those who witness the ledger of `own`, with the keys they cosign with.
pub fn witnesses<'a>(directory: &'a Directory, own: &PartyId) -> Vec<(&'a Entry, VerifyKey)> {
    let all = WITNESSES.iter().flat_map(|kind| directory.of_kind(kind));
    all.filter(|entry| entry.id != *own).map(|entry| (entry, entry.signing.clone())).collect()
}
