//! `docs/protocol/vectors/leaf.json`, computed again. `UPDATE_VECTORS=1` writes it.

use road::{Record, leaf_hash};
use serde_json::{Value, json};

#[test]
fn leaves() {
    let mut decision = Record::new();
    decision
        .set("verb", "inquire")
        .set("step", "decision")
        .set("at", 1_795_359_599_000_i64)
        .set("act", "ABEiM0RVZneImaq7zN3u_w")
        .set("caller", "town")
        .set("decision", "permitted")
        .set("basis", "番号法第十九条第八号")
        .set("right", "law");
    let mut escapes = Record::new();
    escapes.set("b", "quote \" backslash \\ line\n tab\t").set("a", Value::Null).set("ä", [1, 2]);
    let leaf = |salt: u8, record: &Record| {
        let (salt, canonical) = ([salt; 32], record.canonical());
        json!({
            "salt": words::hex(&salt),
            "canonical": String::from_utf8(canonical.clone()).unwrap(),
            "leaf": words::hex(&leaf_hash(&salt, &canonical)),
        })
    };
    let computed = json!({ "leaves": [leaf(1, &decision), leaf(2, &decision), leaf(1, &escapes), leaf(0, &Record::new())] });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors/leaf.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(file, serde_json::to_string_pretty(&computed).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(computed, kept);
}
