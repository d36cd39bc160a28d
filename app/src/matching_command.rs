//! `musubi match`: who in the register are these customers? CSV in, CSV out.
//!
//! Columns are found by name, in any order; further columns are ignored.

mod portions;
mod register_file;
pub(crate) mod table;
mod western;

use crate::review_desk::DeskArgs;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use matching::{Attributes, Decision, Match, Places, Register, Settings};
use register_file::Ids;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use table::{Row, Table, write_file};
use world::Stopwatch;

/// `musubi match`: with files it matches, with a word it does what goes with it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct MatchCommand {
    /// What goes with matching.
    #[command(subcommand)]
    pub act: Option<MatchAct>,
    /// Matching itself.
    #[command(flatten)]
    pub files: Option<MatchArgs>,
}

/// What goes with matching.
#[derive(Debug, clap::Subcommand)]
pub enum MatchAct {
    /// A page for clerks who decide what --review left open: two records side by side, a second pair of eyes.
    Desk(DeskArgs),
}

/// Match customers of institutions against the resident register.
///
/// Answers: link (written to --out), review (written to --review), none (neither).
#[derive(Debug, clap::Args)]
pub struct MatchArgs {
    /// The register: person_id, name, birth_date, address; also kana, sex, tsusho (common name).
    #[arg(long, value_name = "CSV")]
    pub register: PathBuf,
    /// What the register keeps of the past: person_id, kind (former_surname or former_address), value, kana.
    #[arg(long, value_name = "CSV")]
    pub history: Option<PathBuf>,
    /// The customers: query_id, name, birth, address; also institution, kana, sex.
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
    /// Attributes to expect: Japanese ones, or those of English-speaking countries (given_name, surname,
    /// street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id).
    #[arg(long, value_enum, default_value_t = Profile::Japanese)]
    pub profile: Profile,
    /// Say nothing while working.
    #[arg(long)]
    pub quiet: bool,
}

/// Which attributes the files have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Name, kana, address, birth date, sex.
    Japanese,
    /// Given name, surname, street, suburb, postcode, state, birth date, number.
    Western,
}

/// Runs the command.
pub fn run(args: MatchArgs) -> Result<()> {
    if args.profile == Profile::Western {
        return western::run(&args);
    }
    let start = Stopwatch::start();
    let threads =
        args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |count| count.get()));
    let progress = progress(args.quiet);

    progress.set_message("reading former municipalities");
    let places = places(&packs_folder(&args), &progress)?;
    progress.set_message("reading the register");
    let mut register = Register::in_places(places);
    let ids = register_file::read(&args.register, args.history.as_deref(), &mut register, threads)?;
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
    // The process ends here: giving back the memory of a million residents one by one would take longer than
    // looking for a customer among them.
    std::mem::forget((register, decisions, customers.attributes));
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

fn no_id_twice(ids: &[String], path: &Path, column: &str) -> Result<()> {
    let mut sorted: Vec<&String> = ids.iter().collect();
    sorted.sort_unstable();
    if let Some([twice, _]) = sorted.array_windows().find(|[one, other]| one == other) {
        bail!("{}: {column} {twice} stands there twice; every row needs one of its own", path.display());
    }
    Ok(())
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
    while let Some(row) = table.next()? {
        let id = row.required("query_id", path)?;
        let next = numbers.len() as u64;
        let institution = *numbers.entry(row.field("institution").to_owned()).or_insert(next);
        customers.ids.push(id);
        customers.attributes.push(attributes(&row, "birth"));
        customers.institutions.push(institution);
    }
    no_id_twice(&customers.ids, path, "query_id")?;
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
    ids: &Ids,
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
    ids: &Ids,
    found: &Match,
    doubt: &str,
) -> Result<()> {
    let person = usize::try_from(found.resident)
        .ok()
        .and_then(|index| ids.get(index))
        .context("a resident without an id")?;
    let why = if doubt.is_empty() { found.why.clone() } else { format!("{doubt} {}", found.why) };
    out.write_record([query_id, person, &format!("{:.1}", found.score), &why])?;
    Ok(())
}

fn attributes(row: &Row<'_>, birth: &str) -> Attributes {
    Attributes {
        name: row.field("name").to_owned(),
        kana: row.optional("kana"),
        address: row.field("address").to_owned(),
        birth: row.field(birth).to_owned(),
        sex: row.field("sex").to_owned(),
    }
}
