//! One connection to either engine, and the few things done with it.

use std::ops::ControlFlow;

use crate::{Location, Row, StoreError, Value, postgres_engine::PostgresEngine, sqlite_engine::SqliteEngine};

/// Called with each row of an answer, until it has seen enough.
pub(crate) type OnRow<'a> = &'a mut dyn FnMut(Row) -> Result<ControlFlow<()>, StoreError>;

pub(crate) enum Connection {
    Sqlite(SqliteEngine),
    Postgres(Box<PostgresEngine>),
}

/// Calls the same method of whichever engine is there.
macro_rules! on_engine {
    ($self:ident, $engine:ident => $call:expr) => {
        match $self {
            Connection::Sqlite($engine) => $call,
            Connection::Postgres($engine) => $call,
        }
    };
}

impl Connection {
    /// The one connection that writes; makes file or schema if needed.
    pub(crate) fn writer(location: &Location) -> Result<Connection, StoreError> {
        Ok(match location {
            Location::Sqlite(path) => Connection::Sqlite(SqliteEngine::writer(path)?),
            Location::Postgres { url, schema } => {
                Connection::Postgres(Box::new(PostgresEngine::writer(url, schema)?))
            }
        })
    }

    pub(crate) fn reader(location: &Location) -> Result<Connection, StoreError> {
        Ok(match location {
            Location::Sqlite(path) => Connection::Sqlite(SqliteEngine::reader(path)?),
            Location::Postgres { url, schema } => {
                Connection::Postgres(Box::new(PostgresEngine::reader(url, schema)?))
            }
        })
    }

    /// Begins a transaction with a savepoint before its first closure. No other write of this database overlaps it,
    /// except, on PostgreSQL, those that begin `beside`.
    pub(crate) fn begin_write(&mut self, beside: bool) -> Result<(), StoreError> {
        match self {
            // SQLite has one writer at a time, whatever is asked.
            Connection::Sqlite(engine) => engine.begin_write(),
            Connection::Postgres(engine) => engine.begin_write(beside),
        }
    }

    /// Keeps what was done since the savepoint and sets the next.
    pub(crate) fn keep(&mut self) -> Result<(), StoreError> {
        on_engine!(self, engine => engine.keep())
    }

    /// Undoes what was done since the savepoint, which stays set.
    pub(crate) fn undo(&mut self) -> Result<(), StoreError> {
        on_engine!(self, engine => engine.undo())
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        on_engine!(self, engine => engine.commit())
    }

    /// Ends any transaction without keeping it. Never fails: a connection that cannot is dropped and made again.
    pub(crate) fn rollback(&mut self) {
        on_engine!(self, engine => engine.rollback())
    }

    /// Begins a transaction that sees one state of the database and can change nothing.
    pub(crate) fn begin_read(&mut self) -> Result<(), StoreError> {
        on_engine!(self, engine => engine.begin_read())
    }

    /// False if the engine ended the transaction by itself (disk full, connection lost).
    pub(crate) fn in_transaction(&self) -> bool {
        on_engine!(self, engine => engine.in_transaction())
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value], row: OnRow<'_>) -> Result<(), QueryError> {
        on_engine!(self, engine => engine.query(sql, params, row))
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        on_engine!(self, engine => engine.execute(sql, params))
    }

    /// Several statements without parameters, for migrations.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        on_engine!(self, engine => engine.batch(sql))
    }

    /// Ends the connection in order.
    pub(crate) fn close(self) {
        on_engine!(self, engine => engine.close())
    }
}

/// Who failed in a query: the statement (the transaction is spoilt) or the caller's function on a row (it is not).
pub(crate) enum QueryError {
    Statement(StoreError),
    OnRow(StoreError),
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> QueryError {
        QueryError::Statement(error)
    }
}
