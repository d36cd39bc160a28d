//! `docs/protocol/vectors/act-ids.json`, computed again. `UPDATE_VECTORS=1` writes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use serde_json::{Value, json};
use words::{ActId, Date, Moment, PartyId, SessionName};

fn agree(name: &str, computed: &Value) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors/").to_owned() + name;
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(computed).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(*computed, kept, "{name}");
}

#[test]
fn act_ids_and_session_names() {
    let random: [u8; 16] = std::array::from_fn(|at| u8::try_from(at * 17).unwrap());
    let batch = ActId::batch(random);
    let rows: Vec<_> = [0u32, 1, 255, 256, 499]
        .iter()
        .map(|row| json!({"row": row, "id": batch.row(*row), "hex": words::hex(batch.row(*row).bytes())}))
        .collect();
    // 2026-11-22 23:59:59 in Japan, and one second later.
    let evening = Moment(1_795_359_599_000);
    let town = PartyId::parse("town").unwrap();
    let session = |at: Moment| json!({"at_ms": at, "name": SessionName::new(&town, at.date_in_japan(), 7)});
    assert_eq!(evening.date_in_japan(), Date::new(2026, 11, 22).unwrap());
    agree(
        "act-ids.json",
        &json!({
            "random": words::hex(&random),
            "act": ActId::new(random),
            "batch": batch,
            "rows": rows,
            "sessions_of_town_number_7": [session(evening), session(evening.plus_ms(1000))],
        }),
    );
}
