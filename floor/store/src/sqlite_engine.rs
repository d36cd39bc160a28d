//! SQLite: a file of the room's own, in WAL mode, each commit flushed.

use std::path::Path;

use rusqlite::{
    Connection, Error, ErrorCode, OpenFlags, Statement,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    Row, StoreError, Value,
    connection::{OnRow, QueryError},
    value::Cell,
};

/// Prepared statements kept per connection; a room has fewer.
const STATEMENTS: usize = 128;

pub(crate) struct SqliteEngine {
    connection: Connection,
    writes: bool,
}

impl SqliteEngine {
    pub(crate) fn writer(path: &Path) -> Result<SqliteEngine, StoreError> {
        create_private(path)?;
        let engine = SqliteEngine { connection: open(path)?, writes: true };
        // secure_delete overwrites what is erased; the caches are small because a process holds many rooms.
        engine.batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4000;
             PRAGMA journal_size_limit = 16777216; PRAGMA wal_autocheckpoint = 2000;",
        )?;
        Ok(engine)
    }

    pub(crate) fn reader(path: &Path) -> Result<SqliteEngine, StoreError> {
        let engine = SqliteEngine { connection: open(path)?, writes: false };
        engine.batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;")?;
        Ok(engine)
    }

    pub(crate) fn begin_write(&mut self) -> Result<(), StoreError> {
        // IMMEDIATE: a transaction that reads first and writes later would fail beside another process's write.
        self.run("BEGIN IMMEDIATE")?;
        self.run("SAVEPOINT closure")
    }

    pub(crate) fn keep(&mut self) -> Result<(), StoreError> {
        self.run("RELEASE closure")?;
        self.run("SAVEPOINT closure")
    }

    pub(crate) fn undo(&mut self) -> Result<(), StoreError> {
        self.run("ROLLBACK TO closure")
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.run("COMMIT")
    }

    pub(crate) fn rollback(&mut self) {
        if self.in_transaction()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(%error, "rollback failed");
        }
    }

    pub(crate) fn begin_read(&mut self) -> Result<(), StoreError> {
        self.run("BEGIN DEFERRED")
    }

    pub(crate) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value], on_row: OnRow<'_>) -> Result<(), QueryError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(store_error)?;
        bind(&mut statement, params)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(store_error)? {
            let cells = (0..columns).map(|i| row.get_ref(i).map(cell)).collect::<Result<_, _>>();
            if on_row(Row { cells: cells.map_err(store_error)? }).map_err(QueryError::OnRow)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(store_error)?;
        bind(&mut statement, params)?;
        let changed = statement.raw_execute().map_err(store_error)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(store_error)
    }

    pub(crate) fn close(self) {
        if self.writes {
            // The log may hold what was erased from the file: empty it. Another process may hold it open; then its
            // own close does this.
            if let Err(error) = self.batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);") {
                tracing::warn!(%error, "the write-ahead log was not emptied at close");
            }
        }
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(store_error)?;
        statement.raw_execute().map_err(store_error).map(|_| ())
    }
}

/// The file, if it is new, for its owner's eyes alone; SQLite gives its log files the same mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let unavailable = |error: std::io::Error| StoreError::Unavailable {
        what: format!("{} cannot be made or opened: {}", path.display(), error.kind()),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(unavailable)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ()).map_err(unavailable)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(store_error)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan does not depend on what is bound. Without this SQLite plans a statement anew at each call if it might: with
    // LIMIT $1, and with any index once its statistics were taken, which costs more than most look-ups.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(store_error)?;
    connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(store_error)?;
    Ok(connection)
}

/// SQLite takes `$2` for a name and numbers names by first appearance; PostgreSQL takes it for a position. Bound here
/// by position, so that one text means the same on both.
fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), StoreError> {
    let mut expected = 0;
    for index in 1..=statement.parameter_count() {
        let position: usize = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|number| number.parse().ok())
            .ok_or(StoreError::Statement {
                code: "placeholder".to_owned(),
                message: "placeholders are written $1, $2, …".to_owned(),
            })?;
        expected = expected.max(position);
        let value = position.checked_sub(1).and_then(|i| params.get(i));
        let Some(value) = value else {
            return Err(StoreError::Parameters { expected: position, given: params.len() });
        };
        statement.raw_bind_parameter(index, BoundValue(value)).map_err(store_error)?;
    }
    if expected == params.len() {
        Ok(())
    } else {
        Err(StoreError::Parameters { expected, given: params.len() })
    }
}

struct BoundValue<'a>(&'a Value);

impl rusqlite::ToSql for BoundValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Int(Some(number)) => ValueRef::Integer(*number),
            Value::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Value::Int(None) | Value::Text(None) | Value::Bytes(None) => ValueRef::Null,
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(_) => Cell::Other("a real number"),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Other("text that is not UTF-8"),
        },
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}

/// Extended result codes of unique keys: PRIMARYKEY, UNIQUE, ROWID (sqlite.org/rescode.html).
const UNIQUE_CODES: [i32; 3] = [1555, 2067, 2579];

/// SQLite's messages name tables and columns, never values.
pub(crate) fn store_error(error: Error) -> StoreError {
    let (failure, message) = match error {
        Error::SqliteFailure(failure, message) => (failure, message.unwrap_or_else(|| failure.to_string())),
        Error::SqlInputError { error, msg, .. } => (error, msg),
        other => return StoreError::Statement { code: "rusqlite".to_owned(), message: other.to_string() },
    };
    match failure.code {
        ErrorCode::ConstraintViolation if UNIQUE_CODES.contains(&failure.extended_code) => {
            StoreError::Unique { what: message.replace("UNIQUE constraint failed: ", "") }
        }
        ErrorCode::ConstraintViolation => StoreError::Constraint { what: message },
        ErrorCode::ReadOnly => StoreError::ReadOnly,
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::OutOfMemory
        | ErrorCode::NotADatabase
        | ErrorCode::DatabaseCorrupt => StoreError::Unavailable { what: message },
        _ => StoreError::Statement { code: failure.extended_code.to_string(), message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With statistics of the tables there, and with a bound LIMIT, a statement is planned once; an engine without the
    /// guarantee plans these anew, so that the count can fail.
    #[test]
    fn a_statement_is_planned_once_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plans.db");
        let mut engine = SqliteEngine::writer(&path).unwrap();
        engine
            .batch(
                "CREATE TABLE item (id BIGINT PRIMARY KEY, kind BIGINT); CREATE INDEX by_kind ON item (kind);
                 WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 2000)
                 INSERT INTO item SELECT id, id % 7 FROM n; ANALYZE;",
            )
            .unwrap();
        let sql = "SELECT id FROM item WHERE kind = $1 ORDER BY id LIMIT $2";
        let planned_again = |engine: &mut SqliteEngine| {
            for limit in [0_i64, 1, 5, 1, 0] {
                let mut rows = 0;
                let mut count = |_| {
                    rows += 1;
                    Ok(std::ops::ControlFlow::Continue(()))
                };
                let bound = [Value::from(3_i64), Value::from(limit)];
                assert!(engine.query(sql, &bound, &mut count).is_ok());
                assert_eq!(rows, limit);
            }
            let statement = engine.connection.prepare_cached(sql).unwrap();
            statement.get_status(rusqlite::StatementStatus::RePrepare)
        };
        assert_eq!(planned_again(&mut engine), 0);
        let mut without = SqliteEngine { connection: Connection::open(&path).unwrap(), writes: false };
        assert!(planned_again(&mut without) > 0);
    }
}
