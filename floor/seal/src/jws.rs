//! Signatures: compact JWS (RFC 7515) with Ed25519 (RFC 8037), the exact bytes signed.

use ed25519_dalek::Signer;
use serde::{Deserialize, Serialize};
use words::{B64, PartyId};

use crate::secret::Secret;
use crate::{Dice, SealError};

/// What a signed message is. It stands in the protected header, so that no message passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typ(pub &'static str);

/// A signing key of a room or an institution.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A fresh key.
    pub fn generate(dice: &Dice) -> Self {
        Self::from_bytes(&Secret::new(dice.bytes()))
    }

    pub(crate) fn from_bytes(bytes: &Secret<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(bytes.bytes()))
    }

    pub(crate) fn secret(&self) -> Secret<32> {
        Secret::new(self.0.to_bytes())
    }

    /// The key that verifies.
    pub fn verify_key(&self) -> VerifyKey {
        VerifyKey(self.0.verifying_key())
    }

    /// Signs `payload` as a message of kind `typ` in the name of `party`.
    pub fn sign(&self, party: &PartyId, typ: Typ, payload: &[u8]) -> Jws {
        // The header is written by hand in this one order; the alphabet of ids needs no escaping.
        let header = format!(r#"{{"alg":"EdDSA","kid":"{party}","typ":"{}"}}"#, typ.0);
        let signed = format!("{}.{}", B64::from(header).text(), B64::from(payload).text());
        let signature = self.0.sign(signed.as_bytes());
        Jws(format!("{signed}.{}", B64::from(signature.to_bytes()).text()))
    }
}

impl SigningKey {
    /// Signs a text of lines, for notes of a ledger (C2SP signed-note). What a JWS signs has no newline, so neither
    /// signature passes for the other; a text without one is refused.
    pub fn sign_text(&self, text: &str) -> Result<[u8; 64], SealError> {
        if text.contains('\n') {
            Ok(self.0.sign(text.as_bytes()).to_bytes())
        } else {
            Err(SealError::NotText)
        }
    }
}

/// A key that verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyKey(ed25519_dalek::VerifyingKey);

impl VerifyKey {
    /// The 32 bytes of the key.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Whether the signature over a text of lines holds.
    pub fn verify_text(&self, text: &str, signature: &[u8]) -> Result<(), SealError> {
        if !text.contains('\n') {
            return Err(SealError::NotText);
        }
        let signature =
            ed25519_dalek::Signature::from_slice(signature).map_err(|_| SealError::BadSignature)?;
        self.0.verify_strict(text.as_bytes(), &signature).map_err(|_| SealError::BadSignature)
    }

    /// Reads 32 bytes; refuses what is no point and points of small order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| SealError::BadKey)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| SealError::BadKey)?;
        if key.is_weak() { Err(SealError::BadKey) } else { Ok(Self(key)) }
    }
}

words::text_schema!(
    VerifyKey,
    "An Ed25519 key that verifies (RFC 8032): 32 bytes in base64url.",
    "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
);

impl Serialize for VerifyKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        B64::from(self.to_bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for VerifyKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_bytes(&B64::deserialize(deserializer)?.0).map_err(serde::de::Error::custom)
    }
}

/// A signed message: compact JWS, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Jws(String);

words::text_schema!(
    Jws,
    "A signed message: compact JWS (RFC 7515), Ed25519.",
    "^[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]+$"
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: PartyId,
    typ: String,
}

impl Jws {
    /// Reads the text form: three parts of base64url. Whether it verifies is asked later.
    pub fn parse(text: &str) -> Option<Self> {
        let three = text.split('.').count() == 3 && text.split('.').all(|part| B64::parse(part).is_ok());
        three.then(|| Self(text.to_owned()))
    }

    /// The text itself: what travels, and what is hashed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SHA-256 of the text: what later hops refer to.
    pub fn hash(&self) -> crate::Sha256 {
        crate::sha256(self.0.as_bytes())
    }

    fn header(&self) -> Result<Header, SealError> {
        let header = self.0.split('.').next().ok_or(SealError::NotJws)?;
        let header = B64::parse(header).map_err(|_| SealError::NotJws)?;
        serde_json::from_slice(&header.0).map_err(|_| SealError::NotJws)
    }

    /// In whose name it claims to be signed. A claim, until [`Jws::verify`] has said yes.
    pub fn claimed_party(&self) -> Result<PartyId, SealError> {
        self.header().map(|header| header.kid)
    }

    /// The payload, if this is a message of kind `typ`, signed by `party` under `key`.
    pub fn verify(&self, party: &PartyId, key: &VerifyKey, typ: Typ) -> Result<Vec<u8>, SealError> {
        let header = self.header()?;
        if header.alg != "EdDSA" || header.typ != typ.0 || header.kid != *party {
            return Err(SealError::NotJws);
        }
        let (signed, signature) = self.0.rsplit_once('.').ok_or(SealError::NotJws)?;
        let (_, payload) = signed.split_once('.').ok_or(SealError::NotJws)?;
        let payload = B64::parse(payload).map_err(|_| SealError::NotJws)?;
        let signature = B64::parse(signature).map_err(|_| SealError::NotJws)?;
        let signature = ed25519_dalek::Signature::from_slice(&signature.0).map_err(|_| SealError::NotJws)?;
        // Strict: no malleable signature, no key of small order (RFC 8032 §8.4).
        key.0.verify_strict(signed.as_bytes(), &signature).map_err(|_| SealError::BadSignature)?;
        Ok(payload.0)
    }
}
