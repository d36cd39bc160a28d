//! The Western profile: names, street, suburb, postcode, birth date and a number, as in the files of
//! English-speaking countries. The same method (Fellegi-Sunter, learnt without labels) on other attributes.

mod compare;
mod learn;

use crate::hash::Hash;
use crate::threads;
use compare::{FIELDS, Pattern, pattern};
use learn::Weights;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization as _;

/// One record; empty texts are missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Given name.
    pub given_name: String,
    /// Surname.
    pub surname: String,
    /// House number.
    pub street_number: String,
    /// Street.
    pub street: String,
    /// Further part of the address: building, estate, locality.
    pub locality: String,
    /// Suburb or town.
    pub suburb: String,
    /// Postcode.
    pub postcode: String,
    /// State or county.
    pub state: String,
    /// Birth date, digits in the order year, month, day.
    pub birth: String,
    /// A number the person was given (social security, patient number).
    pub number: String,
}

/// Above this score (bits, the prior included) one person is likelier than two: a link.
pub const LINK_BITS: f64 = 0.0;
/// Above this score a pair is worth a clerk's look.
pub const REVIEW_BITS: f64 = -6.0;

/// Two records that are, or may be, one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Place in the first list.
    pub left: usize,
    /// Place in the second list (the same list when deduplicating).
    pub right: usize,
    /// Evidence in bits, the prior included: a link above [`LINK_BITS`], else for review.
    pub score: f64,
}

/// Pairs between two lists with scores above [`REVIEW_BITS`], each record at most once: the best first.
pub fn link(left: &[Record], right: &[Record], threads: usize) -> Vec<Pair> {
    let (one, other) = (normalised(left, threads), normalised(right, threads));
    let candidates = candidates(&one, &other, false);
    let mut pairs = score(&one, &other, candidates, threads);
    pairs.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.left, a.right).cmp(&(b.left, b.right))));
    let (mut used_left, mut used_right) = (vec![false; one.len()], vec![false; other.len()]);
    pairs.retain(|pair| {
        let (Some(left), Some(right)) = (used_left.get_mut(pair.left), used_right.get_mut(pair.right)) else {
            return false;
        };
        let free = !*left && !*right && pair.score > REVIEW_BITS;
        if free {
            (*left, *right) = (true, true);
        }
        free
    });
    pairs
}

/// Pairs within one list (`left` < `right`) with scores above [`REVIEW_BITS`].
pub fn deduplicate(records: &[Record], threads: usize) -> Vec<Pair> {
    let records = normalised(records, threads);
    let candidates = candidates(&records, &records, true);
    let mut pairs = score(&records, &records, candidates, threads);
    pairs.retain(|pair| pair.score > REVIEW_BITS);
    pairs.sort_by_key(|pair| (pair.left, pair.right));
    pairs
}

/// In words: which attribute agreed how.
pub fn why(left: &Record, right: &Record) -> String {
    const NAMES: [&str; FIELDS] = [
        "Given name",
        "Surname",
        "House number",
        "Street",
        "Locality",
        "Suburb",
        "Postcode",
        "State",
        "Birth date",
        "Number",
    ];
    let (one, other) =
        (normalised(std::slice::from_ref(left), 1), normalised(std::slice::from_ref(right), 1));
    let (Some(one), Some(other)) = (one.first(), other.first()) else { return String::new() };
    let levels = pattern(one, other);
    let sentence = |(name, level): (&str, &u8)| match level {
        3 => format!("{name} agrees."),
        2 => format!("{name} agrees but for a slip."),
        1 => format!("{name} is similar."),
        0 => format!("{name} differs."),
        _ => format!("{name} is missing."),
    };
    NAMES.into_iter().zip(&levels).map(sentence).collect::<Vec<_>>().join(" ")
}

/// A record with every field in one spelling, in the order of [`FIELDS`].
pub(crate) struct Fields([String; FIELDS]);

fn normalised(records: &[Record], threads: usize) -> Vec<Fields> {
    let text = |text: &str| {
        let folded: String =
            text.nfkd().filter(|letter| letter.is_alphanumeric() || *letter == ' ').collect();
        folded.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    threads::map(records, threads, |record| {
        Fields([
            text(&record.given_name),
            text(&record.surname),
            digits(&record.street_number),
            text(&record.street),
            text(&record.locality),
            text(&record.suburb),
            digits(&record.postcode),
            text(&record.state),
            digits(&record.birth),
            digits(&record.number),
        ])
    })
}

/// Blocks with more members than this are left to other keys.
const LARGEST_BLOCK: usize = 120;

fn keys(
    Fields([given, surname, house, street, locality, suburb, postcode, _, birth, number]): &Fields,
) -> Vec<u64> {
    let start = |text: &str, letters: usize| text.chars().take(letters).collect::<String>();
    let end = |text: &str, letters: usize| text.chars().rev().take(letters).collect::<String>();
    let (mut first, mut second) = (start(given, 3), start(surname, 3));
    if first > second {
        std::mem::swap(&mut first, &mut second);
    }
    let mut keys = Vec::new();
    let mut add = |kind: u8, parts: [&str; 2]| {
        let [first, second] = parts;
        if !first.is_empty() && !second.is_empty() {
            keys.push(Hash::of(kind).text(first).text(second).end());
        }
    };
    add(1, [number, "-"]);
    add(2, [birth, "-"]);
    add(3, [&first, &second]);
    add(4, [given, postcode]);
    add(5, [surname, postcode]);
    add(6, [given, suburb]);
    add(7, [surname, suburb]);
    add(8, [house, postcode]);
    add(9, [&start(street, 5), house]);
    add(10, [&start(street, 5), suburb]);
    add(11, [&start(number, 4), &start(birth, 4)]);
    add(12, [&end(number, 4), &end(birth, 4)]);
    add(13, [&start(birth, 6), &start(given, 2)]);
    add(14, [&end(birth, 4), &start(surname, 2)]);
    add(15, [&start(locality, 6), postcode]);
    add(16, [&start(number, 4), postcode]);
    add(17, [&end(number, 4), suburb]);
    keys
}

/// Pairs that share a block.
fn candidates(left: &[Fields], right: &[Fields], within: bool) -> Vec<(u32, u32)> {
    let mut blocks: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for (place, record) in (0..).zip(right) {
        for key in keys(record) {
            blocks.entry(key).or_default().push(place);
        }
    }
    let mut pairs = Vec::new();
    let mut found: Vec<u32> = Vec::new();
    for (place, record) in (0_u32..).zip(left) {
        found.clear();
        for key in keys(record) {
            found.extend(blocks.get(&key).into_iter().filter(|block| block.len() <= LARGEST_BLOCK).flatten());
        }
        found.sort_unstable();
        found.dedup();
        pairs.extend(found.iter().filter(|other| !within || place < **other).map(|other| (place, *other)));
    }
    pairs
}

fn score(left: &[Fields], right: &[Fields], candidates: Vec<(u32, u32)>, threads: usize) -> Vec<Pair> {
    let record =
        |list: &'_ [Fields], place: u32| usize::try_from(place).ok().filter(|place| *place < list.len());
    let compared: Vec<Option<(usize, usize, Pattern)>> =
        threads::map(&candidates, threads, |(one, other)| {
            let (one, other) = (record(left, *one)?, record(right, *other)?);
            Some((one, other, pattern(left.get(one)?, right.get(other)?)))
        });
    let random = random_pairs(left, right);
    let patterns: Vec<Pattern> = compared.iter().flatten().map(|(_, _, pattern)| *pattern).collect();
    let expected = left.len().min(right.len()).max(1);
    let weights = Weights::learn(&patterns, &random, expected, left.len().max(1) * right.len().max(1));
    compared
        .into_iter()
        .flatten()
        .map(|(left, right, pattern)| Pair { left, right, score: weights.bits(&pattern) })
        .collect()
}

/// Pairs at even steps across both lists: nearly all are strangers.
fn random_pairs(left: &[Fields], right: &[Fields]) -> Vec<Pattern> {
    let mut place = 0_usize;
    let mut patterns = Vec::new();
    for (step, one) in left.iter().cycle().take(20_000.min(left.len() * 20)).enumerate() {
        place = (place + 2_741 + step / left.len().max(1)) % right.len().max(1);
        if let Some(other) = right.get(place)
            && !std::ptr::eq(one, other)
        {
            patterns.push(pattern(one, other));
        }
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(given: &str, surname: &str, street: &str, birth: &str, number: &str) -> Record {
        Record {
            given_name: given.into(),
            surname: surname.into(),
            street_number: "7".into(),
            street: street.into(),
            suburb: "cleveland".into(),
            postcode: "2119".into(),
            state: "sa".into(),
            birth: birth.into(),
            number: number.into(),
            ..Record::default()
        }
    }

    #[test]
    fn one_person_with_slips_is_found_and_another_is_not() {
        let left = [record("mitchell", "green", "wallaby place", "19560409", "1804974")];
        let right = [
            record("mitchel", "green", "walaby place", "19560409", "1804974"),
            record("sarah", "green", "wallaby place", "19821130", "7730011"),
        ];
        let pairs: Vec<Pair> =
            link(&left, &right, 1).into_iter().filter(|pair| pair.score > LINK_BITS).collect();
        assert!(why(&left[0], &right[0]).starts_with("Given name agrees but for a slip. Surname agrees."));
        assert_eq!(pairs.iter().map(|pair| (pair.left, pair.right)).collect::<Vec<_>>(), [(0, 0)]);
    }

    #[test]
    fn empty_lists_have_no_pairs() {
        assert!(link(&[], &[], 1).is_empty());
        assert!(deduplicate(&[], 2).is_empty());
    }
}
