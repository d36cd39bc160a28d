//! The Merkle tree (RFC 6962 §2.1) over entries: what is kept in memory, roots and proofs at any size.
//!
//! In memory stand one hash for every 256 entries and the hashes above, and the entries of the last, unfinished tile: 32 kB
//! for a million entries. Hashes below are worked out from the entries when asked for.

use tlog_tiles::tlog;

use crate::tile::{TILE_WIDTH, TilePath};
use crate::{Hash, LedgerError};

/// Where entries can be read again: the database a ledger stands in.
pub trait Entries {
    /// Entries `from .. from + count`, all of them.
    fn read(&self, from: u64, count: u64) -> Result<Vec<Hash>, LedgerError>;
}

impl Entries for [Hash] {
    fn read(&self, from: u64, count: u64) -> Result<Vec<Hash>, LedgerError> {
        let (from, count) = (usize::try_from(from).ok(), usize::try_from(count).ok());
        let range = from.zip(count).and_then(|(from, count)| self.get(from..from.checked_add(count)?));
        range.map(<[Hash]>::to_vec).ok_or(LedgerError::Unreadable)
    }
}

/// A growing tree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// `above[k]`: the hashes of complete subtrees of `256 << k` entries.
    above: Vec<Vec<tlog::Hash>>,
    /// Leaf hashes of the last, unfinished tile.
    edge: Vec<tlog::Hash>,
}

/// The levels within a tile.
const TILE_LEVELS: u8 = 8;

/// The leaf of an entry: `SHA-256(0x00 ‖ entry)`.
pub fn leaf_of(entry: &Hash) -> Hash {
    tlog::record_hash(entry).0
}

/// The root over these leaves, worked out anew.
pub fn root_of(entries: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    entries.iter().for_each(|entry| tree.push(entry));
    tree.root()
}

/// The hash over a complete subtree of leaf hashes; their number is a power of two.
fn subtree(leaves: &[tlog::Hash]) -> tlog::Hash {
    let mut row = leaves.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => tlog::node_hash(*left, *right),
                _ => tlog::EMPTY_HASH,
            })
            .collect();
    }
    row.first().copied().unwrap_or(tlog::EMPTY_HASH)
}

impl Tree {
    /// How many entries.
    pub fn size(&self) -> u64 {
        let tiles = self.above.first().map_or(0, Vec::len);
        u64::try_from(tiles).unwrap_or(u64::MAX) * TILE_WIDTH
            + u64::try_from(self.edge.len()).unwrap_or(TILE_WIDTH)
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: &Hash) {
        self.edge.push(tlog::record_hash(entry));
        if self.edge.len() < usize::try_from(TILE_WIDTH).unwrap_or(usize::MAX) {
            return;
        }
        let mut hash = subtree(&self.edge);
        self.edge.clear();
        for level in 0.. {
            if self.above.len() == level {
                self.above.push(Vec::new());
            }
            let Some(row) = self.above.get_mut(level) else { return };
            row.push(hash);
            let [.., left, right] = row.as_slice() else { return };
            if row.len() % 2 == 1 {
                return;
            }
            hash = tlog::node_hash(*left, *right);
        }
    }

    /// The root over all entries.
    pub fn root(&self) -> Hash {
        // The complete subtrees of a size are in memory: no entry is read.
        let none: &[Hash] = &[];
        tlog::tree_hash(self.size(), &self.reader(none)).map_or([0; 32], |hash| hash.0)
    }

    const fn reader<'a, E: Entries + ?Sized>(&'a self, entries: &'a E) -> Reader<'a, E> {
        Reader { tree: self, entries }
    }

    fn bounded(&self, size: u64) -> Result<u64, LedgerError> {
        if size <= self.size() { Ok(size) } else { Err(LedgerError::OutOfRange(size)) }
    }

    /// The root as it was at an earlier size.
    pub fn root_at<E: Entries + ?Sized>(&self, size: u64, entries: &E) -> Result<Hash, LedgerError> {
        let size = self.bounded(size)?;
        tlog::tree_hash(size, &self.reader(entries)).map(|hash| hash.0).map_err(|_| LedgerError::Unreadable)
    }

    /// The inclusion proof of entry `index` in the tree of `size`.
    pub fn inclusion<E: Entries + ?Sized>(
        &self,
        index: u64,
        size: u64,
        entries: &E,
    ) -> Result<Vec<Hash>, LedgerError> {
        let size = self.bounded(size)?;
        if index >= size {
            return Err(LedgerError::OutOfRange(index));
        }
        let proof = tlog::prove_record(size, index, &self.reader(entries));
        proof.map(plain).map_err(|_| LedgerError::Unreadable)
    }

    /// The consistency proof from the tree of `old` to the tree of `size`; empty from 0 and between equal sizes.
    pub fn consistency<E: Entries + ?Sized>(
        &self,
        old: u64,
        size: u64,
        entries: &E,
    ) -> Result<Vec<Hash>, LedgerError> {
        let size = self.bounded(size)?;
        if old > size {
            return Err(LedgerError::OutOfRange(old));
        }
        if old == 0 || old == size {
            return Ok(Vec::new());
        }
        let proof = tlog::prove_tree(size, old, &self.reader(entries));
        proof.map(plain).map_err(|_| LedgerError::Unreadable)
    }

    /// The bytes of a tile or a bundle, if the tree has it.
    pub fn tile<E: Entries + ?Sized>(&self, path: &TilePath, entries: &E) -> Result<Vec<u8>, LedgerError> {
        let level = path.level.unwrap_or(0);
        let nodes = self.size().checked_shr(u32::from(level) * u32::from(TILE_LEVELS)).unwrap_or(0);
        let from = path.number.checked_mul(TILE_WIDTH).ok_or(LedgerError::OutOfRange(path.number))?;
        if from.checked_add(path.width).is_none_or(|end| end > nodes) {
            return Err(LedgerError::OutOfRange(from));
        }
        match path.level {
            // Each entry behind its length, 16 bits, big-endian.
            None => Ok(entries
                .read(from, path.width)?
                .iter()
                .flat_map(|entry| [&[0u8, 32][..], entry].concat())
                .collect()),
            Some(0) => Ok(entries.read(from, path.width)?.iter().flat_map(leaf_of).collect()),
            Some(level) => {
                let row = self.above.get(usize::from(TILE_LEVELS) * (usize::from(level) - 1));
                let start = usize::try_from(from).map_err(|_| LedgerError::OutOfRange(from))?;
                let width = usize::try_from(path.width).map_err(|_| LedgerError::OutOfRange(from))?;
                let hashes = row.and_then(|row| row.get(start..start + width));
                let hashes = hashes.ok_or(LedgerError::OutOfRange(from))?;
                Ok(hashes.iter().flat_map(|hash| hash.0).collect())
            }
        }
    }
}

fn plain(hashes: Vec<tlog::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

struct Reader<'a, E: ?Sized> {
    tree: &'a Tree,
    entries: &'a E,
}

impl<E: Entries + ?Sized> Reader<'_, E> {
    fn node(&self, level: u8, n: u64) -> Result<tlog::Hash, LedgerError> {
        let missing = LedgerError::OutOfRange(n);
        if let Some(above) = level.checked_sub(TILE_LEVELS) {
            let at = usize::try_from(n).map_err(|_| missing)?;
            return self
                .tree
                .above
                .get(usize::from(above))
                .and_then(|row| row.get(at))
                .copied()
                .ok_or(missing);
        }
        let (from, count) = (n << level, 1u64 << level);
        let complete = self.tree.size() - u64::try_from(self.tree.edge.len()).unwrap_or(0);
        if from >= complete {
            let at = usize::try_from(from - complete).map_err(|_| missing)?;
            let count = usize::try_from(count).map_err(|_| missing)?;
            return self.tree.edge.get(at..at + count).map(subtree).ok_or(missing);
        }
        let leaves: Vec<_> =
            self.entries.read(from, count)?.iter().map(|entry| tlog::record_hash(entry)).collect();
        Ok(subtree(&leaves))
    }
}

impl<E: Entries + ?Sized> tlog::HashReader for Reader<'_, E> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        indexes
            .iter()
            .map(|index| {
                let (level, n) = tlog::split_stored_hash_index(*index);
                self.node(level, n).map_err(|_| tlog::Error::InvalidTile)
            })
            .collect()
    }
}
