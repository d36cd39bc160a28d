//! The witness protocol (C2SP tlog-witness): the request, and what a witness says to it. Pure: who keeps the state keeps
//! it in one transaction with the judgement.

use crate::checkpoint::Checkpoint;
use crate::note::{Note, NoteKey};
use crate::proof::check_consistency;
use crate::{Hash, LedgerError, base64_of, decimal, hash_read};

/// Longest request that is read, bytes.
pub const LONGEST_REQUEST: usize = 64 << 10;

/// The body of `add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size the witness is thought to have cosigned last.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: Note,
}

/// Why a witness does not cosign. HTTP statuses by the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// 400.
    #[error("not an add-checkpoint request")]
    Malformed,
    /// 404.
    #[error("the ledger of that origin is not known")]
    UnknownOrigin,
    /// 403.
    #[error("the checkpoint is not signed with the ledger's key")]
    BadSignature,
    /// 409: another size was cosigned last.
    #[error("another size was cosigned last: {0}")]
    OtherSize(u64),
    /// 409: the same size with another root. Two histories.
    #[error("another tree of the same size, {0}, was cosigned")]
    OtherTree(u64),
    /// 422: the new tree does not begin with the old one. Two histories.
    #[error("the tree does not begin with the one that was cosigned last, of size {0}")]
    NotConsistent(u64),
}

impl WitnessRefusal {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::UnknownOrigin => 404,
            Self::BadSignature => 403,
            Self::OtherSize(_) | Self::OtherTree(_) => 409,
            Self::NotConsistent(_) => 422,
        }
    }

    /// Whether it shows that a ledger has two histories, and not just a request that came late.
    pub const fn is_conflict(self) -> bool {
        matches!(self, Self::OtherTree(_) | Self::NotConsistent(_))
    }
}

impl std::fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", base64_of(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl AddCheckpoint {
    /// Reads the body.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        const WRONG: LedgerError = LedgerError::Malformed("add-checkpoint request");
        let (head, note) = text.split_once("\n\n").ok_or(WRONG)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal).ok_or(WRONG)?;
        let proof = lines.map(|line| hash_read(line).ok_or(WRONG)).collect::<Result<Vec<_>, _>>()?;
        if proof.len() > 63 {
            return Err(WRONG);
        }
        Ok(Self { old, proof, checkpoint: Note::parse(note)? })
    }
}

/// Judges a request against the tree this witness cosigned last for the origin: size and root, or nothing yet.
pub fn judge(
    request: &AddCheckpoint,
    ledger: &NoteKey,
    last: Option<(u64, Hash)>,
) -> Result<Checkpoint, WitnessRefusal> {
    let tree = Checkpoint::parse(&request.checkpoint.text).map_err(|_| WitnessRefusal::Malformed)?;
    if tree.origin != ledger.name() {
        return Err(WitnessRefusal::UnknownOrigin);
    }
    request.checkpoint.signed_by(ledger).map_err(|_| WitnessRefusal::BadSignature)?;
    if request.old > tree.size || (request.old == 0 && !request.proof.is_empty()) {
        return Err(WitnessRefusal::Malformed);
    }
    let (last_size, last_root) = last.unwrap_or((0, crate::root_of(&[])));
    if request.old != last_size {
        return Err(WitnessRefusal::OtherSize(last_size));
    }
    if last_size == tree.size && last.is_some() && last_root != tree.root {
        return Err(WitnessRefusal::OtherTree(last_size));
    }
    check_consistency(&request.proof, (last_size, last_root), (tree.size, tree.root))
        .map_err(|_| WitnessRefusal::NotConsistent(last_size))?;
    Ok(tree)
}
