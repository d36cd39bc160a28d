//! Measures the store on each engine at hand: `cargo run --release -p store --example store_figures`.
//! PostgreSQL is measured if `MUSUBI_TEST_POSTGRES` names a server.
#![allow(clippy::unwrap_used, reason = "a measuring program may stop at the first fault")]

use store::{Db, Migrations, StoreError, params, testing};
use world::Stopwatch;

const TABLE: Migrations = Migrations {
    owner: "figures",
    steps: &[(1, "rows", "CREATE TABLE rows (id BYTEA PRIMARY KEY, n BIGINT NOT NULL, body TEXT NOT NULL)")],
};

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    for location in testing::locations(folder.path(), "figures") {
        println!("{}", if location.to_string().starts_with("sqlite") { "SQLite" } else { "PostgreSQL" });
        let db = Db::open(&location, &[TABLE]).await.unwrap();
        let mut next = 0;
        for callers in [1, 64] {
            let total = if callers == 1 { 2_000 } else { 40_000 };
            let per_s = repeat(callers, total, next, &db, insert).await;
            next += total;
            println!("  inserts/s at {callers:>2} callers: {per_s:>8}");
        }
        let per_s = repeat(64, 40_000, next, &db, insert_beside).await;
        println!("  inserts/s beside, 64 callers: {per_s:>4}");
        for callers in [1, 64] {
            let per_s = repeat(callers, 40_000, 0, &db, look_up).await;
            println!("  look-ups/s at {callers:>2} callers: {per_s:>7}");
        }
        let groups: Vec<_> = db.group_sizes().into_iter().filter(|(_, n)| *n > 0).collect();
        println!("  groups (up to n writes, how many): {groups:?}");
        for (name, calls, us) in db.figures() {
            println!("  {name}: {calls} calls, {:.1} us each inside the closure", us as f64 / calls as f64);
        }
        db.close().await;
    }
}

async fn insert(db: Db, n: i64) {
    db.write("insert", move |write| {
        let id = key(n);
        write.execute("INSERT INTO rows (id, n, body) VALUES ($1, $2, $3)", &params![id, n, "x".repeat(200)])
    })
    .await
    .unwrap();
}

async fn insert_beside(db: Db, n: i64) {
    db.write_beside("insert beside", move |write| {
        let id = key(n);
        write.execute("INSERT INTO rows (id, n, body) VALUES ($1, $2, $3)", &params![id, n, "x".repeat(200)])
    })
    .await
    .unwrap();
}

async fn look_up(db: Db, n: i64) {
    let found = db
        .read("look-up", move |read| {
            read.row("SELECT n, body FROM rows WHERE id = $1", &params![key(n)])?
                .map(|row| row.int(0))
                .transpose()
        })
        .await;
    assert_eq!(found, Ok::<_, StoreError>(Some(n)));
}

/// Sixteen bytes that follow from `n` and arrive in no order, as ids do.
fn key(n: i64) -> [u8; 16] {
    let n = n.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(n) << 64 | u128::from(n.rotate_left(29))).to_be_bytes()
}

/// Runs `total` calls among `callers` tasks; calls per second.
async fn repeat<F: Future<Output = ()> + Send>(
    callers: i64,
    total: i64,
    first: i64,
    db: &Db,
    call: impl Fn(Db, i64) -> F + Copy + Send + 'static,
) -> u64 {
    let watch = Stopwatch::start();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let db = db.clone();
            tokio::spawn(async move {
                for n in (first + caller..first + total).step_by(callers as usize) {
                    call(db.clone(), n).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    (total as f64 / watch.elapsed().as_secs_f64()) as u64
}
