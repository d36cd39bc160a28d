//! Passkeys: what a relying party checks when one is enrolled and when somebody signs in with it (W3C Web Authentication,
//! Level 2, §7.1 and §7.2). ES256 alone, without attestation: who made the authenticator does not matter here, since the card's
//! certificate says whose it is.

mod cbor;

use serde::Deserialize;
use words::B64;

use crate::x509::{KeyKind, PublicKeyInfo};
use crate::{Sha256, sha256};
use cbor::Value;

/// Why a passkey is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebauthnError {
    /// The bytes are none of the messages.
    #[error("what the browser sent cannot be read")]
    NotRead,
    /// For another ceremony, challenge, site, or inside another site's page.
    #[error("what the browser signed was meant for something else: {0}")]
    MeantElsewhere(&'static str),
    /// Nobody was there, or the authenticator did not check who.
    #[error("the authenticator did not check who uses it")]
    NotVerified,
    /// The key is none that is taken.
    #[error("the passkey is of a kind that is not used here")]
    OtherKey,
    /// The signature does not verify.
    #[error("the passkey's signature does not verify")]
    BadSignature,
    /// A copy of the passkey has been used.
    #[error("the passkey's counter went back: there may be a copy of it")]
    Copied,
}

/// Where passkeys are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// Its id: the host's name.
    pub id: String,
    /// The origin of its pages, e.g. `https://portal.example`.
    pub origin: String,
}

/// Whether the authenticator must have checked who uses it (by PIN, finger, face).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserVerification {
    /// It must.
    Required,
    /// Its being used is enough: for the published test vectors alone.
    Preferred,
}

/// A passkey as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub credential: Vec<u8>,
    /// Its public key, an uncompressed P-256 point.
    pub public: Vec<u8>,
    /// Signatures it counted; 0 if it does not count.
    pub counter: u32,
}

/// `CollectedClientData`, as far as it is looked at. More fields may come (§5.8.1).
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

const PRESENT: u8 = 1;
const VERIFIED: u8 = 4;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;
/// Bytes of a credential's id at most (§5.8.3).
const LONGEST_ID: usize = 1_023;

/// `authenticatorData` (§6.1).
struct AuthenticatorData {
    counter: u32,
    passkey: Option<Passkey>,
}

fn client_data(
    bytes: &[u8],
    kind: &str,
    challenge: &[u8],
    site: &RelyingParty,
) -> Result<Sha256, WebauthnError> {
    let said: ClientData = serde_json::from_slice(bytes).map_err(|_| WebauthnError::NotRead)?;
    let checks = [
        (said.kind == kind, "another ceremony"),
        (said.challenge == B64::from(challenge).text(), "another challenge"),
        (said.origin == site.origin, "another site"),
        (!said.cross_origin, "a page inside another site's"),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(WebauthnError::MeantElsewhere(what)),
        None => Ok(sha256(bytes)),
    }
}

impl AuthenticatorData {
    fn read(
        bytes: &[u8],
        site: &RelyingParty,
        verification: UserVerification,
    ) -> Result<Self, WebauthnError> {
        let (site_hash, rest) = bytes.split_at_checked(32).ok_or(WebauthnError::NotRead)?;
        let (flags, rest) = rest.split_first().ok_or(WebauthnError::NotRead)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(WebauthnError::NotRead)?;
        if site_hash != sha256(site.id.as_bytes()) {
            return Err(WebauthnError::MeantElsewhere("another site"));
        }
        let needed = match verification {
            UserVerification::Required => PRESENT | VERIFIED,
            UserVerification::Preferred => PRESENT,
        };
        if flags & needed != needed {
            return Err(WebauthnError::NotVerified);
        }
        let counter = u32::from_be_bytes(*counter);
        let (passkey, rest) = match flags & HAS_CREDENTIAL {
            0 => (None, rest),
            _ => credential(rest, counter).map(|(passkey, rest)| (Some(passkey), rest))?,
        };
        let rest = match flags & HAS_EXTENSIONS {
            0 => rest,
            _ => Value::read(rest)?.1,
        };
        match rest {
            [] => Ok(Self { counter, passkey }),
            _ => Err(WebauthnError::NotRead),
        }
    }
}

/// `attestedCredentialData` (§6.5.1): the make's id, the credential's id, its key in COSE form (RFC 9052 §7).
fn credential(bytes: &[u8], counter: u32) -> Result<(Passkey, &[u8]), WebauthnError> {
    let (_make, rest) = bytes.split_at_checked(16).ok_or(WebauthnError::NotRead)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(WebauthnError::NotRead)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (id, rest) = rest.split_at_checked(length).ok_or(WebauthnError::NotRead)?;
    if !(1..=LONGEST_ID).contains(&length) {
        return Err(WebauthnError::NotRead);
    }
    let (key, rest) = Value::read(rest)?;
    // RFC 9053 §7.1: kty EC2, alg ES256, curve P-256, x and y in full.
    let is = |name: i64, value: i64| key.at(&Value::Int(name)) == Some(&Value::Int(value));
    let part = |name: i64| key.at(&Value::Int(name)).and_then(Value::bytes).filter(|part| part.len() == 32);
    let (Some(x), Some(y), true) = (part(-2), part(-3), is(1, 2) && is(3, -7) && is(-1, 1)) else {
        return Err(WebauthnError::OtherKey);
    };
    let public = [&[4], x, y].concat();
    PublicKeyInfo::of(KeyKind::P256, &public).map_err(|_| WebauthnError::OtherKey)?;
    Ok((Passkey { credential: id.to_vec(), public, counter }, rest))
}

/// A new passkey, if it was made for this site and this challenge (§7.1). `attestation` is the `attestationObject`; what is said
/// in it of the authenticator's make is not looked at.
///
/// # Errors
/// What does not hold.
pub fn enrol(
    site: &RelyingParty,
    challenge: &[u8],
    client: &[u8],
    attestation: &[u8],
    verification: UserVerification,
) -> Result<Passkey, WebauthnError> {
    client_data(client, "webauthn.create", challenge, site)?;
    let (object, rest) = Value::read(attestation)?;
    let field = |name: &str| object.at(&Value::Text(name.to_owned()));
    let (Some(Value::Text(_)), Some(Value::Map(_)), Some(data), []) =
        (field("fmt"), field("attStmt"), field("authData").and_then(Value::bytes), rest)
    else {
        return Err(WebauthnError::NotRead);
    };
    AuthenticatorData::read(data, site, verification)?.passkey.ok_or(WebauthnError::NotRead)
}

/// Checks that a passkey signed this challenge for this site (§7.2); gives its counter, to be kept.
///
/// # Errors
/// What does not hold.
pub fn verify(
    site: &RelyingParty,
    challenge: &[u8],
    passkey: &Passkey,
    (client, data, signature): (&[u8], &[u8], &[u8]),
    verification: UserVerification,
) -> Result<u32, WebauthnError> {
    let client_hash = client_data(client, "webauthn.get", challenge, site)?;
    let said = AuthenticatorData::read(data, site, verification)?;
    let key = PublicKeyInfo::of(KeyKind::P256, &passkey.public).map_err(|_| WebauthnError::OtherKey)?;
    let hash = sha256(&[data, &client_hash].concat());
    key.verify_hash(&hash, signature).map_err(|_| WebauthnError::BadSignature)?;
    // §7.2 step 21: a counter that does not grow is a sign of a copy; 0 and 0: it does not count.
    match (said.counter, passkey.counter) {
        (0, 0) => Ok(0),
        (now, before) if now > before => Ok(now),
        _ => Err(WebauthnError::Copied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::IssuerKey;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn example() -> RelyingParty {
        RelyingParty { id: "example.org".into(), origin: "https://example.org".into() }
    }

    /// W3C Web Authentication Level 3, §16: registration and authentication of "ES256 Credential with No Attestation".
    struct Vector {
        created: [Vec<u8>; 3],
        credential: Vec<u8>,
        used: [Vec<u8>; 4],
    }

    fn none_es256() -> Vector {
        let created = [
            "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
            "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d",
            "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
        ];
        let used = [
            "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
            "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
            "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
            "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
        ];
        Vector {
            created: created.map(hex),
            credential: hex("f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4"),
            used: used.map(hex),
        }
    }

    #[test]
    fn the_published_vectors_hold_and_nothing_beside_them() {
        let Vector { created, credential, used } = none_es256();
        let [challenge, client, attestation] = &created;
        let relaxed = UserVerification::Preferred;
        let passkey = enrol(&example(), challenge, client, attestation, relaxed).unwrap();
        assert_eq!((passkey.credential.as_slice(), passkey.counter), (credential.as_slice(), 0));
        let [asked, client, data, signature] = &used;
        let all = (client.as_slice(), data.as_slice(), signature.as_slice());
        assert_eq!(verify(&example(), asked, &passkey, all, relaxed), Ok(0));
        // The vectors' authenticators checked nobody.
        let strict = UserVerification::Required;
        assert_eq!(verify(&example(), asked, &passkey, all, strict), Err(WebauthnError::NotVerified));
        let [challenge, client, attestation] = &created;
        let refused = enrol(&example(), challenge, client, attestation, strict);
        assert_eq!(refused, Err(WebauthnError::NotVerified));
        // The registration's client data is none of an authentication, and the other way round.
        let swapped = verify(&example(), challenge, &passkey, (client, data, signature), relaxed);
        assert_eq!(swapped, Err(WebauthnError::MeantElsewhere("another ceremony")));
        let elsewhere = RelyingParty { id: "example.com".into(), ..example() };
        assert_eq!(
            verify(&elsewhere, asked, &passkey, all, relaxed),
            Err(WebauthnError::MeantElsewhere("another site"))
        );
    }

    /// An authenticator of our own, to be wrong in one thing at a time.
    struct Made {
        key: IssuerKey,
        site: RelyingParty,
        origin: String,
        flags: u8,
        counter: u32,
    }

    impl Made {
        fn new() -> Self {
            let key = IssuerKey::from_pkcs8(&IssuerKey::generate(KeyKind::P256).unwrap()).unwrap();
            Self { key, site: example(), origin: example().origin, flags: PRESENT | VERIFIED, counter: 7 }
        }

        fn passkey(&self, counter: u32) -> Passkey {
            Passkey { credential: vec![1; 16], public: self.key.public().bits().to_vec(), counter }
        }

        fn use_for(&self, challenge: &[u8], cross: bool) -> [Vec<u8>; 3] {
            let client = serde_json::json!({"type": "webauthn.get", "challenge": B64::from(challenge).text(),
                "origin": self.origin, "crossOrigin": cross});
            let client = client.to_string().into_bytes();
            let counter = self.counter.to_be_bytes();
            let data = [sha256(self.site.id.as_bytes()).as_slice(), &[self.flags], &counter].concat();
            let signature = self.key.sign(&[data.as_slice(), &sha256(&client)].concat()).unwrap();
            [client, data, signature]
        }
    }

    fn checked(made: &Made, before: u32, challenge: &[u8], all: &[Vec<u8>; 3]) -> Result<u32, WebauthnError> {
        let [client, data, signature] = all;
        let strict = UserVerification::Required;
        verify(&example(), challenge, &made.passkey(before), (client, data, signature), strict)
    }

    #[test]
    fn each_rule_of_an_authentication_is_kept() {
        let made = Made::new();
        let good = made.use_for(b"challenge", false);
        assert_eq!(checked(&made, 6, b"challenge", &good), Ok(7));
        assert_eq!(checked(&made, 7, b"challenge", &good), Err(WebauthnError::Copied));
        let elsewhere = |what| Err(WebauthnError::MeantElsewhere(what));
        assert_eq!(checked(&made, 6, b"another", &good), elsewhere("another challenge"));
        let crossed = made.use_for(b"challenge", true);
        assert_eq!(checked(&made, 6, b"challenge", &crossed), elsewhere("a page inside another site's"));
        let phished = Made { origin: "https://example.org.evil.example".into(), ..Made::new() };
        let sent = phished.use_for(b"challenge", false);
        assert_eq!(checked(&phished, 6, b"challenge", &sent), elsewhere("another site"));
        for flags in [0, PRESENT, VERIFIED] {
            let unverified = Made { flags, ..Made::new() };
            let sent = unverified.use_for(b"challenge", false);
            assert_eq!(checked(&unverified, 6, b"challenge", &sent), Err(WebauthnError::NotVerified));
        }
        assert_eq!(checked(&Made::new(), 6, b"challenge", &good), Err(WebauthnError::BadSignature));
    }

    proptest! {
        /// No bit of data or signature can be another one.
        #[test]
        fn changed_messages_are_refused(at in 0usize..4_000, which in 1usize..3) {
            let made = Made::new();
            let mut all = made.use_for(b"challenge", false);
            let bits = all[which].len() * 8;
            let at = at % bits;
            all[which][at / 8] ^= 1 << (at % 8);
            prop_assert!(checked(&made, 6, b"challenge", &all).is_err());
        }

        /// Whatever arrives is refused in order; deep and long things too.
        #[test]
        fn noise_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let Vector { created: [challenge, client, _], .. } = none_es256();
            let relaxed = UserVerification::Preferred;
            prop_assert!(enrol(&example(), &challenge, &client, &bytes, relaxed).is_err());
        }
    }

    #[test]
    fn cbor_is_read_in_its_canonical_form_alone() {
        let read = |bytes: &[u8]| Value::read(bytes).map(|(value, _)| value);
        assert_eq!(read(&[0x18, 0x20]), Ok(Value::Int(32)));
        assert_eq!(read(&[0x38, 0x20]), Ok(Value::Int(-33)));
        for wrong in [
            [0x18, 0x10].as_slice(),
            &[0x5F, 0xFF],
            &[0xA2, 1, 1, 1, 2],
            &[0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x81, 0x81, 0x81, 0x81, 0x81, 0],
            &[0x43, 1, 2],
            &[0x61, 0xFF],
            &[0xC0, 1],
            &[],
        ] {
            assert_eq!(read(wrong), Err(WebauthnError::NotRead), "{wrong:?}");
        }
    }
}
