//! The X-Road Message Protocol for REST, version r1, on the inner side, so that a system written for X-Road asks by way
//! of this gateway. It is `POST /inquiries` under other names: the same act, the same decisions, the same records.
//!
//! Configured, not guessed: which clients may speak, and which service stands for which affair and item of whom.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use house::ConfigError;
use protocol::desk::{AskRow, AskState, Told};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use wire::{Caller, Problem, Route, Side, Who, read_body, read_json};
use words::{ActId, AffairId, Blame, ItemId, PartyId, Reason, StaffId};

use crate::ask::{ASKERS, Asker};
use crate::error::own_database;
use crate::{Gateway, Here, asked};

const JSON: &str = "application/json; charset=utf-8";
const CLIENT: HeaderName = HeaderName::from_static("x-road-client");
const SERVICE: HeaderName = HeaderName::from_static("x-road-service");
const ID: HeaderName = HeaderName::from_static("x-road-id");
const USER: HeaderName = HeaderName::from_static("x-road-userid");
const ISSUE: HeaderName = HeaderName::from_static("x-road-issue");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-road-request-id");
const REQUEST_HASH: HeaderName = HeaderName::from_static("x-road-request-hash");
const ERROR: HeaderName = HeaderName::from_static("x-road-error");

/// The longest identifier, in bytes.
const LONGEST: usize = 255;
/// Numbers of people have 11 or 12 digits: no staff id may look like one.
const MOST_DIGITS: usize = 9;

/// The section's `x_road`: clients and services by their X-Road identifiers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct XRoad {
    /// The own subsystems that may ask, `INSTANCE/CLASS/MEMBER[/SUBSYSTEM]`.
    clients: Vec<String>,
    /// What a service, `INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICE`, stands for.
    services: BTreeMap<String, Service>,
}

/// What a service stands for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    provider: PartyId,
    affair: AffairId,
    item: ItemId,
}

impl XRoad {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |message: String| ConfigError { key: Some("x_road".into()), message };
        let parts = |id: &str| id.split('/').filter(|part| is_plain(part)).count();
        let whole = |id: &str, wanted: &[usize]| {
            wanted.contains(&id.split('/').count())
                && parts(id) == id.split('/').count()
                && id.len() <= LONGEST
        };
        if let Some(id) = self.clients.iter().find(|id| !whole(id, &[3, 4])) {
            return Err(wrong(format!(
                "`{id}` is not a client: INSTANCE/CLASS/MEMBER or INSTANCE/CLASS/MEMBER/SUBSYSTEM"
            )));
        }
        match self.services.keys().find(|id| !whole(id, &[5])) {
            Some(id) => {
                Err(wrong(format!("`{id}` is not a service: INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICE")))
            }
            None => Ok(()),
        }
    }
}

/// A part of an identifier that needs no encoding in a path: encoded characters are refused at the door.
fn is_plain(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    !part.is_empty() && !matches!(part, "." | "..") && part.bytes().all(plain)
}

/// About whom a service is asked.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskXRoad {
    /// The own customer number.
    customer: String,
}

/// A refusal in X-Road's shape (PR-REST §4.6).
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "XRoadError")]
struct Refusal {
    /// `Client`, `Server.ClientProxy` or `Server.ServerProxy`, a full stop, and the reason.
    r#type: String,
    /// What is wrong and what to do, in English.
    message: String,
    /// The same in Japanese.
    message_ja: String,
    /// Where, or the act.
    detail: String,
}

const READS: &[wire::Header] = &[
    wire::Header {
        name: "X-Road-Client",
        required: true,
        says: "The own subsystem that asks: one of `x_road.clients`.",
    },
    wire::Header {
        name: "X-Road-Id",
        required: false,
        says: "The message: a UUID is the act's id itself, another text is hashed to one, none is a new one.",
    },
    wire::Header {
        name: "X-Road-UserId",
        required: false,
        says: "The person on duty, by an opaque id; never a number of a person.",
    },
    wire::Header {
        name: "X-Road-Issue",
        required: false,
        says: "The client's own case; checked for form, neither kept nor sent on.",
    },
];

const fn sent(name: &'static str, required: bool, says: &'static str) -> wire::Header {
    wire::Header { name, required, says }
}

const SENDS: &[wire::Header] = &[
    sent("X-Road-Client", false, "As it came."),
    sent("X-Road-Service", true, "The service, as it was asked for."),
    sent("X-Road-Id", false, "The message, as it came or as it was named here."),
    sent("X-Road-Request-Id", true, "A new UUID for each request."),
    sent("X-Road-Request-Hash", true, "SHA-512 over the request (PR-REST §4.3), base64."),
    sent("X-Road-Error", false, "The error's `type`, where it is one."),
];

pub(crate) fn routes() -> Vec<Route<Here>> {
    const ASKED: Who = Who::Roles(ASKERS);
    const SERVICE: &str = "/r1/{instance}/{class}/{member}/{subsystem}/{service}";
    const OF_CUSTOMER: &str = "/r1/{instance}/{class}/{member}/{subsystem}/{service}/{customer}";
    vec![
        Route::new(Side::Inner, Method::POST, SERVICE, ASKED, post(by_body))
            .says(
                "POST /inquiries と同じ照会を、X-Road の REST プロトコルで行う。X-Road-Client が必要。",
                "Asks as POST /inquiries does, by the X-Road Message Protocol for REST; needs X-Road-Client.",
            )
            .takes::<AskXRoad>()
            .gives::<serde_json::Value>()
            .gives_with::<protocol::desk::Waiting>(202)
            .headers(READS, SENDS)
            .refuses::<Refusal>(),
        Route::new(Side::Inner, Method::GET, OF_CUSTOMER, ASKED, get(by_path))
            .says(
                "同じことを、お客さまの番号をパスに入れて行う。",
                "The same with the customer number in the path.",
            )
            .gives::<serde_json::Value>()
            .gives_with::<protocol::desk::Waiting>(202)
            .headers(READS, SENDS)
            .refuses::<Refusal>(),
    ]
}

type ServicePath = (String, String, String, String, String);

async fn by_body(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path((instance, class, member, subsystem, service)): Path<ServicePath>,
    request: Request,
) -> Response {
    let asked = Asked::of([instance, class, member, subsystem, service].join("/"), &request);
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(problem) => return asked.refuse(&here.0, problem, &Bytes::new()),
    };
    let outcome = match read_json::<AskXRoad>(&body) {
        Ok(ask) => here.0.ask_by_x_road(&caller, &asked, ask.customer).await,
        Err(problem) => Err(problem),
    };
    asked.respond(&here.0, outcome, &body)
}

async fn by_path(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path((instance, class, member, subsystem, service, customer)): Path<(
        String,
        String,
        String,
        String,
        String,
        String,
    )>,
    request: Request,
) -> Response {
    let asked = Asked::of([instance, class, member, subsystem, service].join("/"), &request);
    let outcome = here.0.ask_by_x_road(&caller, &asked, customer).await;
    asked.respond(&here.0, outcome, &Bytes::new())
}

/// A request as it came.
struct Asked {
    service: String,
    line: String,
    headers: HeaderMap,
}

impl Asked {
    fn of(service: String, request: &Request) -> Self {
        let line = format!("{} {}", request.method(), request.uri().path());
        Self { service, line, headers: request.headers().clone() }
    }

    /// A header, where it is there once, readable and not too long.
    fn header(&self, name: &HeaderName) -> Result<Option<&str>, Problem> {
        let wrong =
            || Problem::with(Reason::Malformed, format!("`{name}` is given twice, unreadable or too long."));
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let text = value.to_str().map_err(|_| wrong())?.trim();
        if values.next().is_some() || text.is_empty() || text.len() > LONGEST {
            return Err(wrong());
        }
        Ok(Some(text))
    }

    /// base64(SHA-512(SHA-512(headers) ‖ SHA-512(body))), without a body base64(SHA-512(headers)) (PR-REST §4.3). Which
    /// bytes the headers are the specification leaves to the server: here the request line without its version and the
    /// `X-Road-` headers by name, each with a line feed.
    fn hash(&self, body: &[u8]) -> String {
        let mut lines: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-road-"))
            .map(|(name, value)| format!("{name}:{}\n", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        lines.sort_unstable();
        let headers = Sha512::digest(format!("{}\n{}", self.line, lines.concat()));
        if body.is_empty() {
            return STANDARD.encode(headers);
        }
        STANDARD.encode(Sha512::new().chain_update(headers).chain_update(Sha512::digest(body)).finalize())
    }

    fn respond(
        &self,
        gateway: &Gateway,
        outcome: Result<(StatusCode, String, Vec<u8>), Problem>,
        body: &Bytes,
    ) -> Response {
        match outcome {
            Ok((status, id, content)) => {
                let mut response = (status, [(header::CONTENT_TYPE, JSON)], content).into_response();
                self.name(&mut response, gateway, Some(&id), body);
                response
            }
            Err(problem) => self.refuse(gateway, problem, body),
        }
    }

    /// A problem in X-Road's shape (PR-REST §4.6). Status and reason stay ours.
    fn refuse(&self, gateway: &Gateway, problem: Problem, body: &Bytes) -> Response {
        let side = match problem.reason.blame() {
            Blame::Caller => "Client",
            Blame::Institution | Blame::Ourselves => "Server.ClientProxy",
            Blame::Peer => "Server.ServerProxy",
        };
        let kind = format!("{side}.{}", problem.reason);
        let told = problem.body();
        let error = Refusal {
            r#type: kind.clone(),
            message: format!("{} {}", told.title, told.next),
            message_ja: format!("{}{}", told.title_ja, told.next_ja),
            detail: told.detail.or_else(|| told.act.map(|act| act.to_string())).unwrap_or_default(),
        };
        // The problem stays in the response's extensions: the door records what was turned away.
        let mut response = problem.into_response();
        *response.body_mut() = Body::from(serde_json::to_vec(&error).unwrap_or_default());
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        insert(&mut response, ERROR, &kind);
        let id = self.header(&ID).ok().flatten().map(str::to_owned);
        self.name(&mut response, gateway, id.as_deref(), body);
        response
    }

    fn name(&self, response: &mut Response, gateway: &Gateway, id: Option<&str>, body: &[u8]) {
        if let Ok(Some(client)) = self.header(&CLIENT) {
            insert(response, CLIENT, client);
        }
        insert(response, SERVICE, &self.service);
        if let Some(id) = id {
            insert(response, ID, id);
        }
        insert(response, REQUEST_ID, &uuid(&random_uuid(gateway)));
        insert(response, REQUEST_HASH, &self.hash(body));
    }
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Version 4 (RFC 9562 §5.4).
fn random_uuid(gateway: &Gateway) -> [u8; 16] {
    let mut bytes: [u8; 16] = gateway.house.world.random();
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    bytes
}

fn uuid(bytes: &[u8; 16]) -> String {
    let hex = words::hex(bytes);
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The bytes of a UUID in its usual text.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    if lengths != [8, 4, 4, 4, 12] || !text.is_ascii() {
        return None;
    }
    let digits = text.replace('-', "");
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

/// A person on duty, from `X-Road-UserId`. Case does not count there; it does not travel if it could be the number of
/// a person, since the provider is shown it.
fn staff_of(user: &str) -> Result<StaffId, Problem> {
    let digits = user.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let staff = StaffId::parse(&user.to_ascii_lowercase()).ok().filter(|_| digits <= MOST_DIGITS);
    staff.ok_or_else(|| {
        let detail = "`X-Road-UserId` is an opaque id of the person on duty (1 to 48 of letters, digits, '-' and '.', no \
                      more than 9 digits in a row), never a number of a person.";
        Problem::with(Reason::Malformed, detail)
    })
}

impl Gateway {
    /// Status, `X-Road-Id` and body.
    async fn ask_by_x_road(
        self: &std::sync::Arc<Self>,
        caller: &Caller,
        asked: &Asked,
        customer: String,
    ) -> Result<(StatusCode, String, Vec<u8>), Problem> {
        let Caller::Inner { name, role } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let client = asked.header(&CLIENT)?;
        let client = client.ok_or(Problem::with(Reason::Malformed, "`X-Road-Client` is missing."))?;
        if !self.x_road.clients.iter().any(|one| one == client) {
            let detail = "`X-Road-Client` is none of this gateway's `x_road.clients`.";
            return Err(Problem::with(Reason::NotAllowed, detail));
        }
        let service = self.x_road.services.get(&asked.service).ok_or(Problem::with(
            Reason::NotFound,
            "This service is none of this gateway's `x_road.services`.",
        ))?;
        let staff = asked.header(&USER)?.map(staff_of).transpose()?;
        // Which case of theirs it belongs to is the client's own affair: checked for form, neither kept nor sent on.
        asked.header(&ISSUE)?;
        let (id, named) = self.act_of(asked.header(&ID)?);
        let row = AskRow {
            customer,
            affair: service.affair.clone(),
            item: service.item.clone(),
            provider: service.provider.clone(),
        };
        let asker = Asker { name: name.clone(), role: *role, staff };
        let spoken = self.ask(&asker, id, row, None).await?;
        if let Ok(told) = serde_json::from_slice::<Told>(&spoken) {
            return Ok((StatusCode::OK, named, told.content.get().as_bytes().to_vec()));
        }
        // A clerk of the provider decides. Asked again under the same X-Road-Id, what came meanwhile is told.
        let house = &self.house;
        let kept =
            asked::one(house.road.db(), &house.storage, id).await.map_err(|error| own_database(&error))?;
        match kept.map(|kept| kept.asked) {
            Some(now) if now.state == AskState::Answered => {
                let content = now.content.ok_or(Problem::new(Reason::Internal).of(id))?;
                Ok((StatusCode::OK, named, content.get().as_bytes().to_vec()))
            }
            Some(now) if now.state != AskState::Waiting => {
                Err(Problem::new(now.reason.unwrap_or(Reason::NotAnswered)).of(id).recorded())
            }
            _ => Ok((StatusCode::ACCEPTED, named, spoken)),
        }
    }

    /// The act of an `X-Road-Id`: a UUID is the act's id itself, another text is hashed to one, none is a new one. So the
    /// same id with the same question is a repeat of the same act.
    fn act_of(&self, id: Option<&str>) -> (ActId, String) {
        let Some(text) = id else {
            let bytes = random_uuid(self);
            return (ActId::new(bytes), uuid(&bytes));
        };
        let bytes = parse_uuid(text).unwrap_or_else(|| {
            let party = self.house.id.as_str().as_bytes();
            let hash = seal::sha256_parts(&[b"musubi/x-road-id/v1", party, text.as_bytes()]);
            hash.first_chunk().copied().unwrap_or_default()
        });
        (ActId::new(bytes), text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_are_named_and_numbers_of_people_are_not() {
        assert_eq!(staff_of("JP-Desk.042").unwrap().as_str(), "jp-desk.042");
        for bad in ["", "JP123456789012", "ee12345678901", "山田", "a b", "1234567890"] {
            assert!(staff_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn identifiers_that_are_not_whole_are_refused() {
        let read = |clients: &str, services: &str| {
            let text = format!("clients = {clients}\n[services]\n{services}");
            toml::from_str::<XRoad>(&text).unwrap().check().is_ok()
        };
        let to = "= { provider = \"tax\", affair = \"a\", item = \"i\" }";
        assert!(read("[\"JP/GOV/1/desk\", \"JP/GOV/1\"]", &format!("\"JP/GOV/2/tax/income\" {to}")));
        for (clients, service) in [
            ("[\"JP/GOV\"]", "JP/GOV/2/tax/income"),
            ("[\"JP/GOV/1/a%2Fb\"]", "JP/GOV/2/tax/income"),
            ("[]", "JP/GOV/2/income"),
            ("[]", "JP//2/tax/income"),
            ("[]", "JP/GOV/2/tax/.."),
        ] {
            assert!(!read(clients, &format!("\"{service}\" {to}")), "{clients} {service}");
        }
    }

    proptest::proptest! {
        #[test]
        fn uuids_survive_their_text(bytes: [u8; 16]) {
            proptest::prop_assert_eq!(parse_uuid(&uuid(&bytes)), Some(bytes));
        }

        #[test]
        fn no_text_upsets_the_readers(text in "\\PC{0,60}") {
            let _ = (parse_uuid(&text), staff_of(&text));
        }
    }
}
