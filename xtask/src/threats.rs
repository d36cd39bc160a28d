//! `docs/threats.md`: every line of the basis's tables and every protection requirement has a test, and each test is there.

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};

const FILE: &str = "docs/threats.md";
/// Lines of tables 22, 24, 26, and the requirements.
const LINES: [(&str, usize); 4] = [("22.", 18), ("24.", 15), ("26.", 15), ("R", 23)];

pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(root.join(FILE)).with_context(|| format!("reading {FILE}"))?;
    let mut faults = Vec::new();
    let mut tests = 0;
    for (kind, count) in LINES {
        for number in 1..=count {
            let start = format!("| {kind}{number} |");
            let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(&start)).collect();
            match lines.as_slice() {
                [line] => {
                    let named = named_tests(line);
                    if named.is_empty() {
                        faults.push(format!("{kind}{number} names no test"));
                    }
                    tests += named.len();
                    faults.extend(
                        named
                            .iter()
                            .filter(|(name, file)| !is_test(&root.join(file), name))
                            .map(|(name, file)| format!("{kind}{number}: {name} is no test of {file}")),
                    );
                }
                lines => faults.push(format!("{kind}{number} stands there {} times", lines.len())),
            }
        }
    }
    ensure!(tests > 0, "{FILE} names no test at all");
    println!("{tests} tests named for {} lines", LINES.iter().map(|(_, count)| count).sum::<usize>());
    if faults.is_empty() { Ok(()) } else { bail!("{FILE}: {}", faults.join("; ")) }
}

/// `` `name` (`path/file.rs:12`) ``: name and file of each.
fn named_tests(line: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = line.split('`').collect();
    let named = |window: &[&'_ str]| window.get(1).is_some_and(|between| *between == " (");
    let mut found = Vec::new();
    for window in parts.windows(3).filter(|window| named(window)) {
        if let [name, _, place] = window
            && let Some((file, _)) = place.rsplit_once(':')
        {
            found.push((*name, file));
        }
    }
    found
}

/// Whether the file has a function of that name with a test's attribute over it.
fn is_test(file: &Path, name: &str) -> bool {
    let Ok(code) = fs::read_to_string(file) else { return false };
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let defines = |line: &&str| {
        line.contains(&format!("fn {name}(")) && (line.starts_with("fn") || line.starts_with("async fn"))
    };
    let Some(at) = lines.iter().position(defines) else { return false };
    let above = lines.iter().take(at).rev().take_while(|line| !line.is_empty() && !line.ends_with('}'));
    above.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_a_tests() {
        let line = "| R1 | x | `a_name_must_be_a_tests` (`xtask/src/threats.rs:1`), `is_test` (`xtask/src/threats.rs:2`) |";
        let named = named_tests(line);
        assert_eq!(named.len(), 2);
        let root = crate::cargo::Workspace::read().unwrap().root;
        let is = |(name, file): &(&str, &str)| is_test(&root.join(file), name);
        assert_eq!(named.iter().map(is).collect::<Vec<_>>(), [true, false]);
        assert!(!is_test(&root.join("xtask/src/threats.rs"), "named_test"));
    }
}
