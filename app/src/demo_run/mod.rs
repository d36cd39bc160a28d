//! The demo: builds a country in a folder, runs it, asks and answers, reports.

pub mod country;
mod families;
mod play;
mod report;
pub mod research;
mod stage;

pub use report::Report;
pub use stage::Stage;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use country::Folder;
use demo::{Customers, Institution, OwnService, Plan, Population, Truth, write_sources};
use indicatif::{ProgressBar, ProgressStyle};
use play::Player;
use protocol::desk::{COPY, CopyTaken, ISSUE, Issued};
use protocol::oversight::{ALARMS, AlarmLine, CASES, CaseLine};
use protocol::register::{
    ChangeKind, EnterResidents, Entered, NewResident, PORTAL_CODES, PortalCodes, RESIDENTS,
};
use report::{LedgerLine, latency};
use serde::{Deserialize, Serialize};
use wire::CallError;
use words::{Date, Moment, Scheme};
use world::{Stopwatch, World};

use crate::start_page::{self, Person};
use crate::verify_log::{Verified, VerifyLogArgs};
use crate::{ceremony, desk, verify_log};

/// The demo's options.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// How many residents.
    #[arg(long, default_value_t = 10_000)]
    pub residents: u32,
    /// The seed everything is made from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many inquiries; by default one for every ten residents.
    #[arg(long)]
    pub inquiries: Option<usize>,
    /// The folder; a run on a folder that is there goes on with its country.
    #[arg(long, default_value = "demo-run", value_name = "DIR")]
    pub data: PathBuf,
    /// End after the report instead of staying up.
    #[arg(long)]
    pub once: bool,
    /// Every room in its own process.
    #[arg(long)]
    pub processes: bool,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Keep the rooms' data in PostgreSQL (postgres://…), a schema for each room, instead of SQLite files.
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// Have every room send traces of its acts to this collector (OTLP/HTTP), e.g. http://127.0.0.1:4318.
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,
    /// By which scheme institutions have their codes: 1 the number itself (with --lab), 2 reversible encryption, 3 table,
    /// 4 table with one of two, 5 one code, 6 blind.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=6), value_name = "N")]
    pub scheme: u8,
    /// This is a laboratory: scheme 1 may run.
    #[arg(long)]
    pub lab: bool,
    /// How many replicas the trustee has: while one of them is there, inquiries are answered.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5), value_name = "N")]
    pub trustees: u8,
}

/// What a folder's first run settled.
#[derive(Serialize, Deserialize)]
struct Memory {
    residents: u32,
    seed: u64,
    /// Ports of the institutions' own services.
    services: BTreeMap<String, u16>,
    runs: u64,
}

const WITHIN: Duration = Duration::from_secs(120);
const RESIDENTS_AT_ONCE: usize = 1_000;

fn bar(length: usize, text: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("  {msg:<44} {bar:30} {pos}/{len}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX)).with_style(style).with_message(text)
}

fn say(text: &str) {
    eprintln!("  {text}");
}

/// A country that was built and runs, ready to be asked.
pub struct Ready {
    /// The folder.
    pub folder: Folder,
    /// The rooms.
    pub stage: Stage,
    /// What is true.
    pub truth: Truth,
    /// The institutions' own services; they end when dropped.
    pub services: Vec<OwnService>,
    customers: Customers,
    population: Population,
    report: Report,
    runs: u64,
    seed: u64,
}

/// Runs the demo.
pub async fn run(args: DemoArgs) -> Result<()> {
    let watch = Stopwatch::start();
    let ready = build(&args, &watch).await?;
    let (report, stage, _services) = ask_and_answer(ready, &args, &watch).await?;
    println!("{}", report.in_words());
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    if !args.once {
        let people = people(&args)?;
        let start = start_page::serve(&Folder { path: args.data.clone() }.config(), people).await?;
        println!("入口 / start page: http://{}/\n", start.address);
        stay(&args, &stage).await?;
        start.stop();
    }
    let clean = report.is_clean();
    stage.stop().await;
    if clean { Ok(()) } else { bail!("the run was not what was settled before it: see above") }
}

/// Makes the people and the files, or finds those of an earlier run.
fn prepare(args: &DemoArgs, folder: &Folder) -> Result<(Memory, Customers, Truth, Population)> {
    let memory: Option<Memory> = match std::fs::read(folder.memory()) {
        Ok(bytes) => Some(
            serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not the demo's", folder.memory().display()))?,
        ),
        Err(_) => None,
    };
    let other =
        memory.as_ref().filter(|memory| (memory.residents, memory.seed) != (args.residents, args.seed));
    if let Some(memory) = other {
        say(&format!(
            "the folder has a country of {} residents, seed {}: going on with it",
            memory.residents, memory.seed
        ));
    }
    let (residents, seed) =
        memory.as_ref().map_or((args.residents, args.seed), |memory| (memory.residents, memory.seed));
    let population = Population::generate(seed, residents);
    let customers = Customers::make(&population);
    let truth = Truth::about(&customers, &population);
    let memory = match memory {
        Some(memory) => memory,
        None => {
            let now = Moment(World::real().now());
            let choice = conversion::Choice { scheme: Scheme::of(args.scheme)?, lab: args.lab }.check()?;
            let services = country::write(folder, args, choice, now)?;
            write_sources(&customers, &folder.sources(), demo::Stage::AtIssue)?;
            truth.write(&folder.path.join("truth.json"))?;
            Memory { residents, seed, services, runs: 0 }
        }
    };
    Ok((memory, customers, truth, population))
}

/// Builds the country and starts it; returns when every institution has its codes.
pub async fn build(args: &DemoArgs, watch: &Stopwatch) -> Result<Ready> {
    let folder = Folder { path: args.data.clone() };
    say("住民と各機関のデータを用意しています / making residents and the institutions' own data");
    let (mut memory, customers, truth, population) = prepare(args, &folder)?;
    let mut services = Vec::new();
    for institution in Institution::ALL {
        let port = memory.services.get(institution.as_str()).copied().unwrap_or_default();
        services.extend(OwnService::start(institution, &folder.sources(), port).await?);
    }
    if !folder.path.join("country.json").exists() {
        ceremony::run(&folder.config(), None, Some((1, country::whitelist()?)), &World::real(), say).await?;
    }
    say("部屋を起動しています / starting the rooms");
    let stage = Stage::start(&folder, args.processes).await?;
    enter_residents(&stage, &population).await?;
    let issued = fetch_codes(&stage).await?;
    memory.runs += 1;
    std::fs::write(folder.memory(), serde_json::to_vec(&memory)?)?;
    let report = Report {
        residents: population.residents.len(),
        institutions: Institution::ALL.len(),
        codes_issued: issued.linked,
        in_review: issued.review,
        not_found: issued.none,
        processes: args.processes,
        ready_seconds: watch.elapsed().as_secs_f64(),
        ..Report::default()
    };
    Ok(Ready {
        folder,
        stage,
        truth,
        customers,
        population,
        services,
        report,
        runs: memory.runs,
        seed: memory.seed,
    })
}

fn called<T>(result: Result<T, CallError>) -> Result<T> {
    result.map_err(|error| anyhow!("{}", desk::in_words(&error)))
}

async fn enter_residents(stage: &Stage, population: &Population) -> Result<()> {
    let registrar = desk::client(stage.section("registry")?, "registrar")?;
    let progress = bar(population.residents.len(), "住民登録 / entering residents");
    for part in population.residents.chunks(RESIDENTS_AT_ONCE) {
        let resident = |resident: &demo::Resident| {
            let day = resident.since;
            Ok(NewResident {
                entry: format!("{:07}", resident.index),
                kind: ChangeKind::TransferIn,
                day: Date::new(i16::try_from(day.year)?, u8::try_from(day.month)?, u8::try_from(day.day)?)?,
                attributes: protocol::issue::Attributes {
                    name: resident.name(),
                    kana: Some(resident.kana()),
                    address: resident.address.official(),
                    birth: resident.birth.to_string(),
                    sex: if resident.sex == demo::Sex::Male { "M".into() } else { "F".into() },
                },
            })
        };
        let residents = part.iter().map(resident).collect::<Result<Vec<_>>>()?;
        called(registrar.post::<Entered>(RESIDENTS, &EnterResidents { residents }, WITHIN).await)?;
        progress.inc(u64::try_from(part.len())?);
    }
    progress.finish();
    say("本人の記録への道を用意しています / codes for each person's own records");
    let operator = desk::client(stage.section("registry")?, "operator")?;
    let mut tries = 0;
    loop {
        match operator.post::<PortalCodes>(PORTAL_CODES, &serde_json::json!({}), WITHIN).await {
            Ok(_) => return Ok(()),
            // The portal opens its session a moment after it starts.
            Err(error) if tries < 50 && error.reason() == words::Reason::UnknownSession => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return called(Err(error)),
        }
    }
}

async fn fetch_codes(stage: &Stage) -> Result<Issued> {
    // Who waits at the door is given no codes.
    let taking_part: Vec<_> = Institution::ALL.into_iter().filter(|one| one.takes_part()).collect();
    let progress = bar(taking_part.len(), "符号の発行 / issuing link codes");
    let mut under_way = tokio::task::JoinSet::new();
    for institution in taking_part {
        let operator = desk::client(stage.section(institution.as_str())?, "operator")?;
        under_way.spawn(async move { operator.post::<Issued>(ISSUE, &serde_json::json!({}), WITHIN).await });
    }
    let mut all = Issued::default();
    while let Some(issued) = under_way.join_next().await {
        let issued = called(issued?)?;
        if let Some(reason) = issued.reason {
            bail!("codes for {} customers could not be fetched: {}", issued.left, reason.in_english());
        }
        all.linked += issued.linked;
        all.review += issued.review;
        all.none += issued.none;
        progress.inc(1);
    }
    progress.finish();
    Ok(all)
}

/// Asks everything that is planned; the plan, with every outcome, is written before the first inquiry.
pub async fn ask_and_answer(
    ready: Ready,
    args: &DemoArgs,
    watch: &Stopwatch,
) -> Result<(Report, Stage, Vec<OwnService>)> {
    let Ready { folder, stage, truth, customers, population, services, mut report, runs, seed } = ready;
    let count = args.inquiries.unwrap_or(report.residents / 10).max(100);
    let plan = Plan::make(&truth, seed.wrapping_add(runs), count);
    plan.write(&folder.path.join("plan.json"))?;
    // Since the codes were issued, clerks have made slips in some birth dates.
    write_sources(&customers, &folder.sources(), demo::Stage::AfterSlips)?;
    services.iter().try_for_each(OwnService::reload)?;
    take_copies(&stage).await?;
    let (alarms, cases) = reports(&stage).await?;
    let progress = bar(plan.inquiries.len(), "照会 / inquiries");
    let played = Player::new(&folder, &stage, &truth)?.play(&plan, &progress).await?;
    progress.finish();
    let mismatches = played.not_answered.get("guard_mismatch").copied().unwrap_or(0);
    let (alarms, cases) =
        wait_for_reports(&stage, (alarms, cases), usize::try_from(mismatches).unwrap_or(0)).await?;
    report.inquiries = plan.inquiries.len();
    report.answered = played.answered;
    report.not_answered = played.not_answered;
    report.refused = played.refused;
    report.wrong_person = played.wrong_person;
    report.wrong_content = played.wrong_content;
    report.unexpected = played.unexpected + u32::try_from(alarms).unwrap_or(u32::MAX);
    report.surprises = played.surprises;
    report.kinds = played.kinds;
    report.reasons = report::reasons(&report.refused);
    report.families = played.families;
    report.alarms = alarms;
    report.cases = cases;
    match research::play(&stage.file, &population, runs.saturating_sub(1)).await {
        Ok(research) => {
            report.unexpected += u32::try_from(research.exposed).unwrap_or(u32::MAX);
            report.research = research;
        }
        Err(error) => {
            report.unexpected += 1;
            report.surprises.push(format!("research: {error:#}"));
        }
    }
    verify_ledgers(&folder, &stage, &mut report).await;
    report.latency_ms = latency(played.latencies);
    report.peak_rss_mb = stage.peak_rss() as f64 / 1e6;
    report.seconds = watch.elapsed().as_secs_f64();
    Ok((report, stage, services))
}

/// Institutions that answer from a copy take it now.
async fn take_copies(stage: &Stage) -> Result<()> {
    for section in &stage.file.sections {
        if section.settings.rest.contains_key("copy_every_ms") {
            let clerk = crate::desk::client(section, "clerk")?;
            let _: CopyTaken = clerk.post(COPY, &serde_json::json!({}), Duration::from_secs(60)).await?;
        }
    }
    Ok(())
}

/// Verifies every room's ledger from outside, as anybody can.
async fn verify_ledgers(folder: &Folder, stage: &Stage, report: &mut Report) {
    for section in &stage.file.sections {
        let id = section.settings.id.to_string();
        let args = VerifyLogArgs {
            source: id.clone(),
            country: None,
            config: Some(folder.config()),
            keep: None,
            json: false,
        };
        match verify_log::verify(&args).await {
            Ok(Verified { origin, size, verified, .. }) => {
                report.ledgers.push(LedgerLine { origin, size, verified });
            }
            Err(error) => {
                report.unexpected += 1;
                report.surprises.push(format!("the ledger of {id}: {error:#}"));
                report.ledgers.push(LedgerLine { origin: id, size: 0, verified: false });
            }
        }
    }
}

/// The residents one can be at the start page: those most asked about in the run first.
pub fn people(args: &DemoArgs) -> Result<Vec<Person>> {
    let folder = Folder { path: args.data.clone() };
    let memory: Memory = serde_json::from_slice(&std::fs::read(folder.memory())?)?;
    let population = Population::generate(memory.seed, memory.residents);
    let truth = Truth::about(&Customers::make(&population), &population);
    let plan: serde_json::Value = serde_json::from_slice(
        &std::fs::read(args.data.join("plan.json")).unwrap_or_else(|_| b"{}".to_vec()),
    )?;
    let mut asked: BTreeMap<u32, usize> = BTreeMap::new();
    let numbers: BTreeMap<(&str, &str), u32> = truth
        .rows
        .iter()
        .filter_map(|row| Some(((row.institution.as_str(), row.number.as_str()), row.resident?)))
        .collect();
    for inquiry in plan.get("inquiries").and_then(|all| all.as_array()).into_iter().flatten() {
        let text = |name: &str| inquiry.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        if let Some(resident) = numbers.get(&(text("inquirer"), text("number"))) {
            *asked.entry(*resident).or_default() += 1;
        }
    }
    let person = |resident: &demo::Resident| Person {
        entry: format!("{:07}", resident.index),
        name: resident.name(),
        kana: resident.kana(),
        birth: resident.birth.to_string(),
        asked: asked.get(&resident.index).copied().unwrap_or(0),
    };
    let mut people: Vec<Person> = population.residents.iter().map(person).collect();
    people.sort_by_key(|person| std::cmp::Reverse(person.asked));
    Ok(people)
}

/// How many alarms and cases oversight has.
async fn reports(stage: &Stage) -> Result<(usize, usize)> {
    let officer = desk::client(stage.section("oversight")?, "officer")?;
    let alarms = called(officer.get::<Vec<AlarmLine>>(ALARMS, WITHIN).await)?.len();
    let cases = called(officer.get::<Vec<CaseLine>>(CASES, WITHIN).await)?.len();
    Ok((alarms, cases))
}

/// Cases travel by outbox: waits a moment until they are there; gives what is new.
async fn wait_for_reports(
    stage: &Stage,
    before: (usize, usize),
    expected_cases: usize,
) -> Result<(usize, usize)> {
    let mut now = reports(stage).await?;
    for _ in 0..100 {
        if now.1 - before.1 >= expected_cases {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        now = reports(stage).await?;
    }
    Ok((now.0 - before.0, now.1 - before.1))
}

/// Stays up until Ctrl-C or a request to terminate, after saying what one can do.
async fn stay(args: &DemoArgs, stage: &Stage) -> Result<()> {
    let config = Folder { path: args.data.clone() }.config();
    let town = stage.section("town")?;
    let key = town.settings.base.join(&town.settings.common.keys).join("clerk.key");
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(args.data.join("plan.json"))?)?;
    let asked = plan.get("inquiries").and_then(|inquiries| inquiries.as_array()).into_iter().flatten();
    let mut answered = asked.filter(|inquiry| {
        let outcome = inquiry.pointer("/expected/outcome").and_then(|outcome| outcome.as_str());
        outcome == Some("answered")
            && inquiry.get("inquirer").and_then(|inquirer| inquirer.as_str()) == Some("town")
    });
    let number = answered.find_map(|inquiry| inquiry.get("number")?.as_str()).unwrap_or("…").to_owned();
    println!("起動したままです。終わるには Ctrl-C。 / The country stays up; Ctrl-C ends it.\n");
    println!(
        "  musubi inquire --config {} --institution town --customer {number} --affair child-allowance --item income --provider tax\n",
        config.display()
    );
    println!(
        "  curl -s http://{}/inquiries -H \"Authorization: Bearer $(cat {})\" -H 'Content-Type: application/json' \\\n    -d '{{\"customer\":\"{number}\",\"affair\":\"child-allowance\",\"item\":\"income\",\"provider\":\"tax\"}}'\n",
        town.settings.common.inner,
        key.display()
    );
    println!("  musubi oversight suspend --config {} --party town --reason \"…\"\n", config.display());
    let truth: serde_json::Value = serde_json::from_slice(&std::fs::read(args.data.join("truth.json"))?)?;
    let rows = truth.get("rows").and_then(|rows| rows.as_array()).into_iter().flatten();
    let person = rows.into_iter().find_map(|row| {
        let same = row.get("number")?.as_str()? == number && row.get("institution")?.as_str()? == "town";
        same.then(|| row.get("resident")?.as_u64()).flatten()
    });
    println!(
        "  musubi my-records --config {} --person {:07}\n  musubi audit reconcile --config {}\n  musubi verify-log linkage --config {}\n",
        config.display(),
        person.unwrap_or_default(),
        config.display(),
        config.display()
    );
    // Ended by a signal, it ends its rooms first, whichever signal it was.
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped.context("waiting for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
