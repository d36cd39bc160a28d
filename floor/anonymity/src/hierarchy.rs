//! How the values of an attribute become coarser, level by level.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::slot::{at, up};

/// The values of one attribute and what they become at each level. Level 0 holds the values themselves, in the order
/// they were given; each further level is coarser than the one before.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    levels: Vec<Level>,
    /// Code of each value of level 0.
    codes: HashMap<String, u32>,
}

#[derive(Clone, Debug)]
struct Level {
    /// What each code is called.
    labels: Vec<String>,
    /// Code at this level of each leaf.
    of_leaf: Vec<u32>,
    /// Leaves under each code.
    widths: Vec<u32>,
    /// Some leaf under each code.
    some_leaf: Vec<u32>,
}

/// What is wrong with a hierarchy; `row` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HierarchyFault {
    /// No rows.
    #[error("行がありません / it has no rows; give a row for each value of the attribute")]
    Empty,
    /// A row with more or fewer levels than the first.
    #[error(
        "段階の数が最初の行と違います / it has {found} levels where the first row has {expected}; give each value every level"
    )]
    Ragged {
        /// Where.
        row: usize,
        /// Levels of the first row.
        expected: usize,
        /// Levels of this row.
        found: usize,
    },
    /// A value that stands there twice.
    #[error(
        "値 '{value}' が前の行にもあります。一方を消してください / the value '{value}' stood in an earlier row already; keep one of the two"
    )]
    Twice {
        /// Where.
        row: usize,
        /// The value.
        value: String,
    },
    /// Two rows that agree at a level and differ at a coarser one.
    #[error(
        "ある段階で同じにしたものは、次の段階でも同じにしてください / '{label}' at level {level} leads to '{above}' here and to '{other}' in an earlier row; \
             what was made equal at one level must stay equal at the next"
    )]
    NotNested {
        /// Where.
        row: usize,
        /// The level that agrees.
        level: usize,
        /// Its label.
        label: String,
        /// What it leads to in this row.
        above: String,
        /// What it led to before.
        other: String,
    },
    /// More values than can be numbered.
    #[error("値が 4,294,967,295 個を超えます / it has more values than 4,294,967,295")]
    TooMany,
}

impl HierarchyFault {
    /// The row at fault, counted from 0.
    pub fn row(&self) -> Option<usize> {
        match self {
            HierarchyFault::Empty | HierarchyFault::TooMany => None,
            HierarchyFault::Ragged { row, .. }
            | HierarchyFault::Twice { row, .. }
            | HierarchyFault::NotNested { row, .. } => Some(*row),
        }
    }
}

impl Hierarchy {
    /// Reads a hierarchy: a row for each value, the value first, then what it becomes at each level.
    ///
    /// # Errors
    /// Rows of different lengths, a value twice, levels that are not nested.
    pub fn from_rows<R: AsRef<[String]>>(rows: &[R]) -> Result<Hierarchy, HierarchyFault> {
        let height = rows.first().ok_or(HierarchyFault::Empty)?.as_ref().len();
        if height == 0 {
            return Err(HierarchyFault::Empty);
        }
        if u32::try_from(rows.len()).is_err() {
            return Err(HierarchyFault::TooMany);
        }
        for (row, labels) in rows.iter().enumerate() {
            let found = labels.as_ref().len();
            if found != height {
                return Err(HierarchyFault::Ragged { row, expected: height, found });
            }
        }
        let mut levels: Vec<Level> = Vec::with_capacity(height);
        let mut codes = HashMap::new();
        for level in 0..height {
            let (made, known) = Level::read(rows, level);
            if level == 0 {
                if let Some(row) = (0..rows.len()).find(|row| at(&made.of_leaf, *row) as usize != *row) {
                    return Err(HierarchyFault::Twice { row, value: label(rows, row, 0) });
                }
                codes = known;
            }
            if let Some(below) = levels.last() {
                nested(rows, level, below, &made)?;
            }
            levels.push(made);
        }
        Ok(Hierarchy { levels, codes })
    }

    /// A hierarchy of values that are either kept or suppressed (`*`).
    ///
    /// # Errors
    /// No value, or a value twice.
    pub fn kept_or_suppressed(values: &[String]) -> Result<Hierarchy, HierarchyFault> {
        let rows: Vec<Vec<String>> = values.iter().map(|value| vec![value.clone(), "*".into()]).collect();
        Hierarchy::from_rows(&rows)
    }

    /// Levels, level 0 included.
    pub fn height(&self) -> usize {
        self.levels.len()
    }

    /// Values at level 0.
    pub fn leaves(&self) -> usize {
        self.cardinality(0)
    }

    /// Different values at a level.
    pub fn cardinality(&self, level: usize) -> usize {
        self.levels.get(level).map_or(0, |level| level.labels.len())
    }

    /// The code of a value of level 0.
    pub fn code(&self, value: &str) -> Option<u32> {
        self.codes.get(value).copied()
    }

    /// What a leaf is called at a level.
    pub fn label(&self, level: usize, leaf: u32) -> &str {
        let found =
            self.levels.get(level).and_then(|level| level.labels.get(up(at(&level.of_leaf, up(leaf)))));
        found.map_or("*", String::as_str)
    }

    /// Code of each leaf at a level.
    pub fn codes_at(&self, level: usize) -> &[u32] {
        self.levels.get(level).map_or(&[], |level| level.of_leaf.as_slice())
    }

    /// Leaves under each code of a level.
    pub fn widths(&self, level: usize) -> &[u32] {
        self.levels.get(level).map_or(&[], |level| level.widths.as_slice())
    }

    /// What each code of level `from` becomes at level `to`, which is not below it.
    pub fn steps(&self, from: usize, to: usize) -> Vec<u32> {
        let to = self.codes_at(to);
        self.levels
            .get(from)
            .map(|level| level.some_leaf.iter().map(|leaf| at(to, up(*leaf))).collect())
            .unwrap_or_default()
    }
}

impl Level {
    fn read<R: AsRef<[String]>>(rows: &[R], level: usize) -> (Level, HashMap<String, u32>) {
        let mut codes: HashMap<String, u32> = HashMap::new();
        let mut read =
            Level { labels: Vec::new(), of_leaf: Vec::new(), widths: Vec::new(), some_leaf: Vec::new() };
        for row in 0..rows.len() {
            // Rows were counted before: they fit.
            let next = u32::try_from(read.labels.len()).unwrap_or(u32::MAX);
            let label = label(rows, row, level);
            let code = match codes.entry(label.clone()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    read.labels.push(label);
                    read.widths.push(0);
                    read.some_leaf.push(u32::try_from(row).unwrap_or(u32::MAX));
                    *new.insert(next)
                }
            };
            read.of_leaf.push(code);
            if let Some(width) = read.widths.get_mut(up(code)) {
                *width += 1;
            }
        }
        (read, codes)
    }
}

fn label<R: AsRef<[String]>>(rows: &[R], row: usize, level: usize) -> String {
    rows.get(row).and_then(|row| row.as_ref().get(level)).cloned().unwrap_or_default()
}

fn nested<R: AsRef<[String]>>(
    rows: &[R],
    level: usize,
    below: &Level,
    above: &Level,
) -> Result<(), HierarchyFault> {
    for row in 0..rows.len() {
        let first = up(at(&below.some_leaf, up(at(&below.of_leaf, row))));
        if at(&above.of_leaf, row) != at(&above.of_leaf, first) {
            return Err(HierarchyFault::NotNested {
                row,
                level: level - 1,
                label: label(rows, row, level - 1),
                above: label(rows, row, level),
                other: label(rows, first, level),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[&[&str]]) -> Result<Hierarchy, HierarchyFault> {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|label| (*label).to_owned()).collect()).collect();
        Hierarchy::from_rows(&rows)
    }

    #[test]
    fn levels_are_read() {
        let read = read(&[&["1", "1-2", "*"], &["2", "1-2", "*"], &["3", "3-4", "*"]]).unwrap();
        assert_eq!((read.height(), read.leaves(), read.cardinality(1), read.cardinality(2)), (3, 3, 2, 1));
        assert_eq!(read.code("3"), Some(2));
        assert_eq!(read.label(1, 1), "1-2");
        assert_eq!(read.widths(1), [2, 1]);
        assert_eq!(read.steps(1, 2), [0, 0]);
        assert_eq!(read.steps(0, 1), [0, 0, 1]);
    }

    #[test]
    fn faults_name_their_row() {
        assert_eq!(read(&[]).unwrap_err(), HierarchyFault::Empty);
        assert_eq!(
            read(&[&["1", "*"], &["2"]]).unwrap_err(),
            HierarchyFault::Ragged { row: 1, expected: 2, found: 1 }
        );
        assert_eq!(read(&[&["1", "*"], &["1", "*"]]).unwrap_err().row(), Some(1));
        let fault = read(&[&["1", "a", "x"], &["2", "b", "x"], &["3", "a", "y"]]).unwrap_err();
        assert_eq!(fault.row(), Some(2));
        assert!(fault.to_string().contains("'a' at level 1 leads to 'y' here and to 'x'"), "{fault}");
    }
}
