//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of a tree, as the text of a note.

use crate::{Hash, LedgerError, base64_of, decimal, hash_read};

/// A tree's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root hash.
    pub root: Hash,
}

impl Checkpoint {
    /// The note's text.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64_of(&self.root))
    }

    /// Reads a note's text. Extension lines are refused: no witness could vouch for them.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        const WRONG: LedgerError = LedgerError::Malformed("checkpoint");
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(WRONG)?.split('\n').collect();
        let [origin, size, root] = lines.as_slice() else { return Err(WRONG) };
        if origin.is_empty() {
            return Err(WRONG);
        }
        let size = decimal(size).filter(|size| i64::try_from(*size).is_ok()).ok_or(WRONG)?;
        Ok(Self { origin: (*origin).to_owned(), size, root: hash_read(root).ok_or(WRONG)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_text_is_a_checkpoint() {
        let checkpoint = Checkpoint { origin: "musubi/town".into(), size: 20_852_163, root: [9; 32] };
        assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint.clone()));
        let text = checkpoint.text();
        for wrong in [
            text.trim_end().to_owned(),
            text.replace("20852163", "020852163"),
            text.replace("20852163", "+20852163"),
            text.replace("20852163", "9223372036854775808"),
            format!("{text}extension\n"),
            text.replace("musubi/town", ""),
            text.replace("CQkJ", "CQk"),
        ] {
            assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
        }
    }
}
