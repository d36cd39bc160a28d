//! Medians, and whether two samples come from one distribution.

/// The middle value.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// The two-sided p of the Mann-Whitney U test, by the normal approximation with ties corrected: good from about 20 values
/// of each (Mann, Whitney 1947; Hollander, Wolfe, Chicken 2013, §4.1).
pub fn mann_whitney(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        one.iter().map(|value| (*value, true)).chain(other.iter().map(|value| (*value, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (n1, n2) = (one.len() as f64, other.len() as f64);
    let n = n1 + n2;
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let size = group.len() as f64;
        let rank = before + (size + 1.0) / 2.0;
        ranks += rank * group.iter().filter(|(_, ours)| *ours).count() as f64;
        ties += size * size * size - size;
        before += size;
    }
    let u = ranks - n1 * (n1 + 1.0) / 2.0;
    let deviation = (n1 * n2 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)))).sqrt();
    if deviation == 0.0 { 1.0 } else { 2.0 * above(((u - n1 * n2 / 2.0).abs() - 0.5).max(0.0) / deviation) }
}

/// The share of a normal distribution above `z` (Abramowitz, Stegun 1964, 7.1.26; error below 1.5e-7, and relative far out by
/// the tail's own bound).
fn above(z: f64) -> f64 {
    if z > 5.0 {
        return (-z * z / 2.0).exp() / (z * (2.0 * std::f64::consts::PI).sqrt());
    }
    let t = 1.0 / (1.0 + 0.327_591_1 * z / std::f64::consts::SQRT_2);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    series * (-z * z / 2.0).exp() / 2.0
}

#[test]
fn known_values() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    // z = 1.959964 leaves 2.5 %.
    assert!((above(1.959_964) - 0.025).abs() < 1e-6);
    let (low, high): (Vec<f64>, Vec<f64>) =
        ((0..40).map(f64::from).collect(), (20..60).map(f64::from).collect());
    assert!(mann_whitney(&low, &high) < 1e-4);
    // By hand: U = 0 of 25, no ties; z = (12.5 - 0.5) / sqrt(25 · 11 / 12) = 2.5067, p = 0.01219.
    let p = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]);
    assert!((p - 0.012_19).abs() < 1e-4, "{p}");
    assert_eq!(mann_whitney(&[1.0; 30], &[1.0; 30]), 1.0);
}
