//! Several releases of one domain against an attacker who compares what was published, person by person.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};

use anonymity::{
    Attribute, Bounds, Exposed, Further, Hierarchy, Joint, Metric, Model, Passed, Problem, Refused, Release,
    Sensitive, Settings, apply, next_release, release_at, search,
};
use proptest::prelude::*;

/// Everybody's attributes and sensitive value.
struct Domain {
    hierarchies: Vec<Hierarchy>,
    columns: Vec<Vec<u32>>,
    values: Vec<u32>,
    /// Of a second sensitive attribute.
    others: Vec<u32>,
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
        Domain { hierarchies, columns, values: column(VALUES), others: column(VALUES) }
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

    /// The same with a second sensitive attribute, and more asked of a class than of a joint class.
    fn richer(&self, people: &[u32], limit: f64, k: u32, metric: Metric) -> Problem {
        let mut problem = self.problem(people, limit);
        let column = people.iter().map(|person| self.others[*person as usize]).collect();
        problem.sensitive.push(Sensitive { name: "o".into(), column, values: VALUES });
        problem.models[0] = Model::KAnonymity { k };
        problem.metric = metric;
        problem
    }

    /// A few people's data change.
    fn change(&mut self, share: usize, dice: &mut Dice) {
        let people = self.values.len();
        for _ in 0..people * share / 100 {
            let (one, other) = (dice.below(people), dice.below(people));
            self.columns.iter_mut().for_each(|column| column[one] = column[other]);
            self.values[one] = dice.below(VALUES) as u32;
            self.others[one] = dice.below(VALUES) as u32;
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

fn further<'a>(
    problem: &'a Problem,
    people: &'a [u32],
    joint: &'a Joint,
    sensitive: &'a [usize],
) -> Further<'a> {
    Further { problem, people, joint, bounds: BOUNDS, sensitive }
}

fn next(problem: &Problem, people: &[u32], joint: &Joint) -> Result<Passed, Refused> {
    next_release(further(problem, people, joint, &[0]), &Settings::default()).unwrap()
}

/// Every node of a lattice.
fn nodes(problem: &Problem) -> Vec<Vec<usize>> {
    let mut nodes = vec![Vec::new()];
    for own in &problem.attributes {
        let with = |node: &Vec<usize>, level| [node.as_slice(), &[level]].concat();
        nodes = (0..own.hierarchy.height())
            .flat_map(|level| nodes.iter().map(move |node| with(node, level)))
            .collect();
    }
    nodes
}

/// Loss of what is published, as docs/anonymity.md defines it.
fn loss(problem: &Problem, kept: &[bool], levels: &[usize]) -> f64 {
    let rows = kept.len() as f64;
    let attributes = problem.attributes.iter().zip(levels);
    let product: f64 = attributes
        .map(|(own, level)| {
            let leaves = own.hierarchy.leaves() as f64;
            let (codes, widths) = (own.hierarchy.codes_at(*level), own.hierarchy.widths(*level));
            let cell = |(code, kept): (&u32, &bool)| {
                if *kept { f64::from(widths[codes[*code as usize] as usize]) / leaves } else { 1.0 }
            };
            let sum: f64 = own.column.iter().zip(kept).map(cell).sum();
            1.0 + (sum - rows / leaves) / (rows - rows / leaves)
        })
        .product();
    product.powf(1.0 / problem.attributes.len() as f64) - 1.0
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
            match next(&problem, &people, &joint) {
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

    /// Against every node of the lattice, with two sensitive attributes.
    #[test]
    fn the_best_levels_beside_earlier_releases_are_proved(
        seed in any::<u64>(),
        everybody in 12_usize..70,
        percent in 50_usize..101,
        changes in 0_usize..10,
        limit in prop_oneof![Just(0.0), 0.0..0.7_f64],
        k in 3_u32..6,
        metric in proptest::sample::select(vec![
            Metric::Loss,
            Metric::NonUniformEntropy,
            Metric::Discernibility,
            Metric::Precision,
        ]),
    ) {
        let mut dice = Dice(seed);
        let mut domain = Domain::new(everybody, &mut dice);
        let mut joint = Joint::new(everybody);
        let mut attackers = [Attacker::default(), Attacker::default()];
        for _ in 0..3 {
            let people = some_people(everybody, percent, &mut dice);
            if people.is_empty() {
                continue;
            }
            let problem = domain.richer(&people, limit, k, metric);
            let asked = further(&problem, &people, &joint, &[0, 1]);
            let all: Vec<Passed> = nodes(&problem).iter().map(|node| release_at(asked, node).unwrap()).collect();
            let allowed = problem.most_suppressed();
            let left_out = |one: &Passed| one.applied.solution.suppressed;
            let holding = all.iter().filter(|one| left_out(one) <= allowed);
            let best = holding.map(|one| one.applied.solution.score).fold(f64::INFINITY, f64::min);
            let found = next_release(asked, &Settings::default()).unwrap();
            let several = Settings { threads: 3, ..Settings::default() };
            match (found, next_release(asked, &several).unwrap()) {
                (Ok(passed), Ok(again)) => {
                    prop_assert!(passed.is_optimal(), "{:?}", passed);
                    prop_assert_eq!(passed.applied.solution.score, best);
                    prop_assert_eq!(&passed.applied, &again.applied);
                    let (kept, levels) = (&passed.applied.kept, &passed.applied.levels);
                    if metric == Metric::Loss {
                        prop_assert!((loss(&problem, kept, levels) - best).abs() < 1e-8);
                    }
                    let rows = published(&problem, &people, kept, levels);
                    let mut sizes: BTreeMap<&String, u32> = BTreeMap::new();
                    rows.iter().for_each(|(_, label, _)| *sizes.entry(label).or_default() += 1);
                    prop_assert!(sizes.values().all(|size| *size >= k), "what the set itself asks for");
                    let other = |(person, label, _): &(u32, String, u32)| {
                        (*person, label.clone(), domain.others[*person as usize])
                    };
                    attackers[1].sees(everybody, &rows.iter().map(other).collect::<Vec<_>>());
                    attackers[0].sees(everybody, &rows);
                    joint.add(&passed.release);
                    for attacker in &attackers {
                        let found = attacker.exposed(BOUNDS);
                        prop_assert_eq!((found.below_k, found.below_l), (0, 0), "{:?}", found);
                    }
                }
                (Err(refused), Err(again)) => {
                    prop_assert_eq!(best, f64::INFINITY);
                    let least = all.iter().map(left_out).min().unwrap();
                    prop_assert!(refused.is_least && refused.needed == least, "{:?}, least {}", refused, least);
                    prop_assert_eq!(refused, again);
                }
                _ => prop_assert!(false, "threads change whether it passes"),
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
            joint.add(&Release { class_of, values: vec![domain.values.clone()] });
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
    let mut joint = Joint::new(400);
    joint.add(&next(&problem, &everybody, &joint).unwrap().release);
    // Half of the people, and hardly anybody may be left out.
    let half = some_people(400, 50, &mut dice);
    let strict = domain.problem(&half, 0.0);
    let refused = next(&strict, &half, &joint).unwrap_err();
    assert!(refused.needed > 0 && refused.allowed == 0 && refused.levels.len() == 3, "{refused:?}");
    let share = refused.needed as f64 / half.len() as f64 + 1e-9;
    let lenient = domain.problem(&half, share);
    assert!(next(&lenient, &half, &joint).is_ok());
}

#[test]
fn stopped_early_it_tells_the_gap_or_that_nothing_is_proved() {
    let mut dice = Dice(5);
    let domain = Domain::new(300, &mut dice);
    let everybody: Vec<u32> = (0..300).collect();
    let (problem, joint) = (domain.problem(&everybody, 0.2), Joint::new(300));
    let asked = further(&problem, &everybody, &joint, &[0]);
    let stopped = |waves: usize| {
        let left = std::cell::Cell::new(waves);
        let go_on = || left.replace(left.get().saturating_sub(1)) > 0;
        next_release(asked, &Settings { go_on: &go_on, ..Settings::default() }).unwrap()
    };
    let refused = stopped(0).unwrap_err();
    assert!(!refused.is_least, "nothing was looked at, and nothing is proved");
    let first = stopped(1).unwrap();
    assert!(!first.is_optimal() && first.bound < first.applied.solution.score, "{first:?}");
    let best = stopped(usize::MAX).unwrap();
    assert!(best.is_optimal() && best.applied.solution.score < first.applied.solution.score);
    assert!(first.bound <= best.applied.solution.score);
}

#[test]
fn a_mean_over_the_whole_table_is_not_asked_of_several_releases() {
    let mut dice = Dice(5);
    let everybody: Vec<u32> = (0..40).collect();
    let mut problem = Domain::new(40, &mut dice).problem(&everybody, 0.2);
    problem.models.push(Model::AverageRisk { most: 0.1 });
    let fault = next_release(further(&problem, &everybody, &Joint::new(40), &[0]), &Settings::default());
    assert!(fault.unwrap_err().to_string().contains("average risk"));
}
