//! `docs/protocol/vectors/answer.json`, computed again. `UPDATE_VECTORS=1` writes it.

use protocol::inquiry::Answer;
use rules::Defaults;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[test]
fn padded_answers() {
    let house = Defaults::house();
    let answered = |content: &str| Answer::Answered {
        content: RawValue::from_string(content.to_owned()).unwrap(),
        as_of: None,
    };
    let long = format!(r#"{{"remarks":"{}"}}"#, "あ".repeat(3000));
    let answers = [
        Answer::NotAnswered,
        answered(r#"{"income":3200000,"year":"令和7年"}"#),
        answered(r#"{ "spaces": "are kept" }"#),
        answered(&long),
    ];
    let line = |answer: &Answer| {
        let mut padded = answer.prefixed();
        padded.resize(house.size_class(padded.len()), 0);
        let json = serde_json::to_string(answer).unwrap();
        assert_eq!(serde_json::to_string(&Answer::unpad(&padded).unwrap()).unwrap(), json);
        json!({
            "json": if json.len() < 200 { Value::from(json.as_str()) } else { Value::Null },
            "json_bytes": json.len(),
            "json_sha256": words::hex(&seal::sha256(json.as_bytes())),
            "padded_bytes": padded.len(),
            "padded_sha256": words::hex(&seal::sha256(&padded)),
        })
    };
    let computed = json!({ "answers": answers.iter().map(line).collect::<Vec<_>>() });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors/answer.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(file, serde_json::to_string_pretty(&computed).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(computed, kept);
}
