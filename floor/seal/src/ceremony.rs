//! The ceremony: the one moment at which the global secret key exists (LINKCODES §6, "Keys").

use curve25519_dalek::scalar::Scalar;
use libpep::keys::distribution::{BlindedGlobalSecretKey, make_distributed_pseudonym_global_keys};
use libpep::keys::traits::PublicKey;
use serde::{Deserialize, Serialize};
use words::B64;

use crate::codes::PublicPoint;
use crate::transcryptor::TranscryptorSecrets;
use crate::{Dice, SealError};

/// What everybody may know: the global public key, and the global secret key blinded by every transcryptor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalKeys {
    /// The global public key `Y`.
    pub public: PublicPoint,
    /// `y · Π βᵢ⁻¹`: useless without a share of every transcryptor.
    pub blinded: B64,
}

impl GlobalKeys {
    pub(crate) fn blinded(&self) -> Result<Scalar, SealError> {
        let bytes: [u8; 32] = self.blinded.fixed("blinded key").map_err(|_| SealError::BadKey)?;
        Option::from(Scalar::from_canonical_bytes(bytes)).ok_or(SealError::BadKey)
    }
}

/// What the dealer hands out; the global secret itself is gone when this exists.
pub struct Dealt {
    /// For everybody.
    pub global: GlobalKeys,
    /// One for each transcryptor, in the order of the route.
    pub transcryptors: Vec<TranscryptorSecrets>,
}

/// Deals keys for `transcryptors` transcryptors. At least two: with one, it and any single institution could
/// read every code (LINKCODES §1, "Confirmed by test").
pub fn deal(transcryptors: usize, dice: &Dice) -> Result<Dealt, SealError> {
    if transcryptors < 2 {
        return Err(SealError::BadKey);
    }
    let (public, blinded, factors) = make_distributed_pseudonym_global_keys(transcryptors, &mut dice.clone());
    let public = PublicPoint::from_bytes(public.to_bytes().as_ref())?;
    let global = GlobalKeys { public, blinded: B64::from(blinded.to_bytes()) };
    let transcryptors =
        factors.iter().map(|factor| TranscryptorSecrets::fresh(factor.to_bytes(), dice)).collect();
    Ok(Dealt { global, transcryptors })
}
