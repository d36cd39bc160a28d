//! Numbers of people: the resident code (住民票コード) and the Individual Number (個人番号), rows N2 and N3.
//!
//! Secrets: no `Debug`, no `Display`, no `Serialize`; shown by `reveal(&Permit)` alone.

use rules::{Operate, Permit};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Dice, SealError};

/// The check digit that resident code and Individual Number share: weights 2,3,4,5,6,7,2,… from the right, the
/// check digit left out; `r = Σ mod 11`; 0 if `r ≤ 1`, else `11 − r` (ordinance under 番号法第八条).
fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 =
        digits.iter().rev().zip((2..=7u32).cycle()).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    match sum % 11 {
        0 | 1 => 0,
        r => u8::try_from(11 - r).unwrap_or(0),
    }
}

fn parse<const N: usize>(text: &str) -> Result<[u8; N], SealError> {
    let mut digits = [0u8; N];
    if text.len() != N || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SealError::BadNumber);
    }
    digits.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte - b'0');
    let (check, body) = digits.split_last().ok_or(SealError::BadNumber)?;
    if check_digit(body) == *check { Ok(digits) } else { Err(SealError::BadNumber) }
}

fn draw<const N: usize>(dice: &Dice) -> [u8; N] {
    let mut digits = [0u8; N];
    for slot in digits.iter_mut().take(N.saturating_sub(1)) {
        // Rejection sampling: 250 is the largest multiple of ten in a byte.
        *slot = loop {
            let [byte] = dice.bytes();
            if byte < 250 {
                break byte % 10;
            }
        };
    }
    if let Some((check, body)) = digits.split_last_mut() {
        *check = check_digit(body);
    }
    digits
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Zeroize, ZeroizeOnDrop, PartialEq, Eq)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Draws a random one. Uniqueness is the register's to keep.
            pub fn draw(dice: &Dice) -> Self {
                Self(draw(dice))
            }

            /// Reads the digits; refuses a wrong length or check digit. A check digit misses about 2 % of slips:
            /// never take a number without a second attribute.
            pub fn parse(text: &str) -> Result<Self, SealError> {
                parse(text).map(Self)
            }

            /// The digits, for one who may see them.
            pub fn reveal(&self, _permit: &Permit<Operate>) -> String {
                self.digits()
            }

            pub(crate) fn digits(&self) -> String {
                self.0.iter().map(|digit| char::from(b'0' + digit)).collect()
            }

            /// The keyed index under which a register finds the number without holding it in the open.
            pub fn index(&self, key: &crate::StorageKey) -> [u8; 32] {
                key.index(stringify!($name), &self.0)
            }

            /// Seals the number for one row of a table.
            pub fn seal(&self, key: &crate::StorageKey, table: &str, row: &[u8]) -> Vec<u8> {
                key.seal(table, row, stringify!($name), self.digits().as_bytes())
            }

            /// Opens what [`Self::seal`] sealed.
            pub fn open(key: &crate::StorageKey, table: &str, row: &[u8], sealed: &[u8]) -> Result<Self, SealError> {
                let digits = key.open(table, row, stringify!($name), sealed)?;
                Self::parse(std::str::from_utf8(&digits).map_err(|_| SealError::BadNumber)?)
            }
        }
    };
}

number!(
    /// A resident code: ten random digits and a check digit; changeable by the resident at any time (003).
    ResidentCode,
    11
);
number!(
    /// An Individual Number: eleven random digits and a check digit. Drawn, not derived, so that it cannot be
    /// traced back to the resident code (004).
    IndividualNumber,
    12
);

#[cfg(test)]
mod tests {
    use super::*;

    fn dice() -> Dice {
        Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer))
    }

    #[test]
    fn published_example_and_slips() {
        // The example number of the official leaflets.
        assert!(IndividualNumber::parse("123456789018").is_ok());
        for bad in
            ["123456789010", "12345678901", "1234567890188", "12345678901a", "１２３４５６７８９０１８"]
        {
            assert!(IndividualNumber::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn drawn_numbers_read_back_and_few_slips_pass() {
        let dice = dice();
        let (mut slips, mut passed) = (0, 0);
        for _ in 0..300 {
            let digits = IndividualNumber::draw(&dice).digits();
            assert!(IndividualNumber::parse(&digits).is_ok());
            assert!(ResidentCode::parse(&ResidentCode::draw(&dice).digits()).is_ok());
            for at in 0..12 {
                let mut slip = digits.clone().into_bytes();
                slip[at] = b'0' + (slip[at] - b'0' + 1) % 10;
                slips += 1;
                passed += i32::from(IndividualNumber::parse(std::str::from_utf8(&slip).unwrap()).is_ok());
            }
        }
        assert!(passed * 20 < slips, "{passed} of {slips} slips pass");
    }
}
