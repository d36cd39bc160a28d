//! A further release: the best that may be added to those there were.

use std::collections::HashMap;

use crate::applied::Applied;
use crate::hierarchy::Hierarchy;
use crate::joint::{Bounds, Joint, Release};
use crate::problem::{Attribute, Metric, Model, Problem, ProblemFault};
use crate::search::{Outcome, Settings, own_levels, search_judged};
use crate::slot::{at, up};
use crate::withheld::{Made, Maker};

/// A release that may be added.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Levels, and the rows that stay. Rows withheld for the sake of earlier releases do not. Scored with each part of a joint
    /// class as a class, and all rows that are left out.
    pub applied: Applied,
    /// Rows that stay out for the sake of earlier releases alone.
    pub withheld: u64,
    /// The release, by person.
    pub release: Release,
    /// No levels score less than this: what these score, where they are proved to be the best.
    pub bound: f64,
}

impl Passed {
    /// Whether it is proved that no other levels score less.
    pub fn is_optimal(&self) -> bool {
        self.bound >= self.applied.solution.score
    }
}

/// Why a release may not be added, and the least that would let it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Rows that would have to be left out.
    pub needed: u64,
    /// Rows that may be.
    pub allowed: u64,
    /// At these levels.
    pub levels: Vec<usize>,
    /// Whether it is proved that no levels need fewer.
    pub is_least: bool,
}

/// Several releases as one question: what is asked, of whom, and beside what.
#[derive(Clone, Copy)]
pub struct Further<'a> {
    /// The table and its models. None of them may be on shares or means over the whole table.
    pub problem: &'a Problem,
    /// The person of each row.
    pub people: &'a [u32],
    /// All releases before.
    pub joint: &'a Joint,
    /// What is asked of all joint classes.
    pub bounds: Bounds,
    /// The sensitive attributes whose values count for l, in the order of the releases' values.
    pub sensitive: &'a [usize],
}

/// Searches the best release that may be added. The models of the problem hold for its classes, the bounds for all joint
/// classes.
///
/// The joint class is one more attribute, never made coarser: what the models ask of a class they then ask of its part
/// in each joint class, so the search itself looks for levels that go with those of earlier releases. What cannot be
/// kept of a joint class stays out of this release; if that would leave out so few that they could be told apart, more
/// of the same joint class stay out. Which rows these are follows from levels, by a rule; levels are searched with what
/// that leaves, so that the best are proved.
///
/// # Errors
/// A problem that cannot be worked on.
pub fn next_release(
    further: Further<'_>,
    settings: &Settings<'_>,
) -> Result<Result<Passed, Refused>, ProblemFault> {
    let with_joint = further.joined()?;
    let allowed = further.problem.most_suppressed();
    let mut maker = Maker::new(&with_joint, further);
    let (mut best, mut least): (Option<(f64, Made)>, Option<Made>) = (None, None);
    let outcome = search_judged(
        &with_joint,
        settings,
        Some(&mut |levels| {
            let made = maker.at(levels);
            if made.left_out() > allowed {
                if least.as_ref().is_none_or(|least| made.left_out() < least.left_out()) {
                    least = Some(made);
                }
                return None;
            }
            let score = made.applied.solution.score;
            if best.as_ref().is_none_or(|(best, _)| score < *best) {
                best = Some((score, made));
            }
            Some(score)
        }),
    )?;
    match best {
        Some((_, made)) => Ok(Ok(further.passed(made, bound(&outcome, with_joint.metric)))),
        None => further.refused(&with_joint, &mut maker, least, &outcome, settings).map(Err),
    }
}

/// Rows that are withheld can make classes fewer but also one more, and weigh less in a divergence: there a node's classes
/// bound nothing.
fn bound(outcome: &Outcome, metric: Metric) -> f64 {
    if matches!(metric, Metric::AverageClassSize | Metric::Divergence) { 0.0 } else { outcome.bound }
}

/// What a release comes to at given levels, whatever it leaves out.
///
/// # Errors
/// A problem that cannot be worked on, or a level that an attribute does not have.
pub fn release_at(further: Further<'_>, levels: &[usize]) -> Result<Passed, ProblemFault> {
    let with_joint = further.joined()?;
    let mut own = own_levels(further.problem, levels)?;
    own.push(0);
    let made = Maker::new(&with_joint, further).at(&own);
    Ok(further.passed(made, 0.0))
}

impl Further<'_> {
    /// The problem with the joint class as one more attribute, and the bounds as models.
    fn joined(&self) -> Result<Problem, ProblemFault> {
        self.problem.check()?;
        if !self.problem.counts.is_empty() {
            return Err(ProblemFault::Model(
                "人ごとの行が要ります / people are told apart: rows of a release cannot be joined before",
            ));
        }
        if self.problem.models.iter().any(|model| matches!(model, Model::AverageRisk { .. })) {
            return Err(ProblemFault::Model(
                "average-risk は複数の提供を通しては保てません / average risk cannot be held over several releases; ask for k-anonymity",
            ));
        }
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut rows = Vec::new();
        let mut column = Vec::with_capacity(self.people.len());
        for person in self.people {
            let class = at(&self.joint.class_of, up(*person));
            let next = numbers.len() as u32;
            let code = *numbers.entry(class).or_insert(next);
            if code == next {
                rows.push(vec![class.to_string()]);
            }
            column.push(code);
        }
        let mut with_joint = self.problem.clone();
        // Each joint class has a row of its own, and there is at least one row: nothing can be wrong with it.
        if let Ok(hierarchy) = Hierarchy::from_rows(&rows) {
            with_joint.attributes.push(Attribute {
                name: "joint class".into(),
                hierarchy,
                column,
                weight: 0.0,
            });
        }
        with_joint.models.push(Model::KAnonymity { k: self.bounds.k });
        let diverse = |place: &usize| Model::DistinctDiversity { sensitive: *place, l: self.bounds.l };
        with_joint.models.extend(self.sensitive.iter().map(diverse));
        with_joint.check()?;
        Ok(with_joint)
    }

    fn passed(&self, made: Made, bound: f64) -> Passed {
        let Made { mut applied, withheld, release } = made;
        applied.levels = own(&applied.levels);
        applied.solution.levels = applied.levels.clone();
        applied.solution.suppressed += withheld;
        applied.solution.classes = u64::from(release.class_of.iter().max().copied().unwrap_or(0));
        Passed { applied, withheld, release, bound }
    }

    /// The least that would let it pass: fewer rows are asked for as long as some levels go with them.
    fn refused(
        &self,
        with_joint: &Problem,
        maker: &mut Maker<'_>,
        tried: Option<Made>,
        outcome: &Outcome,
        settings: &Settings<'_>,
    ) -> Result<Refused, ProblemFault> {
        let top: Vec<u8> =
            with_joint.attributes.iter().map(|own| (own.hierarchy.height() - 1) as u8).collect();
        let coarsest = maker.at(&top);
        let of = |made: &Made| (made.left_out(), own(&made.applied.levels));
        let (mut needed, mut levels) = of(&coarsest);
        if let Some(tried) = tried.filter(|tried| tried.left_out() < needed) {
            (needed, levels) = of(&tried);
        }
        let allowed = self.problem.most_suppressed();
        let mut is_least = outcome.is_optimal;
        while needed > allowed + 1 {
            let most = needed - 1;
            // Half a row more: the limit is rounded down to whole rows.
            let limit = (most as f64 + 0.5) / self.problem.rows() as f64;
            let fewer = Problem { suppression_limit: limit, ..with_joint.clone() };
            let mut found = None;
            let outcome = search_judged(
                &fewer,
                settings,
                Some(&mut |levels| {
                    let made = maker.at(levels);
                    // The first will do: nothing is better than that.
                    (made.left_out() <= most).then(|| {
                        found = Some(of(&made));
                        f64::NEG_INFINITY
                    })
                }),
            )?;
            match found {
                Some(found) => (needed, levels) = found,
                None => {
                    is_least = outcome.is_optimal;
                    break;
                }
            }
        }
        Ok(Refused { needed, allowed, levels, is_least })
    }
}

/// Levels without that of the joint class, which is the last.
fn own(levels: &[usize]) -> Vec<usize> {
    levels.split_last().map(|(_, own)| own.to_vec()).unwrap_or_default()
}
