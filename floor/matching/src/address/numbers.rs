//! Where the numbers of an address begin and end: 三五十 is 3-5-10, 三十番町 is a name.

use crate::fold::is_dash;
use crate::hash::Quick;
use crate::kana;
use crate::numerals;
use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

/// What follows the municipality, in three parts.
pub(super) struct Split {
    pub(super) town: String,
    pub(super) numbers: Vec<u32>,
    pub(super) building: String,
    /// The numbers as written, when they are one run of kanji figures that may be cut in several ways.
    pub(super) run: Option<String>,
}

/// Cuts at the first number that is a house number and not part of a name. Linear: every character is
/// looked at a fixed number of times.
pub(super) fn split(text: &str) -> Split {
    let characters: Vec<char> = text.chars().collect();
    let mut next = 0;
    while let Some(&character) = characters.get(next) {
        let at = next;
        let end = end_of_run(&characters, at);
        if end == at {
            next += 1;
            continue;
        }
        // 与一六丁目: the town's own figure comes before the number.
        let at = if end - at >= 2 { at + end_of_town(&characters, at, end) } else { at };
        if starts_numbers(&characters, at, end, character.is_ascii_digit()) {
            let town = collect(&characters, 0, at);
            let (numbers, rest) = read_numbers(&characters, at);
            let nothing_between =
                characters.get(end..rest).is_some_and(|gap| gap.iter().all(|gap| *gap == ' '));
            let one_run = !character.is_ascii_digit() && end - at >= 2 && nothing_between;
            let run = one_run.then(|| collect(&characters, at, end));
            return Split { town, numbers, building: collect(&characters, rest, characters.len()), run };
        }
        next = end;
    }
    Split { town: text.to_owned(), numbers: Vec::new(), building: String::new(), run: None }
}

/// What [`split`] finds when the first number, at `at`, is the house number and nothing before it is: the numbers,
/// where the building begins, and the run. `None` when that number is part of a name.
pub(super) fn from_first(characters: &[char], at: usize) -> Option<(Vec<u32>, usize, Option<Box<str>>)> {
    let end = end_of_run(characters, at);
    let arabic = characters.get(at).is_some_and(char::is_ascii_digit);
    let of_town = end - at >= 2 && end_of_town(characters, at, end) > 0;
    if end == at || of_town || !starts_numbers(characters, at, end, arabic) {
        return None;
    }
    let (numbers, rest) = read_numbers(characters, at);
    let nothing_between = characters.get(end..rest).is_some_and(|gap| gap.iter().all(|gap| *gap == ' '));
    let one_run = !arabic && end - at >= 2 && nothing_between;
    Some((numbers, rest, one_run.then(|| collect(characters, at, end).into())))
}

/// The numbers that stand in a building's name, in order; the last is the room. The name itself tells nothing that
/// the house number does not: people shorten it, translate it and leave it out.
pub(super) fn in_building(text: &str) -> Vec<u32> {
    let characters: Vec<char> = text.chars().collect();
    let mut numbers = Vec::new();
    add_building(&characters, &mut numbers);
    numbers
}

/// The same for characters, behind the numbers that are there already.
pub(super) fn add_building(characters: &[char], numbers: &mut Vec<u32>) {
    let mut at = 0;
    while at < characters.len() {
        let end = end_of_run(characters, at);
        if end > at {
            push_numbers(characters, at, end, numbers);
        }
        at = end.max(at + 1);
    }
}

const NUMERAL_TOWNS: &str = include_str!("../../data/numeral_towns.txt");

/// How many figures of the run at `at` end the name of a known town; the whole run only if nothing follows it.
fn end_of_town(characters: &[char], at: usize, end: usize) -> usize {
    // The list's towns end with kanji figures.
    if characters.get(at).is_some_and(char::is_ascii_digit) {
        return 0;
    }
    static TOWNS: OnceLock<HashSet<Vec<char>, BuildHasherDefault<Quick>>> = OnceLock::new();
    let towns = TOWNS.get_or_init(|| {
        let towns = NUMERAL_TOWNS.lines().filter(|line| !line.starts_with('#'));
        towns.map(|town| town.chars().collect()).collect()
    });
    // The longest town wins; no town ends with more than three figures.
    (1..=(end - at - 1).min(3))
        .rev()
        .find(|figures| {
            let upto = at + figures;
            (upto.saturating_sub(6)..at).any(|start| {
                // 北一 is a town of its own only where no longer name contains it.
                let whole = start == 0 || characters.get(start - 1) == Some(&'字');
                (whole || upto - start > 2)
                    && characters.get(start..upto).is_some_and(|town| towns.contains(town))
            })
        })
        .unwrap_or(0)
}

fn collect(characters: &[char], from: usize, to: usize) -> String {
    characters.get(from..to).unwrap_or_default().iter().collect()
}

/// End of the run of numeral characters of one script that begins at `at`; `at` itself when none does.
fn end_of_run(characters: &[char], at: usize) -> usize {
    let of_script: fn(char) -> bool = match characters.get(at) {
        Some(character) if character.is_ascii_digit() => |character| character.is_ascii_digit(),
        Some(&character) if numerals::is_kanji_numeral(character) => numerals::is_kanji_numeral,
        _ => return at,
    };
    let run = characters.get(at..).unwrap_or_default();
    at + run.iter().take_while(|character| of_script(**character)).count()
}

fn push_numbers(characters: &[char], from: usize, to: usize, numbers: &mut Vec<u32>) {
    let run = characters.get(from..to).unwrap_or_default();
    if run.iter().all(char::is_ascii_digit) {
        let digits = run.iter().filter_map(|digit| digit.to_digit(10));
        numbers.push(digits.fold(0_u32, |number, digit| number.saturating_mul(10).saturating_add(digit)));
    } else {
        numbers.extend(numerals::read(&run.iter().collect::<String>()));
    }
}

fn is_number_at(characters: &[char], at: usize) -> bool {
    characters.get(at).is_some_and(|&next| next.is_ascii_digit() || numerals::is_kanji_numeral(next))
}

/// Characters that make a name of the Arabic number before them: 9条, 3線, 19軒屋, 3ツ寺, 4日市場.
const NAME_AFTER_NUMBER: &str = "条線町区軒ツッつっケヶヵ本日里升社部反割歩城十百千";

/// Does the run that ends at `end` begin the house number?
fn starts_numbers(characters: &[char], start: usize, end: usize, arabic: bool) -> bool {
    let next = characters.get(end).copied();
    let after = characters.get(end + 1).copied();
    let Some(next) = next else { return start > 0 };
    match next {
        // 六丁の目 and 三番丁 are names; 4丁目 and Sakai's 4丁5番 are not.
        '丁' => after == Some('目') || is_number_at(characters, end + 1) || after.is_some_and(is_dash),
        // 三十番町 is a name; 3番5号, 51番 and 355番号 are not.
        '番' => !matches!(after, Some('町' | '丁' | '館' | '通' | '街' | '組' | '掘' | '堀' | '山' | '沢')),
        '号' => arabic && !matches!(after, Some('線' | '町')),
        'の' | 'ノ' | '之' => is_number_at(characters, end + 1),
        '地' => after == Some('割'),
        ' ' => start > 0,
        next if is_dash(next) => is_number_at(characters, end + 1),
        // A kanji number before any other character is part of a name, an Arabic one seldom.
        // 3カ田町 and 3が丘 are names, 122カーサ is a number and a building.
        'カ' | 'か' | 'が' | 'ガ' => after.is_none_or(kana::is_kana),
        // 三七七グランド: a building in kana follows.
        next if !arabic && kana::is_kana(next) && kana::katakana(next) == next => {
            !NAME_AFTER_NUMBER.contains(next)
        }
        next if arabic => !NAME_AFTER_NUMBER.contains(next),
        _ => false,
    }
}

/// The numbers from `at` on, and where the building begins.
fn read_numbers(characters: &[char], mut at: usize) -> (Vec<u32>, usize) {
    let mut numbers = Vec::new();
    loop {
        let end = end_of_run(characters, at);
        if end == at {
            return (numbers, at);
        }
        push_numbers(characters, at, end, &mut numbers);
        let next = end_of_separator(characters, end);
        // A number that follows without a separator (17 201) belongs to the building.
        if next == end || !is_number_at(characters, next) {
            return (numbers, next);
        }
        // 第二若葉 after the numbers is a building; 4番第2 never continues them. 3番 101号室 does, as a room,
        // and rooms are listed after the house number anyway.
        at = next;
    }
}

/// Skips what stands between two house numbers: 丁目 番地 番 号 の dashes and spaces.
fn end_of_separator(characters: &[char], mut at: usize) -> usize {
    while let Some(&character) = characters.get(at) {
        let skip = match character {
            '丁' if characters.get(at + 1) == Some(&'目') => 2,
            '番' if characters.get(at + 1) == Some(&'地') => 2,
            '地' if characters.get(at + 1) == Some(&'割') => 2,
            '丁' | '番' | '号' | '目' | ' ' | ',' | '、' | '第' => 1,
            'の' | 'ノ' | '之' if is_number_at(characters, at + 1) => 1,
            character if is_dash(character) => 1,
            _ => return at,
        };
        // 第 is only a separator before a plot number (第1地割), not before a building's name.
        if character == '第' && !before_plot(characters, at + 1) {
            return at;
        }
        at += skip;
    }
    at
}

fn before_plot(characters: &[char], at: usize) -> bool {
    let end = end_of_run(characters, at);
    end > at && matches!(characters.get(end), Some('地' | '番'))
}
