//! Files of the bench: the data pack, FEBRL, exercises as CSV.

use anyhow::{Context, Result};
use matching::exercise::{Exercise, Material};
use matching::western::Record;
use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::path::Path;

/// Towns of every n-th municipality of the country: customers come from many places, but not from all.
const EVERY: usize = 21;

/// The lists of the data pack (`PACKS/jp/pack`).
pub fn material(packs: &Path) -> Result<Material> {
    let folder = packs.join("jp/pack");
    let rows = |name: &str| rows(&folder.join(name));
    let text = |row: &csv::StringRecord, place: usize| row.get(place).unwrap_or("").to_owned();
    let number = |row: &csv::StringRecord, place: usize| {
        row.get(place).and_then(|text| text.parse().ok()).unwrap_or(0.0_f64)
    };
    let municipalities: HashMap<String, (String, String)> =
        rows("municipalities.csv")?.iter().map(|row| (text(row, 0), (text(row, 2), text(row, 3)))).collect();
    let towns = rows("towns.csv.gz")?;
    let codes: BTreeSet<&str> = towns.iter().filter_map(|row| row.get(0)).collect();
    let chosen: BTreeSet<&str> = codes.into_iter().step_by(EVERY).collect();
    let plain = |town: &str| !town.is_empty() && !town.contains(['（', '(', '、', '〜']);
    Ok(Material {
        // The square root flattens the peak: an exercise of Satō and Suzuki alone would be easy to read.
        surnames: rows("surnames.csv")?
            .iter()
            .map(|row| (text(row, 0), text(row, 1), number(row, 2).max(700.0).sqrt()))
            .collect(),
        given_names: rows("given_names.csv.gz")?
            .iter()
            .map(|row| {
                (
                    row.get(0).and_then(|sex| sex.chars().next()).unwrap_or('M'),
                    text(row, 1),
                    text(row, 2),
                    number(row, 3).clamp(0.2, 15.0),
                )
            })
            .collect(),
        towns: towns
            .iter()
            .filter(|row| {
                row.get(0).is_some_and(|code| chosen.contains(code)) && row.get(2).is_some_and(plain)
            })
            .filter_map(|row| {
                let (prefecture, city) = municipalities.get(row.get(0)?)?;
                Some((prefecture.clone(), city.clone(), text(row, 2), row.get(4) == Some("1")))
            })
            .collect(),
        mergers: rows("municipality_merges.csv")?
            .iter()
            .map(|row| (text(row, 0), text(row, 1), text(row, 2)))
            .collect(),
    })
}

fn rows(path: &Path) -> Result<Vec<csv::StringRecord>> {
    let mut bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        // The pack's files have several gzip members.
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut text)?;
        bytes = text;
    }
    csv::Reader::from_reader(&*bytes)
        .records()
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot parse {}", path.display()))
}

/// One FEBRL file: the number of the person behind each record, and the records.
pub fn febrl(path: &Path) -> Result<(Vec<String>, Vec<Record>)> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let (mut ids, mut records) = (Vec::new(), Vec::new());
    for row in reader.records() {
        let row = row?;
        let field = |place: usize| row.get(place).unwrap_or("").to_owned();
        ids.push(field(0).split('-').nth(1).unwrap_or("").to_owned());
        records.push(Record {
            given_name: field(1),
            surname: field(2),
            street_number: field(3),
            street: field(4),
            locality: field(5),
            suburb: field(6),
            postcode: field(7),
            state: field(8),
            birth: field(9),
            number: field(10),
        });
    }
    Ok((ids, records))
}

/// Writes `register.csv`, `register_history.csv`, `queries.csv` and `truth.csv`.
pub fn write_exercise(made: &Exercise, folder: &Path) -> Result<()> {
    let writer = |name: &str| {
        csv::Writer::from_path(folder.join(name))
            .with_context(|| format!("cannot write {name} in {}", folder.display()))
    };
    let mut register = writer("register.csv")?;
    let mut history = writer("register_history.csv")?;
    register.write_record(["person_id", "name", "kana", "sex", "birth_date", "address", "tsusho"])?;
    history.write_record(["person_id", "kind", "value", "kana"])?;
    for (index, (attributes, past)) in made.residents.iter().enumerate() {
        let id = format!("P{index}");
        let common = past.names.first().map_or("", |(name, _)| name);
        let kana = attributes.kana.as_deref().unwrap_or("");
        register.write_record([
            &id,
            &attributes.name,
            kana,
            &attributes.sex,
            &attributes.birth,
            &attributes.address,
            common,
        ])?;
        for (surname, kana) in &past.surnames {
            history.write_record([&id, "former_surname", surname, kana.as_deref().unwrap_or("")])?;
        }
        for address in &past.addresses {
            history.write_record([&id, "former_address", address, ""])?;
        }
    }
    let mut queries = writer("queries.csv")?;
    let mut truth = writer("truth.csv")?;
    queries.write_record(["query_id", "institution", "name", "kana", "sex", "birth", "address"])?;
    truth.write_record(["query_id", "person_id", "kind", "ops", "hard"])?;
    for (index, customer) in made.customers.iter().enumerate() {
        let id = format!("Q{index}");
        let own = &customer.attributes;
        queries.write_record([
            &id,
            &format!("I{:02}", customer.institution),
            &own.name,
            own.kana.as_deref().unwrap_or(""),
            &own.sex,
            &own.birth,
            &own.address,
        ])?;
        let person = customer.truth.map(|index| format!("P{index}")).unwrap_or_default();
        let kind = if customer.truth.is_some() { "in" } else { "absent" };
        truth.write_record([&id, &person, kind, &customer.defects.join("+"), ""])?;
    }
    register.flush()?;
    history.flush()?;
    queries.flush()?;
    truth.flush()?;
    Ok(())
}
