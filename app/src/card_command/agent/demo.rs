//! A small site that people log in to with their card: what a real one would have to check.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use card::personalise::Purpose;
use serde::Deserialize;
use words::{B64, Moment};
use world::World;

use super::desk::{KIND, Message};
use super::pages::{both, escaped, page, style};
use crate::card_command::authority::Authority;
use crate::card_command::certificates;

const PURPOSE: &str = "試験用サイトへのログイン";
/// How long a challenge holds, and how far the clocks may differ.
const HOLDS_MS: i64 = 300_000;
/// Most challenges that are open at once.
const MOST: usize = 10_000;

struct Site {
    origin: String,
    agent: String,
    /// The authority's certificate for authentication.
    authority: Vec<u8>,
    /// Challenges that were given out, with their time; each serves once.
    open: Mutex<BTreeMap<Vec<u8>, i64>>,
    world: World,
}

pub(super) fn router(origin: &str, agent: &str, authority: &Path, world: &World) -> Result<Router> {
    let authority = Authority::at(authority, world)?.certificate(Purpose::Authentication)?;
    let site = Site {
        origin: origin.to_owned(),
        agent: agent.to_owned(),
        authority,
        open: Mutex::default(),
        world: world.clone(),
    };
    Ok(Router::new()
        .route("/", get(front))
        .route("/in", post(enter))
        .route("/style.css", get(style))
        .route("/login.js", get(script))
        .with_state(Arc::new(site)))
}

async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("login.js")).into_response()
}

impl Site {
    fn challenge(&self) -> Option<String> {
        let now = self.world.now();
        let challenge: [u8; 32] = self.world.random();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, at| now - *at <= HOLDS_MS);
        (open.len() < MOST).then(|| {
            open.insert(challenge.to_vec(), now);
            B64::from(challenge).text()
        })
    }

    /// Who logs in, or why not.
    fn check(&self, entry: &Entry, visitor: Option<&str>) -> Result<String, &'static str> {
        let bytes =
            |text: &Option<String>| text.as_deref().and_then(|text| B64::parse(text).ok()).map(|b| b.0);
        let fields = (bytes(&entry.signed), bytes(&entry.signature), bytes(&entry.certificate));
        let (Some(signed), Some(signature), Some(certificate)) = fields else {
            return Err("nothing was signed");
        };
        let message: Message = serde_json::from_slice(&signed).map_err(|_| "not the form of a login")?;
        let now = self.world.now();
        if message.kind != KIND || message.origin != self.origin || message.purpose != PURPOSE {
            return Err("signed for another site or another purpose");
        }
        if (now - message.at).abs() > HOLDS_MS {
            return Err("signed at another time");
        }
        // The browser that was given the challenge, no other: else somebody could be logged in as somebody else.
        if visitor != Some(message.challenge.text().as_str()) {
            return Err("the challenge is another visitor's");
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let given = open.remove(&message.challenge.0).filter(|at| now - *at <= HOLDS_MS);
        drop(open);
        given.ok_or("the challenge is not open")?;
        let checked = certificates::check(&certificate, &self.authority, Moment(now))
            .ok_or("the certificate does not hold")?;
        if !checked.key.verifies(&signed, &signature) {
            return Err("the signature is wrong");
        }
        Ok(checked.name)
    }
}

/// The visitor's cookie is the challenge that the visitor was given.
fn visitor(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split("; ").find_map(|cookie| cookie.strip_prefix("challenge="))
}

async fn front(State(site): State<Arc<Site>>) -> Response {
    let Some(challenge) = site.challenge() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let (agent, origin) = (escaped(&site.agent), escaped(&site.origin));
    let body = format!(
        "{}<form method=\"post\" action=\"{agent}/login\"><input type=\"hidden\" name=\"challenge\" value=\"{challenge}\">\
         <input type=\"hidden\" name=\"purpose\" value=\"{PURPOSE}\"><input type=\"hidden\" name=\"back\" value=\"{origin}/in\">\
         <p><button id=\"form\">カードでログイン <span lang=\"en\">Log in with the card</span></button></p></form>\
         <p><button id=\"script\" class=\"plain\" data-agent=\"{agent}\" data-challenge=\"{challenge}\" data-purpose=\"{PURPOSE}\">\
         このページのままログイン <span lang=\"en\">Log in without leaving this page</span></button></p>\
         <p><a id=\"assent\" target=\"_blank\" rel=\"noopener\" hidden>カード代理のページを開く <span lang=\"en\">Open the agent's page</span></a></p>\
         <p id=\"said\" role=\"status\"></p><script src=\"/login.js\"></script>",
        both(
            "カードと暗証番号で入る試験用のサイトです。",
            "A site for trying things out, entered with card and PIN."
        )
    );
    let mut response = page(StatusCode::OK, ("試験用サイト", "Demo site"), &body);
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self' {}; form-action 'self' {}; \
         frame-ancestors 'none'; base-uri 'none'",
        site.agent, site.agent
    );
    let cookie = format!("challenge={challenge}; Path=/; HttpOnly; SameSite=Lax");
    let set = response.headers_mut();
    for (name, value) in [(header::CONTENT_SECURITY_POLICY, policy), (header::SET_COOKIE, cookie)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            set.insert(name, value);
        }
    }
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Deserialize)]
struct Entry {
    signed: Option<String>,
    signature: Option<String>,
    certificate: Option<String>,
}

async fn enter(State(site): State<Arc<Site>>, headers: HeaderMap, Form(entry): Form<Entry>) -> Response {
    match site.check(&entry, visitor(&headers)) {
        Ok(name) => page(
            StatusCode::OK,
            ("ログインしました", "Logged in"),
            &format!("<p id=\"name\">{}</p>", escaped(&name)),
        ),
        Err(why) => page(
            StatusCode::FORBIDDEN,
            ("ログインできません", "Not logged in"),
            &(both("もう一度お試しください。", &format!("Begin again: {why}."))
                + "<p><a href=\"/\">戻る <span lang=\"en\">Back</span></a></p>"),
        ),
    }
}
