//! Secrets and what is done with them: signatures, sealed messages, link codes, storage keys.
//!
//! INVARIANT: no type here that holds a secret has `Debug`, `Display` or `Serialize`; all are wiped on drop,
//! and numbers are shown only by `reveal(&Permit)`. All entropy comes through [`Dice`].
//!
//! Certificates, revocation lists and their validation: [`x509`].
//!
//! Primitives: Ed25519 (RFC 8032), HPKE (RFC 9180) with X-Wing or X25519, ristretto255 (RFC 9496) with the
//! n-PEP scheme of `libpep`, HMAC-SHA-256/512, XChaCha20-Poly1305.

mod at_rest;
mod ceremony;
mod codes;
mod dice;
mod guard;
mod hash;
mod hpke_seal;
mod jws;
mod key_folder;
mod number;
mod open_code;
mod proof;
mod purpose;
mod secret;
mod session;
mod shares;
mod timing;
mod transcryptor;
mod two_people;
#[cfg(test)]
mod vectors;
pub mod webauthn;
pub mod x509;

pub use at_rest::StorageKey;
pub use ceremony::{Dealt, GlobalKeys, deal};
pub use codes::{EncryptedCode, LinkCode, PersonKey, PersonPoint, PublicPoint};
pub use dice::Dice;
pub use guard::{Guard, GuardContext, GuardKey, GuardOpener};
pub use hash::{Hasher, Sha256, sha256, sha256_parts};
pub use hpke_seal::{Opened, Opening, PART, Sealed, SealingKey, SealingPublic, Suite};
pub use jws::{Jws, SigningKey, Typ, VerifyKey};
pub use key_folder::{FolderError, KeyFolder};
pub use number::{IndividualNumber, ResidentCode};
pub use open_code::{CoreKey, OpenCode, ReversibleKey};
pub use proof::{CodeProof, Commitments, KnownKey, PairProof};
pub use purpose::PurposeKey;
pub use session::{SessionSecret, Share};
pub use shares::{Combined, KeyShare, ShareError, combine, split};
pub use transcryptor::{Conversion, KeyProof, Position, TranscryptorSecrets};
pub use two_people::{Locked, OpeningKey, lock, unlock};

/// What can be wrong with sealed, signed or encrypted matter. Never says anything of the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A JWS is not three base64url parts with the header that belongs to its kind.
    #[error("the signed message is not a compact JWS of the kind expected here")]
    NotJws,
    /// A signature does not verify.
    #[error("the signature does not verify under the registered key")]
    BadSignature,
    /// A text to be signed as lines has no newline.
    #[error("the text to be signed has no line")]
    NotText,
    /// A public key has the wrong length or is no key.
    #[error("the public key is not valid")]
    BadKey,
    /// A sealed message does not open.
    #[error("the sealed message does not open: it was sealed for another key or changed")]
    DoesNotOpen,
    /// A point is not canonical, or is the identity.
    #[error("the point is not a canonical ristretto255 encoding of a point other than the identity")]
    BadPoint,
    /// A proof about a key does not hold.
    #[error("the proof of the session key does not hold")]
    BadProof,
    /// The session's public key is not the one this secret belongs to.
    #[error("the session's public key does not belong to the shares received")]
    WrongSession,
    /// A code in the open is not of this scheme, or not this institution's.
    #[error("the code is not one that was given to this institution")]
    BadCode,
    /// A number has the wrong length or check digit.
    #[error("the number has the wrong length or check digit")]
    BadNumber,
}
