//! What a room relies on inside a read and a write, held on each engine at hand by the same test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod tables;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use store::{Db, StoreError, params};
use tables::{PEOPLE, add, names, on_each_engine};

#[tokio::test]
async fn an_error_undoes_its_own_closure_alone() {
    on_each_engine("alone", async |db, _| {
        let writes = (0..40_i64).map(|id| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write("add", move |write| {
                    add(write, id, "kept or not")?;
                    if id % 3 == 0 { Err(StoreError::Closed) } else { Ok(id) }
                })
                .await
            })
        });
        let writes: Vec<_> = writes.collect();
        let mut kept = Vec::new();
        for write in writes {
            kept.extend(write.await.unwrap().ok());
        }
        let expected: Vec<i64> = (0..40).filter(|id| id % 3 != 0).collect();
        assert_eq!(kept, expected);
        let stored = db.read("ids", |read| {
            read.rows("SELECT id FROM people ORDER BY id", &[])?.iter().map(|row| row.int(0)).collect()
        });
        assert_eq!(stored.await, Ok::<Vec<i64>, StoreError>(expected));
    })
    .await;
}

#[tokio::test]
async fn a_broken_constraint_undoes_its_own_closure_alone() {
    on_each_engine("unique", async |db, _| {
        db.write("add", |write| add(write, 1, "first")).await.unwrap();
        let writes: Vec<_> = [(1, "again"), (2, "second"), (2, "twice"), (3, "third")]
            .into_iter()
            .map(|(id, name)| {
                let db = db.clone();
                tokio::spawn(async move { db.write("add", move |write| add(write, id, name)).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for write in writes {
            outcomes.push(write.await.unwrap());
        }
        assert!(outcomes[0].as_ref().unwrap_err().is_unique_violation());
        assert_eq!(outcomes[1], Ok(1));
        assert!(outcomes[2].as_ref().unwrap_err().is_unique_violation());
        assert_eq!(outcomes[3], Ok(1));
        assert_eq!(names(&db).await, ["first", "second", "third"]);
    })
    .await;
}

#[tokio::test]
async fn each_kind_of_constraint_is_told_apart_and_no_value_is_repeated() {
    on_each_engine("kinds", async |db, _| {
        db.write("add", |write| add(write, 81_234_567, "Yamada")).await.unwrap();
        let unique = db.write("add", |write| add(write, 81_234_567, "Suzuki")).await.unwrap_err();
        assert!(unique.is_unique_violation(), "{unique:?}");
        let pet = "INSERT INTO pets (id, owner, age) VALUES ($1, $2, $3)";
        let foreign = db.write("pet", move |write| write.execute(pet, &params![1, 91_234_567, 3])).await;
        let check =
            db.write("pet", move |write| write.execute(pet, &params![1, 81_234_567, -91_234_567])).await;
        let null = db
            .write("null", |write| {
                write.execute(
                    "INSERT INTO people (id, name) VALUES ($1, $2)",
                    &params![91_234_567, None::<&str>],
                )
            })
            .await;
        for error in [&foreign, &check, &null] {
            assert!(matches!(error, Err(StoreError::Constraint { .. })), "{error:?}");
        }
        for error in [unique, foreign.unwrap_err(), check.unwrap_err(), null.unwrap_err()] {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("1234567") && !shown.contains("Suzuki"), "{shown}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_closure_that_ignores_a_failed_statement_is_undone() {
    on_each_engine("ignored", async |db, _| {
        let outcome = db
            .write("careless", |write| {
                add(write, 1, "first")?;
                let _ = add(write, 1, "again");
                assert_eq!(add(write, 2, "after"), Err(StoreError::Aborted));
                Ok(())
            })
            .await;
        assert_eq!(outcome, Err(StoreError::Aborted));
        assert!(names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_told_and_undone_and_the_store_goes_on() {
    on_each_engine("panics", async |db, _| {
        let outcome = db
            .write("clumsy", |write| {
                add(write, 1, "lost")?;
                if true {
                    panic!("on purpose");
                }
                Ok::<(), StoreError>(())
            })
            .await;
        assert_eq!(outcome, Err(StoreError::Panicked { name: "clumsy" }));
        let looked = db.read("clumsy look", |_| if true { panic!("on purpose") } else { Ok(()) }).await;
        assert_eq!(looked, Err(StoreError::Panicked { name: "clumsy look" }));
        db.write("add", |write| add(write, 2, "kept")).await.unwrap();
        assert_eq!(names(&db).await, ["kept"]);
    })
    .await;
}

#[tokio::test]
async fn waiting_writes_share_a_commit() {
    on_each_engine("groups", async |db, _| {
        let hold = Arc::new(AtomicBool::new(true));
        let holder = tokio::spawn({
            let (db, hold) = (db.clone(), hold.clone());
            async move {
                db.write("hold", move |_| {
                    while hold.load(Ordering::Acquire) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    Ok::<(), StoreError>(())
                })
                .await
            }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (sent, mut queued) = tokio::sync::mpsc::unbounded_channel();
        let writes: Vec<_> = (0..30_i64)
            .map(|id| {
                let (db, sent) = (db.clone(), sent.clone());
                tokio::spawn(async move {
                    // The write is queued when it is first polled, before this task yields.
                    let write = db.write("add", move |write| add(write, id, "grouped"));
                    tokio::pin!(write);
                    let first =
                        std::future::poll_fn(|context| std::task::Poll::Ready(write.as_mut().poll(context)))
                            .await;
                    assert!(first.is_pending());
                    sent.send(()).unwrap();
                    write.await
                })
            })
            .collect();
        for _ in 0..30 {
            queued.recv().await.unwrap();
        }
        hold.store(false, Ordering::Release);
        holder.await.unwrap().unwrap();
        for write in writes {
            assert_eq!(write.await.unwrap(), Ok(1));
        }
        let sizes = db.group_sizes();
        assert_eq!(sizes.iter().find(|(size, _)| *size == 32), Some(&(32, 1)), "{sizes:?}");
        let add = db.figures().into_iter().find(|(name, ..)| *name == "add").unwrap();
        assert_eq!(add.1, 30);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_that_read_first_lose_nothing() {
    on_each_engine("counting", async |db, location| {
        // A second handle stands for a second process on the same database.
        let other = Db::open(&location, &[PEOPLE]).await.unwrap();
        db.write("start", |write| write.execute("INSERT INTO counters (name, n) VALUES ('acts', 0)", &[]))
            .await
            .unwrap();
        let writes: Vec<_> = (0..400)
            .map(|i| {
                let db = if i % 2 == 0 { db.clone() } else { other.clone() };
                tokio::spawn(async move {
                    db.write("count", |write| {
                        let row = write.row("SELECT n FROM counters WHERE name = 'acts'", &[])?;
                        let next = row.map(|row| row.int(0)).transpose()?.unwrap_or(0) + 1;
                        write.execute("UPDATE counters SET n = $1 WHERE name = 'acts'", &params![next])?;
                        Ok::<i64, StoreError>(next)
                    })
                    .await
                })
            })
            .collect();
        let mut seen = Vec::new();
        for write in writes {
            seen.push(write.await.unwrap().unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=400).collect::<Vec<i64>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_beside_one_another_are_kept_each_or_told() {
    on_each_engine("beside", async |db, _| {
        let writes: Vec<_> = (0..400_i64)
            .map(|i| {
                let db = db.clone();
                // Every id is sent twice: one of the two must win.
                tokio::spawn(
                    async move { db.write_beside("add", move |write| add(write, i / 2, "either")).await },
                )
            })
            .collect();
        let (mut kept, mut refused) = (0, 0);
        for write in writes {
            match write.await.unwrap() {
                Ok(_) => kept += 1,
                Err(error) if error.is_unique_violation() => refused += 1,
                // Two groups that each hold the other's id.
                Err(error) => assert!(error.is_temporary(), "{error:?}"),
            }
        }
        assert!(kept <= 200 && refused <= 200);
        assert_eq!(names(&db).await.len(), kept);
        db.write_beside("clear", |write| write.execute("DELETE FROM people", &[])).await.unwrap();
        assert!(names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_read_cannot_write() {
    on_each_engine("readonly", async |db, _| {
        db.write("add", |write| add(write, 1, "first")).await.unwrap();
        for sql in ["INSERT INTO people (id, name) VALUES (2, 'x') RETURNING id", "DELETE FROM people"] {
            let outcome = db.read("sneaky", move |read| read.rows(sql, &[]).map(|_| ())).await;
            assert_eq!(outcome, Err(StoreError::ReadOnly), "{sql}");
        }
        assert_eq!(names(&db).await, ["first"]);
    })
    .await;
}

#[tokio::test]
async fn a_read_sees_one_state_and_every_answered_write() {
    on_each_engine("snapshot", async |db, _| {
        let (begun, begin) = std::sync::mpsc::channel();
        let (written, go_on) = std::sync::mpsc::channel::<()>();
        let reader = tokio::spawn({
            let db = db.clone();
            async move {
                let count = "SELECT COUNT(*) FROM people";
                db.read("twice", move |read| {
                    let before = read.row(count, &[])?.map(|row| row.int(0)).transpose()?;
                    begun.send(()).unwrap();
                    go_on.recv().unwrap();
                    let after = read.row(count, &[])?.map(|row| row.int(0)).transpose()?;
                    Ok::<_, StoreError>((before, after))
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || begin.recv().unwrap()).await.unwrap();
        db.write("add", |write| add(write, 1, "meanwhile")).await.unwrap();
        assert_eq!(names(&db).await, ["meanwhile"], "a new read sees it");
        written.send(()).unwrap();
        assert_eq!(reader.await.unwrap(), Ok((Some(0), Some(0))), "the running one does not");
    })
    .await;
}

#[tokio::test]
async fn returning_on_conflict_and_repeated_placeholders_mean_the_same() {
    on_each_engine("upsert", async |db, _| {
        let count = async |by: i64| {
            db.write("count", move |write| {
                let row = write.row(
                    "INSERT INTO counters (n, name) VALUES ($2, $1)
                     ON CONFLICT (name) DO UPDATE SET n = counters.n + $2 RETURNING n, name = $1",
                    &params!["acts", by],
                )?;
                row.map(|row| Ok((row.int(0)?, row.int(1)?))).transpose()
            })
            .await
        };
        assert_eq!(count(5).await, Ok::<_, StoreError>(Some((5, 1))));
        assert_eq!(count(2).await, Ok(Some((7, 1))));
        let ignored = db
            .write("ignore", |write| {
                write.row(
                    "INSERT INTO counters (name, n) VALUES ($1, 1) ON CONFLICT DO NOTHING RETURNING n",
                    &params!["acts"],
                )
            })
            .await;
        assert!(ignored.unwrap().is_none());
        let gone = db.write("clear", |write| write.execute("DELETE FROM counters", &[])).await;
        assert_eq!(gone, Ok(1));
    })
    .await;
}

#[tokio::test]
async fn nulls_bytes_and_wrong_types_come_out_as_they_are() {
    on_each_engine("types", async |db, _| {
        let photo: [u8; 4] = [0, 255, 10, 0];
        db.write("add", move |write| {
            let sql = "INSERT INTO people (id, name, photo) VALUES ($1, $2, $3)";
            write.execute(sql, &params![i64::MAX, "007", photo])?;
            write.execute(sql, &params![2_u32, "結び'; DROP TABLE people", None::<Vec<u8>>])?;
            // A typed NULL of another type is still NULL.
            write.execute(sql, &params![true, "", None::<i64>])
        })
        .await
        .unwrap();
        let rows = db
            .read("all", |read| read.rows("SELECT id, name, photo FROM people ORDER BY id DESC", &[]))
            .await
            .unwrap();
        assert_eq!((rows[0].int(0), rows[0].text(1)), (Ok(i64::MAX), Ok("007".to_owned())));
        assert_eq!((rows[0].bytes(2), rows[0].array(2)), (Ok(photo.to_vec()), Ok(photo)));
        assert_eq!(rows[1].text(1).unwrap(), "結び'; DROP TABLE people");
        assert_eq!(rows[1].opt_bytes(2), Ok(None));
        assert_eq!(rows[2].int(0), Ok(1));
        assert!(matches!(rows[1].bytes(2), Err(StoreError::Column { column: 2, found: "NULL", .. })));
        assert!(matches!(rows[0].int(1), Err(StoreError::Column { .. })));
        assert!(matches!(rows[0].int(3), Err(StoreError::Column { .. })));
        assert!(rows[0].array::<3>(2).is_err());
    })
    .await;
}

#[tokio::test]
async fn wrong_statements_and_parameter_counts_are_the_programs_fault() {
    on_each_engine("faults", async |db, _| {
        let wrong = db.read("wrong", |read| read.rows("SELECT nothing FROM nowhere", &[]).map(|_| ())).await;
        assert!(matches!(wrong, Err(StoreError::Statement { .. })), "{wrong:?}");
        for given in [0, 2] {
            let outcome = db
                .read("count", move |read| {
                    let given: Vec<_> = (0..given).map(|i: i64| i.into()).collect();
                    read.rows("SELECT name FROM people WHERE id = $1", &given).map(|_| ())
                })
                .await;
            assert!(matches!(outcome, Err(StoreError::Parameters { .. })), "{outcome:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_stops_where_its_function_stops() {
    on_each_engine("each", async |db, _| {
        db.write("add", |write| (0..10).try_for_each(|id| add(write, id, "one of ten").map(|_| ())))
            .await
            .unwrap();
        let seen = db.read("each", |read| {
            let mut seen = Vec::new();
            let outcome = read.each("SELECT id FROM people ORDER BY id", &[], |row| {
                seen.push(row.int(0)?);
                if seen.len() == 3 { Err(StoreError::Overloaded) } else { Ok(()) }
            });
            assert_eq!(outcome, Err(StoreError::Overloaded));
            // The transaction is not spoilt by that.
            assert_eq!(read.rows("SELECT id FROM people", &[])?.len(), 10);
            Ok::<_, StoreError>(seen)
        });
        assert_eq!(seen.await, Ok(vec![0, 1, 2]));
    })
    .await;
}

/// A look sees what a write before it was answered for, can change nothing, is undone by nothing of its own, and ends with the
/// store; many at once are all answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_sees_what_was_answered_and_ends_with_the_store() {
    on_each_engine("look", async |db, _| {
        for id in 0..50_i64 {
            db.write("add", move |write| add(write, id, "seen")).await.unwrap();
            let sql = "SELECT name FROM people WHERE id = $1";
            let looks = (0..8).map(|_| {
                let db = db.clone();
                tokio::spawn(async move { db.look("one", move |read| read.row(sql, &params![id])).await })
            });
            for look in looks.collect::<Vec<_>>() {
                assert_eq!(look.await.unwrap().unwrap().unwrap().text(0).unwrap(), "seen");
            }
        }
        let changed = db.look("change", |read| read.row("DELETE FROM people RETURNING id", &[])).await;
        assert!(matches!(changed, Err(StoreError::ReadOnly | StoreError::Statement { .. })), "{changed:?}");
        let panicked = db.look("panics", |_| -> Result<(), StoreError> { panic!("a look panics") }).await;
        assert_eq!(panicked, Err(StoreError::Panicked { name: "panics" }));
        let count = db.look("count", |read| read.row("SELECT COUNT(*) FROM people", &[])).await;
        assert_eq!(count.unwrap().unwrap().int(0), Ok(50));
        let other = db.clone();
        db.close().await;
        let late = other.look("late", |read| read.row("SELECT 1", &[]).map(|_| ())).await;
        assert_eq!(late, Err(StoreError::Closed));
    })
    .await;
}
