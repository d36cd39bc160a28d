//! `musubi attack releases`: the same requests for releases, answered one by one and through the ledger, and attacked.

use std::path::PathBuf;

use anonymity::{
    Bounds, Further, Joint, Metric, Model, Problem, Settings, apply, evaluate, next_release, search,
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use world::CpuStopwatch;

use super::attacker::{Attacker, Found};
use super::config::Config;
use super::table;
use crate::card_command::said::say;
use crate::matching_command::table::write_file;

/// Releases of one table to several recipients who put them together: made one by one, then through the ledger.
#[derive(Debug, clap::Args)]
pub struct ReleasesArgs {
    /// Attributes, hierarchies, models and metric, as for `musubi anonymise`; k-anonymity among the models.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The table: a row for each person.
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// How many releases.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    pub releases: u64,
    /// Of a hundred people, how many each release asks for: any two have as many of one another's people in common.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub overlap: u64,
    /// Of a hundred people, how many have other data from one release to the next.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=100))]
    pub changes: u64,
    /// Whom each release asks for, and what changes, follow from this.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads to use.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// The figures as JSON.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
}

/// One request.
struct Request {
    problem: Problem,
    people: Vec<u32>,
}

/// What came of all requests on one of the two ways.
struct Way {
    found: Found,
    /// Loss of each release that was made, all attributes alike.
    losses: Vec<Option<f64>>,
    refused: u64,
    cpu_s: f64,
}

/// Runs the command.
pub fn run(args: &ReleasesArgs) -> Result<()> {
    let config = Config::read(&args.config)?;
    let loaded = table::read(&config, &args.input, &super::table::Way::File { memory: None })?;
    let bounds = bounds(&loaded.problem)?;
    let requests = requests(&loaded.problem, args);
    let settings = Settings { threads: args.threads, ..Settings::default() };
    let everybody = loaded.problem.rows();
    let alone = one_by_one(&requests, everybody, bounds, &settings)?;
    let together = through_the_ledger(&requests, everybody, bounds, &settings)?;
    let extra: Vec<f64> = alone
        .losses
        .iter()
        .zip(&together.losses)
        .filter_map(|(alone, together)| Some((*together)? - (*alone)?))
        .collect();
    let extra = (!extra.is_empty()).then(|| extra.iter().sum::<f64>() / extra.len() as f64);
    if let Some(path) = &args.json {
        let way = |way: &Way| json!({ "attack": way.found, "losses": way.losses, "refused": way.refused, "cpu_s": way.cpu_s });
        let told = json!({
            "people": everybody, "releases": args.releases, "overlap": args.overlap, "changes": args.changes,
            "seed": args.seed, "k": bounds.k, "l": bounds.l,
            "one_by_one": way(&alone), "through_the_ledger": way(&together), "extra_loss": extra,
        });
        write_file(path, &serde_json::to_vec_pretty(&told)?)?;
    }
    tell("一件ずつ作った場合", "one by one", &alone, bounds);
    tell("台帳を通した場合", "through the ledger", &together, bounds);
    if let Some(extra) = extra {
        say(
            &format!("台帳による損失の増加（平均） {extra:.4}"),
            &format!("extra loss through the ledger, mean: {extra:.4}"),
        );
    }
    let exposed = together.found.below_k + together.found.below_l;
    ensure!(
        exposed == 0,
        "台帳を通しても {exposed} 人が k または l に足りません。あってはならないことです。お知らせください / {exposed} people are below k or l through the ledger: this must never be; please report it"
    );
    Ok(())
}

fn tell(japanese: &str, english: &str, way: &Way, bounds: Bounds) {
    let Found { people, below_k, singled_out, below_l, value_known, linked_in_one_release } = way.found;
    let (Bounds { k, l }, refused) = (bounds, way.refused);
    say(
        &format!(
            "{japanese}: {people}人中、k={k}未満 {below_k}人（一人に特定 {singled_out}人）、l={l}未満 {below_l}人（値が判明 \
             {value_known}人）、単独の提供でk未満 {linked_in_one_release}人、拒否 {refused}件"
        ),
        &format!(
            "{english}: of {people} people, {below_k} below k = {k} ({singled_out} singled out), {below_l} below l = {l} \
             ({value_known} with their value known), {linked_in_one_release} below k in one release; {refused} refused"
        ),
    );
}

/// What the models ask of a class is asked of joint classes.
fn bounds(problem: &Problem) -> Result<Bounds> {
    let k = problem.models.iter().filter_map(|model| match model {
        Model::KAnonymity { k } => Some(*k),
        _ => None,
    });
    let l = problem.models.iter().filter_map(|model| match model {
        Model::DistinctDiversity { sensitive: 0, l } => Some(*l),
        _ => None,
    });
    let k =
        k.max().context("設定に k-anonymity がありません。[[model]] kind = \"k-anonymity\" を足してください / the configuration asks for no k-anonymity; add [[model]] kind = \"k-anonymity\"")?;
    Ok(Bounds { k, l: l.max().unwrap_or(1) })
}

/// The same people, some of them, whose data change a little; every recipient cares for another attribute.
fn requests(table: &Problem, args: &ReleasesArgs) -> Vec<Request> {
    let mut dice = Dice(args.seed);
    let mut now = table.clone();
    let everybody = now.rows() as u32;
    let mut requests = Vec::new();
    for release in 0..args.releases as usize {
        let people: Vec<u32> = (0..everybody).filter(|_| dice.below(100) < args.overlap).collect();
        let mut problem = now.clone();
        let of = |column: &Vec<u32>| {
            people.iter().filter_map(|person| column.get(*person as usize)).copied().collect()
        };
        let count = problem.attributes.len();
        for (place, own) in problem.attributes.iter_mut().enumerate() {
            own.column = of(&own.column);
            own.weight = if place % count == release % count { 4.0 } else { 1.0 };
        }
        problem.sensitive.iter_mut().for_each(|own| own.column = of(&own.column));
        requests.push(Request { problem, people });
        change(&mut now, args.changes, &mut dice);
    }
    requests
}

fn change(table: &mut Problem, percent: u64, dice: &mut Dice) {
    let everybody = table.rows() as u64;
    for _ in 0..everybody * percent / 100 {
        let (one, other) = (dice.below(everybody) as usize, dice.below(everybody) as usize);
        let columns = table.attributes.iter_mut().map(|own| &mut own.column);
        for column in columns.chain(table.sensitive.iter_mut().map(|own| &mut own.column)) {
            let taken = column.get(other).copied();
            if let (Some(value), Some(taken)) = (column.get_mut(one), taken) {
                *value = taken;
            }
        }
    }
}

fn one_by_one(requests: &[Request], people: usize, bounds: Bounds, settings: &Settings<'_>) -> Result<Way> {
    let cpu = CpuStopwatch::start();
    let mut attacker = Attacker::new(people);
    let (mut losses, mut refused) = (Vec::new(), 0);
    for Request { problem, people } in requests {
        let Some(best) = search(problem, settings)?.best else {
            refused += 1;
            losses.push(None);
            continue;
        };
        let applied = apply(problem, &best.levels)?;
        attacker.see(problem, people, &applied.kept, &best.levels);
        losses.push(Some(loss(problem, &best.levels, &applied.kept)?));
    }
    Ok(Way { found: attacker.attack(bounds), losses, refused, cpu_s: cpu.elapsed().as_secs_f64() })
}

fn through_the_ledger(
    requests: &[Request],
    people: usize,
    bounds: Bounds,
    settings: &Settings<'_>,
) -> Result<Way> {
    let cpu = CpuStopwatch::start();
    let mut attacker = Attacker::new(people);
    let mut joint = Joint::new(people);
    let (mut losses, mut refused) = (Vec::new(), 0);
    for Request { problem, people } in requests {
        let sensitive = if bounds.l > 1 { &[0][..] } else { &[] };
        match next_release(Further { problem, people, joint: &joint, bounds, sensitive }, settings)? {
            Ok(passed) => {
                joint.add(&passed.release);
                attacker.see(problem, people, &passed.applied.kept, &passed.applied.levels);
                losses.push(Some(loss(problem, &passed.applied.levels, &passed.applied.kept)?));
            }
            Err(_) => {
                refused += 1;
                losses.push(None);
            }
        }
    }
    Ok(Way { found: attacker.attack(bounds), losses, refused, cpu_s: cpu.elapsed().as_secs_f64() })
}

/// Loss of what is published, all attributes alike: the kept rows at their levels, the others lost altogether.
fn loss(problem: &Problem, levels: &[usize], kept: &[bool]) -> Result<f64> {
    let mut stay =
        Problem { metric: Metric::Loss, models: vec![Model::KAnonymity { k: 1 }], ..problem.clone() };
    let filter = |column: &mut Vec<u32>| {
        let mut flags = kept.iter();
        column.retain(|_| flags.next() == Some(&true));
    };
    for own in &mut stay.attributes {
        filter(&mut own.column);
        own.weight = 1.0;
    }
    stay.sensitive.iter_mut().for_each(|own| filter(&mut own.column));
    let rows = kept.len().max(1) as f64;
    if stay.rows() == 0 {
        return Ok(1.0);
    }
    let share = stay.rows() as f64 / rows;
    // 1 + Loss is a geometric mean; a row that is not there loses everything.
    Ok(evaluate(&stay, levels)?.score * share + (1.0 - share))
}

/// Numbers that follow from a seed (Knuth's linear congruences, high bits): for exercises only.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }
}
