//! NIST's Public Key Interoperability Test Suite: every case, held against what it expects.
//!
//! `docs/judge/pkits.md` lists each with its result; `UPDATE_SNAPSHOTS=1` writes it anew. The suite itself comes with the PyPI
//! package `cryptography_vectors`, which `cargo xtask` installs.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use seal::x509::{Certificate, Crl, Rules, Store, oid};
use words::{Date, Moment};

use crate::support::judges;

/// Cases that are not claimed, and why.
const NOT_CLAIMED: [(&str, &str); 2] = [
    ("4.1.4", "DSA is not taken: FIPS 186-5 withdrew it"),
    ("4.1.5", "DSA is not taken: FIPS 186-5 withdrew it"),
];

fn suite() -> Option<PathBuf> {
    let libraries = judges()?.join("lib");
    let python = std::fs::read_dir(&libraries).unwrap().find_map(|entry| {
        let packages = entry.unwrap().path().join("site-packages/cryptography_vectors/x509/PKITS_data");
        packages.exists().then_some(packages)
    });
    Some(python.expect("no PKITS_data among the judges: `cargo xtask test --install` installs them"))
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// `explicit`, `inhibit-mapping`, `inhibit-any`, numbers of NIST's test policies.
fn rules(settings: &str) -> Rules {
    let mut rules = Rules::at(Moment(Date::parse("2026-11-22").unwrap().days() * 86_400_000));
    for word in settings.split_whitespace().filter(|word| *word != "-") {
        match word {
            "explicit" => rules.explicit_policy = true,
            "inhibit-mapping" => rules.inhibit_mapping = true,
            "inhibit-any" => rules.inhibit_any = true,
            policies => {
                for policy in policies.split(',') {
                    rules.policies.push(oid::oid(&[
                        2,
                        16,
                        840,
                        1,
                        101,
                        3,
                        2,
                        1,
                        48,
                        policy.parse().unwrap(),
                    ]));
                }
            }
        }
    }
    rules
}

#[test]
fn every_case_of_pkits_ends_as_it_must() {
    let Some(folder) = suite() else { return };
    let mut store = Store::default();
    let mut ends = std::collections::BTreeMap::new();
    for (name, bytes) in files(&folder.join("certs")) {
        match Certificate::parse(&bytes) {
            Ok(anchor) if name == "TrustAnchorRootCertificate" => store.anchors.push(anchor),
            Ok(end) if name.ends_with("EE") => drop(ends.insert(name, Ok(end))),
            Ok(authority) => store.authorities.push(authority),
            // A certificate that cannot be read is as good as none.
            Err(error) => drop(ends.insert(name, Err(error))),
        }
    }
    store.lists =
        files(&folder.join("crls")).iter().filter_map(|(_, bytes)| Crl::parse(bytes).ok()).collect();
    assert!(store.authorities.len() > 150 && store.lists.len() > 150 && ends.len() > 200);
    let mut page = String::from(
        "# Certification paths: NIST PKITS, case by case\n\n\
         Written by the test `every_case_of_pkits_ends_as_it_must` of `floor/seal`. Settings: an explicit policy is demanded; mappings, or any\n\
         policy, count for nothing; numbers are NIST's test policies of which one is wanted.\n\n\
         | case | end entity | settings | expected | here | |\n|---|---|---|---|---|---|\n",
    );
    let (mut cases, mut wrong) = (0, Vec::new());
    for line in include_str!("pkits.tsv").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [case, name, settings, expected] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let result = match &ends[name] {
            Ok(end) => store.validate(end, &rules(settings)).map(|_| ()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let here = result.as_ref().map_or_else(|error| format!("invalid: {error}"), |()| "valid".into());
        let not_claimed = NOT_CLAIMED.iter().find(|(known, _)| *known == case);
        let right = result.is_ok() == (expected == "valid");
        let remark = match not_claimed {
            Some((_, why)) => format!("not claimed: {why}"),
            None if right => "as expected".into(),
            None => "WRONG".into(),
        };
        writeln!(page, "| {case} | {name} | {settings} | {expected} | {here} | {remark} |").unwrap();
        cases += 1;
        // What is not claimed must still be refused rather than taken by mistake.
        if !right && not_claimed.is_none() || not_claimed.is_some() && result.is_ok() {
            wrong.push(format!("{case} {name} {settings}: {expected}, here {here}"));
        }
    }
    assert_eq!(cases, 247);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/judge/pkits.md");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == page,
        "docs/judge/pkits.md is not what this run gives"
    );
}
