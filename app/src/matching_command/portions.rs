//! A CSV file in memory, cut where rows begin, so that several threads can read it.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

use super::table::{Table, explain};

/// Bytes of a portion, about.
const PORTION: usize = 1 << 18;

/// A whole file.
pub(super) struct Portions {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Vec<String>,
    /// Where each portion begins; the last entry is the end.
    cuts: Vec<usize>,
}

/// Some rows of it.
#[derive(Clone, Copy)]
pub(super) struct Portion<'a> {
    file: &'a Portions,
    start: usize,
    end: usize,
}

/// One row, and where it stands.
pub(super) struct Row<'a> {
    file: &'a Portions,
    start: usize,
    record: &'a csv::StringRecord,
}

impl Portions {
    /// Reads a file that must have the columns `needed`.
    pub(super) fn read(path: &Path, needed: &[&str]) -> Result<Portions> {
        let header = Table::open(path, needed)?.header();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut first = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
        first.read_record(&mut csv::StringRecord::new()).map_err(|error| explain(path, &error, 0))?;
        let start = usize::try_from(first.position().byte()).unwrap_or(usize::MAX).min(bytes.len());
        let cuts = cuts(&bytes, start);
        Ok(Portions { path: path.to_owned(), bytes, header, cuts })
    }

    /// The place of a column, if the file has it.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    pub(super) fn all(&self) -> Vec<Portion<'_>> {
        let ends = self.cuts.iter().skip(1);
        self.cuts.iter().zip(ends).map(|(&start, &end)| Portion { file: self, start, end }).collect()
    }

    fn lines_before(&self, start: usize) -> u64 {
        let before = self.bytes.get(..start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() as u64
    }
}

impl Portion<'_> {
    /// Calls `take` with each row; ends at the first error.
    pub(super) fn each(&self, mut take: impl FnMut(Row<'_>) -> Result<()>) -> Result<()> {
        let bytes = self.file.bytes.get(self.start..self.end).unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| explain(&self.file.path, &error, self.file.lines_before(self.start)))?
        {
            let row = Row { file: self.file, start: self.start, record: &record };
            if record.len() != self.file.header.len() {
                bail!(
                    "{}: {} fields where the first line has {}; put fields that contain commas in quotes",
                    row.place(),
                    record.len(),
                    self.file.header.len()
                );
            }
            take(row)?;
        }
        Ok(())
    }
}

impl<'a> Row<'a> {
    /// Text of a column; empty when the file does not have it.
    pub(super) fn field(&self, column: Option<usize>) -> &'a str {
        column.and_then(|column| self.record.get(column)).unwrap_or("")
    }

    /// Text of a column, if there is any.
    pub(super) fn optional(&self, column: Option<usize>) -> Option<&'a str> {
        Some(self.field(column)).filter(|text| !text.trim().is_empty())
    }

    /// File and line, for messages.
    pub(super) fn place(&self) -> String {
        let line = self.record.position().map_or(0, csv::Position::line);
        format!("{}, line {}", self.file.path.display(), line + self.file.lines_before(self.start))
    }
}

/// Where rows begin, about every [`PORTION`] bytes; a line feed in quotes ends no row.
fn cuts(bytes: &[u8], start: usize) -> Vec<usize> {
    let body = bytes.get(start..).unwrap_or_default();
    let mut cuts = vec![start];
    let mut next = start + PORTION;
    if !body.contains(&b'"') {
        while let Some(rest) = bytes.get(next..)
            && let Some(end) = rest.iter().position(|byte| *byte == b'\n')
        {
            cuts.push(next + end + 1);
            next += end + 1 + PORTION;
        }
    } else {
        let mut place = Place::FieldStart;
        for (at, byte) in (start..).zip(body) {
            place = place.after(*byte);
            if *byte == b'\n' && place == Place::FieldStart && at >= next {
                cuts.push(at + 1);
                next = at + 1 + PORTION;
            }
        }
    }
    if cuts.last() != Some(&bytes.len()) {
        cuts.push(bytes.len());
    }
    cuts
}

/// Where in a row a byte stands, as the csv crate reads rows: quotes count at the start of a field only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote in quotes: the end of them, or one half of a doubled one.
    AfterQuote,
}

impl Place {
    const fn after(self, byte: u8) -> Place {
        match (self, byte) {
            (Place::Quoted, b'"') => Place::AfterQuote,
            (Place::Quoted, _) | (Place::FieldStart | Place::AfterQuote, b'"') => Place::Quoted,
            (_, b',' | b'\n' | b'\r') => Place::FieldStart,
            _ => Place::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_cut_is_the_start_of_a_row(
            rows in prop::collection::vec(prop::sample::select(vec![
                "a,b", "\"x\ny\",1", "\"he said \"\"no\"\"\n\",2", "st\"ray,3", ",\"\"", "\"\"\"\",z", "\"q\"tail,4", "",
            ]), 1..12),
            ending in prop::sample::select(vec!["\n", "\r\n"]),
            distance in 1..20_usize,
        ) {
            let text: String = rows.iter().map(|row| format!("{row}{ending}")).collect();
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let records: Vec<csv::ByteRecord> = reader.byte_records().map(Result::unwrap).collect();
            let mut place = Place::FieldStart;
            // Every place where a row could be cut, not only those a portion apart.
            let mut starts = vec![0];
            for (at, byte) in text.bytes().enumerate() {
                place = place.after(byte);
                if byte == b'\n' && place == Place::FieldStart && at >= starts.last().unwrap() + distance {
                    starts.push(at + 1);
                }
            }
            starts.push(text.len());
            let mut again = Vec::new();
            for pair in starts.windows(2) {
                let part = &text.as_bytes()[pair[0]..pair[1]];
                let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(part);
                again.extend(reader.byte_records().map(Result::unwrap));
            }
            prop_assert_eq!(again, records);
        }
    }
}
