//! Link codes (符号): points on ristretto255 and their encryption (DESIGN §3; LINKCODES §6).
//!
//! A person is `M = H(K, anchor)`, known to the registry alone. Institution A holds only `C_A = s_A·M`.
//! What travels is an ElGamal pair `(r·G, C + r·Y)` under a session key `Y`.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use serde::{Deserialize, Serialize};
use words::B64;
use zeroize::Zeroize;

use crate::hash::hmac512;
use crate::secret::Secret;
use crate::{Dice, SealError};

/// Reads a canonical point that is not the identity; everything else is refused here, once for all.
pub(crate) fn point(bytes: &[u8]) -> Result<RistrettoPoint, SealError> {
    let compressed = CompressedRistretto::from_slice(bytes).map_err(|_| SealError::BadPoint)?;
    let point = compressed.decompress().ok_or(SealError::BadPoint)?;
    if point.is_identity() { Err(SealError::BadPoint) } else { Ok(point) }
}

pub(crate) fn random_scalar(dice: &Dice) -> Scalar {
    loop {
        let scalar = Scalar::from_bytes_mod_order_wide(&dice.bytes());
        if scalar != Scalar::ZERO {
            return scalar;
        }
    }
}

/// A public point: a session's public key, a commitment, the global public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicPoint(pub(crate) RistrettoPoint);

impl PublicPoint {
    /// Reads 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        point(bytes).map(Self)
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.compress().to_bytes()
    }
}

impl std::fmt::Debug for PublicPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicPoint({})", words::hex(&self.to_bytes()))
    }
}

words::text_schema!(
    PublicPoint,
    "A point of ristretto255 (RFC 9496): 32 bytes in base64url.",
    "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
);

impl Serialize for PublicPoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        B64::from(self.to_bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PublicPoint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_bytes(&B64::deserialize(deserializer)?.0).map_err(serde::de::Error::custom)
    }
}

/// The registry's key `K` under which anchors become points.
pub struct PersonKey(Secret<32>);

impl PersonKey {
    pub(crate) const fn from_bytes(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The point `M = H(K, anchor)` of a person. The anchor is random and never changes.
    pub fn person(&self, anchor: &[u8; 32]) -> PersonPoint {
        let mut wide = hmac512(self.0.bytes(), &[b"lc/v1", anchor]);
        let point = RistrettoPoint::from_uniform_bytes(&wide);
        wide.zeroize();
        PersonPoint(point)
    }
}

/// A person's point `M`. Never leaves the registry but encrypted.
pub struct PersonPoint(RistrettoPoint);

impl From<LinkCode> for PersonPoint {
    /// What the registry sends where it is not a point of its own key: scheme 1's number.
    fn from(code: LinkCode) -> Self {
        Self(code.0)
    }
}

impl PersonPoint {
    /// A fresh random point that belongs to nobody: what a row without a match carries.
    pub fn nobody(dice: &Dice) -> Self {
        Self(RistrettoPoint::from_uniform_bytes(&dice.bytes()))
    }

    /// The point as a core sees it that opens what the registry sends (`dangerous`: a person in the open).
    pub fn dangerous_code(&self) -> LinkCode {
        LinkCode(self.0)
    }

    /// Encrypts the point under the registry's session key.
    pub fn encrypt(&self, session: &PublicPoint, dice: &Dice) -> EncryptedCode {
        EncryptedCode::encrypt(&self.0, session, dice)
    }
}

impl Drop for PersonPoint {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A link code `C_A` of one institution for one person.
pub struct LinkCode(RistrettoPoint);

impl LinkCode {
    pub(crate) fn from_compressed(bytes: &[u8]) -> Result<Self, SealError> {
        point(bytes).map(Self)
    }

    pub(crate) fn compressed(&self) -> [u8; 32] {
        self.0.compress().to_bytes()
    }

    pub(crate) const fn from_point(point: RistrettoPoint) -> Self {
        Self(point)
    }

    /// Encrypts the code under the institution's own session key, fresh for each inquiry.
    pub fn encrypt(&self, session: &PublicPoint, dice: &Dice) -> EncryptedCode {
        EncryptedCode::encrypt(&self.0, session, dice)
    }

    /// Whether two codes are the same. For tests and for the search for leaks.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// The code once more, for trials that hold results against it (`dangerous`: rooms keep one copy).
    pub const fn dangerous_copy(&self) -> Self {
        Self(self.0)
    }

    /// The bytes of the code, for the one who audits a room's files for leaks (`dangerous`: a code in the open).
    pub fn dangerous_bytes(&self) -> [u8; 32] {
        self.compressed()
    }
}

impl Drop for LinkCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// An encrypted code: 64 bytes on the wire, `r·G ‖ C + r·Y`. Holds two points that are not the identity.
#[derive(Clone, Copy)]
pub struct EncryptedCode {
    pub(crate) b: RistrettoPoint,
    pub(crate) c: RistrettoPoint,
    /// Both, as they travel: on an act's way a code is hashed, signed and kept far more often than it is computed with.
    bytes: [u8; 64],
}

impl PartialEq for EncryptedCode {
    fn eq(&self, other: &Self) -> bool {
        // A point has one encoding.
        self.bytes == other.bytes
    }
}

impl Eq for EncryptedCode {}

impl EncryptedCode {
    pub(crate) fn of(b: RistrettoPoint, c: RistrettoPoint) -> Self {
        Self::with_bytes(b, c, &b.compress(), &c.compress())
    }

    /// The codes of twice these points: written with one inversion for all, where [`Self::of`] takes a root for each.
    pub(crate) fn of_halves(halves: &[[RistrettoPoint; 2]]) -> Vec<Self> {
        let written = RistrettoPoint::double_and_compress_batch(halves.iter().flatten());
        let whole = |([b, c], written): (&[RistrettoPoint; 2], &[CompressedRistretto])| match written {
            [first, second] => Some(Self::with_bytes(b + b, c + c, first, second)),
            _ => None,
        };
        halves.iter().zip(written.chunks_exact(2)).filter_map(whole).collect()
    }

    fn with_bytes(
        b: RistrettoPoint,
        c: RistrettoPoint,
        first: &CompressedRistretto,
        second: &CompressedRistretto,
    ) -> Self {
        let mut bytes = [0; 64];
        let both = first.as_bytes().iter().chain(second.as_bytes());
        bytes.iter_mut().zip(both).for_each(|(slot, byte)| *slot = *byte);
        Self { b, c, bytes }
    }

    fn encrypt(message: &RistrettoPoint, session: &PublicPoint, dice: &Dice) -> Self {
        let mut r = random_scalar(dice);
        let pair = Self::of(&r * RISTRETTO_BASEPOINT_TABLE, message + r * session.0);
        r.zeroize();
        pair
    }

    pub(crate) fn decrypt(&self, y: &Scalar) -> RistrettoPoint {
        self.c - y * self.b
    }

    /// Reads 64 bytes; refuses identity and non-canonical points.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let (b, c) = bytes.split_at_checked(32).ok_or(SealError::BadPoint)?;
        // Points are read in their one encoding alone, so these are the bytes they would be written as.
        let (b, c, bytes) = (point(b)?, point(c)?, bytes.try_into().map_err(|_| SealError::BadPoint)?);
        Ok(Self { b, c, bytes })
    }

    /// The 64 bytes.
    pub const fn to_bytes(&self) -> [u8; 64] {
        self.bytes
    }

    /// What is logged of it.
    pub fn hash(&self) -> crate::Sha256 {
        crate::sha256(&self.bytes)
    }

    /// Multiplies the plaintext by `t`: the malleability of ElGamal that two colluding institutions could use.
    /// Exists so that a test can commit the fraud of DESIGN §3.
    pub fn dangerous_multiply(&self, t: u64) -> Self {
        let t = Scalar::from(t);
        Self::of(t * self.b, t * self.c)
    }
}

impl std::fmt::Debug for EncryptedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptedCode")
    }
}

words::text_schema!(
    EncryptedCode,
    "A link code, encrypted: two points of ristretto255, 64 bytes in base64url.",
    "^[A-Za-z0-9_-]{85}[AQgw]$"
);

impl Serialize for EncryptedCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        B64::from(self.to_bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EncryptedCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_bytes(&B64::deserialize(deserializer)?.0).map_err(serde::de::Error::custom)
    }
}
