//! `musubi anonymise`: a table about people becomes one in which nobody can be singled out. CSV in, CSV out.

pub(crate) mod attack;
mod attacker;
mod cases;
mod config;
mod hierarchy_file;
mod page;
mod parquet;
mod reading;
mod report;
mod runs;
mod sql;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anonymity::{Applied, Outcome, Settings, anonymise, apply, risk};
use anyhow::{Context, Result, bail, ensure};
use world::{CpuStopwatch, Stopwatch};

use crate::card_command::said::say;
use crate::matching_command::table::write_file;
use config::Config;
use report::Report;

/// Make a table safe to hand out: rows that look alike, in classes that models hold, with as little lost as can be.
///
/// Only columns that the configuration names are written; rows that cannot be made safe are left out; rows are
/// written in the order of their values, so that their place says nothing.
#[derive(Debug, clap::Args)]
pub struct AnonymiseArgs {
    /// Attributes, hierarchies, models and metric (TOML; docs/anonymity.md).
    #[arg(long, value_name = "FILE", required_unless_present = "cases")]
    pub config: Option<PathBuf>,
    /// The table: CSV with a header, any separator, UTF-8 or Shift_JIS, packed with gzip or not; or .parquet.
    #[arg(value_name = "INPUT", required_unless_present = "cases")]
    pub input: Option<PathBuf>,
    /// The safe table (CSV, UTF-8; packed if the name ends with .gz; Parquet if with .parquet).
    #[arg(value_name = "OUTPUT", required_unless_present_any = ["cases", "check"])]
    pub output: Option<PathBuf>,
    /// Read the table INPUT of this database (sqlite:PATH or postgres://…) and not a file: equal rows are found and counted
    /// there.
    #[arg(long, value_name = "DATABASE", conflicts_with = "cases")]
    pub from: Option<String>,
    /// Join equal rows of the file in about so much memory, by sorted runs on disk: for tables larger than memory.
    #[arg(long, value_name = "KB", conflicts_with_all = ["cases", "from"])]
    pub memory: Option<usize>,
    /// What was done, what is lost, what risk is left: as JSON.
    #[arg(long, value_name = "JSON")]
    pub report: Option<PathBuf>,
    /// The same as a page with charts.
    #[arg(long, value_name = "HTML")]
    pub page: Option<PathBuf>,
    /// Do not search: take the levels from the report of an earlier run, for a later table of the same kind.
    #[arg(long, value_name = "REPORT", conflicts_with = "check")]
    pub levels: Option<PathBuf>,
    /// Only look: what risk the table has as it is, and whether its models hold. Writes no table.
    #[arg(long, conflicts_with = "output")]
    pub check: bool,
    /// Stop searching after so many seconds, and take the best so far; the report tells the gap.
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<u64>,
    /// Threads to use; by default all of the machine. The result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Solve cases with a known optimum instead, and write what was found to --json.
    #[arg(long, value_name = "FILE", requires = "data", requires = "json")]
    pub cases: Option<PathBuf>,
    /// Where the cases' tables and hierarchies are.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// One case only.
    #[arg(long, value_name = "ID")]
    pub only: Option<String>,
    /// The table of a data set that lies elsewhere; may be given several times.
    #[arg(long, value_name = "DATASET=CSV")]
    pub table: Vec<String>,
    /// What the cases came to.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &AnonymiseArgs) -> Result<()> {
    let threads =
        args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |count| count.get()));
    if let (Some(cases), Some(data), Some(json)) = (&args.cases, &args.data, &args.json) {
        return run_cases(args, cases, data, json, threads);
    }
    let (Some(config), Some(input)) = (&args.config, &args.input) else {
        bail!(
            "--config と表と出力先を与えてください / give --config, the table, and where to write; see musubi anonymise --help"
        )
    };
    let config = Config::read(config)?;
    let way = match &args.from {
        Some(from) => table::Way::Database(sql::Database::parse(from)?),
        None => table::Way::File { memory: args.memory.map(|kb| kb.saturating_mul(1 << 10)) },
    };
    let table = table::read(&config, input, &way)?;
    if config.local_recoding {
        return recode_locally(args, &config, &table);
    }
    let started = Stopwatch::start();
    let cpu = CpuStopwatch::start();
    let (outcome, applied) = if args.check {
        let levels = vec![0; table.problem.attributes.len()];
        (None, apply(&table.problem, &levels)?)
    } else if let Some(report) = &args.levels {
        let levels = report::levels_of(report, &table.problem)?;
        (None, apply_within_limit(&table, &levels)?)
    } else {
        let limit = args.time_limit.map(Duration::from_secs);
        let go_on = || limit.is_none_or(|limit| started.elapsed() < limit);
        let (outcome, applied) =
            anonymise(&table.problem, &Settings { threads, go_on: &go_on, ..Settings::default() })?;
        let applied = applied.with_context(|| nothing_holds(&outcome))?;
        (Some(outcome), applied)
    };
    let report = Report {
        table: &table,
        outcome: outcome.as_ref(),
        applied: &applied,
        before: risk(&table.problem, None, config.risk_threshold),
        after: risk(&table.problem, Some(&applied), config.risk_threshold),
        cpu_s: cpu.elapsed().as_secs_f64(),
    };
    if let Some(path) = &args.page {
        write_file(path, page::render(&report)?.as_bytes())?;
    }
    if let Some(path) = &args.report {
        write_file(path, &serde_json::to_vec_pretty(&report.json()?)?)?;
    }
    // Last: who finds the table finds its report, too.
    if let Some(path) = args.output.as_ref().filter(|_| !args.check) {
        let is_kept = |row: usize| applied.kept.get(row) == Some(&true);
        table::write(path, &config, &table, |row, attribute| {
            is_kept(row).then(|| applied.label(&table.problem, row, attribute))
        })?;
    }
    tell(&report, args.check);
    Ok(())
}

/// The other way: classes with levels of their own.
fn recode_locally(args: &AnonymiseArgs, config: &Config, table: &table::Loaded) -> Result<()> {
    ensure!(
        !args.check && args.levels.is_none() && args.page.is_none(),
        "local_recoding には表全体の段階がありません / local_recoding has no levels for the whole table: it goes neither with --levels nor with --check or --page"
    );
    let problem = &table.problem;
    let local = anonymity::recode_locally(problem)?;
    if let Some(path) = &args.report {
        write_file(
            path,
            &serde_json::to_vec_pretty(&report::local_json(problem, &local, config.risk_threshold))?,
        )?;
    }
    if let Some(path) = &args.output {
        table::write(path, config, table, |row, attribute| {
            let is_kept = local.levels.get(row).is_some_and(Option::is_some);
            is_kept.then(|| local.label(problem, row, attribute))
        })?;
    }
    let (rows, gone) = (problem.rows() as u64, local.suppressed);
    say(
        &format!(
            "{rows}行のうち{}行を{}組にまとめ(組ごとの段階)、{gone}行を除きました",
            rows - gone,
            local.classes
        ),
        &format!(
            "{} of {rows} rows in {} classes with levels of their own, {gone} left out",
            rows - gone,
            local.classes
        ),
    );
    Ok(())
}

fn run_cases(args: &AnonymiseArgs, cases: &Path, data: &Path, json: &Path, threads: usize) -> Result<()> {
    let tables = args.table.iter().map(|table| {
        let (dataset, path) =
            table.split_once('=').context("--table は DATASET=CSV です / --table needs DATASET=CSV")?;
        Ok((dataset.to_owned(), PathBuf::from(path)))
    });
    let tables = tables.collect::<Result<_>>()?;
    let asked = cases::Asked { cases, data, only: args.only.as_deref(), tables, threads };
    let (solved, failed) = cases::run(&asked, |line| eprintln!("{line}"))?;
    write_file(json, &serde_json::to_vec_pretty(&solved)?)?;
    ensure!(
        failed == 0,
        "{failed} 件を解けませんでした / {failed} case(s) could not be solved; {} says why",
        json.display()
    );
    Ok(())
}

/// Levels from elsewhere must hold here as well.
fn apply_within_limit(table: &table::Loaded, levels: &[usize]) -> Result<Applied> {
    let applied = apply(&table.problem, levels)?;
    let (gone, most) = (applied.solution.suppressed, table.problem.most_suppressed());
    ensure!(
        gone <= most,
        "この段階では {gone} 行を除く必要があり、上限は {most} 行です。段階を探し直すか suppression_limit を上げてください / at these levels {gone} rows of this table would have to be left out, and at most {most} may be; search levels \
         for this table (without --levels), or raise suppression_limit"
    );
    Ok(applied)
}

fn nothing_holds(outcome: &Outcome) -> String {
    let (ja, en) = if outcome.is_optimal {
        ("証明済み", "that is proved")
    } else {
        ("途中で止めました", "the search was stopped before it was through")
    };
    format!(
        "基準を満たす段階が見つかりません({ja})。suppression_limit を上げるか、基準を緩めるか、階層に粗い段階を足してください / \
         no levels were found at which the models hold ({en}); raise suppression_limit, ask less of the models, or \
         give the hierarchies a coarser level"
    )
}

fn tell(report: &Report<'_>, is_check: bool) {
    let (applied, rows) = (report.applied, report.table.problem.rows());
    let gone = applied.solution.suppressed;
    if is_check {
        if gone == 0 {
            say("このままで、すべての基準を満たします", "the models hold for the table as it is");
        } else {
            say(
                &format!("このままでは{rows}行のうち{gone}行が基準を満たしません"),
                &format!("as it is, the models do not hold for {gone} of {rows} rows"),
            );
        }
        return;
    }
    say(
        &format!(
            "{rows}行のうち{}行を{}組にまとめ、{gone}行を除きました",
            rows as u64 - gone,
            applied.solution.classes
        ),
        &format!(
            "{} of {rows} rows in {} classes, {gone} left out",
            rows as u64 - gone,
            applied.solution.classes
        ),
    );
    if let Some(outcome) = report.outcome.filter(|outcome| !outcome.is_optimal) {
        say(
            &format!("最適とは証明できていません（下限 {:.6}）", outcome.bound),
            &format!("not proved to be the best: nothing scores less than {:.6}", outcome.bound),
        );
    }
}
