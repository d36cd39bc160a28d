//! The provider's desk: inquiries that wait for a clerk, and shielding.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{Form, Frame, Visit, content_in_words, in_japan, shown};
use protocol::desk::{Settle, Shield};
use serde::Deserialize;
use wire::{Caller, Problem};
use words::{ActId, Reason};

use super::labels::Names;
use crate::Here;
use crate::error::{own_database, own_system};

struct Line {
    id: String,
    inquirer: String,
    affair: String,
    item: String,
    at: String,
    until: String,
    /// Number and name of the own customer; none where nobody here is meant.
    customer: Option<(String, String)>,
    content: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "desk/answers.html")]
struct AnswersPage {
    frame: Frame,
    lines: Vec<Line>,
    answered: i64,
    kept_back: i64,
    /// Whether others are answered from a copy; when it was taken.
    copy: Option<String>,
}

pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (gateway, language) = (here.0, visit.language());
    let names = Names::new(&gateway.house, language);
    let mut lines = Vec::new();
    for line in gateway.awaiting().await.map_err(|error| own_database(&error))? {
        let mut customer = None;
        let mut content = Vec::new();
        if let Some(number) = &line.customer {
            let known = gateway.connector.customer(number).await.map_err(|error| own_system(&error))?;
            if let Some(known) = known {
                let item = gateway.connector.item(&known, line.item.as_str()).await;
                let item = item.map_err(|error| own_system(&error))?;
                content = item.map(|item| content_in_words(&item.to_string(), language)).unwrap_or_default();
                customer = Some((number.clone(), known.attributes.name));
            }
        }
        lines.push(Line {
            id: line.id.to_string(),
            inquirer: names.party(&line.inquirer),
            affair: names.affair(&line.affair),
            item: names.item(&line.item),
            at: in_japan(line.at, language),
            until: in_japan(line.until, language),
            customer,
            content,
        });
    }
    let summary = gateway.house.road.summary().await.map_err(|_| Problem::new(Reason::Internal))?;
    let count = |state: &str| -> i64 {
        summary.iter().filter(|one| one.verb == "answer" && one.state == state).map(|one| one.count).sum()
    };
    let (answered, kept_back) = (count("done"), count("refused"));
    let copy = match gateway.copy_every {
        Some(_) => {
            let at = gateway.copied_at().await.map_err(|error| own_database(&error))?;
            let never = || language.say("まだありません", "none yet").to_owned();
            Some(at.map_or_else(never, |at| in_japan(at, language)))
        }
        None => None,
    };
    Ok(shown(&AnswersPage { frame: visit.frame(), lines, answered, kept_back, copy }))
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// Takes the copy now.
pub(super) async fn copy(
    State(here): State<Here>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let caller = visit.caller();
    let Caller::Inner { role, .. } = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    here.0.take_copy(caller.label(), Some(*role)).await?;
    Ok(visit.go("/answers"))
}

#[derive(Deserialize)]
pub(super) struct Decision {
    decision: String,
}

pub(super) async fn settle(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Decision>,
) -> Result<Response, Problem> {
    let settle = match form.decision.as_str() {
        "approve" => Settle { approve: true },
        "decline" => Settle { approve: false },
        _ => return Err(Problem::with(Reason::Malformed, "`decision` is approve or decline.")),
    };
    here.0.settle(&visit.caller(), ActId::parse(&id)?, settle).await?;
    Ok(visit.go("/answers"))
}

#[derive(Deserialize)]
pub(super) struct ShieldForm {
    customer: String,
    shielded: bool,
}

/// Shields a record or lifts the shield.
pub(super) async fn shield(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<ShieldForm>,
) -> Result<Response, Problem> {
    let shield = Shield { customer: form.customer.trim().to_owned(), shielded: form.shielded };
    here.0.shield(&visit.caller(), shield).await?;
    Ok(visit.go("/answers"))
}
