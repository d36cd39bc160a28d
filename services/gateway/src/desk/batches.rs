//! Many at once: a file up, progress, a file down.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use pages::{Form, Frame, Upload, Visit, in_japan, shown};
use protocol::desk::{AskState, BatchState};
use serde::Deserialize;
use wire::Problem;
use words::{ActId, Reason};

use super::asker;
use super::asks::state_word;
use crate::error::own_database;
use crate::{Here, asked, batch_file};

struct Line {
    id: String,
    when: String,
    staff: String,
    rows: i64,
}

#[derive(Template)]
#[template(path = "desk/batches.html")]
struct BatchesPage {
    frame: Frame,
    lines: Vec<Line>,
    example: String,
}

pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let house = &here.0.house;
    let known = asked::batches(house.road.db()).await.map_err(|error| own_database(&error))?;
    let line = |(id, staff, rows, at): asked::BatchLine| Line {
        id: id.to_string(),
        when: in_japan(at, visit.language()),
        staff,
        rows,
    };
    let first = super::choices::all(house, visit.language());
    let choice = first.iter().flat_map(|(_, choices)| choices).next();
    let words = choice.map(|choice| choice.value.replace(' ', ",")).unwrap_or_default();
    let page = BatchesPage {
        frame: visit.frame(),
        lines: known.into_iter().map(line).collect(),
        example: format!("customer,affair,item,provider\n0012345,{words}"),
    };
    Ok(shown(&page))
}

/// The same file again is the same batch, and goes on where it stopped.
pub(super) async fn upload(
    State(here): State<Here>,
    visit: Visit,
    upload: Upload,
) -> Result<Response, Problem> {
    let rows = batch_file::read(&upload.bytes)
        .map_err(|fault| Problem::with(Reason::Malformed, format!("Line {}: {}.", fault.line, fault.what)))?;
    let batch = batch_file::id_of(&here.0.house.id, &upload.bytes, None);
    here.0.begin_batch(&asker(&visit)?.name, batch, rows).await?;
    Ok(visit.go(&format!("/batches/{batch}")))
}

#[derive(Template)]
#[template(path = "desk/batch.html")]
struct BatchPage {
    frame: Frame,
    id: String,
    state: BatchState,
    done: u32,
    refusals: Vec<(&'static str, &'static str, usize)>,
}

pub(super) async fn show(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (id, language) = (ActId::parse(&id)?, visit.language());
    let state = here.0.batch_state(id).await?;
    let mut refusals: Vec<(Reason, usize)> = Vec::new();
    for row in here.0.batch_rows(id).await? {
        let Some(reason) = row.asked.reason else { continue };
        match refusals.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => refusals.push((reason, 1)),
        }
    }
    refusals.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = |(reason, count): (Reason, usize)| {
        let what = language.say(reason.in_japanese(), reason.in_english());
        (what, language.say(reason.next_in_japanese(), reason.next_in_english()), count)
    };
    let moving = !state.stopped && state.queued + state.asking > 0;
    let frame = visit.frame();
    let page = BatchPage {
        frame: if moving { frame.refreshing(2) } else { frame },
        id: id.to_string(),
        done: state.rows.saturating_sub(state.queued + state.asking),
        state,
        refusals: refusals.into_iter().map(told).collect(),
    };
    Ok(shown(&page))
}

#[derive(Deserialize)]
pub(super) struct Move {
    to: String,
}

pub(super) async fn move_on(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Move>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    here.0.move_batch(id, form.to == "stop").await?;
    Ok(visit.go(&format!("/batches/{id}")))
}

/// Every row with what came of it, as CSV.
pub(super) async fn result(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    let rows = here.0.batch_rows(id).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["customer", "affair", "item", "provider", "act", "state", "reason", "what", "content"];
    let internal = |_| Problem::new(Reason::Internal).of(id);
    writer.write_record(head).map_err(internal)?;
    for one in rows {
        let (row, asked) = (one.row, one.asked);
        let reason = asked.reason;
        let what = match reason {
            Some(reason) => visit.language().say(reason.in_japanese(), reason.in_english()),
            None => state_word(asked.state, visit.language()),
        };
        let (id, content) = (asked.id.to_string(), asked.content.as_ref().map(|content| content.get()));
        writer
            .write_record([
                row.customer.as_str(),
                row.affair.as_str(),
                row.item.as_str(),
                row.provider.as_str(),
                &id,
                AskState::as_str(asked.state),
                reason.map(Reason::as_str).unwrap_or_default(),
                what,
                content.unwrap_or_default(),
            ])
            .map_err(internal)?;
    }
    let bytes = writer.into_inner().map_err(|_| Problem::new(Reason::Internal).of(id))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.csv\"")),
    ];
    Ok((headers, bytes).into_response())
}
