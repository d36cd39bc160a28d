//! Secrets are worked on in constant time: operations whose time depends on their operands are named where they stand, with
//! the reason why no secret is among them.

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};

/// Where secrets are worked on.
const FOLDERS: [&str; 3] = ["floor/seal/src", "floor/conversion/src", "floor/card/src"];

/// What takes its time by its operands: curve25519-dalek's and crypto-bigint's own word for it, and its traits.
const WORDS: [&str; 4] = ["vartime", "Vartime", "verify_batch", "batch_verify"];

/// File, what the line holds, why no secret is among the operands.
const ALLOWED: [(&str, &str, &str); 2] = [
    ("floor/card/src/key.rs", "FixedMontyParams::new_vartime(modulus)", "an RSA modulus is public"),
    ("floor/card/src/key.rs", "signature.pow_vartime(", "a signature and the exponent 65537 are public"),
];

pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    let mut lines = 0;
    for folder in FOLDERS {
        for entry in fs::read_dir(root.join(folder)).with_context(|| format!("reading {folder}"))? {
            let path = entry?.path();
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            lines += text.lines().count();
            let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            faults.extend(found(&file, &text));
        }
    }
    ensure!(lines > 1_000, "only {lines} lines were looked at");
    println!("{lines} lines that work on secrets, {} exceptions", ALLOWED.len());
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("; ")) }
}

fn found(file: &str, text: &str) -> Vec<String> {
    let allowed = |line: &str| ALLOWED.iter().any(|(place, part, _)| *place == file && line.contains(part));
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(|(_, line)| WORDS.iter().any(|word| line.contains(word)) && !allowed(line))
        .map(|(number, _)| {
            format!("{file}:{number}: its time depends on its operands; say why none is secret")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_its_time_by_its_operands_is_found() {
        let code =
            "// vartime is named here alone\nlet c = RistrettoPoint::vartime_multiscalar_mul(&[s], &[p]);\n";
        assert_eq!(found("floor/seal/src/codes.rs", code).len(), 1);
        assert!(found("floor/seal/src/codes.rs", "let c = s * p;").is_empty());
    }
}
