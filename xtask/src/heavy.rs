//! The workspace `heavy`: what would make the main one's cold build too long. Built, tested and judged by itself.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::{cargo, cargo::Workspace, licences};

fn cargo_in(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo::program());
    command.args(arguments).arg("--manifest-path").arg(workspace.root.join("heavy/Cargo.toml"));
    // A folder of its own, wherever the main one's is.
    command.env("CARGO_TARGET_DIR", workspace.root.join("heavy/target"));
    command
}

/// Builds and tests it; the tests of the main workspace call what is built here.
pub(crate) fn test(workspace: &Workspace) -> anyhow::Result<()> {
    let metadata = cargo_in(workspace, &["metadata", "--locked", "--format-version", "1"]);
    let metadata = { metadata }.stderr(Stdio::inherit()).output().context("running cargo metadata")?;
    ensure!(metadata.status.success(), "cargo metadata failed");
    licences::check(&serde_json::from_slice(&metadata.stdout)?)?;
    for arguments in
        [&["build", "--release", "--locked", "--quiet"][..], &["test", "--release", "--locked", "--quiet"]]
    {
        ensure!(
            cargo_in(workspace, arguments).status()?.success(),
            "cargo {} failed in heavy",
            arguments.join(" ")
        );
    }
    Ok(())
}
