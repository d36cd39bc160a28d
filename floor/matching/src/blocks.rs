//! Which residents are worth comparing with a customer: blocks that share a key.

use crate::birth::Birth;
use crate::hash::{Hash, QuickMap};
use crate::kana;
use crate::name::{Name, is_all_latin};
use crate::person::Person;
use crate::threads;

/// A block with more residents than this says too little; other keys must find the resident.
const LARGEST_BLOCK: usize = 2_000;

/// Keys under which a person stands: birth date, whole name, reading with part of the birth date, house; and the
/// signature of the names. A true pair shares at least one key unless name, birth date and address are all wrong at
/// once.
pub(crate) fn keys(person: &Person, keys: &mut Vec<u64>) -> Signature {
    keys.clear();
    let mut signature = Signature::default();
    let date = match person.birth {
        Birth::Date { year, month, day } => {
            keys.push(Hash::of(1).number(date_number(year, month, day)).end());
            Some((year, month, day))
        }
        _ => None,
    };
    for (name, _) in person.names() {
        if !name.written().is_missing() {
            keys.push(Hash::of(2).text(name.written().joined()).end());
        }
        let skeleton = kana::skeleton(name.heard().joined());
        if !name.read().is_missing() {
            keys.push(Hash::of(3).text(&skeleton).end());
            if let Some((year, month, day)) = date {
                keys.push(Hash::of(4).text(&skeleton).number(u64::from(year.unsigned_abs())).end());
                keys.push(Hash::of(5).text(&skeleton).number(date_number(0, month, day)).end());
            }
        }
        signature.add(name, &skeleton);
    }
    keys.extend(person.addresses().filter_map(house).map(|house| Hash::of(6).number(house).end()));
    keys.sort_unstable();
    keys.dedup();
    signature
}

/// One bit of 256 per character of the written names and per pair of kana of the readings: two people whose
/// signatures have no bit in common have no name in common.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Signature([u64; 4]);

impl Signature {
    /// All bits when the name can only be compared through its reading (Latin letters) or is missing.
    fn add(&mut self, name: &Name, skeleton: &str) {
        let (written, read) = (name.written(), name.read());
        let latin_only = read.is_missing() && is_all_latin(written.joined());
        if latin_only || written.is_missing() && read.is_missing() {
            *self = Signature([u64::MAX; 4]);
        }
        written.joined().chars().for_each(|character| self.set(u32::from(character)));
        let mut before = 0_u32;
        for kana in skeleton.chars().map(u32::from) {
            if before != 0 {
                self.set(before.wrapping_mul(97).wrapping_add(kana));
            }
            before = kana;
        }
    }

    fn set(&mut self, number: u32) {
        // The upper eight bits of the product: word and bit.
        let place = number.wrapping_mul(0x9e37_79b1) >> 24;
        let word = usize::try_from(place / 64).unwrap_or(0);
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (place % 64);
        }
    }

    fn meets(&self, other: &Signature) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }
}

pub(crate) fn date_number(year: i32, month: u8, day: u8) -> u64 {
    u64::from(year.unsigned_abs()) * 10_000 + u64::from(month) * 100 + u64::from(day)
}

/// The end of the town's name and the numbers: survives a missing prefecture, a merger and a missing 大字.
fn house(address: &crate::address::Address) -> Option<u64> {
    let numbers =
        address.numbers.get(..address.plain_numbers.min(3)).filter(|numbers| !numbers.is_empty())?;
    let mut end = address.town.chars().rev();
    let mut hash = Hash::of(0);
    hash = hash.number(end.next().map_or(0, |character| u64::from(u32::from(character))));
    hash = hash.number(end.next().map_or(0, |character| u64::from(u32::from(character))));
    for number in numbers {
        hash = hash.number(u64::from(*number));
    }
    Some(hash.end())
}

/// Keys to residents: one sorted list, and a small map of what came later.
#[derive(Default)]
pub(crate) struct Blocks {
    sorted: Vec<(u64, u32)>,
    /// Where the keys begin that begin with each number of [`Blocks::shift`] bits less.
    starts: Vec<u32>,
    shift: u32,
    later: QuickMap<u64, Vec<u32>>,
    later_count: usize,
}

impl Blocks {
    /// Takes many entries at once; cheaper than one by one.
    pub(crate) fn from_entries(mut entries: Vec<(u64, u32)>, threads: usize) -> Blocks {
        threads::sort(&mut entries, threads);
        entries.shrink_to_fit();
        let (starts, shift) = starts(&entries);
        Blocks { sorted: entries, starts, shift, later: QuickMap::default(), later_count: 0 }
    }

    /// All entries, to be given back with more by [`Blocks::from_entries`].
    pub(crate) fn take_entries(&mut self) -> Vec<(u64, u32)> {
        let mut entries = std::mem::take(&mut self.sorted);
        let later = std::mem::take(&mut self.later);
        entries.extend(
            later.into_iter().flat_map(|(key, slots)| slots.into_iter().map(move |slot| (key, slot))),
        );
        self.later_count = 0;
        entries
    }

    pub(crate) fn insert(&mut self, key: u64, slot: u32) {
        self.later.entry(key).or_default().push(slot);
        self.later_count += 1;
        // Merging now and then keeps look-ups in one sorted list: amortised, each entry moves a few times.
        if self.later_count > self.sorted.len() / 4 + 4_096 {
            *self = Blocks::from_entries(self.take_entries(), 1);
        }
    }

    /// Residents that share a key with these, each once, in order of their slots. Who shares only one key must have
    /// a signature with bits in common with `signature`: most who share a birth date are strangers, and looking
    /// at each of them takes longer than all the rest.
    pub(crate) fn candidates(
        &self,
        keys: &[u64],
        signature: Signature,
        signatures: &[Signature],
        out: &mut Vec<u32>,
    ) {
        out.clear();
        for key in keys {
            let from = self.start_of(*key);
            let block = self.sorted.get(from..).unwrap_or_default();
            let length = block.iter().take(LARGEST_BLOCK + 1).take_while(|(other, _)| other == key).count();
            if length <= LARGEST_BLOCK {
                out.extend(block.iter().take(length).map(|(_, slot)| *slot));
            }
            out.extend(self.later.get(key).into_iter().flatten().take(LARGEST_BLOCK));
        }
        out.sort_unstable();
        let (mut kept, mut read) = (0, 0);
        while let Some(&slot) = out.get(read) {
            let times = out.iter().skip(read).take_while(|other| **other == slot).count();
            read += times;
            let other = usize::try_from(slot).ok().and_then(|slot| signatures.get(slot));
            if (times > 1 || other.is_none_or(|other| signature.meets(other)))
                && let Some(place) = out.get_mut(kept)
            {
                *place = slot;
                kept += 1;
            }
        }
        out.truncate(kept);
    }

    /// Where the entries of a key begin.
    fn start_of(&self, key: u64) -> usize {
        let place = usize::try_from(key >> self.shift).unwrap_or(usize::MAX);
        let bound = |place: usize| self.starts.get(place).map(|start| usize::try_from(*start).unwrap_or(0));
        let (low, high) =
            (bound(place).unwrap_or(0), bound(place.saturating_add(1)).unwrap_or(self.sorted.len()));
        let near = self.sorted.get(low..high).unwrap_or_default();
        low + near.partition_point(|(other, _)| *other < key)
    }
}

/// For each number that keys can begin with, where its keys begin; and how many bits follow that number. Keys are
/// hashes, so that few share one.
fn starts(sorted: &[(u64, u32)]) -> (Vec<u32>, u32) {
    // About four keys a number; a list too long for 32 bits is searched as a whole.
    let bits = (sorted.len() / 4).checked_ilog2().unwrap_or(0).clamp(1, 26);
    let shift = 64 - bits;
    if u32::try_from(sorted.len()).is_err() {
        return (Vec::new(), shift);
    }
    let mut starts = Vec::with_capacity((1 << bits) + 1);
    for (place, (key, _)) in (0_u32..).zip(sorted) {
        let number = usize::try_from(key >> shift).unwrap_or(0);
        while starts.len() <= number {
            starts.push(place);
        }
    }
    (starts, shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_under_its_key() {
        let key = |number: u64| Hash::of(9).number(number / 3).end();
        let entries: Vec<(u64, u32)> = (0..5_000_u32).map(|slot| (key(slot.into()), slot)).collect();
        let mut blocks = Blocks::from_entries(entries, 1);
        blocks.insert(key(0), 9_000);
        let mut found = Vec::new();
        for slot in 1..5_000_u32 {
            blocks.candidates(&[key(slot.into())], Signature::default(), &[], &mut found);
            assert!(found.contains(&slot), "{slot}");
        }
        blocks.candidates(&[key(0)], Signature::default(), &[], &mut found);
        assert_eq!(found, [0, 1, 2, 9_000]);
        blocks.candidates(&[0, u64::MAX], Signature::default(), &[], &mut found);
        assert!(found.is_empty());
    }

    #[test]
    fn who_shares_one_key_and_no_name_is_left_out() {
        let blocks = Blocks::from_entries(vec![(5, 0), (5, 1), (5, 2), (6, 2)], 1);
        let mut found = Vec::new();
        let [one, other] = [0b01, 0b10].map(|bits| Signature([bits, 0, 0, 0]));
        blocks.candidates(&[5, 6], one, &[one, other, other], &mut found);
        assert_eq!(found, [0, 2]);
    }
}
