//! A thief with the files and keys of one room, or of two, links nobody; the same attack links everybody of a country that
//! keeps one internal code at every institution (scheme 5), and everybody where both transcryptors and the institutions'
//! own databases are stolen together.

use std::collections::HashMap;
use std::path::Path;

use musubi::attack::{Outcome, steal};
use musubi::demo_run::{ask_and_answer, build};
use seal::{Dice, KeyFolder};
use world::{Stopwatch, World};

use crate::ground::args;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// Makes a country's databases what scheme 5's would be: each institution keeps a person under the same code, sealed and
/// indexed under its own key as ever.
fn to_scheme_five(folder: &Path) {
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let whose: HashMap<(&str, &str), u64> = truth["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| {
            Some(((row["institution"].as_str()?, row["number"].as_str()?), row["resident"].as_u64()?))
        })
        .collect();
    let mut code_of: HashMap<u64, Vec<u8>> = HashMap::new();
    for id in demo::Institution::ALL.map(demo::Institution::as_str) {
        let dice = Dice::new(|buffer| World::real().fill(buffer));
        let key = KeyFolder::new(folder.join(id).join("keys")).storage(&dice, false).unwrap();
        let database = rusqlite::Connection::open(folder.join(format!("{id}/{id}.db"))).unwrap();
        let mut select = database
            .prepare("SELECT customer_index, number, code FROM customer WHERE code IS NOT NULL")
            .unwrap();
        let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for (index, number, code) in rows {
            let number = key.open("customer", &index, "number", &number).unwrap();
            let code = key.open("customer", &index, "code", &code).unwrap();
            let Some(resident) = whose.get(&(id, std::str::from_utf8(&number).unwrap())) else { continue };
            let same = code_of.entry(*resident).or_insert(code).clone();
            let sealed = key.seal("customer", &index, "code", &same);
            let sql = "UPDATE customer SET code = ?2, code_index = ?3 WHERE customer_index = ?1";
            database.execute(sql, rusqlite::params![index, sealed, key.index("link-code", &same)]).unwrap();
        }
    }
}

fn of<'a>(outcomes: &'a [Outcome], stolen: &[&str]) -> &'a Outcome {
    outcomes.iter().find(|one| stolen.iter().all(|id| one.stolen.iter().any(|room| room == id))).unwrap()
}

fn institutions(outcome: &Outcome) -> bool {
    outcome.stolen.iter().all(|id| demo::Institution::named(id).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_of_two_rooms_links_nobody_and_of_scheme_five_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let (args, watch) = (args(folder.path(), 300), Stopwatch::start());
    let ready = build(&args, &watch).await.unwrap();
    let (_, stage, services) = ask_and_answer(ready, &args, &watch).await.unwrap();
    stage.stop().await;
    drop(services);

    let found = steal(folder.path()).await.unwrap();
    let rooms = demo::Institution::ALL.len() + 7;
    assert_eq!((found.alone.len(), found.pairs.len()), (rooms, rooms * (rooms - 1) / 2));
    for one in found.alone.iter().chain(&found.pairs) {
        assert_eq!(one.unopened, 0, "the thief has the keys, and opens everything: {one:?}");
        assert_eq!(one.linked, 0, "{one:?}");
        assert_eq!(one.unnamed_named, 0, "the portal's codes stay without names: {one:?}");
        assert_eq!(one.foreign_numbers, 0, "{one:?}");
        let both = ["linkage", "trustee"].iter().all(|id| one.stolen.iter().any(|room| room == id));
        assert_eq!(one.unnamed_at_two > 0, both, "{one:?}");
    }
    // What no system escapes, and what the registry must know.
    assert!(of(&found.pairs, &["town", "tax"]).by_name_and_birth > 20);
    assert!(found.registry_knows_at_two > 50 && found.portal_knows_acts_of_one > 50);
    // One transcryptor's secrets help nobody; both and the institutions' databases link everybody, with a register's help
    // by name: the attack can find what is there.
    for one in &found.more {
        let all = one.stolen.len() == 4;
        assert_eq!(one.linked > 0, all, "{one:?}");
        if all {
            assert!(one.possible > 20 && one.linked == one.possible, "{one:?}");
        }
    }
    assert!(of(&found.more, &["linkage", "trustee", "registry"]).codes_named > 100);

    // The positive control.
    let lab = tempfile::tempdir().unwrap();
    copy(folder.path(), lab.path());
    to_scheme_five(lab.path());
    let found = steal(lab.path()).await.unwrap();
    let mut people = 0;
    for one in found.pairs.iter().filter(|one| institutions(one)) {
        // Fewer than three right claims of as many are beyond no doubt, however surely they are right.
        assert!(one.linked == one.possible || one.possible < 3, "{one:?}");
        people += one.linked;
    }
    assert!(people > 500, "{people}");
}
