//! The list of cases: what is to be done, and how far it has come.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Desk;
use super::board::Counts;
use super::language::Frame;
use super::problem::{Why, shown};
use super::routes::SignedIn;
use super::standing::{Standing, State, is_same_person};
use super::store::{self, Brief};

/// Cases on one page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "review_desk/queue.html")]
struct QueuePage {
    frame: Frame,
    counts: Counts,
    filters: Vec<Filter>,
    rows: Vec<Row>,
    /// The filter's word in addresses.
    show: &'static str,
    page: usize,
    pages: usize,
    done: Option<i64>,
    percent: usize,
    /// The case to begin with.
    begin: Option<i64>,
    second: Option<i64>,
}

struct Filter {
    word: &'static str,
    name: &'static str,
    count: usize,
    chosen: bool,
}

struct Row {
    brief: Brief,
    state: &'static str,
    /// Who decided, and whether that is whoever looks.
    staff: String,
    own: bool,
}

/// What a list is asked for.
#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    show: String,
    #[serde(default)]
    page: usize,
    done: Option<i64>,
}

/// The list, a page of it.
pub(super) async fn list(
    Shared(desk): Shared<Arc<Desk>>,
    signed_in: SignedIn,
    query: Result<Query<Shown>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = query else { return signed_in.problem(Why::UnknownPage) };
    let language = signed_in.language();
    let state = State::read(&asked.show);
    let everything = asked.show == "all";
    let state = if everything { None } else { Some(state.unwrap_or(State::Open)) };
    let counts = desk.board.counts();
    let count = state.map_or(counts.all(), |state| counts.of(state));
    let pages = count.div_ceil(PAGE).max(1);
    let page = asked.page.clamp(1, pages);
    let found = desk.board.page(state, (page - 1) * PAGE, PAGE);
    let numbers = found.iter().map(|(no, _)| *no).collect();
    let Ok(briefs) = store::briefs(&desk.db, numbers).await else {
        return signed_in.problem(Why::Storage);
    };
    let rows = found
        .into_iter()
        .zip(briefs)
        .map(|((_, standing), brief)| row(&standing, brief, &signed_in.visitor.staff, language))
        .collect();
    let show = state.map_or("all", State::word);
    let filter = |state: Option<State>| Filter {
        word: state.map_or("all", State::word),
        name: state.map_or(language.say("すべて", "All"), |state| name(state, language)),
        count: state.map_or(counts.all(), |state| counts.of(state)),
        chosen: state.map_or("all", State::word) == show,
    };
    let staff = signed_in.visitor.staff.clone();
    shown(&QueuePage {
        counts,
        filters: State::ALL.into_iter().map(Some).chain([None]).map(filter).collect(),
        rows,
        show,
        page,
        pages,
        done: asked.done,
        percent: (counts.decided * 100).checked_div(counts.all()).unwrap_or(100),
        begin: desk.board.next(0, false, &staff),
        second: desk.board.next(0, true, &staff),
        frame: Frame::new(language, Some(signed_in.visitor), format!("/?show={show}&page={page}")),
    })
}

fn row(standing: &Standing, brief: Brief, visitor: &str, language: super::language::Language) -> Row {
    let staff = standing.outcome.as_ref().map(|record| record.staff.clone()).unwrap_or_default();
    Row { brief, state: name(standing.state, language), own: is_same_person(&staff, visitor), staff }
}

/// A state in words.
pub(super) const fn name(state: State, language: super::language::Language) -> &'static str {
    match state {
        State::Open => language.say("未判断", "Open"),
        State::Waiting => language.say("二人目の確認待ち", "Waiting for a second look"),
        State::Decided => language.say("判断済み", "Decided"),
        State::Undone => language.say("取り消し済み", "Undone"),
    }
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    query_id: String,
}

/// Leads to the case of a customer.
pub(super) async fn find(
    Shared(desk): Shared<Arc<Desk>>,
    signed_in: SignedIn,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Ok(Query(wanted)) = query else { return signed_in.problem(Why::UnknownCustomer) };
    match store::case_of(&desk.db, wanted.query_id.trim().to_owned()).await {
        Ok(Some(no)) => Redirect::to(&format!("/cases/{no}")).into_response(),
        Ok(None) => signed_in.problem(Why::UnknownCustomer),
        Err(_) => signed_in.problem(Why::Storage),
    }
}
