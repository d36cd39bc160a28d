//! Judges of certificates from PyPI, pinned, in an environment of their own under target: `pkilint` reads certificates,
//! revocation lists and OCSP answers against their standards, `cryptography_vectors` carries NIST's path validation suite.

use std::{path::PathBuf, process::Command};

use anyhow::ensure;

use crate::cargo::Workspace;

const PACKAGES: [&str; 2] = ["pkilint==0.13.3", "cryptography_vectors==50.0.2"];

/// The environment's folder; makes what is missing.
pub(crate) fn judges(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.target.join("judges-of-certificates");
    let python = folder.join("bin/python");
    if !python.exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
        ensure!(
            made.is_ok_and(|status| status.success()),
            "the judges of certificates need Python 3 with venv (Debian: apt-get install python3-venv)"
        );
    }
    let mut install = Command::new(python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    ensure!(install.status()?.success(), "pip could not install {}", PACKAGES.join(", "));
    Ok(folder)
}
