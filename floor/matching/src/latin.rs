//! Names in Latin letters against readings in kana: YAMADA TARŌ is ヤマダ タロウ in whatever romanisation.

use unicode_normalization::UnicodeNormalization as _;

/// Letters that every romanisation of one reading shares. Long vowels and doubled consonants are single,
/// Hepburn and Kunrei are one.
pub(crate) fn key_of_latin(text: &str) -> String {
    let letters: String = text
        .nfd()
        .filter(|character| character.is_ascii_alphabetic())
        .map(|character| character.to_ascii_uppercase())
        .collect();
    one_romanisation(&letters)
}

/// Is `latin` a romanisation of the reading `bank`?
pub(crate) fn romanises(latin: &str, bank: &str) -> bool {
    let key = key_of_latin(latin);
    !key.is_empty() && may_begin(&key, bank) && is_key_of(&key, bank)
}

fn is_key_of(key: &str, bank: &str) -> bool {
    // Only ツ is read in two ways.
    key == key_of_kana(bank, false) || bank.contains('ツ') && key == key_of_kana(bank, true)
}

/// Can a reading have this key? A quick look at the first letter: no step of [`one_romanisation`] changes that of
/// a kana, but for an I that falls before a Y and a ツ that doubles what follows.
fn may_begin(key: &str, bank: &str) -> bool {
    let first = bank.chars().filter_map(|kana| Some((kana, syllable(kana)?.chars().next()?))).next();
    match first {
        None | Some(('ツ', _) | (_, 'I')) => true,
        Some((_, letter)) => key.starts_with(letter),
    }
}

/// The same key for a reading in bank kana, which has no small letters: キヨウ may be KYO or KIYO (the key
/// treats them alike), ハツトリ may be HATTORI (`doubling`) or HATSUTORI.
pub(crate) fn key_of_kana(bank: &str, doubling: bool) -> String {
    let mut letters = String::with_capacity(bank.len());
    let mut characters = bank.chars().peekable();
    while let Some(kana) = characters.next() {
        let before_consonant =
            characters.peek().is_some_and(|next| "カキクケコサシスセソタチツテトパピプペポ".contains(*next));
        if !(doubling && kana == 'ツ' && before_consonant) {
            letters.push_str(syllable(kana).unwrap_or_default());
        }
    }
    one_romanisation(&letters)
}

/// A reading in Latin letters as a passport writes it, roughly; for the exercise.
pub(crate) fn hepburn(kana: &str) -> String {
    let mut letters = String::new();
    for character in crate::kana::bank(kana).chars() {
        letters.push_str(syllable(character).unwrap_or_default());
    }
    let pairs = [
        ("SI", "SHI"),
        ("TI", "CHI"),
        ("TU", "TSU"),
        ("HU", "FU"),
        ("ZI", "JI"),
        ("IYO", "YO"),
        ("IYU", "YU"),
        ("OU", "O"),
        ("OO", "O"),
        ("SHY", "SH"),
        ("CHY", "CH"),
        ("JY", "J"),
    ];
    pairs.iter().fold(letters, |text, (kunrei, hepburn)| text.replace(kunrei, hepburn))
}

/// Until nothing changes any more: what falls may bring letters together that fall in turn (MOHUHA, MOUHA, MOHA, MOA).
fn one_romanisation(letters: &str) -> String {
    let mut text = one_step(letters);
    loop {
        let next = one_step(&text);
        if next == text {
            return text;
        }
        text = next;
    }
}

fn one_step(letters: &str) -> String {
    const TO_KUNREI: [(&str, &str); 14] = [
        ("TSU", "TU"),
        ("SHI", "SI"),
        ("CHI", "TI"),
        ("JI", "ZI"),
        ("SH", "SY"),
        ("TCH", "TY"),
        ("CH", "TY"),
        ("J", "ZY"),
        ("FU", "HU"),
        ("DZU", "ZU"),
        ("L", "R"),
        ("OH", "O"),
        ("MB", "NB"),
        ("MP", "NP"),
    ];
    let mut text = letters.to_owned();
    for (hepburn, kunrei) in TO_KUNREI {
        text = text.replace(hepburn, kunrei);
    }
    // KIYO and KYO: the glide's I falls; O and U after O or U prolong.
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(letter) = characters.next() {
        let before = out.chars().next_back();
        let doubled = before == Some(letter);
        let prolongs = letter == 'U' && before == Some('O');
        let glide = letter == 'I' && characters.peek() == Some(&'Y');
        if !(doubled || prolongs || glide) {
            out.push(letter);
        }
    }
    out
}

fn syllable(kana: char) -> Option<&'static str> {
    const SYLLABLES: [(&str, [&str; 5]); 15] = [
        ("アイウエオ", ["A", "I", "U", "E", "O"]),
        ("カキクケコ", ["KA", "KI", "KU", "KE", "KO"]),
        ("ガギグゲゴ", ["GA", "GI", "GU", "GE", "GO"]),
        ("サシスセソ", ["SA", "SI", "SU", "SE", "SO"]),
        ("ザジズゼゾ", ["ZA", "ZI", "ZU", "ZE", "ZO"]),
        ("タチツテト", ["TA", "TI", "TU", "TE", "TO"]),
        ("ダヂヅデド", ["DA", "ZI", "ZU", "DE", "DO"]),
        ("ナニヌネノ", ["NA", "NI", "NU", "NE", "NO"]),
        ("ハヒフヘホ", ["HA", "HI", "HU", "HE", "HO"]),
        ("バビブベボ", ["BA", "BI", "BU", "BE", "BO"]),
        ("パピプペポ", ["PA", "PI", "PU", "PE", "PO"]),
        ("マミムメモ", ["MA", "MI", "MU", "ME", "MO"]),
        ("ヤヰユヱヨ", ["YA", "I", "YU", "E", "YO"]),
        ("ラリルレロ", ["RA", "RI", "RU", "RE", "RO"]),
        ("ワンヴ・ヲ", ["WA", "N", "BU", "", "O"]),
    ];
    SYLLABLES.iter().find_map(|(row, letters)| {
        let place = row.chars().position(|other| other == kana)?;
        letters.get(place).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_letter_rules_nothing_out(bank in "[ァ-ヶー]{0,5}", other in "[ァ-ヶー]{0,2}") {
            for doubling in [false, true] {
                let key = key_of_kana(&bank, doubling);
                prop_assert!(key.is_empty() || may_begin(&key, &bank), "{} {}", key, bank);
                prop_assert!(key.is_empty() || romanises(&key, &bank));
                prop_assert_eq!(
                    !key.is_empty() && may_begin(&key, &other) && is_key_of(&key, &other),
                    !key.is_empty() && [false, true].iter().any(|doubling| key == key_of_kana(&other, *doubling))
                );
            }
        }
    }

    #[test]
    fn every_romanisation_of_a_reading_is_one() {
        for (latin, bank) in [
            ("Yamada", "ヤマダ"),
            ("TARŌ", "タロウ"),
            ("TAROH", "タロウ"),
            ("Taro", "タロウ"),
            ("SHINICHI", "シンイチ"),
            ("Jun'ichi", "ジユンイチ"),
            ("HONMA", "ホンマ"),
            ("SHIMBASHI", "シンバシ"),
            ("Ryuzo", "リユウゾウ"),
            ("KYOKO", "キヨウコ"),
            ("TUTUI", "ツツイ"),
            ("HATTORI", "ハツトリ"),
            ("MATSUKO", "マツコ"),
        ] {
            assert!(romanises(latin, bank), "{latin} {bank}");
        }
    }
}
