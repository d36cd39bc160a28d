//! Our own objects, read by OpenSSL: certificates of both kinds, lists, OCSP.

use seal::x509::jpki::{self, Attributes, Authority, Holders, Place, Purpose, Services, Sex};
use seal::x509::ocsp::{CertId, IssuerId, Request, Responder, Status, Times};
use seal::x509::{
    Certificate, Crl, CrlContent, Entries, Invalid, IssuerKey, KeyKind, RevocationReason, Rules, Scope, Store,
};
use words::{Date, Moment};

use crate::support::{key, openssl, pem};

pub fn now() -> Moment {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Moment(i64::try_from(seconds).unwrap() * 1_000)
}

fn place() -> Place {
    Place { prefecture: "Musubi-to".into(), municipality: "Musubi-shi".into(), code: "13221".into() }
}

fn attributes() -> Attributes {
    let birth = Date::parse("1980-02-17").unwrap();
    Attributes::as_they_are("結 花子", "東京都結市中央一丁目2番3号", birth, Sex::Female)
}

pub struct Scene {
    pub authority: Authority,
    holder: IssuerKey,
    pkcs8: Vec<u8>,
    pub der: Vec<u8>,
}

pub fn scene(purpose: Purpose, kind: KeyKind) -> Scene {
    let issuer = key(kind);
    let der = jpki::authority(purpose, &issuer, [7; 16], now()).unwrap();
    let authority = Authority { purpose, certificate: Certificate::parse(&der).unwrap(), key: issuer };
    let pkcs8 = IssuerKey::generate(KeyKind::Rsa2048).unwrap().to_vec();
    let holder = IssuerKey::from_pkcs8(&pkcs8).unwrap();
    let services = Services {
        ocsp: Some("http://ocsp.authority.example/".into()),
        statement: Some("http://authority.example/cps.html".into()),
    };
    let services = if purpose == Purpose::Signature { Services { ocsp: None, ..services } } else { services };
    let holders = Holders {
        key: holder.public(),
        place: &place(),
        attributes: &attributes(),
        serial: [0xA5; 16],
        now: now(),
        services: &services,
    };
    let der = authority.issue(&holders).unwrap();
    Scene { authority, holder, pkcs8, der }
}

pub fn list(scene: &Scene, entries: &Entries) -> Vec<u8> {
    let point = scene.authority.purpose.point(&place());
    let content = CrlContent {
        issuer: scene.authority.certificate.subject(),
        this_update: now(),
        next_update: now().plus_ms(30 * 86_400_000),
        number: 3,
        scope: Scope::Users(&point),
    };
    content.sign(&scene.authority.key, entries).unwrap()
}

#[test]
fn certificates_and_lists_are_openssls_too() {
    for (purpose, kind) in [
        (Purpose::Signature, KeyKind::Rsa2048),
        (Purpose::Authentication, KeyKind::Rsa2048),
        (Purpose::Signature, KeyKind::P256),
        (Purpose::Authentication, KeyKind::P256),
    ] {
        let scene = scene(purpose, kind);
        let certificate = Certificate::parse(&scene.der).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, label, der: &[u8]| {
            std::fs::write(folder.path().join(file), pem(label, der)).unwrap();
        };
        write("ca.pem", "CERTIFICATE", scene.authority.certificate.der());
        write("end.pem", "CERTIFICATE", &scene.der);
        let mut revoked = Entries::default();
        revoked.add(certificate.serial(), now(), RevocationReason::CertificateHold);
        for (entries, good) in [(Entries::default(), true), (revoked, false)] {
            let der = list(&scene, &entries);
            write("crl.pem", "X509 CRL", &der);
            let policy = match purpose {
                Purpose::Signature => "1.2.392.200149.8.5.1.0.20",
                Purpose::Authentication => "1.2.392.200149.8.5.1.0.30",
            };
            let (held, said) = openssl(
                folder.path(),
                &[
                    "verify",
                    "-x509_strict",
                    "-crl_check",
                    "-policy_check",
                    "-explicit_policy",
                    "-policy",
                    policy,
                    "-CAfile",
                    "ca.pem",
                    "-CRLfile",
                    "crl.pem",
                    "end.pem",
                ],
            );
            assert_eq!(held, good, "{said}");
            let store = Store {
                anchors: vec![scene.authority.certificate.clone()],
                authorities: vec![],
                lists: vec![Crl::parse(&der).unwrap()],
            };
            let rules = Rules::at(now()).for_policy(purpose.policy());
            let ours = store.validate(&certificate, &rules);
            assert_eq!(ours.is_ok(), good);
            if let Err(error) = ours {
                let Invalid::Revoked(cause) = error else { panic!("{error}") };
                assert_eq!(cause.reason(), RevocationReason::CertificateHold);
            }
            // The other kind's policy is not this one's.
            let [one, two] = Purpose::ALL;
            let other = if purpose == one { two } else { one };
            let rules = Rules::at(now()).for_policy(other.policy());
            assert!(store.validate(&certificate, &rules).is_err());
        }
        assert!(jpki::is_of(&certificate, purpose, &place()));
        let (_, text) = openssl(folder.path(), &["x509", "-in", "end.pem", "-noout", "-text"]);
        assert!(
            text.contains("X509v3 Certificate Policies: critical") && text.contains("OU = Musubi-to"),
            "{text}"
        );
    }
}

#[test]
fn a_contract_signed_with_the_certificate_verifies_as_cms() {
    let scene = scene(Purpose::Signature, KeyKind::Rsa2048);
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, bytes: &[u8]| std::fs::write(folder.path().join(file), bytes).unwrap();
    write("ca.pem", pem("CERTIFICATE", scene.authority.certificate.der()).as_bytes());
    write("end.pem", pem("CERTIFICATE", &scene.der).as_bytes());
    write("key.der", &scene.pkcs8);
    write("contract", b"a contract\n");
    let certificate = Certificate::parse(&scene.der).unwrap();
    let mut revoked = Entries::default();
    revoked.add(certificate.serial(), now(), RevocationReason::AffiliationChanged);
    let sign = ["cms", "-sign", "-binary", "-md", "sha256", "-in", "contract", "-signer", "end.pem"];
    let rest = ["-inkey", "key.der", "-keyform", "DER", "-outform", "DER", "-out", "contract.p7s"];
    assert!(openssl(folder.path(), &[&sign[..], &rest].concat()).0);
    for (entries, good) in [(Entries::default(), true), (revoked, false)] {
        let both =
            pem("CERTIFICATE", scene.authority.certificate.der()) + &pem("X509 CRL", &list(&scene, &entries));
        write("trusted.pem", both.as_bytes());
        let verify =
            ["cms", "-verify", "-binary", "-inform", "DER", "-in", "contract.p7s", "-content", "contract"];
        let rest = ["-CAfile", "trusted.pem", "-crl_check", "-purpose", "any", "-out", "read"];
        let (held, said) = openssl(folder.path(), &[&verify[..], &rest].concat());
        assert_eq!(held, good, "{said}");
    }
}

#[test]
fn a_signature_certificate_carries_the_four_attributes_and_the_other_none() {
    let signature = scene(Purpose::Signature, KeyKind::Rsa2048);
    let certificate = Certificate::parse(&signature.der).unwrap();
    assert_eq!(Attributes::of(&certificate), Some(attributes()));
    assert_eq!(certificate.key(), signature.holder.public());
    let other = scene(Purpose::Authentication, KeyKind::Rsa2048);
    assert_eq!(Attributes::of(&Certificate::parse(&other.der).unwrap()), None);
    for personal in ["結", "花子", "東京都", "19800217"] {
        let inside = |der: &[u8]| der.windows(personal.len()).any(|window| window == personal.as_bytes());
        assert!(inside(&signature.der) && !inside(&other.der), "{personal}");
    }
}

#[test]
fn openssl_asks_and_takes_the_answer() {
    for kind in [KeyKind::Rsa2048, KeyKind::P256] {
        let scene = scene(Purpose::Authentication, kind);
        let certificate = Certificate::parse(&scene.der).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, der: &[u8]| std::fs::write(folder.path().join(file), der).unwrap();
        write("ca.pem", pem("CERTIFICATE", scene.authority.certificate.der()).as_bytes());
        write("end.pem", pem("CERTIFICATE", &scene.der).as_bytes());
        let answering = key(kind);
        let certified = Responder::certify(
            [9; 16],
            (&scene.authority.certificate, &scene.authority.key),
            &Purpose::Authentication.responder(),
            answering.public(),
            (now(), now().plus_ms(86_400_000)),
        );
        let responder = Responder::new(answering, certified.unwrap());
        let issuer = IssuerId::of(&scene.authority.certificate);
        for hash in ["-sha1", "-sha256"] {
            let asked = ["ocsp", hash, "-issuer", "ca.pem", "-cert", "end.pem", "-reqout", "request.der"];
            assert!(openssl(folder.path(), &asked).0);
            let request = Request::parse(&std::fs::read(folder.path().join("request.der")).unwrap()).unwrap();
            assert!(request.nonce.is_some() && issuer.issued(&request.about[0]));
            assert_eq!(request.about[0].serial(), certificate.serial());
            for (status, word) in [
                (Status::Good, "end.pem: good"),
                (Status::Revoked(now(), RevocationReason::AffiliationChanged), "Reason: affiliationChanged"),
                (Status::Unknown, "end.pem: unknown"),
            ] {
                let times =
                    Times { produced: now(), this_update: now(), next_update: now().plus_ms(3_600_000) };
                let about: Vec<_> = request.about.iter().map(|id| (id.clone(), status)).collect();
                let answer = responder.answer(&about, times, request.nonce.as_deref()).unwrap();
                write("answer.der", &answer);
                // `-no_nonce` keeps the one that is in the request.
                let mut checked = vec![
                    "ocsp",
                    "-no_nonce",
                    hash,
                    "-issuer",
                    "ca.pem",
                    "-cert",
                    "end.pem",
                    "-CAfile",
                    "ca.pem",
                ];
                checked.extend(["-reqin", "request.der", "-respin", "answer.der"]);
                let (held, said) = openssl(folder.path(), &checked);
                assert!(held && said.contains("Response verify OK") && said.contains(word), "{said}");
                let nonce = request.nonce.as_deref().unwrap();
                assert!(answer.windows(nonce.len()).any(|window| window == nonce));
            }
        }
        // What is asked beforehand, in the form of RFC 5019.
        let id = CertId::of(&issuer, certificate.serial());
        assert!(issuer.issued(&id));
    }
}

/// Writes the corpus of the fuzz target `x509`, when `UPDATE_CORPUS` says so.
#[test]
fn the_corpus_is_made_of_good_objects() {
    if std::env::var_os("UPDATE_CORPUS").is_none() {
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/x509");
    let write = |file: &str, der: &[u8]| std::fs::write(folder.join(file), der).unwrap();
    let scene = scene(Purpose::Signature, KeyKind::P256);
    write("authority.der", scene.authority.certificate.der());
    write("signature.der", &scene.der);
    write("list.der", &list(&scene, &Entries::default()));
    write("authentication.der", &self::scene(Purpose::Authentication, KeyKind::Rsa2048).der);
    std::fs::write(folder.join("key.tmp"), IssuerKey::generate(KeyKind::P256).unwrap()).unwrap();
    let asked = ["req", "-new", "-key", "key.tmp", "-keyform", "DER", "-subj", "/", "-outform", "DER"];
    assert!(openssl(&folder, &[&asked[..], &["-out", "request.der"]].concat()).0);
    std::fs::remove_file(folder.join("key.tmp")).unwrap();
    let issuer = pem("CERTIFICATE", scene.authority.certificate.der());
    std::fs::write(folder.join("ca.tmp"), issuer).unwrap();
    std::fs::write(folder.join("end.tmp"), pem("CERTIFICATE", &scene.der)).unwrap();
    assert!(openssl(&folder, &["ocsp", "-issuer", "ca.tmp", "-cert", "end.tmp", "-reqout", "ocsp.der"]).0);
    ["ca.tmp", "end.tmp"].iter().for_each(|file| std::fs::remove_file(folder.join(file)).unwrap());
}
