//! The same normalisation, sooner: what a register repeats (surnames, given names, towns) is normalised once.
//!
//! INVARIANT: every answer is the one of the long way ([`Name::new`], [`Address::read`]). Whatever is not plainly one of
//! the usual forms is left to that way; the tests hold both against one another.

use crate::address::{Address, Head, Places};
use crate::birth::Birth;
use crate::fold::simple;
use crate::hash::QuickMap;
use crate::kana;
use crate::name::{Name, NameKind, spelling};
use crate::person::{AttributesRef, Past, Person, named_in_brackets, without_brackets};
use crate::sex::normalise_sex;

/// A memory that grows beyond this is begun anew: memory is bounded whatever the file holds.
const LARGEST_MEMORY: usize = 1 << 20;
/// Longer texts are no names of people or places.
const LONGEST: usize = 96;

/// A word of a reading: in the letters of a bank, and as it sounds.
type Read = (Box<str>, Box<str>);

/// What texts became, by the text.
struct Memory<T> {
    places: QuickMap<Box<str>, usize>,
    values: Vec<Option<T>>,
}

impl<T> Default for Memory<T> {
    fn default() -> Memory<T> {
        Memory { places: QuickMap::default(), values: Vec::new() }
    }
}

impl<T> Memory<T> {
    /// What `make` makes of a text, or made of it before.
    fn of(&mut self, text: &str, make: impl FnOnce() -> Option<T>) -> Option<&T> {
        let place = match self.places.get(text) {
            Some(place) => *place,
            None => {
                if self.values.len() >= LARGEST_MEMORY {
                    *self = Memory::default();
                }
                self.places.insert(text.into(), self.values.len());
                self.values.push(make());
                self.values.len() - 1
            }
        };
        self.values.get(place)?.as_ref()
    }
}

/// Normalises on one thread, and remembers.
pub(crate) struct Normaliser<'p> {
    places: &'p Places,
    surnames: Memory<Box<str>>,
    given_names: Memory<Box<str>>,
    read_surnames: Memory<Read>,
    read_given_names: Memory<Read>,
    heads: Memory<Head>,
    characters: Vec<char>,
}

impl<'p> Normaliser<'p> {
    pub(crate) fn new(places: &'p Places) -> Normaliser<'p> {
        Normaliser {
            places,
            surnames: Memory::default(),
            given_names: Memory::default(),
            read_surnames: Memory::default(),
            read_given_names: Memory::default(),
            heads: Memory::default(),
            characters: Vec::new(),
        }
    }

    /// All attributes of a person in one spelling.
    pub(crate) fn person(&mut self, attributes: AttributesRef<'_>, past: &Past<'_>) -> Person {
        let quick = attributes.kana.and_then(|kana| self.name(attributes.name, kana));
        let (name, remarked) = match quick {
            // A plain name has no brackets.
            Some(name) => (name, None),
            None => {
                let (plain, remark) = without_brackets(attributes.name);
                let kana = attributes.kana.map(|kana| without_brackets(kana).0);
                let name = Name::new(&plain, kana.as_deref());
                let remarked = remark.map(|remark| named_in_brackets(&name, &remark));
                (name, remarked)
            }
        };
        let mut other_names =
            Vec::with_capacity(past.surnames.len() + past.names.len() + usize::from(remarked.is_some()));
        for (written, reading) in past.surnames {
            let former = self.former(&name, written, *reading);
            other_names.push((former, NameKind::Former));
        }
        for (written, reading) in past.names {
            let quick = reading.and_then(|reading| self.name(written, reading));
            other_names.push((quick.unwrap_or_else(|| Name::new(written, *reading)), NameKind::Common));
        }
        other_names.extend(remarked);
        Person {
            name,
            other_names: other_names.into(),
            address: self.address(attributes.address),
            former_addresses: past.addresses.iter().map(|address| self.address(address)).collect(),
            birth: Birth::read(attributes.birth),
            sex: normalise_sex(attributes.sex),
        }
    }

    /// A name of two plain words with a reading of two plain words.
    fn name(&mut self, written: &str, read: &str) -> Option<Name> {
        let (surname, given) = two_words(written)?;
        let (read_surname, read_given) = two_words(read)?;
        let surname = self.surnames.of(surname, || written_word(surname))?;
        let given = self.given_names.of(given, || written_word(given))?;
        let (read, heard) = self.read_surnames.of(read_surname, || read_word(read_surname))?;
        let (read_given, heard_given) = self.read_given_names.of(read_given, || read_word(read_given))?;
        Some(Name::of_words([surname, read, heard], [given, read_given, heard_given]))
    }

    /// This name with a former surname.
    fn former(&mut self, name: &Name, written: &str, reading: Option<&str>) -> Name {
        self.plain_former(name, written, reading).unwrap_or_else(|| name.with_surname(written, reading))
    }

    fn plain_former(&mut self, name: &Name, written: &str, reading: Option<&str>) -> Option<Name> {
        let reading = reading?;
        let given = [name.written().parts()?.1, name.read().parts()?.1, name.heard().parts()?.1];
        let written = self.surnames.of(written, || written_word(written))?;
        let (read, heard) = self.read_surnames.of(reading, || read_word(reading))?;
        // The heard form is made of two sounds only when both are there.
        given.iter().all(|form| !form.is_empty()).then(|| Name::of_words([written, read, heard], given))
    }

    /// An address that begins with words and goes on with numbers.
    pub(crate) fn address(&mut self, text: &str) -> Address {
        match self.plain_address(text) {
            Some(address) => address,
            None => Address::read(text, self.places),
        }
    }

    fn plain_address(&mut self, text: &str) -> Option<Address> {
        let words = Head::length(text)?;
        let (words, rest) = text.split_at_checked(words)?;
        self.characters.clear();
        for character in rest.trim_end().chars() {
            self.characters.push(simple(character)?);
        }
        let places = self.places;
        let head = self.heads.of(words, || Head::read(words, places))?;
        head.with_numbers(&mut self.characters)
    }
}

fn written_word(word: &str) -> Option<Box<str>> {
    is_plain_written(word).then(|| spelling(word).into_boxed_str()).filter(|known| !known.is_empty())
}

fn read_word(word: &str) -> Option<Read> {
    let known = is_plain_read(word).then(|| {
        let bank = kana::bank(word);
        let sound = kana::sound(&bank);
        (bank.into_boxed_str(), sound.into_boxed_str())
    });
    known.filter(|(bank, sound)| !bank.is_empty() && !sound.is_empty())
}

/// The words of a text of exactly two, parted by one space.
fn two_words(text: &str) -> Option<(&str, &str)> {
    let (one, other) = text.split_once([' ', '\u{3000}'])?;
    (!one.is_empty() && !other.is_empty()).then_some((one, other))
}

/// True when the word means the same whatever stands around it.
fn is_plain_written(word: &str) -> bool {
    let plain = |(place, character): (usize, char)| {
        simple(character).is_some_and(|folded| match folded {
            // Repeats what stands before it.
            '々' | '仝' => place > 0,
            // Polite endings go at the end of the name.
            '様' | '殿' => false,
            '(' | ')' | '[' | ']' | ',' | '.' | '\'' | '=' | '_' | '、' | '・' => false,
            folded => !folded.is_whitespace(),
        })
    };
    word.len() <= LONGEST && word.char_indices().all(plain)
}

fn is_plain_read(word: &str) -> bool {
    let plain = |character: char| {
        simple(character).is_some_and(|folded| {
            !folded.is_whitespace()
                && !matches!(folded, '(' | ')' | '[' | ']' | ',' | '=' | '.' | '、' | '・')
        })
    };
    word.len() <= LONGEST && word.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places() -> Places {
        let mut places = Places::default();
        places.add_merger("埼玉県", "鳩ヶ谷市", "川口市");
        places.add_merger("千葉県", "匝瑳郡光町", "横芝光町");
        places.add_merger("広島県", "芦品郡新市町", "福山市");
        places
    }

    /// Pieces that addresses are made of, in any order: what could mislead the quick way is among them.
    fn address() -> impl Strategy<Value = String> {
        let pieces = "埼玉県|千葉県|三重県|東京都|川口市|四日市市|鳩ケ谷市|新市町|光町|芦品郡|加古郡|稲美町|郡|幸町|三十番町|\
            千代田区|八日市場市|市|区|町|村|大字|字|六丁の目|十余三|与一|北|の|ノ|ケ|ヶ丘|4|４|14|四|十|二十四|百|〇|丁目|番|番地|号|\
            -|－|ー|−| |　|コーポ|ひかり|第二|ヴィラ|l|O|Ｉ|〒|332-0016|（|〓|髙|ｶﾞ|か\u{3099}|ア|a|Ａ|、|様";
        let pieces: Vec<String> = pieces.split('|').map(str::to_owned).collect();
        prop::collection::vec(prop::sample::select(pieces), 0..9).prop_map(|pieces| pieces.concat())
    }

    fn word() -> impl Strategy<Value = String> {
        let pieces = "佐|々|木|髙|橋|花|子|様|殿|ヶ|ケ|カ|か|ガ|が|ー|-|ｱ|ｶﾞ|ヴァ|ヅ|オウ|エイ|ッ|A|a|ü|・|.|,|=|_|'|（|）|(|〓|?|\u{e0101}|\u{3099}|仝|ゝ|　| ||";
        let pieces: Vec<String> = pieces.split('|').map(str::to_owned).collect();
        prop::collection::vec(prop::sample::select(pieces), 0..5).prop_map(|pieces| pieces.concat())
    }

    fn name() -> impl Strategy<Value = String> {
        let space = prop::sample::select(vec!["", " ", "　", "  "]);
        (word(), space, word()).prop_map(|(surname, space, given)| format!("{surname}{space}{given}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn addresses_are_those_of_the_long_way(texts in prop::collection::vec(address(), 1..12)) {
            let places = places();
            let mut normaliser = Normaliser::new(&places);
            for text in texts.iter().chain(&texts) {
                prop_assert_eq!(normaliser.address(text), Address::read(text, &places), "{}", text);
            }
        }

        #[test]
        fn names_are_those_of_the_long_way(
            people in prop::collection::vec((name(), name(), word(), word()), 1..8),
        ) {
            let places = Places::default();
            let mut normaliser = Normaliser::new(&places);
            for (written, read, surname, surname_read) in people.iter().chain(&people) {
                let long = Name::new(written, Some(read));
                if let Some(quick) = normaliser.name(written, read) {
                    prop_assert_eq!(&quick, &long, "{} {}", written, read);
                    prop_assert!(without_brackets(written).1.is_none() && without_brackets(read).1.is_none());
                }
                prop_assert_eq!(
                    normaliser.former(&long, surname, Some(surname_read)),
                    long.with_surname(surname, Some(surname_read)),
                    "{} {} formerly {} {}", written, read, surname, surname_read
                );
            }
        }
    }

    #[test]
    fn the_usual_forms_go_the_quick_way() {
        let places = places();
        let mut normaliser = Normaliser::new(&places);
        for text in [
            "埼玉県川口市幸町四丁目６番１４号",
            "千葉県市川市中山三丁目３２番１６号　メゾン桜１０３号",
            "北海道岩内町大字宮園２４０６番地",
        ] {
            assert!(normaliser.plain_address(text).is_some(), "{text}");
        }
        assert!(normaliser.name("佐々木　髙子", "ササキ　タカコ").is_some());
        assert!(normaliser.name("佐々木　髙子様", "ササキ　タカコ").is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let mut memory = Memory::default();
        for number in 0..=LARGEST_MEMORY {
            assert_eq!(memory.of(&number.to_string(), || Some(number)), Some(&number));
        }
        assert_eq!(memory.values.len(), 1);
        assert_eq!(memory.of("x", || None), None);
        assert_eq!(memory.of("x", || Some(1)), None, "that it is not plain is remembered too");
    }
}
