//! Runs with faults put in: the demo's country with every room in a process of its own, clerks who go on asking, one fault a
//! round, and after each what must hold whatever happened. `cargo xtask faults`; described in `docs/faults.md`.

mod asking;
mod country;
mod disk;
mod invariants;
mod kinds;
mod power;
mod proxy;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use demo::Expected;
use rand::{SeedableRng, rngs::ChaCha20Rng};
use words::ActId;
use world::{Stopwatch, World};

use asking::{Askers, Clerks, Told, as_planned, ask, clerks};
use country::Country;
use invariants::{Around, Checkpoints, short};
use kinds::Kind;

#[derive(Parser)]
#[command(
    about = "Runs with faults put in; the last line counts the rounds, and the reckoning after the last as one more"
)]
struct Arguments {
    /// What every draw follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many rounds.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Only this kind of fault; may be given several times.
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// How long oversight stays away, seconds.
    #[arg(long, default_value_t = 75)]
    away: u64,
    /// Residents of the country.
    #[arg(long, default_value_t = 120)]
    residents: u32,
    /// The program whose rooms are run; beside this one if left out.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Clerks asking at once.
const ASKERS: u64 = 5;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("faults: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&arguments)) {
        Ok((passed, failed)) => {
            println!("{passed} passed, {failed} failed");
            if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("faults: {error:#}");
            println!("0 passed, 1 failed");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(u32, u32)> {
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => {
            let own = std::env::current_exe()?;
            own.parent().and_then(std::path::Path::parent).context("where this program lies")?.join("musubi")
        }
    };
    let mut dice = ChaCha20Rng::seed_from_u64(arguments.seed);
    let watch = Stopwatch::start();
    let mut country = Country::build(program, arguments.residents, arguments.seed).await?;
    let clerks = clerks(&country)?;
    ensure!(clerks.len() >= 2, "several institutions must ask");
    let kinds = if arguments.kind.is_empty() { Kind::value_variants() } else { &arguments.kind };
    let (told, checkpoints) = (Told::default(), Checkpoints::default());
    let looking = checkpoints.watch(&country);
    heal(&country, &clerks, None, Duration::from_secs(60)).await.context("before the first fault")?;
    println!("{} rooms up and asking after {:.1} s", country.rooms().len(), watch.elapsed().as_secs_f64());

    let (mut passed, mut failed) = (0, 0);
    for round in 1..=arguments.rounds {
        // Each kind in turn, from a place that the seed says: a run as long as the list has all of them.
        let turn = usize::try_from(arguments.seed.wrapping_add(u64::from(round)))? % kinds.len();
        let kind = *kinds.get(turn).context("a kind")?;
        let mut one =
            Round { number: round, kind, arguments, clerks: &clerks, told: &told, checkpoints: &checkpoints };
        match one.play(&mut country, &mut dice).await {
            Ok(faults) if faults.is_empty() => passed += 1,
            Ok(faults) => {
                failed += 1;
                for fault in faults.iter().take(12) {
                    println!("    ! {fault}");
                }
                println!("    ! {} in all", faults.len());
            }
            Err(error) => {
                failed += 1;
                println!("    ! round {round}, {kind:?}: {error:#}");
                println!("    the country is not what it was; the run ends here");
                break;
            }
        }
    }
    if passed > 0 && failed == 0 {
        let mut faults = Vec::new();
        invariants::at_end(&country, &told.since(0), &mut faults).await?;
        faults.iter().take(12).for_each(|fault| println!("    ! {fault}"));
        match faults.is_empty() {
            true => passed += 1,
            false => failed += 1,
        }
    }
    looking.abort();
    Ok((passed, failed))
}

/// One round.
struct Round<'a> {
    number: u32,
    kind: Kind,
    arguments: &'a Arguments,
    clerks: &'a Clerks,
    told: &'a Told,
    checkpoints: &'a Checkpoints,
}

impl Round<'_> {
    /// Does the fault, waits until all is well, judges. Gives what does not hold.
    async fn play(&mut self, country: &mut Country, dice: &mut ChaCha20Rng) -> Result<Vec<String>> {
        let (from, begun) = (self.told.len(), World::real().now());
        let seed = self.arguments.seed.wrapping_mul(10_000).wrapping_add(u64::from(self.number));
        let askers =
            Askers::start(country, self.clerks, self.told, ASKERS, seed, self.kind == Kind::Duplicate);
        tokio::time::sleep(Duration::from_millis(600)).await;
        let away = Duration::from_secs(self.arguments.away);
        let around = Around { told: self.told, checkpoints: self.checkpoints, away };
        let mut done = self.kind.act(country, dice, &around).await?;
        let healed = heal(country, self.clerks, Some(&done.victim), self.kind.heals_within()).await;
        askers.stop().await?;
        let calls = self.told.since(from);
        let mut faults = invariants::calls(&calls, &country.inquiries, &done, begun);
        faults.append(&mut done.faults);
        let healed_ms = match healed {
            Ok(time) => time.as_millis(),
            Err(error) => {
                faults.push(format!("{error:#}"));
                0
            }
        };
        faults.extend(invariants::records(country, &self.told.since(0))?);
        let held = self.checkpoints.verify(country, &mut faults).await?;
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for call in &calls {
            *ends.entry(short(&call.end)).or_default() += 1;
        }
        let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{end} {count}")).collect();
        let slowest = calls.iter().map(|call| call.took_ms).max().unwrap_or(0);
        println!(
            "{:>3} {:<15} {:<12} {} ({:.1} s); well again after {:.1} s; {}; slowest {slowest} ms; {held} checkpoints",
            self.number,
            self.kind.to_possible_value().map(|kind| kind.get_name().to_owned()).unwrap_or_default(),
            done.victim,
            done.what,
            done.lasted_ms as f64 / 1000.0,
            healed_ms as f64 / 1000.0,
            ends.join(", "),
        );
        ensure!(healed_ms > 0, "not well again: {}", faults.join("; "));
        Ok(faults)
    }
}

/// Waits until every room says that all is well and inquiries give the right person's right content again: one by each
/// institution that asks, and one to the victim.
async fn heal(
    country: &Country,
    clerks: &Clerks,
    victim: Option<&str>,
    within: Duration,
) -> Result<Duration> {
    let watch = Stopwatch::start();
    let answered = |inquiry: &&demo::PlannedInquiry| matches!(inquiry.expected, Expected::Answered { .. });
    let mut probes: Vec<_> = clerks
        .keys()
        .filter_map(|id| country.inquiries.iter().filter(answered).find(|one| one.inquirer.as_str() == id))
        .collect();
    probes
        .extend(country.inquiries.iter().filter(answered).find(|one| Some(one.provider.as_str()) == victim));
    let mut trouble;
    loop {
        trouble = String::new();
        if country.all_well().await {
            for inquiry in &probes {
                let clerk = clerks.get(inquiry.inquirer.as_str()).context("a clerk")?;
                let call = ask(clerk, ActId::new(World::real().random()), inquiry, false).await?;
                if !as_planned(inquiry, &call.end) {
                    trouble = format!(
                        "{} → {}: {}",
                        inquiry.inquirer.as_str(),
                        inquiry.provider.as_str(),
                        short(&call.end)
                    );
                    break;
                }
            }
            if trouble.is_empty() {
                return Ok(watch.elapsed());
            }
        } else {
            for id in country.rooms() {
                let health = country.health(&id).await;
                if health.as_ref().is_none_or(|health| !health.why.is_empty()) {
                    trouble = format!("{id}: {health:?}; {}", country.last_words(&id));
                }
            }
        }
        ensure!(
            watch.elapsed() < within,
            "not well {} s after the cause was gone: {trouble}",
            within.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
