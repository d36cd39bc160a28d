//! Byte strings that must not be seen.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes. Not `Debug`, not `Display`, not `Serialize`, not `Clone`; wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    pub(crate) const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; N] {
        &self.0
    }
}
