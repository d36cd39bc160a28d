//! Whether the time of a conversion depends on the secret factors (dudect: Reparaz, Balasch, Verbauwhede 2017): factors that
//! never change against factors that do, mixed at random, Welch's t of their times.
//!
//! `MUSUBI_TIMING_SAMPLES=200000` takes so many of both together (`cargo xtask judge` does).

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Instant;

    use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
    use curve25519_dalek::ristretto::{RistrettoBasepointTable, RistrettoPoint};
    use curve25519_dalek::scalar::Scalar;
    use curve25519_dalek::traits::Identity;

    use crate::codes::random_scalar;
    use crate::transcryptor::combined;
    use crate::{Dice, EncryptedCode, PersonPoint, PublicPoint};

    /// dudect's own bound: above it, a difference is there.
    const BOUND: f64 = 4.5;

    /// Mean, variance and number.
    #[derive(Default)]
    struct Moments(f64, f64, f64);

    impl Moments {
        fn of(values: &[f64]) -> Self {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            Self(mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0), n)
        }
    }

    fn welch(one: &[f64], other: &[f64]) -> f64 {
        let (a, b) = (Moments::of(one), Moments::of(other));
        (a.0 - b.0) / (a.1 / a.2 + b.1 / b.2).sqrt()
    }

    /// Times `work` on factors of both classes and gives |t|, the slowest tenth left out: there the machine's other work is.
    fn t_of(samples: usize, dice: &Dice, mut work: impl FnMut(&[Scalar; 3])) -> f64 {
        let fixed = [Scalar::from(3u64), Scalar::from(5u64), Scalar::from(9u64)];
        let mut times = [Vec::new(), Vec::new()];
        // Made before and kept alike, so that nothing but their value tells the classes apart.
        let mut factors = Vec::new();
        for _ in 0..samples {
            let [throw] = dice.bytes::<1>();
            let random = [(); 3].map(|()| random_scalar(dice));
            factors.push((usize::from(throw & 1), if throw & 1 == 0 { fixed } else { random }));
        }
        for (class, factors) in &factors {
            let start = Instant::now();
            work(factors);
            times[*class].push(start.elapsed().as_nanos() as f64);
        }
        let mut sorted: Vec<f64> = times.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let limit = sorted[sorted.len() * 9 / 10];
        let kept = times.map(|times| times.into_iter().filter(|time| *time < limit).collect::<Vec<_>>());
        welch(&kept[0], &kept[1]).abs()
    }

    /// Ends with the scalar's highest bit and adds for set bits alone: what a conversion must not do.
    fn early_exit(scalar: &Scalar, point: &RistrettoPoint) -> RistrettoPoint {
        let (mut sum, mut power) = (RistrettoPoint::identity(), *point);
        let mut bytes = scalar.to_bytes().to_vec();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        for byte in bytes {
            for bit in 0..8 {
                if byte >> bit & 1 == 1 {
                    sum += power;
                }
                power += power;
            }
        }
        sum
    }

    #[test]
    fn the_time_of_a_conversion_does_not_depend_on_the_factors() {
        let asked = std::env::var("MUSUBI_TIMING_SAMPLES").ok();
        let samples = asked.map_or(10_000, |text| text.parse().unwrap());
        let dice = Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer));
        let under = PublicPoint(RistrettoPoint::from_uniform_bytes(&dice.bytes()));
        let table = RistrettoBasepointTable::create(&under.0);
        let input = PersonPoint::nobody(&dice).encrypt(&under, &dice);
        let found = t_of(2_000, &dice, |factors| {
            black_box(early_exit(black_box(&factors[0]), &RISTRETTO_BASEPOINT_POINT));
        });
        assert!(found > BOUND, "an early exit was not found: |t| = {found}");
        // One run in some hundred thousand is above the bound by chance, more where the machine has other work: a difference
        // that is there is there again.
        let mut measured = Vec::new();
        for _ in 0..3 {
            let t = t_of(samples, &dice, |factors| {
                let [r, s, s_over_k] = factors;
                let half = combined(&input, |scalar| scalar * &table, black_box(r), [s, s_over_k, s]);
                black_box(EncryptedCode::of_halves(&[half]));
            });
            measured.push(t);
            if t < BOUND {
                break;
            }
        }
        println!("|t| of {samples} conversions {measured:.2?}; of an early exit {found:.0}");
        assert!(measured.iter().any(|t| *t < BOUND), "the time depends on the factors: |t| = {measured:?}");
    }
}
