//! Connectors: an institution's own data, in its own shape, mapped by configuration to attributes and items.
//!
//! Three shapes: CSV files, an SQLite database, an HTTP service. Each is read only, and read anew when asked, so
//! that what the institution's own system changes is answered as it stands.

mod csv_files;
mod http_service;
mod reading;
mod sqlite_file;

pub(crate) use reading::Reading;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use house::ConfigError;
use serde::Deserialize;
use serde_json::{Map, Value};

/// One row of an institution's data: column to value.
pub(crate) type Fields = Map<String, Value>;

/// Which columns are the attributes. A service's field that lies deeper in its row is named by a JSON pointer, `/name/kana`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Columns {
    /// The customer number.
    pub(crate) customer: String,
    /// The name.
    pub(crate) name: String,
    /// The reading, where it is held.
    pub(crate) kana: Option<String>,
    /// The sex.
    pub(crate) sex: String,
    /// The birth date.
    pub(crate) birth: String,
    /// The address.
    pub(crate) address: String,
    /// The flag of a shielded record (支援措置): `1`, `true` or a number other than 0.
    pub(crate) shielded: String,
}

/// How one item is put together: from the customer's row, from another CSV file, or by a query.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemConfig {
    /// CSV only: another file with rows of its own.
    pub(crate) file: Option<PathBuf>,
    /// CSV only: that file's column with the customer number.
    pub(crate) key: Option<String>,
    /// SQLite only: a query with `?1` for the customer number, giving at most one row.
    pub(crate) query: Option<String>,
    /// The item's fields, each from a column. An item whose every column is empty is not held.
    pub(crate) fields: BTreeMap<String, String>,
    /// Fields that are whole numbers, where the source has text.
    #[serde(default)]
    pub(crate) integers: Vec<String>,
}

/// The connector's table of a gateway's section.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum ConnectorConfig {
    /// CSV files with a header line.
    Csv {
        /// The file of customers.
        file: PathBuf,
        /// How this file and the items' are written.
        #[serde(default)]
        encoding: Encoding,
        /// What stands between their columns.
        #[serde(default)]
        separator: Separator,
        /// Its columns.
        columns: Columns,
        /// Items by id.
        items: BTreeMap<String, ItemConfig>,
    },
    /// An SQLite database.
    Sqlite {
        /// The database.
        file: PathBuf,
        /// A query that gives every customer.
        customers: String,
        /// Its columns.
        columns: Columns,
        /// Items by id.
        items: BTreeMap<String, ItemConfig>,
    },
    /// An HTTP service with JSON.
    Http {
        /// `http://host:port`.
        base: String,
        /// The path of a page of customers, `{after}` for the last number of the page before.
        list: String,
        /// The path of one customer, `{customer}` for the number.
        one: String,
        /// The field of a page that holds its customers.
        rows: String,
        /// The field of a page that names the last number, null at the end.
        next: String,
        /// The fields of a customer.
        columns: Columns,
        /// Items by id.
        items: BTreeMap<String, ItemConfig>,
    },
}

impl ConnectorConfig {
    /// The ids of the items it has.
    pub(crate) fn items(&self) -> Vec<String> {
        let (Self::Csv { items, .. } | Self::Sqlite { items, .. } | Self::Http { items, .. }) = self;
        items.keys().cloned().collect()
    }
}

/// How a file's characters are written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) enum Encoding {
    /// With or without a mark in front.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// With Windows' additions, as the Encoding Standard has it.
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

/// One ASCII character between the columns of a line.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "char")]
pub(crate) struct Separator(pub(crate) u8);

impl Default for Separator {
    fn default() -> Self {
        Self(b',')
    }
}

impl TryFrom<char> for Separator {
    type Error = &'static str;

    fn try_from(character: char) -> Result<Self, Self::Error> {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(Self(byte)),
            _ => Err(
                "`separator` must be one ASCII character, such as , or ; or a tab, not a quote or a line end",
            ),
        }
    }
}

/// A customer as the institution holds the person.
#[derive(Clone)]
pub(crate) struct Customer {
    /// The customer number.
    pub(crate) number: String,
    /// The four attributes.
    pub(crate) attributes: protocol::issue::Attributes,
    /// Whether the record is shielded.
    pub(crate) shielded: bool,
    /// The whole row.
    pub(crate) fields: Fields,
}

/// The institution's system could not be read. Says which part, never what it holds.
#[derive(Debug, thiserror::Error)]
#[error("the institution's own system cannot be read: {0}")]
pub(crate) struct SourceError(pub(crate) String);

/// A connector, ready to read.
pub(crate) enum Connector {
    Csv(csv_files::CsvFiles),
    Sqlite(sqlite_file::SqliteFile),
    Http(Box<http_service::HttpService>),
}

/// A column of a row, or, as a JSON pointer (RFC 6901), what lies deeper in it.
fn field<'a>(fields: &'a Fields, column: &str) -> Option<&'a Value> {
    fields.get(column).or_else(|| {
        let (first, _) = column.strip_prefix('/')?.split_once('/')?;
        let deeper = column.get(first.len() + 1..)?;
        fields.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(deeper)
    })
}

fn text(fields: &Fields, column: &str) -> String {
    match field(fields, column) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

impl Columns {
    /// Reads a row into a customer; `None` where it has no number.
    fn customer(&self, fields: Fields) -> Option<Customer> {
        let number = text(&fields, &self.customer);
        let shielded = !matches!(text(&fields, &self.shielded).trim(), "" | "0" | "false");
        let kana =
            self.kana.as_ref().map(|column| text(&fields, column)).filter(|kana| !kana.trim().is_empty());
        let attributes = protocol::issue::Attributes {
            name: text(&fields, &self.name),
            kana,
            address: text(&fields, &self.address),
            birth: text(&fields, &self.birth),
            sex: text(&fields, &self.sex),
        };
        (!number.is_empty()).then_some(Customer { number, attributes, shielded, fields })
    }
}

impl ItemConfig {
    /// Puts the item together from a row; `None` where the row holds nothing of it.
    fn value(&self, row: &Fields) -> Option<Value> {
        let field = |(name, column): (&String, &String)| {
            let value = self::field(row, column).cloned().unwrap_or(Value::Null);
            let value = match &value {
                Value::String(text) if self.integers.contains(name) => {
                    text.trim().parse::<i64>().map_or(Value::Null, Value::from)
                }
                _ => value,
            };
            (name.clone(), value)
        };
        let item: Map<String, Value> = self.fields.iter().map(field).collect();
        let holds = item.values().any(|value| !matches!(value, Value::Null) && value.as_str() != Some(""));
        holds.then_some(Value::Object(item))
    }
}

impl Connector {
    /// Checks the configuration, files and columns included.
    pub(crate) fn new(config: ConnectorConfig, base: &Path) -> Result<Self, ConfigError> {
        let wrong = |message: String| ConfigError { key: Some("connector".into()), message };
        match config {
            ConnectorConfig::Csv { file, encoding, separator, columns, items } => {
                let shape = csv_files::Shape { encoding, separator };
                csv_files::CsvFiles::new(base.join(file), shape, columns, items, base)
                    .map(Self::Csv)
                    .map_err(|error| wrong(error.0))
            }
            ConnectorConfig::Sqlite { file, customers, columns, items } => {
                sqlite_file::SqliteFile::new(base.join(file), customers, columns, items)
                    .map(Self::Sqlite)
                    .map_err(|error| wrong(error.0))
            }
            ConnectorConfig::Http { base, list, one, rows, next, columns, items } => {
                let service = http_service::HttpService::new(base, list, one, rows, next, columns, items);
                service.map(|service| Self::Http(Box::new(service))).map_err(|error| wrong(error.0))
            }
        }
    }

    /// Every customer.
    pub(crate) async fn customers(&self) -> Result<Vec<Customer>, SourceError> {
        match self {
            Self::Csv(files) => files.customers().await,
            Self::Sqlite(file) => file.customers().await,
            Self::Http(service) => service.customers().await,
        }
    }

    /// One customer.
    pub(crate) async fn customer(&self, number: &str) -> Result<Option<Customer>, SourceError> {
        match self {
            Self::Csv(files) => files.customer(number).await,
            Self::Sqlite(file) => file.customer(number).await,
            Self::Http(service) => service.customer(number).await,
        }
    }

    /// One item of a customer; `None` where it is not offered or nothing is held.
    pub(crate) async fn item(&self, customer: &Customer, item: &str) -> Result<Option<Value>, SourceError> {
        match self {
            Self::Csv(files) => files.item(customer, item).await,
            Self::Sqlite(file) => file.item(customer, item).await,
            Self::Http(service) => Ok(service.item(customer, item)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_that_lie_deeper_are_found_by_a_pointer_and_own_names_come_first() {
        let row = json!({ "name": { "text": "山田", "a/b": 1 }, "/name/text": "own", "x/y": { "z": 2 }, "list": [{ "k": 3 }] });
        let row = row.as_object().unwrap();
        assert_eq!(field(row, "/name/text"), Some(&json!("own")));
        assert_eq!(field(row, "/name/a~1b"), Some(&json!(1)));
        assert_eq!(field(row, "/x~1y/z"), Some(&json!(2)));
        assert_eq!(field(row, "/list/0/k"), Some(&json!(3)));
        for nothing in ["/name/none", "/none/text", "/name", "name/text", "/", "", "/name/text/deeper"] {
            assert_eq!(field(row, nothing), None, "{nothing}");
        }
        assert_eq!(text(row, "/name/none"), "");
    }

    #[test]
    fn separators_are_one_ascii_character() {
        let config = |separator: &str| {
            toml::from_str::<ConnectorConfig>(&format!(
                "kind = \"csv\"\nfile = \"x\"\nseparator = {separator}\nitems = {{}}\n\
                 columns = {{ customer = \"a\", name = \"b\", sex = \"c\", birth = \"d\", address = \"e\", shielded = \"f\" }}"
            ))
        };
        assert!([r#"";""#, r#""\t""#, r#""|""#].iter().all(|separator| config(separator).is_ok()));
        for wrong in [r#""、""#, r#""ab""#, r#""\"""#, r#""\n""#, r#""""#] {
            assert!(config(wrong).is_err(), "{wrong}");
        }
    }
}
