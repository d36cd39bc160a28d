//! Issuers' keys in a PKCS#11 token: SoftHSM, run in a process of its own, as it takes its place from the environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::Command;

use authority::{Token, TokenConfig, TokenError};
use seal::x509::jpki::{self, Purpose};
use seal::x509::{Certificate, Invalid, Rules, Store};
use words::Moment;

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
