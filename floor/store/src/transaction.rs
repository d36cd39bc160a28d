//! What a closure may do: [`Read`] looks, [`Write`] also changes. Different types, so that a function that only looks
//! says so.

use std::ops::ControlFlow;

use crate::{
    Row, StoreError, Value,
    connection::{Connection, QueryError},
};

/// A look at one state of the database.
pub struct Read<'a> {
    statements: Statements<'a>,
}

/// A change: all of it is kept, or nothing. Sees what it has written so far.
pub struct Write<'a> {
    statements: Statements<'a>,
}

struct Statements<'a> {
    connection: &'a mut Connection,
    /// PostgreSQL refuses everything after an error, SQLite goes on. Here both refuse.
    failed: bool,
}

impl Statements<'_> {
    fn each(
        &mut self,
        sql: &str,
        params: &[Value],
        mut row: impl FnMut(Row) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        self.connection.query(sql, params, &mut row).map_err(|error| match error {
            QueryError::Statement(error) => {
                self.failed = true;
                error
            }
            QueryError::OnRow(error) => error,
        })
    }

    fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        self.each(sql, params, |row| {
            rows.push(row);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    fn row(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        let mut first = None;
        self.each(sql, params, |row| {
            first = Some(row);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(first)
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        let changed = self.connection.execute(sql, params);
        self.failed |= changed.is_err();
        changed
    }
}

/// The three ways to look, the same on both types.
macro_rules! looks {
    () => {
        /// All rows of the answer.
        pub fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
            self.statements.rows(sql, params)
        }

        /// The first row of the answer, if there is one.
        pub fn row(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
            self.statements.row(sql, params)
        }

        /// Calls `f` with each row, without holding them all. Ends at the first error of `f`.
        pub fn each(
            &mut self,
            sql: &str,
            params: &[Value],
            mut f: impl FnMut(Row) -> Result<(), StoreError>,
        ) -> Result<(), StoreError> {
            self.statements.each(sql, params, |row| f(row).map(ControlFlow::Continue))
        }
    };
}

impl<'a> Read<'a> {
    pub(crate) fn on(connection: &'a mut Connection) -> Read<'a> {
        Read { statements: Statements { connection, failed: false } }
    }

    pub(crate) fn failed(&self) -> bool {
        self.statements.failed
    }

    looks!();
}

impl<'a> Write<'a> {
    pub(crate) fn on(connection: &'a mut Connection) -> Write<'a> {
        Write { statements: Statements { connection, failed: false } }
    }

    pub(crate) fn failed(&self) -> bool {
        self.statements.failed
    }

    looks!();

    /// Runs a statement and says how many rows it changed.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.statements.execute(sql, params)
    }
}
