//! `musubi anonymise` on files: what it writes, counted again from the file alone; every fault with file, line and what
//! to do; cases with a known optimum.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod reference;
mod ways;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/anonymise/cases")
}

fn musubi() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_musubi"));
    command.arg("anonymise");
    command
}

const CONFIG: &str = r#"
suppression_limit = 0.1
[[attribute]]
name = "age"
hierarchy = "ages"
[[attribute]]
name = "place"
hierarchy = "municipalities"
[[attribute]]
name = "sex"
hierarchy = "kept_or_suppressed"
[[sensitive]]
name = "diagnosis"
[[model]]
kind = "k-anonymity"
k = 4
[[model]]
kind = "distinct-diversity"
l = 2
"#;

/// A folder with a table and a configuration.
fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(cases().join("people.csv"), folder.path().join("people.csv")).unwrap();
    fs::write(folder.path().join("config.toml"), config).unwrap();
    folder
}

fn run(folder: &Path, more: &[&str]) -> Output {
    let mut command = musubi();
    command.current_dir(folder).args(["--config", "config.toml"]).args(more);
    command.output().unwrap()
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(folder: &Path, more: &[&str]) -> String {
    let output = run(folder, more);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!folder.join("safe.csv").exists(), "nothing is half done");
    String::from_utf8(output.stderr).unwrap()
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(';').map(str::to_owned).collect()).collect()
}

/// Classes of a published file by its first columns: rows, and different values of the last one.
fn classes(rows: &[Vec<String>]) -> Vec<(usize, usize)> {
    let mut classes: HashMap<&[String], Vec<&String>> = HashMap::new();
    for row in rows {
        let (value, rest) = row.split_last().unwrap();
        classes.entry(rest).or_default().push(value);
    }
    classes.values().map(|values| (values.len(), values.iter().collect::<HashSet<_>>().len())).collect()
}

#[test]
fn a_table_is_made_safe_and_counted_again() {
    let folder = folder(CONFIG);
    let said = good(&run(
        folder.path(),
        &["people.csv", "safe.csv", "--report", "report.json", "--page", "report.html"],
    ));
    assert!(said.contains("行を") && said.contains("left out"), "{said}");
    let written = rows(&folder.path().join("safe.csv"));
    assert_eq!(written[0], ["age", "place", "sex", "diagnosis"]);
    let classes = classes(&written[1..]);
    assert!(classes.iter().all(|(rows, values)| *rows >= 4 && *values >= 2), "{classes:?}");
    let mut sorted = written[1..].to_vec();
    sorted.sort();
    assert_eq!(written[1..], sorted, "the order of the table is not published");

    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    let gone = report["suppressed_rows"].as_u64().unwrap() as usize;
    assert_eq!(written.len() - 1 + gone, 300);
    assert_eq!(report["classes"], classes.len());
    assert_eq!(report["search"]["optimal"], true);
    let after = &report["risk"]["after"];
    assert_eq!(after["smallest_class"], classes.iter().map(|class| class.0).min().unwrap());
    assert_eq!(after["unique_rows"], 0);
    assert!(report["risk"]["before"]["unique_rows"].as_u64().unwrap() > 100);
    assert_eq!(report["risk"]["before"]["drivers"][0]["attribute"], "age");
    assert_eq!(report["quality"]["loss"], report["score"]);

    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    for text in
        ["匿名加工の報告", "Report of an anonymisation", "検察官リスク", "Prosecutor risk", "lang=\"en\""]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<script"));
}

#[test]
fn a_solution_is_applied_to_a_later_table() {
    let folder = folder(CONFIG);
    good(&run(folder.path(), &["people.csv", "safe.csv", "--report", "report.json"]));
    let people = fs::read_to_string(folder.path().join("people.csv")).unwrap();
    // The same people without a few: other rows, the same levels.
    let later: String = people
        .lines()
        .enumerate()
        .filter(|(line, _)| line % 50 != 1)
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    fs::write(folder.path().join("later.csv"), later).unwrap();
    good(&run(
        folder.path(),
        &["later.csv", "later-safe.csv", "--levels", "report.json", "--report", "later.json"],
    ));
    let [one, other] = ["report.json", "later.json"].map(|name| -> Value {
        serde_json::from_slice(&fs::read(folder.path().join(name)).unwrap()).unwrap()
    });
    assert_eq!(one["levels"], other["levels"]);
    assert_eq!(other["search"], Value::Null);
    let classes = classes(&rows(&folder.path().join("later-safe.csv"))[1..]);
    assert!(classes.iter().all(|(rows, values)| *rows >= 4 && *values >= 2));

    // A table for which they leave out too many.
    let few: String = people.lines().take(30).map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join("few.csv"), few).unwrap();
    fs::remove_file(folder.path().join("safe.csv")).unwrap();
    let said = refused(folder.path(), &["few.csv", "safe.csv", "--levels", "report.json"]);
    assert!(said.contains("at most 2 may be") && said.contains("suppression_limit"), "{said}");
}

#[test]
fn a_set_that_stays_alone_is_recoded_class_by_class() {
    let folder = folder(&format!("local_recoding = true\n{CONFIG}"));
    good(&run(folder.path(), &["people.csv", "safe.csv", "--report", "local.json"]));
    let classes = classes(&rows(&folder.path().join("safe.csv"))[1..]);
    assert!(classes.iter().all(|(rows, values)| *rows >= 4 && *values >= 2), "{classes:?}");
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.path().join(name)).unwrap()).unwrap()
    };
    let local = read("local.json");
    assert_eq!(local["classes"], classes.len());
    fs::write(folder.path().join("config.toml"), CONFIG).unwrap();
    good(&run(folder.path(), &["people.csv", "whole.csv", "--report", "whole.json"]));
    let loss = |report: &Value| report["quality"]["loss"].as_f64().unwrap();
    assert!(loss(&local) < loss(&read("whole.json")));
    fs::write(folder.path().join("config.toml"), format!("local_recoding = true\n{CONFIG}")).unwrap();
    fs::remove_file(folder.path().join("safe.csv")).unwrap();
    assert!(refused(folder.path(), &["people.csv", "--check"]).contains("local_recoding"));
}

#[test]
fn a_table_is_only_looked_at() {
    let folder = folder(CONFIG);
    let said = good(&run(folder.path(), &["people.csv", "--check", "--report", "report.json"]));
    assert!(said.contains("300行のうち") && said.contains("do not hold for"), "{said}");
    assert!(folder.path().join("report.json").exists() && !folder.path().join("safe.csv").exists());
}

#[test]
fn files_of_other_kinds_are_read_the_same() {
    let folder = folder(CONFIG);
    good(&run(folder.path(), &["people.csv", "safe.csv"]));
    let people = fs::read_to_string(folder.path().join("people.csv")).unwrap();
    let expected = fs::read_to_string(folder.path().join("safe.csv")).unwrap();

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(people.as_bytes()).unwrap();
    fs::write(folder.path().join("people.csv.gz"), packed.finish().unwrap()).unwrap();
    good(&run(folder.path(), &["people.csv.gz", "a.csv"]));
    assert_eq!(fs::read_to_string(folder.path().join("a.csv")).unwrap(), expected);

    let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode(&people);
    fs::write(folder.path().join("sjis.csv"), japanese).unwrap();
    fs::write(folder.path().join("config.toml"), format!("encoding = \"shift_jis\"\n{CONFIG}")).unwrap();
    good(&run(folder.path(), &["sjis.csv", "b.csv.gz"]));
    let mut unpacked = String::new();
    let file = fs::File::open(folder.path().join("b.csv.gz")).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut unpacked).unwrap();
    assert_eq!(unpacked, expected);

    fs::write(folder.path().join("config.toml"), CONFIG).unwrap();
    fs::write(folder.path().join("tabs.csv"), format!("\u{feff}{}", people.replace(';', "\t"))).unwrap();
    good(&run(folder.path(), &["tabs.csv", "c.csv"]));
    assert_eq!(fs::read_to_string(folder.path().join("c.csv")).unwrap(), expected.replace(';', "\t"));

    fs::remove_file(folder.path().join("safe.csv")).unwrap();
    let said = refused(folder.path(), &["sjis.csv", "safe.csv"]);
    assert!(said.contains("sjis.csv") && said.contains("shift_jis"), "{said}");
}

#[test]
fn every_fault_is_told_with_its_place() {
    let with = |config: &str| folder(config);
    let missing = with(&CONFIG.replace("\"sex\"", "\"gender\""));
    let said = refused(missing.path(), &["people.csv", "safe.csv"]);
    assert!(
        said.contains("people.csv, line 1") && said.contains("'gender' is missing (found: age, sex"),
        "{said}"
    );

    let file = CONFIG.replace("hierarchy = \"ages\"", "hierarchy = { file = \"ages.csv\" }");
    let folder = with(&file);
    for (lines, told) in [
        ("20;20-29;*\n21;20-29\n", "ages.csv: line 2: it has 2 levels where the first row has 3"),
        ("20;20-29;*\n21;20-29;all\n", "ages.csv: line 2: '20-29' at level 1 leads to 'all'"),
        ("20;*\n20;*\n", "ages.csv: line 2: the value '20' stood in an earlier row"),
        ("", "ages.csv: it has no rows"),
        ("20;20-29;*\n", "the value is not in its hierarchy"),
    ] {
        fs::write(folder.path().join("ages.csv"), lines).unwrap();
        let said = refused(folder.path(), &["people.csv", "safe.csv"]);
        // The place, then the words in both languages.
        let (place, words) = told.rsplit_once(": ").unwrap_or(("", told));
        assert!(said.contains(place) && said.contains(words), "{said}");
    }

    let folder = with(CONFIG);
    let people = fs::read_to_string(folder.path().join("people.csv")).unwrap();
    fs::write(folder.path().join("people.csv"), people.replacen('\n', "\n20;男\n", 1)).unwrap();
    let said = refused(folder.path(), &["people.csv", "safe.csv"]);
    assert!(
        said.contains("people.csv, line 2") && said.contains("2 fields where the first line has 4"),
        "{said}"
    );
    fs::write(folder.path().join("people.csv"), people.replacen('\n', "\nold;男;千葉県柏市;E11\n", 1))
        .unwrap();
    let said = refused(folder.path(), &["people.csv", "safe.csv"]);
    assert!(
        said.contains("column 'age'")
            && said.contains("row 1 (the header not counted)")
            && said.contains("the value is not a whole number"),
        "{said}"
    );
    assert!(!said.contains("old"), "no value of a person in a message: {said}");

    for (config, told) in [
        (CONFIG.replace("k = 4", "k = 0"), "k is 0; it must be at least 1"),
        (CONFIG.replace("0.1", "1.1"), "the suppression limit is 1.1"),
        (CONFIG.replace("l = 2", "l = 2\nm = 3"), "unknown field"),
        (CONFIG.replace("[[sensitive]]\nname = \"diagnosis\"\n", ""), "which sensitive attribute"),
        ("keep = [\"age\"]\n".to_owned() + CONFIG, "'age' is named twice"),
        (
            CONFIG.replace("k = 4", "k = 400"),
            "no levels were found at which the models hold (that is proved)",
        ),
    ] {
        let folder = with(&config);
        let said = refused(folder.path(), &["people.csv", "safe.csv"]);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn small_cases_have_the_optimum_of_trying_everything() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("out.json");
    let output = musubi()
        .arg("--cases")
        .arg(cases().join("cases.json"))
        .arg("--data")
        .arg(cases())
        .arg("--json")
        .arg(&out)
        .output()
        .unwrap();
    good(&output);
    let compared = reference::compare(&cases().join("cases.json"), &out);
    assert_eq!(compared, 68, "cases in the file");
}
