//! What every request for a page passes: it must be meant for this room and come from its own pages; and what every
//! answer says to the browser.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use words::Reason;

use crate::doors::Doors;
use crate::language::Language;
use crate::visit::{Nav, Visit};

/// No script, nothing from elsewhere, no frame, forms to ourselves alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const ANSWER: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not no-referrer: with that a browser would send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The pages of one room.
pub struct Site {
    /// What the room is called, in Japanese and English.
    pub name: [String; 2],
    /// Where its pages lead.
    pub nav: &'static [Nav],
    /// The names under which browsers may ask, e.g. `127.0.0.1:8443`.
    pub hosts: Vec<String>,
    /// Whether browsers reach it by `https`.
    pub tls: bool,
    /// Who is signed in.
    pub doors: Arc<Doors>,
    /// The start page of the country, where there is one.
    pub start: Option<String>,
}

impl Site {
    /// The names of an address that browsers on this machine may use.
    pub fn names(address: SocketAddr) -> Vec<String> {
        vec![address.to_string(), format!("localhost:{}", address.port())]
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https://" } else { "http://" }
    }

    /// The session's cookie as it is set; `None` ends it.
    pub fn session_cookie(&self, session: Option<&str>) -> Option<HeaderValue> {
        let secure = if self.tls { "; Secure" } else { "" };
        let name = self.doors.cookie_name();
        let cookie = match session {
            Some(session) => format!("{name}={session}; Path=/; SameSite=Strict; HttpOnly{secure}"),
            None => format!("{name}=; Path=/; SameSite=Strict; HttpOnly; Max-Age=0{secure}"),
        };
        HeaderValue::from_str(&cookie).ok()
    }
}

/// Puts the guard, the visitor and problems as pages around a room's router of [`wire::Side::Pages`].
pub fn wrap(router: Router, site: Arc<Site>) -> Router {
    router.layer(middleware::from_fn_with_state(site, pass))
}

/// Refuses what is meant for somebody else (DNS rebinding) or was sent by somebody else's page.
async fn pass(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let visit = Visit::of(&request, &site);
    request.extensions_mut().insert(visit.clone());
    let mut response = match stranger(&site, &request) {
        Some(detail) => wire::Problem::with(Reason::WrongOrigin, detail).into_response(),
        None => next.run(request).await,
    };
    if let Some(problem) = response.extensions().get::<wire::Problem>().cloned() {
        // The room may have signed the visitor out meanwhile; the frame stays as it was asked for.
        response = crate::problem::page(&visit, &problem);
    }
    for (name, value) in ANSWER {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Some(cookie) = visit.chosen_now().then(|| visit.language().cookie()).flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn stranger(site: &Site, request: &Request) -> Option<&'static str> {
    let host = text(request.headers(), &header::HOST);
    let named = request.uri().authority().map(|authority| authority.as_str());
    let is_ours = |name: &str| site.hosts.iter().any(|ours| ours == name);
    if !host.is_some_and(is_ours) || !named.is_none_or(is_ours) {
        return Some("The room does not answer under this name.");
    }
    let origin = text(request.headers(), &header::ORIGIN);
    let own = |origin: &str| origin.strip_prefix(site.scheme()).is_some_and(is_ours);
    // A browser always names the origin of a form; a page of ours is the only place where one comes from.
    let must = !request.method().is_safe();
    match origin {
        Some(origin) if own(origin) => None,
        None if !must => None,
        _ => Some("The form was sent by somebody else's page."),
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
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

impl Language {
    fn cookie(self) -> Option<HeaderValue> {
        let cookie = format!("{}={}; Path=/; SameSite=Strict; HttpOnly", Self::COOKIE, self.tag());
        HeaderValue::from_str(&cookie).ok()
    }
}
