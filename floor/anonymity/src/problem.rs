//! What is asked: a table, what counts as safe, what counts as good.

use crate::closeness::Distance;
use crate::hierarchy::Hierarchy;

/// A table and what is wanted of it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What could single a person out, together.
    pub attributes: Vec<Attribute>,
    /// What must not be learnt of a person.
    pub sensitive: Vec<Sensitive>,
    /// What makes a class of rows safe; all of them together.
    pub models: Vec<Model>,
    /// Share of the rows that may be suppressed, 0 to 1.
    pub suppression_limit: f64,
    /// What is lost, and should be little.
    pub metric: Metric,
    /// For δ-presence and journalist risk: everybody who could be in the table, its own people included. A column for
    /// each attribute, in the same order; codes of its hierarchy. Else empty.
    pub population: Vec<Vec<u32>>,
    /// How many rows of the table each row here stands for, where equal ones were joined before; else empty.
    pub counts: Vec<u32>,
}

/// A quasi-identifier.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// How it becomes coarser.
    pub hierarchy: Hierarchy,
    /// Its value in each row: codes of the hierarchy.
    pub column: Vec<u32>,
    /// What it counts among the others; 1 unless one matters more.
    pub weight: f64,
}

/// A sensitive attribute. It is published as it is.
#[derive(Clone, Debug)]
pub struct Sensitive {
    /// Its name.
    pub name: String,
    /// Its value in each row: 0 to `values` - 1.
    pub column: Vec<u32>,
    /// Different values.
    pub values: usize,
}

/// When a class (the rows that look alike) is safe. Classes that are not are suppressed.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// At least `k` rows. Samarati and Sweeney 1998.
    KAnonymity {
        /// Rows.
        k: u32,
    },
    /// At least `l` different values. Machanavajjhala et al. 2007, §4.
    DistinctDiversity {
        /// Which sensitive attribute.
        sensitive: usize,
        /// Values.
        l: u32,
    },
    /// Shannon entropy of the values at least ln `l`. Machanavajjhala et al. 2007, definition 4.1.
    EntropyDiversity {
        /// Which sensitive attribute.
        sensitive: usize,
        /// As many values, equally frequent, would do.
        l: f64,
    },
    /// r₁ < c·(r_l + … + r_m), frequencies descending. Machanavajjhala et al. 2007, definition 4.2.
    RecursiveDiversity {
        /// Which sensitive attribute.
        sensitive: usize,
        /// Factor.
        c: f64,
        /// From which frequency on.
        l: u32,
    },
    /// The values are distributed as in the whole table, up to a distance of `t`. Li, Li and Venkatasubramanian 2007.
    Closeness {
        /// Which sensitive attribute.
        sensitive: usize,
        /// Greatest distance, 0 to 1.
        t: f64,
        /// How distance is measured.
        distance: Distance,
    },
    /// Of the people in the population who look alike, a share between `least` and `most` is in the table. Nergiz,
    /// Atzori and Clifton 2007.
    Presence {
        /// Smallest share.
        least: f64,
        /// Greatest share.
        most: f64,
    },
    /// Whoever looks for one person finds them with a probability of at most `most`, against the population (k-map).
    JournalistRisk {
        /// Greatest probability.
        most: f64,
    },
    /// The mean probability to be found, over all rows that are kept, is at most `most`. Where it is more, the smallest
    /// classes are suppressed too.
    AverageRisk {
        /// Greatest mean probability.
        most: f64,
    },
}

/// What is measured; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Iyengar's loss: share of the domain that a cell no longer tells apart; geometric mean over attributes.
    Loss,
    /// Non-uniform entropy (Gionis and Tassa 2009), in bits, summed over cells and attributes.
    NonUniformEntropy,
    /// Discernibility (Bayardo and Agrawal 2005): Σ size² of kept classes + rows · suppressed rows.
    Discernibility,
    /// Rows for each class; all suppressed rows are one class.
    AverageClassSize,
    /// 1 − Sweeney's precision: mean of level / highest level over cells; 1 for a suppressed one.
    Precision,
    /// Kullback-Leibler divergence in bits of the table from what its anonymised form says of it (Kifer and Gehrke
    /// 2006): each class spread evenly over its cells, suppressed rows over everything.
    Divergence,
}

/// What is wrong with a problem.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProblemFault {
    /// Nothing to make coarser.
    #[error(
        "属性がありません。人を特定しうる列を一つ以上書いてください / no quasi-identifier is given; name at least one attribute that could single a person out"
    )]
    NoAttributes,
    /// No rows.
    #[error("表に行がありません / the table has no rows")]
    NoRows,
    /// More than can be counted.
    #[error("表が 4,294,967,295 行を超えます / the table has more than 4,294,967,295 rows")]
    TooManyRows,
    /// A column shorter or longer than the first.
    #[error("列 {name} の行数が違います / the column {name} has {found} rows where {expected} are expected")]
    Length {
        /// Whose.
        name: String,
        /// Its rows.
        found: usize,
        /// Rows of the first.
        expected: usize,
    },
    /// A code outside of the hierarchy.
    #[error(
        "列 {name} に階層にない符号があります / the column {name} has, in row {row} from 0, a code that its hierarchy does not have"
    )]
    Code {
        /// Whose.
        name: String,
        /// Where.
        row: usize,
    },
    /// A model that asks for what is not there.
    #[error("{0}")]
    Model(&'static str),
    /// A number outside of its range.
    #[error("範囲の外の値です / {what} is {found}; it must be {range}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What it is.
        found: f64,
        /// What it may be.
        range: &'static str,
    },
}

impl Problem {
    /// Rows of the table.
    pub fn rows(&self) -> usize {
        match self.counts.as_slice() {
            [] => self.lines(),
            counts => counts.iter().map(|count| *count as usize).sum(),
        }
    }

    /// Rows here: those of the table, or fewer where equal ones were joined.
    pub fn lines(&self) -> usize {
        self.attributes.first().map_or(0, |attribute| attribute.column.len())
    }

    /// Rows of the table that a row here stands for.
    pub fn count(&self, line: usize) -> u32 {
        if self.counts.is_empty() { 1 } else { self.counts.get(line).copied().unwrap_or(0) }
    }

    /// Rows that may be suppressed.
    pub fn most_suppressed(&self) -> u64 {
        // As the reference does it: the product in floating point, then down.
        (self.suppression_limit * self.rows() as f64).floor() as u64
    }

    /// Looks whether the problem can be worked on.
    ///
    /// # Errors
    /// What is wrong with it, first fault first.
    pub fn check(&self) -> Result<(), ProblemFault> {
        let (rows, lines) = (self.rows(), self.lines());
        if self.attributes.is_empty() {
            return Err(ProblemFault::NoAttributes);
        }
        if rows == 0 {
            return Err(ProblemFault::NoRows);
        }
        let people = self.population.first().map_or(0, Vec::len);
        if u32::try_from(rows + people).is_err() {
            return Err(ProblemFault::TooManyRows);
        }
        for attribute in &self.attributes {
            column(&attribute.name, &attribute.column, lines, attribute.hierarchy.leaves())?;
            let height = attribute.hierarchy.height();
            // Levels are kept in a byte.
            range("the number of levels of a hierarchy", height as f64, height <= 256, "at most 256")?;
            range("a weight", attribute.weight, attribute.weight >= 0.0, "0 or more")?;
        }
        let weights: f64 = self.attributes.iter().map(|attribute| attribute.weight).sum();
        range("the sum of the weights", weights, weights > 0.0, "more than 0")?;
        for sensitive in &self.sensitive {
            column(&sensitive.name, &sensitive.column, lines, sensitive.values)?;
        }
        if !self.counts.is_empty() && (self.counts.len() != lines || self.counts.contains(&0)) {
            return Err(ProblemFault::Model(
                "行の数の列が合いません / each row needs the number of rows it stands for, at least 1",
            ));
        }
        if !self.population.is_empty() && self.population.len() != self.attributes.len() {
            return Err(ProblemFault::Model(
                "population に各属性の列が要ります / the population needs a column for each quasi-identifier",
            ));
        }
        for (attribute, codes) in self.attributes.iter().zip(&self.population) {
            column(&attribute.name, codes, people, attribute.hierarchy.leaves())?;
        }
        let limit = self.suppression_limit;
        range("the suppression limit", limit, (0.0..=1.0).contains(&limit), "from 0 to 1")?;
        self.models.iter().try_for_each(|model| self.check_model(model))
    }

    fn check_model(&self, model: &Model) -> Result<(), ProblemFault> {
        let sensitive = |place: usize| {
            let missing = ProblemFault::Model(
                "model の sensitive 属性がありません / a model names a sensitive attribute that is not there",
            );
            self.sensitive.get(place).ok_or(missing)
        };
        let share =
            |what, share: f64| range(what, share, share > 0.0 && share <= 1.0, "more than 0, at most 1");
        let population = || {
            let missing = ProblemFault::Model(
                "presence と journalist-risk には population が要ります / δ-presence and journalist risk need a population table",
            );
            if self.population.is_empty() { Err(missing) } else { Ok(()) }
        };
        match model {
            Model::KAnonymity { k } => range("k", f64::from(*k), *k >= 1, "at least 1"),
            Model::DistinctDiversity { sensitive: place, l } => {
                sensitive(*place)?;
                range("l", f64::from(*l), *l >= 1, "at least 1")
            }
            Model::EntropyDiversity { sensitive: place, l } => {
                sensitive(*place)?;
                range("l", *l, *l >= 1.0, "at least 1")
            }
            Model::RecursiveDiversity { sensitive: place, c, l } => {
                sensitive(*place)?;
                range("c", *c, *c > 0.0, "more than 0")?;
                range("l", f64::from(*l), *l >= 1, "at least 1")
            }
            Model::Closeness { sensitive: place, t, distance } => {
                let values = sensitive(*place)?.values;
                range("t", *t, (0.0..=1.0).contains(t), "from 0 to 1")?;
                if distance.fits(values) {
                    Ok(())
                } else {
                    Err(ProblemFault::Model(
                        "距離の階層の葉は sensitive の値にしてください / the hierarchy of a distance must have the sensitive values as its leaves",
                    ))
                }
            }
            Model::Presence { least, most } => {
                population()?;
                share("the greatest share of δ-presence", *most)?;
                range(
                    "the least share of δ-presence",
                    *least,
                    (0.0..=*most).contains(least),
                    "from 0 to the greatest",
                )
            }
            Model::JournalistRisk { most } => {
                population()?;
                share("journalist risk", *most)
            }
            Model::AverageRisk { most } => share("average risk", *most),
        }
    }
}

fn range(what: &'static str, found: f64, holds: bool, range: &'static str) -> Result<(), ProblemFault> {
    if holds { Ok(()) } else { Err(ProblemFault::Range { what, found, range }) }
}

fn column(name: &str, codes: &[u32], expected: usize, values: usize) -> Result<(), ProblemFault> {
    if codes.len() != expected {
        return Err(ProblemFault::Length { name: name.to_owned(), found: codes.len(), expected });
    }
    match codes.iter().position(|code| *code as usize >= values) {
        Some(row) => Err(ProblemFault::Code { name: name.to_owned(), row }),
        None => Ok(()),
    }
}
