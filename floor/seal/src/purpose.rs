//! Numbers by which a recipient tells people apart for one purpose, and nobody across purposes.

use words::B64;

use crate::Dice;
use crate::hash::hmac256;
use crate::secret::Secret;

/// The key of one purpose. It is used once, when a set is made, and is never written anywhere: whoever has neither it nor the
/// table of numbers cannot tell whose a number is.
pub struct PurposeKey(Secret<32>);

impl PurposeKey {
    /// A fresh key.
    pub fn generate(dice: &Dice) -> Self {
        Self(Secret::new(dice.bytes()))
    }

    /// A person's number for this purpose: 128 bits of HMAC-SHA-256 over the person's key in the data domain, 22 characters.
    pub fn number(&self, domain: &str, person: &str) -> String {
        let mac = hmac256(self.0.bytes(), &[b"musubi/purpose/v1", domain.as_bytes(), person.as_bytes()]);
        B64::from(mac.get(..16).unwrap_or_default()).text()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn dice(seed: u8) -> Dice {
        let turn = std::sync::atomic::AtomicU8::new(0);
        Dice::new(move |buffer| {
            let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            buffer
                .iter_mut()
                .enumerate()
                .for_each(|(i, byte)| *byte = seed ^ turn.wrapping_mul(31) ^ i as u8);
        })
    }

    proptest! {
        /// Whatever the people: within a purpose each has one number of the own, across purposes none comes twice.
        #[test]
        fn numbers_are_never_equal_across_purposes(people in prop::collection::hash_set("[a-z0-9]{1,12}", 1..40), seed: u8) {
            let dice = dice(seed);
            let purposes: Vec<PurposeKey> = (0..4).map(|_| PurposeKey::generate(&dice)).collect();
            let mut seen = HashSet::new();
            for purpose in &purposes {
                for person in &people {
                    let number = purpose.number("medical", person);
                    prop_assert_eq!(number.len(), 22);
                    prop_assert_eq!(&number, &purpose.number("medical", person));
                    prop_assert_ne!(&number, &purpose.number("tax", person));
                    prop_assert!(seen.insert(number), "a number came twice");
                }
            }
        }
    }
}
