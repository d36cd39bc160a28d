//! Accreditations: suspend and restore, which acts everywhere within 60 seconds.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Form, Frame, Language, Visit, shown, written};
use protocol::oversight::{CaseState, ChangeStanding};
use rules::Standing;
use serde::Deserialize;
use wire::Problem;
use words::{PartyId, Reason};

use super::party;
use crate::error::own_database;
use crate::{Here, store};

struct Line {
    id: String,
    name: String,
    kind: String,
    standing: &'static str,
    active: bool,
    withdrawn: bool,
    assessed: String,
    assessment_missing: bool,
    holds_number: bool,
}

#[derive(Template)]
#[template(path = "oversight/standing.html")]
struct StandingPage {
    frame: Frame,
    lines: Vec<Line>,
    alarms: usize,
    open_cases: usize,
    overdue: usize,
}

const fn word(standing: Standing, language: Language) -> &'static str {
    match standing {
        Standing::Active => language.say("有効", "active"),
        Standing::Suspended => language.say("停止中", "suspended"),
        Standing::Withdrawn => language.say("取消し", "withdrawn"),
    }
}

pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (house, language) = (&here.0.house, visit.language());
    let (_, all) = store::accreditations(house.road.db()).await.map_err(own_database)?;
    let (now, alarms) = (house.now(), store::alarms(house.road.db()).await.map_err(own_database)?);
    let cases = store::cases(house.road.db()).await.map_err(own_database)?;
    let line = |one: rules::Accreditation| Line {
        name: party(house, &one.party, language),
        id: one.party.to_string(),
        kind: one.kind.to_string(),
        standing: word(one.standing, language),
        active: one.standing == Standing::Active,
        withdrawn: one.standing == Standing::Withdrawn,
        assessed: match one.assessed_until {
            Some(until) => match language {
                Language::Japanese => written(until.date_in_japan()),
                Language::English => until.date_in_japan().to_string(),
            },
            None => language.say("ありません", "none").to_owned(),
        },
        assessment_missing: one.assessed_until.is_none_or(|until| until < now),
        holds_number: one.holds_number,
    };
    let open = cases.iter().filter(|case| case.state != CaseState::Closed);
    let page = StandingPage {
        frame: visit.frame(),
        lines: all.into_iter().map(line).collect(),
        alarms: alarms.len(),
        open_cases: open.clone().count(),
        overdue: open.filter(|case| case.due < now).count(),
    };
    Ok(shown(&page))
}

#[derive(Deserialize)]
pub(super) struct Change {
    party: String,
    to: String,
    reason: String,
}

pub(super) async fn change(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Change>,
) -> Result<Response, Problem> {
    let standing = match form.to.as_str() {
        "suspend" => Standing::Suspended,
        "restore" => Standing::Active,
        _ => return Err(Problem::with(Reason::Malformed, "`to` is suspend or restore.")),
    };
    let reason = form.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Problem::with(Reason::Malformed, "`reason` has 1 to 500 characters."));
    }
    let message = ChangeStanding { standing, reason };
    here.0.change_standing(&visit.caller(), PartyId::parse(&form.party)?, message).await?;
    Ok(visit.go("/"))
}
