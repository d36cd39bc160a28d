//! What an operator relies on: opening, closing, losing the connection; on each engine at hand by the same test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod tables;

use std::path::Path;

use store::{Db, Location, Migrations, StoreError};
use tables::{PEOPLE, add, names, on_each_engine};
use tempfile::TempDir;

#[tokio::test]
async fn what_was_answered_is_there_after_reopening() {
    on_each_engine("reopen", async |db, location| {
        assert_eq!(db.write("add", |write| add(write, 1, "結")).await, Ok(1));
        db.close().await;
        let again = Db::open(&location, &[PEOPLE]).await.unwrap();
        assert_eq!(names(&again).await, ["結"]);
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_fails_what_runs_and_is_made_again() {
    on_each_engine("lost", async |db, location| {
        let Location::Postgres { .. } = &location else { return };
        db.write("add", |write| add(write, 1, "before")).await.unwrap();
        names(&db).await;
        let cut = db
            .write("cut", |write| {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name =
                           current_setting('application_name')";
                add(write, 2, "cut off")?;
                write.rows(cut, &[]).map(|_| ())
            })
            .await;
        assert!(cut.as_ref().is_err_and(StoreError::is_temporary), "{cut:?}");
        // The reading connections were cut too and may each fail once more.
        let mut seen = Err(StoreError::Closed);
        for _ in 0..5 {
            seen = db.read("names", |read| read.rows("SELECT name FROM people", &[])).await;
            if seen.is_ok() {
                break;
            }
        }
        assert_eq!(seen.unwrap().len(), 1);
        db.write("add", |write| add(write, 3, "after")).await.unwrap();
        assert_eq!(names(&db).await, ["before", "after"]);

        // A connection that was cut while nothing ran is made again before anybody notices.
        let other = Db::open(&location, &[PEOPLE]).await.unwrap();
        let cut = other.write("cut", |write| {
            write.rows(
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
                 AND application_name = current_setting('application_name')",
                &[],
            )
        });
        assert!(!cut.await.unwrap().is_empty());
        db.write("add", |write| add(write, 4, "unnoticed")).await.unwrap();
        assert_eq!(names(&db).await, ["before", "after", "unnoticed"]);
    })
    .await;
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_then_refuses() {
    on_each_engine("closing", async |db, location| {
        let writes: Vec<_> = (0..50_i64)
            .map(|id| {
                let db = db.clone();
                tokio::spawn(async move { db.write("add", move |write| add(write, id, "queued")).await })
            })
            .collect();
        // All fifty are queued once this later one is answered.
        tokio::task::yield_now().await;
        db.write("last", |write| add(write, 50, "last")).await.unwrap();
        let late = db.clone();
        db.close().await;
        for write in writes {
            assert_eq!(write.await.unwrap(), Ok(1));
        }
        assert_eq!(late.write("late", |_| Ok::<(), StoreError>(())).await, Err(StoreError::Closed));
        assert_eq!(late.read("late", |_| Ok::<(), StoreError>(())).await, Err(StoreError::Closed));
        let again = Db::open(&location, &[PEOPLE]).await.unwrap();
        assert_eq!(names(&again).await.len(), 51);
    })
    .await;
}

#[tokio::test]
async fn a_newer_changed_or_foreign_database_is_refused_in_words() {
    const ROAD: Migrations =
        Migrations { owner: "road", steps: &[(1, "acts", "CREATE TABLE acts (id BIGINT)")] };
    const OLD: Migrations = Migrations { owner: "people", steps: &[PEOPLE.steps[0]] };
    const CHANGED: Migrations =
        Migrations { owner: "people", steps: &[(1, "people", "CREATE TABLE people (id BIGINT)")] };
    const BROKEN: Migrations = Migrations {
        owner: "people",
        steps: &[PEOPLE.steps[0], PEOPLE.steps[1], (3, "broken", "CREATE TABLE half (id BIGINT); NONSENSE")],
    };
    on_each_engine("migrate", async |db, location| {
        db.close().await;
        let refusal = async |migrations: &[Migrations]| match Db::open(&location, migrations).await {
            Err(StoreError::Migration { what }) => what,
            other => panic!("expected a refusal, got {other:?}"),
        };
        assert!(refusal(&[OLD]).await.contains("newer than this program: people has version 2"));
        assert!(refusal(&[CHANGED]).await.contains("applied with another text"));
        assert!(refusal(&[BROKEN]).await.contains("migration 3 (broken) of people failed"));
        // A part of the floor joins with its own numbering, and cannot be left out again.
        let db = Db::open(&location, &[PEOPLE, ROAD]).await.unwrap();
        let half = db.read("half", |read| read.rows("SELECT id FROM half", &[]).map(|_| ())).await;
        assert!(half.is_err(), "a failed migration leaves nothing behind");
        db.write("act", |write| write.execute("INSERT INTO acts (id) VALUES (1)", &[])).await.unwrap();
        db.close().await;
        assert!(refusal(&[PEOPLE]).await.contains("tables of road"));
    })
    .await;
}

#[tokio::test]
async fn a_place_that_cannot_hold_a_database_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("text.db"),
        "this is a text, long enough to have a header of its own: no database",
    )
    .unwrap();
    for path in ["text.db", "text.db/inside.db"] {
        let location = Location::Sqlite(folder.path().join(path));
        let outcome = Db::open(&location, &[PEOPLE]).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{path}: {outcome:?}");
    }
    let nobody = Location::Postgres {
        url: "postgres://nobody:hunter2@127.0.0.1:1/none".to_owned(),
        schema: "x".to_owned(),
    };
    let error = Db::open(&nobody, &[PEOPLE]).await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
    assert!(!error.to_string().contains("hunter2"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone_and_erased_text_is_gone_after_close() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new/people.db");
    let db = Db::open(&Location::Sqlite(path.clone()), &[PEOPLE]).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    db.write("add", |write| add(write, 1, "to be erased")).await.unwrap();
    db.write("erase", |write| write.execute("DELETE FROM people", &[])).await.unwrap();
    db.close().await;
    for file in std::fs::read_dir(path.parent().unwrap() as &Path).unwrap() {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!content.windows(12).any(|part| part == b"to be erased"));
    }
}
