//! Hashes. Everything hashed from several parts is length-prefixed, so that parts cannot slide.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

/// A SHA-256 digest.
pub type Sha256 = [u8; 32];

/// SHA-256 of one byte string.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    sha2::Sha256::digest(bytes).into()
}

/// SHA-256 over several parts, each preceded by its length as eight bytes, big endian.
pub fn sha256_parts(parts: &[&[u8]]) -> Sha256 {
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 of bytes that come in pieces.
#[derive(Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all of them.
    pub fn end(self) -> Sha256 {
        self.0.finalize().into()
    }
}

/// HMAC-SHA-256 over length-prefixed parts.
pub(crate) fn hmac256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new(&padded::<64>(key).into());
    feed(&mut mac, parts);
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA-512 over length-prefixed parts.
pub(crate) fn hmac512(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 64] {
    let mut mac = <Hmac<sha2::Sha512> as KeyInit>::new(&padded::<128>(key).into());
    feed(&mut mac, parts);
    mac.finalize().into_bytes().into()
}

/// RFC 2104: a key shorter than the block is padded with zeros; doing it here makes the constructor infallible.
fn padded<const BLOCK: usize>(key: &[u8; 32]) -> [u8; BLOCK] {
    let mut block = [0u8; BLOCK];
    block.iter_mut().zip(key).for_each(|(slot, byte)| *slot = *byte);
    block
}

fn feed(mac: &mut impl Mac, parts: &[&[u8]]) {
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
}
