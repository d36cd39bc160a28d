//! What is lost by making values coarser and by suppressing rows, and what will be lost at least.
//!
//! Every metric is a sum over attributes of a term that depends on the attribute's level and on what its suppressed rows
//! add, brought to the scale of the metric at the end; three of them depend on the sizes of the classes as well.

use crate::problem::{Metric, Problem};
use crate::slot::{at, real, up};

/// A metric, ready to measure one table.
pub(crate) struct Measure {
    pub(crate) metric: Metric,
    rows: f64,
    attributes: Vec<Terms>,
    /// Divergence: Σ c·log₂ c over the different tuples of the table.
    of_table: f64,
    least_rows: f64,
}

/// What is known of an attribute beforehand.
struct Terms {
    /// Its part of the whole.
    weight: f64,
    levels: Vec<LevelTerms>,
    leaves: f64,
}

struct LevelTerms {
    /// What all rows lose at this level, none of them suppressed; in the units of the metric before scaling.
    lost: f64,
    /// What a row more loses when it is suppressed, by code.
    by_suppression: Vec<f64>,
    /// Bits of information that are left.
    entropy: f64,
}

/// What a node's classes add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) kept_classes: u64,
    /// Classes that hold and those that do not.
    pub(crate) classes: u64,
    pub(crate) suppressed: u64,
    /// Σ size², kept classes.
    pub(crate) squares: f64,
    /// Σ size², all classes; a class that is too small counts as if it had as many rows as it needs.
    pub(crate) least_squares: f64,
    /// Σ size·log₂ size, kept classes.
    pub(crate) logarithms: f64,
    /// The same, all classes.
    pub(crate) all_logarithms: f64,
}

impl Measure {
    pub(crate) fn of(problem: &Problem, table_counts: &[u32], least_rows: u64) -> Measure {
        let weights: f64 = problem.attributes.iter().map(|attribute| attribute.weight).sum();
        let rows = real(problem.rows() as u64);
        let attributes = problem.attributes.iter().map(|attribute| {
            let hierarchy = &attribute.hierarchy;
            let mut counts = vec![0_u64; hierarchy.leaves()];
            for (line, code) in attribute.column.iter().enumerate() {
                if let Some(count) = counts.get_mut(up(*code)) {
                    *count += u64::from(problem.count(line));
                }
            }
            let level = |level| LevelTerms::of(problem.metric, hierarchy, level, &counts, rows);
            Terms {
                weight: match problem.metric {
                    Metric::NonUniformEntropy => attribute.weight,
                    Metric::Loss | Metric::Precision => attribute.weight / weights,
                    _ => 1.0,
                },
                levels: (0..hierarchy.height()).map(level).collect(),
                leaves: hierarchy.leaves() as f64,
            }
        });
        Measure {
            metric: problem.metric,
            rows,
            attributes: attributes.collect(),
            of_table: table_counts.iter().map(|count| x_log_x(u64::from(*count))).sum(),
            least_rows: real(least_rows),
        }
    }

    /// Whether the term of an attribute bounds the score before any class is looked at.
    pub(crate) fn is_bounded(&self) -> bool {
        matches!(self.metric, Metric::Loss | Metric::NonUniformEntropy | Metric::Precision)
    }

    /// Bits that an attribute has at a level.
    pub(crate) fn entropy(&self, attribute: usize, level: usize) -> f64 {
        self.level(attribute, level).map_or(0.0, |level| level.entropy)
    }

    fn level(&self, attribute: usize, level: usize) -> Option<&LevelTerms> {
        self.attributes.get(attribute).and_then(|attribute| attribute.levels.get(level))
    }

    /// The term of an attribute at a level, when suppressed rows add `extra` to it. Grows with the level and with
    /// `extra`.
    pub(crate) fn term(&self, attribute: usize, level: usize, extra: f64) -> f64 {
        let (Some(terms), Some(own)) = (self.attributes.get(attribute), self.level(attribute, level)) else {
            return 0.0;
        };
        let lost = own.lost + extra;
        match self.metric {
            Metric::Loss => {
                let least = self.rows / terms.leaves;
                let share = if terms.leaves > 1.0 { (lost - least) / (self.rows - least) } else { 0.0 };
                // The reference cuts each attribute's loss after ten digits.
                terms.weight * ((share * 1e10).floor() / 1e10).ln_1p()
            }
            Metric::Precision => terms.weight * lost / self.rows,
            _ => terms.weight * lost,
        }
    }

    /// A sum of terms, on the scale of the metric.
    pub(crate) fn scaled(&self, terms: f64) -> f64 {
        if self.metric == Metric::Loss { terms.exp_m1() } else { terms }
    }

    /// What suppressed rows add to an attribute's term. `counts`: suppressed rows by code at the level.
    pub(crate) fn extra(&self, attribute: usize, level: usize, counts: &[u32], suppressed: u64) -> f64 {
        let Some(own) = self.level(attribute, level) else { return 0.0 };
        if self.metric == Metric::NonUniformEntropy {
            return x_log_x(suppressed) - counts.iter().map(|count| x_log_x(u64::from(*count))).sum::<f64>();
        }
        let rows = counts.iter().zip(&own.by_suppression).filter(|(count, _)| **count > 0);
        rows.map(|(count, each)| f64::from(*count) * each).sum()
    }

    /// Whether `extra` says anything for this metric.
    pub(crate) fn uses_extra(&self) -> bool {
        !matches!(self.metric, Metric::Discernibility | Metric::AverageClassSize)
    }

    /// The score of a node. `terms`: the sum over attributes of [`Measure::term`] with what its suppressed rows add.
    pub(crate) fn score(&self, sums: &Sums, terms: f64) -> f64 {
        match self.metric {
            Metric::Discernibility => sums.squares + self.rows * real(sums.suppressed),
            Metric::AverageClassSize => {
                let classes = sums.kept_classes + u64::from(sums.suppressed > 0);
                self.rows / real(classes.max(1))
            }
            Metric::Divergence => {
                let kept = sums.logarithms + x_log_x(sums.suppressed);
                ((self.of_table - kept + terms) / self.rows).max(0.0)
            }
            _ => self.scaled(terms),
        }
    }

    /// No node at or above one with these sums scores less. `terms`: with nothing suppressed.
    pub(crate) fn least_above(&self, sums: &Sums, terms: f64) -> f64 {
        match self.metric {
            // A suppressed class weighs size · rows, which is more than its square.
            Metric::Discernibility => sums.least_squares,
            Metric::AverageClassSize => {
                // A class that is kept above holds one that is kept here, or is made of suppressed rows alone.
                let of_suppressed = (real(sums.suppressed) / self.least_rows).floor();
                let classes = real(sums.kept_classes) + of_suppressed + 1.0;
                self.rows / classes.min(real(sums.classes)).max(1.0)
            }
            // Joined classes never say more than their parts; suppressed ones are joined over the whole domain.
            Metric::Divergence => (self.of_table - sums.all_logarithms + terms) / self.rows,
            _ => self.scaled(terms),
        }
    }

    /// No node at or below one scores less, if at least `must` rows are suppressed in all of them.
    pub(crate) fn least_below(&self, must: u64) -> f64 {
        let kept = self.rows - real(must);
        match self.metric {
            Metric::Discernibility => self.rows * real(must) + self.least_rows * kept,
            Metric::AverageClassSize => self.rows / ((kept / self.least_rows).floor() + 1.0),
            _ => 0.0,
        }
    }
}

impl LevelTerms {
    fn of(
        metric: Metric,
        hierarchy: &crate::hierarchy::Hierarchy,
        level: usize,
        leaf_counts: &[u64],
        rows: f64,
    ) -> LevelTerms {
        let widths = hierarchy.widths(level);
        let leaves = hierarchy.leaves() as f64;
        let mut counts = vec![0_u64; widths.len()];
        for (code, count) in hierarchy.codes_at(level).iter().zip(leaf_counts) {
            if let Some(sum) = counts.get_mut(up(*code)) {
                *sum += count;
            }
        }
        let weighed = |each: &dyn Fn(f64) -> f64| -> f64 {
            counts.iter().zip(widths).map(|(count, width)| real(*count) * each(f64::from(*width))).sum()
        };
        let by_width =
            |each: &dyn Fn(f64) -> f64| widths.iter().map(|width| each(f64::from(*width))).collect();
        let (lost, by_suppression) = match metric {
            Metric::Loss => (weighed(&|width| width / leaves), by_width(&|width| 1.0 - width / leaves)),
            Metric::NonUniformEntropy => {
                let bits = |(code, count): (&u32, &u64)| {
                    let all = at(&counts, up(*code));
                    if *count == 0 { 0.0 } else { real(*count) * (real(*count) / real(all)).log2() }
                };
                let sum: f64 = hierarchy.codes_at(level).iter().zip(leaf_counts).map(bits).sum();
                (-sum, Vec::new())
            }
            Metric::Precision => {
                let share = level as f64 / (hierarchy.height() - 1).max(1) as f64;
                (rows * share, by_width(&|_| 1.0 - share))
            }
            Metric::Divergence => {
                (weighed(&|width| width.log2()), by_width(&|width| leaves.log2() - width.log2()))
            }
            Metric::Discernibility | Metric::AverageClassSize => (0.0, Vec::new()),
        };
        let entropy = rows.log2() - counts.iter().map(|count| x_log_x(*count)).sum::<f64>() / rows;
        LevelTerms { lost, by_suppression, entropy }
    }
}

/// x·log₂ x.
pub(crate) fn x_log_x(count: u64) -> f64 {
    if count == 0 { 0.0 } else { real(count) * real(count).log2() }
}
