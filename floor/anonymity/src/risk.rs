//! How well somebody who looks for a person in a table can do: prosecutor, journalist and marketer (El Emam 2013,
//! chapter 16), how many rows are unique, and which attributes make them so.

use crate::applied::Applied;
use crate::grouping::Grouping;
use crate::problem::Problem;
use crate::slot::{at, real, up};
use crate::tuples::{KeyPlan, Tuples};

/// Risks of a table, before or after.
#[derive(Clone, Debug, PartialEq)]
pub struct Risk {
    /// Rows that are there.
    pub rows: u64,
    /// Classes: rows that look alike.
    pub classes: Spread,
    /// Rows that look like no other.
    pub unique_rows: u64,
    /// Greatest probability that who knows somebody to be in the table finds the row: 1 / smallest class.
    pub prosecutor_highest: f64,
    /// The same for a row drawn at random.
    pub prosecutor_mean: f64,
    /// Share of the rows found with a probability above the threshold.
    pub above_threshold: f64,
    /// The threshold.
    pub threshold: f64,
    /// Greatest probability that who knows the population finds somebody in the table; that of the prosecutor where no
    /// population was given.
    pub journalist_highest: f64,
    /// Share of the rows that who tries all of them finds, on average.
    pub marketer: f64,
    /// Whether journalist and marketer were measured against a population.
    pub with_population: bool,
    /// What each attribute does, the one that does most first.
    pub drivers: Vec<Driver>,
}

/// Sizes of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// How many classes.
    pub count: u64,
    /// Rows of the smallest.
    pub smallest: u64,
    /// Rows of the largest.
    pub largest: u64,
    /// Rows by size of their class: upper end of each range (1, 2, 4, 9, 19, 49, 99, 999, and the rest), rows.
    pub rows_by_size: Vec<(u64, u64)>,
}

/// What an attribute adds to uniqueness.
#[derive(Clone, Debug, PartialEq)]
pub struct Driver {
    /// Which.
    pub attribute: usize,
    /// Different values that are there.
    pub values: u64,
    /// Rows in classes of one, were this the only attribute.
    pub unique_alone: u64,
    /// Rows in classes of one that would not be, were this attribute not there.
    pub unique_by_it: u64,
    /// How far the mean prosecutor risk would fall, were this attribute not there.
    pub mean_risk_by_it: f64,
}

const RANGES: [u64; 9] = [1, 2, 4, 9, 19, 49, 99, 999, u64::MAX];

/// Measures risks: of the table as it came, or as it became. `threshold`: a probability.
pub fn risk(problem: &Problem, applied: Option<&Applied>, threshold: f64) -> Risk {
    let mut table = Tuples::rows(problem);
    let levels: Vec<u8> = match applied {
        Some(applied) => applied.levels.iter().map(|level| *level as u8).collect(),
        None => vec![0; problem.attributes.len()],
    };
    if let Some(applied) = applied {
        for (count, kept) in table.counts.iter_mut().zip(&applied.kept) {
            *count *= u32::from(*kept);
        }
    }
    let table = table.rolled_up(problem, &levels, &mut Grouping::default());
    let all: Vec<usize> = (0..levels.len()).collect();
    let own = classes(problem, &table, &all);
    let sizes: Vec<u64> = own.iter().map(|class| class.0).collect();
    let rows: u64 = sizes.iter().sum();
    let share = |part: f64| if rows == 0 { 0.0 } else { part / real(rows) };
    let with_population = !table.population.is_empty();
    // Of people who look alike in the population, each is as likely.
    let found = |(rows, people): &(u64, u64)| {
        let among = if with_population { (*people).max(*rows) } else { *rows };
        (1.0 / real(among.max(1)), real(*rows) / real(among.max(1)))
    };
    let above = sizes.iter().filter(|size| 1.0 / real(**size) > threshold + 1e-9).sum::<u64>();
    let mut drivers: Vec<Driver> =
        all.iter().map(|attribute| driver(problem, &table, *attribute, &sizes)).collect();
    drivers.sort_by(|one, other| other.mean_risk_by_it.total_cmp(&one.mean_risk_by_it));
    Risk {
        rows,
        unique_rows: sizes.iter().filter(|size| **size == 1).count() as u64,
        prosecutor_highest: sizes.iter().min().map_or(0.0, |size| 1.0 / real(*size)),
        prosecutor_mean: share(real(sizes.len() as u64)),
        above_threshold: share(real(above)),
        threshold,
        journalist_highest: own.iter().map(|class| found(class).0).fold(0.0, f64::max),
        marketer: share(summed(own.iter().map(|class| found(class).1))),
        with_population,
        classes: spread(&sizes),
        drivers,
    }
}

/// A sum that does not depend on where the classes came from.
fn summed(parts: impl Iterator<Item = f64>) -> f64 {
    let mut parts: Vec<f64> = parts.collect();
    parts.sort_unstable_by(f64::total_cmp);
    parts.into_iter().sum()
}

/// Rows and people of each class that has rows, over some of the attributes.
fn classes(problem: &Problem, table: &Tuples, attributes: &[usize]) -> Vec<(u64, u64)> {
    let mut levels = table.levels.clone();
    for (place, (level, own)) in levels.iter_mut().zip(&problem.attributes).enumerate() {
        if !attributes.contains(&place) {
            *level = (own.hierarchy.height() - 1) as u8;
        }
    }
    let plan = KeyPlan::over(problem, &levels, attributes);
    let mut grouping = Grouping::default();
    grouping.group(&table.parts(problem, &plan, &levels), &table.counts);
    let mut people = vec![0_u64; grouping.sizes.len()];
    for (class, more) in grouping.class_of.iter().zip(&table.population) {
        if let Some(people) = people.get_mut(up(*class)) {
            *people += u64::from(*more);
        }
    }
    let rows = grouping.sizes.iter().map(|rows| u64::from(*rows)).zip(people);
    rows.filter(|(rows, _)| *rows > 0).collect()
}

fn driver(problem: &Problem, table: &Tuples, attribute: usize, sizes: &[u64]) -> Driver {
    let others: Vec<usize> = (0..table.levels.len()).filter(|other| *other != attribute).collect();
    let unique = |sizes: &[(u64, u64)]| sizes.iter().filter(|class| class.0 == 1).count() as u64;
    let (alone, without) = (classes(problem, table, &[attribute]), classes(problem, table, &others));
    let rows = sizes.iter().sum::<u64>().max(1);
    let unique_now = sizes.iter().filter(|size| **size == 1).count() as u64;
    Driver {
        attribute,
        values: alone.len() as u64,
        unique_alone: unique(&alone),
        unique_by_it: unique_now.saturating_sub(unique(&without)),
        mean_risk_by_it: (real(sizes.len() as u64) - real(without.len() as u64)) / real(rows),
    }
}

fn spread(sizes: &[u64]) -> Spread {
    let mut rows_by_size: Vec<(u64, u64)> = RANGES.iter().map(|end| (*end, 0)).collect();
    for size in sizes {
        let range = RANGES.partition_point(|end| end < size);
        if let Some((_, rows)) = rows_by_size.get_mut(range) {
            *rows += size;
        }
    }
    Spread {
        count: sizes.len() as u64,
        smallest: sizes.iter().min().copied().unwrap_or(0),
        largest: at(
            sizes,
            sizes.iter().enumerate().max_by_key(|(_, size)| **size).map_or(0, |(place, _)| place),
        ),
        rows_by_size,
    }
}
