//! The tables of these tests, and a run on each engine.
#![allow(dead_code, reason = "each test file uses its own part of this one")]

use store::{Db, Location, Migrations, StoreError, Write, params, testing};
use tempfile::TempDir;

/// Two steps, so that a program can know one of them only.
pub const PEOPLE: Migrations = Migrations {
    owner: "people",
    steps: &[
        (
            1,
            "people",
            "CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT NOT NULL, photo BYTEA);
             CREATE TABLE counters (name TEXT PRIMARY KEY, n BIGINT NOT NULL)",
        ),
        (
            2,
            "pets",
            "CREATE TABLE pets (id BIGINT PRIMARY KEY, owner BIGINT NOT NULL REFERENCES people (id),
                                age BIGINT CHECK (age >= 0))",
        ),
    ],
};

/// An empty database with these tables on each engine, one after the other.
pub async fn on_each_engine(name: &str, test: impl AsyncFn(Db, Location)) {
    let folder = TempDir::new().unwrap();
    for location in testing::locations(folder.path(), name) {
        eprintln!("on {location}");
        let db = Db::open(&location, &[PEOPLE]).await.unwrap();
        test(db, location).await;
    }
}

/// Adds a person.
pub fn add(write: &mut Write<'_>, id: i64, name: &str) -> Result<u64, StoreError> {
    write.execute("INSERT INTO people (id, name) VALUES ($1, $2)", &params![id, name])
}

/// All names in the order of their ids.
pub async fn names(db: &Db) -> Vec<String> {
    db.read("names", |read| {
        let rows = read.rows("SELECT name FROM people ORDER BY id", &[])?;
        rows.iter().map(|row| row.text(0)).collect::<Result<_, StoreError>>()
    })
    .await
    .unwrap()
}
