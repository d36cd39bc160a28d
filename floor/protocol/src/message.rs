//! Signed messages.

use seal::{Jws, SigningKey, Typ, VerifyKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use words::{PartyId, Reason};

/// A message that travels signed.
pub trait Message: Serialize + DeserializeOwned {
    /// Its kind, in the protected header.
    const TYP: Typ;
}

/// Signs `message` in the name of `party`.
pub fn sign<M: Message>(key: &SigningKey, party: &PartyId, message: &M) -> Jws {
    // Unwrap safety: our messages are plain structs; serialising them to memory does not fail.
    key.sign(party, M::TYP, &serde_json::to_vec(message).unwrap_or_default())
}

/// The message inside, if `party` signed it under `key`.
pub fn verify<M: Message>(jws: &Jws, party: &PartyId, key: &VerifyKey) -> Result<M, Reason> {
    let payload = jws.verify(party, key, M::TYP).map_err(|_| Reason::BadSignature)?;
    serde_json::from_slice(&payload).map_err(|_| Reason::Malformed)
}
