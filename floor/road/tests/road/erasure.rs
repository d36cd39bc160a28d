//! Records at the end of their period, and backups from before.

use store::Location;

use super::*;

/// Records at the end of their period: text and salt go, the key goes, entries and the others' proofs stay; a database
/// restored from before has them erased again before anybody reads it.
#[tokio::test(flavor = "multi_thread")]
async fn records_end_with_their_period_and_a_restore_does_not_bring_them_back() {
    let folder = tempfile::tempdir().unwrap();
    for location in store::testing::locations(folder.path(), "road_erase") {
        end_and_restore(location).await;
    }
}

async fn end_and_restore(location: Location) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::simulated(7, 1_795_316_700_000); // 2026-11-22
    let dice = {
        let world = world.clone();
        Dice::new(move |buffer| world.fill(buffer))
    };
    let key = Arc::new(StorageKey::generate(&dice));
    let keys = seal::KeyFolder::new(folder.path().join("keys"));
    let signing = Arc::new(seal::SigningKey::generate(&dice));
    let open = async || {
        let db = store::Db::open(&location, &[MIGRATIONS]).await.unwrap();
        let road = Road::new(db, Arc::clone(&key), world.clone());
        let road = road.with_retention(keys.clone(), dice.clone()).await.unwrap();
        let defaults = rules::Defaults::house();
        Arc::new(road.with_ledger("musubi/test".into(), Arc::clone(&signing), &defaults).await.unwrap())
    };
    let readable = async |road: &Road| {
        let leaves = road.collect(0, Moment(0), 100).await.unwrap();
        leaves.iter().map(|leaf| leaf.opened.is_some()).collect::<Vec<_>>()
    };
    let day = |text: &str| Date::parse(text).unwrap();

    let road = open().await;
    let acted = Arc::new(AtomicUsize::new(0));
    // `knock` is how a room is run (ten years); what is turned away at the door is kept for one.
    road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap();
    road.note("door", Record::new()).await.unwrap();
    world.advance(40 * 86_400_000);
    road.note("door", Record::new()).await.unwrap();
    assert_eq!(readable(&road).await, [true; 4]);
    let before: Vec<_> =
        road.collect(0, Moment(0), 100).await.unwrap().iter().map(|leaf| leaf.entry).collect();
    let root = ledger::root_of(&before);
    Arc::try_unwrap(road).ok().unwrap().db().clone().close().await;
    back_up(&location).await;

    let road = open().await;
    assert!(road.erase(day("2027-11-30")).await.unwrap().is_empty(), "a day too early");
    let erased = road.erase(day("2027-12-01")).await.unwrap();
    assert_eq!(erased, [Erased { shelf: "door/2026-11".into(), records: 1, acts: 0 }]);
    assert!(road.erase(day("2027-12-01")).await.unwrap().is_empty(), "once");
    assert_eq!(readable(&road).await, [true, true, false, true, true], "and a note that it was erased");
    let after: Vec<_> =
        road.collect(0, Moment(0), 100).await.unwrap().iter().map(|leaf| leaf.entry).collect();
    assert_eq!(ledger::root_of(&after[..4]), root, "the ledger is what it was");
    assert_eq!(road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap(), b"1", "other acts are repeated");
    Arc::try_unwrap(road).ok().unwrap().db().clone().close().await;
    assert!(!keys.path().join("retention/door_2026-11.key").exists());

    // The backup of before, put back: its copy of the record cannot be read, and is erased at the start.
    put_back(&location).await;
    let road = open().await;
    assert_eq!(readable(&road).await, [true, true, false, true, true]);
    // A clock set back does not bring the key back: what is recorded then has no shelf.
    world.advance(-40 * 86_400_000);
    road.note("door", Record::new()).await.unwrap();
    assert_eq!(readable(&road).await, [true, true, false, true, true, true]);
    assert!(!keys.path().join("retention/door_2026-11.key").exists());
}

/// What an administrator's backup is: a copy of the file, or of every table.
async fn back_up(location: &Location) {
    match location {
        Location::Sqlite(file) => drop(std::fs::copy(file, file.with_extension("backup")).unwrap()),
        Location::Postgres { url, schema } => {
            let server = server(url).await;
            server.batch_execute(&format!("CREATE SCHEMA {schema}_backup")).await.unwrap();
            for table in tables(&server, schema).await {
                let copy = format!("CREATE TABLE {schema}_backup.{table} AS TABLE {schema}.{table}");
                server.batch_execute(&copy).await.unwrap();
            }
        }
    }
}

async fn put_back(location: &Location) {
    match location {
        Location::Sqlite(file) => {
            std::fs::copy(file.with_extension("backup"), file).unwrap();
            for suffix in ["db-wal", "db-shm"] {
                let _ = std::fs::remove_file(file.with_extension(suffix));
            }
        }
        Location::Postgres { url, schema } => {
            let server = server(url).await;
            for table in tables(&server, schema).await {
                let back = format!(
                    "TRUNCATE {schema}.{table}; INSERT INTO {schema}.{table} TABLE {schema}_backup.{table}"
                );
                server.batch_execute(&back).await.unwrap();
            }
        }
    }
}

async fn server(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn tables(server: &tokio_postgres::Client, schema: &str) -> Vec<String> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1";
    let rows = server.query(sql, &[&schema]).await.unwrap();
    assert!(rows.len() > 3, "no tables of {schema}");
    rows.iter().map(|row| row.get(0)).collect()
}
