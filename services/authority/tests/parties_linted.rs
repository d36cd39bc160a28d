//! The second hierarchy as pkilint reads it: the country's root and the authority for organisations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::PathBuf;
use std::process::Command;

use authority::Root;
use seal::x509::{Certificate, IssuerKey, KeyKind};
use words::Date;

#[test]
fn pkilint_finds_no_error_in_the_authorities_of_parties() {
    let Some(judges) = std::env::var_os("MUSUBI_CERTIFICATE_JUDGES").map(PathBuf::from) else {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "MUSUBI_CERTIFICATE_JUDGES is not set: run the tests by `cargo xtask test --install`");
        println!("needs pack: pkilint and cryptography_vectors of PyPI, by MUSUBI_CERTIFICATE_JUDGES");
        return;
    };
    let root = Root::generate().unwrap();
    let today = Date::parse("2026-11-22").unwrap();
    let mut all = vec![root.certificate(today).unwrap().1];
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let key = IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap();
        let der = root.certify_organisations(key.public(), today).unwrap();
        assert_eq!(Certificate::parse(&der).unwrap().key(), key.public());
        all.push(der);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.der");
    for der in &all {
        std::fs::write(&file, der).unwrap();
        let output = Command::new(judges.join("bin/lint_pkix_cert"))
            .args(["lint", "-s", "ERROR", "--document-format", "DER"])
            .arg(&file)
            .output()
            .expect("pkilint is not among the judges: `cargo xtask test --install` installs it");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
    }
}
