//! Columns sealed at rest: XChaCha20-Poly1305 bound to table, row and column, so that a sealed value cannot be
//! moved to another place of the database.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

use crate::codes::LinkCode;
use crate::hash::hmac256;
use crate::secret::Secret;
use crate::{Dice, SealError};

/// A room's own key for what it writes to its database.
pub struct StorageKey {
    cipher: XChaCha20Poly1305,
    index: Secret<32>,
    root: Secret<32>,
    dice: Dice,
}

impl StorageKey {
    pub(crate) fn from_bytes(root: Secret<32>, dice: Dice) -> Self {
        let cipher_key = hmac256(root.bytes(), &[b"musubi/storage/cipher"]);
        let index = Secret::new(hmac256(root.bytes(), &[b"musubi/storage/index"]));
        Self { cipher: XChaCha20Poly1305::new(&cipher_key.into()), index, root, dice }
    }

    /// A fresh key.
    pub fn generate(dice: &Dice) -> Self {
        Self::from_bytes(Secret::new(dice.bytes()), dice.clone())
    }

    pub(crate) const fn root(&self) -> &Secret<32> {
        &self.root
    }

    fn place(table: &str, row: &[u8], column: &str) -> Vec<u8> {
        crate::sha256_parts(&[table.as_bytes(), row, column.as_bytes()]).to_vec()
    }

    /// Seals `bytes` for one place: 24 bytes of nonce, then the ciphertext with its tag (40 bytes more in all).
    pub fn seal(&self, table: &str, row: &[u8], column: &str, bytes: &[u8]) -> Vec<u8> {
        let nonce: [u8; 24] = self.dice.bytes();
        let payload = Payload { msg: bytes, aad: &Self::place(table, row, column) };
        let mut sealed = nonce.to_vec();
        // Unwrap safety: encryption fails only above 256 GiB.
        sealed.extend(self.cipher.encrypt(&nonce.into(), payload).unwrap_or_default());
        sealed
    }

    /// Opens what [`StorageKey::seal`] sealed for the same place.
    pub fn open(&self, table: &str, row: &[u8], column: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, ciphertext) = sealed.split_at_checked(24).ok_or(SealError::DoesNotOpen)?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| SealError::DoesNotOpen)?;
        let payload = Payload { msg: ciphertext, aad: &Self::place(table, row, column) };
        self.cipher.decrypt(&nonce.into(), payload).map_err(|_| SealError::DoesNotOpen)
    }

    /// A keyed index over a value: equal values give equal indices, and nothing else is learnt without the key.
    pub fn index(&self, label: &str, bytes: &[u8]) -> [u8; 32] {
        hmac256(self.index.bytes(), &[label.as_bytes(), bytes])
    }

    /// The keyed index of a link code.
    pub fn index_code(&self, code: &LinkCode) -> [u8; 32] {
        self.index("link-code", &code.compressed())
    }

    /// Seals a link code for one row.
    pub fn seal_code(&self, table: &str, row: &[u8], code: &LinkCode) -> Vec<u8> {
        self.seal(table, row, "code", &code.compressed())
    }

    /// Opens a link code.
    pub fn open_code(&self, table: &str, row: &[u8], sealed: &[u8]) -> Result<LinkCode, SealError> {
        let mut bytes = self.open(table, row, "code", sealed)?;
        let code = LinkCode::from_compressed(&bytes);
        zeroize::Zeroize::zeroize(&mut bytes);
        code
    }
}
