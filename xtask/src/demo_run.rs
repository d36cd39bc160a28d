//! Runs of the demo, judged by its own report.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{cargo::Workspace, steps::Steps};

/// One run: name, residents, further arguments, whether it takes long, megabytes and seconds it may take.
struct Run {
    name: &'static str,
    residents: u32,
    arguments: &'static [&'static str],
    long: bool,
    most_mb: f64,
    most_s: f64,
}

const RUNS: [Run; 2] = [
    Run {
        name: "demo, 500 residents",
        residents: 500,
        arguments: &[],
        long: false,
        most_mb: 600.0,
        most_s: 120.0,
    },
    Run {
        name: "demo, 10,000 residents",
        residents: 10_000,
        arguments: &[],
        long: true,
        most_mb: 600.0,
        most_s: 600.0,
    },
];

/// The runs that this version of the program knows; the long ones only if asked for.
pub(crate) fn steps(steps: &mut Steps, workspace: &Workspace, _postgres_url: &str, long: bool) {
    if steps.is_stopped() {
        return;
    }
    let program = workspace.binary("musubi");
    for run in RUNS.iter().filter(|run| long || !run.long) {
        if !has_demo(&program) {
            println!("== {}: left out, the program has no demo command yet", run.name);
            continue;
        }
        steps.step(run.name, || check(&program, run));
    }
}

/// Whether the program has the command, with the arguments used here.
fn has_demo(program: &Path) -> bool {
    let help = Command::new(program).args(["demo", "--help"]).stdin(Stdio::null()).output();
    help.is_ok_and(|help| {
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        help.status.success()
            && ["--once", "--residents", "--json", "--data"].iter().all(|word| text.contains(word))
    })
}

fn check(program: &Path, run: &Run) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    let report = folder.0.join("report.json");
    let residents = run.residents.to_string();
    let status = Command::new(program)
        .args(["demo", "--once", "--residents", &residents, "--data"])
        .arg(folder.0.join("data"))
        .arg("--json")
        .arg(&report)
        .args(run.arguments)
        .stdin(Stdio::null())
        .status()
        .context("running the demo")?;
    ensure!(status.success(), "the demo ended with {status}");
    let report: Value = serde_json::from_slice(&fs::read(report).context("the demo wrote no report")?)?;
    judge(&report, run)
}

/// Fields of the report as the README lists them.
fn judge(report: &Value, run: &Run) -> anyhow::Result<()> {
    let number = |field: &str| {
        report.get(field).and_then(Value::as_f64).with_context(|| format!("the report has no number {field}"))
    };
    let sum = |field: &str| -> anyhow::Result<f64> {
        let parts = report
            .get(field)
            .and_then(Value::as_object)
            .with_context(|| format!("the report has no {field}"))?;
        Ok(parts.values().filter_map(Value::as_f64).sum())
    };
    for field in ["wrong_person", "wrong_content", "unexpected"] {
        ensure!(number(field)? == 0.0, "{field} is {}, must be 0", number(field)?);
    }
    ensure!(
        number("residents")? == f64::from(run.residents),
        "the report speaks of {} residents",
        number("residents")?
    );
    ensure!(
        number("codes_issued")? > 0.0 && sum("answered")? > 0.0 && sum("refused")? > 0.0,
        "nothing was done"
    );
    ensure!(
        number("peak_rss_mb")? <= run.most_mb,
        "{} MB, at most {} allowed",
        number("peak_rss_mb")?,
        run.most_mb
    );
    ensure!(number("seconds")? <= run.most_s, "{} s, at most {} allowed", number("seconds")?, run.most_s);
    let list = |field: &str| {
        report.get(field).and_then(Value::as_array).with_context(|| format!("the report has no list {field}"))
    };
    let counted =
        |line: &&Value, field: &str| line.get(field).and_then(Value::as_f64).is_some_and(|n| n > 0.0);
    let kinds = list("kinds")?.iter().filter(|line| counted(line, "answered")).count();
    ensure!(kinds >= 12, "{kinds} kinds of inquiry were answered, at least 12 must be");
    let reasons = list("reasons")?;
    let occurred = reasons.iter().filter(|line| counted(line, "count")).count();
    ensure!(occurred >= 8, "{occurred} reasons of refusal occurred, at least 8 must");
    let named = |line: &Value, name: &str| line.get("reason").and_then(Value::as_str) == Some(name);
    ensure!(
        reasons.iter().any(|line| named(line, "consent_required")),
        "nothing was refused for want of consent"
    );
    let ledgers = list("ledgers")?;
    let broken = ledgers.iter().find(|ledger| ledger.get("verified") != Some(&Value::Bool(true)));
    ensure!(broken.is_none(), "a ledger did not verify: {broken:?}");
    ensure!(ledgers.len() >= 15, "{} ledgers were verified, one of each room must be", ledgers.len());
    println!(
        "{kinds} kinds, {occurred} reasons, {} ledgers; answered {}, refused {}, {} MB, {} s",
        ledgers.len(),
        sum("answered")?,
        sum("refused")?,
        number("peak_rss_mb")?,
        number("seconds")?
    );
    Ok(())
}

/// A folder of its own, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Folder> {
        let path = env::temp_dir().join(format!("musubi-demo-{}", process::id()));
        fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(field: &str, value: Value) -> Value {
        let mut reasons: Vec<Value> = (0..7).map(|n| json!({"reason": n.to_string(), "count": 2})).collect();
        reasons.push(json!({"reason": "consent_required", "count": 1}));
        let mut report = json!({
            "residents": 500, "codes_issued": 900, "answered": {"tax": 3}, "refused": {"expired": 1},
            "wrong_person": 0, "wrong_content": 0, "unexpected": 0, "peak_rss_mb": 120.5, "seconds": 9.0,
            "kinds": vec![json!({"answered": 4}); 12], "reasons": reasons,
            "ledgers": vec![json!({"origin": "x", "size": 3, "verified": true}); 18]
        });
        report[field] = value;
        report
    }

    #[test]
    fn a_report_is_judged_by_its_zeros_and_limits() {
        let run = &RUNS[0];
        judge(&report("seconds", json!(9)), run).unwrap();
        for (field, value) in [
            ("wrong_person", json!(1)),
            ("wrong_content", json!(1)),
            ("unexpected", json!(2)),
            ("unexpected", Value::Null),
            ("residents", json!(499)),
            ("answered", json!({})),
            ("peak_rss_mb", json!(601)),
            ("kinds", json!([{"answered": 4}])),
            ("kinds", json!(vec![json!({"answered": 0}); 12])),
            ("reasons", json!(vec![json!({"reason": "expired", "count": 2}); 8])),
            ("reasons", json!([{"reason": "consent_required", "count": 2}])),
            ("ledgers", json!(vec![json!({"verified": false}); 18])),
            ("ledgers", json!([])),
            ("ledgers", Value::Null),
        ] {
            assert!(judge(&report(field, value.clone()), run).is_err(), "{field} {value}");
        }
    }
}
