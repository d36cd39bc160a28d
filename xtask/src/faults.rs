//! Runs with faults put in: `docs/faults.md`.

use std::{
    io::{BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, ensure};

use crate::{cargo, cargo::Workspace, steps::Steps};

/// What `cargo xtask faults` takes; without a kind, every kind in turn.
#[derive(clap::Args)]
pub(crate) struct Faults {
    /// What every draw follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many rounds.
    #[arg(long, default_value_t = 24)]
    rounds: u32,
    /// Only this kind; may be given several times. A name that is none lists them.
    #[arg(long)]
    kind: Vec<String>,
    /// How long oversight stays away, seconds.
    #[arg(long, default_value_t = 75)]
    away: u64,
}

/// Builds and runs; the last line is the runs' own.
pub(crate) fn run(workspace: &Workspace, faults: &Faults) -> anyhow::Result<ExitCode> {
    let status = Command::new(cargo::program())
        .args(["build", "--release", "--quiet", "--locked", "--workspace", "--bins", "--example", "faults"])
        .current_dir(&workspace.root)
        .status()
        .context("building the fault runs")?;
    ensure!(status.success(), "the fault runs do not build");
    let mut command = Command::new(workspace.binary("examples/faults"));
    command.args(["--seed", &faults.seed.to_string(), "--rounds", &faults.rounds.to_string()]);
    command.args(["--away", &faults.away.to_string()]);
    faults.kind.iter().for_each(|kind| {
        command.args(["--kind", kind]);
    });
    let status = command.status().context("running with faults")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As a part of `test` and `judge`: what the tests before have built.
pub(crate) fn steps(steps: &mut Steps, workspace: &Workspace, long: bool) {
    let rounds = if long { "30" } else { "8" };
    steps.tests("faults: kill -9", || {
        counted(workspace, &["--kind", "kill", "--rounds", rounds, "--seed", "1"])
    });
    steps.tests("faults: loss of power", || {
        let rounds = if long { "8" } else { "2" };
        counted(workspace, &["--kind", "power-loss", "--rounds", rounds, "--seed", "1"])
    });
    if long {
        // Each kind twice.
        steps.tests("faults: every kind", || counted(workspace, &["--rounds", "26", "--seed", "1"]));
    }
}

fn counted(workspace: &Workspace, arguments: &[&str]) -> anyhow::Result<(u64, u64)> {
    let mut child = Command::new(workspace.binary("examples/faults"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .context("running with faults")?;
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        last = line?;
        println!("{last}");
    }
    let status = child.wait()?;
    let (passed, failed) = count(&last).with_context(|| format!("the run ended with {status}: {last}"))?;
    ensure!(status.success() == (failed == 0 && passed > 0), "the run ended with {status}: {last}");
    Ok((passed, failed))
}

/// Reads `8 passed, 0 failed`.
fn count(line: &str) -> Option<(u64, u64)> {
    let (passed, failed) = line.split_once(", ")?;
    let number = |part: &str, word: &str| part.strip_suffix(word)?.trim().parse().ok();
    Some((number(passed, "passed")?, number(failed, "failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_read() {
        assert_eq!(count("8 passed, 0 failed"), Some((8, 0)));
        assert_eq!(count("0 passed, 1 failed"), Some((0, 1)));
        assert_eq!(count("a fault, and another"), None);
    }
}
