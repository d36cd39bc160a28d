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

/// A reference to a line of code in a text: `` `path/file.rs:12` ``, or with a name before, `` `inquire`
/// (`path/file.rs:12`) ``.
struct Reference<'a> {
    /// Where the line's number stands in the text, in bytes.
    number: std::ops::Range<usize>,
    file: &'a str,
    name: Option<&'a str>,
}

fn references(text: &str) -> Vec<Reference<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    for part in text.split('`') {
        parts.push((at, part));
        at += part.len() + 1;
    }
    let mut found = Vec::new();
    // Between back-ticks: every second part.
    for i in (1..parts.len()).step_by(2) {
        let Some((start, part)) = parts.get(i) else { continue };
        let Some(end) = part.find(".rs:").map(|end| end + 3) else { continue };
        let (Some(file), false) = (part.get(..end), part.contains(char::is_whitespace)) else { continue };
        let part_of = |back: usize| i.checked_sub(back).and_then(|i| parts.get(i)).map(|(_, part)| *part);
        let between = part_of(1).unwrap_or_default();
        let named = between.starts_with(char::is_whitespace) && between.trim() == "(";
        let name = part_of(2).filter(|_| named).map(|name| name.trim_end_matches("()"));
        found.push(Reference { number: start + end + 1..start + part.len(), file, name });
    }
    found
}

/// A reference must lead to a line that is there, and hold the name, if one is named.
fn broken_references(file: &Path, text: &str, root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for reference in references(text) {
        let at = text.get(..reference.number.start).unwrap_or_default().lines().count();
        let wanted = text.get(reference.number.clone()).unwrap_or_default();
        let code = fs::read_to_string(root.join(reference.file)).unwrap_or_default();
        let line = wanted.parse::<usize>().ok().and_then(|wanted| code.lines().nth(wanted.checked_sub(1)?));
        let place = format!("{}:{at}: {}:{wanted}", file.display(), reference.file);
        match (line.filter(|line| !line.trim().is_empty()), reference.name) {
            (None, _) => faults.push(format!("{place} leads nowhere")),
            (Some(line), Some(name)) if !line.contains(name) => {
                faults
                    .push(format!("{place} does not hold {name}; `cargo xtask tidy --lines` sets it right"));
            }
            _ => {}
        }
    }
    faults
}

/// Sets the lines of all named references to where the name is defined now. Says which names it did not find.
pub(crate) fn set_lines(root: &Path) -> anyhow::Result<()> {
    for file in files(root)?.iter().filter(|file| file.extension().is_some_and(|kind| kind == "md")) {
        let text = fs::read_to_string(root.join(file))?;
        let mut set = text.clone();
        // From the end, so that the places before stay where they are.
        for reference in references(&text).into_iter().rev() {
            let Some(name) = reference.name else { continue };
            let code = fs::read_to_string(root.join(reference.file)).unwrap_or_default();
            match defined_at(&code, name) {
                Some(line) => set.replace_range(reference.number, &line.to_string()),
                None => println!("{}: no {name} in {}", file.display(), reference.file),
            }
        }
        if set != text {
            fs::write(root.join(file), set)?;
            println!("{}: lines set", file.display());
        }
    }
    Ok(())
}

/// The line where a name is defined; where it is defined nowhere, the first that holds it.
fn defined_at(code: &str, name: &str) -> Option<usize> {
    let defines = |line: &str| {
        ["fn", "struct", "enum", "trait", "const", "static", "type", "mod"].iter().any(|word| {
            let rest = line.split_once(&format!("{word} {name}")).map(|(_, rest)| rest);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    let at = code.lines().position(defines).or_else(|| code.lines().position(|line| line.contains(name)));
    at.map(|at| at + 1)
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
        assert_eq!(check("`absent_name`\n  (`xtask/src/tidy.rs:1`)").len(), 1, "a name at the end of a line");
        assert_eq!(check("`xtask/src/tidy.rs:?`").len(), 1, "a line that is no number");
    }

    #[test]
    fn a_name_is_found_where_it_is_defined() {
        let code = "use x::find;\nfn find_all() {}\npub(crate) fn find() {}\n";
        assert_eq!(defined_at(code, "find"), Some(3));
        assert_eq!(defined_at(code, "x::find"), Some(1));
        assert_eq!(defined_at(code, "lost"), None);
    }
}
