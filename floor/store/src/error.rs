//! What can go wrong in a store. No message ever contains a bound value: values are people's data.

use thiserror::Error;

/// An error of the database or of its use. Clonable because one failed commit fails every write of its group.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// A row with the same key exists. `what` names the constraint or columns.
    #[error("already there: {what}")]
    Unique {
        /// Constraint (PostgreSQL) or table and columns (SQLite).
        what: String,
    },
    /// A foreign key, NOT NULL or CHECK constraint refused the row.
    #[error("refused by a constraint: {what}")]
    Constraint {
        /// Which one, as far as the engine says.
        what: String,
    },
    /// A read tried to write.
    #[error("a read cannot write")]
    ReadOnly,
    /// The statement is wrong for this engine or schema: a fault of the program.
    #[error("statement refused by the database ({code}): {message}")]
    Statement {
        /// SQLSTATE (PostgreSQL) or result code (SQLite).
        code: String,
        /// The engine's words where they cannot contain a value, else its class of error.
        message: String,
    },
    /// Placeholders and parameters differ in number: a fault of the program.
    #[error("the statement has {expected} parameters, {given} were given")]
    Parameters {
        /// Placeholders in the statement.
        expected: usize,
        /// Values given.
        given: usize,
    },
    /// A column was read as another type than it has, or NULL where a value was expected, or does not exist.
    #[error("column {column} is {found}, read as {wanted}")]
    Column {
        /// Index from 0.
        column: usize,
        /// What the row holds there.
        found: &'static str,
        /// What the program asked for.
        wanted: &'static str,
    },
    /// An earlier statement of the same closure failed, and the closure went on or returned Ok.
    #[error("an earlier statement of this transaction failed")]
    Aborted,
    /// The closure panicked; what it did was undone.
    #[error("the work named {name} panicked")]
    Panicked {
        /// The name given to `read` or `write`.
        name: &'static str,
    },
    /// The database cannot be reached or used now. Nothing was kept; trying again may help.
    #[error("database unavailable: {what}")]
    Unavailable {
        /// The engine's class of error.
        what: String,
    },
    /// The connection was lost during the commit: whether the write was kept is not known.
    #[error("connection lost during commit, outcome unknown: {what}")]
    OutcomeUnknown {
        /// The engine's class of error.
        what: String,
    },
    /// More work is waiting than the store takes.
    #[error("too much work is waiting in the store")]
    Overloaded,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The database does not fit this program's migrations. `what` says how, in words for an operator.
    #[error("{what}")]
    Migration {
        /// The whole message.
        what: String,
    },
}

impl StoreError {
    /// A row with the same key was there.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, StoreError::Unique { .. })
    }

    /// The same work may succeed later, and nothing of it was kept.
    pub fn is_temporary(&self) -> bool {
        matches!(self, StoreError::Unavailable { .. } | StoreError::Overloaded)
    }
}
