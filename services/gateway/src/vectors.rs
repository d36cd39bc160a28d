//! `docs/protocol/vectors/commitment.json`, computed again. `UPDATE_VECTORS=1` writes it.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use protocol::inquiry::Answer;

#[test]
fn commitments_to_content() {
    let line = |salt: u8, content: &str| {
        let salt = [salt; 32];
        let answer =
            Answer::Answered { content: RawValue::from_string(content.to_owned()).unwrap(), as_of: None };
        json!({"salt": words::hex(&salt), "content": content, "commitment": answer.commitment(&salt)})
    };
    let income = r#"{"income":3200000,"year":"令和7年"}"#;
    let computed = json!({ "commitments": [line(1, income), line(2, income), line(1, "null")] });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors/commitment.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(file, serde_json::to_string_pretty(&computed).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(computed, kept);
}
