//! The house's own work: tests, checks and measurements, in Rust and without a shell. `cargo xtask --help`.

mod anonymity;
mod apis;
mod architecture;
mod bench;
mod cargo;
mod certificates;
mod constant_time;
mod demo_run;
mod faults;
mod heavy;
mod licences;
mod packages;
mod peer;
mod postgres;
mod steps;
mod threats;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{cargo::Workspace, steps::Steps};

#[derive(Parser)]
#[command(about = "Tests, checks and measurements of this workspace")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change is taken in; under 40 minutes on two cores.
    Test {
        /// Install the Debian packages that are missing (apt-get, needs root).
        #[arg(long)]
        install: bool,
    },
    /// `test`, and what takes longer.
    Judge {
        /// As for `test`.
        #[arg(long)]
        install: bool,
    },
    /// Measures one part; without a name, lists them.
    Bench {
        /// Which part.
        name: Option<String>,
    },
    /// Runs with faults put in; the last line counts the rounds.
    Faults(faults::Faults),
    /// Only what strangers to the code ask every room: Schemathesis and SSLyze, on rooms that were built before.
    Apis {
        /// For as long as `judge` has them ask.
        #[arg(long)]
        long: bool,
    },
    /// Only the checks that need no compiling: tidiness, licences, arrows between crates.
    Tidy {
        /// First set the lines of references in documents to where the names are defined now.
        #[arg(long)]
        lines: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// 2 says: something is missing here, nothing was judged.
const NOT_RUN: u8 = 2;

fn run(task: Task) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::read()?;
    match task {
        Task::Test { install } => test(&workspace, install, false),
        Task::Judge { install } => test(&workspace, install, true),
        Task::Bench { name } => bench::run(&workspace, name.as_deref()),
        Task::Faults(wanted) => faults::run(&workspace, &wanted),
        Task::Apis { long } => {
            let mut steps = Steps::default();
            apis::steps(&mut steps, &workspace, long);
            Ok(steps.finish())
        }
        Task::Tidy { lines } => {
            if lines {
                tidy::set_lines(&workspace.root)?;
            }
            let mut steps = Steps::default();
            checks(&mut steps, &workspace);
            Ok(steps.finish())
        }
    }
}

fn checks(steps: &mut Steps, workspace: &Workspace) {
    steps.step("tidy", || tidy::check(&workspace.root));
    steps.step("threats", || threats::check(&workspace.root));
    steps.step("constant time", || constant_time::check(&workspace.root));
    steps.step("licences", || licences::check(&workspace.metadata));
    steps.step("architecture", || architecture::check(&workspace.metadata));
}

fn test(workspace: &Workspace, install: bool, long: bool) -> anyhow::Result<ExitCode> {
    if !packages::are_there(install)? {
        return Ok(ExitCode::from(NOT_RUN));
    }
    let mut steps = Steps::default();
    // Cheap ones first: a slip should be told in seconds.
    checks(&mut steps, workspace);
    steps.step("heavy: Parquet", || heavy::test(workspace));
    let server = steps.step("private PostgreSQL server", postgres::Server::start);
    let judges = steps.step("judges of certificates", || certificates::judges(workspace));
    if let (Some(server), Some(judges)) = (server, judges) {
        steps.tests("cargo test", || cargo::test(workspace, &server.url, &judges, long));
        if !steps.is_stopped() {
            steps.step("k and l as pycanon counts them", || anonymity::judged(workspace));
        }
        demo_run::steps(&mut steps, workspace, &server.url, long);
        faults::steps(&mut steps, workspace, long);
        apis::steps(&mut steps, workspace, long);
        steps.step("PostgreSQL server ends", || server.stop());
    }
    Ok(steps.finish())
}
