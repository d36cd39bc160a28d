//! Properties that hold for any text whatever.

use crate::address::Address;
use crate::birth::Birth;
use crate::kana;
use crate::name::Name;
use crate::numerals;
use crate::{Answer, Attributes, Person, Places, Register};
use proptest::prelude::*;
use std::time::Duration;
use world::Stopwatch;

/// Characters that the parsers treat specially, and some they do not.
fn any_text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let special: Vec<char> = "県市区町村郡大字丁目番地号の一二三十百千〇123０－-ーヶケ（）() 　々〓■?゛\u{3099}\u{e0101}ガがｶﾞ山川旧姓Aé1lO".chars().collect();
    prop::collection::vec(prop_oneof![4 => prop::sample::select(special), 1 => any::<char>()], length)
        .prop_map(|characters| characters.into_iter().collect())
}

fn attributes(text: &str) -> Attributes {
    Attributes {
        name: text.into(),
        kana: Some(text.into()),
        address: text.into(),
        birth: text.into(),
        sex: text.into(),
    }
}

fn normalising(text: &str) -> Duration {
    let attributes = attributes(text);
    (0..3)
        .map(|_| {
            let start = Stopwatch::start();
            std::hint::black_box(Person::new(std::hint::black_box(&attributes)));
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics_and_normalising_again_changes_nothing(text in any_text(0..200)) {
        let places = Places::default();
        let name = Name::new(&text, Some(&text));
        let again = Name::new(name.written().joined(), Some(name.read().joined()));
        prop_assert_eq!(name.written().joined(), again.written().joined());
        let address = Address::read(&text, &places);
        prop_assert!(address.plain_numbers <= address.numbers.len());
        let _ = Birth::read(&text);
        let register = Register::new([(1, attributes(&text))]);
        let _ = register.find(&attributes(&text));
    }

    #[test]
    fn numbers_survive_every_notation(number in 1_u32..10_000) {
        prop_assert_eq!(numerals::read(&numerals::with_units(number)), vec![number]);
        prop_assert_eq!(numerals::read(&number.to_string()), vec![number]);
        prop_assert_eq!(numerals::read(&numerals::by_figures(number)), vec![number]);
    }

    #[test]
    fn a_reading_is_one_in_every_kana(reading in "[ア-ヂテ-ヴ]{1,12}") {
        let hiragana: String = reading.chars().map(|kana| char::from_u32(u32::from(kana) - 0x60).unwrap_or(kana)).collect();
        prop_assert_eq!(kana::bank(&reading), kana::bank(&hiragana));
        let sound = kana::sound(&kana::bank(&reading));
        prop_assert_eq!(&kana::sound(&sound), &sound);
    }

    #[test]
    fn a_stranger_is_never_linked(text in any_text(1..60)) {
        let register = Register::new([(1, Attributes {
            name: "髙橋　誠介".into(),
            kana: Some("タカハシ　セイスケ".into()),
            address: "神奈川県横浜市緑区森の台１６００番地".into(),
            birth: "1967-12-17".into(),
            sex: "M".into(),
        })]);
        let linked = matches!(register.find(&attributes(&text)), Answer::Link { .. });
        prop_assert!(!linked);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Twenty times the text may take at most sixty times as long (with a floor for the clock's noise); a
    /// quadratic step would take four hundred times.
    #[test]
    fn normalising_is_linear_in_the_length(seed in any_text(60..250)) {
        let text = |bytes: usize| seed.repeat(bytes / seed.len() + 1);
        let (short, long) = (normalising(&text(5_000)), normalising(&text(100_000)));
        prop_assert!(long < short * 60 + Duration::from_millis(40), "{short:?} for 5 kB, {long:?} for 100 kB");
    }
}

#[test]
fn a_hundred_kilobytes_of_one_character_are_read_quickly() {
    for character in
        ['\u{3099}', '郡', '字', '千', '一', '1', '-', '々', '市', '(', '〓', 'é', '\u{301}', 'ー']
    {
        let text: String = std::iter::repeat_n(character, 100_000 / character.len_utf8()).collect();
        let taken = normalising(&text);
        assert!(taken < Duration::from_millis(500), "{character:?}: {taken:?}");
        let register = Register::new([(1, attributes(&text))]);
        let start = Stopwatch::start();
        let _ = register.find(&attributes(&text));
        assert!(start.elapsed() < Duration::from_secs(1), "{character:?}: {:?}", start.elapsed());
    }
}
