//! Keys, PEM files and OpenSSL.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use seal::x509::{IssuerKey, KeyKind};

pub fn key(kind: KeyKind) -> IssuerKey {
    IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap()
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Runs OpenSSL in a folder; whether it succeeded, and all it said.
pub fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is missing: `cargo xtask test --install` installs it");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The judges that `cargo xtask` installs from PyPI: a Python environment with `pkilint` and `cryptography_vectors`. `None`, with a
/// word, where nobody asked for them.
pub fn judges() -> Option<PathBuf> {
    let folder = std::env::var_os("MUSUBI_CERTIFICATE_JUDGES").map(PathBuf::from);
    if folder.is_none() {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "MUSUBI_CERTIFICATE_JUDGES is not set: run the tests by `cargo xtask test --install`");
        println!("needs pack: pkilint and cryptography_vectors of PyPI, by MUSUBI_CERTIFICATE_JUDGES");
    }
    folder
}
