//! Tables and hierarchies to be anonymised.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::HashMap;
use std::path::Path;

use fuzz::fuzz;
use musubi::{AnonymiseArgs, run_anonymise};

const CONFIG: &str = r#"
suppression_limit = 0.5
[[attribute]]
name = "age"
hierarchy = { file = "hierarchy.csv" }
[[attribute]]
name = "place"
hierarchy = "municipalities"
[[sensitive]]
name = "diagnosis"
[[model]]
kind = "k-anonymity"
k = 2
"#;

/// Runs the command in a folder; what it wrote must hold, what it refused must say why.
fn anonymised(folder: &Path) {
    let at = |name: &str| folder.join(name);
    let _ = std::fs::remove_file(at("safe.csv"));
    let args = AnonymiseArgs {
        config: Some(at("study.toml")),
        input: Some(at("table.csv")),
        output: Some(at("safe.csv")),
        report: Some(at("report.json")),
        page: Some(at("report.html")),
        levels: None,
        from: None,
        memory: None,
        check: false,
        time_limit: None,
        threads: Some(1),
        cases: None,
        data: None,
        only: None,
        table: Vec::new(),
        json: None,
    };
    match run_anonymise(&args) {
        Ok(()) => {
            let report = std::fs::read(at("report.json")).unwrap();
            let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
            // With the separator of the table, whichever it was.
            let written = std::fs::read(at("safe.csv")).unwrap();
            let separator = written["age".len()];
            let mut classes: HashMap<(String, String), u64> = HashMap::new();
            let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(written.as_slice());
            for row in reader.records() {
                let row = row.unwrap();
                *classes.entry((row[0].to_owned(), row[1].to_owned())).or_default() += 1;
            }
            assert!(classes.values().all(|rows| *rows >= 2), "{classes:?}");
            assert_eq!(report["risk"]["after"]["rows"], classes.values().sum::<u64>());
        }
        Err(error) => {
            assert!(!at("safe.csv").exists(), "nothing is half done");
            assert!(format!("{error:#}").len() > 20, "{error:#}");
        }
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("study.toml"), CONFIG).unwrap();
    for (name, bytes) in
        fuzz::corpus("anonymise_table").into_iter().chain(fuzz::corpus("anonymise_hierarchy"))
    {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn anonymise_table() {
    let folder = folder();
    fuzz("anonymise_table", |bytes| {
        std::fs::write(folder.path().join("table.csv"), bytes).unwrap();
        anonymised(folder.path());
    });
}

#[test]
fn anonymise_hierarchy() {
    let folder = folder();
    fuzz("anonymise_hierarchy", |bytes| {
        std::fs::write(folder.path().join("hierarchy.csv"), bytes).unwrap();
        anonymised(folder.path());
    });
}
