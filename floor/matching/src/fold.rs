//! Width, compatibility forms and invisible characters: what a text looks like once it no longer matters
//! which machine it was typed on. Everything here is linear in the length of the text.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Stands for a character the sender could not write (〓 ■ □ ? and private-use characters).
pub(crate) const UNKNOWN: char = '〓';

/// NFKC with care: variation selectors and invisible characters go, detached voicing marks join their kana
/// (NFKC alone would turn ゛ into a space and a mark), controls become spaces.
pub(crate) fn fold(text: &str) -> String {
    // Most texts need no more than a look at each character.
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match simple(character) {
            Some(folded) => out.push(folded),
            None => return fold_any(text),
        }
    }
    out
}

/// The folded form of a character that neither decomposes nor joins its neighbours: ASCII, its full-width forms,
/// whole kana, everyday kanji.
pub(crate) fn simple(character: char) -> Option<char> {
    Some(match character {
        ' '..='~' | '一'..='鿯' | 'ァ'..='ヾ' | 'ぁ'..='ゖ' | '々' | '〇' | '〓' => character,
        '！'..='～' => char::from_u32(u32::from(character) - 0xfee0)?,
        '\u{3000}' => ' ',
        _ => return None,
    })
}

fn fold_any(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .filter_map(before_nfkc)
        .nfkc()
        .filter(|character| {
            // A voicing mark that found no kana to join says nothing, nor does an accent on nothing.
            let voicing = matches!(character, '\u{3099}' | '\u{309a}');
            let on_nothing = before == ' ' && is_combining_mark(*character);
            let kept = !voicing && !on_nothing;
            if kept {
                before = *character;
            }
            kept
        })
        .collect()
}

fn before_nfkc(character: char) -> Option<char> {
    match character {
        // Variation selectors (IVS of the resident register), joiners, direction marks, byte order mark.
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => None,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => None,
        '\u{00ad}' | '\u{feff}' | '\u{180e}' => None,
        '\u{309b}' => Some('\u{3099}'),
        '\u{309c}' => Some('\u{309a}'),
        character if character.is_control() || character == '\u{3164}' => Some(' '),
        character => Some(character),
    }
}

/// True for a mark that stands where a character is missing.
pub(crate) fn is_gaiji_mark(character: char) -> bool {
    matches!(
        character,
        '〓' | '■'
            | '□'
            | '?'
            | '▲'
            | '△'
            | '●'
            | '○'
            | '◆'
            | '◇'
            | '*'
            | '\u{fffd}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{f0000}'..='\u{10ffff}'
    )
}

/// True for every stroke that people use as a hyphen between numbers; the kana length mark is among them.
pub(crate) fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '‐'
            | '‑'
            | '‒'
            | '–'
            | '—'
            | '―'
            | '−'
            | '─'
            | '━'
            | 'ー'
            | '~'
            | '〜'
            | '⁃'
            | '˗'
            | '➖'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_and_compatibility_forms_are_one() {
        assert_eq!(fold("ﾔﾏｳﾁ　ｴｲｼﾞ"), "ヤマウチ エイジ");
        assert_eq!(fold("１２３ＡＢ"), "123AB");
        assert_eq!(fold("㍻神①"), "平成神1");
        assert_eq!(fold("か゛ハ゜"), "がパ");
    }

    #[test]
    fn the_quick_way_gives_what_the_long_way_gives() {
        let simple_ones =
            (0..0x1_0000).filter_map(char::from_u32).filter(|character| simple(*character).is_some());
        for character in simple_ones {
            let text = format!("山{character}山");
            assert_eq!(fold(&text), fold_any(&text), "{character:?}");
        }
    }

    #[test]
    fn variation_selectors_and_invisible_characters_go() {
        assert_eq!(fold("橋\u{e0103}本\u{200b}"), "橋本");
        assert_eq!(fold("辻\u{fe00}"), "辻");
        assert_eq!(fold("a\tb\r\n"), "a b  ");
    }
}
