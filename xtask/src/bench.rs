//! Measurements by name.

use std::{
    ffi::OsStr,
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};

use crate::{NOT_RUN, anonymity, cargo, cargo::Workspace, peer, postgres::Server};

/// Name, example that measures, what it measures.
const BENCHES: [(&str, &str, &str); 8] = [
    (
        "anonymity",
        "anonymity_figures",
        "exact optimum beside the reference's figures; attack on several releases",
    ),
    (
        "authority",
        "certificate_figures",
        "OCSP answers beside the bare signing rate, pre-signed over HTTP, a list of a million entries, states of 100 million",
    ),
    ("conversion", "conversion_figures", "microseconds of a conversion and what goes with it"),
    (
        "inquiry",
        "inquiry",
        "server CPU, throughput and latency of a whole inquiry beside nginx carrying the same bodies (needs nginx-light)",
    ),
    ("ledger", "ledger_figures", "what tree, checkpoints and witnesses cost beside plain group commit"),
    ("match", "match_figures", "accuracy over five seeds; speed and memory beside Splink"),
    (
        "schemes",
        "scheme_figures",
        "conversions of schemes 2, 3 and 6 beside bare AES-SIV, a bare statement and libpep; the issue of a million codes",
    ),
    ("store", "store_figures", "inserts and look-ups per second on both engines"),
];

pub(crate) fn run(workspace: &Workspace, name: Option<&str>) -> anyhow::Result<ExitCode> {
    let found = name.and_then(|name| BENCHES.iter().find(|bench| bench.0 == name));
    let Some(&(_, example, _)) = found else {
        println!("cargo xtask bench NAME, with one of:");
        BENCHES.iter().for_each(|(name, _, what)| println!("    {name:<10} {what}"));
        return Ok(ExitCode::from(NOT_RUN));
    };
    let server = Server::start()?;
    match example {
        "inquiry" => inquiry(workspace, &server)?,
        other => measure(workspace, other, Some(&server), &[])?,
    }
    server.stop()?;
    match example {
        "anonymity_figures" => anonymity::run(workspace)?,
        "match_figures" => peer::run(workspace)?,
        "certificate_figures" => {
            measure(workspace, "state_figures", None, &[])?;
            let (program, folder) = (workspace.binary("musubi"), workspace.target.join("bench-ocsp"));
            measure(
                workspace,
                "ocsp",
                None,
                &["--program".as_ref(), program.as_ref(), "--folder".as_ref(), folder.as_ref()],
            )?;
            // Revocations between processes, and the start over many certificates.
            measure(workspace, "authority", None, &["--program".as_ref(), program.as_ref()])?;
        }
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Whole inquiries under every setting, then with answers of X-Road's mix of sizes.
fn inquiry(workspace: &Workspace, server: &Server) -> anyhow::Result<()> {
    let settings = "sampled:x-wing,unlisted:x-wing,all:x-wing,sampled:x25519,sampled:x-wing:2";
    let (program, folder) = (workspace.binary("musubi"), workspace.target.join("bench-inquiry"));
    let rooms: [&OsStr; 4] = ["--program".as_ref(), program.as_ref(), "--folder".as_ref(), folder.as_ref()];
    let all: [&OsStr; 4] =
        ["--settings".as_ref(), settings.as_ref(), "--postgres".as_ref(), server.url.as_ref()];
    measure(workspace, "inquiry", Some(server), &[rooms, all].concat())?;
    let mix: [&OsStr; 3] = ["--mix".as_ref(), "--callers".as_ref(), "16,64".as_ref()];
    measure(workspace, "inquiry", Some(server), &[rooms.as_slice(), &mix].concat())
}

/// Builds the rooms and an example, of the whole workspace as the tests do (by itself it would have other features, and all of it
/// be built again), and runs the example.
fn measure(
    workspace: &Workspace,
    example: &str,
    server: Option<&Server>,
    arguments: &[&OsStr],
) -> anyhow::Result<()> {
    let built = Command::new(cargo::program())
        .args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "--workspace",
            "--bin",
            "musubi",
            "--example",
            example,
        ])
        .current_dir(&workspace.root)
        .status()
        .context("building the measurement")?;
    ensure!(built.success(), "the build ended with {built}");
    let status = Command::new(workspace.binary("examples").join(example))
        .args(arguments)
        .current_dir(&workspace.root)
        .envs(server.map(|server| ("MUSUBI_TEST_POSTGRES", &server.url)))
        .status()
        .context("running the measurement")?;
    ensure!(status.success(), "{example} ended with {status}");
    Ok(())
}
