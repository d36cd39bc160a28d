//! Sex as files write it.

use crate::fold::fold;

/// Sex as the resident register records it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Sex {
    /// 男, 1, M.
    Male,
    /// 女, 2, F.
    Female,
}

/// Reads `1`/`2`, `M`/`F`, `男`/`女`, `男性`/`女性`, `male`/`female`, also `1:男`; `None` for anything else,
/// among it `0`, `9` and `不明`.
pub fn normalise_sex(text: &str) -> Option<Sex> {
    // As most files write it.
    match text {
        "M" | "1" | "男" => return Some(Sex::Male),
        "F" | "2" | "女" => return Some(Sex::Female),
        "" => return None,
        _ => {}
    }
    let folded = fold(text).trim().to_lowercase();
    let word = folded.trim_start_matches(['0', ' ']);
    match word {
        "1" | "m" | "男" | "男性" | "male" | "おとこ" | "オトコ" | "man" | "男子" => {
            Some(Sex::Male)
        }
        "2" | "f" | "女" | "女性" | "female" | "おんな" | "オンナ" | "woman" | "女子" => {
            Some(Sex::Female)
        }
        _ if word.starts_with("1:") || word.starts_with("男(") => Some(Sex::Male),
        _ if word.starts_with("2:") || word.starts_with("女(") => Some(Sex::Female),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation() {
        for text in ["1", "１", "M", "男", "男性", "Male", "01", "1:男"] {
            assert_eq!(normalise_sex(text), Some(Sex::Male), "{text}");
        }
        for text in ["2", "F", "女", "女性", "female", "Ｆ"] {
            assert_eq!(normalise_sex(text), Some(Sex::Female), "{text}");
        }
        for text in ["", "0", "9", "不明", "x"] {
            assert_eq!(normalise_sex(text), None, "{text}");
        }
    }
}
