//! A room's OpenAPI 3.1 document, made from its table of routes, so that it says what the room serves and nothing else.
//!
//! OpenAPI has one space of paths, a room has up to four listeners. A path that stands on a second side is therefore listed
//! a second time with the side as its fragment (`/inquiries#outer`): no client sends a fragment, so that the path
//! stays the one the room serves.

use axum::http::Method;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::problem::ProblemBody;
use crate::routes::{Content, Header, RouteLine, SchemaOf, Side, Who};

const SCHEMAS: &str = "/components/schemas";
const HTML: &str = "text/html; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

/// What is signed under a `typ`.
pub type Payload = (&'static str, SchemaOf);

/// The document of a room with this table. `payloads`: what the signed messages of the protocol have inside.
pub fn openapi(room: &str, table: &[RouteLine], payloads: &[Payload]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = SCHEMAS.into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ProblemBody>();
    let mut lines: Vec<&RouteLine> = table.iter().collect();
    lines.sort_by_key(|line| (rank(line.side), line.path, line.method.to_string()));
    let mut paths = Map::new();
    for line in &lines {
        let item =
            paths.entry(key(line, &lines)).or_insert_with(|| json!({ "servers": [server(line.side)] }));
        if let Some(item) = item.as_object_mut() {
            item.insert(line.method.as_str().to_ascii_lowercase(), operation(line, &mut generator));
        }
    }
    let signed: Map<String, Value> =
        payloads.iter().map(|(typ, schema)| ((*typ).to_owned(), schema(&mut generator).into())).collect();
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": format!("Musubi: {room}"),
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": "Up to four listeners: outer (parties, certificates both ways), inner (the room's own people and \
                            systems, a certificate or a key each), pages (browsers), public (anybody; what is \
                            signed itself). A path that stands on more than one of them is \
                            listed once for each, the second time with the side as a fragment, which clients do not \
                            send. Unknown fields are refused. Encoded characters, empty segments and dot segments in \
                            a path are refused. A signed message is a compact JWS (RFC 7515) with EdDSA; the `typ` of \
                            its header says which of `x-musubi-payloads` its payload is, and `kid` whose it is.",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "x-musubi-payloads": signed,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": {
                "description": "Not done; `reason` says why (RFC 9457).",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": {
                "certificate": {
                    "type": "mutualTLS",
                    "description": "TLS 1.3; the certificate of a party of the directory, valid now.",
                },
                "key": { "type": "http", "scheme": "bearer", "description": "A key of the room's inner side." },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "musubi-{party}",
                    "description": "The session that signing in at the room's pages begins.",
                },
            },
        },
    })
}

/// The inner side first: it keeps the plain path.
const fn rank(side: Side) -> u8 {
    match side {
        Side::Inner => 0,
        Side::Outer => 1,
        Side::Pages => 2,
        Side::Public => 3,
    }
}

fn key(line: &RouteLine, all: &[&RouteLine]) -> String {
    let taken = all.iter().any(|other| other.path == line.path && rank(other.side) < rank(line.side));
    let path = line.path.replace("{*", "{");
    if taken { format!("{path}#{}", line.side.as_str()) } else { path }
}

fn server(side: Side) -> Value {
    let (url, says) = match side {
        Side::Outer => ("https://{outer}", "The outer side: `address` of the party in the directory."),
        Side::Inner => ("http://{inner}", "The inner side: `inner` of the room's section."),
        Side::Pages => ("https://{pages}", "The pages: `pages.name` of the room's section."),
        Side::Public => ("http://{public}", "The public side: `public_uri` of the room's section."),
    };
    let variables = json!({ side.as_str(): { "default": "localhost", "description": "host:port" } });
    json!({ "url": url, "description": says, "variables": variables })
}

fn operation(line: &RouteLine, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": id(line),
        "tags": [line.side.as_str()],
        "x-musubi-who": line.who.describe(),
        "x-musubi-largest-body": line.limit,
        "security": security(line),
        "responses": responses(line, generator),
    });
    let Some(fields) = operation.as_object_mut() else { return operation };
    let [ja, en] = line.about.says;
    if !en.is_empty() {
        fields.insert("summary".into(), en.into());
        fields.insert("description".into(), ja.into());
    }
    let mut parameters = path_parameters(line);
    parameters.extend(line.about.reads.iter().map(|header| {
        json!({
            "name": header.name, "in": "header", "required": header.required, "description": header.says,
            "schema": { "type": "string", "maxLength": 255 },
        })
    }));
    parameters.extend(line.about.asks.map(|schema| query_parameters(schema, generator)).unwrap_or_default());
    if !parameters.is_empty() {
        fields.insert("parameters".into(), parameters.into());
    }
    let takes = match (line.about.takes, line.side) {
        (None, Side::Pages) if line.method == Method::POST => Some(Content::Media(FORM)),
        (takes, _) => takes,
    };
    if let Some(content) = takes.and_then(|content| media(content, generator)) {
        fields.insert("requestBody".into(), json!({ "required": true, "content": content }));
    }
    operation
}

/// `inner_post_inquiries`.
fn id(line: &RouteLine) -> String {
    let path = line.path.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let words: Vec<&str> = path.split('_').filter(|word| !word.is_empty()).collect();
    format!("{}_{}_{}", line.side.as_str(), line.method.as_str().to_ascii_lowercase(), words.join("_"))
}

fn security(line: &RouteLine) -> Value {
    match (line.who, line.side) {
        (Who::Anyone, _) => json!([]),
        (_, Side::Outer) => json!([{ "certificate": [] }]),
        (_, Side::Inner) => json!([{ "key": [] }]),
        (_, Side::Pages) => json!([{ "session": [] }]),
        (_, Side::Public) => json!([]),
    }
}

fn responses(line: &RouteLine, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, content) in &line.about.gives {
        let description =
            axum::http::StatusCode::from_u16(*status).ok().and_then(|code| code.canonical_reason());
        let response = responses
            .entry(status.to_string())
            .or_insert_with(|| json!({ "description": description.unwrap_or("Done") }));
        // Several media types may come with one status.
        if let (Some(fields), Some(Value::Object(content))) =
            (response.as_object_mut(), media(*content, generator))
            && let Some(all) = fields.entry("content").or_insert_with(|| json!({})).as_object_mut()
        {
            all.extend(content);
        }
    }
    if line.side == Side::Pages {
        let page = json!({ "description": "A page; a refusal is one too.", "content": { HTML: {} } });
        if line.method == Method::POST {
            responses.insert("303".into(), json!({ "description": "Done; leads to a page." }));
        } else {
            // A style sheet, a script: what the route says.
            responses.entry("200").or_insert_with(|| page.clone());
        }
        responses.insert("default".into(), page);
    } else {
        let refusal = line.about.refuses.and_then(|content| media(content, generator));
        let refusal = refusal.map_or_else(
            || json!({ "$ref": "#/components/responses/Problem" }),
            |mut content| {
                // What is turned away at the door has the house's own shape: the route's protocol has not begun there.
                let problem = json!({ "schema": generator.subschema_for::<ProblemBody>() });
                if let Some(content) = content.as_object_mut() {
                    content.insert("application/problem+json".into(), problem);
                }
                json!({ "description": "Not done; the body says why.", "content": content })
            },
        );
        responses.insert("default".into(), refusal);
    }
    if !line.about.sends.is_empty() {
        for (status, response) in &mut responses {
            let header = |header: &Header| {
                let required = header.required && status != "default";
                let schema = json!({ "type": "string" });
                let about = json!({ "description": header.says, "required": required, "schema": schema });
                (header.name.to_owned(), about)
            };
            let headers: Map<String, Value> = line.about.sends.iter().map(header).collect();
            if let Some(response) = response.as_object_mut() {
                response.insert("headers".into(), headers.into());
            }
        }
    }
    responses.into()
}

fn media(content: Content, generator: &mut SchemaGenerator) -> Option<Value> {
    match content {
        Content::Json(schema) => Some(json!({ "application/json": { "schema": schema(generator) } })),
        Content::Media(media) => Some(json!({ media: {} })),
        Content::Nothing => None,
    }
}

fn path_parameters(line: &RouteLine) -> Vec<Value> {
    let names = line.path.split('{').skip(1).filter_map(|part| part.split('}').next());
    names
        .map(|name| {
            let rest = name.starts_with('*');
            let mut parameter = json!({
                "name": name.trim_start_matches('*'), "in": "path", "required": true, "schema": { "type": "string" },
            });
            if let (true, Some(fields)) = (rest, parameter.as_object_mut()) {
                fields.insert("description".into(), "The rest of the path, slashes as they are.".into());
            }
            parameter
        })
        .collect()
}

/// The fields of a flat message type, one parameter each.
fn query_parameters(schema: SchemaOf, generator: &mut SchemaGenerator) -> Vec<Value> {
    let schema = Value::from(schema(generator));
    let required = |name: &str| {
        schema.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == name))
    };
    let fields = schema.get("properties").and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .map(|(name, field)| json!({ "name": name, "in": "query", "required": required(name), "schema": field }))
        .collect()
}
