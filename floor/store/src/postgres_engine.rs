//! PostgreSQL: a schema of the room's own on a server. The blocking client runs on the store's threads.

use std::{collections::HashMap, time::Duration};

use postgres::{
    Client, Config, NoTls, Statement,
    error::SqlState,
    fallible_iterator::FallibleIterator,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use crate::{
    Row, StoreError, Value,
    connection::{OnRow, QueryError},
    location::is_plain_name,
    value::Cell,
};

/// Prepared statements kept per connection; a room has fewer. Beyond it all are dropped and made again.
const STATEMENTS: usize = 256;

pub(crate) struct PostgresEngine {
    config: Config,
    schema: String,
    client: Option<Client>,
    statements: HashMap<String, Statement>,
    in_transaction: bool,
}

impl PostgresEngine {
    pub(crate) fn writer(url: &str, schema: &str) -> Result<PostgresEngine, StoreError> {
        let mut engine = PostgresEngine::reader(url, schema)?;
        let schema = engine.schema.clone();
        let client = engine.connected()?;
        // Asked first, because IF NOT EXISTS needs the right to create even when there is nothing to do.
        let known = client.query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]);
        if known.map_err(store_error)?.is_none() {
            // Two processes may get here at once; IF NOT EXISTS alone does not hold against that.
            match client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).map_err(store_error)
            {
                Ok(()) | Err(StoreError::Unique { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(engine)
    }

    pub(crate) fn reader(url: &str, schema: &str) -> Result<PostgresEngine, StoreError> {
        // The name goes into SQL text below; a Location built by hand has not been through the parser.
        if !is_plain_name(schema) {
            return Err(StoreError::Unavailable { what: "not a plain schema name".to_owned() });
        }
        let mut config: Config = url.parse().map_err(|_| StoreError::Unavailable {
            // The client's own message could repeat the URL's parts.
            what: "the PostgreSQL URL is not valid".to_owned(),
        })?;
        config.application_name(&format!("musubi {schema}"));
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        let mut engine = PostgresEngine {
            config,
            schema: schema.to_owned(),
            client: None,
            statements: HashMap::new(),
            in_transaction: false,
        };
        engine.connected()?;
        Ok(engine)
    }

    /// The client; connected again if the connection was lost.
    fn connected(&mut self) -> Result<&mut Client, StoreError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = None;
            self.statements.clear();
            self.in_transaction = false;
            let mut client = self.config.connect(NoTls).map_err(store_error)?;
            client
                .batch_execute(&format!(
                    "SET search_path TO {}; SET client_min_messages TO warning; SET synchronous_commit TO on",
                    self.schema
                ))
                .map_err(store_error)?;
            self.client = Some(client);
        }
        self.client.as_mut().ok_or_else(lost)
    }

    /// The client of a transaction that has begun: never a new connection in the middle.
    fn current(&mut self) -> Result<&mut Client, StoreError> {
        self.client.as_mut().ok_or_else(lost)
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        let statement = self.current()?.prepare(sql).map_err(store_error)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(crate) fn begin_write(&mut self, beside: bool) -> Result<(), StoreError> {
        // The lock, held to the end of the transaction, gives writes of all processes on this schema the same
        // one-after-the-other that SQLite gives. READ COMMITTED: each statement after it sees what was committed.
        let lock = match beside {
            true => String::new(),
            false => format!("SELECT pg_advisory_xact_lock(hashtextextended('musubi {}', 0));", self.schema),
        };
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {lock} SAVEPOINT closure");
        self.connected()?.batch_execute(&begin).map_err(store_error)?;
        self.in_transaction = true;
        Ok(())
    }

    pub(crate) fn keep(&mut self) -> Result<(), StoreError> {
        self.current()?.batch_execute("RELEASE closure; SAVEPOINT closure").map_err(store_error)
    }

    pub(crate) fn undo(&mut self) -> Result<(), StoreError> {
        self.current()?.batch_execute("ROLLBACK TO closure").map_err(store_error)
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.current()?.batch_execute("COMMIT");
        self.in_transaction = false;
        committed.map_err(|error| match store_error(error) {
            StoreError::Unavailable { what } => StoreError::OutcomeUnknown { what },
            other => other,
        })
    }

    pub(crate) fn rollback(&mut self) {
        self.in_transaction = false;
        if let Some(client) = &mut self.client
            && client.batch_execute("ROLLBACK").is_err()
        {
            self.client = None;
        }
    }

    pub(crate) fn begin_read(&mut self) -> Result<(), StoreError> {
        self.connected()?
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .map_err(store_error)?;
        self.in_transaction = true;
        Ok(())
    }

    pub(crate) fn in_transaction(&self) -> bool {
        self.in_transaction && self.client.as_ref().is_some_and(|client| !client.is_closed())
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value], on_row: OnRow<'_>) -> Result<(), QueryError> {
        let statement = self.prepared(sql)?;
        check_count(&statement, params)?;
        let mut rows = self.current()?.query_raw(&statement, params).map_err(store_error)?;
        while let Some(row) = rows.next().map_err(store_error)? {
            let cells = (0..row.len()).map(|i| cell(&row, i)).collect();
            on_row(Row { cells }).map_err(QueryError::OnRow)?;
        }
        Ok(())
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        check_count(&statement, params)?;
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.current()?.execute(&statement, &params).map_err(store_error)
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.current()?.batch_execute(sql).map_err(store_error)
    }

    pub(crate) fn close(mut self) {
        self.rollback();
        if let Some(client) = self.client.take() {
            // A server that is gone already has nothing left to be told.
            let _ = client.close();
        }
    }
}

fn check_count(statement: &Statement, params: &[Value]) -> Result<(), StoreError> {
    let expected = statement.params().len();
    if expected == params.len() {
        Ok(())
    } else {
        Err(StoreError::Parameters { expected, given: params.len() })
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Int(None) | Value::Text(None) | Value::Bytes(None) => Ok(IsNull::Yes),
            Value::Int(Some(number)) => match *kind {
                Type::INT8 => number.to_sql(kind, out),
                Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
                _ => Err(format!("an integer does not fit a column of type {kind}").into()),
            },
            Value::Text(Some(text)) if <&str as ToSql>::accepts(kind) => text.to_sql(kind, out),
            Value::Bytes(Some(bytes)) if *kind == Type::BYTEA => bytes.to_sql(kind, out),
            Value::Text(Some(_)) => Err(format!("text does not fit a column of type {kind}").into()),
            Value::Bytes(Some(_)) => Err(format!("bytes do not fit a column of type {kind}").into()),
        }
    }

    // NULL fits every type, so the decision needs the value: it is made above.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn cell(row: &postgres::Row, i: usize) -> Cell {
    let Some(column) = row.columns().get(i) else { return Cell::Other("not in the row") };
    let read = match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(i).map(|value| value.map(Cell::Int)),
        Type::INT4 => row.try_get::<_, Option<i32>>(i).map(|value| value.map(|n| Cell::Int(n.into()))),
        Type::INT2 => row.try_get::<_, Option<i16>>(i).map(|value| value.map(|n| Cell::Int(n.into()))),
        // What SQLite gives for a comparison.
        Type::BOOL => row.try_get::<_, Option<bool>>(i).map(|value| value.map(|flag| Cell::Int(flag.into()))),
        Type::TEXT | Type::VARCHAR | Type::NAME => {
            row.try_get::<_, Option<String>>(i).map(|value| value.map(Cell::Text))
        }
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(i).map(|value| value.map(Cell::Bytes)),
        Type::NUMERIC => return Cell::Other("NUMERIC (write CAST(… AS BIGINT) around a SUM)"),
        _ => return Cell::Other("of a type that is not portable"),
    };
    match read {
        Ok(Some(cell)) => cell,
        Ok(None) => Cell::Null,
        Err(_) => Cell::Other("unreadable"),
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable { what: "connection lost".to_owned() }
}

/// The server's messages and details may repeat values ("Key (name)=(…) already exists"), so only names and codes are
/// taken, and the message itself for class 42 (syntax, unknown names), which speaks of the SQL text alone.
fn store_error(error: postgres::Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        let what = error.to_string();
        return if error.is_closed()
            || std::error::Error::source(&error).is_some_and(|e| e.is::<std::io::Error>())
        {
            StoreError::Unavailable { what }
        } else {
            StoreError::Statement { code: "client".to_owned(), message: what }
        };
    };
    let code = db.code().code();
    let named = || db.constraint().or(db.column()).unwrap_or(code).to_owned();
    match code.get(..2) {
        Some("23") if *db.code() == SqlState::UNIQUE_VIOLATION => StoreError::Unique { what: named() },
        Some("23") => StoreError::Constraint { what: named() },
        Some("25") if *db.code() == SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly,
        Some("08" | "28" | "3D" | "40" | "53" | "55" | "57" | "58") => {
            StoreError::Unavailable { what: format!("PostgreSQL says {code}") }
        }
        Some("42") => StoreError::Statement { code: code.to_owned(), message: db.message().to_owned() },
        _ => StoreError::Statement {
            code: code.to_owned(),
            message: "see SQLSTATE; the message may hold data and is not shown".to_owned(),
        },
    }
}
