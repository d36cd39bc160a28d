//! CSV files with a header line: read whole, kept until the file changes.

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::Value;

use super::{Columns, Customer, Encoding, Fields, ItemConfig, Separator, SourceError};

/// How the files are written.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) encoding: Encoding,
    pub(crate) separator: Separator,
}

impl Shape {
    fn reader<'a>(self, file: impl Read + 'a) -> Result<csv::Reader<Box<dyn Read + 'a>>, String> {
        let source: Box<dyn Read + 'a> = match self.encoding {
            Encoding::Utf8 => Box::new(file),
            Encoding::ShiftJis => Box::new(Cursor::new(from_shift_jis(file)?)),
        };
        Ok(csv::ReaderBuilder::new().delimiter(self.separator.0).from_reader(source))
    }
}

/// A whole file's text. The error names the line, never what stands there.
fn from_shift_jis(mut file: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let mut text = String::with_capacity(bytes.len() * 2);
    // No second byte of Shift_JIS is a line end.
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let decoded = encoding_rs::SHIFT_JIS.decode_without_bom_handling_and_without_replacement(line);
        text.push_str(&decoded.ok_or_else(|| format!("not Shift_JIS, line {number}"))?);
    }
    Ok(text)
}

/// A file by customer number, as it stood at its time of change.
struct Table {
    file: PathBuf,
    shape: Shape,
    key: String,
    rows: Mutex<Option<(SystemTime, u64, Arc<Rows>)>>,
}

#[derive(Default)]
struct Rows {
    by_number: HashMap<String, Fields>,
    order: Vec<String>,
}

impl Table {
    const fn new(file: PathBuf, shape: Shape, key: String) -> Self {
        Self { file, shape, key, rows: Mutex::new(None) }
    }

    fn error(&self, what: impl std::fmt::Display) -> SourceError {
        SourceError(format!("{}: {what}", self.file.display()))
    }

    fn headers(&self) -> Result<Vec<String>, SourceError> {
        let file = std::fs::File::open(&self.file).map_err(|error| self.error(error))?;
        let mut reader = self.shape.reader(file).map_err(|what| self.error(what))?;
        reader
            .headers()
            .map(|headers| headers.iter().map(str::to_owned).collect())
            .map_err(|error| self.error(kind(&error)))
    }

    /// Checks that the file is there and has the columns.
    fn check<'a>(&'a self, mut columns: impl Iterator<Item = &'a String>) -> Result<(), SourceError> {
        let headers = self.headers()?;
        let missing = |column: &&String| !headers.contains(column);
        match columns.find(missing).or(Some(&self.key).filter(missing)) {
            Some(column) => Err(self.error(format!("there is no column `{column}`"))),
            None => Ok(()),
        }
    }

    /// The rows, read again if the file's time or length has changed.
    fn rows(&self) -> Result<Arc<Rows>, SourceError> {
        let metadata = std::fs::metadata(&self.file).map_err(|error| self.error(error))?;
        let stamp = (metadata.modified().map_err(|error| self.error(error))?, metadata.len());
        let mut held = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((modified, length, rows)) = held.as_ref()
            && (*modified, *length) == stamp
        {
            return Ok(Arc::clone(rows));
        }
        let file = std::fs::File::open(&self.file).map_err(|error| self.error(error))?;
        let rows = Arc::new(read(file, self.shape, &self.key).map_err(|what| self.error(what))?);
        *held = Some((stamp.0, stamp.1, Arc::clone(&rows)));
        Ok(rows)
    }
}

/// Reads a file's rows; the error says what is wrong and in which line, never what stands there.
fn read(file: impl Read, shape: Shape, key: &str) -> Result<Rows, String> {
    let mut reader = shape.reader(file)?;
    let headers = reader.headers().map_err(|error| kind(&error))?.clone();
    let mut rows = Rows::default();
    for record in reader.records() {
        let record = record.map_err(|error| kind(&error))?;
        let fields: Fields = headers
            .iter()
            .zip(record.iter())
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        let number = super::text(&fields, key);
        rows.order.push(number.clone());
        rows.by_number.insert(number, fields);
    }
    Ok(rows)
}

/// The customers in a file of these bytes.
pub(super) fn customers_in(bytes: &[u8], shape: Shape, columns: &Columns) -> Result<Vec<Customer>, String> {
    Ok(read(bytes, shape, &columns.customer)?.customers(columns))
}

impl Rows {
    fn customers(&self, columns: &Columns) -> Vec<Customer> {
        self.order.iter().filter_map(|number| columns.customer(self.by_number.get(number)?.clone())).collect()
    }
}

/// The kind of a CSV error with its line; the csv crate's own words may quote the content.
fn kind(error: &csv::Error) -> String {
    let line = error.position().map(|position| format!(", line {}", position.line())).unwrap_or_default();
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::Utf8 { .. } => format!("not UTF-8{line}"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} columns where the header has {expected_len}{line}")
        }
        _ => format!("not a CSV file{line}"),
    }
}

/// The connector.
pub(crate) struct CsvFiles {
    customers: Arc<Table>,
    columns: Columns,
    items: BTreeMap<String, (ItemConfig, Option<Arc<Table>>)>,
}

impl CsvFiles {
    pub(crate) fn new(
        file: PathBuf,
        shape: Shape,
        columns: Columns,
        items: BTreeMap<String, ItemConfig>,
        base: &Path,
    ) -> Result<Self, SourceError> {
        let customers = Table::new(file, shape, columns.customer.clone());
        let needed = [&columns.name, &columns.sex, &columns.birth, &columns.address, &columns.shielded];
        customers.check(needed.into_iter().chain(columns.kana.as_ref()))?;
        let mut with_tables = BTreeMap::new();
        for (id, item) in items {
            let table = match &item.file {
                Some(file) => Some(Arc::new(Table::new(
                    base.join(file),
                    shape,
                    item.key.clone().unwrap_or_else(|| columns.customer.clone()),
                ))),
                None => None,
            };
            table.as_deref().unwrap_or(&customers).check(item.fields.values())?;
            with_tables.insert(id, (item, table));
        }
        Ok(Self { customers: Arc::new(customers), columns, items: with_tables })
    }

    async fn read(table: &Arc<Table>) -> Result<Arc<Rows>, SourceError> {
        let table = Arc::clone(table);
        let read = tokio::task::spawn_blocking(move || table.rows()).await;
        read.unwrap_or_else(|_| Err(SourceError("the reading broke off".into())))
    }

    pub(crate) async fn customers(&self) -> Result<Vec<Customer>, SourceError> {
        Ok(Self::read(&self.customers).await?.customers(&self.columns))
    }

    pub(crate) async fn customer(&self, number: &str) -> Result<Option<Customer>, SourceError> {
        let rows = Self::read(&self.customers).await?;
        Ok(rows.by_number.get(number).and_then(|fields| self.columns.customer(fields.clone())))
    }

    pub(crate) async fn item(&self, customer: &Customer, item: &str) -> Result<Option<Value>, SourceError> {
        let Some((config, table)) = self.items.get(item) else { return Ok(None) };
        match table {
            None => Ok(config.value(&customer.fields)),
            Some(table) => {
                Ok(Self::read(table).await?.by_number.get(&customer.number).and_then(|row| config.value(row)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn columns() -> Columns {
        let column = |name: &str| name.to_owned();
        Columns {
            customer: column("番号"),
            name: column("氏名"),
            kana: None,
            sex: column("性別"),
            birth: column("生年月日"),
            address: column("住所"),
            shielded: column("制限"),
        }
    }

    const TABLE: &str = "番号,氏名,性別,生年月日,住所,制限\r\n7,髙橋　ソ表,2,昭58.05.18,\"栄町2-5,12\",0\r\n8,申 能,1,,,1\r\n";

    fn read_as(
        bytes: &[u8],
        encoding: Encoding,
        separator: u8,
    ) -> Result<Vec<(String, String, bool)>, String> {
        let shape = Shape { encoding, separator: Separator(separator) };
        let customers = customers_in(bytes, shape, &columns())?;
        Ok(customers.into_iter().map(|one| (one.number, one.attributes.name, one.shielded)).collect())
    }

    #[test]
    fn one_table_in_every_encoding_and_with_every_separator() {
        let wanted = [("7".into(), "髙橋　ソ表".into(), false), ("8".into(), "申 能".into(), true)];
        let (shift_jis, _, lost) = encoding_rs::SHIFT_JIS.encode(TABLE);
        assert!(!lost);
        assert_eq!(read_as(TABLE.as_bytes(), Encoding::Utf8, b',').unwrap(), wanted);
        assert_eq!(read_as(&shift_jis, Encoding::ShiftJis, b',').unwrap(), wanted);
        let marked = [b"\xef\xbb\xbf", TABLE.as_bytes()].concat();
        assert_eq!(read_as(&marked, Encoding::Utf8, b',').unwrap(), wanted);
        let plain = TABLE.replace("\"栄町2-5,12\"", "栄町");
        for separator in [b';', b'\t', b'|'] {
            let table = plain.replace(',', &char::from(separator).to_string());
            assert_eq!(read_as(table.as_bytes(), Encoding::Utf8, separator).unwrap(), wanted);
        }
    }

    /// The obvious writer: everything quoted.
    fn written(names: &[String], separator: char) -> String {
        let line = |cells: [&str; 6]| {
            let quoted = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
            quoted.join(&separator.to_string()) + "\n"
        };
        let mut text = line(["番号", "氏名", "性別", "生年月日", "住所", "制限"]);
        for (number, name) in names.iter().enumerate() {
            text.push_str(&line([&number.to_string(), name, "1", "", "", "0"]));
        }
        text
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_cell_is_read_back(
            names in proptest::collection::vec("[髙申ソ表能ａ-ｚァ-ヶa-z,;|\t\"\n\\\\　 ]{0,12}", 0..20),
            separator in proptest::sample::select(vec![',', ';', '\t', '|']),
        ) {
            let text = written(&names, separator);
            let wanted: Vec<_> = names
                .iter()
                .enumerate()
                .map(|(number, name)| (number.to_string(), name.clone(), false))
                .collect();
            let separator = u8::try_from(separator).unwrap();
            prop_assert_eq!(read_as(text.as_bytes(), Encoding::Utf8, separator).unwrap(), wanted.clone());
            let (bytes, _, lost) = encoding_rs::SHIFT_JIS.encode(&text);
            prop_assert!(!lost);
            prop_assert_eq!(read_as(&bytes, Encoding::ShiftJis, separator).unwrap(), wanted);
        }
    }

    #[test]
    fn a_wrong_encoding_is_named_with_its_line_and_without_content() {
        let (mut bytes, ..) = encoding_rs::SHIFT_JIS.encode(TABLE);
        assert_eq!(read_as(&bytes, Encoding::Utf8, b','), Err("not UTF-8, line 1".into()));
        let bytes = bytes.to_mut();
        bytes.extend(b"9,\xfd\xff,1,,,0\r\n");
        assert_eq!(read_as(bytes, Encoding::ShiftJis, b','), Err("not Shift_JIS, line 4".into()));
    }
}
