//! Issuers' keys in a PKCS#11 token: SoftHSM, run in a process of its own, as it takes its place from the environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::Command;

use authority::{Root, Token, TokenConfig, TokenError};
use seal::x509::jpki::{self, Purpose};
use seal::x509::ocsp::Responder;
use seal::x509::party::{OperatorCertificate, PartyCertificate};
use seal::x509::timestamp::{Request, Stamper};
use seal::x509::{Certificate, Crl, CrlContent, Entries, Invalid, IssuerKey, KeyKind, Rules, Scope, Store};
use words::{Moment, PartyId};

const FOLDER: &str = "MUSUBI_TOKEN_TEST";

fn config(folder: &Path, label: &str) -> TokenConfig {
    let module = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
    let module = module.into_iter().map(PathBuf::from).find(|module| module.exists());
    let module = module.expect("SoftHSM is missing: `cargo xtask test --install` installs it");
    TokenConfig { module, label: label.into(), pin_file: folder.join("pin") }
}

/// Runs one of the tests below where SoftHSM finds its token.
fn in_a_token(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::create_dir(path.join("tokens")).unwrap();
    std::fs::write(path.join("pin"), "1234\n").unwrap();
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
        path.join("tokens").display()
    );
    std::fs::write(path.join("softhsm2.conf"), text).unwrap();
    let softhsm = path.join("softhsm2.conf");
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "musubi", "--so-pin", "4321", "--pin", "1234"])
        .env("SOFTHSM2_CONF", &softhsm)
        .output()
        .expect("SoftHSM is missing: `cargo xtask test --install` installs it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Twice: the second finds the keys that the first made.
    for _ in 0..2 {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env("SOFTHSM2_CONF", &softhsm)
            .env(FOLDER, path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
        assert!(run.status.success() && said.contains("1 passed"), "{said}");
    }
}

#[test]
fn a_token_keeps_an_authoritys_key() {
    in_a_token("inside_an_authority_signs");
}

#[test]
fn inside_an_authority_signs() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let token = Token::open(&config(&folder, "musubi"), &folder).unwrap();
    let [key, same, other] =
        ["signature-ca", "signature-ca", "authentication-ca"].map(|label| token.issuer(label).unwrap());
    assert!(key.public() == same.public() && key.public() != other.public());
    let known = folder.join("known");
    if known.exists() {
        assert_eq!(std::fs::read(&known).unwrap(), key.public().der(), "the key of the run before");
    }
    std::fs::write(&known, key.public().der()).unwrap();
    let now = Moment(1_795_000_000_000);
    let der = jpki::authority(Purpose::Signature, &key, [1; 16], now).unwrap();
    let certificate = Certificate::parse(&der).unwrap();
    let store = Store { anchors: vec![certificate.clone()], ..Store::default() };
    let mut rules = Rules::at(now);
    rules.revocation = false;
    assert!(store.validate(&certificate, &rules).is_ok());
    let stranger = jpki::authority(Purpose::Signature, &other, [2; 16], now).unwrap();
    let stranger = store.validate(&Certificate::parse(&stranger).unwrap(), &rules);
    assert_eq!(stranger.err(), Some(Invalid::NoPath));
}

#[test]
fn a_token_keeps_the_key_of_every_kind() {
    in_a_token("inside_every_kind_signs");
}

/// Each label that the room asks a token for, doing what the room does with it.
#[test]
fn inside_every_kind_signs() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let token = Token::open(&config(&folder, "musubi"), &folder).unwrap();
    let labels = ["signature-ca", "authentication-ca", "organisation-ca", "time-stamps"];
    let [signature, authentication, organisations, stamps] = labels.map(|label| token.issuer(label).unwrap());
    // The second run finds what the first one made; no two labels are one key.
    let all = [&signature, &authentication, &organisations, &stamps].map(|key| key.public().der().to_vec());
    let known = folder.join("known-keys");
    if known.exists() {
        assert_eq!(std::fs::read(&known).unwrap(), all.concat());
    }
    std::fs::write(&known, all.concat()).unwrap();
    assert!((0..4).all(|at| !all[..at].contains(&all[at])));

    let now = Moment(1_795_000_000_000);
    let new_key = |kind| IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap();
    let holds = |anchor: &Certificate, between: &[&Certificate], end: &[u8]| {
        let authorities = between.iter().map(|one| (*one).clone()).collect();
        let store = Store { anchors: vec![anchor.clone()], authorities, ..Store::default() };
        let mut rules = Rules::at(now);
        rules.revocation = false;
        store.validate(&Certificate::parse(end).unwrap(), &rules).is_ok()
    };
    // People's certificates and lists, and who answers for them.
    for (purpose, key) in [(Purpose::Signature, &signature), (Purpose::Authentication, &authentication)] {
        let authority = Certificate::parse(&jpki::authority(purpose, key, [1; 16], now).unwrap()).unwrap();
        let answering = new_key(KeyKind::Rsa2048);
        let times = (now, now.plus_ms(86_400_000));
        let by = (&authority, key);
        let der = Responder::certify([2; 16], by, &purpose.responder(), answering.public(), times).unwrap();
        assert!(holds(&authority, &[], &der));
        let content = CrlContent {
            issuer: authority.subject(),
            this_update: now,
            next_update: times.1,
            number: 1,
            scope: Scope::Authorities,
        };
        let list = Crl::parse(&content.sign(key, &Entries::default()).unwrap()).unwrap();
        assert!(list.verify(authority.key()).is_ok());
        assert!(list.verify(stamps.public()).is_err());
    }
    // Parties, their operators, time-stamps.
    let root = Root::generate().unwrap();
    let today = now.date_in_japan();
    let anchor = Certificate::parse(&root.certificate(today).unwrap().1).unwrap();
    let certified = root.certify_organisations(organisations.public(), today).unwrap();
    let authority = Certificate::parse(&certified).unwrap();
    let (by, end) = ((&authority, &organisations), new_key(KeyKind::P256));
    let party = PartyId::parse("town").unwrap();
    let (key, serial, not_before, not_after) = (end.public(), [3; 16], now, now.plus_ms(86_400_000));
    let of_party = PartyCertificate { party: &party, key, serial, not_before, not_after };
    let name = "operator";
    let of_operator = OperatorCertificate { party: &party, name, key, serial, not_before, not_after };
    let stamper = Stamper::certify([4; 16], by, stamps, now).unwrap();
    let ends = [of_party.sign(by).unwrap(), of_operator.sign(by).unwrap()];
    for der in ends.iter().map(Vec::as_slice).chain([stamper.certificate().der()]) {
        assert!(holds(&anchor, &[&authority], der));
        assert!(!holds(&anchor, &[], der), "without the authority between");
    }
    // What it stamps OpenSSL takes, and for nothing else.
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(&folder).output();
        output.expect("openssl is missing: `cargo xtask test --install` installs it")
    };
    std::fs::write(folder.join("root.pem"), root.certificate(today).unwrap().0).unwrap();
    for data in ["contract", "other"] {
        std::fs::write(folder.join(data), data).unwrap();
    }
    let query = ["ts", "-query", "-data", "contract", "-sha256", "-cert", "-out", "query.der"];
    assert!(openssl(&query).status.success());
    let request = Request::parse(&std::fs::read(folder.join("query.der")).unwrap()).unwrap();
    std::fs::write(folder.join("stamp.der"), stamper.stamp(&request, [5; 16], now).unwrap()).unwrap();
    let at = (now.0 / 1_000).to_string();
    for (data, good) in [("contract", true), ("other", false)] {
        let verify =
            ["ts", "-verify", "-data", data, "-in", "stamp.der", "-CAfile", "root.pem", "-attime", &at];
        let output = openssl(&verify);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.success(), good, "{data}: {said}");
    }
}

#[test]
fn what_is_wrong_with_a_token_is_said() {
    in_a_token("inside_wrong_things_are_said");
}

#[test]
fn inside_wrong_things_are_said() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let good = config(&folder, "musubi");
    let error = |config: &TokenConfig| Token::open(config, &folder).err().unwrap();
    let missing = TokenConfig { pin_file: "nowhere".into(), ..good.clone() };
    assert!(matches!(error(&missing), TokenError::Pin(..)));
    let no_module = TokenConfig { module: "/nowhere.so".into(), ..good.clone() };
    assert!(matches!(error(&no_module), TokenError::Token(..)));
    std::fs::write(folder.join("wrong"), "9999").unwrap();
    let wrong = TokenConfig { pin_file: "wrong".into(), ..good };
    let said = error(&wrong).to_string();
    assert!(said.contains("PIN") && !said.contains("9999"), "{said}");
}
