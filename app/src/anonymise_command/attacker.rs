//! Who compares several releases: knows everybody's attributes, who is in which release, and all that was published.
//!
//! Written apart from the ledger it is to defeat: it works on published labels, not on the engine's classes.

use std::collections::{BTreeSet, HashMap};

use anonymity::{Bounds, Problem};

/// What was seen so far.
pub(super) struct Attacker {
    /// Of each person the label they have in each release; nothing where they are not in it.
    seen: Vec<Vec<Option<u32>>>,
    /// Of each release the values published with each label.
    published: Vec<HashMap<u32, BTreeSet<u32>>>,
    labels: HashMap<String, u32>,
    /// Value of each person when last released: what the attack is after.
    truth: Vec<u32>,
}

/// What the attack found.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(super) struct Found {
    /// People in at least one release.
    pub(super) people: u64,
    /// Linkage: people in a class of fewer than k in some single release.
    pub(super) linked_in_one_release: u64,
    /// People who share what was seen of them with fewer than k − 1 others.
    pub(super) below_k: u64,
    /// People who share it with nobody: singled out.
    pub(super) singled_out: u64,
    /// Intersection: people with fewer than l values left.
    pub(super) below_l: u64,
    /// People whose value is known now.
    pub(super) value_known: u64,
}

impl Attacker {
    pub(super) fn new(people: usize) -> Attacker {
        Attacker {
            seen: vec![Vec::new(); people],
            published: Vec::new(),
            labels: HashMap::new(),
            truth: vec![0; people],
        }
    }

    /// Sees a release: rows of `problem` that stay, at some levels. `people`: the person of each row.
    pub(super) fn see(&mut self, problem: &Problem, people: &[u32], kept: &[bool], levels: &[usize]) {
        let mut values: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        let mut of_release: Vec<Option<u32>> = vec![None; self.seen.len()];
        for (row, (person, kept)) in people.iter().zip(kept).enumerate() {
            if !kept {
                continue;
            }
            let label = self.label(problem, row, levels);
            let person = *person as usize;
            if let Some(own) = of_release.get_mut(person) {
                *own = Some(label);
            }
            let value = problem.sensitive.first().and_then(|own| own.column.get(row)).copied();
            if let (Some(value), Some(truth)) = (value, self.truth.get_mut(person)) {
                values.entry(label).or_default().insert(value);
                *truth = value;
            }
        }
        self.published.push(values);
        self.seen.iter_mut().zip(of_release).for_each(|(seen, label)| seen.push(label));
    }

    fn label(&mut self, problem: &Problem, row: usize, levels: &[usize]) -> u32 {
        let mut label = String::new();
        for (own, level) in problem.attributes.iter().zip(levels) {
            let leaf = own.column.get(row).copied().unwrap_or(0);
            label.push_str(own.hierarchy.label(*level, leaf));
            label.push('\u{1f}');
        }
        let next = self.labels.len() as u32;
        *self.labels.entry(label).or_insert(next)
    }

    /// Puts everything together.
    pub(super) fn attack(&self, bounds: Bounds) -> Found {
        let k = bounds.k as usize;
        let mut alike: HashMap<&[Option<u32>], Vec<usize>> = HashMap::new();
        for (person, seen) in
            self.seen.iter().enumerate().filter(|(_, seen)| seen.iter().any(Option::is_some))
        {
            alike.entry(seen).or_default().push(person);
        }
        let mut found = Found { linked_in_one_release: self.linked(k), ..Found::default() };
        for (seen, members) in alike {
            let size = members.len() as u64;
            found.people += size;
            found.below_k += if members.len() < k { size } else { 0 };
            found.singled_out += u64::from(members.len() == 1);
            if self.published.iter().all(HashMap::is_empty) {
                continue;
            }
            // What all their labels have in common; and what is left of a class when others are subtracted.
            let own: BTreeSet<u32> =
                members.iter().filter_map(|person| self.truth.get(*person)).copied().collect();
            let left = self.left(seen);
            if left.len().min(own.len()) < bounds.l as usize {
                found.below_l += size;
            }
            let known = members.iter().filter(|person| {
                let truth = self.truth.get(**person);
                own.len() == 1 || (left.len() == 1 && left.first() == truth)
            });
            found.value_known += known.count() as u64;
        }
        found
    }

    fn left(&self, seen: &[Option<u32>]) -> BTreeSet<u32> {
        let mut sets = seen
            .iter()
            .zip(&self.published)
            .filter_map(|(label, published)| label.and_then(|label| published.get(&label)));
        let first = sets.next().cloned().unwrap_or_default();
        sets.fold(first, |left, set| left.intersection(set).copied().collect())
    }

    fn linked(&self, k: usize) -> u64 {
        let mut linked: BTreeSet<usize> = BTreeSet::new();
        for release in 0..self.published.len() {
            let mut members: HashMap<u32, Vec<usize>> = HashMap::new();
            for (person, seen) in self.seen.iter().enumerate() {
                if let Some(label) = seen.get(release).copied().flatten() {
                    members.entry(label).or_default().push(person);
                }
            }
            linked.extend(members.into_values().filter(|members| members.len() < k).flatten());
        }
        linked.len() as u64
    }
}
