//! What goes into a statement and what comes out of a row.

use crate::StoreError;

/// A bound parameter. Shows no content in debug output: values are people's data.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// BIGINT; flags are 0 and 1.
    Int(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// BYTEA.
    Bytes(Option<Vec<u8>>),
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Value::Int(Some(_)) => "Int(…)",
            Value::Text(Some(_)) => "Text(…)",
            Value::Bytes(Some(_)) => "Bytes(…)",
            Value::Int(None) | Value::Text(None) | Value::Bytes(None) => "NULL",
        })
    }
}

/// Implements `From<T>` and `From<Option<T>>` for one variant.
macro_rules! values_from {
    ($($variant:ident: [$($life:tt)*] $type:ty, $make:expr;)*) => { $(
        impl<$($life)*> From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$variant(Some($make(value)))
            }
        }
        impl<$($life)*> From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Value {
                Value::$variant(value.map($make))
            }
        }
    )* };
}

values_from! {
    Int: [] i64, std::convert::identity;
    Int: [] i32, i64::from;
    Int: [] u32, i64::from;
    Int: [] u16, i64::from;
    Int: [] u8, i64::from;
    Int: [] bool, i64::from;
    Text: [] String, std::convert::identity;
    Text: ['a] &'a String, String::clone;
    Text: ['a] &'a str, str::to_owned;
    Bytes: [] Vec<u8>, std::convert::identity;
    Bytes: ['a] &'a Vec<u8>, Vec::clone;
    Bytes: ['a] &'a [u8], <[u8]>::to_vec;
    Bytes: [const N: usize] [u8; N], |bytes: [u8; N]| bytes.to_vec();
    Bytes: ['a, const N: usize] &'a [u8; N], |bytes: &[u8; N]| bytes.to_vec();
}

/// Parameters of a statement: `&params![id, name]`.
#[macro_export]
macro_rules! params {
    () => { { let none: [$crate::Value; 0] = []; none } };
    ($($value:expr),+ $(,)?) => { [$($crate::Value::from($value)),+] };
}

/// One cell of a row as the engine gave it.
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    /// A type that is not portable; named for the error message.
    Other(&'static str),
}

/// One row of an answer; columns count from 0.
pub struct Row {
    pub(crate) cells: Vec<Cell>,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({} columns)", self.cells.len())
    }
}

/// A getter that refuses NULL and one that gives it as None, for one type.
macro_rules! getters {
    ($get:ident, $opt:ident, $type:ty, $cell:ident, $word:literal) => {
        #[doc = concat!("Column `i`, which must hold ", $word, " and not be NULL.")]
        pub fn $get(&self, i: usize) -> Result<$type, StoreError> {
            match self.cells.get(i) {
                Some(Cell::$cell(value)) => Ok(value.clone()),
                other => Err(mismatch(i, other, $word)),
            }
        }

        #[doc = concat!("Column `i`, which must hold ", $word, " or be NULL.")]
        pub fn $opt(&self, i: usize) -> Result<Option<$type>, StoreError> {
            match self.cells.get(i) {
                Some(Cell::Null) => Ok(None),
                Some(Cell::$cell(value)) => Ok(Some(value.clone())),
                other => Err(mismatch(i, other, $word)),
            }
        }
    };
}

impl Row {
    getters!(int, opt_int, i64, Int, "an integer");
    getters!(text, opt_text, String, Text, "text");
    getters!(bytes, opt_bytes, Vec<u8>, Bytes, "bytes");

    /// Column `i` as exactly `N` bytes: a stored id, hash or point.
    pub fn array<const N: usize>(&self, i: usize) -> Result<[u8; N], StoreError> {
        let Some(Cell::Bytes(bytes)) = self.cells.get(i) else {
            return Err(mismatch(i, self.cells.get(i), "bytes"));
        };
        bytes.as_slice().try_into().map_err(|_| StoreError::Column {
            column: i,
            found: "bytes of another length",
            wanted: "an array of fixed length",
        })
    }
}

fn mismatch(column: usize, cell: Option<&Cell>, wanted: &'static str) -> StoreError {
    let found = match cell {
        None => "not in the row",
        Some(Cell::Null) => "NULL",
        Some(Cell::Int(_)) => "an integer",
        Some(Cell::Text(_)) => "text",
        Some(Cell::Bytes(_)) => "bytes",
        Some(Cell::Other(name)) => name,
    };
    StoreError::Column { column, found, wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_value_shows_in_debug_output() {
        let shown = format!("{:?}", params!["Yamada", 7_i64, b"secret", None::<i64>]);
        assert_eq!(shown, "[Text(…), Int(…), Bytes(…), NULL]");
        let row = Row { cells: vec![Cell::Text("Yamada".to_owned())] };
        assert_eq!(format!("{row:?}"), "Row(1 columns)");
        assert!(!row.int(0).unwrap_err().to_string().contains("Yamada"));
    }

    #[test]
    fn conversions_keep_type_and_null() {
        assert_eq!(Value::from(true), Value::Int(Some(1)));
        assert_eq!(Value::from(None::<&str>), Value::Text(None));
        assert_eq!(Value::from(Some([1_u8; 2])), Value::Bytes(Some(vec![1, 1])));
        assert_eq!(Value::from(u32::MAX), Value::Int(Some(4_294_967_295)));
        assert!(params![].is_empty());
    }
}
