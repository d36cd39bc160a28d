//! The matcher beside Splink: both on the same files, from CSV to CSV, by turns.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{cargo, cargo::Workspace};

/// Residents, customers, rounds.
const SIZES: [(u32, u32, usize); 2] = [(20_000, 6_000, 5), (1_000_000, 100_000, 3)];
/// Of PyPI; versions are told with the figures.
const PACKAGES: [&str; 3] = ["splink", "duckdb", "pandas"];
const SPLINK: &str = "floor/matching/examples/match_figures/splink_match.py";

/// One run of a program.
struct Run {
    elapsed_s: f64,
    cpu_s: f64,
    peak_mb: f64,
}

/// Measures both at each size and prints medians, ranges and ratios.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.target.join("bench-match");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let python = python(&folder)?;
    let [musubi, figures] = programs(workspace)?;
    let out = folder.join("out.csv");
    println!("\nBeside Splink ({}), CSV to CSV, by turns; load {}", versions(&python)?, load());
    println!("residents x customers | program | elapsed s (median, range) | CPU s (median, range) | peak MB");
    for (residents, customers, rounds) in SIZES {
        let files = folder.join(format!("{residents}x{customers}"));
        fs::create_dir_all(&files)?;
        let mut make = Command::new(&figures);
        make.current_dir(&workspace.root);
        make.args(["files".as_ref(), files.as_os_str()]);
        make.args(["301".to_owned(), residents.to_string(), customers.to_string()]);
        ensure!(make.status()?.success(), "the files could not be made");
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let mut command = Command::new(&musubi);
            command.current_dir(&workspace.root).args(["match", "--quiet"]);
            for (option, name) in [
                ("--register", "register.csv"),
                ("--history", "register_history.csv"),
                ("--queries", "queries.csv"),
            ] {
                command.arg(option).arg(files.join(name));
            }
            command.arg("--out").arg(&out).arg("--review").arg(folder.join("review.csv"));
            ours.push(measured(&mut command)?);
            let mut command = Command::new(&python);
            command.arg(workspace.root.join(SPLINK)).arg(&files).arg(&out);
            theirs.push(measured(&mut command)?);
        }
        let size = format!("{residents} x {customers}");
        for (name, runs) in [("musubi", &ours), ("Splink", &theirs)] {
            let of = |value: fn(&Run) -> f64| Spread::of(runs.iter().map(value).collect());
            let (elapsed, cpu, peak) = (of(|run| run.elapsed_s), of(|run| run.cpu_s), of(|run| run.peak_mb));
            println!("{size} | {name} | {elapsed} | {cpu} | {:.0}", peak.most);
        }
        let ratio = |value: fn(&Run) -> f64| {
            let median = |runs: &[Run]| Spread::of(runs.iter().map(value).collect()).median;
            median(&theirs) / median(&ours)
        };
        println!(
            "{size} | ratio | {:.1} x elapsed, {:.1} x CPU; goal 20; load {}",
            ratio(|run| run.elapsed_s),
            ratio(|run| run.cpu_s),
            load()
        );
    }
    Ok(())
}

/// A Python with Splink in an environment of its own under target.
fn python(folder: &Path) -> anyhow::Result<PathBuf> {
    let python = folder.join("venv/bin/python");
    if !python.exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")).status();
        ensure!(
            made.is_ok_and(|status| status.success()),
            "Splink needs Python 3 with venv (Debian: apt-get install python3-venv)"
        );
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    ensure!(install.status()?.success(), "pip could not install {}", PACKAGES.join(", "));
    Ok(python)
}

fn versions(python: &Path) -> anyhow::Result<String> {
    let script =
        "import importlib.metadata as m, sys; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))";
    let told = Command::new(python).args(["-c", script]).args(PACKAGES).output()?;
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// The binary and the example that makes the files, built.
fn programs(workspace: &Workspace) -> anyhow::Result<[PathBuf; 2]> {
    for arguments in
        [["--package", "musubi", "--bin", "musubi"], ["--package", "matching", "--example", "match_figures"]]
    {
        let built = Command::new(cargo::program())
            .args(["build", "--release", "--quiet", "--locked"])
            .args(arguments)
            .current_dir(&workspace.root)
            .status()?;
        ensure!(built.success(), "building {} failed", arguments.join(" "));
    }
    Ok([workspace.binary("musubi"), workspace.binary("examples/match_figures")])
}

/// Runs a program to its end. Its times stand in /proc until it is waited for; its peak is looked at while it runs.
fn measured(command: &mut Command) -> anyhow::Result<Run> {
    let start = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("starting a program")?;
    let mut peak_kb = 0;
    let ticks = loop {
        let (state, ticks) = stat(&child)?;
        peak_kb = peak_kb.max(peak(&child).unwrap_or(0));
        if state == 'Z' {
            break ticks;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let elapsed_s = start.elapsed().as_secs_f64();
    let ended = child.wait_with_output()?;
    ensure!(
        ended.status.success(),
        "a program ended with {}: {}",
        ended.status,
        String::from_utf8_lossy(&ended.stderr)
    );
    // Linux tells times in hundredths of a second on every machine (USER_HZ, proc(5)).
    Ok(Run { elapsed_s, cpu_s: f64::from(ticks) / 100.0, peak_mb: f64::from(peak_kb) / 1000.0 })
}

/// State, and user and system time in ticks: fields 3, 14 and 15 of /proc/PID/stat (proc(5)).
fn stat(child: &Child) -> anyhow::Result<(char, u32)> {
    let text =
        fs::read_to_string(format!("/proc/{}/stat", child.id())).context("reading /proc (Linux only)")?;
    let (_, after_name) = text.rsplit_once(") ").context("a name in /proc/PID/stat")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let number = |place: usize| fields.get(place).and_then(|field| field.parse::<u32>().ok()).unwrap_or(0);
    let state = fields.first().and_then(|state| state.chars().next()).context("a state in /proc/PID/stat")?;
    Ok((state, number(11) + number(12)))
}

/// Most memory so far, kB; a program that has ended has none to show.
fn peak(child: &Child) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// Load of the machine over the last minute: what else ran beside.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        Spread { least: at(0), median: at(values.len() / 2), most: at(values.len().saturating_sub(1)) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:.2} ({:.2} to {:.2})", self.median, self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_least_median_and_most() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]);
        assert_eq!(spread.to_string(), "2.00 (1.00 to 3.00)");
    }

    #[test]
    fn a_program_is_measured() {
        let run = measured(Command::new("sleep").arg("0.1")).unwrap();
        assert!(run.elapsed_s >= 0.1 && run.cpu_s < 0.1 && run.peak_mb > 0.0);
        assert!(measured(&mut Command::new("false")).is_err());
    }
}
