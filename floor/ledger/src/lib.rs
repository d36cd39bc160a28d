//! An append-only ledger that outside tools can verify: Merkle tree (RFC 6962, hashed by `tlog_tiles`), tiles, signed
//! checkpoints, cosignatures of witnesses, and proofs. Pure: no I/O, no clock.
//!
//! Formats, by the texts of C2SP: [tlog-tiles](https://c2sp.org/tlog-tiles), [tlog-checkpoint](https://c2sp.org/tlog-checkpoint),
//! [signed-note](https://c2sp.org/signed-note), [tlog-cosignature](https://c2sp.org/tlog-cosignature) (Ed25519),
//! [tlog-witness](https://c2sp.org/tlog-witness), [tlog-proof](https://c2sp.org/tlog-proof).
//!
//! An *entry* is 32 bytes: the hash of a salted record. Its leaf in the tree is `SHA-256(0x00 ‖ entry)`. Entries are
//! published in bundles; they say nothing of the records.

mod checkpoint;
mod note;
mod proof;
mod tile;
mod tree;
mod witness;

pub use checkpoint::Checkpoint;
pub use note::{Note, NoteKey, Signature, cosign, sign};
pub use proof::{Proof, Witnessed, check_consistency, check_inclusion};
pub use tile::{TILE_WIDTH, TilePath};
pub use tree::{Entries, Tree, leaf_of, root_of};
pub use witness::{AddCheckpoint, LONGEST_REQUEST, WitnessRefusal, judge};

/// A SHA-256 hash, or an entry.
pub type Hash = [u8; 32];

/// What can be wrong with a ledger's texts and proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A note, checkpoint, proof or request is not of its format; says which part.
    #[error("not in the format of C2SP: {0}")]
    Malformed(&'static str),
    /// No signature of the key that was asked for, or it does not verify.
    #[error("no valid signature of the key that is asked for")]
    BadSignature,
    /// A proof does not lead to the root.
    #[error("the proof does not lead to the root hash of the checkpoint")]
    BadProof,
    /// A tree has no such entry, or no such earlier size.
    #[error("the ledger has no entry or size {0}")]
    OutOfRange(u64),
    /// Entries of the tree cannot be read.
    #[error("entries of the ledger cannot be read")]
    Unreadable,
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn base64_read(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

fn hash_read(text: &str) -> Option<Hash> {
    base64_read(text)?.try_into().ok()
}

/// A number as C2SP writes it: ASCII digits, no leading zero.
fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || (text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
