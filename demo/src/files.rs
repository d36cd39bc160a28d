//! The files that institutions keep: tables in the encodings and with the separators of their systems.

use std::{fs, path::Path};

use encoding_rs::SHIFT_JIS;
use serde_json::Value;

use crate::DemoError;

/// How an institution's system writes its tables.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    /// Commas, UTF-8.
    Commas,
    /// Commas, Shift_JIS with Windows' additions.
    ShiftJis,
    /// Semicolons, UTF-8.
    Semicolons,
    /// Tabs, UTF-8 with the mark that spreadsheets put in front.
    Tabs,
}

impl Table {
    /// Writes a table: a line of headings, then the rows. Whole or not at all, since somebody may be reading.
    pub(crate) fn write<const N: usize>(
        self,
        file: &Path,
        headings: [&str; N],
        rows: impl Iterator<Item = [String; N]>,
    ) -> Result<(), DemoError> {
        let separator = match self {
            Table::Commas | Table::ShiftJis => b',',
            Table::Semicolons => b';',
            Table::Tabs => b'\t',
        };
        let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
        writer.write_record(headings)?;
        for row in rows {
            writer.write_record(row)?;
        }
        let text = writer.into_inner().map_err(|error| DemoError::Io(error.into_error()))?;
        let bytes = match self {
            Table::ShiftJis => SHIFT_JIS.encode(&String::from_utf8_lossy(&text)).0.into_owned(),
            Table::Tabs => [b"\xef\xbb\xbf", text.as_slice()].concat(),
            _ => text,
        };
        whole(file, &bytes)
    }
}

/// Puts a file in place in one step.
pub(crate) fn whole(file: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let made = file.with_extension("new");
    fs::write(&made, bytes)?;
    Ok(fs::rename(made, file)?)
}

/// A field of an item as a table's cell.
pub(crate) fn cell(item: &Value, field: &str) -> String {
    match item.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// `1` or `0`.
pub(crate) fn flag(set: bool) -> String {
    u8::from(set).to_string()
}
