//! Every alteration of a message.

use serde_json::{Value, json};

/// A value of the same shape that is another. What names somebody or something names another that is there.
fn another(field: &str, value: &Value) -> Option<Value> {
    Some(match value {
        Value::Number(number) => json!(number.as_i64()? + 1),
        Value::Bool(set) => json!(!set),
        Value::String(text) => match (field, text.as_str()) {
            ("from" | "to" | "party", one) => json!(if one == "pension" { "tax" } else { "pension" }),
            ("affair", _) => json!("pension-benefit"),
            ("item", _) => json!("wealth"),
            ("right", _) => json!("emergency"),
            ("staff" | "department", _) => json!("another"),
            // Another's, of a day on which there was none.
            (_, session) if session.starts_with("sc/v1/") => json!("sc/v1/pension/20200101/1"),
            // A changed point is one of the curve or none, as it falls: what comes of either is tried by name elsewhere.
            ("commitment" | "code" | "key" | "domain", _) => return None,
            (at, _) if at.parse::<usize>().is_ok() => return None,
            (_, word) => {
                let flipped = if word.starts_with('A') { "B" } else { "A" };
                json!(format!("{flipped}{}", word.get(1..)?))
            }
        },
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    })
}

fn other_type(value: &Value) -> Value {
    match value {
        Value::String(_) => json!(7),
        Value::Array(_) => json!("x"),
        Value::Object(_) => json!([]),
        Value::Number(_) | Value::Bool(_) | Value::Null => json!({ "x": 1 }),
    }
}

/// Every alteration: where, how, and the altered tree.
pub(super) fn alterations(tree: &Value, twin: &Value) -> Vec<(String, &'static str, Value)> {
    let mut all = Vec::new();
    walk(tree, "", &mut |pointer, value| {
        let set = |to: Value| {
            let mut altered = tree.clone();
            *altered.pointer_mut(pointer).unwrap() = to;
            altered
        };
        let field = pointer.rsplit('/').next().unwrap_or_default();
        let (parent, is_field) = match pointer.rsplit_once('/') {
            Some((parent, _)) => (parent, tree.pointer(parent).is_some_and(Value::is_object)),
            None => ("", false),
        };
        let mut add = |how, altered| all.push((pointer.to_owned(), how, altered));
        if field == "jws" {
            // The signature itself, and another act's statement in place of this one's.
            let text = value.as_str().unwrap();
            let (rest, signature) = text.rsplit_once('.').unwrap();
            add(
                "signature altered",
                set(another("", &json!(signature))
                    .map(|one| json!(format!("{rest}.{}", one.as_str().unwrap())))
                    .unwrap()),
            );
            let mut altered = tree.clone();
            *altered.pointer_mut(parent).unwrap() = twin.pointer(parent).unwrap().clone();
            all.push((pointer.to_owned(), "another act's", altered));
            return;
        }
        if field == "payload" {
            let mut altered = value.clone();
            altered["surprise"] = json!(1);
            add("unknown field", set(altered));
            return;
        }
        if is_field {
            let mut altered = tree.clone();
            altered.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field);
            add("dropped", altered);
        }
        if !pointer.is_empty() && value.get("jws").is_none() {
            add("another type", set(other_type(value)));
            if let Some(one) = another(field, value) {
                add("another value", set(one));
            }
            if let Some(theirs) = twin.pointer(pointer).filter(|theirs| *theirs != value) {
                add("another act's", set(theirs.clone()));
            }
        }
        match value {
            Value::Array(parts) => {
                add("emptied", set(json!([])));
                add("doubled", set([parts.clone(), parts.clone()].concat().into()));
                if parts.len() > 1 {
                    add("reversed", set(parts.iter().rev().cloned().collect()));
                }
            }
            Value::Object(_) if value.get("jws").is_none() => {
                let mut altered = value.clone();
                altered["surprise"] = json!(1);
                add("unknown field", set(altered));
            }
            _ => {}
        }
    });
    all
}

fn walk(value: &Value, pointer: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(pointer, value);
    match value {
        Value::Object(all) => {
            all.iter().for_each(|(name, one)| walk(one, &format!("{pointer}/{name}"), visit))
        }
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(at, one)| walk(one, &format!("{pointer}/{at}"), visit));
        }
        _ => {}
    }
}
