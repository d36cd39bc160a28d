//! A database copied out while it is written to, and into an empty one, on either engine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::path::Path;

use store::testing::locations;
use store::{Db, Location, Migrations, Piece, StoreError, copy_in, copy_out, params};

const FIRST: Migrations = Migrations {
    owner: "things",
    steps: &[(1, "thing", "CREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY, name TEXT, body BYTEA)")],
};
const SECOND: Migrations = Migrations {
    owner: "things",
    steps: &[
        (1, "thing", "CREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY, name TEXT, body BYTEA)"),
        (2, "more", "ALTER TABLE thing ADD COLUMN more TEXT NOT NULL DEFAULT 'none'"),
    ],
};

async fn filled(location: &Location) -> Db {
    let db = Db::open(location, &[FIRST]).await.unwrap();
    for id in 0..50_i64 {
        let (name, body) =
            ((id % 3 > 0).then(|| format!("名前{id}")), (id % 2 > 0).then(|| vec![0_u8, 1, 255]));
        let write = db.write("add", move |write| {
            write.execute("INSERT INTO thing (id, name, body) VALUES ($1, $2, $3)", &params![id, name, body])
        });
        assert_eq!(write.await, Ok::<u64, StoreError>(1));
    }
    db
}

async fn out(location: &Location) -> Vec<Piece> {
    let location = location.clone();
    let read = move || {
        let mut pieces = Vec::new();
        copy_out(&location, |piece| {
            pieces.push(piece);
            Ok::<_, StoreError>(())
        })?;
        Ok::<_, StoreError>(pieces)
    };
    tokio::task::spawn_blocking(read).await.unwrap().unwrap()
}

async fn put(location: &Location, migrations: Migrations, pieces: Vec<Piece>) -> Result<u64, StoreError> {
    let location = location.clone();
    let mut pieces = pieces.into_iter();
    let fill = move || copy_in(&location, &[migrations], || Ok::<_, StoreError>(pieces.next()));
    tokio::task::spawn_blocking(fill).await.unwrap()
}

fn sorted(mut pieces: Vec<Piece>) -> Vec<String> {
    let shown = |piece: &Piece| match piece {
        Piece::Table { name, columns } => format!("{name} {columns:?}"),
        Piece::Row(values) => format!("row of {}", values.len()),
    };
    let mut all: Vec<String> = pieces.iter_mut().map(|piece| shown(piece)).collect();
    all.sort();
    all
}

async fn rows(location: &Location) -> Vec<(i64, Option<String>, Option<Vec<u8>>)> {
    let db = Db::open(location, &[SECOND]).await.unwrap();
    let read = db.read("all", |read| {
        let rows = read.rows("SELECT id, name, body FROM thing WHERE more = 'none' ORDER BY id", &[])?;
        rows.iter()
            .map(|row| Ok::<_, StoreError>((row.int(0)?, row.opt_text(1)?, row.opt_bytes(2)?)))
            .collect()
    });
    let rows: Vec<_> = read.await.unwrap();
    db.close().await;
    rows
}

/// From each engine into each; the program that opens the copy knows one step more than the one that wrote it.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_either_engine_goes_into_either() {
    let folder = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();
    for location in locations(folder.path(), "from") {
        let db = filled(&location).await;
        // Written to meanwhile: a copy is of one moment.
        let writing = db.clone();
        let writer = tokio::spawn(async move {
            for id in 100..200_i64 {
                let insert = move |write: &mut store::Write<'_>| {
                    write.execute("INSERT INTO thing (id, name) VALUES ($1, NULL)", &params![id])?;
                    write.execute("INSERT INTO thing (id, name) VALUES ($1, NULL)", &params![id + 1_000])
                };
                assert!(writing.write("pair", insert).await == Ok::<u64, StoreError>(1));
            }
        });
        let pieces = out(&location).await;
        writer.await.unwrap();
        let rows = pieces.iter().filter(|piece| matches!(piece, Piece::Row(_))).count();
        assert!(rows >= 51 && (rows - 51) % 2 == 0, "{rows}: a pair was copied by half");
        db.close().await;
        copies.push(pieces);
    }
    for (number, pieces) in copies.iter().enumerate() {
        for to in locations(folder.path(), &format!("to{number}")) {
            let added = put(&to, SECOND, pieces.clone()).await.unwrap();
            assert_eq!(sorted(out(&to).await), sorted(pieces.clone()), "before anybody opens it");
            let read = rows(&to).await;
            assert_eq!(read.len() as u64, added);
            assert_eq!(read[1], (1, Some("名前1".into()), Some(vec![0, 1, 255])));
            assert_eq!(read[0], (0, None, None));
            let again = put(&to, SECOND, pieces.clone()).await.unwrap_err().to_string();
            assert!(again.contains("not empty"), "{again}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_copy_leaves_the_database_empty() {
    let folder = tempfile::tempdir().unwrap();
    let from = Location::Sqlite(folder.path().join("from.db"));
    filled(&from).await.close().await;
    let whole = out(&from).await;
    let mut newer = whole.clone();
    newer.insert(1, Piece::Row(params!["things", 9, "later", 1].to_vec()));
    let mut injected = whole.clone();
    injected.push(Piece::Table { name: "thing; DROP TABLE thing".into(), columns: vec!["id".into()] });
    let mut column = whole.clone();
    column.push(Piece::Table { name: "thing".into(), columns: vec!["id) --".into()] });
    let mut narrow = whole.clone();
    narrow.push(Piece::Row(params![1].to_vec()));
    let headless = whole[2..].to_vec();
    for (place, pieces) in [newer, injected, column, narrow, headless, Vec::new()].into_iter().enumerate() {
        for to in locations(folder.path(), &format!("bad{place}")) {
            assert!(put(&to, FIRST, pieces.clone()).await.is_err(), "{place}");
            // Nothing stayed: a whole copy goes in.
            assert_eq!(put(&to, FIRST, whole.clone()).await, Ok(50), "{place}");
        }
    }
    let none: Result<(), StoreError> =
        copy_out(&Location::Sqlite(Path::new("/nonexistent/x.db").into()), |_| Ok(()));
    assert!(none.is_err());
}
