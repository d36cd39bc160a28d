//! What a room tells its operator and its neighbours' developers: health, figures, its OpenAPI document, traces.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use musubi::demo_run::{DemoArgs, build};
use protocol::desk::{Health, HealthState, Trouble};
use serde_json::{Value, json};
use wire::{InnerClient, InnerKey, Side};
use world::Stopwatch;

use crate::ground::{Ground, args};
use crate::http::{Answer, send};

const WITHIN: Duration = Duration::from_secs(30);

fn key(ground: &Ground, id: &str, role: &str) -> InnerKey {
    InnerKey::read(&ground.folder.path().join(id).join(format!("keys/{role}.key"))).unwrap()
}

fn inner(ground: &Ground, id: &str, role: &str) -> InnerClient {
    InnerClient::new(ground.room(id).inner, &key(ground, id, role))
}

/// One request to a room's inner side, off the async threads.
async fn call(
    ground: &Ground,
    id: &str,
    role: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let (at, bearer) = (ground.room(id).inner.to_string(), key(ground, id, role).bearer());
    let own = |text: &str| text.to_owned();
    let (method, path, body) = (own(method), own(path), own(body));
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| (own(name), own(value))).collect();
    tokio::task::spawn_blocking(move || {
        let mut all = vec![("Authorization", bearer.as_str())];
        all.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        send(&at, &method, &path, &all, &body)
    })
    .await
    .unwrap()
}

/// A reader of the text format 0.0.4: families with type and help before their figures, no figure twice.
fn read_figures(text: &str) -> BTreeMap<(String, BTreeMap<String, String>), f64> {
    let (mut typed, mut helped) = (BTreeMap::new(), Vec::new());
    let mut figures = BTreeMap::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(matches!(kind, "counter" | "gauge"), "{line}");
            assert!(kind != "counter" || name.ends_with("_total"), "{line}");
            assert!(typed.insert(name.to_owned(), kind).is_none(), "{line}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped.push(rest.split_once(' ').unwrap().0.to_owned());
            continue;
        }
        let (what, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = what.split_once('{').unwrap_or((what, "}"));
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
        assert!(typed.contains_key(name) && helped.contains(&name.to_owned()), "{line}");
        let mut labelled = BTreeMap::new();
        let mut rest = labels;
        while let Some((label, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap();
            assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
            assert!(labelled.insert(label.to_owned(), value.to_owned()).is_none(), "{line}");
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        assert_eq!(rest, "}", "{line}");
        let value: f64 = value.parse().unwrap();
        assert!(figures.insert((name.to_owned(), labelled), value).is_none(), "{line}");
    }
    figures
}

fn sum(
    figures: &BTreeMap<(String, BTreeMap<String, String>), f64>,
    name: &str,
    labels: &[(&str, &str)],
) -> f64 {
    let has = |all: &BTreeMap<String, String>| {
        labels.iter().all(|(label, value)| all.get(*label).map(String::as_str) == Some(value))
    };
    figures.iter().filter(|((one, all), _)| one == name && has(all)).map(|(_, value)| value).sum()
}

/// A collector of a few lines: keeps the bodies it is posted.
fn collector() -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut bytes, mut part) = (stream.unwrap(), Vec::new(), [0; 65_536]);
            let body = loop {
                let read = stream.read(&mut part).unwrap();
                bytes.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
                let lower = head.to_ascii_lowercase();
                let length: usize =
                    lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
                if body.len() >= length {
                    break body.to_owned();
                }
            };
            keep.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
        }
    });
    (url, taken)
}

/// Checks the shape of every batch (OTLP JSON encoding) and gives the spans by room.
fn spans_of(taken: &[Value]) -> Vec<(String, Value)> {
    let mut spans = Vec::new();
    for request in taken {
        for resource in request["resourceSpans"].as_array().unwrap() {
            let name = resource["resource"]["attributes"][0]["value"]["stringValue"].as_str().unwrap();
            for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
                let hex = |field: &str, digits: usize| {
                    let text = span[field].as_str().unwrap();
                    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
                };
                assert!(hex("traceId", 32) && hex("spanId", 16), "{span}");
                let nanos = |field: &str| span[field].as_str().unwrap().parse::<u128>().unwrap();
                assert!(nanos("endTimeUnixNano") >= nanos("startTimeUnixNano"), "{span}");
                spans.push((name.to_owned(), span.clone()));
            }
        }
    }
    spans
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_leaves_figures_traces_and_documents_that_agree_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (url, taken) = collector();
    let with = DemoArgs { otlp: Some(url), ..args(folder.path(), 200) };
    let ready = build(&with, &Stopwatch::start()).await.unwrap();
    let ground = Ground { folder, ready };
    let [number, _] = ground.two_at_town_and_tax();
    taken.lock().unwrap().clear();

    let ask = json!({ "customer": number, "affair": "child-allowance", "item": "income", "provider": "tax" });
    let told: Value = inner(&ground, "town", "clerk").post("/inquiries", &ask, WITHIN).await.unwrap();
    asked_by_x_road(&ground, &number, &told["content"]).await;
    fits_the_documents(&ground, &told).await;
    figures_agree(&ground).await;
    traces_agree(&taken, &number, told["id"].as_str().unwrap()).await;
    health_is_told(&ground).await;
}

/// The same question by a system that was written for X-Road; once by path, again under the same id, once by body.
async fn asked_by_x_road(ground: &Ground, number: &str, content: &Value) {
    const SERVICE: &str = "/r1/JP/GOV/700012050/tax/income";
    const CLIENT: (&str, &str) = ("X-Road-Client", "JP/GOV/131016/childcare");
    const ID: (&str, &str) = ("X-Road-Id", "29f4d011-ef17-4f2f-9bb1-0452ce17d3f5");
    let at = format!("{SERVICE}/{number}");
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let headers = [CLIENT, ID, ("X-Road-UserId", "JP-desk-07"), ("X-Road-Issue", "MT-1")];
        let answer = call(ground, "town", "clerk", "GET", &at, &headers, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(
            serde_json::from_str::<Value>(&answer.body).unwrap(),
            *content,
            "the content, nothing around it"
        );
        assert_eq!(answer.header("X-Road-Id"), Some(ID.1));
        assert_eq!(answer.header("X-Road-Client"), Some(CLIENT.1));
        assert_eq!(answer.header("X-Road-Service"), Some("JP/GOV/700012050/tax/income"));
        assert!(answer.header("X-Road-Error").is_none());
        assert_eq!(answer.header("X-Road-Request-Id").unwrap().len(), 36);
        hashes.push(answer.header("X-Road-Request-Hash").unwrap().to_owned());
    }
    assert_eq!(hashes[0], hashes[1]);
    // SHA-512 in base64, with padding.
    assert!(hashes[0].len() == 88 && hashes[0].ends_with("=="), "{}", hashes[0]);
    // The UUID is the act's id, and it was one act: asked twice, recorded once, under the name of the person on duty.
    let id = words::ActId::new(0x29f4_d011_ef17_4f2f_9bb1_0452_ce17_d3f5_u128.to_be_bytes());
    let leaves = ground.house("town").road.leaves(Some(id)).await.unwrap();
    let steps: Vec<&str> = leaves.iter().map(|leaf| leaf.step.as_str()).collect();
    assert_eq!(steps, ["decision", "outcome"]);
    assert_eq!(leaves[0].record.field("staff"), Some(&json!("jp-desk-07")));

    let body = json!({ "customer": number }).to_string();
    let json_type = ("Content-Type", "application/json");
    let answer = call(ground, "town", "clerk", "POST", SERVICE, &[CLIENT, json_type], &body).await;
    assert_eq!((answer.status, answer.header("X-Road-Id").unwrap().len()), (200, 36), "{}", answer.body);

    // What a clerk of the provider decides on waits, whoever it is about; asked again under its id it still does.
    let later = format!("/r1/JP/GOV/131130/care/long-term-care/{number}");
    let mut untils = Vec::new();
    for _ in 0..2 {
        let headers = [CLIENT, ("X-Road-Id", "5a1b7a3e-0c53-4f7e-8a57-6f3a1f0f2b11")];
        let answer = call(ground, "town", "clerk", "GET", &later, &headers, "").await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(answer.header("X-Road-Id"), Some("5a1b7a3e-0c53-4f7e-8a57-6f3a1f0f2b11"));
        let waiting: protocol::desk::Waiting = serde_json::from_str(&answer.body).unwrap();
        untils.push(waiting.until);
    }
    assert_eq!(untils[0], untils[1]);

    let other = "/r1/JP/GOV/700012050/tax/other";
    let nobody = format!("{SERVICE}/0000000000");
    for (path, headers, status, error) in [
        (at.as_str(), vec![ID], 400, "Client.malformed"),
        (&at, vec![("X-Road-Client", "JP/GOV/999999/x")], 403, "Client.not_allowed"),
        (&at, vec![CLIENT, ("X-Road-UserId", "JP123456789012")], 400, "Client.malformed"),
        (&at, vec![CLIENT, ("X-Road-Id", "a"), ("X-Road-Id", "b")], 400, "Client.malformed"),
        (&format!("{other}/{number}"), vec![CLIENT], 404, "Client.not_found"),
        (
            &format!("/r1/JP/GOV/700012050/tax/wealth/{number}"),
            vec![CLIENT],
            403,
            "Server.ClientProxy.item_not_covered",
        ),
        (&nobody, vec![CLIENT], 404, "Client.no_customer"),
        // The same id for another question.
        (&nobody, vec![CLIENT, ID], 409, "Client.replayed"),
    ] {
        let answer = call(ground, "town", "clerk", "GET", path, &headers, "").await;
        assert_eq!(
            (answer.status, answer.header("X-Road-Error")),
            (status, Some(error)),
            "{path}: {}",
            answer.body
        );
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(told["type"], error);
        assert!(told["message"].is_string() && told["message_ja"].is_string() && told["detail"].is_string());
        assert!(!answer.body.contains(number), "{}", answer.body);
    }
    let refused = call(ground, "town", "operator", "GET", &at, &[CLIENT], "").await;
    assert_eq!(refused.status, 403, "an operator does not ask");
}

/// What running rooms serve fits the documents they serve.
async fn fits_the_documents(ground: &Ground, told: &Value) {
    let checked = |document: &Value, schema: &Value, message: &Value, what: &str| {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        let faults: Vec<String> = schema.iter_errors(message).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{what}: {faults:?}");
    };
    let mut messages = 0;
    for (id, roles) in [
        ("linkage", vec!["operator"]),
        ("oversight", vec!["officer", "operator"]),
        ("authority", vec!["operator"]),
        ("portal", vec!["operator"]),
        ("registry", vec!["operator"]),
        ("trustee", vec!["operator"]),
        ("research", vec!["keeper", "officer", "researcher", "operator"]),
        ("town", vec!["clerk", "operator"]),
    ] {
        let document: Value = inner(ground, id, roles[0]).get("/openapi.json", WITHIN).await.unwrap();
        let room = musubi::rooms::room(if id == "town" { "gateway" } else { id }).unwrap();
        assert_eq!(
            document,
            wire::openapi(room.name(), &room.table(), &protocol::payloads()),
            "{id} serves its own document"
        );
        for line in room
            .table()
            .iter()
            .filter(|line| matches!(line.side, Side::Inner | Side::Outer) && line.method.as_str() == "GET")
        {
            let known = told["id"].as_str().unwrap();
            let path = line.path.replace("{id}", known).replace("{party}", "town");
            if path.contains('{') {
                continue;
            }
            let message: Result<Value, _> = match line.side {
                Side::Outer => ground.house("oversight").get(&ground.entry(id), &path, WITHIN).await,
                _ => {
                    let role = roles.iter().find(|role| line.who.describe().contains(**role));
                    inner(ground, id, role.unwrap_or(&roles[0])).get(&path, WITHIN).await
                }
            };
            let Ok(message) = message else { continue };
            let key = line.path.to_owned();
            let keys = [key.clone(), format!("{key}#{}", line.side.as_str())];
            let operation = keys
                .iter()
                .map(|key| &document["paths"][key]["get"])
                .find(|operation| operation["tags"][0] == line.side.as_str())
                .unwrap();
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            // Texts and tiles have none; a schema that takes anything checks nothing.
            if !schema.is_object() {
                continue;
            }
            checked(&document, schema, &message, &format!("{id} {path}"));
            messages += 1;
        }
    }
    // Health, summary, directory, documents, records, standings, lists: whatever is served as JSON and could be called.
    assert!(messages > 40, "{messages}");
}

async fn figures_agree(ground: &Ground) {
    let page = call(ground, "linkage", "operator", "GET", "/metrics", &[], "").await;
    assert_eq!(
        (page.status, page.header("Content-Type")),
        (200, Some("text/plain; version=0.0.4; charset=utf-8"))
    );
    let figures = read_figures(&page.body);
    let done = sum(&figures, "musubi_acts", &[("verb", "inquire"), ("state", "done")]);
    let counted: Vec<road::Summary> = ground.house("linkage").road.summary().await.unwrap();
    let really: i64 = counted
        .iter()
        .filter(|line| line.verb == "inquire" && line.state == "done")
        .map(|line| line.count)
        .sum();
    assert!(really >= 3 && (done - really as f64).abs() < 0.5, "{done} {really}");
    assert!(sum(&figures, "musubi_acts", &[("reason", "item_not_covered")]) >= 1.0);
    assert!(sum(&figures, "musubi_requests_total", &[("side", "outer"), ("status", "200")]) >= 3.0);
    assert!(sum(&figures, "musubi_requests_total", &[("side", "outer"), ("status", "403")]) >= 1.0);
    assert!(sum(&figures, "musubi_ledger_entries", &[]) >= 6.0);
    assert!(sum(&figures, "musubi_store_calls_total", &[("name", "inquire")]) >= 3.0);
    assert!(sum(&figures, "process_resident_memory_bytes", &[]) > 1e6);
    assert_eq!(sum(&figures, "musubi_degraded", &[]), 0.0, "{}", page.body);
    let labels: Vec<&String> = figures.keys().flat_map(|(_, labels)| labels.keys()).collect();
    let known = ["verb", "state", "reason", "name", "writes", "side", "status", "why"];
    assert!(labels.iter().all(|label| known.contains(&label.as_str())), "{labels:?}");
    // No institution, no affair, no number: who asked whom is nothing an operator's dashboard needs.
    for word in ["town", "tax", "child-allowance", "income"] {
        assert!(!page.body.contains(word), "{word}: {}", page.body);
    }
    assert_eq!(call(ground, "town", "clerk", "GET", "/metrics", &[], "").await.status, 403);
}

async fn traces_agree(taken: &Mutex<Vec<Value>>, number: &str, act: &str) {
    let wanted = [
        ("musubi-gateway", "ask"),
        ("musubi-linkage", "inquire"),
        ("musubi-trustee", "inquire"),
        ("musubi-gateway", "answer"),
    ];
    let mut spans = Vec::new();
    for _ in 0..100 {
        spans = spans_of(&taken.lock().unwrap());
        if wanted
            .iter()
            .all(|(room, verb)| spans.iter().any(|(of, span)| of == room && span["name"] == *verb))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut traces = Vec::new();
    for (room, verb) in wanted {
        // Of several acts the first that was done.
        let done = |span: &Value| span["attributes"].as_array().unwrap().len() == 1;
        let (_, root) = spans
            .iter()
            .find(|(of, span)| of == room && span["name"] == verb && done(span))
            .unwrap_or_else(|| panic!("{room} {verb}"));
        assert!(root.get("parentSpanId").is_none());
        let steps: Vec<&str> = spans
            .iter()
            .filter(|(_, span)| span["traceId"] == root["traceId"] && span["spanId"] != root["spanId"])
            .map(|(_, span)| {
                assert_eq!(span["parentSpanId"], root["spanId"]);
                span["name"].as_str().unwrap().split_once(' ').unwrap().1
            })
            .collect();
        assert_eq!(steps, ["decide", "record_decision", "act", "record_outcome"], "{room} {verb}");
        traces.push(root["traceId"].clone());
    }
    let first = traces.clone();
    traces.sort_by_key(Value::to_string);
    traces.dedup();
    assert_eq!(traces.len(), wanted.len(), "each room begins a trace of its own: {first:?}");
    let all = serde_json::to_string(&*taken.lock().unwrap()).unwrap();
    for word in [number, act, "child-allowance", "\"income\""] {
        assert!(!all.contains(word), "a trace names {word}");
    }
}

async fn health_is_told(ground: &Ground) {
    let health: Health = inner(ground, "linkage", "operator").get("/health", WITHIN).await.unwrap();
    assert_eq!((health.state, health.why.as_slice()), (HealthState::Up, &[][..]));
    // Without its database a room runs and can do nothing.
    ground.house("linkage").road.db().clone().close().await;
    let health: Health = inner(ground, "linkage", "operator").get("/health", WITHIN).await.unwrap();
    assert_eq!(health.state, HealthState::Degraded);
    assert!(health.why.contains(&Trouble::Database), "{:?}", health.why);
}
