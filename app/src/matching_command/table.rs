//! CSV files whose columns are found by name, and files that appear whole or not at all.

use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes beside the file and renames, so that nobody ever reads half a result.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    fill_file(path, |file| Ok(file.write_all(bytes)?))
}

/// The same where it comes piece by piece; nothing is left of what could not be filled.
pub(crate) fn fill_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().context("the output needs a file name")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let filled = fs::File::create(&part).map_err(anyhow::Error::from).and_then(|file| {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        Ok(file.flush()?)
    });
    if filled.is_err() {
        let _ = fs::remove_file(&part);
    }
    filled.with_context(|| format!("cannot write {}; does the folder exist?", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot rename {} to {}", part.display(), path.display()))
}

/// A CSV file whose columns are found by name.
pub(crate) struct Table {
    path: PathBuf,
    reader: csv::Reader<fs::File>,
    columns: HashMap<String, usize>,
    record: csv::StringRecord,
}

/// One row of a [`Table`].
pub(crate) struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    record: &'a csv::StringRecord,
    /// Line in the file, for messages.
    pub(crate) line: u64,
}

impl Table {
    /// Opens a file that must have the columns `needed`.
    pub(crate) fn open(path: &Path, needed: &[&str]) -> Result<Table> {
        let file = fs::File::open(path).with_context(|| {
            format!("cannot open {}; check the path and that you may read it", path.display())
        })?;
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(file);
        let header = reader.headers().map_err(|error| explain(path, &error, 0))?.clone();
        let columns: HashMap<String, usize> = header
            .iter()
            .enumerate()
            .map(|(place, name)| (name.trim().trim_start_matches('\u{feff}').to_owned(), place))
            .collect();
        for name in needed {
            if !columns.contains_key(*name) {
                bail!(
                    "{}, line 1: the column '{name}' is missing (found: {}); name the columns in the first line",
                    path.display(),
                    header.iter().collect::<Vec<_>>().join(", ")
                );
            }
        }
        Ok(Table { path: path.to_owned(), reader, columns, record: csv::StringRecord::new() })
    }

    /// Names of the columns, in order.
    pub(super) fn header(&self) -> Vec<String> {
        let mut header = vec![String::new(); self.columns.values().max().map_or(0, |last| last + 1)];
        for (name, place) in &self.columns {
            if let Some(column) = header.get_mut(*place) {
                column.clone_from(name);
            }
        }
        header
    }

    /// The next row; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>> {
        let more =
            self.reader.read_record(&mut self.record).map_err(|error| explain(&self.path, &error, 0))?;
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(more.then_some(Row { columns: &self.columns, record: &self.record, line }))
    }
}

impl Row<'_> {
    /// Text of a column; empty when the file does not have it.
    pub(crate) fn field(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|place| self.record.get(*place)).unwrap_or("")
    }

    /// Text of a column, if there is any.
    pub(crate) fn optional(&self, column: &str) -> Option<String> {
        let text = self.field(column);
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    /// Text of a column that every row must have.
    pub(crate) fn required(&self, column: &str, path: &Path) -> Result<String> {
        self.optional(column).with_context(|| {
            format!("{}, line {}: {column} is empty; give every row one", path.display(), self.line)
        })
    }
}

/// What is wrong with a file, where, and what to do; `lines_before` stand before what was read.
pub(super) fn explain(path: &Path, error: &csv::Error, lines_before: u64) -> anyhow::Error {
    let line = lines_before + error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the file as UTF-8 (Shift_JIS is not read)".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!(
                "{len} fields where the first line has {expected_len}; put fields that contain commas in quotes"
            )
        }
        _ => error.to_string(),
    };
    anyhow::anyhow!("{}, line {line}: {what}", path.display())
}
