//! Measurements by name.

use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

use crate::{NOT_RUN, anonymity, cargo, cargo::Workspace, peer, postgres::Server};

/// Name, package, example that measures, what it measures.
const BENCHES: [(&str, &str, &str, &str); 8] = [
    (
        "anonymity",
        "anonymity",
        "anonymity_figures",
        "exact optimum beside the reference's figures; attack on several releases",
    ),
    (
        "authority",
        "seal",
        "certificate_figures",
        "OCSP answers beside the bare signing rate, pre-signed over HTTP, a list of a million entries, states of 100 million",
    ),
    ("conversion", "seal", "conversion_figures", "microseconds of a conversion and what goes with it"),
    (
        "inquiry",
        "tests",
        "inquiry",
        "server CPU, throughput and latency of a whole inquiry beside nginx carrying the same bodies (needs nginx-light)",
    ),
    (
        "ledger",
        "road",
        "ledger_figures",
        "what tree, checkpoints and witnesses cost beside plain group commit",
    ),
    ("match", "matching", "match_figures", "accuracy over five seeds; speed and memory beside Splink"),
    (
        "schemes",
        "conversion",
        "scheme_figures",
        "conversions of schemes 2, 3 and 6 beside bare AES-SIV, a bare statement and libpep; the issue of a million codes",
    ),
    ("store", "store", "store_figures", "inserts and look-ups per second on both engines"),
];

pub(crate) fn run(workspace: &Workspace, name: Option<&str>) -> anyhow::Result<ExitCode> {
    let found = name.and_then(|name| BENCHES.iter().find(|bench| bench.0 == name));
    let Some(&(_, package, example, _)) = found else {
        println!("cargo xtask bench NAME, with one of:");
        BENCHES.iter().for_each(|(name, .., what)| println!("    {name:<10} {what}"));
        return Ok(ExitCode::from(NOT_RUN));
    };
    let mut arguments: Vec<std::ffi::OsString> = Vec::new();
    if example == "inquiry" {
        let built = Command::new(cargo::program())
            .args([
                "build",
                "--release",
                "--locked",
                "--workspace",
                "--bin",
                "musubi",
                "--example",
                "inquiry",
            ])
            .current_dir(&workspace.root)
            .status()
            .context("building the rooms")?;
        ensure!(built.success(), "the build ended with {built}");
        arguments.extend(["--".into(), "--program".into(), workspace.binary("musubi").into()]);
        arguments.extend(["--folder".into(), workspace.target.join("bench-inquiry").into()]);
        let settings = "sampled:x-wing,unlisted:x-wing,all:x-wing,sampled:x25519,sampled:x-wing:2";
        arguments.extend(["--settings".into(), settings.into()]);
    }
    let server = Server::start()?;
    if example == "inquiry" {
        arguments.extend(["--postgres".into(), (&server.url).into()]);
    }
    let status = Command::new(cargo::program())
        .args(["run", "--release", "--quiet", "--locked", "--package", package, "--example", example])
        .args(arguments)
        .current_dir(&workspace.root)
        .env("MUSUBI_TEST_POSTGRES", &server.url)
        .status()
        .context("running the measurement")?;
    server.stop()?;
    ensure!(status.success(), "the measurement ended with {status}");
    match example {
        "anonymity_figures" => anonymity::run(workspace)?,
        "match_figures" => peer::run(workspace)?,
        "certificate_figures" => {
            states(workspace)?;
            ocsp_over_http(workspace)?;
            between_processes(workspace)?;
        }
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn states(workspace: &Workspace) -> anyhow::Result<()> {
    let status = Command::new(cargo::program())
        .args([
            "run",
            "--release",
            "--quiet",
            "--locked",
            "--package",
            "authority",
            "--example",
            "state_figures",
        ])
        .current_dir(&workspace.root)
        .status()
        .context("running the measurement of states")?;
    ensure!(status.success(), "the measurement ended with {status}");
    Ok(())
}

/// Revocations between processes, and the start over many certificates.
fn between_processes(workspace: &Workspace) -> anyhow::Result<()> {
    let built = Command::new(cargo::program())
        .args(["build", "--release", "--locked", "--workspace", "--bin", "musubi", "--example", "authority"])
        .current_dir(&workspace.root)
        .status()
        .context("building the rooms")?;
    ensure!(built.success(), "the build ended with {built}");
    let status = Command::new(workspace.target.join("release/examples/authority"))
        .arg("--program")
        .arg(workspace.binary("musubi"))
        .status()
        .context("running the measurement between processes")?;
    ensure!(status.success(), "the measurement ended with {status}");
    Ok(())
}

fn ocsp_over_http(workspace: &Workspace) -> anyhow::Result<()> {
    let common = ["--release", "--locked", "--workspace"];
    let built = Command::new(cargo::program())
        .arg("build")
        .args(common)
        .args(["--bin", "musubi", "--example", "ocsp"])
        .current_dir(&workspace.root)
        .status()
        .context("building the rooms")?;
    ensure!(built.success(), "the build ended with {built}");
    let status = Command::new(workspace.target.join("release/examples/ocsp"))
        .arg("--program")
        .arg(workspace.binary("musubi"))
        .arg("--folder")
        .arg(workspace.target.join("bench-ocsp"))
        .status()
        .context("running the measurement over HTTP")?;
    ensure!(status.success(), "the measurement ended with {status}");
    Ok(())
}
