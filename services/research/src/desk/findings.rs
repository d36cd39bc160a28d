//! Findings on their way to a person.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{Form, Frame, Visit, in_japan, shown};
use protocol::research::{FindingLine, FindingState, Reach, ReportFinding, SetState};
use rules::Role;
use serde::Deserialize;
use wire::Problem;
use words::ActId;

use super::{insider, is};
use crate::Here;
use crate::deed::read;

struct Line {
    id: String,
    domain: String,
    at: String,
    researcher: String,
    state: &'static str,
    assents: String,
    assent: bool,
    reach: bool,
}

#[derive(Template)]
#[template(path = "research/findings.html")]
struct FindingsPage {
    frame: Frame,
    lines: Vec<Line>,
    sets: Vec<(String, String)>,
    reports: bool,
}

pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let language = visit.language();
    let line = |one: FindingLine| Line {
        id: one.id.to_string(),
        domain: one.domain.to_string(),
        at: in_japan(one.at, language),
        researcher: one.researcher,
        state: match one.state {
            FindingState::Reported => language.say("届出済み(同意待ち)", "reported, waits for two officers"),
            FindingState::OneAssent => language.say("一人が同意", "one officer assents"),
            FindingState::Opened => language.say("本人に知らせてよい", "may reach the person"),
            FindingState::Reached => language.say("領域の管理者が引き受けた", "taken on by the keeper"),
        },
        assents: one.assents.join(", "),
        assent: is(&visit, Role::Officer)
            && matches!(one.state, FindingState::Reported | FindingState::OneAssent),
        reach: is(&visit, Role::Keeper) && matches!(one.state, FindingState::Opened | FindingState::Reached),
    };
    let lines = here.0.findings().await?.into_iter().map(line).collect();
    let sets = here.0.sets(None).await?.into_iter();
    let sets = sets.filter(|set| set.state == SetState::HandedOver && set.ask.linkable);
    let page = FindingsPage {
        frame: visit.frame(),
        lines,
        sets: sets.map(|set| (set.id.to_string(), set.ask.purpose)).collect(),
        reports: is(&visit, Role::Researcher),
    };
    Ok(shown(&page))
}

#[derive(Deserialize)]
pub(super) struct Reported {
    set: String,
    number: String,
    finding: String,
}

pub(super) async fn report(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Reported>,
) -> Result<Response, Problem> {
    let report = ReportFinding {
        set: ActId::parse(&form.set)?,
        number: form.number.trim().to_owned(),
        finding: form.finding,
    };
    here.0.report_finding(&insider(&visit)?, report).await?;
    Ok(visit.go("/findings"))
}

#[derive(Deserialize)]
pub(super) struct Key {
    key: String,
}

pub(super) async fn assent(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Key>,
) -> Result<Response, Problem> {
    let who = insider(&visit)?;
    let key = here.0.opening_of(&who, &form.key)?;
    here.0.assent(&who, key, ActId::parse(&id)?).await?;
    Ok(visit.go("/findings"))
}

#[derive(Template)]
#[template(path = "research/person.html")]
struct PersonPage {
    frame: Frame,
    person: String,
    finding: String,
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn person(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let Reach { person, finding } = read(&here.0.reach(&insider(&visit)?, ActId::parse(&id)?).await?)?;
    Ok(shown(&PersonPage { frame: visit.frame(), person, finding }))
}
