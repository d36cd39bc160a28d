//! Judges classes by all models together.

use crate::closeness::{Closeness, Room};
use crate::problem::{Model, Problem};
use crate::slot::{at, real, up};

/// All models of a problem, ready to judge.
pub(crate) struct Rules {
    /// Least rows of a class.
    pub(crate) least_rows: u64,
    least_people: u64,
    presence: Vec<(f64, f64)>,
    /// Greatest mean of 1 / size over kept rows.
    pub(crate) average: Option<f64>,
    pub(crate) sensitive: Vec<SensitiveRules>,
    /// c·ln c for small c.
    logarithms: Vec<f64>,
}

/// Models on one sensitive attribute.
pub(crate) struct SensitiveRules {
    /// Which.
    pub(crate) place: usize,
    pub(crate) values: usize,
    /// Least different values.
    pub(crate) least_values: u32,
    entropies: Vec<f64>,
    recursives: Vec<(f64, usize)>,
    closeness: Vec<Closeness>,
}

/// A class as its models see it.
#[derive(Clone, Copy)]
pub(crate) struct Class {
    pub(crate) rows: u64,
    /// People of the population; 0 where none is given.
    pub(crate) people: u64,
}

/// Rows of a class by sensitive value.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) counts: Vec<u32>,
    pub(crate) present: Vec<u32>,
    sorted: Vec<u32>,
    room: Room,
}

impl Rules {
    pub(crate) fn of(problem: &Problem) -> Rules {
        let mut rules = Rules {
            least_rows: 1,
            least_people: 0,
            presence: Vec::new(),
            average: None,
            sensitive: Vec::new(),
            logarithms: Vec::new(),
        };
        for (place, sensitive) in problem.sensitive.iter().enumerate() {
            let own = SensitiveRules::of(problem, place, sensitive.values);
            if own.asks() {
                // So many values need so many rows.
                rules.least_rows = rules.least_rows.max(u64::from(own.least_values));
                rules.sensitive.push(own);
            }
        }
        for model in &problem.models {
            match model {
                Model::KAnonymity { k } => rules.least_rows = rules.least_rows.max(u64::from(*k)),
                Model::Presence { least, most } => rules.presence.push((*least, *most)),
                Model::JournalistRisk { most } => {
                    // 1 / people ≤ most; a hair less, so that 1 / 0.2 is five.
                    let people = (1.0 / most - 1e-9).ceil() as u64;
                    rules.least_people = rules.least_people.max(people);
                }
                Model::AverageRisk { most } => {
                    rules.average = Some(rules.average.map_or(*most, |before| before.min(*most)));
                }
                _ => {}
            }
        }
        if rules.sensitive.iter().any(|own| !own.entropies.is_empty()) {
            let most = problem.rows().min(1 << 16) as u32;
            rules.logarithms = (0..=most).map(x_ln_x).collect();
        }
        rules
    }

    /// Whether nothing but distinct values is asked of sensitive attributes, each with at most 64.
    pub(crate) fn only_masks(&self) -> bool {
        self.sensitive.iter().all(|own| own.values <= 64 && !own.is_heavy())
    }

    /// Whether a class fails for want of rows or people, or by its share of them.
    pub(crate) fn counts_hold(&self, class: Class) -> bool {
        let share = || real(class.rows) / real(class.people.max(1));
        class.rows >= self.least_rows
            && class.people >= self.least_people
            && self.presence.iter().all(|(least, most)| (*least..=*most).contains(&share()))
    }

    /// At most so many rows of a class can stay once it is split further, by counts alone. Exact for what cannot be
    /// mended by splitting.
    pub(crate) fn most_kept_by_counts(&self, class: Class) -> u64 {
        if class.rows < self.least_rows || class.people < self.least_people {
            return 0;
        }
        // The parts that hold share at most `most` of the people between them.
        let shares = self.presence.iter().map(|(_, most)| (most * real(class.people) + 1e-9).floor() as u64);
        let kept = shares.min().unwrap_or(u64::MAX).min(class.rows);
        if kept < self.least_rows { 0 } else { kept }
    }

    /// Whether the values of a sensitive attribute are spread enough.
    pub(crate) fn values_hold(&self, own: &SensitiveRules, rows: u64, values: &mut Values) -> bool {
        if (values.present.len() as u32) < own.least_values {
            return false;
        }
        if !own.entropies.is_empty() {
            let entropy =
                self.entropy(values.present.iter().map(|value| at(&values.counts, up(*value))), rows);
            if own.entropies.iter().any(|least| entropy < *least) {
                return false;
            }
        }
        if !own.recursives.is_empty() {
            values.sort();
            if own.recursives.iter().any(|(c, l)| !recursive_holds(&values.sorted, *c, *l)) {
                return false;
            }
        }
        let Values { counts, present, room, .. } = values;
        own.closeness.iter().all(|closeness| closeness.holds(counts, present, rows, room))
    }

    /// At most so many rows of a class can stay once it is split further, by its values. Parts that hold hold together,
    /// as each model is convex: so it is at most the largest part of any kind that holds.
    pub(crate) fn most_kept_by_values(&self, own: &SensitiveRules, rows: u64, values: &mut Values) -> u64 {
        if (values.present.len() as u32) < own.least_values {
            return 0;
        }
        let mut kept = rows;
        if !own.entropies.is_empty() || !own.recursives.is_empty() {
            values.sort();
            for least in &own.entropies {
                kept = kept.min(self.most_with_entropy(&values.sorted, *least));
            }
            for (c, l) in &own.recursives {
                kept = kept.min(most_with_recursive(&values.sorted, *c, *l));
            }
        }
        let Values { counts, present, room, .. } = values;
        for closeness in &own.closeness {
            kept = kept.min(closeness.most_kept(counts, present, rows, room));
        }
        if kept < self.least_rows { 0 } else { kept }
    }

    /// In nats.
    fn entropy(&self, counts: impl Iterator<Item = u32>, rows: u64) -> f64 {
        let sum: f64 = counts
            .map(|count| self.logarithms.get(up(count)).copied().unwrap_or_else(|| x_ln_x(count)))
            .sum();
        let rows = real(rows);
        // What is even up to rounding is even: l values of one frequency have an entropy of ln l.
        rows.ln() - sum / rows + 1e-12
    }

    /// The most even choice of rows is the one where no value has more than some cap; the lower the cap, the more even.
    fn most_with_entropy(&self, sorted: &[u32], least: f64) -> u64 {
        let capped = |cap: u32| sorted.iter().map(move |count| (*count).min(cap));
        let total = |cap: u32| capped(cap).map(u64::from).sum::<u64>();
        // Caps below `holds` hold, caps from `fails` on do not.
        let (mut holds, mut fails) = (0, sorted.first().copied().unwrap_or(0) + 1);
        while fails - holds > 1 {
            let middle = holds + (fails - holds) / 2;
            if self.entropy(capped(middle), total(middle)) >= least { holds = middle } else { fails = middle }
        }
        // Between two caps some values may have one row more: not more rows than at the cap above, less one.
        total(holds + 1).min(total(u32::MAX))
    }
}

fn x_ln_x(count: u32) -> f64 {
    if count == 0 { 0.0 } else { f64::from(count) * f64::from(count).ln() }
}

/// Frequencies descending.
fn recursive_holds(sorted: &[u32], c: f64, l: usize) -> bool {
    let tail: u64 = sorted.iter().skip(l - 1).map(|count| u64::from(*count)).sum();
    f64::from(at(sorted, 0)) < c * real(tail)
}

/// With at most `cap` rows of the most frequent value, the others weigh at most what they weigh when cut to the cap too.
fn most_with_recursive(sorted: &[u32], c: f64, l: usize) -> u64 {
    let capped = |cap: u32| sorted.iter().map(move |count| (*count).min(cap));
    let holds = |cap: u32| {
        let tail: u64 = capped(cap).skip(l - 1).map(u64::from).sum();
        f64::from(cap) < c * real(tail)
    };
    let most = at(sorted, 0);
    let total = |cap: u32| capped(cap).map(u64::from).sum::<u64>();
    // The tail is concave in the cap and begins at nothing: where it holds for some cap, it holds for all lower ones.
    let (mut good, mut bad) = (0, most + 1);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if holds(middle) { good = middle } else { bad = middle }
    }
    total(good)
}

impl SensitiveRules {
    fn of(problem: &Problem, place: usize, values: usize) -> SensitiveRules {
        let mut own = SensitiveRules {
            place,
            values,
            least_values: 1,
            entropies: Vec::new(),
            recursives: Vec::new(),
            closeness: Vec::new(),
        };
        for model in &problem.models {
            match model {
                Model::DistinctDiversity { sensitive, l } if *sensitive == place => {
                    own.least_values = own.least_values.max(*l);
                }
                Model::EntropyDiversity { sensitive, l } if *sensitive == place => {
                    // An entropy of ln l needs l values.
                    own.least_values = own.least_values.max((l - 1e-9).ceil() as u32);
                    own.entropies.push(l.ln());
                }
                Model::RecursiveDiversity { sensitive, c, l } if *sensitive == place => {
                    own.least_values = own.least_values.max(*l);
                    own.recursives.push((*c, up(*l).max(1)));
                }
                Model::Closeness { sensitive, t, distance } if *sensitive == place => {
                    let mut counts = vec![0_u64; values];
                    let column = problem.sensitive.get(place).map_or(&[][..], |own| own.column.as_slice());
                    for (line, value) in column.iter().enumerate() {
                        if let Some(count) = counts.get_mut(up(*value)) {
                            *count += u64::from(problem.count(line));
                        }
                    }
                    let closeness = Closeness::new(*t, distance, &counts);
                    own.least_values = own.least_values.max(closeness.least_values());
                    own.closeness.push(closeness);
                }
                _ => {}
            }
        }
        own
    }

    fn asks(&self) -> bool {
        self.least_values > 1 || self.is_heavy()
    }

    fn is_heavy(&self) -> bool {
        !(self.entropies.is_empty() && self.recursives.is_empty() && self.closeness.is_empty())
    }
}

impl Values {
    /// Room for so many values.
    pub(crate) fn prepare(&mut self, values: usize) {
        self.counts.clear();
        self.counts.resize(values, 0);
        self.present.clear();
    }

    pub(crate) fn add(&mut self, value: u32, rows: u32) {
        if let Some(count) = self.counts.get_mut(up(value)) {
            if *count == 0 {
                self.present.push(value);
            }
            *count += rows;
        }
    }

    /// Forgets the class, in time that depends on it alone.
    pub(crate) fn clear(&mut self) {
        for value in self.present.drain(..) {
            if let Some(count) = self.counts.get_mut(up(value)) {
                *count = 0;
            }
        }
    }

    /// Frequencies, descending.
    fn sort(&mut self) {
        self.sorted.clear();
        self.sorted.extend(self.present.iter().map(|value| at(&self.counts, up(*value))));
        self.sorted.sort_unstable_by(|one, other| other.cmp(one));
    }
}
