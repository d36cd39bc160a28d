//! Codes in the open, for the schemes of 2011 in which one core sees them: 30 bytes, carried as a point so that they travel
//! and are kept as every other code; and the reversible encryption of scheme 2.

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use curve25519_dalek::ristretto::CompressedRistretto;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::codes::LinkCode;
use crate::hash::hmac512;
use crate::number::IndividualNumber;
use crate::secret::Secret;
use crate::{Dice, SealError};

/// Bytes of a code in the open.
const LENGTH: usize = 30;
/// Bytes of a person's internal code in scheme 2: with the 16 of the synthetic IV they are a code.
const INTERNAL: usize = 14;
/// Bytes of a drawn code: schemes 3 to 5.
const DRAWN: usize = 16;
/// How many points are tried for one code. One in four byte strings is a point (ℓ / 2²⁵⁴), so that a code for which none
/// of these is one has probability 2⁻³⁴⁰⁰.
const TRIES: u16 = 8192;

/// A code in the open. Not `Debug`, not `Serialize`; wiped on drop.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Zeroize, ZeroizeOnDrop)]
pub struct OpenCode([u8; LENGTH]);

impl OpenCode {
    fn padded(bytes: &[u8]) -> Self {
        let mut code = [0; LENGTH];
        code.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        Self(code)
    }

    /// Scheme 1: the number itself.
    pub fn of_number(number: &IndividualNumber) -> Self {
        let mut digits = number.digits();
        let code = Self::padded(digits.as_bytes());
        digits.zeroize();
        code
    }

    /// The number in a code of scheme 1.
    pub fn number(&self) -> Result<IndividualNumber, SealError> {
        let (digits, rest) = self.0.split_at_checked(12).ok_or(SealError::BadCode)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(SealError::BadCode);
        }
        let digits = std::str::from_utf8(digits).map_err(|_| SealError::BadCode)?;
        IndividualNumber::parse(digits).map_err(|_| SealError::BadCode)
    }

    /// Schemes 3 to 5: 16 random bytes.
    pub fn draw(dice: &Dice) -> Self {
        Self::padded(&dice.bytes::<DRAWN>())
    }

    /// A drawn code from a table.
    pub fn from_drawn(bytes: &[u8]) -> Result<Self, SealError> {
        if bytes.len() == DRAWN { Ok(Self::padded(bytes)) } else { Err(SealError::BadCode) }
    }

    /// The 16 bytes of a drawn code, for the table; refuses a code of another scheme.
    pub fn drawn(&self) -> Result<[u8; DRAWN], SealError> {
        let (bytes, rest) = self.0.split_at_checked(DRAWN).ok_or(SealError::BadCode)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(SealError::BadCode);
        }
        bytes.try_into().map_err(|_| SealError::BadCode)
    }

    /// The code as a point: the first canonical encoding among `2·t mod 256 ‖ code ‖ t / 128`, t = 0, 1, ….
    pub fn to_link_code(&self) -> Result<LinkCode, SealError> {
        (0..TRIES)
            .find_map(|t| LinkCode::from_compressed(&Self::encoding(&self.0, t)).ok())
            .ok_or(SealError::BadCode)
    }

    fn encoding(code: &[u8; LENGTH], t: u16) -> [u8; 32] {
        let mut bytes = [0; 32];
        let [low, middle @ .., high] = &mut bytes;
        *low = u8::try_from(t % 128).unwrap_or(0) * 2;
        middle.copy_from_slice(code);
        *high = u8::try_from(t / 128).unwrap_or(0);
        bytes
    }

    /// The code in a point; refuses a point that is not the one [`Self::to_link_code`] gives.
    pub fn from_link_code(code: &LinkCode) -> Result<Self, SealError> {
        let bytes = code.compressed();
        let [low, middle @ .., high] = &bytes;
        let open = Self(*middle);
        let t = u16::from(*high) * 128 + u16::from(*low / 2);
        let first = t < TRIES
            && (0..t).all(|earlier| {
                let earlier = CompressedRistretto(Self::encoding(&open.0, earlier));
                // The identity, all zeros, is no code and was passed over.
                earlier.0 == [0; 32] || earlier.decompress().is_none()
            });
        if first { Ok(open) } else { Err(SealError::BadCode) }
    }

    /// The bytes, for the one who audits what is stored (`dangerous`: a code in the open).
    pub const fn dangerous_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// The key of a core that sees codes.
pub struct CoreKey(Secret<32>);

impl CoreKey {
    pub(crate) const fn from_bytes(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// A fresh key, outside any folder.
    pub fn generate(dice: &Dice) -> Self {
        Self(Secret::new(dice.bytes()))
    }

    /// A key of these bytes: for vectors, and for what was stolen.
    pub fn dangerous_from(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Under what a table keeps the person whom the registry names by this point.
    pub fn handle(&self, person: &LinkCode) -> [u8; 16] {
        let mut wide = hmac512(self.0.bytes(), &[b"musubi/core/handle/v1", &person.compressed()]);
        let mut handle = [0; 16];
        handle.iter_mut().zip(wide).for_each(|(slot, byte)| *slot = byte);
        wide.zeroize();
        handle
    }

    /// Scheme 2: the person's internal code, which never leaves the core.
    fn internal(&self, person: &LinkCode) -> [u8; INTERNAL] {
        let mut wide = hmac512(self.0.bytes(), &[b"musubi/core/internal/v1", &person.compressed()]);
        let mut internal = [0; INTERNAL];
        internal.iter_mut().zip(wide).for_each(|(slot, byte)| *slot = byte);
        wide.zeroize();
        internal
    }

    /// Scheme 2: the key of an institution's codes in one epoch.
    pub fn reversible(&self, domain: &words::Domain) -> ReversibleKey {
        let mut key = hmac512(self.0.bytes(), &[b"musubi/core/reversible/v1", domain.to_string().as_bytes()]);
        let siv = Aes256Siv::new(&key.into());
        key.zeroize();
        ReversibleKey(siv)
    }

    /// Scheme 2: the code of the person the registry names by this point.
    pub fn issue(&self, person: &LinkCode, to: &mut ReversibleKey) -> Result<OpenCode, SealError> {
        let mut internal = self.internal(person);
        let code = to.encrypt(&internal);
        internal.zeroize();
        code
    }
}

/// Scheme 2: AES-256-SIV (RFC 5297) under the key of one institution; deterministic, so that a person has one code.
pub struct ReversibleKey(Aes256Siv);

impl ReversibleKey {
    fn encrypt(&mut self, internal: &[u8]) -> Result<OpenCode, SealError> {
        let none: [&[u8]; 0] = [];
        let sealed = self.0.encrypt(none, internal).map_err(|_| SealError::BadCode)?;
        sealed.as_slice().try_into().map(OpenCode).map_err(|_| SealError::BadCode)
    }

    /// The code of the same person under another institution's key. A code of any other institution, or of another epoch,
    /// does not authenticate.
    pub fn convert(&mut self, code: &OpenCode, to: &mut Self) -> Result<OpenCode, SealError> {
        let none: [&[u8]; 0] = [];
        let mut internal = self.0.decrypt(none, &code.0).map_err(|_| SealError::BadCode)?;
        let converted = to.encrypt(&internal);
        internal.zeroize();
        converted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_code_is_one_point_and_a_point_one_code(bytes in any::<[u8; LENGTH]>(), later in 1..40u16) {
            let code = OpenCode(bytes);
            let point = code.to_link_code().unwrap();
            prop_assert!(OpenCode::from_link_code(&point).unwrap() == code);
            // Another point with the same bytes inside is no code.
            let t = u16::from(point.compressed()[31]) * 128 + u16::from(point.compressed()[0] / 2);
            if let Ok(other) = LinkCode::from_compressed(&OpenCode::encoding(&bytes, t + later)) {
                prop_assert!(OpenCode::from_link_code(&other).is_err());
            }
        }
    }

    #[test]
    fn nothing_is_a_code_too_and_the_identity_is_not() {
        let zeros = OpenCode([0; LENGTH]);
        let point = zeros.to_link_code().unwrap();
        assert_ne!(point.compressed(), [0; 32]);
        assert!(OpenCode::from_link_code(&point).unwrap() == zeros);
    }

    #[test]
    fn a_code_is_of_its_scheme() {
        let dice = Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer));
        let number = IndividualNumber::parse("123456789018").unwrap();
        assert!(OpenCode::of_number(&number).number().unwrap() == number);
        assert!(OpenCode::draw(&dice).number().is_err());
        assert!(OpenCode(dice.bytes()).drawn().is_err());
        assert!(OpenCode::draw(&dice).drawn().is_ok());
    }
}
