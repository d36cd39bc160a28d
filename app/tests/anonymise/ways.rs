//! The same table from a file, in little memory, from SQLite and from PostgreSQL: what is written is the same, byte for byte.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{CONFIG, cases, folder, good, refused, run};

/// A configuration in which every part counts rows: sensitive, kept, closeness, a share that may be left out.
fn config() -> String {
    let more = "[[model]]\nkind = \"closeness\"\nt = 0.5\ndistance = \"equal\"\n[[model]]\nkind = \"average-risk\"\nmost = 0.1\n";
    format!("metric = \"non-uniform-entropy\"\n{CONFIG}{more}")
}

/// The table twice over, so that there are equal rows.
fn table() -> Vec<Vec<String>> {
    let text = fs::read_to_string(cases().join("people.csv")).unwrap();
    let rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split(';').map(str::to_owned).collect()).collect();
    let (header, rows) = rows.split_first().unwrap();
    [std::slice::from_ref(header), rows, rows].concat()
}

fn statements(table: &[Vec<String>]) -> String {
    let quoted = |text: &String| format!("'{}'", text.replace('\'', "''"));
    let (header, rows) = table.split_first().unwrap();
    let columns: Vec<String> = header.iter().map(|name| format!("\"{name}\" TEXT")).collect();
    let mut sql = format!("CREATE TABLE people ({});\n", columns.join(", "));
    // The last one first: nothing may depend on the order.
    for row in rows.iter().rev() {
        let values: Vec<String> = row.iter().map(quoted).collect();
        sql.push_str(&format!("INSERT INTO people VALUES ({});\n", values.join(", ")));
    }
    sql
}

fn report(folder: &Path) -> Value {
    let mut report: Value = serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap();
    report.as_object_mut().unwrap().remove("cpu_s");
    report
}

/// Runs each way of use on one way of reading; what it wrote and reported. `way`: the arguments that say where the table is.
fn all_of(folder: &Path, way: &[&str]) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut one = |more: &[&str], writes: bool| {
        let _ = fs::remove_file(folder.join("safe.csv"));
        good(&run(
            folder,
            &[way, if writes { &["safe.csv"] } else { &[] }, &["--report", "report.json"], more].concat(),
        ));
        // A file from a database is always written with commas.
        let text = fs::read_to_string(folder.join("safe.csv")).unwrap_or_default().replace(';', ",");
        found.push((text, report(folder)));
    };
    one(&[], true);
    fs::copy(folder.join("report.json"), folder.join("levels.json")).unwrap();
    one(&["--check"], false);
    one(&["--levels", "levels.json"], true);
    one(&["--threads", "1"], true);
    found
}

#[test]
fn every_way_to_read_gives_the_same_bytes() {
    let folder = folder(&config());
    let table = table();
    let text: String = table.iter().map(|row| row.join(";") + "\n").collect();
    fs::write(folder.path().join("people.csv"), text).unwrap();
    let in_memory = all_of(folder.path(), &["people.csv"]);
    assert_eq!(
        in_memory[0].0.lines().count() as u64 - 1 + in_memory[0].1["suppressed_rows"].as_u64().unwrap(),
        600
    );
    assert_eq!(in_memory[0].0, in_memory[2].0, "levels of the same table are its own");
    assert_eq!(in_memory[0], in_memory[3], "threads change nothing");

    // So little that runs are merged in several steps: sixteen rows each.
    assert_eq!(all_of(folder.path(), &["people.csv", "--memory", "0"]), in_memory, "sorted runs");

    let database = rusqlite::Connection::open(folder.path().join("people.db")).unwrap();
    database.execute_batch(&statements(&table)).unwrap();
    drop(database);
    assert_eq!(all_of(folder.path(), &["people", "--from", "sqlite:people.db"]), in_memory, "SQLite");

    let Some(url) = store::testing::postgres_url() else { return };
    let schema = format!("anonymise_{}", std::process::id());
    let statements = format!("CREATE SCHEMA {schema}; SET search_path = {schema};\n{}", statements(&table));
    execute(&url, statements);
    let found = all_of(folder.path(), &[&format!("{schema}.people"), "--from", &url]);
    execute(&url, format!("DROP SCHEMA {schema} CASCADE"));
    assert_eq!(found, in_memory, "PostgreSQL");
}

fn execute(url: &str, statements: String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&statements).await.unwrap();
    });
}

#[test]
fn a_database_that_cannot_be_read_says_so() {
    let folder = folder(CONFIG);
    let database = rusqlite::Connection::open(folder.path().join("people.db")).unwrap();
    database.execute_batch("CREATE TABLE people (age TEXT, place TEXT, sex TEXT); INSERT INTO people VALUES ('TOP-SECRET', 'x', 'y')").unwrap();
    let from = |from: &str, table: &str| refused(folder.path(), &[table, "safe.csv", "--from", from]);
    let missing = from("sqlite:people.db", "people");
    assert!(missing.contains("'diagnosis' is missing (found: age, place, sex)"), "{missing}");
    assert!(from("sqlite:people.db", "nobody").contains("nobody"));
    assert!(from("sqlite:nowhere.db", "people").contains("nowhere.db"));
    assert!(!folder.path().join("nowhere.db").exists(), "nothing is made");
    assert!(from("oracle:x", "people").contains("postgres://"));
    let away = from("postgres://nobody:TOP-SECRET@127.0.0.1:1/x", "people");
    assert!(away.contains("cannot connect to PostgreSQL") && !away.contains("TOP-SECRET"), "{away}");
    database.execute_batch("ALTER TABLE people ADD COLUMN diagnosis TEXT").unwrap();
    let wrong = from("sqlite:people.db", "people");
    assert!(wrong.contains("column 'age'") && !wrong.contains("TOP-SECRET"), "{wrong}");
}

/// The program that reads and writes Parquet, where it was built (`cargo xtask test` builds it).
fn parquet() -> Option<std::path::PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heavy/target/release/musubi-parquet");
    let found = std::env::var_os("MUSUBI_PARQUET").map_or(beside, std::path::PathBuf::from);
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "musubi-parquet is not built in CI");
    println!(
        "needs musubi-parquet: cargo build --release --manifest-path heavy/Cargo.toml, or cargo xtask test"
    );
    None
}

#[test]
fn parquet_in_and_out_is_the_same_table() {
    let folder = folder(CONFIG);
    let at = |name: &str| folder.path().join(name);
    let Some(program) = parquet() else { return };
    let with = |more: &[&str]| {
        let mut command = super::musubi();
        command.current_dir(folder.path()).env("MUSUBI_PARQUET", &program);
        command.args(["--config", "config.toml"]).args(more).output().unwrap()
    };
    let csv: String = fs::read_to_string(at("people.csv")).unwrap().replace(';', ",");
    let mut child = std::process::Command::new(&program)
        .arg("from-csv")
        .arg(at("people.parquet"))
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), csv.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());

    good(&with(&["people.csv", "safe.csv"]));
    good(&with(&["people.parquet", "again.csv", "--memory", "1"]));
    let plain = fs::read_to_string(at("safe.csv")).unwrap().replace(';', ",");
    assert_eq!(fs::read_to_string(at("again.csv")).unwrap(), plain);
    good(&with(&["people.parquet", "safe.parquet"]));
    let back = std::process::Command::new(&program).arg("to-csv").arg(at("safe.parquet")).output().unwrap();
    assert_eq!(String::from_utf8(back.stdout).unwrap(), plain);

    fs::write(at("broken.parquet"), "not one").unwrap();
    let broken = with(&["broken.parquet", "nothing.csv"]);
    assert!(!broken.status.success() && !at("nothing.csv").exists());
    assert!(String::from_utf8_lossy(&broken.stderr).contains("not a Parquet file"));
}

#[test]
fn without_the_program_it_is_said_how_to_have_it() {
    let folder = folder(CONFIG);
    fs::write(folder.path().join("people.parquet"), "x").unwrap();
    let mut command = super::musubi();
    command.current_dir(folder.path()).env("MUSUBI_PARQUET", folder.path().join("nowhere"));
    let output = command.args(["--config", "config.toml", "people.parquet", "safe.csv"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && told.contains("musubi-parquet") && told.contains("heavy/Cargo.toml"),
        "{told}"
    );
}
