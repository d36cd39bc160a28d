//! How kanji are read in names: enough to tell that 優菜 may be the ユナ whom the register writes 友梨, and
//! that 一芳 cannot be タケノリ.

use crate::hash::QuickMap;

const TABLE: &str = include_str!("../data/readings.txt");

/// Readings of single characters, in bank kana.
pub(crate) struct Readings {
    of: QuickMap<char, Vec<&'static str>>,
}

impl Readings {
    pub(crate) fn new() -> Readings {
        let mut of = QuickMap::default();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut characters = line.chars();
            if let Some(kanji) = characters.next() {
                of.insert(kanji, characters.as_str().split(' ').collect());
            }
        }
        Readings { of }
    }

    /// Can `written` be read as `bank` (both in one spelling)? Names too long to be names cannot.
    pub(crate) fn can_read(&self, written: &str, bank: &str) -> bool {
        let kana: Vec<char> = bank.chars().collect();
        if kana.is_empty() || kana.len() > 60 || written.chars().count() > 20 {
            return false;
        }
        // Bit i: the characters so far can be read as the first i kana.
        let mut reached: u64 = 1;
        for character in written.chars() {
            let mut next: u64 = 0;
            for at in (0..kana.len()).filter(|at| reached >> at & 1 == 1) {
                let rest = kana.get(at..).unwrap_or_default();
                let own = crate::kana::katakana(character);
                if rest.first() == Some(&own) {
                    next |= 1 << (at + 1);
                }
                for reading in self.of.get(&character).into_iter().flatten() {
                    let length = reading.chars().count();
                    if rest.get(..length).is_some_and(|part| part.iter().copied().eq(reading.chars())) {
                        next |= 1 << (at + length);
                    }
                }
            }
            reached = next;
        }
        reached >> kana.len() & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_their_characters() {
        let readings = Readings::new();
        for (written, bank) in
            [("優菜", "ユナ"), ("太郎", "タロウ"), ("武玄", "タケノリ"), ("章", "アキラ"), ("み咲", "ミサキ")]
        {
            let written: String = written.chars().map(crate::kana::katakana).collect();
            assert!(readings.can_read(&written, bank), "{written} {bank}");
        }
        for (written, bank) in [("一芳", "タケノリ"), ("花子", "タロウ"), ("優菜", "ユナコ")]
        {
            assert!(!readings.can_read(written, bank), "{written} {bank}");
        }
    }
}
