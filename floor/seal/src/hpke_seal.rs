//! Sealed messages: HPKE (RFC 9180), X-Wing by default, X25519 beside it.
//!
//! X-Wing joins ML-KEM-768 and X25519, so that what is recorded today is not opened by a quantum computer
//! later; its draft is not an RFC yet and the crate has had no independent audit.

use std::sync::OnceLock;

use hpke::aead::AeadCtxR;
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

/// Bytes of plaintext in each part but the last of what [`SealingPublic::seal_parts`] seals.
pub const PART: usize = 64 << 10;
/// What a part is longer by once it is sealed: the tag of ChaCha20-Poly1305 (RFC 8439 §2.8).
const TAG: usize = 16;

/// Seals each part in turn under one context, which counts them (RFC 9180 §5.2): a part that is moved does not open.
fn seal_with<'a, K: Kem>(
    key: &[u8],
    info: &[u8],
    aad: &[u8],
    parts: impl Iterator<Item = std::borrow::Cow<'a, [u8]>>,
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
    for part in parts {
        bytes.extend(context.seal(&part, aad).map_err(|_| SealError::BadKey)?);
    }
    let mut salt = [0; 32];
    context.export(SALT_CONTEXT, &mut salt).map_err(|_| SealError::BadKey)?;
    Ok(Sealed { bytes, salt })
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
        let (mut context, size) = Context::begin(self, info, sealed).ok_or(SealError::DoesNotOpen)??;
        let plaintext = context.open(sealed.get(size..).unwrap_or_default(), aad)?;
        Ok(Opened { plaintext, salt: context.salt()? })
    }
}

type Receiver<K> = AeadCtxR<ChaCha20Poly1305, HkdfSha256, K>;

enum Context {
    XWing(Receiver<XWing>),
    X25519(Receiver<X25519HkdfSha256>),
}

impl Context {
    /// From the encapsulated key at the beginning of `sealed`; gives its length too. `None` while it is not all there.
    fn begin(key: &SealingKey, info: &[u8], sealed: &[u8]) -> Option<Result<(Self, usize), SealError>> {
        fn of<K: Kem>(
            private: &K::PrivateKey,
            info: &[u8],
            sealed: &[u8],
        ) -> Option<Result<(Receiver<K>, usize), SealError>> {
            let size = K::EncappedKey::size();
            let enc = K::EncappedKey::from_bytes(sealed.get(..size)?);
            let context = enc.and_then(|enc| hpke::setup_receiver(&OpModeR::Base, private, &enc, info));
            Some(context.map(|context| (context, size)).map_err(|_| SealError::DoesNotOpen))
        }
        match key.pair() {
            Pair::XWing(_, private) => of::<XWing>(private, info, sealed)
                .map(|got| got.map(|(context, size)| (Self::XWing(context), size))),
            Pair::X25519(_, private) => of::<X25519HkdfSha256>(private, info, sealed)
                .map(|got| got.map(|(context, size)| (Self::X25519(context), size))),
        }
    }

    fn open(&mut self, part: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
        let opened = match self {
            Self::XWing(context) => context.open(part, aad),
            Self::X25519(context) => context.open(part, aad),
        };
        opened.map_err(|_| SealError::DoesNotOpen)
    }

    fn salt(&self) -> Result<[u8; 32], SealError> {
        let mut salt = [0; 32];
        let exported = match self {
            Self::XWing(context) => context.export(SALT_CONTEXT, &mut salt),
            Self::X25519(context) => context.export(SALT_CONTEXT, &mut salt),
        };
        exported.map(|()| salt).map_err(|_| SealError::DoesNotOpen)
    }
}

/// Opens what [`SealingPublic::seal_parts`] sealed while it arrives, in pieces of any length. Holds one part at most.
///
/// That nothing is missing at the end is not said here: whoever reads must know how long it is, or have its hash signed.
pub struct Opening<'a> {
    key: &'a SealingKey,
    info: Vec<u8>,
    aad: Vec<u8>,
    context: Option<Context>,
    /// What has arrived and is not a whole part yet.
    pending: Vec<u8>,
}

impl Opening<'_> {
    /// Takes the next bytes; `give` is called with the plaintext of each part that is whole.
    ///
    /// # Errors
    /// `DoesNotOpen`: a part is not what was sealed in its place; nothing after it is worth reading.
    pub fn take(&mut self, bytes: &[u8], mut give: impl FnMut(&[u8])) -> Result<(), SealError> {
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        if self.context.is_none() {
            let Some(begun) = Context::begin(self.key, &self.info, &self.pending) else { return Ok(()) };
            let (context, size) = begun?;
            (self.context, at) = (Some(context), size);
        }
        let context = self.context.as_mut().ok_or(SealError::DoesNotOpen)?;
        // The last part is told by the end alone: it may be as long as the others.
        while let Some((part, rest)) =
            self.pending.get(at..).and_then(|left| left.split_at_checked(PART + TAG))
        {
            if rest.is_empty() {
                break;
            }
            give(&context.open(part, &self.aad)?);
            at += part.len();
        }
        self.pending.drain(..at.min(self.pending.len()));
        Ok(())
    }

    /// Takes the end: the last part is opened. Gives the secret that both ends can derive.
    ///
    /// # Errors
    /// As [`Opening::take`].
    pub fn end(mut self, give: impl FnOnce(&[u8])) -> Result<[u8; 32], SealError> {
        let mut context = self.context.take().ok_or(SealError::DoesNotOpen)?;
        give(&context.open(&self.pending, &self.aad)?);
        context.salt()
    }
}

impl SealingKey {
    /// Begins to open what was sealed in parts to this key with the same `info` and `aad`.
    pub fn opening(&self, info: &[u8], aad: &[u8]) -> Opening<'_> {
        Opening { key: self, info: info.to_vec(), aad: aad.to_vec(), context: None, pending: Vec::new() }
    }
}

impl SealingPublic {
    /// Seals `plaintext`, followed by zeros up to `size` bytes, in parts of [`PART`] bytes: `enc ‖ part ‖ part ‖ …`. One part
    /// alone is what [`SealingPublic::seal`] makes.
    pub fn seal_parts(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        size: usize,
        dice: &Dice,
    ) -> Result<Sealed, SealError> {
        let size = size.max(plaintext.len()).max(1);
        let parts = (0..size).step_by(PART).map(|from| {
            let to = size.min(from + PART);
            match plaintext.get(from..to) {
                Some(part) => part.into(),
                None => {
                    let mut part = plaintext.get(from..).unwrap_or_default().to_vec();
                    part.resize(to - from, 0);
                    part.into()
                }
            }
        });
        match self.suite {
            Suite::XWing => seal_with::<XWing>(&self.key.0, info, aad, parts, dice),
            Suite::X25519 => seal_with::<X25519HkdfSha256>(&self.key.0, info, aad, parts, dice),
        }
    }

    /// Seals `plaintext` to this key; `info` names the conversation, `aad` what must not be exchanged under it.
    pub fn seal(&self, info: &[u8], aad: &[u8], plaintext: &[u8], dice: &Dice) -> Result<Sealed, SealError> {
        let whole = std::iter::once(plaintext.into());
        match self.suite {
            Suite::XWing => seal_with::<XWing>(&self.key.0, info, aad, whole, dice),
            Suite::X25519 => seal_with::<X25519HkdfSha256>(&self.key.0, info, aad, whole, dice),
        }
    }
}
