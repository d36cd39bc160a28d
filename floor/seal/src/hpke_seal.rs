//! Sealed messages: HPKE (RFC 9180), X-Wing by default, X25519 beside it.
//!
//! X-Wing joins ML-KEM-768 and X25519, so that what is recorded today is not opened by a quantum computer
//! later; its draft is not an RFC yet and the crate has had no independent audit.

use std::sync::OnceLock;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::B64;

use crate::secret::Secret;
use crate::{Dice, SealError};

/// Which key encapsulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Suite {
    /// X-Wing (draft-connolly-cfrg-xwing-kem): hybrid, post-quantum. Public key 1,216 bytes.
    #[default]
    XWing,
    /// DHKEM(X25519, HKDF-SHA256). Public key 32 bytes.
    X25519,
}

/// A public key to seal to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SealingPublic {
    /// Its suite.
    pub suite: Suite,
    /// The serialised key.
    pub key: B64,
}

/// A private key that opens what was sealed to its public key.
pub struct SealingKey {
    suite: Suite,
    seed: Secret<32>,
    /// The pair that the seed gives, once it was asked for. Both kinds of private key are zeroized when dropped.
    pair: OnceLock<Pair>,
}

enum Pair {
    XWing(Vec<u8>, Box<<XWing as Kem>::PrivateKey>),
    X25519(Vec<u8>, <X25519HkdfSha256 as Kem>::PrivateKey),
}

/// What [`SealingPublic::seal`] gives: `enc ‖ ciphertext`, and a secret both ends can derive.
pub struct Sealed {
    /// The encapsulated key, then the ciphertext with its tag.
    pub bytes: Vec<u8>,
    /// 32 bytes that sender and receiver alone can compute: the salt of item 11 (DESIGN §5).
    pub salt: [u8; 32],
}

/// What [`SealingKey::open`] gives.
pub struct Opened {
    /// The plaintext.
    pub plaintext: Vec<u8>,
    /// The same 32 bytes as [`Sealed::salt`].
    pub salt: [u8; 32],
}

const SALT_CONTEXT: &[u8] = b"musubi/item-11/v1";

fn keypair<K: Kem>(seed: &Secret<32>) -> (Vec<u8>, K::PrivateKey) {
    // RFC 9180 §7.1.3: the pair is derived from a seed, so that 32 bytes are all there is to keep.
    let (private, public) = K::derive_keypair(seed.bytes());
    (public.to_bytes().to_vec(), private)
}

fn seal_with<K: Kem>(
    key: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    dice: &Dice,
) -> Result<Sealed, SealError> {
    let public = K::PublicKey::from_bytes(key).map_err(|_| SealError::BadKey)?;
    let (enc, mut context) = hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeS::Base,
        &public,
        info,
        &mut dice.clone(),
    )
    .map_err(|_| SealError::BadKey)?;
    let mut bytes = enc.to_bytes().to_vec();
    bytes.extend(context.seal(plaintext, aad).map_err(|_| SealError::BadKey)?);
    let mut salt = [0; 32];
    context.export(SALT_CONTEXT, &mut salt).map_err(|_| SealError::BadKey)?;
    Ok(Sealed { bytes, salt })
}

fn open_with<K: Kem>(
    private: &K::PrivateKey,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Opened, SealError> {
    let (enc, ciphertext) = sealed.split_at_checked(K::EncappedKey::size()).ok_or(SealError::DoesNotOpen)?;
    let enc = K::EncappedKey::from_bytes(enc).map_err(|_| SealError::DoesNotOpen)?;
    let mut context =
        hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, K>(&OpModeR::Base, private, &enc, info)
            .map_err(|_| SealError::DoesNotOpen)?;
    let plaintext = context.open(ciphertext, aad).map_err(|_| SealError::DoesNotOpen)?;
    let mut salt = [0; 32];
    context.export(SALT_CONTEXT, &mut salt).map_err(|_| SealError::DoesNotOpen)?;
    Ok(Opened { plaintext, salt })
}

impl SealingKey {
    /// A fresh key.
    pub fn generate(suite: Suite, dice: &Dice) -> Self {
        Self::from_seed(suite, Secret::new(dice.bytes()))
    }

    pub(crate) const fn from_seed(suite: Suite, seed: Secret<32>) -> Self {
        Self { suite, seed, pair: OnceLock::new() }
    }

    pub(crate) const fn seed(&self) -> &Secret<32> {
        &self.seed
    }

    /// The public key.
    pub fn public(&self) -> SealingPublic {
        let (Pair::XWing(key, _) | Pair::X25519(key, _)) = self.pair();
        SealingPublic { suite: self.suite, key: key.clone().into() }
    }

    fn pair(&self) -> &Pair {
        self.pair.get_or_init(|| match self.suite {
            Suite::XWing => {
                let (public, private) = keypair::<XWing>(&self.seed);
                Pair::XWing(public, Box::new(private))
            }
            Suite::X25519 => {
                let (public, private) = keypair::<X25519HkdfSha256>(&self.seed);
                Pair::X25519(public, private)
            }
        })
    }

    /// Opens a message sealed to this key with the same `info` and `aad`.
    pub fn open(&self, info: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Opened, SealError> {
        match self.pair() {
            Pair::XWing(_, private) => open_with::<XWing>(private, info, aad, sealed),
            Pair::X25519(_, private) => open_with::<X25519HkdfSha256>(private, info, aad, sealed),
        }
    }
}

impl SealingPublic {
    /// Seals `plaintext` to this key; `info` names the conversation, `aad` what must not be exchanged under it.
    pub fn seal(&self, info: &[u8], aad: &[u8], plaintext: &[u8], dice: &Dice) -> Result<Sealed, SealError> {
        match self.suite {
            Suite::XWing => seal_with::<XWing>(&self.key.0, info, aad, plaintext, dice),
            Suite::X25519 => seal_with::<X25519HkdfSha256>(&self.key.0, info, aad, plaintext, dice),
        }
    }
}
