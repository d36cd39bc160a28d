//! From the files of a configuration to a problem, and from a solution to a file.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;

use anonymity::builders::{self, BuilderFault};
use anonymity::{Attribute, Distance, Hierarchy, Model, Problem, Sensitive};
use anyhow::{Context, Result, bail};

use super::config::{Config, DistanceName, HierarchyConfig, ModelConfig};
use super::reading::{Coded, ReadTable, Source, Wanted};
use super::runs::Runs;
use super::sql::Database;
use super::{hierarchy_file, parquet};
use crate::matching_command::table::fill_file;

/// How a table is read.
pub(super) enum Way {
    /// From a file; equal rows joined in about so many bytes of memory, where a bound is given.
    File {
        /// Bytes.
        memory: Option<usize>,
    },
    /// From a database, equal rows joined there.
    Database(Database),
}

impl Way {
    fn memory(&self) -> Option<usize> {
        match self {
            Way::File { memory } => *memory,
            Way::Database(_) => None,
        }
    }
}

/// A table that was read.
pub(super) struct Loaded {
    pub(super) problem: Problem,
    /// What the codes of sensitive attributes stand for, and the columns that are kept as they are.
    sensitive_values: Vec<Vec<String>>,
    kept: Vec<Coded>,
    separator: u8,
    /// Bytes in which rows are put in order, where a bound is given.
    memory: Option<usize>,
}

/// Reads table, hierarchies and population.
pub(super) fn read(config: &Config, input: &Path, way: &Way) -> Result<Loaded> {
    let source = Source { path: input.to_owned(), separator: config.separator(), encoding: config.encoding };
    let given = config.attributes.iter().map(|attribute| match &attribute.hierarchy {
        HierarchyConfig::File(path) => hierarchy_file::read(&config.folder.join(path)).map(Some),
        _ => Ok(None),
    });
    let given: Vec<Option<Hierarchy>> = given.collect::<Result<_>>()?;
    let orders = config.sensitive.iter().map(|sensitive| {
        sensitive.hierarchy.as_ref().map(|path| hierarchy_file::read(&config.folder.join(path))).transpose()
    });
    let orders: Vec<Option<Hierarchy>> = orders.collect::<Result<_>>()?;

    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    for (attribute, known) in config.attributes.iter().zip(&given) {
        wanted.push(Wanted { name: &attribute.name, known: known.as_ref() });
    }
    for (sensitive, known) in config.sensitive.iter().zip(&orders) {
        wanted.push(Wanted { name: &sensitive.name, known: known.as_ref() });
    }
    wanted.extend(config.keep.iter().map(|name| Wanted { name, known: None }));
    let ReadTable { separator, columns, counts } = match way {
        Way::File { memory } => source.read(&wanted, *memory)?,
        Way::Database(database) => database.read(&input.to_string_lossy(), &wanted)?,
    };
    let mut columns = columns.into_iter();

    let mut attributes = Vec::new();
    let mut seen = Vec::new();
    for ((attribute, known), column) in config.attributes.iter().zip(&given).zip(columns.by_ref()) {
        let hierarchy = match known {
            Some(known) => known.clone(),
            None => built(&attribute.hierarchy, &column, !counts.is_empty())
                .with_context(|| format!("{}: 列 / column '{}'", input.display(), attribute.name))?,
        };
        seen.push((attribute.name.clone(), hierarchy.clone()));
        attributes.push(Attribute {
            name: attribute.name.clone(),
            hierarchy,
            column: column.codes,
            weight: attribute.weight,
        });
    }
    let mut sensitive = Vec::new();
    let mut sensitive_values = Vec::new();
    for (own, column) in config.sensitive.iter().zip(columns.by_ref()) {
        sensitive.push(Sensitive {
            name: own.name.clone(),
            values: column.values.len(),
            column: column.codes,
        });
        sensitive_values.push(column.values);
    }
    let population = match &config.population {
        None => Vec::new(),
        Some(path) => {
            let source = Source { path: config.folder.join(path), ..source };
            let wanted: Vec<Wanted<'_>> =
                seen.iter().map(|(name, known)| Wanted { name, known: Some(known) }).collect();
            source.read(&wanted, None)?.columns.into_iter().map(|column| column.codes).collect()
        }
    };
    let models = config.models.iter().map(|model| model_of(config, &orders, model));
    let problem = Problem {
        models: models.collect::<Result<_>>()?,
        attributes,
        sensitive,
        suppression_limit: config.suppression_limit,
        metric: config.metric(),
        population,
        counts,
    };
    problem.check().with_context(|| input.display().to_string())?;
    Ok(Loaded { problem, sensitive_values, kept: columns.collect(), separator, memory: way.memory() })
}

fn built(how: &HierarchyConfig, column: &Coded, joined: bool) -> Result<Hierarchy> {
    let values = &column.values;
    let made = match how {
        HierarchyConfig::File(_) | HierarchyConfig::KeptOrSuppressed => {
            Hierarchy::kept_or_suppressed(values).map_err(BuilderFault::from)
        }
        HierarchyConfig::Ages => builders::ages(values),
        HierarchyConfig::PostalCodes => builders::postal_codes(values),
        HierarchyConfig::Municipalities => builders::municipalities(values),
        HierarchyConfig::Diagnoses => builders::diagnoses(values),
        HierarchyConfig::Masked(lengths) => builders::masked(values, lengths),
        HierarchyConfig::Intervals { widths, least, most } => {
            builders::intervals(values, widths, *least, *most)
        }
    };
    made.map_err(|fault| match fault {
        BuilderFault::Value { place, expected } => {
            let row = column.codes.iter().position(|code| *code as usize == place).map_or(0, |row| row + 1);
            // Where equal rows were joined, the place of a line says nothing.
            let row = if joined { String::new() } else { format!("row {row} (the header not counted): ") };
            anyhow::anyhow!(
                "{row}値がこの階層の求める形ではありません。直すか、空にするか、階層をファイルで与えてください / the value is not {expected}; correct it, leave it empty, or give the hierarchy as a file"
            )
        }
        other => other.into(),
    })
}

fn model_of(config: &Config, orders: &[Option<Hierarchy>], model: &ModelConfig) -> Result<Model> {
    let place = |name: &Option<String>| {
        match (name, config.sensitive.as_slice()) {
        (None, [_]) => Ok(0),
        (None, _) => {
            bail!("どの sensitive 属性についての model か書かれていません / a model does not say which sensitive attribute it is on; add sensitive = \"NAME\"")
        }
        (Some(name), all) => all.iter().position(|own| own.name == *name).with_context(|| {
            format!("model の '{name}' は [[sensitive]] にありません / a model is on '{name}', which is no [[sensitive]] attribute; name it there")
        }),
    }
    };
    Ok(match model {
        ModelConfig::KAnonymity { k } => Model::KAnonymity { k: *k },
        ModelConfig::DistinctDiversity { sensitive, l } => {
            Model::DistinctDiversity { sensitive: place(sensitive)?, l: *l }
        }
        ModelConfig::EntropyDiversity { sensitive, l } => {
            Model::EntropyDiversity { sensitive: place(sensitive)?, l: *l }
        }
        ModelConfig::RecursiveDiversity { sensitive, c, l } => {
            Model::RecursiveDiversity { sensitive: place(sensitive)?, c: *c, l: *l }
        }
        ModelConfig::Closeness { sensitive, t, distance } => {
            let place = place(sensitive)?;
            let order = || {
                orders.get(place).and_then(Option::as_ref).context(
                    "階層または順序による t-closeness には値のファイルが要ります / t-closeness by hierarchy or order needs the values in a file: add hierarchy = \"FILE\" to the \
                     sensitive attribute",
                )
            };
            let distance = match distance {
                DistanceName::Equal => Distance::Equal,
                DistanceName::Hierarchical => Distance::Hierarchical(order()?.clone()),
                // The order is that of the file's lines.
                DistanceName::Ordered => order().map(|_| Distance::Ordered)?,
            };
            Model::Closeness { sensitive: place, t: *t, distance }
        }
        ModelConfig::Presence { least, most } => Model::Presence { least: *least, most: *most },
        ModelConfig::JournalistRisk { most } => Model::JournalistRisk { most: *most },
        ModelConfig::AverageRisk { most } => Model::AverageRisk { most: *most },
    })
}

/// Memory in which the safe table is put in order where no bound is given.
const ENOUGH: usize = 1 << 28;

/// Writes the rows that stay, in the order of what is written, in bounded memory. `label`: what the value of an attribute
/// (second) becomes in a row (first); nothing in a row that is left out.
pub(super) fn write<'a>(
    path: &Path,
    config: &Config,
    table: &'a Loaded,
    label: impl Fn(usize, usize) -> Option<&'a str>,
) -> Result<()> {
    let problem = &table.problem;
    let text = |row: usize, column: usize| {
        let others = column.checked_sub(problem.attributes.len());
        let Some(other) = others else { return label(row, column) };
        let sensitive = problem.sensitive.get(other).zip(table.sensitive_values.get(other));
        let kept = || table.kept.get(other - problem.sensitive.len());
        Some(match sensitive {
            Some((sensitive, values)) => value(&sensitive.column, values, row),
            None => kept().map_or("", |kept| value(&kept.codes, &kept.values, row)),
        })
    };
    let width = problem.attributes.len() + problem.sensitive.len() + table.kept.len();
    let is_kept = |row: &usize| label(*row, 0).is_some();
    let rows = || (0..problem.lines()).filter(is_kept);
    // Texts are few beside rows: a row is the places of its texts, and so in order as its texts are.
    let columns: Vec<Ranks<'_>> =
        (0..width).map(|column| Ranks::of(rows().filter_map(|row| text(row, column)))).collect();
    // Their order in the table would tell who is who to whoever knows it.
    let mut sorted = Runs::new(width, table.memory.unwrap_or(ENOUGH));
    let mut ranks = Vec::with_capacity(width);
    for row in rows() {
        ranks.clear();
        let own = columns.iter().enumerate();
        ranks.extend(own.map(|(column, ranks)| text(row, column).map_or(0, |text| ranks.of_text(text))));
        sorted.push(&ranks, problem.count(row))?;
    }
    let names = config.attributes.iter().map(|own| &own.name);
    let names = names.chain(config.sensitive.iter().map(|own| &own.name)).chain(&config.keep);
    let separator = if parquet::is_parquet(path) { b',' } else { table.separator };
    let fill = |out: &mut dyn Write| -> Result<()> {
        let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(out);
        writer.write_record(names)?;
        sorted.finish(|ranks, count| {
            let texts = || columns.iter().zip(ranks).map(|(column, rank)| column.text(*rank));
            Ok((0..count).try_for_each(|_| writer.write_record(texts()))?)
        })?;
        Ok(writer.flush()?)
    };
    if parquet::is_parquet(path) {
        return parquet::write(path, fill);
    }
    let is_packed = path.extension().is_some_and(|kind| kind == "gz");
    fill_file(path, |file| {
        if !is_packed {
            return fill(file);
        }
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        fill(&mut packer)?;
        packer.finish()?;
        Ok(())
    })
}

/// The different texts of a column, in order.
struct Ranks<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, u32>,
}

impl<'a> Ranks<'a> {
    fn of(texts: impl Iterator<Item = &'a str>) -> Ranks<'a> {
        let different: HashSet<&str> = texts.collect();
        let mut texts: Vec<&str> = different.into_iter().collect();
        texts.sort_unstable();
        let places = texts.iter().copied().zip(0..).collect();
        Ranks { texts, places }
    }

    fn of_text(&self, text: &str) -> u32 {
        self.places.get(text).copied().unwrap_or(0)
    }

    fn text(&self, rank: u32) -> &'a str {
        self.texts.get(rank as usize).copied().unwrap_or("")
    }
}

fn value<'a>(codes: &[u32], values: &'a [String], row: usize) -> &'a str {
    let code = codes.get(row).and_then(|code| values.get(*code as usize));
    code.map_or("", String::as_str)
}
