//! Proofs and their checking: inclusion, consistency, and the receipt a person can keep (C2SP tlog-proof).

use tlog_tiles::tlog;

use crate::checkpoint::Checkpoint;
use crate::note::{Note, NoteKey};
use crate::{Hash, LedgerError, base64_of, base64_read, decimal, hash_read};

/// More hashes than the tallest tree's path has.
const LONGEST: usize = 63;

/// Whether `proof` shows `entry` as entry `index` of the tree of this checkpoint (RFC 6962 §2.1.1).
pub fn check_inclusion(
    proof: &[Hash],
    index: u64,
    entry: &Hash,
    tree: &Checkpoint,
) -> Result<(), LedgerError> {
    if index >= tree.size || proof.len() > LONGEST {
        return Err(LedgerError::BadProof);
    }
    let proof: Vec<_> = proof.iter().map(|hash| tlog::Hash(*hash)).collect();
    let leaf = tlog::record_hash(entry);
    tlog::check_record(&proof, tree.size, tlog::Hash(tree.root), index, leaf)
        .map_err(|_| LedgerError::BadProof)
}

/// Whether `proof` shows that the tree of `new` begins with the tree of `old` (RFC 6962 §2.1.2).
pub fn check_consistency(
    proof: &[Hash],
    (old_size, old_root): (u64, Hash),
    (new_size, new_root): (u64, Hash),
) -> Result<(), LedgerError> {
    if old_size > new_size || proof.len() > LONGEST {
        return Err(LedgerError::BadProof);
    }
    if old_size == 0 || old_size == new_size {
        let same = old_size == 0 || old_root == new_root;
        return if same && proof.is_empty() { Ok(()) } else { Err(LedgerError::BadProof) };
    }
    let proof: Vec<_> = proof.iter().map(|hash| tlog::Hash(*hash)).collect();
    tlog::check_tree(&proof, new_size, tlog::Hash(new_root), old_size, tlog::Hash(old_root))
        .map_err(|_| LedgerError::BadProof)
}

/// A receipt: that an entry stands in a ledger, and who has witnessed that ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Opaque data that came along; not authenticated.
    pub extra: Option<Vec<u8>>,
    /// Which entry, from 0.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling upward.
    pub hashes: Vec<Hash>,
    /// The checkpoint, signed and cosigned.
    pub checkpoint: Note,
}

/// What a receipt has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The tree it stands in.
    pub tree: Checkpoint,
    /// Who cosigned that tree, and when, seconds since 1970.
    pub by: Vec<(String, u64)>,
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64_of(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", base64_of(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl Proof {
    /// Reads a receipt.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        const WRONG: LedgerError = LedgerError::Malformed("proof");
        let rest = text.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix('\n')).ok_or(WRONG)?;
        let (head, note) = rest.split_once("\n\n").ok_or(WRONG)?;
        let mut lines = head.split('\n').peekable();
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(coded) => {
                let extra = base64_read(coded).ok_or(WRONG)?;
                lines.next();
                Some(extra)
            }
            None => None,
        };
        let index =
            lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal).ok_or(WRONG)?;
        let hashes = lines.map(|line| hash_read(line).ok_or(WRONG)).collect::<Result<Vec<_>, _>>()?;
        if hashes.len() > LONGEST {
            return Err(WRONG);
        }
        Ok(Self { extra, index, hashes, checkpoint: Note::parse(note)? })
    }

    /// Checks everything: the ledger's signature, the witnesses' that are known here, and the way from the entry to
    /// the root. A receipt that no witness cosigned is valid and says so: `by` is empty.
    pub fn check(
        &self,
        entry: &Hash,
        ledger: &NoteKey,
        witnesses: &[NoteKey],
    ) -> Result<Witnessed, LedgerError> {
        self.checkpoint.signed_by(ledger)?;
        let tree = Checkpoint::parse(&self.checkpoint.text)?;
        if tree.origin != ledger.name() {
            return Err(LedgerError::BadSignature);
        }
        check_inclusion(&self.hashes, self.index, entry, &tree)?;
        let cosigned = |key: &NoteKey| Some((key.name().to_owned(), self.checkpoint.cosigned_by(key)?));
        Ok(Witnessed { tree, by: witnesses.iter().filter_map(cosigned).collect() })
    }
}
