//! Each room's OpenAPI document against its table of routes, and against what stands in `docs/protocol/openapi/`.
//! `UPDATE_SNAPSHOTS=1` writes the files anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::BTreeSet;
use std::path::Path;

use musubi::openapi_command::documents;
use musubi::rooms::ROOMS;
use serde_json::{Value, json};
use wire::{Content, Side};
use words::Reason;

fn document(room: &str) -> Value {
    let room = ROOMS.iter().find(|one| one.name() == room).unwrap();
    wire::openapi(room.name(), &room.table(), &protocol::payloads())
}

#[test]
fn the_written_documents_are_those_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol/openapi");
    let documents = documents();
    assert_eq!(documents.len(), 8);
    for (room, now) in &documents {
        let file = folder.join(format!("{room}.json"));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, now).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        for (now, written) in now.lines().zip(written.lines()) {
            assert_eq!(
                now, written,
                "{room}: UPDATE_SNAPSHOTS=1 writes the documents anew; look at what changes"
            );
        }
        assert_eq!(*now, written, "{room}");
    }
    let files: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(files, documents.iter().map(|(room, _)| format!("{room}.json")).collect::<BTreeSet<_>>());
}

#[test]
fn every_route_stands_in_its_document_once_and_nothing_else_does() {
    for room in ROOMS {
        let document = document(room.name());
        let mut listed = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
                let side = operation["tags"][0].as_str().unwrap().to_owned();
                // A fragment is never sent: what the client asks for is the path before it.
                let path = path.split('#').next().unwrap().to_owned();
                assert!(listed.insert((side, method.to_uppercase(), path)), "{} {method}", room.name());
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
                // OpenAPI 3.1 §4.8.7: every variable of a path is a parameter.
            }
        }
        let table: BTreeSet<_> = room
            .table()
            .iter()
            .map(|line| {
                let path = line.path.replace("{*", "{");
                (line.side.as_str().to_owned(), line.method.to_string(), path)
            })
            .collect();
        assert_eq!(listed, table, "{}", room.name());
    }
}

#[test]
fn every_variable_of_a_path_is_a_parameter() {
    for room in ROOMS {
        for (path, item) in document(room.name())["paths"].as_object().unwrap() {
            let wanted: BTreeSet<&str> =
                path.split('{').skip(1).map(|part| part.split('}').next().unwrap()).collect();
            for (_, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
                let none = Vec::new();
                let named: BTreeSet<&str> = operation["parameters"]
                    .as_array()
                    .unwrap_or(&none)
                    .iter()
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().unwrap())
                    .collect();
                assert_eq!(named, wanted, "{} {path}", room.name());
            }
        }
    }
}

#[test]
fn every_route_but_pages_says_what_it_does_takes_and_gives() {
    for room in ROOMS {
        for line in room.table().iter().filter(|line| line.side != Side::Pages) {
            let what = format!("{} {} {}", room.name(), line.method, line.path);
            assert!(line.about.says.iter().all(|says| !says.is_empty()), "{what} does not say what it does");
            assert!(!line.about.gives.is_empty(), "{what} does not say what it gives");
            let takes = line.about.takes.is_some();
            assert_eq!(
                takes,
                line.method.as_str() == "POST",
                "{what}: a POST says what it takes, a GET takes nothing"
            );
            if let Some(Content::Media(media)) = line.about.takes {
                assert!(media.contains('/'), "{what}: {media}");
            }
        }
    }
}

fn each_reference(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if let ("$ref", Some(to)) = (name.as_str(), field.as_str()) {
                    visit(to);
                }
                each_reference(field, visit);
            }
        }
        Value::Array(all) => all.iter().for_each(|one| each_reference(one, visit)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    for room in ROOMS {
        let document = document(room.name());
        let mut used = BTreeSet::new();
        each_reference(&document, &mut |to| {
            let pointer = to.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{}: {to}", room.name());
            used.insert(to.to_owned());
        });
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(used.contains(&format!("#/components/schemas/{name}")), "{}: {name}", room.name());
        }
        assert!(used.len() > 3);
    }
}

#[test]
fn security_and_callers_are_those_of_the_table() {
    for room in ROOMS {
        let document = document(room.name());
        for line in room.table() {
            let plain = line.path.replace("{*", "{");
            let find = |key: &str| {
                let operation = &document["paths"][key][line.method.as_str().to_lowercase()];
                (operation["tags"][0] == line.side.as_str()).then_some(operation)
            };
            let operation =
                find(&plain).or_else(|| find(&format!("{plain}#{}", line.side.as_str()))).unwrap();
            assert_eq!(operation["x-musubi-who"], line.who.describe());
            assert_eq!(operation["x-musubi-largest-body"], line.limit);
            let scheme = match (line.who, line.side) {
                (wire::Who::Anyone, _) => json!([]),
                (_, Side::Outer) => json!([{ "certificate": [] }]),
                (_, Side::Inner) => json!([{ "key": [] }]),
                (_, Side::Pages) => json!([{ "session": [] }]),
                (who, Side::Public) => panic!("{who:?} on the public side"),
            };
            assert_eq!(operation["security"], scheme, "{} {}", room.name(), line.path);
        }
    }
}

/// The OpenAPI Initiative's own schema of 3.1 documents takes each of ours, and refuses what is none.
#[test]
fn every_document_is_one_of_openapi() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/openapi-3.1.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let judge = jsonschema::draft202012::new(&schema).unwrap();
    for room in ROOMS {
        let document = document(room.name());
        let faults: Vec<String> =
            judge.iter_errors(&document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", room.name());
        let changes: [fn(&mut Value); 4] = [
            |document| document["openapi"] = json!("3.0.0"),
            |document| document["info"]["license"] = json!({}),
            |document| document["paths"]["/health"]["get"]["responses"]["default"]["description"] = json!(1),
            |document| document["components"]["securitySchemes"]["key"]["type"] = json!("secret"),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = document.clone();
            change(&mut changed);
            assert!(!judge.is_valid(&changed), "{}: change {number} is taken", room.name());
        }
    }
}

/// What is signed has a schema under its `typ` in every room's document; what the vectors have signed fits.
#[test]
fn signed_messages_are_described_by_their_type() {
    let of_protocol: BTreeSet<&str> = protocol::payloads().iter().map(|(typ, _)| *typ).collect();
    assert!(of_protocol.len() >= 13 && of_protocol.contains("musubi-inquiry+jws"), "{of_protocol:?}");
    for room in ROOMS {
        let document = document(room.name());
        let listed: BTreeSet<&str> =
            document["x-musubi-payloads"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(listed, of_protocol, "{}", room.name());
    }
}

/// X-Road's headers and its own shape of refusal stand at its routes, and nowhere else.
#[test]
fn x_roads_headers_and_errors_are_described() {
    let document = document("gateway");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
            let refusal = operation["responses"]["default"].to_string();
            assert_eq!(refusal.contains("XRoadError"), path.starts_with("/r1/"), "{method} {path}");
            let client = operation["parameters"].as_array().is_some_and(|all| {
                all.iter().any(|one| one["name"] == "X-Road-Client" && one["required"] == true)
            });
            assert_eq!(client, path.starts_with("/r1/"), "{method} {path}");
        }
    }
    let witness = &document_of_witness()["paths"]["/ledger/add-checkpoint"]["post"]["responses"];
    assert!(witness["409"]["content"].get("text/x.tlog.size").is_some() && witness.get("422").is_some());
}

fn document_of_witness() -> Value {
    document("oversight")
}

/// The schema of that name in a room's document, with everything it refers to.
fn validator(room: &str, name: &str) -> jsonschema::Validator {
    let document = document(room);
    assert!(document["components"]["schemas"].get(name).is_some(), "{room} has no {name}");
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{name}"),
        "components": document["components"],
    });
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn every_problem_fits_its_schema_and_no_other_reason_does() {
    let problems = validator("linkage", "ProblemBody");
    for reason in Reason::ALL {
        let body = serde_json::to_value(wire::Problem::with(*reason, "where").body()).unwrap();
        assert!(problems.is_valid(&body), "{body}");
    }
    let mut other = serde_json::to_value(wire::Problem::new(Reason::Expired).body()).unwrap();
    other["reason"] = json!("because");
    assert!(!problems.is_valid(&other));
}

/// Messages as they travel, each with changes that make it another: the schema takes the first and refuses the rest.
#[test]
fn messages_fit_their_schemas_and_changed_ones_do_not() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol/vectors");
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(vectors.join(name)).unwrap()).unwrap()
    };
    let (ids, jws) = (read("act-ids.json"), read("jws.json"));
    let (act, signed) = (ids["act"].clone(), jws["messages"][0]["jws"].clone());
    let hash = "A".repeat(43);
    let code = "A".repeat(86);
    let row = json!({ "customer": "1", "affair": "child-allowance", "item": "income", "provider": "tax" });
    let cases: [(&str, &str, Value); 12] = [
        (
            "gateway",
            "Ask",
            json!({ "id": act, "customer": "1", "affair": "a", "item": "i", "provider": "tax" }),
        ),
        ("gateway", "Told", json!({ "id": act, "content": { "income": 1, "year": "令和7年" } })),
        ("gateway", "Waiting", json!({ "id": act, "until": 1_790_000_000_000_i64 })),
        ("gateway", "AskMany", json!({ "id": ids["batch"], "rows": [row] })),
        ("gateway", "ToProvider", json!({ "inquiry": signed, "hops": [signed, signed], "code": code })),
        ("linkage", "ToLinkage", json!({ "inquiry": signed })),
        (
            "linkage",
            "IssueToLinkage",
            json!({ "order": null, "rows": signed, "codes": [code], "index": [], "status": hash }),
        ),
        ("trustee", "AskShare", json!({ "session": "sc/v1/town/20261122/1" })),
        (
            "registry",
            "Change",
            json!({ "entry": "1", "kind": "move", "day": "2026-11-22", "attributes": null }),
        ),
        ("oversight", "OpenCase", json!({ "kind": "guard_mismatch", "act": act, "at": 1 })),
        ("oversight", "Reconcile", json!({ "from": null, "to": 5 })),
        ("portal", "AskMyRecords", json!({ "assertion": signed, "look": signed })),
    ];
    for (room, name, message) in cases {
        let schema = validator(room, name);
        let faults: Vec<String> = schema.iter_errors(&message).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{room} {name}: {faults:?}");
        let fields = message.as_object().unwrap();
        let mut more = fields.clone();
        more.insert("unknown".into(), json!(1));
        assert!(!schema.is_valid(&Value::from(more)), "{name}: an unknown field is taken");
        for (field, value) in fields {
            let mut changed = fields.clone();
            // What may be anything stays; everything else is of another kind now.
            changed.insert(field.clone(), json!({ "other": true }));
            if field != "content" {
                assert!(!schema.is_valid(&Value::from(changed)), "{name}: `{field}` takes an object");
            }
            if !value.is_null() && !matches!((name, field.as_str()), ("Ask", "id") | ("Reconcile", _)) {
                let mut without = fields.clone();
                without.remove(field);
                assert!(!schema.is_valid(&Value::from(without)), "{name}: `{field}` may be left out");
            }
        }
    }
    for (room, name, wrong) in [
        ("gateway", "ActId", "ABEiM0RVZneImaq7zN3u_"),
        ("gateway", "ActId", "ABEiM0RVZneImaq7zN3u_x"),
        ("gateway", "PartyId", "Tax"),
        ("gateway", "EncryptedCode", "AAAA"),
        ("gateway", "Jws", "a.b"),
        ("registry", "Date", "2026-13-01"),
        ("trustee", "SessionName", "sc/v1/town/2026/1"),
    ] {
        assert!(!validator(room, name).is_valid(&json!(wrong)), "{name} takes {wrong}");
    }
}
