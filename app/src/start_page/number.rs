//! Evidence for the fourth worry: a resident's number is changed now, and everything that led to the person still does.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Form, Frame, Visit, shown};
use protocol::register::{CHANGES, Change, ChangeDone, ChangeKind};
use serde::Deserialize;
use wire::Problem;
use words::{ActId, Moment, Reason};
use world::World;

use super::{Here, Start, WITHIN};
use crate::{desk, picker};

/// What was seen before and after.
struct Seen {
    name: String,
    /// Which change of this entry it was.
    change: i64,
    before: usize,
    /// How many of those are there after it.
    after: usize,
}

#[derive(Template)]
#[template(path = "start/number.html")]
struct NumberPage {
    frame: Frame,
    seen: Option<Seen>,
}

pub(super) async fn show(visit: Visit) -> Response {
    shown(&NumberPage { frame: visit.frame(), seen: None })
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn change(
    State(start): State<Here>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let failed = |error: anyhow::Error| {
        tracing::warn!(%error, "the number could not be changed");
        Problem::with(Reason::Unavailable, "A room of the demo does not answer.")
    };
    let seen = try_it(&start).await.map_err(failed)?;
    Ok(shown(&NumberPage { frame: visit.frame(), seen: Some(seen) }))
}

async fn try_it(start: &Start) -> anyhow::Result<Seen> {
    let person = start.people.first().ok_or_else(|| anyhow::anyhow!("the demo has no residents"))?;
    let acts = async || -> anyhow::Result<BTreeSet<ActId>> {
        let (_, records) = picker::my_records(&start.config, &person.entry).await?;
        Ok(records.acts.into_iter().map(|act| act.act).collect())
    };
    let before = acts().await?;
    let registrar = desk::client(start.file.section("registry", None)?, "registrar")?;
    let change = Change {
        entry: person.entry.clone(),
        kind: ChangeKind::CodeChangedOnRequest,
        day: Moment(World::real().now()).date_in_japan(),
        attributes: None,
        new_number: true,
    };
    let done: ChangeDone = match registrar.post(CHANGES, &change, WITHIN).await {
        Ok(done) => done,
        Err(error) => anyhow::bail!("{}", desk::in_words(&error)),
    };
    let after = acts().await?;
    Ok(Seen {
        name: person.name.clone(),
        change: done.sequence,
        before: before.len(),
        after: before.intersection(&after).count(),
    })
}
