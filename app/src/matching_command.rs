//! `musubi match`: who in the register are these customers? CSV in, CSV out.
//!
//! Columns are found by name, in any order; further columns are ignored.

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use matching::{Attributes, Decision, History, Match, Places, Register, Settings};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use world::Stopwatch;

/// Match customers of institutions against the resident register.
///
/// Answers: link (written to --out), review (written to --review), none (neither).
#[derive(Debug, clap::Args)]
pub struct MatchArgs {
    /// The register: person_id, name, birth_date, address; also kana, sex, tsusho (common name), postal.
    #[arg(long, value_name = "CSV")]
    pub register: PathBuf,
    /// What the register keeps of the past: person_id, kind (former_surname or former_address), value, kana.
    #[arg(long, value_name = "CSV")]
    pub history: Option<PathBuf>,
    /// The customers: query_id, name, birth, address; also institution, kana, sex, postal.
    #[arg(long, value_name = "CSV")]
    pub queries: PathBuf,
    /// Certain links: query_id, person_id, score (bits of evidence), why.
    #[arg(long, value_name = "CSV")]
    pub out: PathBuf,
    /// What a clerk must look at: one row per possible resident, same columns as --out.
    #[arg(long, value_name = "CSV")]
    pub review: Option<PathBuf>,
    /// Counts, shares and times of this run as JSON.
    #[arg(long, value_name = "JSON")]
    pub json: Option<PathBuf>,
    /// Folder with jp/pack/municipality_merges.csv (former municipalities); by default the folder named by the
    /// environment variable MUSUBI_PACKS, else ../shared.
    #[arg(long, value_name = "DIR")]
    pub packs: Option<PathBuf>,
    /// Threads to use; by default all of the machine. The result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Say nothing while working.
    #[arg(long)]
    pub quiet: bool,
}

/// Runs the command.
pub fn run(args: MatchArgs) -> Result<()> {
    let start = Stopwatch::start();
    let threads =
        args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |count| count.get()));
    let progress = progress(args.quiet);

    progress.set_message("reading former municipalities");
    let places = places(&packs_folder(&args), &progress)?;
    progress.set_message("reading the register");
    let history = match &args.history {
        Some(path) => read_history(path)?,
        None => HashMap::new(),
    };
    let (ids, residents) = read_register(&args.register, history)?;
    progress.set_message(format!("normalising {} residents", ids.len()));
    let mut register = Register::in_places(places);
    register
        .extend((0..).zip(residents).map(|(index, (attributes, past))| (index, attributes, past)), threads);
    progress.set_message("reading the customers");
    let customers = read_customers(&args.queries)?;
    let prepared = start.elapsed();
    progress.set_message(format!("matching {} customers", customers.ids.len()));
    let decisions = register.decide_all(
        &customers.attributes,
        &customers.institutions,
        Settings { threads, learn: true },
    );
    let matched = start.elapsed();

    progress.set_message("writing");
    let counts = write_decisions(&args, &ids, &customers.ids, &decisions)?;
    if let Some(path) = &args.json {
        let share = |count: usize| count as f64 / customers.ids.len().max(1) as f64;
        let report = serde_json::json!({
            "residents": ids.len(),
            "queries": customers.ids.len(),
            "links": counts.links,
            "review_queries": counts.reviews,
            "review_candidates": counts.candidates,
            "none": counts.none,
            "link_share": share(counts.links),
            "review_share": share(counts.reviews),
            "review_reasons": counts.reasons,
            "seconds": { "prepare": prepared.as_secs_f64(), "match": (matched - prepared).as_secs_f64(), "all": start.elapsed().as_secs_f64() },
            "threads": threads,
        });
        write_file(path, &serde_json::to_vec_pretty(&report)?)?;
    }
    progress.finish_and_clear();
    if !args.quiet {
        eprintln!(
            "{} customers against {} residents: {} linked, {} for review, {} not found ({:.1} s)",
            customers.ids.len(),
            ids.len(),
            counts.links,
            counts.reviews,
            counts.none,
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn progress(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

fn packs_folder(args: &MatchArgs) -> PathBuf {
    let from_environment = || std::env::var_os("MUSUBI_PACKS").map(PathBuf::from);
    args.packs.clone().or_else(from_environment).unwrap_or_else(|| PathBuf::from("../shared"))
}

/// Former municipalities; without the file former names are matched by the town alone, and the user is told.
fn places(packs: &Path, progress: &ProgressBar) -> Result<Places> {
    let mut places = Places::default();
    let path = packs.join("jp/pack/municipality_merges.csv");
    if !path.exists() {
        progress.println(format!(
            "note: {} is not there; former municipalities will not be recognised (give the folder with --packs)",
            path.display()
        ));
        return Ok(places);
    }
    let mut table = Table::open(&path, &["pref", "old", "new"])?;
    while let Some(row) = table.next()? {
        places.add_merger(row.field("pref"), row.field("old"), row.field("new"));
    }
    Ok(places)
}

fn read_history(path: &Path) -> Result<HashMap<String, History>> {
    let mut table = Table::open(path, &["person_id", "kind", "value"])?;
    let mut history: HashMap<String, History> = HashMap::new();
    while let Some(row) = table.next()? {
        let past = history.entry(row.field("person_id").to_owned()).or_default();
        let value = row.field("value").to_owned();
        match row.field("kind") {
            "former_surname" => past.surnames.push((value, row.optional("kana"))),
            "former_name" => past.names.push((value, row.optional("kana"))),
            "former_address" => past.addresses.push(value),
            other => bail!(
                "{}, line {}: kind is '{other}'; write former_surname, former_name or former_address",
                path.display(),
                row.line
            ),
        }
    }
    Ok(history)
}

type Resident = (Attributes, History);

fn read_register(path: &Path, mut history: HashMap<String, History>) -> Result<(Vec<String>, Vec<Resident>)> {
    let mut table = Table::open(path, &["person_id", "name", "birth_date", "address"])?;
    let (mut ids, mut residents) = (Vec::new(), Vec::new());
    let mut lines: HashMap<String, u64> = HashMap::new();
    while let Some(row) = table.next()? {
        let id = row.required("person_id", path)?;
        if let Some(first) = lines.insert(id.clone(), row.line) {
            bail!(
                "{}, line {}: person_id {id} stands already in line {first}; every resident needs an id of their own",
                path.display(),
                row.line
            );
        }
        let mut past = history.remove(&id).unwrap_or_default();
        if let Some(common) = row.optional("tsusho") {
            past.names.push((common, None));
        }
        residents.push((row.attributes("birth_date"), past));
        ids.push(id);
    }
    if let Some(stranger) = history.keys().min() {
        bail!(
            "the history names person_id {stranger}, who is not in {}; do the two files belong together?",
            path.display()
        );
    }
    Ok((ids, residents))
}

struct Customers {
    ids: Vec<String>,
    attributes: Vec<Attributes>,
    institutions: Vec<u64>,
}

fn read_customers(path: &Path) -> Result<Customers> {
    let mut table = Table::open(path, &["query_id", "name", "birth", "address"])?;
    let mut customers = Customers { ids: Vec::new(), attributes: Vec::new(), institutions: Vec::new() };
    let mut numbers: HashMap<String, u64> = HashMap::new();
    let mut lines: HashMap<String, u64> = HashMap::new();
    while let Some(row) = table.next()? {
        let id = row.required("query_id", path)?;
        if let Some(first) = lines.insert(id.clone(), row.line) {
            bail!(
                "{}, line {}: query_id {id} stands already in line {first}; every query needs an id of its own",
                path.display(),
                row.line
            );
        }
        let next = numbers.len() as u64;
        let institution = *numbers.entry(row.field("institution").to_owned()).or_insert(next);
        customers.ids.push(id);
        customers.attributes.push(row.attributes("birth"));
        customers.institutions.push(institution);
    }
    Ok(customers)
}

#[derive(Default)]
struct Counts {
    links: usize,
    reviews: usize,
    candidates: usize,
    none: usize,
    reasons: BTreeMap<String, usize>,
}

fn write_decisions(
    args: &MatchArgs,
    ids: &[String],
    query_ids: &[String],
    decisions: &[Decision],
) -> Result<Counts> {
    const HEADER: [&str; 4] = ["query_id", "person_id", "score", "why"];
    let mut counts = Counts::default();
    let mut links = csv::Writer::from_writer(Vec::new());
    let mut review = csv::Writer::from_writer(Vec::new());
    links.write_record(HEADER)?;
    review.write_record(HEADER)?;
    for (query_id, decision) in query_ids.iter().zip(decisions) {
        match decision {
            Decision::Link(found) => {
                counts.links += 1;
                write_row(&mut links, query_id, ids, found, "")?;
            }
            Decision::Review(candidates, doubt) => {
                counts.reviews += 1;
                counts.candidates += candidates.len();
                *counts.reasons.entry(doubt.clone()).or_default() += 1;
                for candidate in candidates {
                    write_row(&mut review, query_id, ids, candidate, doubt)?;
                }
            }
            Decision::None => counts.none += 1,
        }
    }
    write_file(&args.out, &links.into_inner().context("writing the links")?)?;
    if let Some(path) = &args.review {
        write_file(path, &review.into_inner().context("writing the reviews")?)?;
    }
    Ok(counts)
}

fn write_row(
    out: &mut csv::Writer<Vec<u8>>,
    query_id: &str,
    ids: &[String],
    found: &Match,
    doubt: &str,
) -> Result<()> {
    let person = usize::try_from(found.resident)
        .ok()
        .and_then(|index| ids.get(index))
        .context("a resident without an id")?;
    let why = if doubt.is_empty() { found.why.clone() } else { format!("{doubt} {}", found.why) };
    out.write_record([query_id, person.as_str(), &format!("{:.1}", found.score), &why])?;
    Ok(())
}

/// Writes beside the file and renames, so that nobody ever reads half a result.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().context("the output needs a file name")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, bytes)
        .with_context(|| format!("cannot write {}; does the folder exist?", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot rename {} to {}", part.display(), path.display()))
}

/// A CSV file whose columns are found by name.
struct Table {
    path: PathBuf,
    reader: csv::Reader<fs::File>,
    columns: HashMap<String, usize>,
    record: csv::StringRecord,
}

struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    record: &'a csv::StringRecord,
    line: u64,
}

impl Table {
    fn open(path: &Path, needed: &[&str]) -> Result<Table> {
        let file = fs::File::open(path).with_context(|| {
            format!("cannot open {}; check the path and that you may read it", path.display())
        })?;
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(file);
        let header = reader.headers().map_err(|error| explain(path, &error))?.clone();
        let columns: HashMap<String, usize> = header
            .iter()
            .enumerate()
            .map(|(place, name)| (name.trim().trim_start_matches('\u{feff}').to_owned(), place))
            .collect();
        for name in needed {
            if !columns.contains_key(*name) {
                bail!(
                    "{}, line 1: the column '{name}' is missing (found: {}); name the columns in the first line",
                    path.display(),
                    header.iter().collect::<Vec<_>>().join(", ")
                );
            }
        }
        Ok(Table { path: path.to_owned(), reader, columns, record: csv::StringRecord::new() })
    }

    fn next(&mut self) -> Result<Option<Row<'_>>> {
        let more = self.reader.read_record(&mut self.record).map_err(|error| explain(&self.path, &error))?;
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(more.then_some(Row { columns: &self.columns, record: &self.record, line }))
    }
}

impl Row<'_> {
    /// Text of a column; empty when the file does not have it.
    fn field(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|place| self.record.get(*place)).unwrap_or("")
    }

    fn optional(&self, column: &str) -> Option<String> {
        let text = self.field(column);
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn required(&self, column: &str, path: &Path) -> Result<String> {
        self.optional(column).with_context(|| {
            format!("{}, line {}: {column} is empty; give every row one", path.display(), self.line)
        })
    }

    fn attributes(&self, birth: &str) -> Attributes {
        Attributes {
            name: self.field("name").to_owned(),
            kana: self.optional("kana"),
            address: self.field("address").to_owned(),
            birth: self.field(birth).to_owned(),
            sex: self.field("sex").to_owned(),
        }
    }
}

/// What is wrong with a file, where, and what to do.
fn explain(path: &Path, error: &csv::Error) -> anyhow::Error {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the file as UTF-8 (Shift_JIS is not read)".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!(
                "{len} fields where the first line has {expected_len}; put fields that contain commas in quotes"
            )
        }
        _ => error.to_string(),
    };
    anyhow::anyhow!("{}, line {line}: {what}", path.display())
}
