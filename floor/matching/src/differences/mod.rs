//! Where two texts differ, for the eyes of a clerk: character by character, aware of what notation alone changes.

mod tokens;

use crate::variants::look_alike;
use tokens::{Sort, Token, tokens};

/// What kind of text is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Names and readings: every character counts for itself.
    Name,
    /// Addresses: 三十 and 30 are one number, 丁目 and a hyphen both end one.
    Address,
}

/// How a piece of one text stands to its counterpart in the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// The same characters.
    Same,
    /// The same in another notation: width, kana, numerals, hyphens, spaces.
    Written,
    /// Another form of the same character: 髙 and 高.
    Variant,
    /// A character that is easily taken for the other: 力 and カ.
    Alike,
    /// Something else.
    Differs,
    /// The other text has nothing here.
    Only,
}

/// A piece of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// The characters.
    pub text: &'a str,
    /// How they stand to the other text.
    pub how: How,
}

/// Longer tables than this are not laid out; all between the common ends is then shown as different.
const LARGEST_TABLE: usize = 1 << 16;

/// Cuts two texts into pieces; the pieces of each, joined, are the text again. Takes the alignment that explains
/// most; the answer for exchanged texts is the exchanged answer.
pub fn differences<'a>(kind: Kind, left: &'a str, right: &'a str) -> (Vec<Piece<'a>>, Vec<Piece<'a>>) {
    if right < left {
        let (right, left) = differences(kind, right, left);
        return (left, right);
    }
    let (left_tokens, right_tokens) = (tokens(kind, left), tokens(kind, right));
    let mut pieces = (Pieces::of(left), Pieces::of(right));
    for pair in align(&left_tokens, &right_tokens) {
        let how = how(pair);
        if let Some(token) = pair.0 {
            pieces.0.push(token.text.len(), how);
        }
        if let Some(token) = pair.1 {
            pieces.1.push(token.text.len(), how);
        }
    }
    (pieces.0.done, pieces.1.done)
}

/// Neighbours of one kind become one piece, which is read aloud once.
struct Pieces<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    done: Vec<Piece<'a>>,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a str) -> Pieces<'a> {
        Pieces { text, start: 0, end: 0, done: Vec::new() }
    }

    fn push(&mut self, length: usize, how: How) {
        let joins = self.done.last().is_some_and(|last| last.how == how);
        if !joins {
            self.start = self.end;
        }
        self.end += length;
        let text = self.text.get(self.start..self.end).unwrap_or_default();
        match self.done.last_mut() {
            Some(last) if joins => last.text = text,
            _ => self.done.push(Piece { text, how }),
        }
    }
}

type Pair<'t, 'a> = (Option<&'t Token<'a>>, Option<&'t Token<'a>>);

fn how(pair: Pair<'_, '_>) -> How {
    let (left, right) = match pair {
        (Some(left), Some(right)) => (left, right),
        (Some(alone), None) | (None, Some(alone)) if alone.sort == Sort::Character => {
            // An invisible character without a counterpart is no difference to anybody.
            return if alone.key.is_empty() { How::Written } else { How::Only };
        }
        (Some(alone), None) | (None, Some(alone)) if alone.sort == Sort::Number => return How::Only,
        _ => return How::Written,
    };
    if left.text == right.text {
        How::Same
    } else if left.sort == right.sort && left.key == right.key {
        let ideographs = left.key.chars().any(|character| ('\u{3400}'..='\u{3ffff}').contains(&character));
        if left.sort == Sort::Character && ideographs { How::Variant } else { How::Written }
    } else if alike(left, right) {
        How::Alike
    } else {
        How::Differs
    }
}

fn alike(left: &Token<'_>, right: &Token<'_>) -> bool {
    let mut characters = (left.key.chars(), right.key.chars());
    match (characters.0.next(), characters.0.next(), characters.1.next(), characters.1.next()) {
        (Some(left), None, Some(right), None) => look_alike(left, right),
        _ => false,
    }
}

/// What it costs to hold two units against one another.
fn cost(pair: Pair<'_, '_>) -> u32 {
    let (left, right) = match pair {
        (Some(left), Some(right)) => (left, right),
        (Some(alone), None) | (None, Some(alone)) => {
            return if matches!(alone.sort, Sort::Character | Sort::Number) { 8 } else { 4 };
        }
        (None, None) => return 0,
    };
    match how((Some(left), Some(right))) {
        How::Same => 0,
        // 番地 goes with 番地 before it goes with 号.
        How::Written if left.sort == Sort::Separator => 3,
        How::Written | How::Variant => 1,
        How::Alike => 8,
        // A house number stands for a house number.
        How::Differs | How::Only if left.sort == Sort::Number && right.sort == Sort::Number => 10,
        How::Differs | How::Only if left.sort == right.sort => 16,
        // Dearer than leaving both alone.
        How::Differs | How::Only => 17,
    }
}

/// The cheapest way to hold two rows of units against one another (Needleman and Wunsch).
fn align<'t, 'a>(left: &'t [Token<'a>], right: &'t [Token<'a>]) -> Vec<Pair<'t, 'a>> {
    if left.len().saturating_mul(right.len()) > LARGEST_TABLE {
        return align_ends(left, right);
    }
    let width = right.len() + 1;
    // Cost of what is left from (row, column) to the end.
    let mut table = vec![0_u32; (left.len() + 1) * width];
    let at = |table: &[u32], row: usize, column: usize| table.get(row * width + column).copied().unwrap_or(0);
    for row in (0..=left.len()).rev() {
        for column in (0..=right.len()).rev() {
            let (one, other) = (left.get(row), right.get(column));
            let best = ways(one, other)
                .into_iter()
                .flatten()
                .map(|pair| {
                    let (down, along) = (usize::from(pair.0.is_some()), usize::from(pair.1.is_some()));
                    cost(pair) + at(&table, row + down, column + along)
                })
                .min();
            if let Some(cell) = table.get_mut(row * width + column) {
                *cell = best.unwrap_or(0);
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut pairs = Vec::with_capacity(left.len().max(right.len()));
    let steps = |pair: &Pair<'_, '_>| (usize::from(pair.0.is_some()), usize::from(pair.1.is_some()));
    while let Some(pair) = ways(left.get(row), right.get(column)).into_iter().flatten().min_by_key(|pair| {
        let (down, along) = steps(pair);
        cost(*pair) + at(&table, row + down, column + along)
    }) {
        let (down, along) = steps(&pair);
        row += down;
        column += along;
        pairs.push(pair);
    }
    pairs
}

fn ways<'t, 'a>(left: Option<&'t Token<'a>>, right: Option<&'t Token<'a>>) -> [Option<Pair<'t, 'a>>; 3] {
    [
        left.zip(right).map(|(left, right)| (Some(left), Some(right))),
        left.map(|left| (Some(left), None)),
        right.map(|right| (None, Some(right))),
    ]
}

/// For texts of thousands of characters: what both begin and end with, and the rest as it stands.
fn align_ends<'t, 'a>(left: &'t [Token<'a>], right: &'t [Token<'a>]) -> Vec<Pair<'t, 'a>> {
    let start = left.iter().zip(right).take_while(|(left, right)| left.text == right.text).count();
    let (left_rest, right_rest) = (left.iter().skip(start), right.iter().skip(start));
    let end =
        left_rest.rev().zip(right_rest.rev()).take_while(|(left, right)| left.text == right.text).count();
    let both = |(left, right): (&'t Token<'a>, &'t Token<'a>)| (Some(left), Some(right));
    let middle = |tokens: &'t [Token<'a>]| tokens.get(start..tokens.len() - end).unwrap_or_default().iter();
    let mut pairs: Vec<Pair<'t, 'a>> = left.iter().zip(right).take(start).map(both).collect();
    pairs.extend(middle(left).map(|token| (Some(token), None)));
    pairs.extend(middle(right).map(|token| (None, Some(token))));
    pairs.extend(left.iter().skip(left.len() - end).zip(right.iter().skip(right.len() - end)).map(both));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(pieces: &[Piece<'_>]) -> String {
        pieces.iter().map(|piece| piece.text).collect()
    }

    fn shown(kind: Kind, left: &str, right: &str) -> [String; 2] {
        let (left, right) = differences(kind, left, right);
        [left, right].map(|pieces| {
            let piece = |piece: &Piece<'_>| match piece.how {
                How::Same => piece.text.to_owned(),
                How::Written => format!("({})", piece.text),
                How::Variant => format!("<{}>", piece.text),
                How::Alike => format!("~{}~", piece.text),
                How::Differs => format!("[{}]", piece.text),
                How::Only => format!("+{}+", piece.text),
            };
            pieces.iter().map(piece).collect()
        })
    }

    #[test]
    fn names() {
        for (left, right, [one, other]) in [
            ("髙橋　誠", "高橋 誠", ["<髙>橋(　)誠", "<高>橋( )誠"]),
            ("山田花子", "山田　華子", ["山田[花]子", "山田(　)[華]子"]),
            ("木下　カ", "木下　力", ["木下　~カ~", "木下　~力~"]),
            ("橋\u{e0103}本", "橋本", ["<橋\u{e0103}>本", "<橋>本"]),
            ("ﾔﾏｳﾁ ｴｲｼﾞ", "ヤマウチ　エイジ", ["(ﾔﾏｳﾁ ｴｲｼﾞ)", "(ヤマウチ　エイジ)"]),
            ("さくら", "サクラ", ["(さくら)", "(サクラ)"]),
            ("シゲトモ", "シゲモ", ["シゲ+ト+モ", "シゲモ"]),
            ("三郎", "3郎", ["[三]郎", "[3]郎"]),
            ("", "山", ["", "+山+"]),
        ] {
            assert_eq!(shown(Kind::Name, left, right), [one, other], "{left} {right}");
        }
    }

    #[test]
    fn addresses() {
        for (left, right, [one, other]) in [
            (
                "埼玉県川口市幸町２−３４−１６",
                "埼玉県川口市幸町二丁目３４番１６号",
                ["埼玉県川口市幸町(２−)３４(−)１６", "埼玉県川口市幸町(二丁目)３４(番)１６(号)"],
            ),
            ("幸町30番地", "大字幸町三十", ["幸町(30番地)", "(大字)幸町(三十)"]),
            ("幸町3-1", "幸町3-2", ["幸町3-[1]", "幸町3-[2]"]),
            ("さいたま市中区", "埼玉県さいたま市中区", ["さいたま市中区", "+埼玉県+さいたま市中区"]),
            (
                "群馬県沼田市篠尾町1520番地",
                "埼玉県川口市神戸１１５０番地３　メゾン青葉３０２号",
                [
                    "[群馬]県[沼田]市[篠尾]+町+[1520]番地",
                    "[埼玉]県[川口]市[神戸１１５０]番地+３+(　)+メゾン青葉３０２+(号)",
                ],
            ),
            ("霞ヶ関1", "霞ケ関1", ["霞(ヶ)関1", "霞(ケ)関1"]),
        ] {
            assert_eq!(shown(Kind::Address, left, right), [one, other], "{left} {right}");
        }
    }

    #[test]
    fn texts_of_any_length_are_done_at_once() {
        let (left, right) = (format!("山{}川", "木".repeat(20_000)), format!("山{}川", "林".repeat(30_000)));
        let (one, other) = differences(Kind::Address, &left, &right);
        assert_eq!([joined(&one), joined(&other)], [left.clone(), right.clone()]);
        assert_eq!(one.len(), 3);
    }

    /// The same price list, tried out in every way.
    fn cheapest(left: &[Token<'_>], right: &[Token<'_>]) -> u32 {
        let mut best = u32::MAX;
        if let ([one, rest @ ..], [other, others @ ..]) = (left, right) {
            best = best.min(cost((Some(one), Some(other))) + cheapest(rest, others));
        }
        if let [one, rest @ ..] = left {
            best = best.min(cost((Some(one), None)) + cheapest(rest, right));
        }
        if let [other, others @ ..] = right {
            best = best.min(cost((None, Some(other))) + cheapest(left, others));
        }
        if left.is_empty() && right.is_empty() { 0 } else { best }
    }

    fn text(longest: usize) -> impl Strategy<Value = String> {
        let special: Vec<char> =
            "髙高橋山力カ一二十3３-－ー丁目番地の号大字 　がか゛ｶﾞ\u{3099}\u{e0101}".chars().collect();
        prop::collection::vec(prop_oneof![6 => prop::sample::select(special), 1 => any::<char>()], 0..longest)
            .prop_map(|characters| characters.into_iter().collect())
    }

    fn any_kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Name), Just(Kind::Address)]
    }

    proptest! {
        #[test]
        fn pieces_are_the_text_and_both_sides_agree(kind in any_kind(), left in text(40), right in text(40)) {
            let (one, other) = differences(kind, &left, &right);
            prop_assert_eq!(joined(&one), left.clone());
            prop_assert_eq!(joined(&other), right.clone());
            prop_assert!(one.iter().chain(&other).all(|piece| !piece.text.is_empty()));
            for pieces in [&one, &other] {
                prop_assert!(pieces.windows(2).all(|pair| pair[0].how != pair[1].how));
            }
            let same = |pieces: &[Piece<'_>]| -> String {
                pieces.iter().filter(|piece| piece.how == How::Same).map(|piece| piece.text).collect()
            };
            prop_assert_eq!(same(&one), same(&other));
            let exchanged = differences(kind, &right, &left);
            prop_assert_eq!(exchanged, (other, one));
        }

        #[test]
        fn a_text_does_not_differ_from_itself(kind in any_kind(), text in text(40)) {
            let (one, _) = differences(kind, &text, &text);
            prop_assert!(one.iter().all(|piece| piece.how == How::Same));
        }

        #[test]
        fn the_alignment_is_a_cheapest_one(kind in any_kind(), left in text(7), right in text(7)) {
            let (left, right) = (tokens(kind, &left), tokens(kind, &right));
            let found: u32 = align(&left, &right).into_iter().map(cost).sum();
            prop_assert_eq!(found, cheapest(&left, &right));
        }
    }
}
