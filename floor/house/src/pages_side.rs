//! The pages of a room: who is let in, and what every room's pages have.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use pages::{Form, Nav, SIGN_IN, SIGN_OUT, STYLE, STYLE_PATH, Site, Visit};
use protocol::desk::{SIGN_INS, SignIn};
use serde::Deserialize;
use wire::{Caller, PagesTls, Problem, Route, Side, Who};
use words::Reason;

use crate::config::{PagesConfig, Settings};
use crate::{HasHouse, House, StartError};

/// Signing in and out, and the style sheet.
pub(crate) fn sign_in_routes<S: HasHouse>() -> Vec<Route<S>> {
    const TICKET: &str = "/sign-in/{ticket}";
    vec![
        Route::new(Side::Inner, Method::POST, SIGN_INS, Who::AnyInner, post(ticket::<S>))
            .says(
                "ページに入るための券。一度だけ、一分以内。",
                "A ticket that lets a browser in at the pages, once, within a minute.",
            )
            .takes_nothing()
            .gives::<SignIn>(),
        Route::new(Side::Pages, Method::GET, TICKET, Who::Anyone, get(enter::<S>)),
        Route::new(Side::Pages, Method::GET, SIGN_IN, Who::Anyone, get(sign_in_page)),
        Route::new(Side::Pages, Method::POST, SIGN_IN, Who::Anyone, post(sign_in::<S>)),
        Route::new(Side::Pages, Method::POST, SIGN_OUT, Who::Anyone, post(sign_out::<S>)),
        Route::new(Side::Pages, Method::GET, STYLE_PATH, Who::Anyone, get(style)).gives_media(CSS),
    ]
}

async fn ticket<S: HasHouse>(
    State(state): State<S>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<SignIn>, Problem> {
    let Caller::Inner { name, role } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let house = state.house();
    let ticket = house.doors.ticket(&name, role, None, None);
    house.ticket_url(&ticket).map(|url| Json(SignIn { url }))
}

/// A good ticket sets the session's cookie and leads to the first page.
async fn enter<S: HasHouse>(
    State(state): State<S>,
    visit: Visit,
    Path(ticket): Path<String>,
) -> Result<Response, Problem> {
    let entered = state.house().doors.enter(&ticket).ok_or_else(|| {
        Problem::with(Reason::Unauthenticated, "This address lets in once, within a minute of being made.")
    })?;
    Ok(with_cookie(&visit, Some(&entered.session)))
}

async fn sign_in_page(visit: Visit) -> Response {
    pages::sign_in_page(&visit)
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

async fn sign_in<S: HasHouse>(
    State(state): State<S>,
    visit: Visit,
    Form(form): Form<Key>,
) -> Result<Response, Problem> {
    let house = state.house();
    let Caller::Inner { name, role } = house.owner_of_key(form.key.trim()) else {
        return Err(Problem::with(Reason::Unauthenticated, "No key of this room."));
    };
    let entered = house.doors.begin(name, role, None, None);
    Ok(with_cookie(&visit, Some(&entered.session)))
}

#[derive(Deserialize)]
struct Nothing {}

async fn sign_out<S: HasHouse>(
    State(state): State<S>,
    visit: Visit,
    headers: HeaderMap,
    Form(Nothing {}): Form<Nothing>,
) -> Response {
    state.house().doors.leave(&headers);
    with_cookie(&visit, None)
}

fn with_cookie(visit: &Visit, session: Option<&str>) -> Response {
    let mut response = visit.go(if session.is_some() { "/" } else { SIGN_IN });
    if let Some(cookie) = visit.site().session_cookie(session) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

const CSS: &str = "text/css; charset=utf-8";

async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, CSS), (header::CACHE_CONTROL, "private, max-age=3600")];
    (headers, STYLE).into_response()
}

impl House {
    /// The address that lets the holder of a ticket in.
    pub fn ticket_url(&self, ticket: &str) -> Result<String, Problem> {
        let no_pages =
            || Problem::with(Reason::NotFound, "This room serves no pages: its section has no `pages`.");
        let at = self.pages_at.get().ok_or_else(no_pages)?;
        Ok(format!("{at}{SIGN_IN}/{ticket}"))
    }

    /// The room's pages as they are served.
    pub(crate) fn site(
        &self,
        settings: &Settings,
        config: &PagesConfig,
        at: SocketAddr,
        nav: &'static [Nav],
    ) -> Result<(Arc<Site>, Option<PagesTls>), StartError> {
        let read = |path: &std::path::PathBuf| {
            let path = settings.base.join(path);
            std::fs::read(&path).map_err(|error| StartError::File(path, error.to_string()))
        };
        let tls = match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => Some(PagesTls::from_pem(&read(certificate)?, &read(key)?)?),
            _ => None,
        };
        let hosts = match &config.name {
            Some(name) => vec![name.clone()],
            None => Site::names(at),
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let first = hosts.first().cloned().unwrap_or_default();
        let _ = self.pages_at.set(format!("{scheme}://{first}"));
        let name = match self.party(&self.id) {
            Ok(entry) => [entry.name, entry.name_en],
            Err(_) => [self.id.to_string(), self.id.to_string()],
        };
        let (doors, start) = (Arc::clone(&self.doors), config.start.clone());
        Ok((Arc::new(Site { name, nav, hosts, tls: tls.is_some(), doors, start }), tls))
    }
}
