//! Public cases with the optimum of a reference; they need the data pack.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Holds what was found against what is expected: the score to 1e-8, suppressed rows and classes at the expected levels.
/// Returns how many cases there were.
pub fn compare(cases: &Path, found: &Path) -> usize {
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let (cases, found) = (read(cases), read(found));
    let found = found.as_object().unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let Some(own) = found.get(id) else { continue };
        let expected = &case["expected"];
        let again = &own["at_expected_levels"];
        let score = expected["score"].as_f64().unwrap();
        for given in [&own["score"], &again["score"]] {
            let given = given.as_f64().unwrap();
            assert!((given - score).abs() <= 1e-8 * score.abs(), "{id}: {given} where {score} is expected");
        }
        assert_eq!(again["suppressed_rows"], expected["suppressed_rows"], "{id}");
        assert_eq!(again["classes"], expected["classes"], "{id}");
        assert_eq!(own["optimal"], true, "{id}");
    }
    found.len()
}

fn packs() -> Option<PathBuf> {
    let beside =
        || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(|folder| folder.join("shared"));
    let packs = std::env::var_os("MUSUBI_PACKS").map(PathBuf::from).or_else(beside);
    let found =
        packs.map(|packs| packs.join("anonymity")).filter(|folder| folder.join("cases.public.json").exists());
    if found.is_none() {
        println!("needs pack: set MUSUBI_PACKS to the folder that holds anonymity");
    }
    found
}

#[test]
fn public_cases_have_the_score_of_the_reference() {
    let Some(data) = packs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.json");
    let output = super::musubi()
        .arg("--cases")
        .arg(data.join("cases.public.json"))
        .arg("--data")
        .arg(&data)
        .arg("--json")
        .arg(&out)
        .output()
        .unwrap();
    super::good(&output);
    // All but the two on a table that is made; those are judged by the measurement.
    assert_eq!(compare(&data.join("cases.public.json"), &out), 47);
}
