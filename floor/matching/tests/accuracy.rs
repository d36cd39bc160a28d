//! What the matcher must reach, on an exercise made for this run and on the public one. Both need the data pack.

#[path = "../examples/match_figures/files.rs"]
#[allow(dead_code)]
mod files;

use matching::exercise::{Plan, exercise, score};
use matching::{Attributes, Decision, History, Places, Register, Settings};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The folder with the data pack; `None` after saying so when it is not there.
fn packs() -> Option<PathBuf> {
    let beside =
        || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).map(|folder| folder.join("shared"));
    let packs = std::env::var_os("MUSUBI_PACKS").map(PathBuf::from).or_else(beside);
    let found = packs.filter(|packs| packs.join("jp/pack/municipality_merges.csv").exists());
    if found.is_none() {
        println!("needs pack: set MUSUBI_PACKS to the folder that holds jp/pack");
    }
    found
}

fn places(mergers: &[(String, String, String)]) -> Places {
    let mut places = Places::default();
    mergers.iter().for_each(|(prefecture, old, new)| places.add_merger(prefecture, old, new));
    places
}

#[test]
fn an_exercise_of_our_own_is_solved() {
    let Some(packs) = packs() else { return };
    let material = files::material(&packs).unwrap();
    let made = exercise(&material, Plan { seed: 2_026, residents: 10_000, customers: 3_000, absent: 360 });
    let mut register = Register::in_places(places(&material.mergers));
    let residents = made.residents.iter().cloned();
    register
        .extend((0..).zip(residents).map(|(index, (attributes, history))| (index, attributes, history)), 2);
    let attributes: Vec<Attributes> =
        made.customers.iter().map(|customer| customer.attributes.clone()).collect();
    let institutions: Vec<u64> = made.customers.iter().map(|customer| customer.institution).collect();
    let decisions = register.decide_all(&attributes, &institutions, Settings { threads: 2, learn: true });
    let score = score(&made, &decisions);
    assert!(score.wrong <= 1 && score.absent_linked <= 1, "{score:?}");
    assert!(score.recall >= 0.91 && score.review <= 0.085 && score.recall_after_review >= 0.99, "{score:?}");

    let alone = register.decide_all(&attributes, &institutions, Settings { threads: 1, learn: true });
    assert_eq!(decisions, alone, "the number of threads must not matter");
}

#[test]
fn the_public_exercise_is_solved() {
    let Some(packs) = packs() else { return };
    let rows = |name: &str| -> Vec<HashMap<String, String>> {
        csv::Reader::from_path(packs.join("jp/pairs").join(name))
            .unwrap()
            .deserialize()
            .map(Result::unwrap)
            .collect()
    };
    let text = |row: &HashMap<String, String>, column: &str| row.get(column).cloned().unwrap_or_default();
    let some = |text: String| (!text.is_empty()).then_some(text);
    let mut histories: HashMap<String, History> = HashMap::new();
    for row in rows("register_history.csv") {
        let history = histories.entry(row["person_id"].clone()).or_default();
        match row["kind"].as_str() {
            "former_surname" => history.surnames.push((text(&row, "value"), some(text(&row, "kana")))),
            _ => history.addresses.push(text(&row, "value")),
        }
    }
    let attributes = |row: &HashMap<String, String>, birth: &str| Attributes {
        name: text(row, "name"),
        kana: some(text(row, "kana")),
        address: text(row, "address"),
        birth: text(row, birth),
        sex: text(row, "sex"),
    };
    let material = files::material(&packs).unwrap();
    let mut register = Register::in_places(places(&material.mergers));
    let mut ids: Vec<String> = Vec::new();
    let mut residents = Vec::new();
    for row in rows("register.csv") {
        let mut history = histories.remove(&row["person_id"]).unwrap_or_default();
        history.names.extend(some(text(&row, "tsusho")).map(|name| (name, None)));
        residents.push((ids.len() as u64, attributes(&row, "birth_date"), history));
        ids.push(row["person_id"].clone());
    }
    register.extend(residents, 2);
    let queries = rows("queries.csv");
    let customers: Vec<Attributes> = queries.iter().map(|row| attributes(row, "birth")).collect();
    let truth: HashMap<String, String> =
        rows("truth.csv").into_iter().map(|row| (text(&row, "query_id"), text(&row, "person_id"))).collect();
    let (mut right, mut wrong) = (0, 0);
    let decisions = register.decide_all(&customers, &[], Settings { threads: 2, learn: true });
    for (row, decision) in queries.iter().zip(&decisions) {
        if let Decision::Link(found) = decision {
            let agrees = truth[&row["query_id"]] == ids[found.resident as usize];
            right += usize::from(agrees);
            wrong += usize::from(!agrees);
        }
    }
    let inside = truth.values().filter(|person| !person.is_empty()).count();
    assert_eq!(wrong, 0);
    assert!(right * 100 >= inside * 92, "{right} of {inside}");
}
