//! Which of our crates may stand on which: the arrows of ARCHITECTURE.md. A new arrow needs a line here and a decision
//! record.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde_json::Value;

/// Each crate of the floor and what it stands on, from the ground up.
const FLOOR: [(&str, &[&str]); 15] = [
    ("words", &[]),
    ("world", &[]),
    ("rules", &["words"]),
    ("matching", &["words"]),
    ("anonymity", &["words"]),
    ("card", &["words"]),
    ("seal", &["rules", "words"]),
    ("ledger", &["seal", "words"]),
    ("store", &["world"]),
    ("road", &["ledger", "rules", "seal", "store", "words", "world"]),
    ("wire", &["rules", "seal", "words", "world"]),
    ("protocol", &["rules", "seal", "wire", "words"]),
    ("pages", &["rules", "seal", "wire", "words", "world"]),
    ("house", &["ledger", "pages", "protocol", "road", "rules", "seal", "store", "wire", "words", "world"]),
    ("conversion", &["house", "protocol", "road", "rules", "seal", "store", "wire", "words", "world"]),
];

/// Where a crate stands, by its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Floor,
    Room,
    App,
    Demo,
    Tests,
    Fuzz,
    Xtask,
}

impl Place {
    fn of(folder: &str) -> Option<Place> {
        match folder.split('/').collect::<Vec<_>>().as_slice() {
            ["floor", _] => Some(Place::Floor),
            ["services", _] => Some(Place::Room),
            ["app"] => Some(Place::App),
            ["demo"] => Some(Place::Demo),
            ["tests"] => Some(Place::Tests),
            ["fuzz"] => Some(Place::Fuzz),
            ["xtask"] => Some(Place::Xtask),
            _ => None,
        }
    }
}

/// Whether a crate may stand on another.
fn is_allowed(from: (&str, Place), to: (&str, Place)) -> bool {
    match (from.1, to.1) {
        (Place::Floor, Place::Floor) => FLOOR.iter().any(|(name, on)| *name == from.0 && on.contains(&to.0)),
        // INVARIANT: a room never knows another room.
        (Place::Room, Place::Floor) => true,
        (Place::App, Place::Floor | Place::Room | Place::Demo) => true,
        (Place::Tests | Place::Fuzz, Place::Floor | Place::Room | Place::Demo | Place::App) => true,
        // Whole requests are changed at a running room.
        (Place::Tests, Place::Fuzz) => true,
        // The demo country knows nothing of the platform; xtask judges it from outside.
        _ => false,
    }
}

pub(crate) fn check(metadata: &Value) -> anyhow::Result<()> {
    let root = metadata.get("workspace_root").and_then(Value::as_str).context("no workspace root")?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let mut ours = BTreeMap::new();
    for package in packages.iter().filter(|package| package.get("source").is_none_or(Value::is_null)) {
        let name = package.get("name").and_then(Value::as_str).context("a package without name")?;
        let manifest =
            package.get("manifest_path").and_then(Value::as_str).context("a package without manifest")?;
        let folder = manifest.strip_prefix(root).map(|path| path.trim_start_matches('/'));
        let folder = folder.and_then(|path| path.strip_suffix("/Cargo.toml")).unwrap_or(manifest);
        let place =
            Place::of(folder).with_context(|| format!("{name} lies in {folder}, where no crate belongs"))?;
        ours.insert(name, (place, package));
    }
    let faults = faults(&ours);
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("; ")) }
}

fn faults(ours: &BTreeMap<&str, (Place, &Value)>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut arrows = 0;
    for (name, (place, package)) in ours {
        if *place == Place::Floor && !FLOOR.iter().any(|(known, _)| known == name) {
            faults.push(format!(
                "{name} is new on the floor: say in xtask/src/architecture.rs what it stands on"
            ));
        }
        let dependencies =
            package.get("dependencies").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for dependency in dependencies {
            let Some((on, (there, _))) = dependency
                .get("name")
                .and_then(Value::as_str)
                .filter(|_| dependency.get("path").is_some_and(Value::is_string))
                .and_then(|on| ours.get_key_value(on))
            else {
                continue;
            };
            arrows += 1;
            let in_tests = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            // Tests of the floor and of rooms need a clock and a place to write; nothing else more.
            let for_tests = in_tests && matches!(*on, "world" | "store") && *place != Place::Demo;
            if !for_tests && !is_allowed((name, *place), (on, *there)) {
                faults.push(format!("{name} must not depend on {on}"));
            }
        }
    }
    println!("{} crates of ours, {arrows} arrows", ours.len());
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn this_workspace_keeps_its_arrows() {
        let workspace = crate::cargo::Workspace::read().unwrap();
        check(&workspace.metadata).unwrap();
    }

    #[test]
    fn wrong_arrows_are_named() {
        let package = |name: &str, folder: &str, on: &[(&str, Option<&str>)]| {
            let on: Vec<_> =
                on.iter().map(|(name, kind)| json!({"name": name, "path": "x", "kind": kind})).collect();
            json!({"name": name, "source": null, "manifest_path": format!("/r/{folder}/Cargo.toml"), "dependencies": on})
        };
        let metadata = |packages: &[Value]| json!({"workspace_root": "/r", "packages": packages});
        let floor = [package("words", "floor/words", &[]), package("seal", "floor/seal", &[("words", None)])];
        let with = |more: Value| check(&metadata(&[&floor[..], &[more]].concat()));

        assert!(with(package("linkage", "services/linkage", &[("seal", None)])).is_ok());
        for (name, folder, on) in [
            ("rules", "floor/rules", "seal"),
            ("demo", "demo", "seal"),
            ("xtask", "xtask", "words"),
            ("surprise", "floor/surprise", "words"),
            ("lost", "elsewhere/lost", "words"),
        ] {
            let error = with(package(name, folder, &[(on, None)])).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        let rooms = [
            package("linkage", "services/linkage", &[]),
            package("trustee", "services/trustee", &[("linkage", Some("dev"))]),
        ];
        let error = check(&metadata(&rooms)).unwrap_err().to_string();
        assert_eq!(error, "trustee must not depend on linkage");
    }
}
