//! The picker: a resident to be, where a card will be one day. Marked as what it is on every page.

use askama::Template;
use axum::extract::{Path as At, State};
use axum::response::{IntoResponse, Redirect, Response};
use pages::{Form, Frame, Visit, shown};
use serde::Deserialize;
use wire::Problem;
use words::Reason;

use super::{Here, Start};
use crate::picker;

/// Most people on the page.
const MOST: usize = 40;

/// A resident of the demo.
#[derive(Clone, Debug)]
pub struct Person {
    /// The register's own key of the entry.
    pub entry: String,
    /// Name.
    pub name: String,
    /// Reading.
    pub kana: String,
    /// Birth date.
    pub birth: String,
    /// How often somebody asked about this person in the demo's run.
    pub asked: usize,
}

#[derive(Template)]
#[template(path = "start/people.html")]
struct PeoplePage {
    frame: Frame,
    people: Vec<Person>,
    q: String,
}

pub(super) async fn list(State(start): State<Here>, visit: Visit) -> Response {
    let people = start.people.iter().take(MOST).cloned().collect();
    shown(&PeoplePage { frame: visit.frame(), people, q: String::new() })
}

#[derive(Deserialize)]
pub(super) struct Find {
    q: String,
}

pub(super) async fn find(State(start): State<Here>, visit: Visit, Form(form): Form<Find>) -> Response {
    let letters = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
    let wanted = letters(&form.q);
    let has = |text: &str| letters(text).contains(&wanted);
    let fits = |person: &&Person| has(&person.name) || has(&person.kana) || person.entry == wanted;
    let people = start.people.iter().filter(fits).take(MOST).cloned().collect();
    shown(&PeoplePage { frame: visit.frame(), people, q: form.q })
}

/// Signs who looks, and lets the browser into that person's own pages.
pub(super) async fn enter(State(start): State<Here>, At(entry): At<String>) -> Result<Response, Problem> {
    let start: &Start = &start;
    if !start.people.iter().any(|person| person.entry == entry) {
        return Err(Problem::with(Reason::NotFound, "The demo has no such resident."));
    }
    match picker::sign_in(&start.config, &entry).await {
        Ok(url) => Ok(Redirect::to(&url).into_response()),
        Err(error) => {
            tracing::warn!(%error, "the portal takes no demo assertion");
            Err(Problem::with(Reason::Unauthenticated, "The portal takes no assertion of this picker."))
        }
    }
}
