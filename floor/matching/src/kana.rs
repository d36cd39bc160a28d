//! Readings: from any kana to keys of growing tolerance.

use crate::fold::{fold, is_dash};

/// True for hiragana, katakana and the length mark.
pub(crate) fn is_kana(character: char) -> bool {
    matches!(character, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | 'ゝ' | 'ゞ' | 'ヽ' | 'ヾ')
}

/// Hiragana to katakana; everything else as it was.
pub(crate) fn katakana(character: char) -> char {
    match character {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => char::from_u32(u32::from(character) + 0x60).unwrap_or(character),
        other => other,
    }
}

/// As a bank writes it: katakana, no small letters, words kept apart by one space. Folded first.
pub(crate) fn bank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for character in fold(text).chars() {
        let character = large(katakana(character));
        if character.is_whitespace() || matches!(character, '・' | ',' | '、' | '=' | '.') {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push(' ');
            gap = false;
        }
        // A hyphen after a kana is a length mark typed on the wrong key.
        out.push(if is_dash(character) { 'ー' } else { character });
    }
    out
}

fn large(character: char) -> char {
    match character {
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        other => other,
    }
}

/// What is heard: ヅ is ズ, オウ and オー are オオ, ヴァ is バ. Takes what [`bank`] gives.
pub(crate) fn sound(bank: &str) -> String {
    let mut out = String::with_capacity(bank.len());
    let mut vowel = None;
    let mut characters = bank.chars().peekable();
    while let Some(character) = characters.next() {
        let character = match character {
            'ヲ' => 'オ',
            'ヱ' => 'エ',
            'ヰ' => 'イ',
            other => other,
        };
        let heard = match (character, characters.peek()) {
            ('ヴ', Some('ア')) => skip(&mut characters, 'バ'),
            ('ヴ', Some('イ')) => skip(&mut characters, 'ビ'),
            ('ヴ', Some('エ')) => skip(&mut characters, 'ベ'),
            ('ヴ', Some('オ')) => skip(&mut characters, 'ボ'),
            ('ヴ', _) => 'ブ',
            ('ヂ', _) => 'ジ',
            ('ヅ', _) => 'ズ',
            ('ウ', _) if vowel == Some('オ') => 'オ',
            ('イ', _) if vowel == Some('エ') => 'エ',
            ('ー', _) => match vowel {
                Some(vowel) => vowel,
                None => continue,
            },
            (other, _) => other,
        };
        vowel = vowel_of(heard);
        out.push(heard);
    }
    out
}

fn skip(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, heard: char) -> char {
    characters.next();
    heard
}

/// Can two readings have one skeleton? A quick look at their first kana.
pub(crate) fn may_share_skeleton(one: &str, other: &str) -> bool {
    one.chars().next().map(unvoiced) == other.chars().next().map(unvoiced)
}

/// What is left when voicing and long vowels are not heard either: ナカジマ and ナカシマ, オオノ and オノ.
/// Takes what [`sound`] gives. A key for finding candidates, not for agreeing.
pub(crate) fn skeleton(sound: &str) -> String {
    let mut out = String::with_capacity(sound.len());
    let mut before = None;
    for character in sound.chars() {
        let plain = unvoiced(character);
        // A vowel that only prolongs the one before it.
        if matches!(plain, 'ア' | 'イ' | 'ウ' | 'エ' | 'オ') && before == Some(plain) {
            continue;
        }
        before = vowel_of(plain);
        out.push(plain);
    }
    out
}

/// Are two readings the same but for voicing: ナカジマ, ナカシマ?
pub(crate) fn unvoiced_eq(one: &str, other: &str) -> bool {
    let alike = |one: char, other: char| match (one, other) {
        // ヅ is heard as ズ, so ツ may meet it; but マツダ and マスダ are two.
        ('ツ', 'ス') | ('ス', 'ツ') | ('チ', 'シ') | ('シ', 'チ') => false,
        (one, other) => unvoiced(one) == unvoiced(other),
    };
    one.chars().count() == other.chars().count()
        && one.chars().zip(other.chars()).all(|(one, other)| alike(one, other))
}

fn unvoiced(character: char) -> char {
    match character {
        'ガ' | 'ギ' | 'グ' | 'ゲ' | 'ゴ' | 'ザ' | 'ジ' | 'ズ' | 'ゼ' | 'ゾ' | 'ダ' | 'ヂ' | 'ヅ' | 'デ'
        | 'ド' | 'バ' | 'ビ' | 'ブ' | 'ベ' | 'ボ' => {
            char::from_u32(u32::from(character) - 1).unwrap_or(character)
        }
        'パ' | 'ピ' | 'プ' | 'ペ' | 'ポ' => {
            char::from_u32(u32::from(character) - 2).unwrap_or(character)
        }
        // ツ and ヅ (heard as ズ) must meet.
        'ツ' => 'ス',
        'チ' => 'シ',
        other => other,
    }
}

/// Vowels of the katakana from ァ on, in the order of the alphabet; a space where there is none.
const VOWELS: &[u8; 90] =
    b"aaiiuueeooaaiiuueeooaaiiuueeooaaiiuuueeooaiueoaaaiiiuuueeeoooaiueoaauuooaiueoaaieo uaeaieo";

fn vowel_of(kana: char) -> Option<char> {
    let place = u32::from(kana).checked_sub(u32::from('ァ'))?;
    Some(match VOWELS.get(usize::try_from(place).ok()?)? {
        b'a' => 'ア',
        b'i' => 'イ',
        b'u' => 'ウ',
        b'e' => 'エ',
        b'o' => 'オ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> String {
        sound(&bank(text))
    }

    #[test]
    fn width_script_and_small_kana_are_one() {
        assert_eq!(bank("ﾖｼｲ ｶｽﾞﾌﾐ"), "ヨシイ カズフミ");
        assert_eq!(bank("きょうこ"), "キヨウコ");
        assert_eq!(bank("ジョン　トゥアン"), bank("ｼﾞﾖﾝ ﾄｳｱﾝ"));
        assert_eq!(bank("ミュラ-"), "ミユラー");
    }

    #[test]
    fn readings_that_sound_alike_are_one() {
        assert_eq!(heard("カヅコ"), heard("カズコ"));
        assert_eq!(heard("オウノ"), heard("オオノ"));
        assert_eq!(heard("オーノ"), heard("オオノ"));
        assert_eq!(heard("シルヴァ"), heard("シルバ"));
        assert_ne!(heard("オノ"), heard("オオノ"));
        assert_ne!(heard("ナカジマ"), heard("ナカシマ"));
    }

    #[test]
    fn every_kana_has_the_vowel_of_its_row() {
        for (row, vowel) in [
            ("ァアカガサザタダナハバパマャヤラヮワヵヷ", 'ア'),
            ("ィイキギシジチヂニヒビピミリヰヸ", 'イ'),
            ("ゥウクグスズッツヅヌフブプムュユルヴ", 'ウ'),
            ("ェエケゲセゼテデネヘベペメレヱヶヹ", 'エ'),
            ("ォオコゴソゾトドノホボポモョヨロヲヺ", 'オ'),
        ] {
            for kana in row.chars() {
                assert_eq!(vowel_of(kana), Some(vowel), "{kana}");
            }
        }
        assert_eq!(vowel_of('ン'), None);
        assert_eq!(vowel_of('ー'), None);
    }

    #[test]
    fn voicing_alone_is_told_from_other_kana() {
        assert!(
            unvoiced_eq(&heard("ナカジマ"), &heard("ナカシマ"))
                && unvoiced_eq(&heard("ミツカ"), &heard("ミヅカ"))
        );
        assert!(!unvoiced_eq("マツダ", "マスダ") && !unvoiced_eq("オオノ", "オノ"));
    }

    #[test]
    fn voicing_and_length_are_gone_from_the_skeleton() {
        assert_eq!(skeleton(&heard("ナカジマ")), skeleton(&heard("ナカシマ")));
        assert_eq!(skeleton(&heard("オオノ")), skeleton(&heard("オノ")));
        assert_eq!(skeleton(&heard("ヤマザキ")), skeleton(&heard("ヤマサキ")));
        assert_ne!(skeleton(&heard("ヤマザキ")), skeleton(&heard("ヤマグチ")));
    }
}
