//! What linkage, trustee and oversight wrote, decrypted with their own keys, searched for everything that names a
//! person: nothing. The same search finds people in the gateways, and finds a leak that was planted.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aho_corasick::AhoCorasick;
use musubi::demo_run::{ask_and_answer, build};
use rules::{Operation, Role, decide_operation};
use seal::{Dice, IndividualNumber, KeyFolder, ResidentCode, StorageKey};
use unicode_normalization::UnicodeNormalization;
use words::{B64, hex};
use world::{Stopwatch, World};

use crate::ground::args;

/// Base64 of a string inside a longer one begins at any of three places; what does not depend on its neighbours is
/// searched for.
fn base64_inside(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for shift in 0..3 {
        let text = B64::from([vec![0u8; shift], bytes.to_vec()].concat()).text();
        let from = [0, 2, 3][shift];
        let whole = (bytes.len() + shift) / 3 * 4;
        if let Some(inside) = text.get(from..whole.min(text.len())).filter(|inside| inside.len() >= 8) {
            all.push(inside.as_bytes().to_vec());
            all.push(inside.replace('-', "+").replace('_', "/").into_bytes());
        }
    }
    all
}

/// The ways a value can stand in a file: raw, hexadecimal, base64.
fn encodings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec(), hex(bytes).into_bytes(), hex(bytes).to_uppercase().into_bytes()];
    all.extend(base64_inside(bytes));
    all
}

fn texts(text: &str) -> Vec<Vec<u8>> {
    let forms: BTreeSet<String> =
        [text.to_owned(), text.nfc().collect(), text.nfkc().collect(), text.replace(['　', ' '], "")].into();
    // Shorter values occur by chance in random bytes.
    forms.iter().filter(|form| form.len() >= 9).flat_map(|form| encodings(form.as_bytes())).collect()
}

/// Everything in a folder but keys, and what its database holds once opened with the folder's own storage key.
fn everything(folder: &Path, database: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_file() {
            all.extend(std::fs::read(entry.path()).unwrap());
            all.push(b'\n');
        }
    }
    let dice = dice();
    let keys = KeyFolder::new(folder.join("keys"));
    let own = keys.storage(&dice, false).unwrap();
    for (shelf, table, row, column, sealed) in sealed_columns(database) {
        let shelved = (!shelf.is_empty()).then(|| keys.retention(&shelf, &dice, false).unwrap());
        match shelved.as_ref().unwrap_or(&own).open(&table, &row, &column, &sealed) {
            Ok(opened) => all.extend(opened),
            Err(error) => panic!("{table}.{column} does not open with the room's own key: {error}"),
        }
        all.push(b'\n');
    }
    all
}

/// Every sealed value of a room's database: shelf of its retention key (empty: the room's own key), table, row, column,
/// value.
fn sealed_columns(database: &Path) -> Vec<(String, String, Vec<u8>, String, Vec<u8>)> {
    let mut all = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let own = String::new;
    for row in query(database, "SELECT salt, record, CAST(shelf AS BLOB) FROM leaf") {
        all.push((text(&row[2]), "leaf".into(), row[0].clone(), "record".into(), row[1].clone()));
    }
    for row in query(
        database,
        "SELECT id, CAST(verb AS BLOB), reply, CAST(shelf AS BLOB) FROM act WHERE reply IS NOT NULL",
    ) {
        all.push((text(&row[3]), "act".into(), row[0].clone(), text(&row[1]), row[2].clone()));
    }
    if !query(database, "SELECT CAST(name AS BLOB) FROM sqlite_master WHERE name = 'converted'").is_empty() {
        for row in query(database, "SELECT act, CAST(target AS BLOB), codes FROM converted") {
            all.push((own(), "converted".into(), row[0].clone(), text(&row[1]), row[2].clone()));
        }
    }
    for row in query(database, "SELECT id, body FROM outbox") {
        all.push((own(), "outbox".into(), row[0].clone(), "body".into(), row[1].clone()));
    }
    if !query(database, "SELECT CAST(name AS BLOB) FROM sqlite_master WHERE name = 'customer'").is_empty() {
        for row in query(database, "SELECT customer_index, number FROM customer") {
            all.push((own(), "customer".into(), row[0].clone(), "number".into(), row[1].clone()));
        }
    }
    all
}

fn dice() -> Dice {
    let world = World::real();
    Dice::new(move |buffer| world.fill(buffer))
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Numbers and resident codes of everybody, and every institution's link codes: read with the keys of those who may.
fn secrets(folder: &Path) -> Vec<Vec<u8>> {
    let permit = decide_operation(Operation::FindNumber, Role::Registrar).unwrap();
    let mut all = Vec::new();
    let key = |id: &str| -> StorageKey {
        KeyFolder::new(folder.join(id).join("keys")).storage(&dice(), false).unwrap()
    };
    let registry = key("registry");
    for row in query(&folder.join("registry/registry.db"), "SELECT anchor, number, code FROM resident") {
        let number = IndividualNumber::open(&registry, "resident", &row[0], &row[1]).unwrap().reveal(&permit);
        let code = ResidentCode::open(&registry, "resident", &row[0], &row[2]).unwrap().reveal(&permit);
        all.extend(encodings(number.as_bytes()));
        all.extend(encodings(code.as_bytes()));
        all.extend(encodings(&row[0]));
    }
    for id in demo::Institution::ALL.map(demo::Institution::as_str) {
        let gateway = key(id);
        for row in query(
            &folder.join(format!("{id}/{id}.db")),
            "SELECT customer_index, code FROM customer WHERE code IS NOT NULL",
        ) {
            let code = gateway.open_code("customer", &row[0], &row[1]).unwrap();
            all.extend(encodings(&code.dangerous_bytes()));
        }
    }
    all
}

/// Rows of byte columns, read with nothing of ours.
fn query(database: &Path, sql: &str) -> Vec<Vec<Vec<u8>>> {
    let connection =
        rusqlite::Connection::open_with_flags(database, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows =
        statement.query_map([], |row| (0..columns).map(|at| row.get::<_, Vec<u8>>(at)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_middle_wrote_nothing_that_names_anybody() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);

    let folder = tempfile::tempdir().unwrap();
    let args = args(folder.path(), 400);
    let watch = Stopwatch::start();
    let ready = build(&args, &watch).await.unwrap();
    let truth = ready.truth.clone();
    let (report, stage, _services) = ask_and_answer(ready, &args, &watch).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.surprises);
    stage.stop().await;

    // Everything that names a person.
    let population = demo::Population::generate(7, 400);
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    for resident in &population.residents {
        for text in [resident.name(), resident.kana(), resident.address.official()] {
            patterns.extend(texts(&text));
        }
    }
    for customer in &demo::Customers::make(&population).all {
        for text in [&customer.name, &customer.address, &customer.number] {
            patterns.extend(texts(text));
        }
    }
    patterns.extend(secrets(folder.path()));
    assert!(truth.rows.len() > 500 && patterns.len() > 10_000);
    let search = AhoCorasick::new(&patterns).unwrap();

    for id in ["linkage", "trustee", "oversight"] {
        let wrote = everything(&folder.path().join(id), &folder.path().join(format!("{id}/{id}.db")));
        assert!(wrote.len() > 10_000, "{id} wrote {} bytes", wrote.len());
        let found = search
            .find(&wrote)
            .map(|found| String::from_utf8_lossy(&patterns[found.pattern().as_usize()]).into_owned());
        assert_eq!(found, None, "{id} wrote something that names a person");
    }
    let logged = log.0.lock().unwrap().clone();
    assert!(!logged.is_empty());
    assert!(search.find(&logged).is_none(), "a log line names a person");

    // The same search finds people where they belong …
    for id in demo::Institution::ALL.into_iter().filter(|one| one.takes_part()).map(|one| one.as_str()) {
        let wrote = everything(&folder.path().join(id), &folder.path().join(format!("{id}/{id}.db")));
        assert!(search.find(&wrote).is_some(), "{id} has its own people");
    }
    // … and finds a leak.
    for leak in [
        population.residents[3].name().into_bytes(),
        B64::from(population.residents[5].address.official().as_bytes()).text().into_bytes(),
    ] {
        let planted = folder.path().join("linkage/leak.txt");
        std::fs::write(&planted, [b"x".to_vec(), leak].concat()).unwrap();
        let wrote = everything(&folder.path().join("linkage"), &folder.path().join("linkage/linkage.db"));
        assert!(search.find(&wrote).is_some(), "a planted leak was not found");
        std::fs::remove_file(&planted).unwrap();
    }
}
