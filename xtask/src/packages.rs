//! Debian packages that tests need.

use std::{fs, process::Command};

use anyhow::{Context, ensure};

/// Package, a folder whose entries hold the file below, the file that shows it is installed.
const NEEDED: [(&str, &str, &str); 13] = [
    ("postgresql", "/usr/lib/postgresql", "bin/initdb"),
    // Judges of the card: readers without hardware, clients of real cards, a browser that logs in.
    ("pcscd", "/usr", "pcscd"),
    ("vsmartcard-vpcd", "/usr/lib/pcsc/drivers", "libifdvpcd.so"),
    ("iproute2", "/usr", "ip"),
    ("opensc", "/usr", "pkcs11-tool"),
    ("opensc-pkcs11", "/usr/lib", "opensc-pkcs11.so"),
    ("gnutls-bin", "/usr", "gnutls-cli"),
    ("openssl", "/usr", "openssl"),
    // A PKCS#11 token in software.
    ("softhsm2", "/usr/lib", "libsofthsm2.so"),
    // Judges of the interfaces and of certificates, from PyPI.
    ("python3-venv", "/usr/lib", "ensurepip/__init__.py"),
    ("chromium", "/usr", "chromium"),
    ("chromium-driver", "/usr", "chromedriver"),
    // Writes down, and lets fail, what a room asks of its disk.
    ("strace", "/usr", "strace"),
];

/// Whether everything is there; installs it if that was asked for, else says how.
pub(crate) fn are_there(install: bool) -> anyhow::Result<bool> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(_, folder, file)| !is_there(folder, file))
        .map(|(package, ..)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(true);
    }
    let names = missing.join(" ");
    if !install {
        println!("Missing Debian packages: {names}. Install them with");
        println!("    apt-get install -y --no-install-recommends {names}");
        println!("or run this again with --install.");
        return Ok(false);
    }
    println!("Installing Debian packages: {names}");
    let run = |arguments: &[&str]| -> anyhow::Result<bool> {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        Ok(command.status().context("running apt-get")?.success())
    };
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(&missing);
    // The package lists may be missing or old: fetched only if the first try fails.
    let installed = run(&arguments)? || (run(&["update"])? && run(&arguments)?);
    ensure!(installed, "apt-get could not install {names}");
    let still: Vec<_> = NEEDED.iter().filter(|(_, folder, file)| !is_there(folder, file)).collect();
    ensure!(still.is_empty(), "installed, but not found: {still:?}");
    Ok(true)
}

fn is_there(folder: &str, file: &str) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| entry.path().join(file).exists()))
}
