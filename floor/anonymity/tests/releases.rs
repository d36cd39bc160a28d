//! Several releases of one domain against an attacker who compares what was published, person by person.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};

use anonymity::{
    Attribute, Bounds, Exposed, Hierarchy, Joint, Metric, Model, Problem, Release, Sensitive, Settings,
    apply, next_release, search,
};
use proptest::prelude::*;

/// Everybody's attributes and sensitive value.
struct Domain {
    hierarchies: Vec<Hierarchy>,
    columns: Vec<Vec<u32>>,
    values: Vec<u32>,
}

/// Small numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

const VALUES: usize = 5;

fn hierarchy(leaves: usize, join: usize) -> Hierarchy {
    let row = |leaf: usize| vec![format!("v{leaf}"), format!("g{}", leaf / join), "*".to_owned()];
    Hierarchy::from_rows(&(0..leaves).map(row).collect::<Vec<_>>()).unwrap()
}

impl Domain {
    fn new(people: usize, dice: &mut Dice) -> Domain {
        let hierarchies = vec![hierarchy(12, 3), hierarchy(6, 2), hierarchy(2, 2)];
        let mut column = |values: usize| -> Vec<u32> {
            (0..people).map(|_| dice.below(values).min(dice.below(values)) as u32).collect()
        };
        let columns = vec![column(12), column(6), column(2)];
        Domain { hierarchies, columns, values: column(VALUES) }
    }

    /// What some people's rows become.
    fn problem(&self, people: &[u32], limit: f64) -> Problem {
        let of = |column: &Vec<u32>| people.iter().map(|person| column[*person as usize]).collect();
        let attributes = self.hierarchies.iter().zip(&self.columns).enumerate();
        Problem {
            attributes: attributes
                .map(|(place, (hierarchy, column))| Attribute {
                    name: format!("a{place}"),
                    hierarchy: hierarchy.clone(),
                    column: of(column),
                    weight: 1.0,
                })
                .collect(),
            sensitive: vec![Sensitive { name: "s".into(), column: of(&self.values), values: VALUES }],
            models: vec![Model::KAnonymity { k: 3 }, Model::DistinctDiversity { sensitive: 0, l: 2 }],
            suppression_limit: limit,
            metric: Metric::Loss,
            population: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// A few people's data change.
    fn change(&mut self, share: usize, dice: &mut Dice) {
        let people = self.values.len();
        for _ in 0..people * share / 100 {
            let (one, other) = (dice.below(people), dice.below(people));
            self.columns.iter_mut().for_each(|column| column[one] = column[other]);
            self.values[one] = dice.below(VALUES) as u32;
        }
    }
}

/// The attacker: of each person the label published in each release, and the values published with that label.
#[derive(Default)]
struct Attacker {
    seen: BTreeMap<u32, Vec<Option<String>>>,
    published: Vec<BTreeMap<String, BTreeSet<u32>>>,
    last: BTreeMap<u32, u32>,
}

impl Attacker {
    fn sees(&mut self, everybody: usize, published: &[(u32, String, u32)]) {
        let mut by_label: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        let rows: BTreeMap<u32, (&String, u32)> =
            published.iter().map(|(person, label, value)| (*person, (label, *value))).collect();
        for person in 0..everybody as u32 {
            let row = rows.get(&person);
            self.seen.entry(person).or_default().push(row.map(|(label, _)| (*label).clone()));
            if let Some((label, value)) = row {
                by_label.entry((*label).clone()).or_default().insert(*value);
                self.last.insert(person, *value);
            }
        }
        self.published.push(by_label);
    }

    fn exposed(&self, bounds: Bounds) -> Exposed {
        let mut alike: BTreeMap<&Vec<Option<String>>, Vec<u32>> = BTreeMap::new();
        for (person, seen) in &self.seen {
            if seen.iter().any(Option::is_some) {
                alike.entry(seen).or_default().push(*person);
            }
        }
        let smallest = alike.values().map(Vec::len).min().unwrap_or(0) as u64;
        let mut exposed = Exposed { smallest, ..Exposed::default() };
        for (seen, members) in alike {
            let size = members.len() as u64;
            exposed.people += size;
            exposed.alone += u64::from(size == 1);
            exposed.below_k += if size < u64::from(bounds.k) { size } else { 0 };
            let own: BTreeSet<u32> = members.iter().map(|person| self.last[person]).collect();
            let mut left: BTreeSet<u32> = (0..VALUES as u32).collect();
            for (label, published) in seen.iter().zip(&self.published) {
                if let Some(label) = label {
                    left.retain(|value| published[label].contains(value));
                }
            }
            if own.len().min(left.len()) < bounds.l as usize {
                exposed.below_l += size;
            }
        }
        exposed
    }
}

/// What is published: person (known to the attacker), label, value.
fn published(problem: &Problem, people: &[u32], kept: &[bool], levels: &[usize]) -> Vec<(u32, String, u32)> {
    let label = |row: usize| -> String {
        let own = problem.attributes.iter().zip(levels);
        own.map(|(own, level)| format!("{};", own.hierarchy.label(*level, own.column[row]))).collect()
    };
    let rows = people.iter().enumerate().filter(|(row, _)| kept[*row]);
    rows.map(|(row, person)| (*person, label(row), problem.sensitive[0].column[row])).collect()
}

fn some_people(everybody: usize, percent: usize, dice: &mut Dice) -> Vec<u32> {
    (0..everybody as u32).filter(|_| dice.below(100) < percent).collect()
}

const BOUNDS: Bounds = Bounds { k: 3, l: 2 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn through_the_ledger_nobody_is_exposed(
        seed in any::<u64>(),
        everybody in 20_usize..250,
        percent in 50_usize..101,
        changes in 0_usize..10,
        limit in 0.1..1.0_f64,
    ) {
        let mut dice = Dice(seed);
        let mut domain = Domain::new(everybody, &mut dice);
        let mut joint = Joint::new(everybody);
        let mut attacker = Attacker::default();
        for _ in 0..4 {
            let people = some_people(everybody, percent, &mut dice);
            if people.is_empty() {
                continue;
            }
            let problem = domain.problem(&people, limit);
            match next_release(&problem, &people, &joint, BOUNDS, Some(0), &Settings::default()).unwrap() {
                Ok(passed) => {
                    prop_assert!(passed.applied.solution.suppressed <= problem.most_suppressed());
                    let rows = published(&problem, &people, &passed.applied.kept, &passed.applied.levels);
                    prop_assert_eq!(
                        rows.len() as u64,
                        people.len() as u64 - passed.applied.solution.suppressed
                    );
                    joint.add(&passed.release);
                    attacker.sees(everybody, &rows);
                    let found = attacker.exposed(BOUNDS);
                    prop_assert_eq!((found.below_k, found.below_l), (0, 0), "{:?}", found);
                    prop_assert_eq!(joint.exposed(BOUNDS), found);
                }
                Err(refused) => {
                    prop_assert!(refused.needed > refused.allowed, "{:?}", refused);
                }
            }
            domain.change(changes, &mut dice);
        }
    }

    #[test]
    fn the_ledger_counts_as_the_attacker_does(
        seed in any::<u64>(),
        everybody in 1_usize..120,
        releases in 1_usize..5,
    ) {
        let mut dice = Dice(seed);
        let domain = Domain::new(everybody, &mut dice);
        let (mut joint, mut attacker) = (Joint::new(everybody), Attacker::default());
        for _ in 0..releases {
            // Any classes at all, some of them far too small.
            let classes = 1 + dice.below(6);
            let class_of: Vec<u32> = (0..everybody).map(|_| dice.below(classes + 1) as u32).collect();
            let rows = class_of.iter().enumerate().filter(|(_, class)| **class > 0);
            let rows: Vec<(u32, String, u32)> =
                rows.map(|(person, class)| (person as u32, class.to_string(), domain.values[person])).collect();
            joint.add(&Release { class_of, values: domain.values.clone() });
            attacker.sees(everybody, &rows);
            prop_assert_eq!(joint.exposed(BOUNDS), attacker.exposed(BOUNDS));
        }
    }
}

#[test]
fn one_by_one_the_attack_succeeds() {
    let mut dice = Dice(7);
    let domain = Domain::new(2_000, &mut dice);
    let mut attacker = Attacker::default();
    for metric in [Metric::Loss, Metric::NonUniformEntropy] {
        let people = some_people(2_000, 80, &mut dice);
        let problem = Problem { metric, ..domain.problem(&people, 0.05) };
        let best = search(&problem, &Settings::default()).unwrap().best.unwrap();
        let applied = apply(&problem, &best.levels).unwrap();
        attacker.sees(2_000, &published(&problem, &people, &applied.kept, &best.levels));
    }
    let found = attacker.exposed(BOUNDS);
    assert!(found.below_k > 0 && found.alone > 0 && found.below_l > 0, "{found:?}");
}

#[test]
fn what_is_refused_says_what_would_pass() {
    let mut dice = Dice(11);
    let domain = Domain::new(400, &mut dice);
    let everybody: Vec<u32> = (0..400).collect();
    let problem = domain.problem(&everybody, 0.3);
    let settings = Settings::default();
    let mut joint = Joint::new(400);
    joint.add(
        &next_release(&problem, &everybody, &joint, BOUNDS, Some(0), &settings).unwrap().unwrap().release,
    );
    // Half of the people, and hardly anybody may be left out.
    let half = some_people(400, 50, &mut dice);
    let strict = domain.problem(&half, 0.0);
    let refused = next_release(&strict, &half, &joint, BOUNDS, Some(0), &settings).unwrap().unwrap_err();
    assert!(refused.needed > 0 && refused.allowed == 0 && refused.levels.len() == 3, "{refused:?}");
    let share = refused.needed as f64 / half.len() as f64 + 1e-9;
    let lenient = domain.problem(&half, share);
    assert!(next_release(&lenient, &half, &joint, BOUNDS, Some(0), &settings).unwrap().is_ok());
}
