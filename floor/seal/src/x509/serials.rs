//! Serial numbers that say their place to whoever made them, and nothing to anybody else: a running number under AES-256, so
//! that the states of all certificates fit into a table without their serial numbers.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use zeroize::Zeroizing;

use super::X509Error;
use crate::StorageKey;

/// Which certificate a serial number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its running number.
    pub number: u32,
    /// Random: tells certificates apart that were given the same number, as after a restored backup.
    pub mark: u16,
}

/// The key of an authority's serial numbers.
pub struct Serials {
    seal: EncryptingKey,
    open: DecryptingKey,
}

impl Serials {
    /// The key of the room with this storage key.
    ///
    /// # Errors
    /// If the library takes no key.
    pub fn new(storage: &StorageKey) -> Result<Self, X509Error> {
        let key = Zeroizing::new(storage.index("serial-numbers", &[]));
        let failed = |_| X509Error::DoesNotSign("no key of serial numbers");
        let unbound = || UnboundCipherKey::new(&AES_256, key.as_slice()).map_err(failed);
        let seal = EncryptingKey::ecb(unbound()?).map_err(failed)?;
        let open = DecryptingKey::ecb(unbound()?).map_err(failed)?;
        Ok(Self { seal, open })
    }

    /// The serial number of the certificate with this running number. Takes random bytes from `random`, some eight.
    ///
    /// # Errors
    /// If the library does not encrypt.
    pub fn serial(&self, number: u32, mut random: impl FnMut() -> [u8; 2]) -> Result<[u8; 16], X509Error> {
        let [a, b, c, d] = number.to_be_bytes();
        loop {
            let [x, y] = random();
            // One block, of which ten bytes are known: whoever guesses a serial number is right once in 2^80.
            let mut block = [a, b, c, d, x, y, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            self.seal.encrypt(&mut block).map_err(|_| X509Error::DoesNotSign("no serial number"))?;
            // Positive, and never shorter (RFC 5280 §4.1.2.2): one in four is.
            if super::certificate::full_serial(block) == block {
                return Ok(block);
            }
        }
    }

    /// The place of a serial number that this key made.
    pub fn place(&self, serial: &[u8]) -> Option<Place> {
        let mut block: [u8; 16] = serial.try_into().ok()?;
        self.open.decrypt(&mut block, DecryptionContext::None).ok()?;
        let [a, b, c, d, x, y, rest @ ..] = block;
        let known = rest == [0; 10];
        known.then(|| Place { number: u32::from_be_bytes([a, b, c, d]), mark: u16::from_be_bytes([x, y]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dice;
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng, rngs::ChaCha20Rng};
    use std::sync::{Arc, Mutex};

    fn serials(seed: u64) -> Serials {
        let stream = Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed)));
        let dice = Dice::new(move |buffer| stream.lock().unwrap().fill_bytes(buffer));
        Serials::new(&StorageKey::generate(&dice)).unwrap()
    }

    proptest! {
        #[test]
        fn a_serial_number_says_its_place_to_its_own_key_alone(number: u32, seed: u64, bit in 0usize..128, guess: [u8; 16]) {
            let (own, other) = (serials(1), serials(2));
            let mut random = ChaCha20Rng::seed_from_u64(seed);
            let mut last = [0; 2];
            let serial = own.serial(number, || {
                random.fill_bytes(&mut last);
                last
            });
            let mut serial = serial.unwrap();
            prop_assert_eq!(own.place(&serial), Some(Place { number, mark: u16::from_be_bytes(last) }));
            prop_assert_eq!(serial[0] & 0xC0, 0x40);
            prop_assert_eq!(other.place(&serial), None);
            prop_assert_eq!(own.place(&guess), None);
            prop_assert_eq!(own.place(&serial[1..]), None);
            serial[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(own.place(&serial), None);
        }
    }
}
