//! An SQLite database of the institution's own, opened read-only; queries come from the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::{Columns, Customer, Fields, ItemConfig, SourceError};

struct Open {
    file: PathBuf,
    connection: Mutex<Option<Connection>>,
}

/// The connector.
pub(crate) struct SqliteFile {
    open: Arc<Open>,
    customers: String,
    columns: Columns,
    items: BTreeMap<String, ItemConfig>,
}

impl Open {
    /// Runs a query; on an error the connection is opened anew next time.
    fn query(&self, sql: &str, number: Option<&str>) -> Result<Vec<Fields>, SourceError> {
        let error = |error: rusqlite::Error| SourceError(format!("{}: {error}", self.file.display()));
        let mut held = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match held.take() {
            Some(connection) => connection,
            None => Connection::open_with_flags(
                &self.file,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )
            .map_err(error)?,
        };
        let rows = {
            let mut statement = connection.prepare_cached(sql).map_err(error)?;
            let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let read = |row: &rusqlite::Row<'_>| {
                names
                    .iter()
                    .enumerate()
                    .map(|(at, name)| Ok((name.clone(), value(row.get_ref(at)?))))
                    .collect::<rusqlite::Result<Fields>>()
            };
            let rows = match number {
                Some(number) => statement.query_map([number], read),
                None => statement.query_map([], read),
            };
            rows.and_then(|rows| rows.collect::<rusqlite::Result<Vec<_>>>()).map_err(error)?
        };
        *held = Some(connection);
        Ok(rows)
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => Value::from(number),
        ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text).into_owned()),
    }
}

impl SqliteFile {
    pub(crate) fn new(
        file: PathBuf,
        customers: String,
        columns: Columns,
        items: BTreeMap<String, ItemConfig>,
    ) -> Result<Self, SourceError> {
        let open = Open { file, connection: Mutex::new(None) };
        // Columns are checked on an empty result, so that a wrong name is found before anybody asks.
        let connection = Connection::open_with_flags(&open.file, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| SourceError(format!("{}: {error}", open.file.display())))?;
        let check = |sql: &str, needed: Vec<&String>| {
            let statement = connection
                .prepare(sql)
                .map_err(|error| SourceError(format!("{}: {error}", open.file.display())))?;
            let names: Vec<_> = statement.column_names().collect();
            match needed.into_iter().find(|column| !names.contains(&column.as_str())) {
                Some(column) => {
                    Err(SourceError(format!("{}: the query gives no column `{column}`", open.file.display())))
                }
                None => Ok(()),
            }
        };
        let c = &columns;
        let needed = [&c.customer, &c.name, &c.sex, &c.birth, &c.address, &c.shielded]
            .into_iter()
            .chain(c.kana.as_ref());
        check(&customers, needed.collect())?;
        for (id, item) in &items {
            let query =
                item.query.as_ref().ok_or_else(|| SourceError(format!("the item `{id}` needs a `query`")))?;
            check(query, item.fields.values().collect())?;
        }
        drop(connection);
        Ok(Self { open: Arc::new(open), customers, columns, items })
    }

    async fn query(&self, sql: String, number: Option<String>) -> Result<Vec<Fields>, SourceError> {
        let open = Arc::clone(&self.open);
        let read = tokio::task::spawn_blocking(move || open.query(&sql, number.as_deref())).await;
        read.unwrap_or_else(|_| Err(SourceError("the reading broke off".into())))
    }

    pub(crate) async fn customers(&self) -> Result<Vec<Customer>, SourceError> {
        let rows = self.query(self.customers.clone(), None).await?;
        Ok(rows.into_iter().filter_map(|fields| self.columns.customer(fields)).collect())
    }

    pub(crate) async fn customer(&self, number: &str) -> Result<Option<Customer>, SourceError> {
        let column = self.columns.customer.replace('"', "\"\"");
        let sql = format!("SELECT * FROM ({}) WHERE \"{column}\" = ?1", self.customers);
        let rows = self.query(sql, Some(number.to_owned())).await?;
        Ok(rows.into_iter().next().and_then(|fields| self.columns.customer(fields)))
    }

    pub(crate) async fn item(&self, customer: &Customer, item: &str) -> Result<Option<Value>, SourceError> {
        let Some(config) = self.items.get(item) else { return Ok(None) };
        let Some(query) = config.query.clone() else { return Ok(None) };
        let rows = self.query(query, Some(customer.number.clone())).await?;
        Ok(rows.first().and_then(|row| config.value(row)))
    }
}
