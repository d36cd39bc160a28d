//! What was signed or sealed holds as it was, and in no other form.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use fuzz::{corpus, fuzz};
use seal::{
    Dice, EncryptedCode, Guard, GuardContext, GuardOpener, Jws, KeyFolder, KeyProof, PublicPoint, SealingKey,
    StorageKey, Suite, Typ, VerifyKey,
};
use words::{ActId, B64, PartyId};

const INQUIRY: Typ = Typ("musubi-inquiry+jws");

fn vector(name: &str, field: &str) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol/vectors/").to_owned() + name;
    let text = std::fs::read_to_string(file).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value.pointer(field).unwrap().as_str().unwrap().to_owned()
}

fn dice() -> Dice {
    let world = world::World::simulated(1, 0);
    Dice::new(move |buffer| world.fill(buffer))
}

#[test]
fn jws() {
    let key = VerifyKey::from_bytes(&B64::parse(&vector("jws.json", "/verify_key")).unwrap().0).unwrap();
    let town = PartyId::parse("town").unwrap();
    let good: Vec<String> =
        corpus("jws").into_iter().map(|(_, text)| String::from_utf8(text).unwrap()).collect();
    for text in &good {
        assert!(Jws::parse(text).unwrap().verify(&town, &key, INQUIRY).is_ok());
    }
    fuzz("jws", |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        // As it comes inside a message, without any look at its form.
        let jws: Jws = serde_json::from_value(serde_json::Value::from(text)).unwrap();
        let _ = (jws.claimed_party(), jws.hash());
        if jws.verify(&town, &key, INQUIRY).is_ok() {
            assert!(good.iter().any(|good| good == text), "verifies, and nobody signed it");
        }
        if let Some(parsed) = Jws::parse(text) {
            assert_eq!(parsed.as_str(), text);
        }
    });
}

#[test]
fn points() {
    fuzz("points", |bytes| {
        if let Ok(code) = EncryptedCode::from_bytes(bytes) {
            assert_eq!(code.to_bytes().as_slice(), bytes, "one code, one form");
        }
        if let Ok(point) = PublicPoint::from_bytes(bytes) {
            assert_eq!(point.to_bytes().as_slice(), bytes);
        }
        if let Ok(key) = VerifyKey::from_bytes(bytes) {
            assert_eq!(key.to_bytes().as_slice(), bytes);
        }
        let point = |at: usize| PublicPoint::from_bytes(bytes.get(at..at + 32)?).ok();
        if let (Some(commitment), Some(key), Some(proof)) = (point(0), point(32), bytes.get(64..)) {
            let claim = KeyProof { commitment, key, proof: proof.into() };
            assert!(
                claim.verify(&key).is_err() && claim.verify(&commitment).is_err(),
                "a proof from nothing"
            );
        }
    });
}

#[test]
fn sealed() {
    let folder = tempfile::tempdir().unwrap();
    let seed = |at: usize| vector("hpke.json", &format!("/messages/{at}/seed"));
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&seed(0)[at * 2..at * 2 + 2], 16).unwrap()).collect();
    assert_eq!(seed(0), seed(1));
    let keys = KeyFolder::new(folder.path());
    keys.write("sealing.key", format!("musubi-sealing-key-v1 {}\n", B64::from(&bytes).text()).as_bytes())
        .unwrap();
    let opens = [Suite::XWing, Suite::X25519].map(|suite| keys.sealing(suite, None).unwrap());
    let good = corpus("sealed");
    for (name, message) in &good {
        let open = |key: &SealingKey| key.open(b"musubi/answer/v1", b"act", message).is_ok();
        assert!(opens.iter().any(open), "corpus/sealed/{name}");
    }
    let storage = StorageKey::generate(&dice());
    let act = ActId::new([1; 16]);
    let pair = GuardContext::new(&opens[0].public(), "town>tax>session", &dice()).unwrap();
    let guard = pair.seal(&act, "1983-05-18F", &dice());
    let guard_key = GuardOpener::key(&opens[0], "town>tax>session", &guard).unwrap();
    fuzz("sealed", |bytes| {
        for key in &opens {
            if key.open(b"musubi/answer/v1", b"act", bytes).is_ok() {
                assert!(good.iter().any(|(_, good)| good == bytes), "opens, and nobody sealed it");
            }
        }
        assert!(storage.open("act", b"row", "reply", bytes).is_err());
        let forged = Guard { pair: bytes.into(), sealed: bytes.into() };
        assert!(GuardOpener::open(&guard_key, &act, &forged).is_err());
        assert!(GuardOpener::key(&opens[0], "town>tax>session", &forged).is_err());
    });
}

#[test]
fn keys() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::new(folder.path());
    fuzz("keys", |bytes| {
        for name in
            ["signing.key", "sealing.key", "storage.key", "person.key", "transcryptor.key", "inner.keys"]
        {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let wrong = [
            keys.signing(None).err(),
            keys.sealing(Suite::XWing, None).err(),
            keys.storage(&dice(), false).err(),
            keys.person(None).err(),
            keys.transcryptor().err(),
        ];
        for error in wrong.into_iter().flatten() {
            // The file's name, never its content.
            assert!(error.to_string().len() < 300);
        }
        let _ = wire::InnerKeys::read(&keys);
        let _ = wire::TlsIdentity::from_pem(bytes, bytes, bytes);
    });
}
