//! Statistics tables by the cell-key method (Fraser and Wooton 2005, as statistical offices use it): each person has a random
//! record key, a cell's key is the sum of its members', and the cell key alone chooses the noise. The same people counted
//! in another table get the same noise, so asking again averages nothing away.

/// What is asked of a published count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRules {
    /// The smallest count above zero that is published; 1 to 1000.
    pub minimum: u32,
}

/// Greatest noise on a count of at least the minimum.
pub const MOST: i64 = 2;

impl CellRules {
    /// The count that is published for a true one, chosen by a cell key that is uniform over its 64 bits.
    ///
    /// Zero stays zero. Below the minimum: 0 or the minimum, the minimum with a probability of count / minimum. At the
    /// minimum: as it is. One above: -1, 0 or 1, a third each. Higher: -2, -1, 0, 1, 2 with 1, 2, 3, 2, 1 ninths. The mean
    /// is the true count on every line, and no published count lies between 0 and the minimum.
    pub fn published(self, count: u64, cell_key: u64) -> u64 {
        let line = self.line(count);
        let whole: u64 = line.iter().map(|(_, weight)| weight).sum();
        // The highest bits choose: cell_key / 2^64 of the whole, which is off by less than whole / 2^64.
        let mut chosen = ((u128::from(cell_key) * u128::from(whole)) >> 64) as u64;
        for (noise, weight) in line {
            if chosen < weight {
                return count.saturating_add_signed(noise);
            }
            chosen -= weight;
        }
        count
    }

    /// The noises that a count can get, each with its weight.
    pub fn line(self, count: u64) -> Vec<(i64, u64)> {
        let minimum = u64::from(self.minimum.max(1));
        match count {
            0 => vec![(0, 1)],
            _ if count < minimum => {
                let up = (minimum - count) as i64;
                vec![(-(count as i64), minimum - count), (up, count)]
            }
            _ if count == minimum => vec![(0, 1)],
            _ if count == minimum + 1 => vec![(-1, 1), (0, 1), (1, 1)],
            _ => vec![(-MOST, 1), (-1, 2), (0, 3), (1, 2), (MOST, 1)],
        }
    }
}

/// The key of a cell: the sum of its members' record keys, whatever their order, mixed so that cells that differ by one
/// person have keys that have nothing to do with one another.
pub fn cell_key(record_keys: impl Iterator<Item = u64>) -> u64 {
    let sum = record_keys.fold(0_u64, u64::wrapping_add);
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection.
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The documented table: mean 0 on every line, bounded, nothing published between 0 and the minimum.
        #[test]
        fn every_line_has_mean_zero_and_keeps_to_the_bound(minimum in 1_u32..=50, count in 0_u64..200) {
            let rules = CellRules { minimum };
            let line = rules.line(count);
            prop_assert_eq!(line.iter().map(|(noise, weight)| noise * *weight as i64).sum::<i64>(), 0);
            for (noise, weight) in line {
                prop_assert!(weight > 0);
                prop_assert!(noise.abs() <= MOST.max(i64::from(minimum)));
                let published = count as i64 + noise;
                prop_assert!(published == 0 || published >= i64::from(minimum));
            }
        }

        /// The choice follows the weights: over evenly spread keys each noise comes as often as its line says.
        #[test]
        fn keys_choose_by_weight(minimum in 1_u32..=8, count in 0_u64..20) {
            let rules = CellRules { minimum };
            let line = rules.line(count);
            let whole: u64 = line.iter().map(|(_, weight)| weight).sum();
            let steps = whole * 16;
            let mut times = vec![0_u64; line.len()];
            for step in 0..steps {
                let key = ((u128::from(step) << 64) / u128::from(steps)) as u64 + 1;
                let published = rules.published(count, key) as i64 - count as i64;
                times[line.iter().position(|(noise, _)| *noise == published).unwrap()] += 1;
            }
            for ((_, weight), times) in line.iter().zip(times) {
                prop_assert_eq!(times, weight * 16);
            }
        }

        /// The same people in another order are the same cell; one person more or less is another.
        #[test]
        fn a_cell_is_its_people(mut keys in prop::collection::vec(any::<u64>(), 1..40), turn in 0_usize..40) {
            let before = cell_key(keys.iter().copied());
            let turn = turn % keys.len();
            keys.rotate_left(turn);
            prop_assert_eq!(cell_key(keys.iter().copied()), before);
            let gone = keys.pop().unwrap();
            prop_assert_eq!(cell_key(keys.iter().copied()) == before, gone == 0);
        }
    }
}
