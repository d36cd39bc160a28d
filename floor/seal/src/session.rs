//! A room's session: its secret, put together from one share of every transcryptor.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use zeroize::Zeroize;

use crate::codes::{EncryptedCode, LinkCode, PublicPoint};
use crate::secret::Secret;
use crate::{GlobalKeys, SealError};

/// One transcryptor's share of a session key. Travels only HPKE-sealed to the room's certified key: whoever
/// had all shares of a session could read its codes.
pub struct Share(pub(crate) Secret<32>);

impl Share {
    /// Reads a share that was opened from its seal.
    pub fn from_opened(bytes: &[u8]) -> Result<Self, SealError> {
        bytes.try_into().map(|bytes| Self(Secret::new(bytes))).map_err(|_| SealError::BadKey)
    }

    /// The bytes to seal for the room it belongs to.
    pub fn to_seal(&self) -> &[u8] {
        self.0.bytes()
    }

    fn scalar(&self) -> Result<Scalar, SealError> {
        Option::from(Scalar::from_canonical_bytes(*self.0.bytes())).ok_or(SealError::BadKey)
    }
}

/// The secret key of a session, with the public key it belongs to.
pub struct SessionSecret {
    y: Scalar,
    public: PublicPoint,
}

impl SessionSecret {
    /// Puts the shares together and checks the result against the public key that the transcryptors stored:
    /// a wrong share, or a wrong public key, is found here.
    pub fn assemble(global: &GlobalKeys, shares: &[Share], public: &PublicPoint) -> Result<Self, SealError> {
        let mut y = global.blinded()?;
        for share in shares {
            y *= share.scalar()?;
        }
        if &y * RISTRETTO_BASEPOINT_TABLE == public.0 {
            Ok(Self { y, public: *public })
        } else {
            y.zeroize();
            Err(SealError::WrongSession)
        }
    }

    /// The public key under which this room encrypts.
    pub const fn public(&self) -> &PublicPoint {
        &self.public
    }

    /// Opens a code that was converted to this room's domain and session.
    pub fn decrypt(&self, code: &EncryptedCode) -> Result<LinkCode, SealError> {
        let point = code.decrypt(&self.y);
        if point.is_identity() { Err(SealError::BadPoint) } else { Ok(LinkCode::from_point(point)) }
    }
}

impl Drop for SessionSecret {
    fn drop(&mut self) {
        self.y.zeroize();
    }
}
