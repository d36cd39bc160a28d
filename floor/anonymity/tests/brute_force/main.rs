//! Every model and metric against every node of small random tables.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod slow;

use anonymity::{
    Attribute, Distance, Hierarchy, Metric, Model, Outcome, Problem, Sensitive, Settings, evaluate,
    recode_locally, search,
};
use proptest::prelude::*;

/// A hierarchy whose levels join neighbours: `cuts` of each level say where a group ends.
fn hierarchy(leaves: usize, joins: &[usize], to_one: bool) -> Hierarchy {
    let mut rows: Vec<Vec<String>> = (0..leaves).map(|leaf| vec![format!("v{leaf}")]).collect();
    let mut width = 1;
    for (level, join) in joins.iter().enumerate() {
        width *= join;
        for (leaf, row) in rows.iter_mut().enumerate() {
            row.push(format!("{level}:{}", leaf / width));
        }
    }
    if to_one {
        rows.iter_mut().for_each(|row| row.push("*".into()));
    }
    Hierarchy::from_rows(&rows).unwrap()
}

fn any_hierarchy() -> impl Strategy<Value = Hierarchy> {
    (1_usize..7, proptest::collection::vec(1_usize..4, 0..3), any::<bool>())
        .prop_map(|(leaves, joins, to_one)| hierarchy(leaves, &joins, to_one))
}

fn any_model(values: usize) -> impl Strategy<Value = Model> {
    let distance = prop_oneof![
        Just(Distance::Equal),
        Just(Distance::Ordered),
        Just(Distance::Hierarchical(hierarchy(values, &[2, 2], true))),
    ];
    prop_oneof![
        (1_u32..6).prop_map(|k| Model::KAnonymity { k }),
        (1_u32..4).prop_map(|l| Model::DistinctDiversity { sensitive: 0, l }),
        (1.0..3.5_f64).prop_map(|l| Model::EntropyDiversity { sensitive: 0, l }),
        (1_u32..4).prop_map(|l| Model::EntropyDiversity { sensitive: 0, l: f64::from(l) }),
        (0.3..4.0_f64, 1_u32..4).prop_map(|(c, l)| Model::RecursiveDiversity { sensitive: 0, c, l }),
        (0.0..1.0_f64, distance).prop_map(|(t, distance)| Model::Closeness { sensitive: 0, t, distance }),
        (0.0..0.6_f64, 0.6..1.0_f64).prop_map(|(least, most)| Model::Presence { least, most }),
        (0.1..1.0_f64).prop_map(|most| Model::JournalistRisk { most }),
        (0.1..1.0_f64).prop_map(|most| Model::AverageRisk { most }),
        (1_u32..3).prop_map(|l| Model::DistinctDiversity { sensitive: 1, l }),
    ]
}

const METRICS: [Metric; 6] = [
    Metric::Loss,
    Metric::NonUniformEntropy,
    Metric::Discernibility,
    Metric::AverageClassSize,
    Metric::Precision,
    Metric::Divergence,
];

fn any_problem() -> impl Strategy<Value = Problem> {
    let limit = prop_oneof![Just(0.0), 0.0..0.5_f64, Just(1.0)];
    let attributes = proptest::collection::vec((any_hierarchy(), 0.1..3.0_f64), 1..4);
    (attributes, 2_usize..5, 1_usize..40, any::<u64>(), proptest::sample::select(METRICS.to_vec()), limit)
        .prop_flat_map(|(attributes, values, rows, seed, metric, limit)| {
            let models = proptest::collection::vec(any_model(values), 1..4);
            (Just((attributes, values, rows, seed, metric, limit)), models)
        })
        .prop_map(|((attributes, values, rows, seed, metric, limit), models)| {
            let mut state = seed;
            let mut next = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // The smaller of two: some values are frequent, some rare.
                let (one, two) = ((state >> 33) as usize % below, (state >> 45) as usize % below);
                one.min(two) as u32
            };
            let mut column =
                |values: usize, rows: usize| -> Vec<u32> { (0..rows).map(|_| next(values)).collect() };
            let with_people = models
                .iter()
                .any(|model| matches!(model, Model::Presence { .. } | Model::JournalistRisk { .. }));
            let attributes: Vec<Attribute> = attributes
                .into_iter()
                .enumerate()
                .map(|(place, (hierarchy, weight))| Attribute {
                    name: format!("a{place}"),
                    column: column(hierarchy.leaves(), rows),
                    hierarchy,
                    weight,
                })
                .collect();
            let population = if with_people {
                // Everybody in the table, and some more.
                let more =
                    |own: &Attribute| [own.column.clone(), column(own.hierarchy.leaves(), rows)].concat();
                attributes.iter().map(more).collect()
            } else {
                Vec::new()
            };
            let sensitive = [values, 3].into_iter().map(|values| Sensitive {
                name: format!("s{values}"),
                column: column(values, rows),
                values,
            });
            Problem {
                sensitive: sensitive.collect(),
                attributes,
                models,
                suppression_limit: limit,
                metric,
                population,
                counts: Vec::new(),
            }
        })
}

fn close(one: f64, other: f64) -> bool {
    // The reference cuts Loss after ten digits; so does the search.
    (one - other).abs() <= 1e-8 * other.abs() + 2e-9
}

fn found(problem: &Problem, threads: usize) -> Outcome {
    search(problem, &Settings { threads, ..Settings::default() }).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn the_best_node_is_found_and_proved(problem in any_problem()) {
        let nodes = slow::nodes(&problem);
        for node in &nodes {
            let own = evaluate(&problem, &node.levels).unwrap();
            prop_assert_eq!(own.suppressed as usize, node.suppressed, "{:?}", node);
            prop_assert_eq!(own.classes as usize, node.classes, "{:?}", node);
            prop_assert!(close(own.score, node.score) || node.classes + node.suppressed == 0, "{own:?} {node:?}");
        }
        let limit = (problem.suppression_limit * problem.rows() as f64).floor() as usize;
        let best = nodes.iter().filter(|node| node.suppressed <= limit);
        let best = best.min_by(|one, other| one.score.total_cmp(&other.score));
        let outcome = found(&problem, 1);
        prop_assert!(outcome.is_optimal);
        prop_assert_eq!(outcome.nodes, Some(nodes.len() as u64));
        match (&outcome.best, best) {
            (Some(own), Some(best)) => prop_assert!(close(own.score, best.score), "{own:?} {best:?}"),
            (own, best) => prop_assert!(own.is_none() && best.is_none(), "{own:?} {best:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_recoded_locally_holds(problem in any_problem()) {
        let Ok(local) = recode_locally(&problem) else { return Ok(()) };
        // Each class by what is published, its members and the people it could stand for.
        let label = |row: usize| -> Vec<String> {
            (0..problem.attributes.len()).map(|place| local.label(&problem, row, place).to_owned()).collect()
        };
        let rows: Vec<usize> = (0..problem.rows()).filter(|row| local.levels[*row].is_some()).collect();
        prop_assert_eq!((problem.rows() - rows.len()) as u64, local.suppressed);
        for row in &rows {
            let levels = local.levels[*row].as_ref().unwrap();
            let members: Vec<usize> =
                rows.iter().copied().filter(|other| local.class_of[*other] == local.class_of[*row]).collect();
            prop_assert!(members.iter().all(|other| label(*other) == label(*row)));
            let alike = |person: &usize| {
                problem.attributes.iter().zip(levels).zip(&problem.population).all(|((own, level), column)| {
                    let codes = own.hierarchy.codes_at(usize::from(*level));
                    codes[column[*person] as usize] == codes[own.column[*row] as usize]
                })
            };
            let people = (0..problem.population.first().map_or(0, Vec::len)).filter(alike).count();
            for model in &problem.models {
                let holds = match model {
                    Model::AverageRisk { most } => 1.0 / members.len() as f64 <= most + 1e-9,
                    _ => slow::holds(&problem, model, &members, people),
                };
                prop_assert!(holds, "{:?} {:?}", model, members);
            }
        }
        let same = problem.attributes.iter().all(|own| own.hierarchy.cardinality(own.hierarchy.height() - 1) == 1);
        if same && problem.metric == Metric::Loss && local.suppressed == 0 {
            // Never worse than everything as coarse as can be.
            let top: Vec<usize> = problem.attributes.iter().map(|own| own.hierarchy.height() - 1).collect();
            prop_assert!(local.loss <= evaluate(&problem, &top).unwrap().score + 1e-9);
        }
    }
}

/// A table with enough rows for threads to share the work.
fn large(metric: Metric) -> Problem {
    let attribute = |place: usize| {
        let hierarchy = hierarchy(24, &[2, 3, 2], true);
        let column =
            (0..20_000_usize).map(|row| ((row * row + row * (7 + place * 13)) / 11 % (24 - place)) as u32);
        Attribute { name: format!("a{place}"), column: column.collect(), hierarchy, weight: 1.0 }
    };
    Problem {
        attributes: (0..5).map(attribute).collect(),
        sensitive: vec![Sensitive {
            name: "s".into(),
            column: (0..20_000_usize).map(|row| (row * row / 17 % 5) as u32).collect(),
            values: 5,
        }],
        models: vec![Model::KAnonymity { k: 5 }, Model::EntropyDiversity { sensitive: 0, l: 2.5 }],
        suppression_limit: 0.03,
        metric,
        population: Vec::new(),
        counts: Vec::new(),
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    for metric in METRICS {
        let problem = large(metric);
        let alone = found(&problem, 1);
        assert!(alone.best.is_some() && alone.is_optimal, "{alone:?}");
        assert_eq!(found(&problem, 2), alone);
        assert_eq!(found(&problem, 5), alone);
    }
}

#[test]
fn a_search_that_is_stopped_gives_the_best_so_far_and_the_gap() {
    let problem = large(Metric::Loss);
    let whole = found(&problem, 1);
    let best = whole.best.as_ref().unwrap().score;
    for waves in [1, 3, 8, 12] {
        let left = std::cell::Cell::new(waves);
        let go_on = || {
            left.set(left.get() - 1);
            left.get() >= 0
        };
        let outcome = search(&problem, &Settings { go_on: &go_on, ..Settings::default() }).unwrap();
        let score = outcome.best.as_ref().map_or(f64::INFINITY, |best| best.score);
        assert!(outcome.bound <= best + 1e-12 && best <= score + 1e-12, "{outcome:?}");
        assert!(outcome.is_optimal == (outcome.bound == score), "{outcome:?}");
    }
}

#[test]
fn a_lattice_too_large_to_prove_is_climbed() {
    let problem = large(Metric::Loss);
    let whole = found(&problem, 1);
    let outcome = search(&problem, &Settings { most_nodes: 1_000, ..Settings::default() }).unwrap();
    let (own, best) = (outcome.best.unwrap(), whole.best.unwrap());
    assert!(!outcome.is_optimal && outcome.nodes.is_none());
    assert!(own.score >= best.score && outcome.bound <= best.score);
    assert_eq!(evaluate(&problem, &own.levels).unwrap(), own);
}

#[test]
fn what_cannot_be_worked_on_is_refused() {
    let good = large(Metric::Loss);
    let refused = |change: &dyn Fn(&mut Problem)| {
        let mut problem = good.clone();
        change(&mut problem);
        search(&problem, &Settings::default()).unwrap_err().to_string()
    };
    assert!(refused(&|problem| problem.attributes.clear()).contains("no quasi-identifier"));
    let tall: Vec<Vec<String>> = (0..24).map(|leaf| vec![format!("{leaf}"); 257]).collect();
    let tall = Hierarchy::from_rows(&tall).unwrap();
    assert!(refused(&|problem| problem.attributes[0].hierarchy = tall.clone()).contains("at most 256"));
    assert!(refused(&|problem| problem.suppression_limit = 1.5).contains("from 0 to 1"));
    assert!(refused(&|problem| problem.attributes[1].column[7] = 24).contains("a1"));
    assert!(refused(&|problem| problem.attributes[1].column.truncate(19_999)).contains("19999 rows"));
    assert!(refused(&|problem| problem.models.push(Model::KAnonymity { k: 0 })).contains("at least 1"));
    assert!(
        refused(&|problem| problem.models.push(Model::JournalistRisk { most: 0.1 })).contains("population")
    );
    let distant = Model::DistinctDiversity { sensitive: 3, l: 2 };
    assert!(refused(&|problem| problem.models.push(distant.clone())).contains("not there"));
    assert!(evaluate(&good, &[0, 0, 0, 0, 9]).is_err());
}
