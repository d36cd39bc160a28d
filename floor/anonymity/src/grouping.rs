//! Which tuples agree on what is looked at: the step everything else waits for.

use std::collections::HashMap;

use crate::slot::{add, at, up};

/// A column to group by: the codes of the tuples, and what each code adds to a tuple's key.
pub(crate) struct Part<'a> {
    pub(crate) codes: &'a [u32],
    pub(crate) adds: Vec<u64>,
}

/// Columns to group by.
pub(crate) enum Parts<'a> {
    /// Keys are sums of what the parts add, and below the radix.
    Narrow(Vec<Part<'a>>, u64),
    /// Keys would not fit a word: each part adds a code below its radix.
    Wide(Vec<(Vec<u32>, u64)>),
}

/// Room to group in, used again and again.
#[derive(Default)]
pub(crate) struct Grouping {
    /// Rows of each class.
    pub(crate) sizes: Vec<u32>,
    /// Key of each class.
    pub(crate) keys: Vec<u64>,
    /// Class of each tuple; empty where only sizes were asked for.
    pub(crate) class_of: Vec<u32>,
    /// Some tuple of each class: the first; empty where only sizes were asked for.
    pub(crate) first: Vec<u32>,
    of_tuples: Vec<u64>,
    /// By key, or by the key's hash: class + 1 (0 is nobody's), or rows.
    table: Vec<u32>,
}

/// Tuples whose keys are made at once; they stay in the first cache.
const CHUNK: usize = 1024;

impl Grouping {
    /// Groups tuples with `counts` rows each.
    pub(crate) fn group(&mut self, parts: &Parts<'_>, counts: &[u32]) {
        let radix = self.prepare(parts, counts);
        self.class_of.resize(counts.len(), 0);
        if is_dense(radix, counts.len()) {
            self.by_place(radix as usize, counts);
        } else {
            self.by_hash(counts);
        }
    }

    /// Groups the tuples whose keys fall to one share of several.
    fn take_share(&mut self, keys: &[u64], radix: u64, counts: &[u32], (share, shares): (usize, usize)) {
        self.class_of.clear();
        self.first.clear();
        self.sizes.clear();
        self.keys.clear();
        let own = (0..).zip(keys.iter().zip(counts)).filter(|(_, (key, _))| share_of(**key, shares) == share);
        if is_dense(radix, keys.len()) {
            self.table.clear();
            self.table.resize(radix as usize, 0);
            for (tuple, (key, count)) in own {
                let Some(slot) = self.table.get_mut(*key as usize) else { continue };
                if *slot == 0 {
                    self.first.push(tuple);
                    self.sizes.push(0);
                    *slot = self.first.len() as u32;
                }
                add(&mut self.sizes, up(*slot - 1), *count);
            }
            return;
        }
        let mut places = Places::new(&mut self.table);
        for (tuple, (key, count)) in own {
            let class = places.class(*key, &mut self.keys);
            if up(class) == self.sizes.len() {
                self.sizes.push(0);
                self.first.push(tuple);
            }
            add(&mut self.sizes, up(class), *count);
        }
    }

    /// Only how many rows each class has. No tuple may have none.
    pub(crate) fn count(&mut self, parts: &Parts<'_>, counts: &[u32]) {
        let radix = self.prepare(parts, counts);
        if !is_dense(radix, counts.len()) {
            self.count_by_hash(counts);
            return;
        }
        self.table.clear();
        self.table.resize(radix as usize, 0);
        for (key, count) in self.of_tuples.iter().zip(counts) {
            add(&mut self.table, *key as usize, *count);
        }
        for (key, rows) in (0..).zip(&self.table) {
            if *rows > 0 {
                self.sizes.push(*rows);
                self.keys.push(key);
            }
        }
    }

    /// Makes the keys of the tuples; returns their radix.
    fn prepare(&mut self, parts: &Parts<'_>, counts: &[u32]) -> u64 {
        self.class_of.clear();
        self.first.clear();
        self.sizes.clear();
        self.keys.clear();
        self.of_tuples.clear();
        self.of_tuples.resize(counts.len(), 0);
        match parts {
            Parts::Narrow(parts, radix) => {
                make_keys(parts, 0, &mut self.of_tuples);
                *radix
            }
            Parts::Wide(parts) => self.make_wide_keys(parts),
        }
    }

    /// Whenever a key would no longer fit a word, what there is so far is numbered afresh.
    fn make_wide_keys(&mut self, parts: &[(Vec<u32>, u64)]) -> u64 {
        let mut radix: u64 = 1;
        for (codes, cardinality) in parts {
            if radix.checked_mul(*cardinality).is_none() {
                let mut numbers: HashMap<u64, u64> = HashMap::new();
                for key in &mut self.of_tuples {
                    let next = numbers.len() as u64;
                    *key = *numbers.entry(*key).or_insert(next);
                }
                radix = numbers.len() as u64;
            }
            for (key, code) in self.of_tuples.iter_mut().zip(codes) {
                *key += radix * u64::from(*code);
            }
            radix = radix.saturating_mul(*cardinality);
        }
        radix
    }

    fn by_place(&mut self, radix: usize, counts: &[u32]) {
        self.table.clear();
        self.table.resize(radix, 0);
        let tuples = self.of_tuples.iter().zip(counts).zip(&mut self.class_of);
        for (tuple, ((key, count), class)) in (0..).zip(tuples) {
            let Some(slot) = self.table.get_mut(*key as usize) else { continue };
            if *slot == 0 {
                self.first.push(tuple);
                self.sizes.push(0);
                self.keys.push(*key);
                *slot = self.first.len() as u32;
            }
            *class = *slot - 1;
            add(&mut self.sizes, up(*class), *count);
        }
    }

    fn by_hash(&mut self, counts: &[u32]) {
        let mut places = Places::new(&mut self.table);
        let tuples = self.of_tuples.iter().zip(counts).zip(&mut self.class_of);
        for (tuple, ((key, count), class)) in (0..).zip(tuples) {
            *class = places.class(*key, &mut self.keys);
            if up(*class) == self.sizes.len() {
                self.sizes.push(0);
                self.first.push(tuple);
            }
            add(&mut self.sizes, up(*class), *count);
        }
    }

    fn count_by_hash(&mut self, counts: &[u32]) {
        let mut places = Places::new(&mut self.table);
        for (key, count) in self.of_tuples.iter().zip(counts) {
            let class = places.class(*key, &mut self.keys);
            match self.sizes.get_mut(up(class)) {
                Some(size) => *size += *count,
                None => self.sizes.push(*count),
            }
        }
    }

    /// The tuples in order of their classes, and where each class begins; one place more than there are classes.
    pub(crate) fn members(&self, starts: &mut Vec<u32>, order: &mut Vec<u32>) {
        starts.clear();
        starts.resize(self.first.len() + 1, 0);
        for class in &self.class_of {
            add(starts, up(*class) + 1, 1);
        }
        let mut sum = 0;
        for start in starts.iter_mut() {
            sum += *start;
            *start = sum;
        }
        order.clear();
        order.resize(self.class_of.len(), 0);
        for (tuple, class) in (0..).zip(&self.class_of) {
            if let Some(next) = starts.get_mut(up(*class)) {
                if let Some(place) = order.get_mut(up(*next)) {
                    *place = tuple;
                }
                *next += 1;
            }
        }
        // Each start now stands where its class ends, which is where the next begins.
        starts.rotate_right(1);
        if let Some(start) = starts.first_mut() {
            *start = 0;
        }
    }
}

/// The keys of tuples from `start` on.
fn make_keys(parts: &[Part<'_>], start: usize, keys: &mut [u64]) {
    for (chunk, keys) in keys.chunks_mut(CHUNK).enumerate() {
        let start = start + chunk * CHUNK;
        for part in parts {
            let codes = part.codes.get(start..start + keys.len()).unwrap_or_default();
            for (key, code) in keys.iter_mut().zip(codes) {
                *key = key.wrapping_add(at(&part.adds, up(*code)));
            }
        }
    }
}

/// Groups tuples by several threads, one for each grouping: each takes the keys that fall to it, so that what they find is
/// only put together. Which class each tuple is in is not kept.
pub(crate) fn group_shared(parts: &[Part<'_>], radix: u64, counts: &[u32], groupings: &mut [&mut Grouping]) {
    let shares = groupings.len().max(1);
    let mut keys =
        groupings.first_mut().map(|first| std::mem::take(&mut first.of_tuples)).unwrap_or_default();
    keys.clear();
    keys.resize(counts.len(), 0);
    let length = counts.len().div_ceil(shares).max(1);
    std::thread::scope(|scope| {
        for (share, keys) in keys.chunks_mut(length).enumerate() {
            scope.spawn(move || make_keys(parts, share * length, keys));
        }
    });
    let all = &keys;
    std::thread::scope(|scope| {
        for (share, grouping) in groupings.iter_mut().enumerate() {
            scope.spawn(move || grouping.take_share(all, radix, counts, (share, shares)));
        }
    });
    if let Some(first) = groupings.first_mut() {
        first.of_tuples = keys;
    }
}

/// To whose share a key falls; independent of its place in a table.
fn share_of(key: u64, shares: usize) -> usize {
    (key.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 40) as usize % shares
}

/// Whether a table with a place for each key is worth its clearing.
fn is_dense(radix: u64, tuples: usize) -> bool {
    radix <= (tuples as u64).saturating_mul(4).clamp(1_024, 1 << 22)
}

/// A hash table that numbers keys from 0 on, as they come; never more than half full. It grows with the classes, which are few beside the tuples.
pub(crate) struct Places<'a> {
    table: &'a mut Vec<u32>,
    bits: u32,
}

impl<'a> Places<'a> {
    pub(crate) fn new(table: &'a mut Vec<u32>) -> Places<'a> {
        table.clear();
        table.resize(1 << 11, 0);
        Places { table, bits: 11 }
    }

    /// The class of a key; a new one for a new key.
    #[inline(always)]
    pub(crate) fn class(&mut self, key: u64, keys: &mut Vec<u64>) -> u32 {
        let mask = self.table.len() - 1;
        let mut place = spread(key, self.bits);
        loop {
            match at(self.table, place) {
                0 => break,
                number if at(keys, up(number - 1)) == key => return number - 1,
                _ => place = (place + 1) & mask,
            }
        }
        keys.push(key);
        let number = keys.len() as u32;
        if let Some(slot) = self.table.get_mut(place) {
            *slot = number;
        }
        if keys.len() * 2 >= self.table.len() {
            self.grow(keys);
        }
        number - 1
    }

    #[cold]
    fn grow(&mut self, keys: &[u64]) {
        self.bits += 2;
        self.table.clear();
        self.table.resize(1 << self.bits, 0);
        let mask = self.table.len() - 1;
        for (number, key) in (1..).zip(keys) {
            let mut place = spread(*key, self.bits);
            while at(self.table, place) != 0 {
                place = (place + 1) & mask;
            }
            if let Some(slot) = self.table.get_mut(place) {
                *slot = number;
            }
        }
    }
}

/// Fibonacci hashing: the high bits of a product with the golden ratio.
#[inline(always)]
fn spread(key: u64, bits: u32) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(columns: &[Vec<u32>], counts: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let mut numbers: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut sizes = Vec::new();
        let mut class_of = Vec::new();
        for tuple in 0..counts.len() {
            let values: Vec<u32> = columns.iter().map(|codes| codes[tuple] / 2).collect();
            let next = numbers.len() as u32;
            let class = *numbers.entry(values).or_insert(next);
            if class as usize == sizes.len() {
                sizes.push(0);
            }
            sizes[class as usize] += counts[tuple];
            class_of.push(class);
        }
        (class_of, sizes)
    }

    proptest! {
        #[test]
        fn groups_are_those_of_a_map(
            rows in proptest::collection::vec((0_u32..40, 0_u32..40, 0_u32..40, 1_u32..5), 0..3_000),
            wide in any::<bool>(),
        ) {
            let columns: [Vec<u32>; 3] = [
                rows.iter().map(|row| row.0).collect(),
                rows.iter().map(|row| row.1).collect(),
                rows.iter().map(|row| row.2).collect(),
            ];
            let counts: Vec<u32> = rows.iter().map(|row| row.3).collect();
            let halves = |codes: &Vec<u32>| codes.iter().map(|code| code / 2).collect();
            let parts = if wide {
                // A radix larger than any code is allowed; three of these do not fit a word.
                Parts::Wide(columns.iter().map(|codes| (halves(codes), 1 << 30)).collect())
            } else {
                let adds = |scale: u64| (0..40).map(|code| code / 2 * scale).collect();
                let parts = columns.iter().zip([1, 20, 400]);
                Parts::Narrow(parts.map(|(codes, scale)| Part { codes, adds: adds(scale) }).collect(), 8_000)
            };
            let mut grouping = Grouping::default();
            grouping.group(&parts, &counts);
            let (class_of, sizes) = slow(&columns, &counts);
            prop_assert_eq!(&grouping.class_of, &class_of);
            prop_assert_eq!(&grouping.sizes, &sizes);

            let (mut starts, mut order) = (Vec::new(), Vec::new());
            grouping.members(&mut starts, &mut order);
            for class in 0..sizes.len() {
                let members = &order[starts[class] as usize..starts[class + 1] as usize];
                prop_assert!(members.iter().all(|tuple| class_of[*tuple as usize] as usize == class));
            }
            prop_assert_eq!(order.len(), counts.len());

            if let Parts::Narrow(parts, radix) = &parts {
                let mut several: [Grouping; 3] = Default::default();
                group_shared(parts, *radix, &counts, &mut several.iter_mut().collect::<Vec<_>>());
                let found: HashMap<u32, u32> = several
                    .iter()
                    .flat_map(|one| one.first.iter().copied().zip(one.sizes.iter().copied()))
                    .collect();
                let expected: HashMap<u32, u32> =
                    grouping.first.iter().copied().zip(grouping.sizes.iter().copied()).collect();
                prop_assert_eq!(found, expected);
            }

            let by_key: HashMap<u64, u32> = grouping.keys.iter().copied().zip(sizes).collect();
            grouping.count(&parts, &counts);
            let counted: HashMap<u64, u32> = grouping.keys.iter().copied().zip(grouping.sizes.clone()).collect();
            prop_assert_eq!(counted, by_key);
        }
    }
}
