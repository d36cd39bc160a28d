//! Every kind of certificate, list and answer of ours, read by pkilint: no finding of the weight of an error or more.

use std::process::Command;

use seal::x509::jpki::Purpose;
use seal::x509::ocsp::{CertId, IssuerId, Responder, Status, Times};
use seal::x509::party::{OperatorCertificate, PartyCertificate};
use seal::x509::timestamp::Stamper;
use seal::x509::{Certificate, CrlContent, Entries, KeyKind, RevocationReason, Scope};

use words::PartyId;

use crate::profile::{list, now, scene};
use crate::support::{judges, key};

#[test]
fn pkilint_finds_no_error() {
    let Some(judges) = judges() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("object.der");
    let mut seen = 0;
    let mut lint = |program: &str, arguments: &[&str], der: &[u8]| {
        std::fs::write(&file, der).unwrap();
        let output = Command::new(judges.join("bin").join(program))
            .args(["lint", "-s", "ERROR", "--document-format", "DER"])
            .args(arguments)
            .arg(&file)
            .output()
            .expect("pkilint is not among the judges: `cargo xtask test --install` installs it");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        // It ends with the number of findings.
        assert!(output.status.success(), "{program}: {said}");
        seen += 1;
    };
    for purpose in Purpose::ALL {
        let scene = scene(purpose, KeyKind::Rsa2048);
        let authority = &scene.authority;
        lint("lint_pkix_cert", &[], authority.certificate.der());
        lint("lint_pkix_cert", &[], &scene.der);
        let answering = key(KeyKind::P256);
        let (from, until) = (now(), now().plus_ms(86_400_000));
        let by = (&authority.certificate, &authority.key);
        let certificate =
            Responder::certify([9; 16], by, &purpose.responder(), answering.public(), (from, until)).unwrap();
        lint("lint_pkix_cert", &[], &certificate);
        let party = PartyId::parse("town").unwrap();
        let of_party = PartyCertificate {
            party: &party,
            key: answering.public(),
            serial: [5; 16],
            not_before: from,
            not_after: until,
        };
        lint("lint_pkix_cert", &[], &of_party.sign(by).unwrap());
        let of_operator = OperatorCertificate {
            party: &party,
            name: "clerk-01",
            key: of_party.key,
            serial: [8; 16],
            not_before: from,
            not_after: until,
        };
        lint("lint_pkix_cert", &[], &of_operator.sign(by).unwrap());
        let stamper = Stamper::certify([6; 16], by, key(KeyKind::P256), from).unwrap();
        lint("lint_pkix_cert", &[], stamper.certificate().der());
        let serial = Certificate::parse(&scene.der).unwrap().serial().to_vec();
        let mut entries = Entries::default();
        entries.add(&serial, now(), RevocationReason::AffiliationChanged);
        for entries in [Entries::default(), entries] {
            lint("lint_crl", &["-t", "CRL", "-p", "PKIX"], &list(&scene, &entries));
        }
        let content = CrlContent {
            issuer: authority.certificate.subject(),
            this_update: from,
            next_update: until,
            number: 1,
            scope: Scope::Authorities,
        };
        lint(
            "lint_crl",
            &["-t", "ARL", "-p", "PKIX"],
            &content.sign(&authority.key, &Entries::default()).unwrap(),
        );
        let responder = Responder::new(answering, certificate);
        let id = CertId::of(&IssuerId::of(&authority.certificate), &serial);
        let times = Times { produced: from, this_update: from, next_update: until };
        for status in [
            Status::Good,
            Status::Revoked(now(), RevocationReason::CertificateHold),
            Status::Revoked(now(), RevocationReason::Unspecified),
            Status::Unknown,
        ] {
            for nonce in [None, Some(&[7u8; 32][..])] {
                let answer = responder.answer(&[(id.clone(), status)], times, nonce).unwrap();
                lint("lint_ocsp_response", &[], &answer);
            }
        }
    }
    assert_eq!(seen, 34);
}
