//! For tests of every crate that keeps something: the same test on both engines.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "compiled into tests only by use; failing loudly is its work"
)]

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Location, postgres_engine::PostgresEngine};

/// URL of a PostgreSQL server for tests, from `MUSUBI_TEST_POSTGRES` (`cargo xtask test` starts one and sets it).
///
/// # Panics
/// If it is not set although `CI=true`: there the engine must not go untested.
pub fn postgres_url() -> Option<String> {
    let url = std::env::var("MUSUBI_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "MUSUBI_TEST_POSTGRES is not set in CI");
        eprintln!("needs postgres: set MUSUBI_TEST_POSTGRES, or run cargo xtask test");
    }
    url
}

static NEXT: AtomicU64 = AtomicU64::new(0);

/// An empty database on each engine at hand: a file in `folder`, and a schema on the test server if there is one.
/// `name`: lower-case letters, digits, underscore.
///
/// # Panics
/// If the test server cannot be used, and as [`postgres_url`].
pub fn locations(folder: &Path, name: &str) -> Vec<Location> {
    let unique = format!("{name}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut all = vec![Location::Sqlite(folder.join(format!("{unique}.db")))];
    if let Some(url) = postgres_url() {
        let schema = unique;
        let at = url.clone();
        let name = schema.clone();
        // A thread of its own, because a store's connection must not run inside an async test.
        std::thread::spawn(move || {
            let mut engine = PostgresEngine::writer(&at, &name)?;
            engine.batch(&format!("DROP SCHEMA {name} CASCADE"))
        })
        .join()
        .expect("a schema on the test server")
        .expect("the PostgreSQL server in MUSUBI_TEST_POSTGRES answers");
        all.push(Location::Postgres { url, schema });
    }
    all
}
