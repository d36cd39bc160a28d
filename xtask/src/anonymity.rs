//! The anonymisation engine beside the figures that are stored with the public cases, and the attack on releases.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{cargo, cargo::Workspace};

/// The table that is made, and how many rows it has.
const MADE: (&str, &str) = ("ihis_syn1185k", "1185424");
/// Cases that take long enough to see what a second core is worth.
const LONG: [&str; 3] =
    ["mach2019-10qi-k5-s0.02-loss", "ihis_syn1185k-k5-s0.02-loss", "ihis_syn1185k-k5-s0-loss"];
const ROUNDS: usize = 3;
const TURNS: usize = 5;

/// Measures, and prints what `docs/benchmarks-anonymity.md` tells.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let packs =
        std::env::var_os("MUSUBI_PACKS").map_or_else(|| workspace.root.join("../shared"), PathBuf::from);
    let data = packs.join("anonymity");
    if !data.join("cases.public.json").exists() {
        println!("needs pack: set MUSUBI_PACKS to the folder that holds anonymity");
        return Ok(());
    }
    let folder = workspace.target.join("bench-anonymity");
    fs::create_dir_all(&folder)?;
    let musubi = build(workspace)?;
    let table = made_table(&folder, &data)?;
    let cases: Value = serde_json::from_slice(&fs::read(data.join("cases.public.json"))?)?;
    let bench = Bench { musubi, data, folder, table };
    bench.beside_the_reference(&cases)?;
    bench.counted_by_pycanon(workspace)?;
    bench.second_core()?;
    bench.attack()
}

struct Bench {
    musubi: PathBuf,
    data: PathBuf,
    folder: PathBuf,
    table: PathBuf,
}

impl Bench {
    fn solve(&self, threads: usize, only: Option<&str>) -> anyhow::Result<Value> {
        let out = self.folder.join("out.json");
        let mut command = Command::new(&self.musubi);
        command.args(["anonymise", "--threads", &threads.to_string(), "--cases"]);
        command
            .arg(self.data.join("cases.public.json"))
            .arg("--data")
            .arg(&self.data)
            .arg("--json")
            .arg(&out);
        command.arg("--table").arg(format!("{}={}", MADE.0, self.table.display()));
        command.args(only.map(|id| ["--only", id]).into_iter().flatten());
        let status = command.stderr(Stdio::null()).status()?;
        ensure!(status.success(), "musubi anonymise --cases ended with {status}");
        Ok(serde_json::from_slice(&fs::read(out)?)?)
    }

    fn beside_the_reference(&self, cases: &Value) -> anyhow::Result<()> {
        let mut best: BTreeMap<String, f64> = BTreeMap::new();
        let mut found = Value::Null;
        for _ in 0..ROUNDS {
            found = self.solve(1, None)?;
            for (id, own) in found.as_object().context("no cases")? {
                let cpu = at(own, "/cpu_ms").as_f64().context("no time")?;
                best.entry(id.clone()).and_modify(|least| *least = least.min(cpu)).or_insert(cpu);
            }
        }
        println!("case | reference CPU ms | CPU ms (least of {ROUNDS}) | x | nodes | peak MB | score");
        let (mut at_zero, mut above) = (Vec::new(), Vec::new());
        let mut equal = 0;
        let list = at(cases, "/cases").as_array().context("no cases")?;
        for case in list {
            let id = at(case, "/id").as_str().context("a case without id")?;
            let (own, cpu) = (at(&found, &format!("/{id}")), best.get(id).copied().unwrap_or(f64::NAN));
            let (score, expected) = (at(own, "/score").as_f64(), at(case, "/expected/score").as_f64());
            let near = |(own, expected): (f64, f64)| (own - expected).abs() <= 1e-8 * expected.abs();
            let is_equal = score.zip(expected).is_some_and(near) && *at(own, "/optimal") == true;
            let counts = ["suppressed_rows", "classes"].iter().all(|key| {
                at(own, &format!("/at_expected_levels/{key}")) == at(case, &format!("/expected/{key}"))
            });
            equal += usize::from(is_equal && counts);
            let reference = at(case, "/arx_run/cpu_ms_main_thread").as_f64();
            let limit = at(case, "/suppression_limit").as_f64().unwrap_or(0.0);
            if let Some(ratio) = reference.map(|reference| reference / cpu) {
                if limit == 0.0 { at_zero.push(ratio) } else { above.push(ratio) }
            }
            let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
            println!(
                "{id} | {} | {cpu:.1} | {} | {} | {} | {}",
                shown(reference),
                shown(reference.map(|reference| reference / cpu)),
                at(own, "/nodes_checked"),
                at(own, "/peak_rss_mb"),
                if is_equal && counts { "equal" } else { "DIFFERS" }
            );
        }
        println!("equal to the reference: {equal} of {}", list.len());
        println!("geometric mean, suppression 1 to 5 %: {:.1} x (goal 10)", mean(&above));
        println!("geometric mean, no suppression: {:.1} x (goal 1.5); load {}", mean(&at_zero), load());
        Ok(())
    }

    /// k and l of published tables, as another program counts them.
    fn counted_by_pycanon(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let config = self.folder.join("adult.toml");
        fs::write(&config, self.config(0.02))?;
        let pycanon = Pycanon::new(workspace, &self.musubi)?;
        pycanon.counts_the_same(&config, &self.data.join("adult/adult.csv"), "occupation")?;
        pycanon.counts_the_committed_table_the_same()
    }

    /// adult with occupation as what is sensitive.
    fn config(&self, limit: f64) -> String {
        let hierarchy = |name: &str| self.data.join(format!("adult/adult_hierarchy_{name}.csv"));
        let names = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass"];
        let attributes = names.map(|name| {
            format!("[[attribute]]\nname = \"{name}\"\nhierarchy = {{ file = {:?} }}\n", hierarchy(name))
        });
        format!(
            "suppression_limit = {limit}\n{}[[sensitive]]\nname = \"occupation\"\n[[model]]\nkind = \"k-anonymity\"\nk = 5\n\
             [[model]]\nkind = \"distinct-diversity\"\nl = 3\n",
            attributes.concat()
        )
    }

    /// What a second core is worth: time that passes while levels are searched, the table read before; turn by turn, so that
    /// what else the machine does falls on both.
    fn second_core(&self) -> anyhow::Result<()> {
        println!("case | one thread, s | two threads, s | x (medians of {TURNS}, search alone)");
        for id in LONG {
            let mut taken = [Vec::new(), Vec::new()];
            for _ in 0..TURNS {
                for (threads, taken) in (1..).zip(&mut taken) {
                    let found = self.solve(threads, Some(id))?;
                    let elapsed = at(&found, &format!("/{id}/elapsed_ms"));
                    taken.push(elapsed.as_f64().context("no time")? / 1e3);
                }
            }
            let [one, two] = taken.map(median);
            println!("{id} | {one:.2} | {two:.2} | {:.2} (goal 1.7); load {}", one / two, load());
        }
        Ok(())
    }

    fn attack(&self) -> anyhow::Result<()> {
        let path = self.folder.join("releases.toml");
        fs::write(&path, self.config(0.3))?;
        for (releases, overlap, changes) in [(2, 100, 0), (2, 80, 2), (3, 80, 2), (5, 80, 2), (5, 50, 5)] {
            println!(
                "{releases} releases, {overlap} % of the people in each, {changes} % changed in between:"
            );
            let mut command = Command::new(&self.musubi);
            command
                .args(["attack", "releases", "--config"])
                .arg(&path)
                .arg(self.data.join("adult/adult.csv"));
            for (option, value) in [("--releases", releases), ("--overlap", overlap), ("--changes", changes)]
            {
                command.args([option, &value.to_string()]);
            }
            let status = command.status()?;
            ensure!(status.success(), "musubi attack releases ended with {status}");
        }
        Ok(())
    }
}

/// Another program that counts k and l: from PyPI, pinned, in an environment of its own under target.
struct Pycanon {
    python: PathBuf,
    musubi: PathBuf,
    tests: PathBuf,
    folder: PathBuf,
}

const PYCANON: &str = "pycanon==1.3.6";

impl Pycanon {
    fn new(workspace: &Workspace, musubi: &Path) -> anyhow::Result<Self> {
        let folder = workspace.target.join("judges-of-anonymity");
        let python = folder.join("bin/python");
        if !python.exists() {
            let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
            ensure!(
                made.is_ok_and(|status| status.success()),
                "pycanon needs Python 3 with venv (Debian: apt-get install python3-venv)"
            );
        }
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYCANON]);
        ensure!(install.status()?.success(), "pip could not install {PYCANON}");
        let tests = workspace.root.join("app/tests/anonymise");
        Ok(Self { python, musubi: musubi.to_owned(), tests, folder })
    }

    /// Makes a table safe, and has k and l counted in what was written.
    fn counts_the_same(&self, config: &Path, table: &Path, sensitive: &str) -> anyhow::Result<()> {
        let [safe, report] = ["safe.csv", "report.json"].map(|name| self.folder.join(name));
        let mut command = Command::new(&self.musubi);
        command
            .args(["anonymise", "--config"])
            .arg(config)
            .arg(table)
            .arg(&safe)
            .arg("--report")
            .arg(&report);
        ensure!(command.stdout(Stdio::null()).status()?.success(), "musubi anonymise failed");
        let report: Value = serde_json::from_slice(&fs::read(report)?)?;
        let own = format!(
            "{} {}",
            at(&report, "/risk/after/smallest_class"),
            at(&report, &format!("/least_values/{sensitive}"))
        );
        let told =
            Command::new(&self.python).arg(self.tests.join("judge.py")).arg(&safe).arg(sensitive).output()?;
        let theirs = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        println!("k and l of {sensitive}: ours {own}, pycanon's {theirs}");
        ensure!(own == theirs, "pycanon counts otherwise: {}", String::from_utf8_lossy(&told.stderr));
        Ok(())
    }

    fn counts_the_committed_table_the_same(&self) -> anyhow::Result<()> {
        let config = "suppression_limit = 0.1\n[[attribute]]\nname = \"age\"\nhierarchy = \"ages\"\n[[attribute]]\nname = \
                      \"place\"\nhierarchy = \"municipalities\"\n[[sensitive]]\nname = \"diagnosis\"\n[[model]]\nkind = \
                      \"k-anonymity\"\nk = 4\n[[model]]\nkind = \"distinct-diversity\"\nl = 2\n";
        let file = self.folder.join("people.toml");
        fs::write(&file, config)?;
        self.counts_the_same(&file, &self.tests.join("cases/people.csv"), "diagnosis")
    }
}

/// k and l of what `musubi anonymise` writes, counted by pycanon.
pub(crate) fn judged(workspace: &Workspace) -> anyhow::Result<()> {
    Pycanon::new(workspace, &workspace.binary("musubi"))?.counts_the_committed_table_the_same()
}

fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    // Of the whole workspace, as the tests build it: by itself it would have other features, and all of it be built again.
    let built = Command::new(cargo::program())
        .args(["build", "--release", "--quiet", "--locked", "--workspace", "--bin", "musubi"])
        .current_dir(&workspace.root)
        .status()?;
    ensure!(built.success(), "building musubi failed");
    Ok(workspace.binary("musubi"))
}

/// Makes the large table with the pack's own script, once; its check sum stands in the cases.
fn made_table(folder: &Path, data: &Path) -> anyhow::Result<PathBuf> {
    let table = folder.join("ihis_syn.csv");
    if !table.exists() {
        let venv = folder.join("venv");
        let run = |command: &mut Command, what: &str| -> anyhow::Result<()> {
            ensure!(command.status().is_ok_and(|status| status.success()), "{what}");
            Ok(())
        };
        let needs = "the table needs Python 3 with venv (Debian: apt-get install python3-venv)";
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv), needs)?;
        let python = venv.join("bin/python");
        run(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "numpy"]),
            "pip could not install numpy",
        )?;
        let part = folder.join("ihis_syn.part");
        run(
            Command::new(&python).arg(data.join("gen_ihis_syn.py")).arg(MADE.1).arg(&part),
            "the table could not be made",
        )?;
        fs::rename(part, &table)?;
    }
    Ok(table)
}

/// What stands at a place of a document; null where nothing does.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn mean(ratios: &[f64]) -> f64 {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (sum / ratios.len().max(1) as f64).exp()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Load of the machine over the last minute: what else ran beside.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_geometric() {
        assert!((mean(&[1.0, 100.0]) - 10.0).abs() < 1e-9);
        assert_eq!(median(vec![3.0, 1.0, 9.0]), 3.0);
    }
}
