//! The second hierarchy as pkilint reads it: the country's root, enrolments, the authority for organisations and all it certifies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::PathBuf;
use std::process::Command;

use authority::{PartyKey, Root};
use seal::x509::party::{OperatorCertificate, PartyCertificate};
use seal::x509::timestamp::Stamper;
use seal::x509::{Certificate, IssuerKey, KeyKind};
use words::{Date, Moment, PartyId};

#[test]
fn pkilint_finds_no_error_in_the_second_hierarchy() {
    let Some(judges) = std::env::var_os("MUSUBI_CERTIFICATE_JUDGES").map(PathBuf::from) else {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "MUSUBI_CERTIFICATE_JUDGES is not set: run the tests by `cargo xtask test --install`");
        println!("needs pack: pkilint and cryptography_vectors of PyPI, by MUSUBI_CERTIFICATE_JUDGES");
        return;
    };
    let root = Root::generate().unwrap();
    let today = Date::parse("2026-11-22").unwrap();
    let party = PartyId::parse("town").unwrap();
    let enrolled = root.certify(&party, &PartyKey::generate().unwrap().public(), today).unwrap();
    let mut all = vec![root.certificate(today).unwrap().1, enrolled.1];
    let new_key = |kind| IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap();
    // In a file, in a token.
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let key = new_key(kind);
        let der = root.certify_organisations(key.public(), today).unwrap();
        assert_eq!(Certificate::parse(&der).unwrap().key(), key.public());
        let authority = Certificate::parse(&der).unwrap();
        all.push(der);
        let (by, end) = ((&authority, &key), new_key(KeyKind::P256));
        let not_before = Moment(today.days() * 86_400_000);
        let (key, not_after) = (end.public(), not_before.plus_ms(86_400_000));
        let of_party = PartyCertificate { party: &party, key, serial: [5; 16], not_before, not_after };
        let name = "operator";
        let of_operator =
            OperatorCertificate { party: &party, name, key, serial: [6; 16], not_before, not_after };
        let stamper = Stamper::certify([7; 16], by, new_key(kind), not_before).unwrap();
        all.extend([of_party.sign(by).unwrap(), of_operator.sign(by).unwrap()]);
        all.push(stamper.certificate().der().to_vec());
    }
    assert_eq!(all.len(), 10);
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
