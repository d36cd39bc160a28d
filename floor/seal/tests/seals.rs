//! Signatures, sealed messages, guards and key files: what they hold, and how they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use proptest::prelude::*;
use seal::*;
use words::*;

fn dice() -> Dice {
    Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer))
}
fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}
const INQUIRY: Typ = Typ("musubi-inquiry+jws");
const REPLY: Typ = Typ("musubi-reply+jws");

#[test]
fn a_signature_holds_for_one_party_one_kind_and_the_exact_bytes() {
    let key = SigningKey::generate(&dice());
    let other = SigningKey::generate(&dice());
    let jws = key.sign(&party("town"), INQUIRY, br#"{"a":1}"#);
    assert_eq!(jws.claimed_party().unwrap(), party("town"));
    assert_eq!(jws.verify(&party("town"), &key.verify_key(), INQUIRY).unwrap(), br#"{"a":1}"#);
    assert_eq!(jws.verify(&party("town"), &other.verify_key(), INQUIRY), Err(SealError::BadSignature));
    assert_eq!(jws.verify(&party("tax"), &key.verify_key(), INQUIRY), Err(SealError::NotJws));
    assert_eq!(jws.verify(&party("town"), &key.verify_key(), REPLY), Err(SealError::NotJws));
    for at in 0..jws.as_str().len() {
        let mut text = jws.as_str().as_bytes().to_vec();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(text).unwrap();
        let changed: Jws = serde_json::from_value(serde_json::Value::String(text)).unwrap();
        assert!(
            changed.verify(&party("town"), &key.verify_key(), INQUIRY).is_err(),
            "byte {at} changed and not found"
        );
    }
}

#[test]
fn headers_with_other_algorithms_or_fields_are_refused() {
    let key = SigningKey::generate(&dice());
    let body = B64::from(b"{}").text();
    let headers = [
        r#"{"alg":"none","kid":"town","typ":"musubi-inquiry+jws"}"#,
        r#"{"alg":"HS256","kid":"town","typ":"musubi-inquiry+jws"}"#,
        r#"{"alg":"EdDSA","kid":"town","typ":"musubi-inquiry+jws","crit":["x"]}"#,
        r#"{"alg":"EdDSA","typ":"musubi-inquiry+jws"}"#,
    ];
    for header in headers {
        let text = format!("{}.{body}.{}", B64::from(header.as_bytes()).text(), B64::from([0u8; 64]).text());
        let jws: Jws = serde_json::from_value(serde_json::Value::String(text)).unwrap();
        assert_eq!(jws.verify(&party("town"), &key.verify_key(), INQUIRY), Err(SealError::NotJws));
    }
    assert!(VerifyKey::from_bytes(&[0; 32]).is_err(), "a key of small order is no key");
}

#[test]
fn sealed_messages_open_for_one_key_one_conversation() {
    for suite in [Suite::XWing, Suite::X25519] {
        let dice = dice();
        let key = SealingKey::generate(suite, &dice);
        let sealed = key.public().seal(b"info", b"aad", b"content", &dice).unwrap();
        let opened = key.open(b"info", b"aad", &sealed.bytes).unwrap();
        assert_eq!(opened.plaintext, b"content");
        assert_eq!(opened.salt, sealed.salt, "both ends derive the same salt of item 11");
        assert!(key.open(b"other", b"aad", &sealed.bytes).is_err());
        assert!(key.open(b"info", b"other", &sealed.bytes).is_err());
        assert!(SealingKey::generate(suite, &dice).open(b"info", b"aad", &sealed.bytes).is_err());
        for cut in [0, 1, 31, sealed.bytes.len() - 1] {
            assert!(key.open(b"info", b"aad", &sealed.bytes[..cut]).is_err());
        }
        let mut changed = sealed.bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(key.open(b"info", b"aad", &changed).is_err());
    }
}

#[test]
fn a_guard_agrees_with_its_own_person_and_act_alone() {
    let dice = dice();
    let provider = SealingKey::generate(Suite::XWing, &dice);
    let context =
        GuardContext::new(&provider.public(), "town>tax-agency>sc/v1/town/20261122/0", &dice).unwrap();
    let (id, other) = (ActId::new([1; 16]), ActId::new([2; 16]));
    let guard = context.seal(&id, "1980-01-02F", &dice);
    let key = GuardOpener::key(&provider, "town>tax-agency>sc/v1/town/20261122/0", &guard).unwrap();
    let opened = GuardOpener::open(&key, &id, &guard).unwrap();
    assert!(opened.agrees("1980-01-02F"));
    assert!(!opened.agrees("1980-01-02M") && !opened.agrees("1980-01-03F") && !opened.agrees(""));
    assert!(GuardOpener::open(&key, &other, &guard).is_err(), "a guard cannot be moved to another act");
    assert!(GuardOpener::key(&provider, "pension>tax-agency>sc/v1/pension/20261122/0", &guard).is_err());
}

#[test]
fn columns_open_only_where_they_were_sealed() {
    let dice = dice();
    let key = StorageKey::generate(&dice);
    let sealed = key.seal("leaf", b"1", "record", b"who asked whom");
    assert_eq!(key.open("leaf", b"1", "record", &sealed).unwrap(), b"who asked whom");
    for (table, row, column) in [("leaf", b"2", "record"), ("leaf", b"1", "salt"), ("act", b"1", "record")] {
        assert!(key.open(table, row, column, &sealed).is_err());
    }
    assert!(StorageKey::generate(&dice).open("leaf", b"1", "record", &sealed).is_err());
}

#[test]
fn key_files_read_back_are_private_and_say_what_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let dice = dice();
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::new(folder.path().join("town"));
    assert!(keys.signing(None).is_err(), "nothing is made unless asked for");
    let made = keys.signing(Some(&dice)).unwrap().verify_key();
    assert_eq!(keys.signing(None).unwrap().verify_key(), made);
    let sealing = keys.sealing(Suite::XWing, Some(&dice)).unwrap().public();
    assert_eq!(keys.sealing(Suite::XWing, None).unwrap().public(), sealing);
    keys.write_transcryptor(&deal(2, &dice).unwrap().transcryptors[0]).unwrap();
    assert!(keys.transcryptor().is_ok());
    for entry in std::fs::read_dir(keys.path()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::copy(keys.path().join("sealing.key"), keys.path().join("signing.key")).unwrap();
    let error = keys.signing(None).err().unwrap().to_string();
    assert!(error.contains("signing.key") && error.contains("musubi-signing-key-v1"), "{error}");
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_again(content in proptest::collection::vec(any::<u8>(), 0..5000)) {
        let dice = dice();
        let key = SealingKey::generate(Suite::X25519, &dice);
        let sealed = key.public().seal(b"i", b"a", &content, &dice).unwrap();
        prop_assert_eq!(key.open(b"i", b"a", &sealed.bytes).unwrap().plaintext, content);
    }

    /// In parts: the plain model is one part at a time by hand, and how the bytes are cut on their way changes nothing.
    #[test]
    fn whatever_is_sealed_in_parts_opens_again_in_any_pieces(
        content in proptest::collection::vec(any::<u8>(), 0..300),
        repeated in 1_usize..1200,
        more in 0_usize..200_000,
        cuts in proptest::collection::vec(1_usize..200_000, 0..6),
        flip in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let dice = dice();
        let key = SealingKey::generate(Suite::X25519, &dice);
        let content = content.repeat(repeated);
        let size = content.len() + more;
        let sealed = key.public().seal_parts(b"i", b"a", &content, size, &dice).unwrap();
        let parts = size.max(1).div_ceil(PART);
        prop_assert_eq!(sealed.bytes.len(), 32 + size.max(1) + parts * 16);
        let mut bytes = sealed.bytes.clone();
        if let Some(flip) = &flip {
            let at = flip.index(bytes.len());
            bytes[at] ^= 1;
        }
        let mut opening = key.opening(b"i", b"a");
        let (mut plain, mut left, mut holds) = (Vec::new(), bytes.as_slice(), true);
        for cut in cuts {
            let (now, then) = left.split_at(cut.min(left.len()));
            holds = holds && opening.take(now, |part| plain.extend_from_slice(part)).is_ok();
            left = then;
        }
        holds = holds && opening.take(left, |part| plain.extend_from_slice(part)).is_ok();
        let salt = opening.end(|part| plain.extend_from_slice(part));
        if flip.is_some() {
            prop_assert!(!holds || salt.is_err());
        } else {
            prop_assert_eq!(salt.unwrap(), sealed.salt);
            let mut padded = content;
            padded.resize(size.max(1), 0);
            prop_assert!(plain == padded);
        }
    }

    /// One part is what sealing at once makes, and opens as such.
    #[test]
    fn one_part_is_a_sealed_message(content in proptest::collection::vec(any::<u8>(), 1..5000)) {
        let dice = dice();
        let key = SealingKey::generate(Suite::X25519, &dice);
        let sealed = key.public().seal_parts(b"i", b"a", &content, content.len(), &dice).unwrap();
        let opened = key.open(b"i", b"a", &sealed.bytes).unwrap();
        prop_assert_eq!(opened.plaintext, content);
        prop_assert_eq!(opened.salt, sealed.salt);
    }

    #[test]
    fn arbitrary_text_is_never_a_signed_message(text in ".{0,200}") {
        let key = SigningKey::generate(&dice());
        let jws: Jws = serde_json::from_value(serde_json::Value::String(text)).unwrap();
        prop_assert!(jws.verify(&party("town"), &key.verify_key(), INQUIRY).is_err());
    }
}
