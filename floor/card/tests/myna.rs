//! `myna-card`, which reads real cards, reads and verifies ours.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use card::Card;
use myna_card::Pin;
use myna_card::ap::common::CommonAp;
use myna_card::ap::jpki::{JpkiAp, SignatureScheme, TokenType, ef};
use myna_card::ap::juki::JukiAp;
use myna_card::ap::surface::SurfaceAp;
use myna_card::ap::text::{Attributes, TextAp};
use myna_card::card::Retries;
use myna_card::data::RsaPublicKey;
use myna_card::mf::MasterFile;
use myna_card::transport::Transmit;
use support::{AUTHORITY, NUMBER};

struct InHand(Card);

impl Transmit for InHand {
    fn transmit(&mut self, command: &[u8]) -> myna_card::Result<Vec<u8>> {
        Ok(self.0.apdu(command))
    }
}

fn reader() -> myna_card::Card<InHand> {
    myna_card::Card::new(InHand(support::card()))
}

fn pin(text: &[u8]) -> Pin {
    Pin::new(text).unwrap()
}

fn theirs(key: &card::PublicKey) -> RsaPublicKey {
    RsaPublicKey { exponent: vec![1, 0, 1], modulus: key.modulus().to_vec() }
}

#[test]
fn common_and_juki() {
    let mut card = reader();
    MasterFile::select(&mut card).unwrap();
    let mut common = CommonAp::select(&mut card).unwrap();
    let info = common.read_card_info().unwrap();
    assert_eq!((info.serial.as_bytes(), info.municipality_code.as_str()), (&support::SERIAL[..], "13221"));
    assert_eq!(common.internal_authenticate(b"challenge").unwrap().len(), 256);
    common.verify_pin(&pin(support::JUKI_PIN)).unwrap();
    common.change_pin(&pin(support::JUKI_PIN), &pin(b"1111")).unwrap();
    common.verify_pin(&pin(b"1111")).unwrap();
    let mut juki = JukiAp::select(&mut card).unwrap();
    // The other counter is another PIN.
    assert_eq!(juki.pin_retries().unwrap(), Retries::Remaining(3));
    assert!(juki.read_record(3, 1).is_err());
    juki.verify_pin(&pin(support::JUKI_PIN)).unwrap();
    assert_eq!(juki.read_record(3, 1).unwrap(), b"\x01\x0B12345678901");
}

#[test]
fn text() {
    let mut card = reader();
    let mut text = TextAp::select(&mut card).unwrap();
    let certificate = text.read_certificate().unwrap();
    certificate.verify_with(&theirs(AUTHORITY.key.public())).unwrap();
    text.read_ap_basic_data().unwrap();
    assert!(text.read_my_number().is_err() && text.read_attributes().is_err());
    text.verify_pin(&pin(support::TEXT_PIN)).unwrap();
    assert_eq!(text.read_my_number().unwrap().as_str(), NUMBER);
    let attributes = text.read_attributes().unwrap();
    assert_eq!(
        (attributes.name.as_str(), attributes.address.as_str()),
        ("結　花子", "東京都清瀬市中里五丁目")
    );
    let integrity = text.read_integrity_record().unwrap();
    integrity.verify(&certificate.public_key).unwrap();
    assert!(integrity.matches_my_number_file(&text.read_my_number_file().unwrap()));
    let file = text.read_ef(myna_card::ap::text::ef::ATTRIBUTES).unwrap();
    assert!(integrity.matches_attributes_file(&file).unwrap() && Attributes::parse(&file).is_ok());
    let key = text.read_signed_public_key().unwrap();
    key.verify(&certificate.public_key).unwrap();
    let signature = text.sign(b"challenge").unwrap();
    SignatureScheme::Sha256DigestInfo.verify(&key.public_key, b"challenge", &signature).unwrap();
    assert_eq!(text.retries(myna_card::ap::text::ef::BLOCKED_0012).unwrap(), Retries::Blocked);
    text.change_pin(&pin(support::TEXT_PIN), &pin(b"4321")).unwrap();
    text.verify_pin(&pin(b"4321")).unwrap();
}

#[test]
fn each_code_opens_what_it_should() {
    let mut card = reader();
    let mut text = TextAp::select(&mut card).unwrap();
    text.verify_code_a(&pin(NUMBER.as_bytes())).unwrap();
    assert!(text.read_my_number().is_ok() && text.read_attributes().is_err());
    let mut text = TextAp::select(&mut card).unwrap();
    text.verify_code_b(&pin(b"55021720352285")).unwrap();
    assert!(text.read_my_number().is_err() && text.read_attributes().is_ok());
}

#[test]
fn secure_messaging() {
    let mut card = reader();
    let mut text = TextAp::select(&mut card).unwrap();
    assert!(text.read_session_key_public_key().is_err());
    text.verify_pin(&pin(support::TEXT_PIN)).unwrap();
    let mut session = text.open_secure_session(&[7; 32]).unwrap();
    let number = session.read_ef(myna_card::ap::text::ef::MY_NUMBER).unwrap();
    assert!(number.ends_with(NUMBER.as_bytes()));
    session.verify(myna_card::ap::text::ef::CODE_B, &pin(b"55021720352285")).unwrap();
    assert!(session.read_ef(myna_card::ap::text::ef::ATTRIBUTES).unwrap().len() > 40);
    assert!(session.verify(myna_card::ap::text::ef::CODE_B, &pin(b"00000000000000")).is_err());
    assert!(!session.is_broken());
}

#[test]
fn surface() {
    let mut card = reader();
    let mut surface = SurfaceAp::select(&mut card).unwrap();
    let issuer = surface.read_certificate().unwrap().public_key;
    assert_eq!(surface.read_ap_basic_data().unwrap().municipality_code, "13221");
    surface.verify_birth_date(&pin(b"550217")).unwrap();
    surface.read_age_record().unwrap().verify(&issuer).unwrap();
    assert!(surface.read_card_face().is_err(), "the birth date shows the age alone");
    surface.verify_code_b(&pin(b"55021720352285")).unwrap();
    let face = surface.read_card_face().unwrap();
    face.verify(&issuer).unwrap();
    assert!(surface.read_my_number_image().is_err());
    surface.verify_code_a(&pin(NUMBER.as_bytes())).unwrap();
    surface.read_my_number_image().unwrap().verify(&issuer).unwrap();
    let challenge = surface.card().get_challenge(16).unwrap();
    let signature = surface.sign(&challenge).unwrap();
    SignatureScheme::Sha256DigestInfo.verify(&face.public_key, &challenge, &signature).unwrap();
}

#[test]
fn every_scheme_of_both_keys() {
    let mut card = reader();
    let mut jpki = JpkiAp::select(&mut card).unwrap();
    assert_eq!(jpki.read_token_type().unwrap(), TokenType::Card);
    jpki.read_token_info().unwrap();
    jpki.read_certificate_availability().unwrap();
    let modulus = |certificate: Vec<u8>| RsaPublicKey {
        exponent: vec![1, 0, 1],
        modulus: certificate[8..264].to_vec(),
    };
    let auth = modulus(jpki.read_auth_certificate_der().unwrap());
    assert!(jpki.read_sign_certificate_der().is_err());
    jpki.verify_sign_pin(&pin(support::SIGN_PIN)).unwrap();
    let sign = modulus(jpki.read_sign_certificate_der().unwrap());
    let schemes = [
        SignatureScheme::Verbatim,
        SignatureScheme::Sha256Bare,
        SignatureScheme::PreHashedDigestInfo,
        SignatureScheme::Sha256DigestInfo,
        SignatureScheme::PreHashedPss,
        SignatureScheme::Sha256Pss,
    ];
    jpki.verify_auth_pin(&pin(support::AUTH_PIN)).unwrap();
    for scheme in schemes {
        let data = [9; 32];
        scheme.verify(&auth, &data, &jpki.sign_with_auth_key(scheme, &data).unwrap()).unwrap();
        jpki.verify_sign_pin(&pin(support::SIGN_PIN)).unwrap();
        scheme.verify(&sign, &data, &jpki.sign_with_sign_key(scheme, &data).unwrap()).unwrap();
        // Each signature for which the password stands needs it anew; so does its certificate.
        assert!(jpki.sign_with_sign_key(scheme, &data).is_err());
        assert!(jpki.read_sign_certificate_der().is_err());
    }
    jpki.change_auth_pin(&pin(support::AUTH_PIN), &pin(b"4444")).unwrap();
    jpki.change_sign_pin(&pin(support::SIGN_PIN), &pin(b"NEWPASS1")).unwrap();
    assert!(jpki.change_sign_pin(&pin(b"NEWPASS1"), &pin(b"lower1")).is_err());
    assert!(jpki.read_ef(ef::UNKNOWN_0009).is_err());
}
