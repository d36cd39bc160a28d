//! Only permissive licences come in.

use anyhow::{Context, bail};
use serde_json::Value;

const PERMISSIVE: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    // MIT without its one condition; a judge of the tests alone stands on it.
    "MIT-0",
    "MPL-2.0",
    // aws-lc keeps code of OpenSSL's time.
    "OpenSSL",
    "Unicode-3.0",
    "Zlib",
];

pub(crate) fn check(metadata: &Value) -> anyhow::Result<()> {
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("no packages in cargo metadata")?;
    let mut wrong = Vec::new();
    for package in packages {
        let text = |field: &str| package.get(field).and_then(Value::as_str);
        let name = text("name").unwrap_or("?");
        match text("license") {
            Some(licence) if is_permissive(licence) => (),
            Some(licence) => wrong.push(format!("{name}: {licence}")),
            None => wrong.push(format!("{name}: names no licence")),
        }
    }
    println!("{} packages", packages.len());
    if wrong.is_empty() { Ok(()) } else { bail!("not permissive: {}", wrong.join("; ")) }
}

/// Whether an SPDX expression can be met with permissive licences alone. `/` is an old way to write OR.
fn is_permissive(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any(&mut words) && words.peek().is_none()
}

type Words<'a, 'b> = &'a mut std::iter::Peekable<std::str::SplitWhitespace<'b>>;

fn any(words: Words<'_, '_>) -> bool {
    let mut met = all(words);
    while words.next_if_eq(&"OR").is_some() {
        // No short cut: the words must be read either way.
        met |= all(words);
    }
    met
}

fn all(words: Words<'_, '_>) -> bool {
    let mut met = one(words);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words);
    }
    met
}

fn one(words: Words<'_, '_>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let met = any(words);
        return words.next_if_eq(&")").is_some() && met;
    }
    let met = words.next().is_some_and(|word| PERMISSIVE.contains(&word));
    // An exception only takes conditions away.
    if words.next_if_eq(&"WITH").is_some() {
        words.next();
    }
    met
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "MIT OR GPL-3.0-only",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
            "ISC AND (Apache-2.0 OR ISC) AND OpenSSL",
        ] {
            assert!(is_permissive(good), "{good}");
        }
        for bad in [
            "GPL-3.0-only",
            "AGPL-3.0",
            "MIT AND GPL-3.0-only",
            "(MIT OR ISC) AND LGPL-3.0",
            "",
            "(MIT",
            "MIT MIT",
        ] {
            assert!(!is_permissive(bad), "{bad}");
        }
    }
}
