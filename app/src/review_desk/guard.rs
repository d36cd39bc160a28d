//! What every request passes: it must be meant for this desk and come from its own pages; and what every answer says
//! to the browser.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Desk;
use super::language::Language;
use super::problem::{Problem, Why};

/// No script, nothing from elsewhere, no frame, forms to ourselves alone.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const ANSWER: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not no-referrer: with that a browser would send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The names under which a browser on this machine reaches the desk.
pub(super) fn names(address: SocketAddr) -> [String; 2] {
    [address.to_string(), format!("localhost:{}", address.port())]
}

/// Refuses what is meant for somebody else (DNS rebinding) or was sent by somebody else's page.
pub(super) async fn pass(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let language = Language::of(&request);
    let mut response = match stranger(&desk, &request) {
        Some(why) => Problem::new(why, language).response(None),
        None => next.run(request).await,
    };
    for (name, value) in ANSWER {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(cookie) = language.cookie() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn stranger(desk: &Desk, request: &Request) -> Option<Why> {
    let host = text(request.headers(), &header::HOST);
    let named = request.uri().authority().map(|authority| authority.as_str());
    let is_ours = |name: &str| desk.names.iter().any(|ours| ours == name);
    if !host.is_some_and(is_ours) || !named.is_none_or(is_ours) {
        return Some(Why::OtherHost);
    }
    let origin = text(request.headers(), &header::ORIGIN);
    let own = |origin: &str| origin.strip_prefix("http://").is_some_and(is_ours);
    // A browser always names the origin of a form; a page of ours is the only place where one comes from.
    let must = !request.method().is_safe();
    match origin {
        Some(origin) if own(origin) => None,
        None if !must => None,
        _ => Some(Why::OtherOrigin),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    // Named twice is named by nobody.
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().ok(),
        (Some(_), Some(_)) => Some(""),
        (None, _) => None,
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
