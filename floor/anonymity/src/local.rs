//! Local recoding: each class has levels of its own, found from the top downwards (Mondrian over hierarchies; LeFevre,
//! DeWitt and Ramakrishnan 2006). Loses less than levels for the whole table, but a value can stand at several levels, and
//! releases cannot be compared with one another: only for a set that is alone of its kind.

use crate::problem::{Model, Problem, ProblemFault};
use crate::rules::{Class, Rules, Values};
use crate::slot::{at, real, up};

/// A table recoded class by class.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// Of each row the level of each attribute; nothing for a row that is left out.
    pub levels: Vec<Option<Vec<u8>>>,
    /// Of each row its class; rows that are left out are of class `u32::MAX`.
    pub class_of: Vec<u32>,
    /// Classes.
    pub classes: u64,
    /// Rows left out: those of a class that does not hold though everything is as coarse as can be.
    pub suppressed: u64,
    /// Loss, as for the whole table; a cell counts with the level it has.
    pub loss: f64,
}

impl Local {
    /// What a row's value of an attribute becomes; `*` for a row that is left out.
    pub fn label<'a>(&self, problem: &'a Problem, row: usize, attribute: usize) -> &'a str {
        let level = self.levels.get(row).and_then(Option::as_ref).map(|levels| at(levels, attribute));
        match (problem.attributes.get(attribute), level) {
            (Some(own), Some(level)) => own.hierarchy.label(usize::from(level), at(&own.column, row)),
            _ => "*",
        }
    }
}

/// Rows that are one class so far.
struct Part {
    levels: Vec<u8>,
    rows: Vec<u32>,
    people: Vec<u32>,
}

/// Recodes a table. Every class holds all models; average risk is asked of each class by itself, which is more than of
/// their mean.
///
/// # Errors
/// A problem that cannot be worked on; more rows left out than may be.
pub fn recode_locally(problem: &Problem) -> Result<Local, ProblemFault> {
    problem.check()?;
    if !problem.counts.is_empty() {
        return Err(ProblemFault::Model(
            "組ごとの段階には一行ずつの表が要ります / classes with levels of their own need each row by itself",
        ));
    }
    let mut judge = Judge { problem, rules: Rules::of(problem), values: Values::default() };
    let rows = problem.rows();
    let top = problem.attributes.iter().map(|own| (own.hierarchy.height() - 1) as u8).collect();
    let everybody = problem.population.first().map_or(0, Vec::len) as u32;
    let whole = Part { levels: top, rows: (0..rows as u32).collect(), people: (0..everybody).collect() };
    let mut local = Local {
        levels: vec![None; rows],
        class_of: vec![u32::MAX; rows],
        classes: 0,
        suppressed: 0,
        loss: 0.0,
    };
    let mut waiting = judge.by_top(whole);
    while let Some(part) = waiting.pop() {
        if !judge.holds(&part) {
            local.suppressed += part.rows.len() as u64;
            continue;
        }
        if let Some(parts) = judge.split(&part) {
            waiting.extend(parts);
            continue;
        }
        let class = local.classes as u32;
        local.classes += 1;
        for row in &part.rows {
            if let (Some(levels), Some(own)) =
                (local.levels.get_mut(up(*row)), local.class_of.get_mut(up(*row)))
            {
                (*levels, *own) = (Some(part.levels.clone()), class);
            }
        }
    }
    if local.suppressed > problem.most_suppressed() {
        return Err(ProblemFault::Model(
            "最も粗くしても、除いてよい行より多くを除く必要があります / more rows would have to be left out than may be, though everything is as coarse as can be",
        ));
    }
    local.loss = loss(problem, &local);
    Ok(local)
}

struct Judge<'a> {
    problem: &'a Problem,
    rules: Rules,
    values: Values,
}

impl Judge<'_> {
    fn holds(&mut self, part: &Part) -> bool {
        let class = Class { rows: part.rows.len() as u64, people: part.people.len() as u64 };
        let least = |model: &Model| match model {
            Model::AverageRisk { most } => 1.0 <= most * real(class.rows) + 1e-9,
            _ => true,
        };
        if !self.rules.counts_hold(class) || !self.problem.models.iter().all(least) {
            return false;
        }
        for own in &self.rules.sensitive {
            let column = self.problem.sensitive.get(own.place).map_or(&[][..], |own| own.column.as_slice());
            self.values.prepare(own.values);
            part.rows.iter().for_each(|row| self.values.add(at(column, up(*row)), 1));
            if !self.rules.values_hold(own, class.rows, &mut self.values) {
                return false;
            }
        }
        true
    }

    /// Where the top levels do not join everything, each combination is a part.
    fn by_top(&self, whole: Part) -> Vec<Part> {
        let mut parts = vec![whole];
        for attribute in 0..self.problem.attributes.len() {
            parts = parts
                .iter()
                .flat_map(|part| self.by_level(part, attribute, at(&part.levels, attribute)))
                .collect();
        }
        parts
    }

    /// Makes a part finer in the attribute that then loses least and where every piece still holds; without pieces that
    /// hold, it is as fine as it can be.
    fn split(&mut self, part: &Part) -> Option<Vec<Part>> {
        let first = at(&part.rows, 0);
        let mut attributes: Vec<(f64, usize)> = Vec::new();
        for (attribute, own) in self.problem.attributes.iter().enumerate() {
            let level = usize::from(at(&part.levels, attribute));
            if level > 0 {
                let code = at(own.hierarchy.codes_at(level), up(at(&own.column, up(first))));
                let width = f64::from(at(own.hierarchy.widths(level), up(code)));
                attributes.push((own.weight * width / own.hierarchy.leaves() as f64, attribute));
            }
        }
        // Widest first: it tells least so far.
        attributes.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        for (_, attribute) in attributes {
            let pieces = self.by_level(part, attribute, at(&part.levels, attribute) - 1);
            if pieces.iter().all(|piece| self.holds(piece)) {
                return Some(pieces);
            }
        }
        None
    }

    /// The pieces of a part by the codes of an attribute at a level; those without rows are nobody's.
    fn by_level(&self, part: &Part, attribute: usize, level: u8) -> Vec<Part> {
        let Some(own) = self.problem.attributes.get(attribute) else { return Vec::new() };
        let codes = own.hierarchy.codes_at(usize::from(level));
        let mut levels = part.levels.clone();
        if let Some(own) = levels.get_mut(attribute) {
            *own = level;
        }
        let sorted = |of: &[u32], column: &[u32]| {
            let mut pairs: Vec<(u32, u32)> =
                of.iter().map(|row| (at(codes, up(at(column, up(*row)))), *row)).collect();
            pairs.sort_unstable();
            pairs
        };
        let people = self.problem.population.get(attribute).map_or(&[][..], Vec::as_slice);
        let people = sorted(&part.people, people);
        let rows = sorted(&part.rows, &own.column);
        let pieces = rows.chunk_by(|one, other| one.0 == other.0).map(|piece| {
            let code = piece.first().map_or(0, |first| first.0);
            let start = people.partition_point(|person| person.0 < code);
            let end = people.partition_point(|person| person.0 <= code);
            Part {
                levels: levels.clone(),
                rows: piece.iter().map(|pair| pair.1).collect(),
                people: people.get(start..end).unwrap_or_default().iter().map(|pair| pair.1).collect(),
            }
        });
        pieces.collect()
    }
}

/// Loss where each cell has a level of its own.
fn loss(problem: &Problem, local: &Local) -> f64 {
    let weights: f64 = problem.attributes.iter().map(|own| own.weight).sum();
    let rows = real(problem.rows() as u64);
    let terms = problem.attributes.iter().enumerate().map(|(attribute, own)| {
        let leaves = own.hierarchy.leaves() as f64;
        if leaves <= 1.0 {
            return 0.0;
        }
        let share = |(levels, value): (&Option<Vec<u8>>, &u32)| match levels {
            None => 1.0,
            Some(levels) => {
                let level = usize::from(at(levels, attribute));
                let code = at(own.hierarchy.codes_at(level), up(*value));
                f64::from(at(own.hierarchy.widths(level), up(code))) / leaves
            }
        };
        let sum: f64 = local.levels.iter().zip(&own.column).map(share).sum();
        own.weight / weights * ((sum - rows / leaves) / (rows - rows / leaves)).ln_1p()
    });

    terms.sum::<f64>().exp_m1()
}
