//! How good decisions are, when the truth is known.

use super::Exercise;
use crate::many::Decision;

/// What came out of one exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Customers linked without a clerk.
    pub links: usize,
    /// Of those, linked to the wrong resident.
    pub wrong: usize,
    /// Of the wrong ones, customers who are not in the register at all.
    pub absent_linked: usize,
    /// Right links by right links and wrong ones, 0 to 1.
    pub precision: f64,
    /// Right links by customers in the register, 0 to 1.
    pub recall: f64,
    /// Customers in review by all customers, 0 to 1.
    pub review: f64,
    /// Customers in the register who are linked rightly or stand among the candidates of a review, by customers
    /// in the register, 0 to 1.
    pub recall_after_review: f64,
}

/// Compares the decisions (in the order of the customers) with the truth.
pub fn score(exercise: &Exercise, decisions: &[Decision]) -> Score {
    let mut score = Score::default();
    let (mut inside, mut right, mut reviews, mut found) = (0_usize, 0_usize, 0_usize, 0_usize);
    for (customer, decision) in exercise.customers.iter().zip(decisions) {
        inside += usize::from(customer.truth.is_some());
        match decision {
            Decision::Link(best) if Some(best.resident) == customer.truth => right += 1,
            Decision::Link(_) => {
                score.wrong += 1;
                score.absent_linked += usize::from(customer.truth.is_none());
            }
            Decision::Review(candidates, _) => {
                reviews += 1;
                let among = candidates.iter().any(|candidate| Some(candidate.resident) == customer.truth);
                found += usize::from(among && customer.truth.is_some());
            }
            Decision::None => {}
        }
    }
    score.links = right + score.wrong;
    score.precision = share(right, score.links);
    score.recall = share(right, inside);
    score.review = share(reviews, exercise.customers.len());
    score.recall_after_review = share(right + found, inside);
    score
}

fn share(part: usize, whole: usize) -> f64 {
    // Counts of people are far below 2⁵³.
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Mean and half the width of its 95 % interval (Student's t).
pub fn mean_and_interval(values: &[f64]) -> (f64, f64) {
    /// Quantile 0.975 of Student's t for 1 to 9 degrees of freedom.
    const T: [f64; 9] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let Some(freedom) = values.len().checked_sub(2) else { return (mean, f64::INFINITY) };
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // Beyond the table the quantile is close to this.
    let quantile = T.get(freedom).copied().unwrap_or(1.96 + 2.5 / (count - 1.0));
    (mean, quantile * (variance / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_equal_values_is_nothing() {
        assert_eq!(mean_and_interval(&[0.5, 0.5, 0.5]), (0.5, 0.0));
        let (mean, half) = mean_and_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((mean - 3.0).abs() < 1e-12 && (half - 1.963).abs() < 1e-3);
    }
}
