//! The guard of an inquiry (DESIGN §3): birth date and sex as the inquirer holds them, under a nonce, sealed to
//! the provider, who compares before it answers. A wrong link or an exchanged subject then gives no content.
//!
//! One HPKE encapsulation serves a pair of institutions for a session; each guard has its own nonce and is
//! bound to its act.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use words::{ActId, B64};

use crate::hash::hmac256;
use crate::secret::Secret;
use crate::{Dice, SealError, SealingKey, SealingPublic};

/// A guard as it travels.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The encapsulated pair key: the same for all guards of the pair in one session.
    pub pair: B64,
    /// Nonce and ciphertext: 24 + 64 + 16 bytes.
    pub sealed: B64,
}

/// The secret of a pair of institutions for one session.
pub struct GuardKey(XChaCha20Poly1305);

impl GuardKey {
    fn new(salt: [u8; 32]) -> Self {
        let key = Secret::new(hmac256(&salt, &[b"musubi/guard-key/v1"]));
        Self(XChaCha20Poly1305::new(key.bytes().into()))
    }
}

fn pair_info(context: &str) -> Vec<u8> {
    [b"musubi/guard-pair/v1/".as_slice(), context.as_bytes()].concat()
}

fn mac(nonce: &[u8; 32], birth_and_sex: &str) -> [u8; 32] {
    hmac256(nonce, &[b"musubi/guard/v1", birth_and_sex.as_bytes()])
}

/// The inquirer's side: seals guards for one provider in one session.
pub struct GuardContext {
    pair: B64,
    key: GuardKey,
}

impl GuardContext {
    /// Encapsulates a fresh pair key to the provider. `context` names inquirer, provider and session.
    pub fn new(provider: &SealingPublic, context: &str, dice: &Dice) -> Result<Self, SealError> {
        let sealed = provider.seal(&pair_info(context), b"", b"", dice)?;
        Ok(Self { pair: sealed.bytes.into(), key: GuardKey::new(sealed.salt) })
    }

    /// The guard of one act. `birth_and_sex` is `YYYY-MM-DD‖sex`, the sex left out where it is not held.
    pub fn seal(&self, id: &ActId, birth_and_sex: &str, dice: &Dice) -> Guard {
        let nonce: [u8; 32] = dice.bytes();
        let plain = [nonce, mac(&nonce, birth_and_sex)].concat();
        let at: [u8; 24] = dice.bytes();
        let mut sealed = at.to_vec();
        let payload = Payload { msg: &plain, aad: id.bytes() };
        // Unwrap safety: encryption fails only above 256 GiB.
        sealed.extend(self.key.0.encrypt(&at.into(), payload).unwrap_or_default());
        Guard { pair: self.pair.clone(), sealed: sealed.into() }
    }
}

/// The provider's side: an opened guard, to be compared.
pub struct GuardOpener {
    nonce: [u8; 32],
    mac: [u8; 32],
}

impl GuardOpener {
    /// The pair key of a guard; costs one HPKE opening, so callers keep it for the session.
    pub fn key(provider: &SealingKey, context: &str, guard: &Guard) -> Result<GuardKey, SealError> {
        provider.open(&pair_info(context), b"", &guard.pair.0).map(|opened| GuardKey::new(opened.salt))
    }

    /// Opens the guard of act `id`.
    pub fn open(key: &GuardKey, id: &ActId, guard: &Guard) -> Result<Self, SealError> {
        let (at, ciphertext) = guard.sealed.0.split_at_checked(24).ok_or(SealError::DoesNotOpen)?;
        let at: [u8; 24] = at.try_into().map_err(|_| SealError::DoesNotOpen)?;
        let payload = Payload { msg: ciphertext, aad: id.bytes() };
        let plain = key.0.decrypt(&at.into(), payload).map_err(|_| SealError::DoesNotOpen)?;
        let (nonce, mac) = plain.split_at_checked(32).ok_or(SealError::DoesNotOpen)?;
        let nonce = nonce.try_into().map_err(|_| SealError::DoesNotOpen)?;
        let mac = mac.try_into().map_err(|_| SealError::DoesNotOpen)?;
        Ok(Self { nonce, mac })
    }

    /// Whether the provider's own birth date and sex agree, in constant time.
    pub fn agrees(&self, birth_and_sex: &str) -> bool {
        mac(&self.nonce, birth_and_sex).ct_eq(&self.mac).into()
    }
}
