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
    Ok(Applier::new(problem).at(&own))
}

/// A table that is brought to several levels, one after the other.
pub(crate) struct Applier<'a> {
    rows: Tuples,
    base: Tuples,
    pub(crate) task: Task<'a>,
    room: Room,
}

impl<'a> Applier<'a> {
    pub(crate) fn new(problem: &'a Problem) -> Applier<'a> {
        let rows = Tuples::rows(problem);
        let base = rows.rolled_up(problem, &vec![0; problem.attributes.len()], &mut Grouping::default());
        let task = Task { most_suppressed: u64::MAX, ..Task::new(problem, &base) };
        Applier { rows, base, task, room: Room::default() }
    }

    pub(crate) fn at(&mut self, levels: &[u8]) -> Applied {
        let checked = self.task.check(&self.base, levels, &mut self.room);
        // Once more row by row: which of them are in which class.
        self.task.judge_each(&self.rows, levels, &mut self.room);
        let of_table = self.room.grouping.class_of.get(..self.task.problem.lines()).unwrap_or_default();
        Applied {
            levels: levels.iter().map(|level| usize::from(*level)).collect(),
            kept: of_table.iter().map(|class| at(&self.room.holds, up(*class))).collect(),
            class_of: of_table.to_vec(),
            solution: solution(levels, &checked, checked.score.unwrap_or(f64::NAN)),
        }
    }
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
