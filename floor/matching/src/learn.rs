//! Learning the model from the data themselves, without labels.
//!
//! m comes from expectation and maximisation over the candidate pairs, u from pairs taken at even steps across
//! customers and residents (nearly all of them strangers). Both return to the priors where the data are few.

use crate::compare::{AddressLevel, BirthLevel, Comparison, PartLevel};
use crate::model::{Levels, Model, index_of, sex_index};
use std::collections::BTreeMap;

/// Candidate pairs by what they have in common: a few thousand patterns stand for millions of pairs.
#[derive(Default)]
pub(crate) struct Patterns {
    counts: BTreeMap<[u8; 5], u32>,
    pairs: u32,
}

impl Patterns {
    pub(crate) fn add(&mut self, comparison: &Comparison) {
        let index = |place: usize| u8::try_from(place).unwrap_or(u8::MAX);
        let pattern = [
            index(index_of(&PartLevel::ALL, comparison.name.surname)),
            index(index_of(&PartLevel::ALL, comparison.name.given)),
            index(index_of(&BirthLevel::ALL, comparison.birth)),
            index(index_of(&AddressLevel::ALL, comparison.address)),
            index(sex_index(comparison.sex)),
        ];
        *self.counts.entry(pattern).or_default() += 1;
        self.pairs = self.pairs.saturating_add(1);
    }

    pub(crate) fn absorb(&mut self, other: Patterns) {
        for (pattern, count) in other.counts {
            *self.counts.entry(pattern).or_default() += count;
        }
        self.pairs = self.pairs.saturating_add(other.pairs);
    }
}

/// Rounds of expectation and maximisation; the likelihood no longer moves after about twenty.
const ROUNDS: usize = 25;
/// Weight of the prior in the class of true pairs, in pairs.
const PRIOR_PAIRS: f64 = 400.0;
/// Weight of the prior for strangers, in pairs; large, because exact agreement of strangers is too rare to count.
const PRIOR_STRANGERS: f64 = 15_000.0;
/// Weight of the prior in the two classes of other candidates, in pairs.
const PRIOR_OTHERS: f64 = 50.0;

/// Learns m from candidate pairs and u from random pairs.
pub(crate) fn learn(candidates: &Patterns, random: &Patterns, prior: &Model) -> Model {
    Model { same: learn_same(candidates, prior), strangers: learn_strangers(random, &prior.strangers) }
}

fn learn_strangers(random: &Patterns, prior: &Levels) -> Levels {
    let mut sums = prior.scaled(PRIOR_STRANGERS);
    for (pattern, count) in &random.counts {
        sums.add(pattern, f64::from(*count));
    }
    sums.normalised()
}

/// Three kinds of candidates: one person, strangers that share a birth date or a name, people of one house.
fn learn_same(candidates: &Patterns, prior: &Model) -> Levels {
    let priors = [
        prior.same.scaled(PRIOR_PAIRS),
        strangers_in_blocks(&prior.strangers).scaled(PRIOR_OTHERS),
        one_house(&prior.strangers).scaled(PRIOR_OTHERS),
    ];
    let mut classes = priors.clone().map(|levels| levels.normalised());
    let mut shares = [0.3, 0.5, 0.2];
    for _ in 0..ROUNDS {
        let mut sums = priors.clone();
        let mut totals = [1.0_f64; 3];
        for (pattern, count) in &candidates.counts {
            let mut likelihoods = shares;
            for (likelihood, levels) in likelihoods.iter_mut().zip(&classes) {
                *likelihood *= levels.likelihood(pattern);
            }
            let whole: f64 = likelihoods.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            for ((sum, total), likelihood) in sums.iter_mut().zip(&mut totals).zip(&likelihoods) {
                let weight = f64::from(*count) * likelihood / whole;
                sum.add(pattern, weight);
                *total += weight;
            }
        }
        let all: f64 = totals.iter().sum();
        shares = totals.map(|total| total / all);
        classes = sums.map(|levels| levels.normalised());
    }
    let [same, _, _] = classes;
    same
}

fn strangers_in_blocks(strangers: &Levels) -> Levels {
    Levels {
        surname: strangers.surname,
        given: strangers.given,
        birth: [0.30, 0.015, 0.010, 0.050, 0.625],
        address: [0.840, 0.015, 0.110, 0.010, 0.005, 0.005, 0.005, 0.010],
        sex: strangers.sex,
    }
}

fn one_house(strangers: &Levels) -> Levels {
    Levels {
        surname: [0.200, 0.005, 0.010, 0.010, 0.010, 0.130, 0.010, 0.625],
        given: strangers.given,
        birth: [0.955, 0.015, 0.002, 0.018, 0.010],
        address: [0.030, 0.015, 0.020, 0.020, 0.015, 0.050, 0.050, 0.800],
        sex: strangers.sex,
    }
}

impl Levels {
    fn tables(&self) -> [&[f64]; 5] {
        [&self.surname, &self.given, &self.birth, &self.address, &self.sex]
    }

    fn tables_mut(&mut self) -> [&mut [f64]; 5] {
        [&mut self.surname, &mut self.given, &mut self.birth, &mut self.address, &mut self.sex]
    }

    fn scaled(&self, factor: f64) -> Levels {
        let mut scaled = self.clone();
        for table in scaled.tables_mut() {
            table.iter_mut().for_each(|value| *value *= factor);
        }
        scaled
    }

    fn normalised(mut self) -> Levels {
        for table in self.tables_mut() {
            let sum = table.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            table.iter_mut().for_each(|value| *value /= sum);
        }
        self
    }

    fn add(&mut self, pattern: &[u8; 5], weight: f64) {
        for (table, level) in self.tables_mut().into_iter().zip(pattern) {
            if let Some(value) = table.get_mut(usize::from(*level)) {
                *value += weight;
            }
        }
    }

    fn likelihood(&self, pattern: &[u8; 5]) -> f64 {
        self.tables().into_iter().zip(pattern).fold(1.0, |product, (table, level)| {
            product * table.get(usize::from(*level)).copied().unwrap_or(0.0).max(1e-7)
        })
    }
}
