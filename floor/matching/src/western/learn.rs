//! Weights of the Western profile, learnt without labels.

use super::compare::{FIELDS, LEVELS, MISSING, Pattern};

type Table = [[f64; LEVELS]; FIELDS];

/// log₂ m/u per field and level, and the prior.
pub(super) struct Weights {
    bits: Table,
    prior: f64,
}

/// A true pair before learning: mostly the same, sometimes with a slip. Missing fields say nothing.
const SAME: [f64; LEVELS] = [0.06, 0.04, 0.15, 0.75, 0.0];
/// Weight of the prior in pairs.
const PRIOR_PAIRS: f64 = 50.0;
const ROUNDS: usize = 20;

impl Weights {
    /// Learns m by expectation and maximisation over the candidates, u from random pairs. `expected` pairs are
    /// true out of `all` possible.
    pub(super) fn learn(candidates: &[Pattern], random: &[Pattern], expected: usize, all: usize) -> Weights {
        let strangers = strangers(random);
        let prior = (expected as f64 / all as f64).min(0.5);
        let mut same: Table = [SAME; FIELDS];
        for _ in 0..ROUNDS {
            let bits = ratio(&same, &strangers);
            let mut sums: Table = [SAME.map(|share| share * PRIOR_PAIRS); FIELDS];
            for pattern in candidates {
                let odds = prior * total(&bits, pattern).exp2();
                let weight = odds / (1.0 + odds);
                if weight > 1e-6 {
                    add(&mut sums, pattern, weight);
                }
            }
            same = normalised(sums);
        }
        Weights { bits: ratio(&same, &strangers), prior: prior.log2() }
    }

    /// Evidence for a pair, the prior included.
    pub(super) fn bits(&self, pattern: &Pattern) -> f64 {
        self.prior + total(&self.bits, pattern)
    }
}

fn strangers(random: &[Pattern]) -> Table {
    // Two short lists may share more people than strangers: the prior weighs as much as 200 pairs.
    let mut sums: Table = [[184.0, 12.0, 2.0, 2.0, 0.0]; FIELDS];
    random.iter().for_each(|pattern| add(&mut sums, pattern, 1.0));
    normalised(sums)
}

fn add(sums: &mut Table, pattern: &Pattern, weight: f64) {
    for (levels, level) in sums.iter_mut().zip(pattern).filter(|(_, level)| **level != MISSING) {
        if let Some(sum) = levels.get_mut(usize::from(*level)) {
            *sum += weight;
        }
    }
}

fn normalised(mut sums: Table) -> Table {
    for levels in &mut sums {
        let all: f64 = levels.iter().sum();
        levels.iter_mut().for_each(|level| *level /= all.max(f64::MIN_POSITIVE));
    }
    sums
}

fn ratio(same: &Table, strangers: &Table) -> Table {
    let mut bits = [[0.0; LEVELS]; FIELDS];
    for ((out, m), u) in bits.iter_mut().zip(same).zip(strangers) {
        for ((bits, m), u) in out.iter_mut().zip(m).zip(u).take(usize::from(MISSING)) {
            *bits = (m.max(1e-6) / u.max(1e-6)).log2();
        }
    }
    bits
}

fn total(bits: &Table, pattern: &Pattern) -> f64 {
    bits.iter()
        .zip(pattern)
        .map(|(levels, level)| levels.get(usize::from(*level)).copied().unwrap_or(0.0))
        .sum()
}
