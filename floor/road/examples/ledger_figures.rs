//! Measures what the ledger costs: `cargo xtask bench ledger`.
//!
//! At 64 writers, by turns in one run, medians of five: (a) records through the road with tree, checkpoints and three
//! witnesses that cosign; (b) the same records by the same group commit, without tree and signature; (c) PostgreSQL, 64
//! connections, one row of the same size a commit (if `MUSUBI_TEST_POSTGRES` names a server). Then the disk's own flush,
//! and a writer's waiting time in flushes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program may stop at the first fault"
)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ledger::{AddCheckpoint, NoteKey};
use road::{MIGRATIONS, Record, Road, WitnessAnswer};
use seal::{Dice, SigningKey, StorageKey};
use store::{Db, Location};
use words::PartyId;
use world::{Stopwatch, World};

const WRITERS: usize = 64;
const ROUNDS: usize = 5;
const LASTS: Duration = Duration::from_secs(4);

/// What one turn gave: writes a second, and the waiting times of single writes, sorted, ms.
struct Turn {
    per_s: f64,
    waits: Vec<f64>,
}

fn dice(world: &World) -> Dice {
    let world = world.clone();
    Dice::new(move |buffer| world.fill(buffer))
}

async fn writers<F: Future<Output = ()> + Send>(write: impl Fn(usize) -> F + Clone + Send + 'static) -> Turn {
    let watch = Stopwatch::start();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let write = write.clone();
            tokio::spawn(async move {
                let (mut waits, all) = (Vec::new(), Stopwatch::start());
                while all.elapsed() < LASTS {
                    let one = Stopwatch::start();
                    write(writer).await;
                    waits.push(one.elapsed().as_secs_f64() * 1e3);
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    waits.sort_by(f64::total_cmp);
    Turn { per_s: waits.len() as f64 / watch.elapsed().as_secs_f64(), waits }
}

fn record() -> Record {
    let mut record = Record::new();
    record
        .set("inquirer", "town")
        .set("provider", "tax")
        .set("affair", "child-allowance")
        .set("item", "income");
    record.set("taken", "x".repeat(43)).set("given", "x".repeat(43)).set("request", "x".repeat(64));
    record
}

/// Records through a road; with its ledger kept and cosigned by three witnesses in this process, or without.
async fn through_the_road(folder: &Path, name: &str, with_ledger: bool) -> Turn {
    let world = World::real();
    let key = Arc::new(StorageKey::generate(&dice(&world)));
    let signing = Arc::new(SigningKey::generate(&dice(&world)));
    let log = NoteKey::new("musubi/measured", signing.verify_key()).unwrap();
    let open = async |name: String| {
        let db = Db::open(&Location::Sqlite(folder.join(name)), &[MIGRATIONS]).await.unwrap();
        Road::new(db, Arc::clone(&key), world.clone())
    };
    let road = open(format!("{name}.db")).await;
    let road = if with_ledger {
        let defaults = rules::Defaults::house();
        let road = Arc::new(road.with_ledger(log.name().into(), signing, &defaults).await.unwrap());
        let mut witnesses = Vec::new();
        for nth in 0..3 {
            let key = Arc::new(SigningKey::generate(&dice(&world)));
            let origin = format!("musubi/witness-{nth}");
            let known = NoteKey::new(&origin, key.verify_key()).unwrap();
            let witness = open(format!("{name}-witness-{nth}.db")).await;
            let witness = Arc::new(witness.with_ledger(origin, key, &defaults).await.unwrap());
            witnesses.push((PartyId::parse(&format!("witness-{nth}")).unwrap(), known, witness));
        }
        let around: Vec<_> = witnesses.iter().map(|(party, key, _)| (party.clone(), key.clone())).collect();
        let ask = move |party: PartyId, request: String| {
            let witness = Arc::clone(&witnesses.iter().find(|(known, ..)| *known == party).unwrap().2);
            let log = log.clone();
            async move {
                let request = AddCheckpoint::parse(&request).unwrap();
                match witness.witness(&request, &log).await.unwrap() {
                    Ok(line) => WitnessAnswer::Cosigned(line),
                    Err(refusal) => panic!("{refusal}"),
                }
            }
        };
        tokio::spawn(Arc::clone(&road).keep_ledger(move || around.clone(), ask));
        road
    } else {
        Arc::new(road)
    };
    let measured = Arc::clone(&road);
    let turn = writers(move |_| {
        let road = Arc::clone(&measured);
        async move { road.note("measured", record()).await.unwrap() }
    })
    .await;
    if with_ledger {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let note = road.checkpoint().await.unwrap();
        assert_eq!(note.signatures.len(), 4, "the ledger was not cosigned by all while it was measured");
    }
    world.shutdown.trigger();
    road.db().clone().close().await;
    turn
}

/// Single rows of a record's size, a commit each, on as many connections as there are writers.
async fn on_postgresql(url: &str, nth: usize) -> Turn {
    let connect = async || {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    let first = connect().await;
    let table = format!("ledger_figures_{nth}");
    let columns = "seq BIGSERIAL PRIMARY KEY, at BIGINT, salt BYTEA, record BYTEA, hash BYTEA";
    first
        .batch_execute(&format!("DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({columns})"))
        .await
        .unwrap();
    let sql = format!("INSERT INTO {table} (at, salt, record, hash) VALUES ($1, $2, $3, $4)");
    let mut clients = Vec::new();
    for _ in 0..WRITERS {
        let client = connect().await;
        let statement = client.prepare(&sql).await.unwrap();
        clients.push((client, statement));
    }
    let clients = Arc::new(clients);
    let turn = writers(move |writer| {
        let clients = Arc::clone(&clients);
        async move {
            let (client, statement) = &clients[writer];
            let (salt, body, hash) = ([7u8; 32].to_vec(), vec![7u8; 400], [9u8; 32].to_vec());
            client.execute(statement, &[&1i64, &salt, &body, &hash]).await.unwrap();
        }
    })
    .await;
    first.batch_execute(&format!("DROP TABLE {table}")).await.unwrap();
    turn
}

/// The disk's own flush: 4 kB appended and flushed, median of 200, ms.
fn flush_ms(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("flush")).unwrap();
    let times = (0..200).map(|_| {
        let watch = Stopwatch::start();
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        watch.elapsed().as_secs_f64() * 1e3
    });
    median(times.collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn spread(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::MAX, 0.0), |(low, high): (f64, f64), one| (low.min(*one), high.max(*one)))
}

fn show(what: &str, turns: &[Turn], flush: f64) -> f64 {
    let per_s: Vec<f64> = turns.iter().map(|turn| turn.per_s).collect();
    let (low, high) = spread(&per_s);
    let at = |share: f64| {
        median(turns.iter().map(|turn| turn.waits[(turn.waits.len() as f64 * share) as usize]).collect())
    };
    let (p50, p99) = (at(0.5), at(0.99));
    let middle = median(per_s);
    println!(
        "{what:<46} {middle:>8.0} writes/s ({low:.0} to {high:.0}), p50 {p50:.2} ms, p99 {p99:.2} ms = {:.1} flushes",
        p99 / flush
    );
    middle
}

#[tokio::main]
async fn main() {
    // Beside the build's output: never a file system in memory, where a flush costs nothing.
    let beside = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let folder = tempfile::tempdir_in(beside).unwrap();
    let postgres = std::env::var("MUSUBI_TEST_POSTGRES").ok();
    let (mut with, mut without, mut single, mut flushes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for nth in 0..ROUNDS {
        flushes.push(flush_ms(folder.path()));
        with.push(through_the_road(folder.path(), &format!("with-{nth}"), true).await);
        without.push(through_the_road(folder.path(), &format!("without-{nth}"), false).await);
        if let Some(url) = &postgres {
            single.push(on_postgresql(url, nth).await);
        }
    }
    let (low, high) = spread(&flushes);
    let flush = median(flushes);
    println!("{WRITERS} writers, medians of {ROUNDS} turns of {} s each", LASTS.as_secs());
    println!("flush of the disk: {flush:.2} ms ({low:.2} to {high:.2} from turn to turn)");
    let with = show("records with tree, checkpoints, 3 witnesses", &with, flush);
    let without = show("the same group commit without them", &without, flush);
    println!("ratio to the same group commit: {:.2} (goal 0.9)", with / without);
    if !single.is_empty() {
        let single = show("PostgreSQL, a row a commit, 64 connections", &single, flush);
        println!("ratio to PostgreSQL's single rows: {:.2} (goal 4)", with / single);
    }
}
