//! `docs/protocol/vectors/size-classes.json`, computed again. `UPDATE_VECTORS=1` writes it.

use rules::Defaults;
use serde_json::{Value, json};

#[test]
fn size_classes_and_time_steps() {
    let house = Defaults::house();
    let lengths = [0, 1, 4096, 4097, 16_384, 16_385, 65_536, 65_537, 262_144, 262_145, 1_048_577];
    let elapsed = [0, 1, 250, 251, 500, 501, 1_000, 7_999, 8_001];
    let computed = json!({
        "size_classes": lengths.map(|length| json!({"bytes": length, "class": house.size_class(length)})),
        "time_steps": elapsed.map(|ms| json!({"elapsed_ms": ms, "leaves_at_ms": house.time_step(ms)})),
    });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors/size-classes.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(file, serde_json::to_string_pretty(&computed).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(computed, kept);
}
