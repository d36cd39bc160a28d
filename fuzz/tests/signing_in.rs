//! What browsers and authenticators send of passkeys, and transcripts of ceremonies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::Path;

use fuzz::{corpus, fuzz};
use musubi::root_ceremony::read_back;
use seal::webauthn::{Passkey, RelyingParty, UserVerification, enrol, verify};

fn of(name: &str) -> Vec<u8> {
    corpus("webauthn").into_iter().find(|(file, _)| file == name).unwrap().1
}

fn challenge(text: &str) -> Vec<u8> {
    words::B64::parse(text).unwrap().0
}

/// Whatever takes the place of one of the messages: the passkey that comes of it is the one that was made, and nobody signs in
/// with a signature of nothing.
#[test]
fn webauthn() {
    let site = RelyingParty { id: "example.org".into(), origin: "https://example.org".into() };
    let relaxed = UserVerification::Preferred;
    let (made, asked) = (
        challenge("AMMPt4UxxGTStncdq417YDwBFi8vpIa-pw8oOuVW4TA"),
        challenge("OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag"),
    );
    let (create, attestation) = (of("create.json"), of("attestation.cbor"));
    let good: Passkey = enrol(&site, &made, &create, &attestation, relaxed).unwrap();
    let (get, data) = (of("get.json"), of("data.bin"));
    fuzz("webauthn", |bytes| {
        if let Ok(passkey) = enrol(&site, &made, &create, bytes, relaxed) {
            // Make, attestation and counter may be another's: nobody signs them. The key fits its own signatures alone.
            assert_eq!(passkey.public.len(), 65);
            assert!((1..=1_023).contains(&passkey.credential.len()));
        }
        if let Ok(passkey) = enrol(&site, &made, bytes, &attestation, relaxed) {
            assert_eq!(passkey, good);
        }
        assert!(verify(&site, &asked, &good, (&get, &data, bytes), relaxed).is_err());
        assert!(verify(&site, &asked, &good, (bytes, &data, &[]), relaxed).is_err());
        assert!(verify(&site, &asked, &good, (&get, bytes, &[0x30]), relaxed).is_err());
    });
}

/// No transcript holds but the one that was signed.
#[test]
fn ceremony() {
    let all = corpus("ceremony");
    let nowhere = Path::new("/nonexistent");
    let whole = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::trim_end).map(str::to_owned);
    let good: Vec<String> = all.iter().filter_map(|(_, bytes)| whole(bytes)).collect();
    assert!(!good.is_empty() && good.iter().all(|text| read_back(text, nowhere).is_ok()));
    fuzz("ceremony", |bytes| {
        let Some(text) = whole(bytes) else { return };
        if read_back(&text, nowhere).is_ok() {
            assert!(same_lines(&text, &good), "holds, and nobody signed it");
        }
    });
}

/// All but the last line are those of a good one: they are what is signed. The last one says no more than that.
fn same_lines(text: &str, good: &[String]) -> bool {
    let body = |text: &str| text.rsplit_once('\n').map(|(body, _)| body.to_owned());
    good.iter().any(|good| body(good) == body(text))
}
