//! Files of hierarchies: no header, one line for each value, the value first, then what it becomes at each level.

use std::path::Path;

use anonymity::Hierarchy;
use anyhow::{Context, Result};

use super::reading::separator;

/// Reads a hierarchy.
pub(super) fn read(path: &Path) -> Result<Hierarchy> {
    let bytes = std::fs::read(path).with_context(|| {
        format!("{}: 読めません。場所と読む権限を確かめてください / cannot read {0}; check the path and that you may read it", path.display())
    })?;
    parse(&bytes).with_context(|| path.display().to_string())
}

/// Reads a hierarchy from text, UTF-8; the separator is found out from the first line.
pub(super) fn parse(bytes: &[u8]) -> Result<Hierarchy> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(bytes))
        .from_reader(bytes);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            anyhow::anyhow!("line {line}: UTF-8 ではありません / not UTF-8; save the file as UTF-8")
        })?;
        lines.push(record.position().map_or(0, csv::Position::line));
        rows.push(record.iter().map(str::to_owned).collect());
    }
    Hierarchy::from_rows(&rows).map_err(|fault| match fault.row().and_then(|row| lines.get(row)) {
        Some(line) => anyhow::anyhow!("line {line}: {fault}"),
        None => anyhow::anyhow!("{fault}"),
    })
}
