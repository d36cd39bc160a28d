//! Accuracy on exercises of several seeds: `accuracy PACKS SEEDS [--show]`.

use anyhow::{Context, Result};
use matching::exercise::{Exercise, Material, Plan, exercise};
use matching::{Decision, Places, Register, Settings};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let packs = arguments.next().unwrap_or_else(|| "../shared".into());
    let seeds: u64 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(5);
    let show = arguments.next();
    let material = material(Path::new(&packs))?;
    let mut places = Places::default();
    for (prefecture, old, new) in &material.mergers {
        places.add_merger(prefecture, old, new);
    }
    let mut all = Vec::new();
    for seed in 1..=seeds {
        let made =
            exercise(&material, Plan { seed: seed + 100, residents: 20_000, customers: 6_000, absent: 720 });
        all.push(judge(&made, &places, seed, show.as_deref()));
    }
    for (place, name) in
        ["precision", "recall", "review", "recall after review", "absent linked", "wrong"].iter().enumerate()
    {
        let values: Vec<f64> = all.iter().map(|row| row[place]).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
            / (values.len().max(2) - 1) as f64)
            .sqrt();
        println!("{name}: {mean:.5} ± {:.5}", 2.776 * deviation / (values.len() as f64).sqrt());
    }
    Ok(())
}

fn judge(made: &Exercise, places: &Places, seed: u64, show: Option<&str>) -> [f64; 6] {
    let start = std::time::Instant::now();
    let mut register = Register::in_places(places.clone());
    register.extend(
        made.residents
            .iter()
            .enumerate()
            .map(|(index, (attributes, history))| (index as u64, attributes.clone(), history.clone())),
        2,
    );
    let prepared = start.elapsed();
    let attributes: Vec<_> = made.customers.iter().map(|customer| customer.attributes.clone()).collect();
    let institutions: Vec<u64> = made.customers.iter().map(|customer| customer.institution).collect();
    let decisions = register.decide_all(&attributes, &institutions, Settings { threads: 2, learn: true });
    let (mut links, mut right, mut reviews, mut found, mut absent_linked) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let inside = made.customers.iter().filter(|customer| customer.truth.is_some()).count() as f64;
    let mut lost: HashMap<&str, usize> = HashMap::new();
    for (customer, decision) in made.customers.iter().zip(&decisions) {
        let describe = |resident: u64| {
            let (attributes, _) = &made.residents[resident as usize];
            format!(
                "{} {:?} {} {} {}",
                attributes.name, attributes.kana, attributes.address, attributes.birth, attributes.sex
            )
        };
        let own = &customer.attributes;
        let query = format!("{} {:?} {} {} {}", own.name, own.kana, own.address, own.birth, own.sex);
        let no_address = customer
            .defects
            .iter()
            .any(|defect| ["a_missing", "a_unknown", "a_prev_nohist"].contains(defect));
        match decision {
            Decision::Link(best) => {
                links += 1.0;
                if Some(best.resident) == customer.truth {
                    right += 1.0;
                    found += 1.0;
                } else {
                    if customer.truth.is_none() {
                        absent_linked += 1.0;
                    }
                    if show.is_some() {
                        println!(
                            "WRONG {:?} {:?}\n   {query}\n   {}\n   truth {}\n   {}",
                            customer.truth,
                            customer.defects,
                            describe(best.resident),
                            customer.truth.map(describe).unwrap_or_default(),
                            best.why
                        );
                    }
                }
            }
            Decision::Review(candidates, doubt) => {
                reviews += 1.0;
                if candidates.iter().any(|candidate| Some(candidate.resident) == customer.truth) {
                    found += 1.0;
                    if !no_address {
                        customer.defects.iter().for_each(|defect| *lost.entry(defect).or_default() += 1);
                        if show == Some("review") {
                            println!(
                                "REVIEW {:?} {doubt} {}\n   {query}\n   {}\n   {}",
                                customer.defects,
                                candidates.len(),
                                describe(candidates[0].resident),
                                candidates[0].why
                            );
                        }
                    }
                } else if show.is_some() {
                    println!(
                        "{} {:?} {doubt}\n   {query}\n   {}\n   {}",
                        if customer.truth.is_some() { "REVIEW WITHOUT" } else { "ABSENT" },
                        customer.defects,
                        describe(candidates[0].resident),
                        candidates[0].why
                    );
                }
            }
            Decision::None => {
                if let Some(truth) = customer.truth {
                    customer.defects.iter().for_each(|defect| *lost.entry(defect).or_default() += 1);
                    if show.is_some() {
                        println!("MISSED {:?}\n   {query}\n   {}", customer.defects, describe(truth));
                    }
                }
            }
        }
    }
    let row = [
        right / f64::max(links, 1.0),
        right / inside,
        reviews / made.customers.len() as f64,
        found / inside,
        absent_linked,
        links - right,
    ];
    println!(
        "seed {seed}: P {:.5} R {:.4} review {:.4} after {:.4} absent linked {} wrong {} ({:.2} + {:.2} s)",
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        prepared.as_secs_f64(),
        (start.elapsed() - prepared).as_secs_f64()
    );
    let mut lost: Vec<_> = lost.into_iter().collect();
    lost.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if show.is_some() {
        println!("lost: {:?}", &lost[..lost.len().min(30)]);
    }
    row
}

fn material(packs: &Path) -> Result<Material> {
    let folder = packs.join("jp/pack");
    let read = |name: &str| -> Result<Vec<csv::StringRecord>> {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut text = Vec::new();
        if name.ends_with(".gz") {
            flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut text)?;
        } else {
            text = bytes;
        }
        Ok(csv::Reader::from_reader(&*text).records().collect::<Result<_, _>>()?)
    };
    let number = |text: &str| text.parse().unwrap_or(0.0_f64);
    let municipalities: HashMap<String, (String, String)> = read("municipalities.csv")?
        .iter()
        .map(|row| (row[0].to_owned(), (row[2].to_owned(), row[3].to_owned())))
        .collect();
    let towns = read("towns.csv.gz")?;
    let mut codes: Vec<&str> = towns.iter().map(|row| &row[0]).collect();
    codes.sort_unstable();
    codes.dedup();
    // Towns of about 90 municipalities, spread over the country: what one institution's customers look like.
    let chosen: std::collections::HashSet<&str> = codes.iter().step_by(21).copied().collect();
    Ok(Material {
        surnames: read("surnames.csv")?
            .iter()
            .map(|row| (row[0].to_owned(), row[1].to_owned(), number(&row[2]).max(700.0).sqrt()))
            .collect(),
        given_names: read("given_names.csv.gz")?
            .iter()
            .map(|row| {
                (
                    row[0].chars().next().unwrap_or('M'),
                    row[1].to_owned(),
                    row[2].to_owned(),
                    number(&row[3]).clamp(0.2, 15.0),
                )
            })
            .collect(),
        towns: towns
            .iter()
            .filter(|row| {
                chosen.contains(&row[0]) && !row[2].is_empty() && !row[2].contains(['（', '(', '、', '〜'])
            })
            .filter_map(|row| {
                municipalities.get(&row[0]).map(|(prefecture, city)| {
                    (prefecture.clone(), city.clone(), row[2].to_owned(), &row[4] == "1")
                })
            })
            .collect(),
        mergers: read("municipality_merges.csv")?
            .iter()
            .map(|row| (row[0].to_owned(), row[1].to_owned(), row[2].to_owned()))
            .collect(),
    })
}
