//! PostgreSQL: a schema of the room's own on a server. The client runs on the store's threads, each with a small runtime
//! of its own, so that a statement can wait for its answer without an async thread.
//!
//! Round trips are the cost here, so beginning a transaction and setting a savepoint are not sent by themselves but
//! together with the closure's next statement.

use std::{collections::HashMap, pin::pin, time::Duration};

use futures_util::{
    StreamExt,
    future::{Either, join, ready},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_postgres::{
    Client, Config, NoTls, Statement,
    error::SqlState,
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
    runtime: Runtime,
    client: Option<Client>,
    /// Moves bytes for the client while the runtime runs; ends when the client is dropped.
    carrier: Option<JoinHandle<()>>,
    statements: HashMap<String, Statement>,
    /// To be sent with the next statement.
    before: Option<String>,
    /// The server has been told to begin.
    begun: bool,
}

impl PostgresEngine {
    pub(crate) fn writer(url: &str, schema: &str) -> Result<PostgresEngine, StoreError> {
        let mut engine = PostgresEngine::reader(url, schema)?;
        let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
        engine.connect()?;
        let client = engine.client.as_ref().ok_or_else(lost)?;
        // Asked first, because IF NOT EXISTS needs the right to create even when there is nothing to do.
        let (sql, schema): (_, [&(dyn ToSql + Sync); 1]) =
            ("SELECT 1 FROM pg_namespace WHERE nspname = $1", [&schema]);
        if engine.runtime.block_on(client.query_opt(sql, &schema)).map_err(store_error)?.is_none() {
            // Two processes may get here at once; IF NOT EXISTS alone does not hold against that.
            match engine.runtime.block_on(client.batch_execute(&create)).map_err(store_error) {
                Ok(()) | Err(StoreError::Unique { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(engine)
    }

    pub(crate) fn reader(url: &str, schema: &str) -> Result<PostgresEngine, StoreError> {
        let unavailable = |what: &str| StoreError::Unavailable { what: what.to_owned() };
        // The name goes into SQL text below; a Location built by hand has not been through the parser.
        if !is_plain_name(schema) {
            return Err(unavailable("not a plain schema name"));
        }
        // The client's own message could repeat the URL's parts.
        let mut config: Config = url.parse().map_err(|_| unavailable("the PostgreSQL URL is not valid"))?;
        config.application_name(format!("musubi {schema}"));
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let mut engine = PostgresEngine {
            config,
            schema: schema.to_owned(),
            runtime: runtime.map_err(|error| unavailable(&error.kind().to_string()))?,
            client: None,
            carrier: None,
            statements: HashMap::new(),
            before: None,
            begun: false,
        };
        engine.connect()?;
        Ok(engine)
    }

    /// Connects unless there is a connection that still stands.
    fn connect(&mut self) -> Result<(), StoreError> {
        // Nothing moves between statements: two turns let the carrier see that the server has hung up meanwhile.
        self.runtime.block_on(async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        });
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        self.forget();
        let settings = format!(
            "SET search_path TO {}; SET client_min_messages TO warning; SET synchronous_commit TO on",
            self.schema
        );
        let (client, carrier) = self
            .runtime
            .block_on(async {
                let (client, connection) = self.config.connect(NoTls).await?;
                let carrier = tokio::spawn(async move {
                    // Its errors reach the statements that wait.
                    let _ = connection.await;
                });
                client.batch_execute(&settings).await?;
                Ok::<_, tokio_postgres::Error>((client, carrier))
            })
            .map_err(store_error)?;
        (self.client, self.carrier) = (Some(client), Some(carrier));
        Ok(())
    }

    /// Lets the connection go; the server undoes what was not committed.
    fn forget(&mut self) {
        self.client = None;
        self.statements.clear();
        self.before = None;
        self.begun = false;
        if let Some(carrier) = self.carrier.take() {
            // Tells the server in order, if it still listens.
            let _ =
                self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(1), carrier).await });
        }
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        self.flush()?;
        let client = self.client.as_ref().ok_or_else(lost)?;
        let statement = self.runtime.block_on(client.prepare(sql)).map_err(store_error)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Sends what waits to be sent.
    fn flush(&mut self) -> Result<(), StoreError> {
        match self.before.take() {
            Some(before) => self.send(&before),
            None => Ok(()),
        }
    }

    fn send(&mut self, sql: &str) -> Result<(), StoreError> {
        let client = self.client.as_ref().ok_or_else(lost)?;
        let sent = self.runtime.block_on(client.batch_execute(sql)).map_err(store_error);
        self.begun = true;
        sent
    }

    pub(crate) fn begin_write(&mut self, beside: bool) -> Result<(), StoreError> {
        self.connect()?;
        // The lock, held to the end of the transaction, gives writes of all processes on this schema the same
        // one-after-the-other that SQLite gives. READ COMMITTED: each statement after it sees what was committed.
        let lock = match beside {
            true => String::new(),
            false => format!("SELECT pg_advisory_xact_lock(hashtextextended('musubi {}', 0));", self.schema),
        };
        self.before = Some(format!("BEGIN ISOLATION LEVEL READ COMMITTED; {lock} SAVEPOINT closure"));
        Ok(())
    }

    pub(crate) fn begin_read(&mut self) -> Result<(), StoreError> {
        self.connect()?;
        self.before = Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned());
        Ok(())
    }

    pub(crate) fn keep(&mut self) -> Result<(), StoreError> {
        // If something still waits to be sent, nothing was done since, and there is nothing to keep.
        self.before.get_or_insert_with(|| "RELEASE closure; SAVEPOINT closure".to_owned());
        Ok(())
    }

    pub(crate) fn undo(&mut self) -> Result<(), StoreError> {
        match self.before {
            Some(_) => Ok(()),
            None => self.send("ROLLBACK TO closure"),
        }
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.before = None;
        if !self.begun {
            return Ok(());
        }
        let committed = self.send("COMMIT");
        self.begun = false;
        committed.map_err(|error| match error {
            StoreError::Unavailable { what } => StoreError::OutcomeUnknown { what },
            other => other,
        })
    }

    pub(crate) fn rollback(&mut self) {
        self.before = None;
        if self.begun && self.send("ROLLBACK").is_err() {
            self.forget();
        }
        self.begun = false;
    }

    pub(crate) fn in_transaction(&self) -> bool {
        (self.begun || self.before.is_some())
            && self.client.as_ref().is_some_and(|client| !client.is_closed())
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value], on_row: OnRow<'_>) -> Result<(), QueryError> {
        let statement = self.prepared(sql)?;
        check_count(&statement, params)?;
        let before = self.before.take();
        self.begun |= before.is_some();
        let client = self.client.as_ref().ok_or_else(lost)?;
        let done = self.runtime.block_on(async {
            let (began, rows) = join(sent_first(client, &before), client.query_raw(&statement, params)).await;
            began.map_err(|error| (store_error(error).into(), true))?;
            let mut rows = pin!(rows.map_err(|error| (QueryError::from(store_error(error)), false))?);
            let mut enough = false;
            // To its end in any case: an error may come after the rows.
            while let Some(row) = rows.next().await {
                let row = row.map_err(|error| (store_error(error).into(), false))?;
                if !enough {
                    let cells = (0..row.len()).map(|i| cell(&row, i)).collect();
                    let more = on_row(Row { cells }).map_err(|error| (QueryError::OnRow(error), false))?;
                    enough = more.is_break();
                }
            }
            Ok(())
        });
        self.unless_begun(done)
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        check_count(&statement, params)?;
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let before = self.before.take();
        self.begun |= before.is_some();
        let client = self.client.as_ref().ok_or_else(lost)?;
        let (began, changed) =
            self.runtime.block_on(join(sent_first(client, &before), client.execute(&statement, &params)));
        let changed = match began {
            Err(error) => Err((store_error(error), true)),
            Ok(()) => changed.map_err(|error| (store_error(error), false)),
        };
        self.unless_begun(changed)
    }

    /// A statement whose transaction or savepoint could not be set ran without it: the connection is given up, so that
    /// nothing of it is kept and the whole group hears.
    fn unless_begun<T, E>(&mut self, done: Result<T, (E, bool)>) -> Result<T, E> {
        done.map_err(|(error, not_begun)| {
            if not_begun {
                self.forget();
            }
            error
        })
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.flush()?;
        let client = self.client.as_ref().ok_or_else(lost)?;
        self.runtime.block_on(client.batch_execute(sql)).map_err(store_error)
    }

    pub(crate) fn close(mut self) {
        self.rollback();
        self.forget();
    }
}

/// What is to be sent before a statement. Joined with it, so that both travel together; polled first, so that it goes
/// first.
fn sent_first<'a>(
    client: &'a Client,
    before: &'a Option<String>,
) -> impl Future<Output = Result<(), tokio_postgres::Error>> + 'a {
    match before {
        Some(before) => Either::Left(client.batch_execute(before)),
        None => Either::Right(ready(Ok(()))),
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

fn cell(row: &tokio_postgres::Row, i: usize) -> Cell {
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
fn store_error(error: tokio_postgres::Error) -> StoreError {
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
