//! A database copied out as of one moment, while it is in use, and copied into an empty one. The pieces are the same on both
//! engines, so a copy of one can be put into the other.
//!
//! Both functions block; call them where blocking is allowed.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::{
    Location, Migrations, Row, StoreError, Value,
    connection::{Connection, QueryError},
    location::is_plain_name,
    migrate,
    value::Cell,
};

/// A piece of a copy: a table's name and columns, then its rows. The table `migrations` comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The rows that follow are of this table.
    Table {
        /// Its name.
        name: String,
        /// Its columns, in the order of the rows' values.
        columns: Vec<String>,
    },
    /// A row.
    Row(Vec<Value>),
}

/// Reads every table of a database as of one moment; others go on reading and writing it.
pub fn copy_out<E: From<StoreError>>(
    location: &Location,
    mut each: impl FnMut(Piece) -> Result<(), E>,
) -> Result<(), E> {
    let mut connection = Connection::reader(location)?;
    connection.begin_read()?;
    let mut names = tables(&mut connection, location)?;
    if !names.remove(migrate::NAME) {
        let what = "it is no room's: it has no table of migrations".to_owned();
        return Err(StoreError::Migration { what }.into());
    }
    for name in std::iter::once(migrate::NAME.to_owned()).chain(names) {
        let columns = columns(&mut connection, location, &name)?;
        let sql = format!("SELECT {} FROM {name}", columns.join(", "));
        each(Piece::Table { name, columns })?;
        let mut refused = None;
        let read = connection.query(&sql, &[], &mut |row| {
            each(Piece::Row(values(row)?)).map_err(|error| {
                refused = Some(error);
                StoreError::Closed
            })?;
            Ok(ControlFlow::Continue(()))
        });
        match (refused, read) {
            (Some(error), _) => return Err(error),
            (None, Err(error)) => return Err(plain(error).into()),
            (None, Ok(())) => {}
        }
    }
    connection.rollback();
    Ok(())
}

/// Fills an empty database, in one transaction: all of it is there afterwards, or nothing. `all` are the migrations of the
/// program; those that the copy's database had are applied, and the rest at its next opening. Gives how many rows.
pub fn copy_in<E: From<StoreError>>(
    location: &Location,
    all: &[Migrations],
    next: impl FnMut() -> Result<Option<Piece>, E>,
) -> Result<u64, E> {
    let mut connection = Connection::writer(location)?;
    connection.begin_write(false)?;
    let filled = fill(&mut connection, location, all, next);
    match filled {
        Ok(rows) => {
            connection.commit()?;
            connection.close();
            Ok(rows)
        }
        Err(error) => {
            connection.rollback();
            Err(error)
        }
    }
}

fn fill<E: From<StoreError>>(
    connection: &mut Connection,
    location: &Location,
    all: &[Migrations],
    mut next: impl FnMut() -> Result<Option<Piece>, E>,
) -> Result<u64, E> {
    if !tables(connection, location)?.is_empty() {
        let what = "it is not empty; a copy goes into an empty database alone".to_owned();
        return Err(StoreError::Migration { what }.into());
    }
    let (mut rows, mut insert, mut width) = (0, None, 0);
    let mut applied = Vec::new();
    let mut known: Option<BTreeSet<String>> = None;
    while let Some(piece) = next()? {
        match (piece, &insert) {
            (Piece::Table { name, .. }, None) if name == migrate::NAME && known.is_none() => {
                insert = Some(String::new());
            }
            (Piece::Table { .. }, None) => return Err(malformed().into()),
            (Piece::Row(values), Some(sql)) if sql.is_empty() => applied.push(values),
            (Piece::Row(values), Some(sql)) if values.len() == width => {
                rows += connection.execute(sql, &values)?;
            }
            (Piece::Row(_), _) => return Err(malformed().into()),
            (Piece::Table { name, columns }, Some(_)) => {
                let tables = match &known {
                    Some(tables) => tables,
                    None => {
                        migrate::apply_those(connection, all, &applied)?;
                        known.insert(tables(connection, location)?)
                    }
                };
                let plain = columns.iter().all(|column| is_plain_name(column)) && !columns.is_empty();
                if !tables.contains(&name) || !plain {
                    return Err(malformed().into());
                }
                connection.execute(&format!("DELETE FROM {name}"), &[])?;
                width = columns.len();
                let places: Vec<String> = (1..=width).map(|place| format!("${place}")).collect();
                insert = Some(format!(
                    "INSERT INTO {name} ({}) VALUES ({})",
                    columns.join(", "),
                    places.join(", ")
                ));
            }
        }
    }
    if known.is_none() { Err(malformed().into()) } else { Ok(rows) }
}

fn malformed() -> StoreError {
    StoreError::Migration { what: "the copy is not one of a database of this program".to_owned() }
}

fn plain(error: QueryError) -> StoreError {
    match error {
        QueryError::Statement(error) | QueryError::OnRow(error) => error,
    }
}

fn names(connection: &mut Connection, sql: &str, params: &[Value]) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let mut note = |row: Row| {
        names.push(row.text(0)?);
        Ok(ControlFlow::Continue(()))
    };
    connection.query(sql, params, &mut note).map_err(plain)?;
    // They go into SQL text: names of another form are none of ours.
    if names.iter().all(|name| is_plain_name(name)) { Ok(names) } else { Err(malformed()) }
}

fn tables(connection: &mut Connection, location: &Location) -> Result<BTreeSet<String>, StoreError> {
    let sql = match location {
        Location::Sqlite(_) => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
        Location::Postgres { .. } => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        }
    };
    Ok(names(connection, sql, &[])?.into_iter().collect())
}

fn columns(connection: &mut Connection, location: &Location, table: &str) -> Result<Vec<String>, StoreError> {
    let sql = match location {
        Location::Sqlite(_) => "SELECT name FROM pragma_table_info($1) ORDER BY cid",
        Location::Postgres { .. } => {
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
        }
    };
    names(connection, sql, &[Value::from(table)])
}

fn values(row: Row) -> Result<Vec<Value>, StoreError> {
    let value = |(column, cell)| match cell {
        // NULL fits a column of any type.
        Cell::Null => Ok(Value::Bytes(None)),
        Cell::Int(number) => Ok(Value::from(number)),
        Cell::Text(text) => Ok(Value::from(text)),
        Cell::Bytes(bytes) => Ok(Value::from(bytes)),
        Cell::Other(found) => Err(StoreError::Column { column, found, wanted: "a portable type" }),
    };
    row.cells.into_iter().enumerate().map(value).collect()
}
