//! What cargo knows about the workspace, and running its tests.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// `cargo metadata`, format 1.
    pub(crate) metadata: Value,
}

pub(crate) fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Workspace {
    pub(crate) fn read() -> anyhow::Result<Workspace> {
        // Asked when running, not when compiled: checkouts may share a target folder.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask lies in the workspace")?.to_owned();
        let output = Command::new(program())
            .args(["metadata", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .context("running cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
        let target =
            metadata.get("target_directory").and_then(Value::as_str).context("no target directory")?.into();
        Ok(Workspace { root, target, metadata })
    }

    /// A program of ours, built by the tests before.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }
}

/// Seconds for each target of fuzz/.
const FUZZ_S: &str = "3";
const LONG_FUZZ_S: &str = "20";
/// Inquiries of each cause that a provider does not answer, for each of three seeds; the test itself takes fewer.
const ORACLE_SAMPLES: &str = "2000";
/// Random chains of certificates held against OpenSSL; the test itself takes fewer.
const CHAINS: &str = "2000";
/// Conversions timed for whether their time depends on the secret factors.
const TIMING_SAMPLES: &str = "200000";

/// Runs all tests, shows their output, and counts passed and failed ones.
pub(crate) fn test(
    workspace: &Workspace,
    postgres_url: &str,
    judges: &Path,
    long: bool,
) -> anyhow::Result<(u64, u64)> {
    // Built first, binaries too: the demo runs after the tests use them, and a broken build is told as such.
    build(workspace)?;
    let mut child = Command::new(program())
        .args(["test", "--release", "--workspace", "--no-fail-fast", "--locked"])
        .current_dir(&workspace.root)
        .env("MUSUBI_TEST_POSTGRES", postgres_url)
        .env("MUSUBI_CERTIFICATE_JUDGES", judges)
        .envs(long.then_some(("MUSUBI_CHAINS", CHAINS)))
        .env("MUSUBI_FUZZ_SECONDS", if long { LONG_FUZZ_S } else { FUZZ_S })
        .envs(long.then_some(("MUSUBI_ORACLE_SAMPLES", ORACLE_SAMPLES)))
        .envs(long.then_some(("MUSUBI_TIMING_SAMPLES", TIMING_SAMPLES)))
        .stdout(Stdio::piped())
        .spawn()
        .context("running cargo test")?;
    let output = child.stdout.take().context("no output of cargo test")?;
    let (mut passed, mut failed) = (0, 0);
    let mut shown = std::io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        shown.write_all(&line)?;
        shown.write_all(b"\n")?;
        if let Some((p, f)) = test_result(&String::from_utf8_lossy(&line)) {
            passed += p;
            failed += f;
        }
    }
    let status = child.wait()?;
    if !status.success() && failed == 0 {
        bail!(
            "cargo test ended with {status} and counted no failure: it did not compile, or a test ended its process"
        );
    }
    ensure!(passed > 0 || failed > 0, "cargo test ran nothing");
    Ok((passed, failed))
}

fn build(workspace: &Workspace) -> anyhow::Result<()> {
    let status = Command::new(program())
        .args(["build", "--release", "--workspace", "--locked"])
        .current_dir(&workspace.root)
        .status()
        .context("running cargo build")?;
    ensure!(status.success(), "the workspace does not build");
    Ok(())
}

/// Reads `test result: ok. 18 passed; 0 failed; …`.
fn test_result(line: &str) -> Option<(u64, u64)> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |word: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(word))
            .and_then(|number| number.trim().parse().ok())
    };
    Some((count("passed")?, count("failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_cargo_test_are_read() {
        let line =
            "test result: ok. 18 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.49s";
        assert_eq!(test_result(line), Some((18, 0)));
        let line =
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s";
        assert_eq!(test_result(line), Some((3, 2)));
        assert_eq!(test_result("test words::result ... ok"), None);
    }
}
