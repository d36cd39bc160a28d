//! A text as the units that are compared: a character with its marks, a number, a sign between numbers.

use super::Kind;
use crate::fold::{fold, is_dash};
use crate::kana::katakana;
use crate::numerals;
use crate::variants::standard;

/// What a unit is; units of different sorts are never the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    Character,
    /// A run of figures of an address, 24 or 二十四.
    Number,
    /// 丁目, 番地, 号, a hyphen: where one number ends.
    Separator,
    /// 大字 and the like, which may be left out.
    Little,
    Space,
}

/// One unit, with what it is once notation does not count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) key: String,
    pub(super) sort: Sort,
}

/// Words after a number of an address, longer ones first.
const SEPARATORS: [&str; 8] = ["丁目", "番地の", "番地", "番", "号室", "号", "の", "ノ"];
const LITTLE: [&str; 3] = ["大字", "小字", "字"];

/// Cuts a text into units; joined again they are the text.
pub(super) fn tokens(kind: Kind, text: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let after_number =
            tokens.last().is_some_and(|token| matches!(token.sort, Sort::Number | Sort::Separator));
        let token = match kind {
            Kind::Address => of_address(rest, after_number),
            Kind::Name => None,
        };
        let token = token.unwrap_or_else(|| character(rest));
        rest = rest.get(token.text.len()..).unwrap_or_default();
        tokens.push(token);
    }
    tokens
}

fn of_address(rest: &str, after_number: bool) -> Option<Token<'_>> {
    let figures = clusters(rest).take_while(|cluster| is_figure(cluster)).map(str::len).sum::<usize>();
    if figures > 0 {
        let text = rest.get(..figures)?;
        let numbers = numerals::read(&fold(text));
        let key = numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        return Some(Token { text, key, sort: Sort::Number });
    }
    let starts = |words: &[&str]| {
        let word = words.iter().find(|word| rest.starts_with(**word))?;
        rest.get(..word.len())
    };
    if after_number {
        let dash = clusters(rest).next().filter(|cluster| fold(cluster).chars().all(is_dash));
        if let Some(text) = dash.filter(|dash| !fold(dash).is_empty()).or_else(|| starts(&SEPARATORS)) {
            return Some(Token { text, key: "-".to_owned(), sort: Sort::Separator });
        }
    }
    starts(&LITTLE).map(|text| Token { text, key: text.to_owned(), sort: Sort::Little })
}

fn character(rest: &str) -> Token<'_> {
    let text = clusters(rest).next().unwrap_or(rest);
    let folded = fold(text);
    let key: String = folded.trim().chars().map(|character| standard(one_form(character))).collect();
    let sort = if key.is_empty() { Sort::Space } else { Sort::Character };
    Token { text, key, sort }
}

/// Kana of both alphabets, ヶ and ケ: one form.
fn one_form(character: char) -> char {
    match katakana(character) {
        'ヶ' => 'ケ',
        'ヵ' => 'カ',
        character => character,
    }
}

fn is_figure(cluster: &str) -> bool {
    let folded = fold(cluster);
    !folded.is_empty()
        && folded.chars().all(|character| {
            character.is_ascii_digit() || numerals::is_kanji_numeral(character) || character == '〇'
        })
}

/// A character and the marks that belong to it: variation selectors, voicing marks, joiners.
fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices();
        characters.next()?;
        let end = characters.find(|(_, character)| !is_mark(*character)).map_or(rest.len(), |(end, _)| end);
        let (cluster, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(cluster)
    })
}

fn is_mark(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{200b}'..='\u{200f}')
        || matches!(character, '\u{3099}'..='\u{309c}' | 'ﾞ' | 'ﾟ')
        || unicode_normalization::char::is_combining_mark(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: Kind, text: &str) -> Vec<(&str, Sort)> {
        tokens(kind, text).into_iter().map(|token| (token.text, token.sort)).collect()
    }

    #[test]
    fn an_address_is_read_as_numbers_and_what_stands_between() {
        use Sort::{Character, Little, Number, Separator, Space};
        assert_eq!(
            shown(Kind::Address, "大字幸町二十四番地の３－コーポ 1"),
            [
                ("大字", Little),
                ("幸", Character),
                ("町", Character),
                ("二十四", Number),
                ("番地の", Separator),
                ("３", Number),
                ("－", Separator),
                ("コ", Character),
                ("ー", Character),
                ("ポ", Character),
                (" ", Space),
                ("1", Number),
            ]
        );
    }

    #[test]
    fn marks_stay_with_their_character() {
        assert_eq!(shown(Kind::Name, "ﾊﾞか\u{3099}橋\u{e0103}").len(), 3);
        assert_eq!(shown(Kind::Name, "三郎"), [("三", Sort::Character), ("郎", Sort::Character)]);
    }
}
