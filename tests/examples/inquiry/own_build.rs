//! What a user would build instead: the same chain of nginx, and behind it a service of the institution's own that looks the
//! customer up and writes a line of its log in one transaction of PostgreSQL, durable before it answers. No cryptography, no law,
//! no record that anybody else could check.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, Statement};

/// Connections to the database; more would wait for the same two cores.
const CONNECTIONS: usize = 16;
/// What the database's processes are called.
pub const DATABASE: &str = "PostgreSQL";
const CUSTOMERS: i32 = 2000;

/// The service, a process of its own.
pub struct Service {
    child: Child,
    /// The database's first process.
    postmaster: u32,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Starts it on this port.
    pub async fn start(port: u16, url: &str, reply: &Path) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client
            .batch_execute(
                "DROP TABLE IF EXISTS customer; DROP TABLE IF EXISTS asked;
                 CREATE TABLE customer (number BIGINT PRIMARY KEY, income TEXT NOT NULL);
                 CREATE TABLE asked (id BIGSERIAL PRIMARY KEY, number BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL, message BYTEA NOT NULL);",
            )
            .await?;
        let fill = "INSERT INTO customer SELECT n, repeat('x', 200) FROM generate_series(0, $1::int - 1) n";
        client.execute(fill, &[&CUSTOMERS]).await?;
        let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        let postmaster = parent_of(u32::try_from(pid)?)?;
        let child = Command::new(std::env::current_exe()?)
            .args(["--serve-own", &port.to_string(), "--postgres", url, "--folder"])
            .arg(reply)
            .stdin(Stdio::null())
            .spawn()
            .context("starting the service")?;
        Ok(Self { child, postmaster })
    }

    /// The service and every process of its database.
    pub fn processes(&self) -> Result<Vec<(String, u32)>> {
        let pm = self.postmaster;
        let children = std::fs::read_to_string(format!("/proc/{pm}/task/{pm}/children"))?;
        let database = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        let database = database.map(|pid| (DATABASE.to_owned(), pid));
        Ok([("service".to_owned(), self.child.id())].into_iter().chain(database).collect())
    }
}

fn parent_of(pid: u32) -> Result<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().nth(1).and_then(|field| field.parse().ok()).context("a parent")
}

struct Own {
    connections: Vec<Mutex<(Client, Statement, Statement)>>,
    next: AtomicUsize,
    reply: Bytes,
}

/// The service itself, until it is ended.
pub async fn serve(port: u16, url: &str, reply: &Path) -> Result<()> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let find = client.prepare("SELECT income FROM customer WHERE number = $1").await?;
        let note = client.prepare("INSERT INTO asked (number, at, message) VALUES ($1, now(), $2)").await?;
        connections.push(Mutex::new((client, find, note)));
    }
    let own = Own { connections, next: AtomicUsize::new(0), reply: std::fs::read(reply)?.into() };
    let router = axum::Router::new().fallback(answer).with_state(Arc::new(own));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn answer(State(own): State<Arc<Own>>, body: Bytes) -> Result<Bytes, StatusCode> {
    let turn = own.next.fetch_add(1, Ordering::Relaxed);
    match own.one(turn, &body).await {
        Ok(()) => Ok(own.reply.clone()),
        Err(error) => {
            eprintln!("{error:#}");
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

impl Own {
    async fn one(&self, turn: usize, body: &[u8]) -> Result<()> {
        let connection = self.connections.get(turn % CONNECTIONS).context("a connection")?;
        let mut held = connection.lock().await;
        let (client, find, note) = &mut *held;
        let number = i64::try_from(turn)? % i64::from(CUSTOMERS);
        let transaction = client.transaction().await?;
        let found = transaction.query_one(&*find, &[&number]).await?;
        ensure!(!found.get::<_, &str>(0).is_empty(), "no income");
        transaction.execute(&*note, &[&number, &body]).await?;
        transaction.commit().await?;
        Ok(())
    }
}
