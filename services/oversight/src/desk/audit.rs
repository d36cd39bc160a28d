//! Ledgers as this room witnesses them, and the reconciliation of all sides.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Form, Frame, Visit, in_japan, shown};
use protocol::audit::{Reconcile, Reconciliation};
use protocol::ledger::party_of;
use serde::Deserialize;
use wire::Problem;
use words::Reason;

use super::cases::finding_word;
use super::party;
use crate::Here;

/// A ledger not shown for this long is worth a look, ms.
const LATE_MS: i64 = 60_000;

struct LedgerLine {
    origin: String,
    name: String,
    size: u64,
    at: String,
    late: bool,
}

#[derive(Template)]
#[template(path = "oversight/ledgers.html")]
struct LedgersPage {
    frame: Frame,
    lines: Vec<LedgerLine>,
}

pub(super) async fn ledgers(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (house, language) = (&here.0.house, visit.language());
    let now = house.now();
    let seen = house.road.witnessed().await.map_err(|_| Problem::new(Reason::Internal))?;
    let line = |(origin, size, at): (String, u64, words::Moment)| LedgerLine {
        name: party_of(&origin).map(|id| party(house, &id, language)).unwrap_or_default(),
        origin,
        size,
        at: in_japan(at, language),
        late: now.since_ms(at) > LATE_MS,
    };
    Ok(shown(&LedgersPage { frame: visit.frame(), lines: seen.into_iter().map(line).collect() }))
}

struct Found {
    what: &'static str,
    at: String,
    act: Option<String>,
    detail: String,
}

struct Shown {
    acts: usize,
    agreed: usize,
    not_judged: usize,
    ledgers: Vec<(String, u64, usize, Option<bool>)>,
    findings: Vec<Found>,
}

#[derive(Template)]
#[template(path = "oversight/reconciliation.html")]
struct ReconciliationPage {
    frame: Frame,
    result: Option<Shown>,
}

pub(super) async fn front(visit: Visit) -> Response {
    shown(&ReconciliationPage { frame: visit.frame(), result: None })
}

#[derive(Deserialize)]
pub(super) struct Over {
    /// Hours back from now; all records where it is empty.
    #[serde(default)]
    hours: String,
}

pub(super) async fn reconcile(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Over>,
) -> Result<Response, Problem> {
    let language = visit.language();
    let from = match form.hours.trim() {
        "" => None,
        hours => {
            let hours: i64 =
                hours.parse().ok().filter(|hours| (1..=100_000).contains(hours)).ok_or_else(|| {
                    Problem::with(Reason::Malformed, "`hours` is a whole number from 1 to 100000, or empty.")
                })?;
            Some(here.0.house.now().plus_ms(-hours * 3_600_000))
        }
    };
    let found = here.0.reconcile(&visit.caller(), Reconcile { from, to: None }).await?;
    let found: Reconciliation = serde_json::from_slice(&found).map_err(|_| Problem::new(Reason::Internal))?;
    let house = &here.0.house;
    let ledger = |seen: protocol::audit::LedgerSeen| {
        (party(house, &seen.party, language), seen.size, seen.records, seen.verified)
    };
    let finding = |one: protocol::audit::Finding| Found {
        what: finding_word(one.kind, language),
        at: party(house, &one.party, language),
        act: one.act.map(|act| act.to_string()),
        detail: one.detail,
    };
    let result = Shown {
        acts: found.acts,
        agreed: found.agreed,
        not_judged: found.not_judged,
        ledgers: found.ledgers.into_iter().map(ledger).collect(),
        findings: found.findings.into_iter().map(finding).collect(),
    };
    Ok(shown(&ReconciliationPage { frame: visit.frame(), result: Some(result) }))
}
