//! What the desk is given: the review file and, of customers and register, what belongs to it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::store::{Attributes, Candidate, Case, Given, Past, Resident};
use crate::matching_command::table::{Row, Table};

/// The files of one run of `musubi match`.
pub(super) struct Files<'a> {
    pub(super) register: &'a Path,
    pub(super) history: Option<&'a PathBuf>,
    pub(super) queries: &'a Path,
    pub(super) review: &'a Path,
    pub(super) links: Option<&'a PathBuf>,
}

/// Reads them; whatever does not fit together is an error with file and line.
pub(super) fn read(files: &Files<'_>) -> Result<Given> {
    let (mut cases, lines) = read_review(files.review)?;
    let institutions = read_queries(files, &mut cases, &lines)?;
    let mut needed: HashSet<&str> = HashSet::new();
    needed
        .extend(cases.iter().flat_map(|case| &case.candidates).map(|candidate| candidate.person_id.as_str()));
    let mut residents = read_register(files.register, &needed)?;
    if let Some(stranger) = needed.iter().filter(|person| !residents.contains_key(**person)).min() {
        bail!(
            "{} names person_id {stranger}, who is not in {}; do the files belong together?",
            files.review.display(),
            files.register.display()
        );
    }
    if let Some(path) = files.history {
        read_history(path, &mut residents)?;
    }
    let links = match files.links {
        Some(path) => read_links(path, &institutions)?,
        None => Vec::new(),
    };
    let mut residents: Vec<Resident> = residents.into_values().collect();
    residents.sort_by(|one, other| one.person_id.cmp(&other.person_id));
    Ok(Given { cases, residents, links })
}

/// Cases in the order of the file, and the line on which each begins; customers still without attributes.
fn read_review(path: &Path) -> Result<(Vec<Case>, Vec<u64>)> {
    let mut table = Table::open(path, &["query_id", "person_id", "score", "why"])?;
    let (mut cases, mut lines): (Vec<Case>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut places: HashMap<String, usize> = HashMap::new();
    while let Some(row) = table.next()? {
        let query_id = row.required("query_id", path)?;
        let candidate = Candidate {
            person_id: row.required("person_id", path)?,
            score: row.field("score").to_owned(),
            why: row.field("why").to_owned(),
        };
        let place = *places.entry(query_id.clone()).or_insert_with(|| {
            let (institution, customer) = (String::new(), Attributes::default());
            cases.push(Case { query_id, institution, customer, candidates: Vec::new() });
            lines.push(row.line);
            cases.len() - 1
        });
        let Some(case) = cases.get_mut(place) else { continue };
        if case.candidates.iter().any(|known| known.person_id == candidate.person_id) {
            bail!(
                "{}, line {}: the customer has this person_id as a candidate already; each stands once",
                path.display(),
                row.line
            );
        }
        case.candidates.push(candidate);
    }
    Ok((cases, lines))
}

/// Gives the cases their customers; also every customer's institution.
fn read_queries(files: &Files<'_>, cases: &mut [Case], lines: &[u64]) -> Result<HashMap<String, String>> {
    let mut table = Table::open(files.queries, &["query_id", "name", "birth", "address"])?;
    let places: HashMap<String, usize> =
        cases.iter().enumerate().map(|(place, case)| (case.query_id.clone(), place)).collect();
    let mut institutions = HashMap::new();
    while let Some(row) = table.next()? {
        let query_id = row.required("query_id", files.queries)?;
        let institution = row.field("institution").to_owned();
        if let Some(case) = places.get(&query_id).and_then(|place| cases.get_mut(*place)) {
            case.customer = attributes(&row, "birth");
            case.institution.clone_from(&institution);
        }
        if institutions.insert(query_id, institution).is_some() {
            bail!("{}, line {}: this query_id stands there twice", files.queries.display(), row.line);
        }
    }
    let missing = cases.iter().zip(lines).find(|(case, _)| !institutions.contains_key(&case.query_id));
    if let Some((case, line)) = missing {
        bail!(
            "{}, line {line}: query_id {} is not in {}; do the files belong together?",
            files.review.display(),
            case.query_id,
            files.queries.display()
        );
    }
    Ok(institutions)
}

fn read_register(path: &Path, needed: &HashSet<&str>) -> Result<HashMap<String, Resident>> {
    let mut table = Table::open(path, &["person_id", "name", "birth_date", "address"])?;
    let mut residents = HashMap::with_capacity(needed.len());
    while let Some(row) = table.next()? {
        let person_id = row.field("person_id");
        if needed.contains(person_id) {
            let resident = Resident {
                person_id: person_id.to_owned(),
                attributes: attributes(&row, "birth_date"),
                tsusho: row.field("tsusho").to_owned(),
                past: Vec::new(),
            };
            residents.insert(person_id.to_owned(), resident);
        }
    }
    Ok(residents)
}

fn read_history(path: &Path, residents: &mut HashMap<String, Resident>) -> Result<()> {
    let mut table = Table::open(path, &["person_id", "kind", "value"])?;
    while let Some(row) = table.next()? {
        if let Some(resident) = residents.get_mut(row.field("person_id")) {
            resident.past.push(Past {
                kind: row.field("kind").to_owned(),
                value: row.field("value").to_owned(),
                kana: row.field("kana").to_owned(),
            });
        }
    }
    Ok(())
}

fn read_links(path: &Path, institutions: &HashMap<String, String>) -> Result<Vec<(String, String, String)>> {
    let mut table = Table::open(path, &["query_id", "person_id"])?;
    let mut links = Vec::new();
    while let Some(row) = table.next()? {
        let query_id = row.required("query_id", path)?;
        let institution = institutions.get(&query_id).with_context(|| {
            format!("{}, line {}: this query_id is not among the customers", path.display(), row.line)
        })?;
        links.push((institution.clone(), row.required("person_id", path)?, query_id));
    }
    Ok(links)
}

fn attributes(row: &Row<'_>, birth: &str) -> Attributes {
    let text = |column: &str| row.field(column).trim().to_owned();
    Attributes {
        name: text("name"),
        kana: text("kana"),
        sex: text("sex"),
        birth: text(birth),
        address: text("address"),
    }
}
