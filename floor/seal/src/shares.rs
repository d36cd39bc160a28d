//! Secrets in shares (Shamir 1979, byte by byte over GF(256)): any `needed` of them give the secret back, fewer give nothing.
//!
//! Every share carries the digests of all shares of its set, so that one that was changed is named by the others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::B64;
use zeroize::{Zeroize, Zeroizing};

use crate::{Dice, Sha256, sha256_parts};

/// One share, as it is written to a file and given to a person. Whoever holds `needed` of a set holds the secret.
#[derive(Clone, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct KeyShare {
    /// `key-share/v1`.
    pub musubi: String,
    /// Whose secret it is part of.
    pub of: String,
    /// Which splitting: 16 random bytes.
    pub set: B64,
    /// Which share, from 1.
    pub number: u8,
    /// How many give the secret back.
    pub needed: u8,
    /// SHA-256 of every share of the set, in order.
    pub digests: Vec<B64>,
    /// The share itself.
    pub share: B64,
}

impl Drop for KeyShare {
    fn drop(&mut self) {
        self.share.0.zeroize();
    }
}

impl std::fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyShare({} of {})", self.number, self.digests.len())
    }
}

/// What came of putting shares together.
pub struct Combined {
    /// The secret.
    pub secret: Zeroizing<Vec<u8>>,
    /// Numbers of shares that were changed, and not used.
    pub damaged: Vec<u8>,
}

/// Why shares cannot be made or put together. Never says anything of the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// The numbers make no sense.
    #[error("at least 2 shares must be needed, and at most as many as there are (255)")]
    Numbers,
    /// Too few.
    #[error("{needed} shares are needed, {whole} whole ones were given{}", named(damaged))]
    TooFew {
        /// How many are needed.
        needed: u8,
        /// How many different whole ones were given.
        whole: usize,
        /// Those that were changed.
        damaged: Vec<u8>,
    },
    /// Of different splittings.
    #[error("the shares are not all of one set: share {0} is of another splitting, or of another party")]
    OtherSet(u8),
    /// Not shares at all.
    #[error("share {0} is not one that this program reads")]
    Unreadable(u8),
}

fn named(damaged: &[u8]) -> String {
    let numbers: Vec<String> = damaged.iter().map(u8::to_string).collect();
    if numbers.is_empty() { String::new() } else { format!("; damaged: share {}", numbers.join(", ")) }
}

const KIND: &str = "key-share/v1";

fn digest(of: &str, set: &[u8], number: u8, needed: u8, share: &[u8]) -> Sha256 {
    let numbers = [number, needed];
    sha256_parts(&[b"musubi/key-share/v1", of.as_bytes(), set, &numbers, share])
}

/// Splits a secret into `count` shares of which `needed` give it back.
pub fn split(
    of: &str,
    secret: &[u8],
    needed: u8,
    count: u8,
    dice: &Dice,
) -> Result<Vec<KeyShare>, ShareError> {
    if needed < 2 || needed > count || secret.is_empty() {
        return Err(ShareError::Numbers);
    }
    let set: [u8; 16] = dice.bytes();
    let (sharks, mut dice) = (blahaj::Sharks(needed), dice.clone());
    let dealer = sharks.dealer_rng(secret, &mut dice);
    let dealt: Vec<(u8, Zeroizing<Vec<u8>>)> =
        (1..=count).zip(dealer).map(|(number, share)| (number, Zeroizing::new(Vec::from(&share)))).collect();
    let digests: Vec<B64> =
        dealt.iter().map(|(number, share)| B64::from(digest(of, &set, *number, needed, share))).collect();
    let share = |(number, share): &(u8, Zeroizing<Vec<u8>>)| KeyShare {
        musubi: KIND.to_owned(),
        of: of.to_owned(),
        set: B64::from(set),
        number: *number,
        needed,
        digests: digests.clone(),
        share: B64::from(share.as_slice()),
    };
    Ok(dealt.iter().map(share).collect())
}

/// Puts shares together. Changed ones are left out and named; the rest must be enough.
pub fn combine(shares: &[KeyShare]) -> Result<Combined, ShareError> {
    if let Some(share) = shares.iter().find(|share| share.musubi != KIND || share.needed < 2) {
        return Err(ShareError::Unreadable(share.number));
    }
    let Some(first) = shares.iter().max_by_key(|share| alike(share, shares)) else {
        return Err(ShareError::Numbers);
    };
    let (mut whole, mut damaged): (Vec<&KeyShare>, Vec<u8>) = (Vec::new(), Vec::new());
    for share in shares {
        if (&share.of, &share.set) != (&first.of, &first.set) {
            return Err(ShareError::OtherSet(share.number));
        }
        let own = digest(&share.of, &share.set.0, share.number, first.needed, &share.share.0);
        let listed = usize::from(share.number).checked_sub(1).and_then(|at| first.digests.get(at));
        // Its first byte is the place it was dealt for.
        let in_place = share.share.0.first() == Some(&share.number);
        if listed != Some(&B64::from(own)) || share.needed != first.needed || !in_place {
            damaged.push(share.number);
        } else if whole.iter().all(|other| other.number != share.number) {
            whole.push(share);
        }
    }
    damaged.sort_unstable();
    damaged.dedup();
    if whole.len() < usize::from(first.needed) {
        return Err(ShareError::TooFew { needed: first.needed, whole: whole.len(), damaged });
    }
    let parts = whole.iter().map(|share| {
        blahaj::Share::try_from(share.share.0.as_slice()).map_err(|_| ShareError::Unreadable(share.number))
    });
    let parts: Vec<blahaj::Share> = parts.collect::<Result<_, _>>()?;
    let sharks = blahaj::Sharks(first.needed);
    let secret = sharks.recover(&parts);
    let secret = secret.map_err(|_| ShareError::Unreadable(first.number))?;
    Ok(Combined { secret: Zeroizing::new(secret), damaged })
}

/// How many of the shares say the same of their set.
fn alike(one: &KeyShare, all: &[KeyShare]) -> usize {
    let same = |other: &&KeyShare| {
        (&other.set, &other.of, &other.digests, other.needed) == (&one.set, &one.of, &one.digests, one.needed)
    };
    all.iter().filter(same).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng, rngs::ChaCha20Rng};
    use std::sync::{Arc, Mutex};

    fn dice(seed: u64) -> Dice {
        let stream = Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed)));
        Dice::new(move |buffer| stream.lock().unwrap().fill_bytes(buffer))
    }

    proptest! {
        #[test]
        fn any_k_of_n_give_the_secret_back_and_fewer_are_refused(
            secret in proptest::collection::vec(any::<u8>(), 1..200),
            needed in 2u8..6,
            more in 0u8..4,
            seed in any::<u64>(),
            order in any::<u64>(),
        ) {
            let mut shares = split("linkage", &secret, needed, needed + more, &dice(seed)).unwrap();
            let mut lots = ChaCha20Rng::seed_from_u64(order);
            shares.sort_by_cached_key(|_| lots.next_u64());
            let enough = &shares[..usize::from(needed)];
            let back = combine(enough).unwrap();
            prop_assert_eq!(back.secret.as_slice(), secret.as_slice());
            let few = &shares[..usize::from(needed) - 1];
            let refused = ShareError::TooFew { needed, whole: few.len(), damaged: vec![] };
            prop_assert_eq!(combine(few).err(), Some(refused));
            // One share given several times is one share.
            let same: Vec<KeyShare> = (0..needed).map(|_| shares[0].clone()).collect();
            prop_assert!(combine(&same).is_err());
        }

        #[test]
        fn a_changed_share_is_named_and_not_used(place in 0usize..40, bit in 0u8..8, seed in any::<u64>()) {
            let secret = [7; 39];
            let mut shares = split("trustee", &secret, 3, 5, &dice(seed)).unwrap();
            shares[1].share.0[place] ^= 1 << bit;
            let combined = combine(&shares[..4]).unwrap();
            prop_assert_eq!(combined.secret.as_slice(), &secret[..]);
            prop_assert_eq!(combined.damaged, vec![2]);
            let error = combine(&shares[..3]).err().unwrap();
            let named = error.to_string();
            prop_assert!(named.contains("damaged: share 2"), "{named}");
        }
    }

    /// Each byte of one share alone is evenly spread whatever the secret: nothing of it shows.
    #[test]
    fn fewer_shares_say_nothing() {
        for secret in [0_u8, 255] {
            let mut seen = [0_u32; 256];
            for seed in 0..25_600 {
                let shares = split("x", &[secret], 2, 2, &dice(seed)).unwrap();
                seen[usize::from(shares[0].share.0[1])] += 1;
            }
            // 100 expected for each value; 255 degrees of freedom: beyond 350 once in some 10,000 runs, and seeds are fixed.
            let chi2: f64 = seen.iter().map(|n| (f64::from(*n) - 100.0).powi(2) / 100.0).sum();
            assert!(chi2 < 350.0, "{chi2}");
        }
    }

    #[test]
    fn shares_of_two_splittings_and_senseless_numbers_are_refused() {
        let (one, other) =
            (split("a", b"key", 2, 3, &dice(1)).unwrap(), split("a", b"key", 2, 3, &dice(2)).unwrap());
        let mixed = [one[0].clone(), one[1].clone(), other[2].clone()];
        assert_eq!(combine(&mixed).err(), Some(ShareError::OtherSet(3)));
        assert!(split("a", b"key", 1, 3, &dice(1)).is_err() && split("a", b"key", 4, 3, &dice(1)).is_err());
        assert!(combine(&[]).is_err());
        assert_eq!(format!("{:?}", one[0]), "KeyShare(1 of 3)");
    }
}
