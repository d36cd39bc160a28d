//! What institutions' files do to a person: one function per attribute, each defect with its own rate.

use super::Customer;
use super::door::{Style, wide};
use super::people::{Lists, Resident};
use super::random::Random;
use crate::Attributes;
use crate::numerals::with_units as kanji;
use crate::variants::{a_look_alike, other_forms};

/// Defects made so far; a rate of 0.02 means two customers in a hundred.
struct Made<'a> {
    defects: Vec<&'static str>,
    random: &'a mut Random,
}

impl Made<'_> {
    fn chance(&mut self, share: f64, defect: &'static str) -> bool {
        let happens = self.random.chance(share);
        if happens {
            self.defects.push(defect);
        }
        happens
    }
}

/// The customer record that an institution keeps of a person.
pub(super) fn customer(
    person: &Resident,
    truth: Option<u64>,
    lists: &Lists<'_>,
    random: &mut Random,
) -> Customer {
    let institution = u64::try_from(random.below(12)).unwrap_or(0);
    let mut made = Made { defects: Vec::new(), random };
    let (name, kana) = name(person, lists, &mut made);
    let birth = birth(person.birth, &mut made);
    let sex = sex(person.sex, &mut made);
    let address = address(person, lists, &mut made);
    let attributes = Attributes { name, kana, address, birth, sex };
    Customer { attributes, institution, truth, defects: made.defects }
}

fn name(person: &Resident, lists: &Lists<'_>, made: &mut Made<'_>) -> (String, Option<String>) {
    let mut surname = person.surname.clone();
    let mut given = person.given.clone();
    if let Some(common) = person.common_name.clone().filter(|_| made.chance(0.3, "n_common")) {
        let read = made.random.chance(0.5).then(|| format!("{} {}", surname.1, given.1));
        return (common, read);
    }
    if person.former_surname.is_some() && made.chance(0.15, "n_maiden") {
        surname = person.former_surname.clone().unwrap_or(surname);
    } else if person.sex == 'F' && made.chance(0.03, "n_maiden_nohist") {
        surname = lists.surname(made.random);
    }
    let foreign = surname.0.is_ascii();
    if foreign && made.chance(0.4, "n_foreignkana") {
        surname.0 = surname.1.clone();
        given.0 = given.1.clone();
    } else if !foreign {
        japanese_writing(&mut surname, &mut given, lists, made);
    }
    reading(&mut surname.1, &mut given.1, made);
    if made.chance(0.006, "n_swapped") {
        std::mem::swap(&mut surname, &mut given);
    }
    let written = with_gap(&surname.0, &given.0, made.random);
    let written = if made.chance(0.01, "n_polite") { format!("{written}様") } else { written };
    let read = bank(&with_gap(&surname.1, &given.1, made.random), made);
    if !foreign && made.chance(0.012, "n_romaji") {
        return (romaji(&surname.1, &given.1), None);
    }
    match made.random.below(100) {
        0..=11 => {
            made.defects.push("n_kanaonly");
            (String::new(), Some(read))
        }
        12..=19 => {
            made.defects.push("n_kanamissing");
            (written, None)
        }
        _ => (written, Some(read)),
    }
}

fn with_gap(surname: &str, given: &str, random: &mut Random) -> String {
    let gap = ["　", " ", ""].get(random.below(3)).copied().unwrap_or("");
    format!("{surname}{gap}{given}")
}

fn japanese_writing(
    surname: &mut (String, String),
    given: &mut (String, String),
    lists: &Lists<'_>,
    made: &mut Made<'_>,
) {
    if made.chance(0.05, "n_variant") {
        surname.0 =
            each(&surname.0, |character, random| random.one(&other_forms(character)).copied(), made.random);
    }
    if made.chance(0.03, "n_variant_given") {
        given.0 =
            each(&given.0, |character, random| random.one(&other_forms(character)).copied(), made.random);
    }
    if made.chance(0.01, "n_ivs") {
        surname.0.push('\u{e0101}');
    }
    if made.chance(0.022, "n_homophone")
        && let Some(other) = lists.homophone(&given.0, &given.1, made.random)
    {
        given.0 = other;
    }
    if made.chance(0.006, "n_hiragana") {
        given.0 = given.1.chars().map(hiragana).collect();
    }
    if made.chance(0.006, "n_gaiji_surname") {
        one_character(&mut surname.0, |_| Some('〓'), made.random);
    }
    if made.chance(0.004, "n_gaiji_given") {
        one_character(&mut given.0, |_| Some('■'), made.random);
    }
    if made.chance(0.006, "n_scanner") {
        one_character(&mut surname.0, a_look_alike, made.random);
    }
    if made.chance(0.004, "n_scanner_given") {
        one_character(&mut given.0, a_look_alike, made.random);
    }
    if made.chance(0.003, "n_typo") {
        let other = lists.surname(made.random).0.chars().next();
        one_character(&mut surname.0, |_| other, made.random);
    }
}

fn reading(surname: &mut String, given: &mut String, made: &mut Made<'_>) {
    if made.chance(0.004, "n_voicing") {
        *surname = surname.chars().map(voiced_otherwise).collect();
    }
    if made.chance(0.004, "n_long_vowel") {
        *surname = surname.replace("オオ", "オウ").replace("ョウ", "ョー").replace("コウ", "コオ");
        *given = given.replace("ウロウ", "ウロー").replace("ヨウ", "ヨオ").replace("ユウ", "ユー");
    }
    if made.chance(0.003, "n_zu") {
        *given = given.replace('ズ', "ヅ").replace('ジ', "ヂ");
    }
    if made.chance(0.006, "n_kanatypo") {
        let mut letters: Vec<char> = given.chars().collect();
        let place = made.random.below(letters.len());
        if letters.len() > 2 {
            letters.remove(place);
        }
        *given = letters.into_iter().collect();
    }
    if made.chance(0.008, "n_otherreading") {
        *surname = surname
            .replace("ヤマザキ", "ヤマサキ")
            .replace("ナカジマ", "ナカシマ")
            .replace("カワサキ", "カワザキ");
    }
}

fn bank(read: &str, made: &mut Made<'_>) -> String {
    let style = made.random.below(100);
    let large = |text: &str| {
        text.chars()
            .map(|kana| {
                "ァアィイゥウェエォオッツャヤュユョヨ"
                    .chars()
                    .skip_while(|other| *other != kana)
                    .nth(usize::from("ァィゥェォッャュョ".contains(kana)))
                    .unwrap_or(kana)
            })
            .collect::<String>()
    };
    match style {
        0..=21 => half_width(&large(read)),
        22..=55 => half_width(read),
        56..=62 => read.chars().map(hiragana).collect(),
        63..=75 => large(read),
        _ => read.to_owned(),
    }
}

fn birth((year, month, day): (i32, u32, u32), made: &mut Made<'_>) -> String {
    let (mut year, mut month, mut day) = (year, month, day);
    if made.chance(0.009, "d_missing") {
        return String::new();
    }
    if made.chance(0.004, "d_default") {
        return ["1900-01-01", "1901/1/1", "9999-12-31", "明治33年1月1日", "0000-00-00"]
            .get(made.random.below(5))
            .copied()
            .unwrap_or("")
            .to_owned();
    }
    if made.chance(0.002, "d_partial") {
        return format!("{year:04}-{month:02}-00");
    }
    if made.chance(0.014, "d_typo") {
        match made.random.below(3) {
            0 => day = if day >= 27 { day - 1 } else { day + 1 },
            1 => month = if month == 12 { 11 } else { month + 1 },
            _ => year -= 10,
        }
    }
    if made.chance(0.005, "d_era") {
        year += 1;
    }
    if day <= 12 && day != month && made.chance(0.003, "d_swapmd") {
        std::mem::swap(&mut month, &mut day);
    }
    let (era, short, of_era) = era(year);
    match made.random.below(10) {
        0 | 1 => format!("{year:04}-{month:02}-{day:02}"),
        2 => format!("{year}/{month}/{day}"),
        3 => format!("{year:04}{month:02}{day:02}"),
        4 => format!("{era}{of_era}年{month}月{day}日"),
        5 => format!("{short}{of_era}.{month}.{day}"),
        6 => format!("{short}{of_era:02}{month:02}{day:02}"),
        7 => format!(
            "{era}{}年{}月{}日",
            if of_era == 1 { "元".into() } else { kanji(u32::try_from(of_era).unwrap_or(1)) },
            kanji(month),
            kanji(day)
        ),
        8 => format!("{era}{}年{}月{}日", wide(u32::try_from(of_era).unwrap_or(1)), wide(month), wide(day)),
        _ => format!("{year}年{month}月{day}日"),
    }
}

fn era(year: i32) -> (&'static str, &'static str, i32) {
    match year {
        2019.. => ("令和", "R", year - 2018),
        1989.. => ("平成", "H", year - 1988),
        1926.. => ("昭和", "S", year - 1925),
        _ => ("大正", "T", year - 1911),
    }
}

fn sex(sex: char, made: &mut Made<'_>) -> String {
    if made.chance(0.065, "s_missing") {
        return ["", "", "9", "不明"].get(made.random.below(4)).copied().unwrap_or("").to_owned();
    }
    let male = (sex == 'M') != made.chance(0.003, "s_wrong");
    let forms = if male { ["M", "男", "1", "男性"] } else { ["F", "女", "2", "女性"] };
    forms.get(made.random.below(4)).copied().unwrap_or("").to_owned()
}

fn address(person: &Resident, lists: &Lists<'_>, made: &mut Made<'_>) -> String {
    if made.chance(0.018, "a_missing") {
        return String::new();
    }
    let mut door = person.door.clone();
    if made.chance(0.030, "a_unknown") || made.chance(0.022, "a_prev_nohist") {
        door = lists.door(made.random);
    } else if let Some(former) = person.former_door.clone().filter(|_| made.chance(0.16, "a_prev")) {
        door = former;
    }
    let old: Vec<&String> = lists
        .material
        .mergers
        .iter()
        .filter(|(prefecture, _, new)| *prefecture == door.prefecture && *new == door.city)
        .map(|(_, old, _)| old)
        .collect();
    if !old.is_empty() && made.chance(0.12, "a_oldcity") {
        door.city = made.random.one(&old).map(|old| (*old).clone()).unwrap_or(door.city);
        if let Some((_, town)) = door.city.split_once('郡').filter(|_| made.random.chance(0.4)) {
            door.city = town.to_owned();
        }
    }
    spelling(&mut door.town, lists, made);
    if made.chance(0.011, "a_numtypo") {
        door.first = if made.random.chance(0.5) { door.first + 1 } else { door.first + 10 };
    }
    let style = Style {
        no_prefecture: made.chance(0.26, "a_nopref"),
        no_city: made.chance(0.004, "a_nocity"),
        no_oaza: made.chance(0.6, "a_nooaza"),
        no_building: made.chance(0.45, "a_nobldg"),
        no_numbers: made.chance(0.022, "a_townonly"),
        room_only: made.chance(0.15, "a_roomonly"),
    };
    let written = door.written(style, made.random);
    if made.chance(0.01, "a_gaps") {
        return written.replacen(&door.town, &format!(" {} ", door.town), 1);
    }
    if made.chance(0.01, "a_halfwidth") { half_width(&written) } else { written }
}

fn spelling(town: &mut String, lists: &Lists<'_>, made: &mut Made<'_>) {
    if made.chance(0.016, "a_variant") {
        *town = each(town, |character, random| random.one(&other_forms(character)).copied(), made.random);
    }
    if made.chance(0.3, "a_ke") {
        *town = town.replace('ケ', "ヶ").replace('の', "ノ");
    }
    if made.chance(0.005, "a_typo") {
        let mut letters: Vec<char> = town.chars().collect();
        if letters.len() > 2 {
            letters.remove(made.random.below(letters.len()));
        }
        *town = letters.into_iter().collect();
    }
    if made.chance(0.003, "a_gaiji") {
        one_character(town, |_| Some('〓'), made.random);
    }
    if made.chance(0.003, "a_scanner") {
        one_character(town, a_look_alike, made.random);
    }
    if made.chance(0.003, "a_aza") {
        let hamlet = lists.door(made.random).town;
        *town = format!("{town}字{hamlet}");
    }
}

/// Replaces every character for which there is something else.
fn each(text: &str, other: impl Fn(char, &mut Random) -> Option<char>, random: &mut Random) -> String {
    text.chars().map(|character| other(character, random).unwrap_or(character)).collect()
}

/// Replaces one character, chosen at random.
fn one_character(text: &mut String, other: impl Fn(char) -> Option<char>, random: &mut Random) {
    let mut letters: Vec<char> = text.chars().collect();
    let place = random.below(letters.len());
    if let Some(letter) = letters.get_mut(place) {
        *letter = other(*letter).unwrap_or(*letter);
    }
    *text = letters.into_iter().collect();
}

fn hiragana(kana: char) -> char {
    match kana {
        'ァ'..='ヶ' => char::from_u32(u32::from(kana) - 0x60).unwrap_or(kana),
        other => other,
    }
}

fn voiced_otherwise(kana: char) -> char {
    const PAIRS: [(char, char); 8] = [
        ('サ', 'ザ'),
        ('シ', 'ジ'),
        ('ハ', 'バ'),
        ('タ', 'ダ'),
        ('カ', 'ガ'),
        ('キ', 'ギ'),
        ('ヘ', 'ベ'),
        ('ホ', 'ボ'),
    ];
    PAIRS
        .iter()
        .find_map(|(plain, voiced)| {
            if kana == *plain {
                Some(*voiced)
            } else if kana == *voiced {
                Some(*plain)
            } else {
                None
            }
        })
        .unwrap_or(kana)
}

fn half_width(text: &str) -> String {
    const FULL: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";
    let mut out = String::new();
    for character in text.chars() {
        let (base, mark) = match character {
            'ガ'..='ド' if FULL.contains(before(character)) && !FULL.contains(character) => {
                (before(character), Some('ﾞ'))
            }
            'バ' | 'ビ' | 'ブ' | 'ベ' | 'ボ' => (before(character), Some('ﾞ')),
            'パ' | 'ピ' | 'プ' | 'ペ' | 'ポ' => (before(before(character)), Some('ﾟ')),
            'ヴ' => ('ウ', Some('ﾞ')),
            '　' => (' ', None),
            other => (other, None),
        };
        let place = FULL.chars().position(|full| full == base).and_then(|place| u32::try_from(place).ok());
        out.push(place.and_then(|place| char::from_u32(0xff66 + place)).unwrap_or(base));
        out.extend(mark);
    }
    out
}

fn before(character: char) -> char {
    char::from_u32(u32::from(character).saturating_sub(1)).unwrap_or(character)
}

fn romaji(surname: &str, given: &str) -> String {
    let letters = |kana: &str| crate::latin::hepburn(kana);
    format!("{} {}", letters(surname), letters(given))
}
