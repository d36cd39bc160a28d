//! A table at the levels that were chosen: which rows stay, and which look alike.

use crate::check::{Room, Task};
use crate::grouping::Grouping;
use crate::problem::{Problem, ProblemFault};
use crate::search::{own_levels, solution};
use crate::slot::{at, up};
use crate::tuples::Tuples;
use crate::{Settings, Solution};

/// A table at some levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// Level of each attribute.
    pub levels: Vec<usize>,
    /// Of each row: whether it stays.
    pub kept: Vec<bool>,
    /// Of each row: its class, numbered from 0 as they appear; suppressed rows have one as well.
    pub class_of: Vec<u32>,
    /// What all of it comes to.
    pub solution: Solution,
}

impl Applied {
    /// What a row's value of an attribute becomes; `*` for a suppressed row.
    pub fn label<'a>(&self, problem: &'a Problem, row: usize, attribute: usize) -> &'a str {
        let own = problem.attributes.get(attribute).filter(|_| at(&self.kept, row));
        own.map_or("*", |own| own.hierarchy.label(at(&self.levels, attribute), at(&own.column, row)))
    }
}

/// Brings a table to some levels and suppresses the rows of classes that do not hold.
///
/// # Errors
/// A problem that cannot be worked on, or a level that an attribute does not have.
pub fn apply(problem: &Problem, levels: &[usize]) -> Result<Applied, ProblemFault> {
    problem.check()?;
    let own = own_levels(problem, levels)?;
    let rows = Tuples::rows(problem);
    let base = rows.rolled_up(problem, &vec![0; own.len()], &mut Grouping::default());
    let task = Task { most_suppressed: u64::MAX, ..Task::new(problem, &base) };
    let mut room = Room::default();
    let checked = task.check(&base, &own, &mut room);
    // Once more row by row: which of them are in which class.
    task.judge_each(&rows, &own, &mut room);
    let of_table = room.grouping.class_of.get(..problem.lines()).unwrap_or_default();
    Ok(Applied {
        levels: levels.to_vec(),
        kept: of_table.iter().map(|class| at(&room.holds, up(*class))).collect(),
        class_of: of_table.to_vec(),
        solution: solution(&own, &checked, checked.score.unwrap_or(f64::NAN)),
    })
}

/// Searches the best levels and brings the table to them; `None` where no levels hold.
///
/// # Errors
/// A problem that cannot be worked on.
pub fn anonymise(
    problem: &Problem,
    settings: &Settings<'_>,
) -> Result<(crate::Outcome, Option<Applied>), ProblemFault> {
    let outcome = crate::search(problem, settings)?;
    let applied = outcome.best.as_ref().map(|best| apply(problem, &best.levels)).transpose()?;
    Ok((outcome, applied))
}
