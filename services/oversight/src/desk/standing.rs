//! Accreditations of institutions and of people: every change acts everywhere within 60 seconds.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Form, Frame, Language, Visit, shown, written};
use protocol::oversight::{Accredit, AccreditPerson, CaseState, ChangeStanding};
use rules::Standing;
use serde::Deserialize;
use wire::Problem;
use words::{Date, Kind, Moment, PartyId, Reason, StaffId};

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
    /// People accredited by name: id, how they stand, whether they may ask.
    people: Vec<(String, &'static str, bool)>,
}

#[derive(Template)]
#[template(path = "oversight/standing.html")]
struct StandingPage {
    frame: Frame,
    lines: Vec<Line>,
    alarms: usize,
    open_cases: usize,
    overdue: usize,
    /// Certified by the authority and not accredited, or not any more: id and name.
    candidates: Vec<(String, String)>,
    kinds: Vec<String>,
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
    let line = |one: &rules::Accreditation| Line {
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
        people: one
            .people
            .iter()
            .map(|person| {
                let active = person.standing == Standing::Active;
                (person.staff.to_string(), word(person.standing, language), active)
            })
            .collect(),
    };
    let directory = house.directory();
    let accredited =
        |id: &PartyId| all.iter().any(|one| one.party == *id && one.standing != Standing::Withdrawn);
    let candidates = directory.of_kind("gateway").into_iter().filter(|entry| !accredited(&entry.id));
    let candidates: Vec<_> = candidates
        .map(|entry| (entry.id.to_string(), language.say(&entry.name, &entry.name_en).to_owned()))
        .collect();
    let kinds = here.0.kinds()?.iter().map(ToString::to_string).collect();
    let open = cases.iter().filter(|case| case.state != CaseState::Closed);
    let page = StandingPage {
        frame: visit.frame(),
        lines: all.iter().map(line).collect(),
        alarms: alarms.len(),
        open_cases: open.clone().count(),
        overdue: open.filter(|case| case.due < now).count(),
        candidates,
        kinds,
    };
    Ok(shown(&page))
}

#[derive(Deserialize)]
pub(super) struct Change {
    party: String,
    to: String,
    reason: String,
}

fn standing_of(word: &str) -> Result<Standing, Problem> {
    match word {
        "suspend" => Ok(Standing::Suspended),
        "restore" | "accredit" => Ok(Standing::Active),
        "withdraw" => Ok(Standing::Withdrawn),
        _ => Err(Problem::with(Reason::Malformed, "`to` is suspend, restore, accredit or withdraw.")),
    }
}

pub(super) async fn change(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Change>,
) -> Result<Response, Problem> {
    let message = ChangeStanding { standing: standing_of(&form.to)?, reason: form.reason };
    here.0.change_standing(&visit.caller(), PartyId::parse(&form.party)?, message).await?;
    Ok(visit.go("/"))
}

#[derive(Deserialize)]
pub(super) struct NewInstitution {
    party: String,
    kind: String,
    /// A day, `YYYY-MM-DD`; empty for no assessment yet.
    assessed_until: String,
    /// A box that is ticked or not sent.
    holds_number: Option<String>,
    reason: String,
}

/// Accredits an institution, or assesses one anew.
pub(super) async fn accredit(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<NewInstitution>,
) -> Result<Response, Problem> {
    let assessed_until = match form.assessed_until.trim() {
        "" => None,
        // The whole of that day counts, in Japan.
        day => Some(Moment((Date::parse(day)?.days() + 1) * 86_400_000 - 9 * 3_600_000)),
    };
    let message = Accredit {
        party: PartyId::parse(&form.party)?,
        kind: Kind::parse(&form.kind)?,
        assessed_until,
        holds_number: form.holds_number.is_some(),
        reason: form.reason,
    };
    here.0.accredit(&visit.caller(), message).await?;
    Ok(visit.go("/"))
}

#[derive(Deserialize)]
pub(super) struct OnePerson {
    party: String,
    staff: String,
    to: String,
    reason: String,
}

/// Accredits a person on duty, or changes how that person stands.
pub(super) async fn person(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<OnePerson>,
) -> Result<Response, Problem> {
    let staff = StaffId::parse(form.staff.trim())?;
    let message = AccreditPerson { staff, standing: standing_of(&form.to)?, reason: form.reason };
    here.0.accredit_person(&visit.caller(), PartyId::parse(&form.party)?, message).await?;
    Ok(visit.go("/"))
}
