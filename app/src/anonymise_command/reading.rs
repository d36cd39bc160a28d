//! Tables: CSV with any separator, UTF-8 or Shift_JIS, packed with gzip or not. Columns are found by name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anonymity::Hierarchy;
use anyhow::{Context, Result, bail};
use encoding_rs::{CoderResult, Decoder, SHIFT_JIS, UTF_8};

use super::parquet::{self, AsCsv};
use super::runs::Runs;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

/// A file with a table.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Between fields; found out from the first line where it is not given.
    pub(super) separator: Option<u8>,
    /// UTF-8 where it is not given.
    pub(super) encoding: Option<Encoding>,
}

/// A column to read.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    /// The values it may have; any, where there is none.
    pub(super) known: Option<&'a Hierarchy>,
}

/// A column that was read.
#[derive(Default)]
pub(super) struct Coded {
    pub(super) codes: Vec<u32>,
    /// What the codes stand for: the leaves of the hierarchy, or values in the order they were met.
    pub(super) values: Vec<String>,
}

/// A table that was read.
pub(super) struct ReadTable {
    /// Between its fields; a comma where it had none.
    pub(super) separator: u8,
    pub(super) columns: Vec<Coded>,
    /// Rows of each line, where equal rows were joined; else empty.
    pub(super) counts: Vec<u32>,
}

/// An open table.
struct Table {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    header: Vec<String>,
    separator: u8,
}

impl Source {
    /// Opens the table and reads its header.
    fn open(&self) -> Result<Table> {
        let shown = self.path.display();
        let file = File::open(&self.path)
            .with_context(|| format!("{shown}: 開けません。場所と読む権限を確かめてください / cannot open {shown}; check the path and that you may read it"))?;
        let file: Box<dyn Read> =
            if parquet::is_parquet(&self.path) { Box::new(AsCsv::open(&self.path)?) } else { Box::new(file) };
        let mut bytes = BufReader::with_capacity(1 << 16, file);
        let is_packed =
            bytes.fill_buf().map_err(|error| explain_io(&self.path, 0, &error))?.starts_with(b"\x1f\x8b");
        let bytes: Box<dyn Read> =
            if is_packed { Box::new(flate2::read::MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
        let decoder = match self.encoding {
            Some(Encoding::ShiftJis) => SHIFT_JIS.new_decoder_without_bom_handling(),
            Some(Encoding::Utf8) | None => UTF_8.new_decoder_with_bom_removal(),
        };
        let mut text = BufReader::with_capacity(1 << 16, Text::new(bytes, decoder));
        let start = text.fill_buf().map_err(|error| explain_io(&self.path, 0, &error))?;
        let separator = self.separator.unwrap_or_else(|| separator(start));
        let text: Box<dyn Read> = Box::new(text);
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text);
        let header = reader.headers().map_err(|error| explain(&self.path, &error))?;
        let header = header.iter().map(|name| name.trim().to_owned()).collect();
        Ok(Table { path: self.path.clone(), reader, header, separator })
    }

    /// Reads columns. `memory`: joins equal rows on the way, in about so many bytes; else each row is a line.
    pub(super) fn read(&self, wanted: &[Wanted<'_>], memory: Option<usize>) -> Result<ReadTable> {
        let mut table = self.open()?;
        let places: Vec<usize> =
            wanted.iter().map(|wanted| table.place(wanted.name)).collect::<Result<_>>()?;
        let mut coders = Coders::new(wanted, memory);
        let mut record = csv::StringRecord::new();
        while table.reader.read_record(&mut record).map_err(|error| explain(&self.path, &error))? {
            let line = || record.position().map_or(0, csv::Position::line);
            let values = places.iter().map(|place| record.get(*place).unwrap_or_default());
            coders.take_row(values).with_context(|| format!("{}, line {}", self.path.display(), line()))?;
        }
        coders.done(table.separator)
    }
}

impl Table {
    /// Where a column stands.
    fn place(&self, name: &str) -> Result<usize> {
        self.header.iter().position(|column| column == name).with_context(|| {
            format!(
                "{}, line 1: 列 '{name}' がありません / the column '{name}' is missing (found: {}); name the columns in the first line, or give \
                 the separator",
                self.path.display(),
                self.header.join(", ")
            )
        })
    }
}

/// Gives the values of a table's columns their codes, and takes rows together where that was asked for.
pub(super) struct Coders<'a> {
    coders: Vec<Coder<'a>>,
    row: Vec<u32>,
    runs: Option<Runs>,
    counts: Vec<u32>,
}

impl<'a> Coders<'a> {
    pub(super) fn new(wanted: &[Wanted<'a>], memory: Option<usize>) -> Coders<'a> {
        let runs = memory.map(|bytes| Runs::new(wanted.len(), bytes));
        Coders { coders: wanted.iter().map(Coder::new).collect(), row: Vec::new(), runs, counts: Vec::new() }
    }

    /// Takes a row.
    fn take_row<'v>(&mut self, values: impl Iterator<Item = &'v str>) -> Result<()> {
        self.row.clear();
        for (coder, value) in self.coders.iter_mut().zip(values) {
            self.row.push(coder.code(value)?);
        }
        match &mut self.runs {
            Some(runs) => runs.push(&self.row, 1),
            None => {
                let coded = self.coders.iter_mut().zip(&self.row);
                coded.for_each(|(coder, code)| coder.coded.codes.push(*code));
                Ok(())
            }
        }
    }

    /// Takes a row that stands for several.
    pub(super) fn take(&mut self, values: &[String], count: i64) -> Result<()> {
        self.take_row(values.iter().map(String::as_str))?;
        self.counts.push(u32::try_from(count).context("同じ行が多すぎます / too many equal rows")?);
        Ok(())
    }

    /// What was read. Values that no hierarchy orders are put in the order of their text: which codes they have then does not
    /// depend on the way they came.
    pub(super) fn done(self, separator: u8) -> Result<ReadTable> {
        let Coders { mut coders, runs, mut counts, .. } = self;
        if let Some(runs) = runs {
            runs.finish(|codes, count| {
                coders.iter_mut().zip(codes).for_each(|(coder, code)| coder.coded.codes.push(*code));
                counts.push(u32::try_from(count).context("同じ行が多すぎます / too many equal rows")?);
                Ok(())
            })?;
        }
        Ok(ReadTable { separator, columns: coders.into_iter().map(Coder::done).collect(), counts })
    }
}

/// Gives the values of a column their codes.
struct Coder<'a> {
    name: &'a str,
    known: Option<&'a Hierarchy>,
    met: HashMap<String, u32>,
    coded: Coded,
}

impl<'a> Coder<'a> {
    fn new(wanted: &Wanted<'a>) -> Coder<'a> {
        Coder { name: wanted.name, known: wanted.known, met: HashMap::new(), coded: Coded::default() }
    }

    fn code(&mut self, value: &str) -> Result<u32> {
        let code = match self.known {
            Some(known) => known.code(value).with_context(|| {
                format!(
                    "列 '{0}': 値が階層にありません。階層に行を足すか、表を直してください / column '{0}': the value is not in its hierarchy (it has {1} characters; the hierarchy has {2} \
                     values); add a line for it to the hierarchy, or correct the table",
                    self.name,
                    value.chars().count(),
                    known.leaves()
                )
            })?,
            None => match self.met.get(value) {
                Some(code) => *code,
                None => {
                    let Ok(code) = u32::try_from(self.coded.values.len()) else {
                        bail!("列 '{0}': 値の種類が多すぎます / column '{0}': too many different values", self.name)
                    };
                    self.met.insert(value.to_owned(), code);
                    self.coded.values.push(value.to_owned());
                    code
                }
            },
        };
        Ok(code)
    }

    fn done(self) -> Coded {
        let Coder { known, mut coded, .. } = self;
        if let Some(known) = known {
            coded.values = (0..known.leaves() as u32).map(|leaf| known.label(0, leaf).to_owned()).collect();
            return coded;
        }
        let mut sorted: Vec<(String, u32)> = coded.values.drain(..).zip(0..).collect();
        sorted.sort_unstable();
        let mut places = vec![0; sorted.len()];
        for (place, (value, code)) in (0..).zip(sorted) {
            if let Some(slot) = places.get_mut(code as usize) {
                *slot = place;
            }
            coded.values.push(value);
        }
        for code in &mut coded.codes {
            *code = places.get(*code as usize).copied().unwrap_or(0);
        }
        coded
    }
}

/// The separator that stands most often in the first line.
pub(super) fn separator(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |separator: &u8| line.iter().filter(|byte| **byte == *separator).count();
    // The first of equals: a comma, where there is none at all.
    [b'\t', b'|', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// What is wrong with a table, where, and what to do.
fn explain(path: &Path, error: &csv::Error) -> anyhow::Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Io(fault) => explain_io(path, line, fault),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => anyhow::anyhow!(
            "{}, line {line}: 列の数が一行目と違います / {len} fields where the first line has {expected_len}; put fields that contain the \
             separator in quotes",
            path.display()
        ),
        _ => anyhow::anyhow!(
            "{}, line {line}: CSV として読めません / cannot be read as CSV: {error}",
            path.display()
        ),
    }
}

fn explain_io(path: &Path, line: u64, fault: &std::io::Error) -> anyhow::Error {
    let place =
        if line > 0 { format!("{}, near line {line}", path.display()) } else { path.display().to_string() };
    anyhow::anyhow!("{place}: 読めません / cannot be read: {fault}")
}

/// Bytes of one encoding as UTF-8; what is not text in it is an error.
struct Text<R> {
    bytes: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Text<R> {
    fn new(bytes: R, decoder: Decoder) -> Text<R> {
        Text { bytes, decoder, raw: vec![0; 1 << 16], text: Vec::new(), given: 0, is_over: false }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let read = self.bytes.read(&mut self.raw)?;
        self.is_over = read == 0;
        let mut rest = self.raw.get(..read).unwrap_or_default();
        let mut text = String::with_capacity(rest.len() * 3 + 16);
        loop {
            let (result, taken, replaced) = self.decoder.decode_to_string(rest, &mut text, self.is_over);
            if replaced {
                let what = format!(
                    "{0} の文字ではありません。encoding を指定してください / not text in {0}; say which encoding it is (utf-8 or shift_jis)",
                    self.decoder.encoding().name()
                );
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
            }
            rest = rest.get(taken..).unwrap_or_default();
            match result {
                CoderResult::InputEmpty => break,
                CoderResult::OutputFull => text.reserve(rest.len() * 3 + 16),
            }
        }
        self.text = text.into_bytes();
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.given == self.text.len() && !self.is_over {
            self.fill()?;
        }
        let mut left = self.text.get(self.given..).unwrap_or_default();
        let read = left.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}
