//! Checks of the text itself, which need no compiler.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};

/// A file longer than this is named in the report.
const LONG: usize = 400;
/// A file longer than this is a fault: it has more than one subject.
const TOO_LONG: usize = 1000;

/// What reads the real clock or the real entropy; only `floor/world` may, and xtask and tests, which judge from outside.
const WORLD_ONLY: [&str; 8] = [
    "SystemTime::now",
    "Instant::now",
    "UnixTime::now",
    "thread_rng",
    "rand::rng()",
    "OsRng",
    "SysRng",
    "getrandom::",
];

/// Left behind by somebody who meant to come back.
const UNFINISHED: [&str; 3] = ["todo!(", "unimplemented!(", "dbg!("];

/// Folders of people and machines.
const PLACES: [&str; 4] = ["/home/", "/root/", "/Users/", "../shared/"];

pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let files = files(root)?;
    let mut faults = Vec::new();
    let mut long = Vec::new();
    for file in &files {
        // What is not text is data.
        let Ok(text) = fs::read_to_string(root.join(file)) else { continue };
        faults.extend(faults_in(file, &text, root));
        let lines = text.lines().count();
        if is_rust(file) && lines > LONG {
            long.push((lines, file));
        }
        if is_rust(file) && lines > TOO_LONG {
            faults.push(format!("{}: {lines} lines; split it by subject", file.display()));
        }
        if file.extension().is_some_and(|kind| kind == "md") {
            faults.extend(broken_references(file, &text, root));
        }
    }
    long.sort_unstable();
    for (lines, file) in long.iter().rev() {
        println!("long: {} ({lines} lines)", file.display());
    }
    println!("{} files", files.len());
    if faults.is_empty() { Ok(()) } else { bail!("{} faults\n  {}", faults.len(), faults.join("\n  ")) }
}

/// What git keeps or would keep.
fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("running git ls-files")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
    let mut files: Vec<PathBuf> =
        names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    files.dedup();
    Ok(files)
}

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|kind| kind == "rs")
}

fn faults_in(file: &Path, text: &str, root: &Path) -> Vec<String> {
    // The lists above would find themselves.
    if file.ends_with("xtask/src/tidy.rs") {
        return Vec::new();
    }
    let root = root.display().to_string();
    let mut faults = Vec::new();
    // Tests and examples decide nothing by the clock, and may throw dice.
    let mut apart = ["floor/world", "xtask", "tests"].iter().any(|folder| file.starts_with(folder))
        || file.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "examples")));
    for (number, line) in (1..).zip(text.lines()) {
        apart |= line == "#[cfg(test)]";
        let mut fault = |what: &str| faults.push(format!("{}:{number}: {what}", file.display()));
        if PLACES.iter().any(|place| line.contains(place)) || (root.len() > 4 && line.contains(&root)) {
            fault("a path of somebody's machine");
        }
        if !is_rust(file) || line.trim_start().starts_with("//") {
            continue;
        }
        if let Some(word) = WORLD_ONLY.iter().find(|word| !apart && line.contains(*word)) {
            fault(&format!("{word}: only floor/world asks the real clock and entropy"));
        }
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(*word)) {
            fault(&format!("{word}…): unfinished"));
        }
    }
    faults
}

/// References to a line of code, `` `path/file.rs:12` ``, must lead somewhere; with a name before, `` `inquire`
/// (`path/file.rs:12`) ``, the line must hold the name.
fn broken_references(file: &Path, text: &str, root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let parts: Vec<&str> = line.split('`').collect();
        // Between back-ticks: every second part.
        for at in (1..parts.len()).step_by(2) {
            let Some((path, wanted)) = parts.get(at).and_then(|part| part.split_once(".rs:")) else {
                continue;
            };
            let Ok(wanted) = wanted.parse::<usize>() else { continue };
            let target = format!("{path}.rs");
            let code = fs::read_to_string(root.join(&target)).unwrap_or_default();
            let Some(shown) =
                code.lines().nth(wanted.saturating_sub(1)).filter(|shown| !shown.trim().is_empty())
            else {
                faults.push(format!("{}:{number}: {target}:{wanted} leads nowhere", file.display()));
                continue;
            };
            let before = at.checked_sub(1).and_then(|between| parts.get(between));
            let name = at.checked_sub(2).and_then(|name| parts.get(name));
            if let (Some(&" ("), Some(name)) = (before, name)
                && !shown.contains(name.trim_end_matches("()"))
            {
                faults.push(format!("{}:{number}: {target}:{wanted} does not hold {name}", file.display()));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(file: &str, text: &str) -> Vec<String> {
        faults_in(Path::new(file), text, Path::new("/srv/build/musubi"))
    }

    #[test]
    fn clock_and_entropy_are_asked_in_one_place() {
        let line = "let now = SystemTime::now();";
        assert_eq!(faults("floor/seal/src/lib.rs", line).len(), 1);
        assert!(faults("floor/world/src/clock.rs", line).is_empty());
        assert!(faults("floor/seal/tests/codes.rs", line).is_empty());
        assert!(faults("floor/seal/src/lib.rs", &format!("#[cfg(test)]\nmod tests {{ {line} }}")).is_empty());
        assert!(faults("floor/seal/src/lib.rs", "// not SystemTime::now").is_empty());
        assert!(faults("docs/clock.md", line).is_empty());
    }

    #[test]
    fn unfinished_work_and_paths_of_a_machine_are_found() {
        assert_eq!(faults("app/src/main.rs", "    todo!()").len(), 1);
        assert_eq!(faults("README.md", "see /home/ann/musubi").len(), 1);
        assert_eq!(faults("README.md", "cd /srv/build/musubi/app").len(), 1);
        assert!(faults("README.md", "cd musubi && cargo run --release").is_empty());
    }

    #[test]
    fn references_lead_to_their_line() {
        let root = crate::cargo::Workspace::read().unwrap().root;
        let root = root.as_path();
        let check = |text: &str| broken_references(Path::new("x.md"), text, root);
        assert!(check("`//!` (`xtask/src/tidy.rs:1`)").is_empty());
        assert_eq!(check("`xtask/src/tidy.rs:99999`").len(), 1);
        assert_eq!(check("`xtask/src/nothing.rs:1`").len(), 1);
        assert_eq!(check("`absent_name()` (`xtask/src/tidy.rs:1`)").len(), 1);
    }
}
