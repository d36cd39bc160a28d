//! Noise for differential privacy without floating point: the discrete Laplace distribution, sampled exactly (Canonne,
//! Kamath and Steinke 2020, algorithms 1 and 2). P(x) is proportional to exp(-|x| / scale).

/// Random bits: each call gives 64 new ones, uniform.
pub type Bits<'a> = &'a mut dyn FnMut() -> u64;

/// A whole number below `bound`, uniform; `bound` is more than 0. Numbers from the incomplete last stretch are thrown away.
fn below(bound: u64, bits: Bits<'_>) -> u64 {
    let bound = bound.max(1);
    let whole = u64::MAX - (u64::MAX % bound + 1) % bound;
    loop {
        let drawn = bits();
        if drawn <= whole {
            return drawn % bound;
        }
    }
}

/// True with a probability of `numerator` / `denominator`, at most 1.
fn bernoulli(numerator: u64, denominator: u64, bits: Bits<'_>) -> bool {
    below(denominator, bits) < numerator
}

/// True with a probability of exp(-numerator / denominator), for a fraction from 0 to 1: the first place at which a row of
/// coins of 1/1, 1/2, 1/3 … times the fraction fails is odd (algorithm 1).
fn bernoulli_exp(numerator: u64, denominator: u64, bits: Bits<'_>) -> bool {
    let mut place = 1_u64;
    // A coin of (numerator / denominator) / place is two coins that must both fall: no product can overflow.
    while bernoulli(numerator, denominator, bits) && bernoulli(1, place, bits) {
        place += 1;
    }
    place % 2 == 1
}

/// A sample with scale `numerator` / `denominator`, both from 1 to 2^32: for a count and a budget of ε the scale is 1 / ε.
pub fn discrete_laplace(numerator: u32, denominator: u32, bits: Bits<'_>) -> i64 {
    let (t, s) = (u64::from(numerator.max(1)), u64::from(denominator.max(1)));
    loop {
        // A geometric variable with parameter 1 / t: how far within a unit, and how many units.
        let within = below(t, bits);
        if !bernoulli_exp(within, t, bits) {
            continue;
        }
        let mut units = 0_u64;
        while bernoulli_exp(1, 1, bits) {
            units += 1;
        }
        let magnitude = within.saturating_add(t.saturating_mul(units)) / s;
        let is_negative = bernoulli(1, 2, bits);
        // Zero would else come twice.
        if !(is_negative && magnitude == 0) {
            let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
            return if is_negative { -magnitude } else { magnitude };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64, seeded: the tests are the same every time.
    fn seeded(mut state: u64) -> impl FnMut() -> u64 {
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }
    }

    /// Against the exact probabilities: (1 - q) / (1 + q) · q^|x| with q = exp(-1 / scale), by χ² over the middle and both tails.
    #[test]
    fn samples_are_distributed_as_they_must_be() {
        for (numerator, denominator, seed) in [(1, 1, 1), (5, 1, 2), (10, 3, 3), (1, 2, 4), (1000, 100, 5)] {
            let mut bits = seeded(seed);
            let rounds = 200_000_u32;
            let scale = f64::from(numerator) / f64::from(denominator);
            let q = (-1.0 / scale).exp();
            let most = (4.0 * scale).ceil() as i64;
            let mut times = vec![0_u32; (2 * most + 1) as usize];
            for _ in 0..rounds {
                let x = discrete_laplace(numerator, denominator, &mut bits).clamp(-most, most);
                times[(x + most) as usize] += 1;
            }
            let mut chi = 0.0;
            for (place, times) in times.iter().enumerate() {
                let x = (place as i64 - most).abs();
                let p = if x == most {
                    q.powi(most as i32) / (1.0 + q)
                } else {
                    (1.0 - q) / (1.0 + q) * q.powi(x as i32)
                };
                let expected = p * f64::from(rounds);
                chi += (f64::from(*times) - expected).powi(2) / expected;
            }
            // Mean of χ² is its degrees of freedom, variance twice that: five deviations.
            let freedom = (times.len() - 1) as f64;
            assert!(
                chi < freedom + 5.0 * (2.0 * freedom).sqrt(),
                "{numerator}/{denominator}: χ² {chi} of {freedom}"
            );
        }
    }

    #[test]
    fn coins_fall_as_often_as_they_must() {
        let mut bits = seeded(9);
        for (numerator, denominator) in [(0_u64, 1_u64), (1, 3), (1, 1), (7, 8)] {
            let rounds = 100_000;
            let fell =
                (0..rounds).filter(|_| bernoulli_exp(numerator, denominator, &mut bits)).count() as f64;
            let p = (-(numerator as f64) / denominator as f64).exp();
            let deviation = (p * (1.0 - p) * f64::from(rounds)).sqrt().max(1.0);
            assert!(
                (fell - p * f64::from(rounds)).abs() < 5.0 * deviation,
                "{numerator}/{denominator}: {fell}"
            );
        }
        assert!((0..1000).all(|_| below(7, &mut bits) < 7));
        // What stands in the last incomplete stretch is drawn again.
        let mut given = [u64::MAX, 12].into_iter();
        assert_eq!(below(10, &mut || given.next().unwrap()), 2);
    }
}
