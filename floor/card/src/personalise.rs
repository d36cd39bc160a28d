//! Personalisation: a card without a person becomes somebody's. Keys are made in the card, requests for certificates are
//! signed there, an authority's answers are written. Everything goes through commands that the card itself decides on.

use zeroize::Zeroizing;

use crate::certificate::{Certificate, KeyId, Role};
use crate::file::FileId;
use crate::host::{Host, HostError, Link, Terminal};
use crate::key::{PublicKey, RsaKey};
use crate::layout::{self, common, jpki, surface, text};
use crate::operator::{Work, work_file};
use crate::records::{self, Holder, Pictures};
use crate::{Status, tlv};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// 署名用: signatures that stand for a seal.
    Signature,
    /// 利用者証明用: proving to be the holder of the card.
    Authentication,
}

/// What is asked of a certificate authority: a PKCS#10 request (RFC 2986) signed in the card. The authority takes the
/// person's attributes from the register, not from here: the subject is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which certificate.
    pub purpose: Purpose,
    /// The request, DER.
    pub der: Vec<u8>,
}

/// An authority's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// The authority's own, DER.
    pub authority: Vec<u8>,
}

/// PINs to begin with.
pub struct Pins {
    /// 署名用: six to sixteen capital letters and digits.
    pub sign: Zeroizing<String>,
    /// 利用者証明用: four digits.
    pub auth: Zeroizing<String>,
    /// 券面事項入力補助: four digits.
    pub text: Zeroizing<String>,
    /// 住基: four digits, for both applications that use it.
    pub juki: Zeroizing<String>,
}

/// Whose card it becomes.
pub struct Person<'a> {
    /// Who.
    pub holder: &'a Holder,
    /// The card's face.
    pub pictures: &'a Pictures,
    /// PINs to begin with.
    pub pins: &'a Pins,
    /// Whether there is a signature certificate; children under fifteen have none.
    pub signs: bool,
}

/// What a municipality's counter personalises with.
pub struct Counter {
    /// Its terminal, of role [`Role::ISSUER`].
    pub terminal: Terminal,
    /// The key that signs records on cards.
    pub record_key: RsaKey,
    /// That key's certificate, 568 bytes.
    pub record_certificate: Vec<u8>,
    /// Id of the key above the record key.
    pub root: KeyId,
}

/// Why a card was not personalised.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The card refused.
    #[error(transparent)]
    Card(#[from] HostError),
    /// Signing at the counter failed.
    #[error("the counter's key does not sign")]
    Key,
    /// The authority did not answer with a certificate for this key.
    #[error("the certificate authority's answer is not a certificate for the key that was made in the card")]
    OtherKey,
    /// The authority refused.
    #[error("the certificate authority refused: {0}")]
    Authority(String),
}

impl From<Status> for Failed {
    fn from(_: Status) -> Self {
        Self::Key
    }
}

/// Asks a certificate authority.
pub type Certify<'a> = &'a mut dyn FnMut(&Request) -> Result<Answer, String>;

/// Makes `card` the card of `person`. `certify` is asked for each certificate.
///
/// # Errors
/// If a step fails; the card then stays as far as it came and is to be thrown away.
pub fn personalise(
    card: &mut dyn Link,
    serial: &[u8; 15],
    counter: &Counter,
    person: &Person<'_>,
    certify: Certify<'_>,
) -> Result<(), Failed> {
    let mut at = At { host: Host::new(card), counter, serial };
    common_data(&mut at, person)?;
    text_data(&mut at, person)?;
    surface_data(&mut at, person)?;
    certificates(&mut at, person, certify)
}

struct At<'a, 'c> {
    host: Host<'a>,
    counter: &'c Counter,
    serial: &'c [u8; 15],
}

impl At<'_, '_> {
    /// Opens an application for writing: the counter authenticates itself in each.
    fn open(&mut self, aid: &[u8]) -> Result<(), Failed> {
        self.host.select(aid)?;
        Ok(self.host.authenticate(&self.counter.terminal, self.serial)?)
    }
}

fn common_data(at: &mut At<'_, '_>, person: &Person<'_>) -> Result<(), Failed> {
    let Person { holder, pins, .. } = person;
    let key_id = tlv::object(0x02, at.counter.root.bytes());
    at.open(layout::COMMON)?;
    at.host.write_record(common::CARD, 1, &holder.card_record(at.serial))?;
    at.host.write_record(common::KEY_ID, 1, &key_id)?;
    at.host.generate(common::KEY)?;
    at.host.set_pin(common::PIN, pins.juki.as_bytes())?;
    at.open(layout::JUKI)?;
    at.host.write_record(common::KEY_ID, 1, &key_id)?;
    let code = Zeroizing::new(tlv::object(0x01, holder.resident_code.as_bytes()));
    at.host.write_record(common::RESIDENT_CODE, 1, &code)?;
    Ok(at.host.set_pin(common::PIN, pins.juki.as_bytes())?)
}

fn text_data(at: &mut At<'_, '_>, person: &Person<'_>) -> Result<(), Failed> {
    let Person { holder, pins, .. } = person;
    at.open(layout::TEXT)?;
    let with = &at.counter.record_key;
    let card_key = at.host.generate(text::CARD_KEY)?;
    let session = at.host.generate(text::SESSION_KEY)?;
    at.host.write(text::NUMBER, &holder.number_file())?;
    at.host.write(text::ATTRIBUTES, &holder.attributes_file())?;
    at.host.write(text::INTEGRITY, &holder.integrity_file(with)?)?;
    at.host.write(text::CERTIFICATE, &at.counter.record_certificate)?;
    at.host.write(text::BASIC, &records::text_basic_file(&at.counter.root))?;
    at.host.write(text::SESSION_PUBLIC, &records::session_key_file(&session))?;
    at.host.write(text::CARD_PUBLIC, &records::public_key_file(&card_key, with)?)?;
    at.host.set_pin(text::PIN, pins.text.as_bytes())?;
    at.host.set_pin(text::CODE_A, holder.number.as_bytes())?;
    Ok(at.host.set_pin(text::CODE_B, holder.code_b().as_bytes())?)
}

fn surface_data(at: &mut At<'_, '_>, person: &Person<'_>) -> Result<(), Failed> {
    let Person { holder, pictures, .. } = person;
    at.open(layout::SURFACE)?;
    let with = &at.counter.record_key;
    let key = at.host.generate(surface::CARD_KEY)?;
    at.host.write(surface::AGE, &holder.age_file(&key, with)?)?;
    at.host.write(surface::FACE, &holder.face_file(pictures, &key, with)?)?;
    let basic = records::surface_basic_file(&at.counter.root, &holder.municipality);
    at.host.write(surface::BASIC, &basic)?;
    at.host.write(surface::CERTIFICATE, &at.counter.record_certificate)?;
    at.host.write(surface::NUMBER, &holder.number_picture_file(pictures, &key, with)?)?;
    at.host.set_pin(surface::BIRTH, holder.birth_code().as_bytes())?;
    at.host.set_pin(surface::CODE_A, holder.number.as_bytes())?;
    Ok(at.host.set_pin(surface::CODE_B, holder.code_b().as_bytes())?)
}

fn certificates(at: &mut At<'_, '_>, person: &Person<'_>, certify: Certify<'_>) -> Result<(), Failed> {
    let Person { pins, signs, .. } = person;
    at.open(layout::JPKI)?;
    at.host.write(jpki::TOKEN, &records::token_file())?;
    let auth = Place { key: jpki::AUTH_KEY, certificate: jpki::AUTH_CERTIFICATE, authority: jpki::AUTH_CA };
    certificate(at, Purpose::Authentication, &auth, certify)?;
    at.host.set_pin(jpki::AUTH_PIN, pins.auth.as_bytes())?;
    if *signs {
        let place =
            Place { key: jpki::SIGN_KEY, certificate: jpki::SIGN_CERTIFICATE, authority: jpki::SIGN_CA };
        certificate(at, Purpose::Signature, &place, certify)?;
        at.host.set_pin(jpki::SIGN_PIN, pins.sign.as_bytes())?;
    }
    // 8F: there; the first byte is the signature certificate's.
    Ok(at.host.write(jpki::AVAILABLE, &[if *signs { 0x8F } else { 0x00 }, 0x8F, 0x00])?)
}

struct Place {
    key: FileId,
    certificate: FileId,
    authority: FileId,
}

fn certificate(
    at: &mut At<'_, '_>,
    purpose: Purpose,
    place: &Place,
    certify: Certify<'_>,
) -> Result<(), Failed> {
    let public = at.host.generate(place.key)?;
    let info = request_info(&public);
    let signature = at.host.sign(place.key, 7, &info)?;
    let request = Request { purpose, der: signed_by_rsa(&info, &signature) };
    let answer = certify(&request).map_err(Failed::Authority)?;
    if !answer.certificate.windows(256).any(|window| window == public.modulus()) {
        return Err(Failed::OtherKey);
    }
    at.host.write(place.certificate, &answer.certificate)?;
    Ok(at.host.write(place.authority, &answer.authority)?)
}

/// `sha256WithRSAEncryption` (RFC 8017 A.2.4).
const SHA256_RSA: [u8; 15] =
    [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00];
/// `rsaEncryption`.
const RSA: [u8; 15] =
    [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];

/// `SubjectPublicKeyInfo` of a key, DER (RFC 5280 §4.1.2.7).
pub fn public_key_info(key: &PublicKey) -> Vec<u8> {
    let modulus = [&[0][..], key.modulus()].concat();
    let numbers = [tlv::object(0x02, &modulus), tlv::object(0x02, &[1, 0, 1])].concat();
    let bits = [vec![0], tlv::object(0x30, &numbers)].concat();
    tlv::object(0x30, &[RSA.to_vec(), tlv::object(0x03, &bits)].concat())
}

/// `CertificationRequestInfo` with an empty subject and no attributes (RFC 2986 §4.1).
fn request_info(key: &PublicKey) -> Vec<u8> {
    let version = tlv::object(0x02, &[0]);
    tlv::object(
        0x30,
        &[version, tlv::object(0x30, &[]), public_key_info(key), tlv::object(0xA0, &[])].concat(),
    )
}

/// What was signed, the algorithm, the signature: the form of requests and certificates.
pub fn signed_by_rsa(signed: &[u8], signature: &[u8]) -> Vec<u8> {
    let bits = [&[0][..], signature].concat();
    tlv::object(0x30, &[signed.to_vec(), SHA256_RSA.to_vec(), tlv::object(0x03, &bits)].concat())
}

/// The key of a request, if the request is signed with it.
pub fn requested_key(der: &[u8]) -> Option<PublicKey> {
    let (_, inside, rest) = tlv::first(der).filter(|(tag, ..)| *tag == 0x30)?;
    let (_, fields, after) = tlv::first(inside).filter(|(tag, ..)| *tag == 0x30)?;
    let info = inside.get(..inside.len() - after.len())?;
    let signature = after.strip_prefix(&SHA256_RSA)?;
    let (_, bits, end) = tlv::first(signature).filter(|(tag, ..)| *tag == 0x03)?;
    let (_, _, after_version) = tlv::first(fields)?;
    let (_, _, after_subject) = tlv::first(after_version)?;
    let key = key_of_info(after_subject)?;
    let whole = rest.is_empty() && end.is_empty();
    (whole && key.verifies(info, bits.strip_prefix(&[0])?)).then_some(key)
}

/// The key of a `SubjectPublicKeyInfo`, if it is RSA-2048 with 65,537.
pub fn key_of_info(info: &[u8]) -> Option<PublicKey> {
    let (_, fields, _) = tlv::first(info).filter(|(tag, ..)| *tag == 0x30)?;
    let (_, bits, _) = tlv::first(fields.strip_prefix(&RSA)?).filter(|(tag, ..)| *tag == 0x03)?;
    let (_, numbers, _) = tlv::first(bits.strip_prefix(&[0])?)?;
    let (_, modulus, exponent) = tlv::first(numbers)?;
    (exponent == [0x02, 0x03, 0x01, 0x00, 0x01]).then_some(())?;
    PublicKey::from_modulus(modulus.strip_prefix(&[0])?)
}

/// Makes a card an operator's: a key made in it, certified for `operator`, with these kinds of work.
///
/// # Errors
/// As for [`personalise`].
pub fn personalise_operator(
    card: &mut dyn Link,
    serial: &[u8; 15],
    counter: &Counter,
    issuer: (&KeyId, &RsaKey),
    operator: &KeyId,
    kinds: &[Work],
    pin: &[u8],
) -> Result<(), Failed> {
    if operator.role() != Role::OPERATOR {
        return Err(Failed::Key);
    }
    let mut at = At { host: Host::new(card), counter, serial };
    at.open(layout::OPERATOR)?;
    let key = at.host.generate(layout::operator::KEY)?;
    let certificate = Certificate::issue(issuer.0, issuer.1, operator, &key)?;
    at.host.write(layout::operator::CERTIFICATE, &certificate)?;
    at.host.write(layout::operator::WORK, &work_file(operator, kinds, issuer.1)?)?;
    Ok(at.host.set_pin(layout::operator::PIN, pin)?)
}
