//! Tables in a database: the different tuples are found and counted there, by `GROUP BY`; only they travel.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use futures_util::TryStreamExt;

use super::reading::{Coders, ReadTable, Wanted};

/// Where a table is.
pub(super) enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// `postgres://…`: this machine, or behind a tunnel; without TLS of its own.
    Postgres(String),
}

impl Database {
    /// Reads `--from`.
    pub(super) fn parse(from: &str) -> Result<Database> {
        if let Some(path) = from.strip_prefix("sqlite:") {
            return Ok(Database::Sqlite(PathBuf::from(path)));
        }
        if from.starts_with("postgres://") || from.starts_with("postgresql://") {
            return Ok(Database::Postgres(from.to_owned()));
        }
        bail!("--from は sqlite:PATH か postgres://… です / --from must be sqlite:PATH or postgres://…")
    }

    /// Reads the different tuples of a table's columns, each with its rows. `table`: its name, with its schema before it where
    /// there is one.
    pub(super) fn read(&self, table: &str, wanted: &[Wanted<'_>]) -> Result<ReadTable> {
        let coders = Coders::new(wanted, None);
        match self {
            Database::Sqlite(path) => sqlite(path, table, wanted, coders),
            Database::Postgres(url) => {
                let runtime = tokio::runtime::Handle::try_current().context("no runtime")?;
                runtime.block_on(postgres(url, table, wanted, coders))
            }
        }
    }
}

/// A name as both engines take it, whatever is in it.
fn quoted(name: &str) -> String {
    name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}

/// What is asked. A value is text, as CSV would have it, and nothing is the empty text; whether two are the same does not
/// depend on how the column compares.
fn statement(table: &str, wanted: &[Wanted<'_>]) -> String {
    let columns: Vec<String> = wanted
        .iter()
        .map(|wanted| format!("COALESCE(CAST(\"{}\" AS TEXT), '')", wanted.name.replace('"', "\"\"")))
        .collect();
    let places: Vec<String> = (1..=columns.len()).map(|place| place.to_string()).collect();
    format!("SELECT {}, COUNT(*) FROM {} GROUP BY {}", columns.join(", "), quoted(table), places.join(", "))
}

/// The columns must be there: an engine may take a name that is none for a text.
fn check(table: &str, known: &[String], wanted: &[Wanted<'_>]) -> Result<()> {
    for wanted in wanted {
        ensure!(
            known.iter().any(|name| name == wanted.name),
            "{table}: 列 '{0}' がありません(ある列: {1}) / the column '{0}' is missing (found: {1})",
            wanted.name,
            known.join(", ")
        );
    }
    Ok(())
}

fn sqlite(path: &Path, table: &str, wanted: &[Wanted<'_>], mut coders: Coders<'_>) -> Result<ReadTable> {
    use rusqlite::OpenFlags;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let shown = path.display();
    let connection = rusqlite::Connection::open_with_flags(path, flags).with_context(|| {
        format!("{shown}: 開けません / cannot open; check the path and that you may read it")
    })?;
    let known = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", quoted(table)));
    let known = known
        .with_context(|| format!("{shown}: 表 {table} を読めません / the table {table} cannot be read"))?;
    let known: Vec<String> = known.column_names().map(str::to_owned).collect();
    check(table, &known, wanted)?;
    let mut statement = connection.prepare(&statement(table, wanted))?;
    let mut rows = statement.query([])?;
    let mut values = vec![String::new(); wanted.len()];
    while let Some(row) = rows.next()? {
        for (place, value) in values.iter_mut().enumerate() {
            *value = row.get(place).with_context(|| format!("{table}: not text in UTF-8"))?;
        }
        coders.take(&values, row.get::<_, i64>(wanted.len())?).context(table.to_owned())?;
    }
    coders.done(b',')
}

async fn postgres(
    url: &str,
    table: &str,
    wanted: &[Wanted<'_>],
    mut coders: Coders<'_>,
) -> Result<ReadTable> {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    // The URL can hold a password: it is not repeated.
    let (client, connection) = connected.context(
        "PostgreSQL に接続できません / cannot connect to PostgreSQL; check the URL and that the server runs",
    )?;
    let link = tokio::spawn(connection);
    let known = client.prepare(&format!("SELECT * FROM {} LIMIT 0", quoted(table))).await;
    let known =
        known.with_context(|| format!("表 {table} を読めません / the table {table} cannot be read"))?;
    let known: Vec<String> = known.columns().iter().map(|column| column.name().to_owned()).collect();
    check(table, &known, wanted)?;
    let none: [&str; 0] = [];
    let rows = client.query_raw(&statement(table, wanted), none).await.context(table.to_owned())?;
    let mut rows = std::pin::pin!(rows);
    let mut values = vec![String::new(); wanted.len()];
    while let Some(row) = rows.try_next().await.context(table.to_owned())? {
        for (place, value) in values.iter_mut().enumerate() {
            *value = row.try_get(place).context(table.to_owned())?;
        }
        coders.take(&values, row.try_get(wanted.len())?).context(table.to_owned())?;
    }
    drop(client);
    let _ = link.await;
    coders.done(b',')
}
