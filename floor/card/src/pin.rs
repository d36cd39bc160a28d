//! What a holder presents: PINs, passwords, and the codes printed on the card.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::Status;

/// What a PIN may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinFormat {
    /// Exactly this many digits.
    Digits(u8),
    /// Six to sixteen capital letters and digits, the password of the signature key.
    SignaturePassword,
}

impl PinFormat {
    /// Whether `value` has this form. The card folds no case.
    pub fn fits(self, value: &[u8]) -> bool {
        match self {
            Self::Digits(length) => {
                value.len() == usize::from(length) && value.iter().all(u8::is_ascii_digit)
            }
            Self::SignaturePassword => {
                (6..=16).contains(&value.len())
                    && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            }
        }
    }
}

/// One secret the holder knows, with its counter. `used` is counted up and kept before anything is compared, so that
/// power cut at the right moment gives no further try.
#[derive(Clone)]
pub struct Pin {
    pub(crate) value: Zeroizing<Vec<u8>>,
    pub(crate) format: PinFormat,
    pub(crate) limit: u8,
    pub(crate) left: u8,
    /// Whether the holder may replace it after presenting it.
    pub(crate) changeable: bool,
}

impl Pin {
    /// A PIN that is set, with all its tries.
    ///
    /// # Errors
    /// `6A80` if the value has not the form.
    pub fn new(value: &[u8], format: PinFormat, limit: u8, changeable: bool) -> Result<Self, Status> {
        if !format.fits(value) {
            return Err(Status::DATA);
        }
        Ok(Self { value: Zeroizing::new(value.to_vec()), format, limit, left: limit, changeable })
    }

    /// A PIN that nobody set: blocked until it is given a value.
    pub fn unset(format: PinFormat, limit: u8, changeable: bool) -> Self {
        Self { value: Zeroizing::new(Vec::new()), format, limit, left: 0, changeable }
    }

    /// Gives it a value and all its tries.
    pub(crate) fn set(&mut self, value: &[u8]) -> Result<(), Status> {
        if !self.format.fits(value) {
            return Err(Status::DATA);
        }
        self.value = Zeroizing::new(value.to_vec());
        self.left = self.limit;
        Ok(())
    }

    /// Whether `value` is it, in a time that does not tell how much of it is right.
    pub(crate) fn is(&self, value: &[u8]) -> bool {
        !self.value.is_empty() && self.value.len() == value.len() && bool::from(self.value.ct_eq(value))
    }
}
