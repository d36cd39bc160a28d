//! Chance that follows from a seed, in streams that do not disturb one another.

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// A stream of draws. The same seed and name give the same stream on every machine.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// Streams are named, so that one more draw in one part changes nothing in another.
    pub(crate) fn named(seed: u64, name: &str) -> Draw {
        Draw(ChaCha8Rng::seed_from_u64(named(seed, name)))
    }

    /// 0 ≤ n < `bound`; 0 if the bound is 0. Written out here so that a new version of rand changes no population.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.0.next_u64()).wrapping_mul(bound as u128);
        (wide >> 64) as usize
    }

    /// `low` ≤ n ≤ `high`.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = usize::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i32::try_from(self.below(span)).unwrap_or(0))
    }

    /// True `permille` times in a thousand.
    pub(crate) fn chance(&mut self, permille: usize) -> bool {
        self.below(1000) < permille
    }

    /// One of these; None of none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// One of these, each as often as its weight says.
    pub(crate) fn weighted<'a, T>(&mut self, from: &'a [T], weight: impl Fn(&T) -> u32) -> Option<&'a T> {
        let total: usize = from.iter().map(|item| weight(item) as usize).sum();
        let mut at = self.below(total);
        from.iter().find(|item| {
            let weight = weight(item) as usize;
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        })
    }

    /// All of these in another order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last.saturating_add(1));
            items.swap(last, other);
        }
    }
}

/// The lot that number `n` draws under a name; the same on every machine, and in no order.
pub(crate) fn lot(seed: u64, name: &str, n: u32) -> u64 {
    let mut mixed = named(seed, name).wrapping_add(u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // The last steps of SplitMix64.
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// FNV-1a spreads the name over the seed.
fn named(seed: u64, name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_follow_from_seed_and_name() {
        let row = |seed, name| {
            let mut draw = Draw::named(seed, name);
            (0..20).map(|_| draw.below(1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(row(1, "a"), row(1, "a"));
        assert_ne!(row(1, "a"), row(1, "b"));
        assert_ne!(row(1, "a"), row(2, "a"));
    }

    #[test]
    fn lots_are_spread() {
        let low = (0..10_000).filter(|n| lot(1, "a", *n) % 1000 < 100).count();
        assert!((900..1_100).contains(&low), "{low}");
        assert_ne!(lot(1, "a", 7), lot(1, "b", 7));
    }

    #[test]
    fn weights_and_bounds_hold() {
        let mut draw = Draw::named(1, "weights");
        let heavy =
            (0..10_000).filter(|_| draw.weighted(&[(1, 9), (2, 1)], |w| w.1) == Some(&(1, 9))).count();
        assert!((8_800..9_200).contains(&heavy), "{heavy}");
        assert!((0..1000).all(|_| (3..=5).contains(&draw.between(3, 5))));
        assert_eq!(draw.weighted(&[(1, 0)], |w| w.1), None);
    }
}
