//! Addresses: prefecture, municipality, town, the numbers, the building; in any notation.

mod numbers;
mod place;

use crate::fold::{fold, is_dash};
use numbers::Split;
use place::City;
use std::sync::Arc;

pub use place::Places;
pub(crate) use place::Prefecture;

/// An address taken apart. Texts are in one spelling (see [`place`]), numbers in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) prefecture: Prefecture,
    /// Municipality of today where its former name is known, without the 郡. Several where the prefecture was
    /// left out and municipalities share the name; one empty text when none was written.
    pub(crate) cities: Arc<[Box<str>]>,
    /// Everything between the municipality and the numbers; 大字 and 字 are gone.
    pub(crate) town: Arc<str>,
    /// 丁目, 番, 号, then whatever numbers stand in the building's name: `8-38-14-401` and
    /// `八丁目38番14号 コーポひかり401号` give the same list.
    pub(crate) numbers: Box<[u32]>,
    /// How many of the numbers stand before the building.
    pub(crate) plain_numbers: usize,
    /// The house number as written, when it is one run of kanji figures that may be cut in several ways: 三五十
    /// is 3-5-10, and may be 3-50.
    pub(crate) run: Option<Box<str>>,
}

impl Address {
    /// Reads any text; an empty or meaningless one gives an address with nothing in it.
    pub(crate) fn read(text: &str, places: &Places) -> Address {
        let folded = letters_for_figures(fold(text));
        let (prefecture, rest) = place::prefecture(without_postcode(folded.trim()));
        let City { names: mut cities, rest } = places.city(prefecture, rest);
        let Split { town, mut numbers, building, run } = numbers::split(rest);
        let plain_numbers = numbers.len();
        let mut town = place::town(&town);
        // 若松町1334: a town whose municipality was left out, even if a municipality of that name exists.
        if town.is_empty() && plain_numbers > 0 {
            town = cities.first().map(|city| city.to_string()).unwrap_or_default();
            cities = Arc::from([Box::from("")]);
        }
        numbers.extend(numbers::in_building(&building));
        Address {
            prefecture,
            cities,
            town: town.into(),
            numbers: numbers.into(),
            plain_numbers,
            run: run.map(Box::from),
        }
    }

    /// True when nothing was given that could agree or disagree.
    pub(crate) fn is_missing(&self) -> bool {
        self.cities.iter().all(|city| city.is_empty()) && self.town.is_empty() && self.numbers.is_empty()
    }
}

/// What stands before the first number of an address, read once for all addresses that begin so.
#[derive(Clone)]
pub(crate) struct Head {
    prefecture: Prefecture,
    cities: Arc<[Box<str>]>,
    /// What follows the municipality, as written and in one spelling.
    town_written: Box<[char]>,
    town: Arc<str>,
    nowhere: Arc<[Box<str>]>,
}

impl Head {
    /// How many bytes stand before the first number, if nothing in the text asks for a closer look: no brackets or
    /// letters that may be figures, and no municipality that could end behind the first number.
    pub(crate) fn length(text: &str) -> Option<usize> {
        let ends = |character: &char| matches!(character, '市' | '区' | '町' | '村' | '郡');
        let of_words = |character: char| {
            !character.is_ascii() && crate::fold::simple(character) == Some(character) && !is_dash(character)
        };
        // Prefectures whose names begin with a figure.
        let before = if text.starts_with("千葉県") || text.starts_with("三重県") {
            "千葉県".len()
        } else {
            0
        };
        let (start, first) = text
            .char_indices()
            .skip_while(|(at, _)| *at < before)
            .find(|(_, character)| !of_words(*character) || is_figure(*character))?;
        let (words, rest) = text.split_at_checked(start)?;
        let figure = is_figure(crate::fold::simple(first)?);
        let letters = rest.bytes().any(|byte| matches!(byte, b'l' | b'I' | b'O' | b'o' | b'|'))
            // Their full-width forms fold to them.
            || rest.contains(['ｌ', 'Ｉ', 'Ｏ', 'ｏ', '｜']);
        // A name of a municipality is looked for in the first characters only.
        let later = rest.chars().take(place::FAR).any(|character| ends(&character));
        // 郡 as the last word: what it announces would be a number.
        let plain = figure && !words.is_empty() && !words.ends_with('郡');
        (plain && !letters && !later).then_some(start)
    }

    /// Reads what stands before the numbers; `None` when it is not enough to tell where the municipality ends.
    pub(crate) fn read(words: &str, places: &Places) -> Option<Head> {
        let (prefecture, rest) = place::prefecture(words);
        let City { names: cities, rest } = places.city(prefecture, rest);
        // Without a municipality, what follows could matter.
        if rest.len() == words.len() || rest.is_empty() {
            return None;
        }
        Some(Head {
            prefecture,
            cities,
            town_written: rest.chars().collect(),
            town: place::town(rest).into(),
            nowhere: Arc::from([Box::from("")]),
        })
    }

    /// The whole address, with the folded characters from the first number on; `None` when the first number is
    /// part of a name.
    pub(crate) fn with_numbers(&self, after: &mut Vec<char>) -> Option<Address> {
        let at = self.town_written.len();
        after.splice(0..0, self.town_written.iter().copied());
        let (mut numbers, rest, run) = numbers::from_first(after, at)?;
        let plain_numbers = numbers.len();
        numbers::add_building(after.get(rest..).unwrap_or_default(), &mut numbers);
        let nowhere = self.town.is_empty() && plain_numbers > 0;
        let (cities, town) = if nowhere {
            (&self.nowhere, self.cities.first().map(|city| Arc::from(&**city)).unwrap_or_default())
        } else {
            (&self.cities, self.town.clone())
        };
        Some(Address {
            prefecture: self.prefecture,
            cities: cities.clone(),
            town,
            numbers: numbers.into(),
            plain_numbers,
            run,
        })
    }
}

fn is_figure(character: char) -> bool {
    character.is_ascii_digit() || crate::numerals::is_kanji_numeral(character)
}

/// Drops a postcode in front: 〒332-0016 埼玉県….
fn without_postcode(text: &str) -> &str {
    let marked = text.strip_prefix('〒').unwrap_or(text).trim_start();
    let figures = marked.chars().take_while(|character| character.is_ascii_digit() || is_dash(*character));
    let (mut digits, mut bytes) = (0, 0);
    for character in figures.take(9) {
        digits += usize::from(character.is_ascii_digit());
        bytes += character.len_utf8();
    }
    if digits == 7 { marked.get(bytes..).unwrap_or(marked).trim_start() } else { marked }
}

/// Scanners read 1 as l or I and 0 as O: beside a figure or a dash they are figures.
fn letters_for_figures(text: String) -> String {
    if !text.bytes().any(|byte| matches!(byte, b'l' | b'I' | b'O' | b'o' | b'|')) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let numeric =
        |character: Option<char>| character.is_some_and(|other| other.is_ascii_digit() || is_dash(other));
    while let Some(character) = characters.next() {
        let beside = numeric(out.chars().next_back()) || numeric(characters.peek().copied());
        out.push(match character {
            'l' | 'I' | '|' if beside => '1',
            'O' | 'o' if beside => '0',
            other => other,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        Address::read(text, &Places::default())
    }

    fn numbers(text: &str) -> Vec<u32> {
        read(text).numbers.to_vec()
    }

    #[test]
    fn one_address_in_every_notation() {
        let register = read("埼玉県川口市幸町四丁目６番１４号");
        for text in [
            "埼玉県川口市幸町4-6-14",
            "川口市幸町４丁目６－１４",
            "埼玉県川口市幸町四丁目六番十四号",
            "埼玉県川口市幸町4丁目6番地14",
            "埼玉県 川口市 幸町 ４−６−１４号",
            "川口市幸町4の6の14",
            "川口市幸町4ー6ー14",
            "川口市幸町４丁目６番地の１４",
            "川口市大字幸町4丁目6-14",
            "川口市幸町四－六－一四",
            "川口市幸町4-6-l4",
            "〒332-0016 埼玉県川口市幸町4-6-14",
            "3320016川口市幸町4-6-14",
        ] {
            let other = read(text);
            assert_eq!(
                (&*other.cities[0], &*other.town, &*other.numbers),
                ("川口市", "幸町", &[4, 6, 14][..]),
                "{text}: {other:?}"
            );
        }
        assert_eq!((&*register.town, register.plain_numbers), ("幸町", 3));
    }

    #[test]
    fn numbers_that_belong_to_names_stay_there() {
        assert_eq!(&*read("仙台市若林区六丁の目南町1593番地2").town, "6丁ノ目南町");
        assert_eq!(&*read("仙台市若林区東八番丁９７５番").town, "東8番丁");
        assert_eq!(numbers("仙台市若林区東八番丁９７５番"), [975]);
        assert_eq!(&*read("千代田区三十番町3-5-10").town, "30番町");
        assert_eq!(numbers("千代田区三十番町3-5-10"), [3, 5, 10]);
        assert_eq!(numbers("千代田区富士見三五十"), [3, 5, 10]);
        assert_eq!(numbers("新宿区西新宿二ー八ー一"), [2, 8, 1]);
        assert_eq!(read("美唄市東二条北五丁目25番3号"), read("美唄市東2条北5-25-3"));
        assert_eq!(&*read("福山市神邉町十九軒屋２５４６番地").town, "神辺町19軒屋");
        assert_eq!(read("静岡市葵区与一六丁目３番２号"), read("静岡市葵区与一6-3-2"));
        assert_eq!(&*read("成田市十余三５１９番地").town, "10余3");
        assert_eq!(numbers("成田市十余三五百十九番地"), [519]);
        assert_eq!(&*read("大分市三ｹ田町2丁目30番1号").town, "3ケ田町");
    }

    #[test]
    fn rooms_follow_the_numbers_however_they_are_written() {
        for text in [
            "福山市青葉台八丁目38-14-401",
            "広島県福山市青葉台八丁目３８番１４号　コーポひかり４０１号",
            "福山市青葉台8-38-14コーポひかり401号室",
        ] {
            assert_eq!(numbers(text), [8, 38, 14, 401], "{text}");
        }
        let with_building = read("狭山市青柳1389番地14第二緑201号");
        assert_eq!((&*with_building.numbers, with_building.plain_numbers), (&[1389, 14, 2, 201][..], 2));
    }

    #[test]
    fn spellings_of_a_town_are_one() {
        let town = |text: &str| read(text).town.to_string();
        assert_eq!(town("大分市坂の市中央８丁目"), town("大分市坂ノ市中央八丁目"));
        assert_eq!(town("狭山市鵜の木506"), town("狭山市大字鵜ノ木５０６番地"));
        assert_eq!(town("赤磐市桜が丘東6"), town("赤磐市桜ヶ丘東六丁目"));
        assert_eq!(town("美唄市盤の澤町高台2349"), town("美唄市大字盤の沢町字高台２３４９番地"));
        assert_eq!(town("東大阪市六萬寺町1"), town("東大阪市六万寺町一丁目"));
        assert_ne!(town("川口市幸町1"), town("川口市栄町1"));
    }

    #[test]
    fn districts_and_prefectures_may_be_left_out() {
        for (short, long) in [
            ("稲美町国岡1-4-6", "兵庫県加古郡稲美町国岡一丁目４番６号"),
            ("佐賀関町志津留1042", "大分県北海部郡佐賀関町志津留1042番地"),
            ("片品村築地665", "群馬県利根郡片品村築地６６５番地"),
        ] {
            let (short, long) = (read(short), read(long));
            assert_eq!(
                (&short.cities, &short.town, &short.numbers),
                (&long.cities, &long.town, &long.numbers)
            );
        }
        assert_eq!(&*read("奈良県大和郡山市北郡山町1").cities[0], "大和郡山市");
        assert_eq!(&*read("愛知県蒲郡市中央本町1").cities[0], "蒲郡市");
    }

    #[test]
    fn nothing_meaningful_is_missing() {
        assert!(read("").is_missing());
        assert!(read("   ").is_missing());
    }
}
