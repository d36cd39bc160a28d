//! Alarms and cases.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{Form, Frame, Language, Visit, in_japan, shown};
use protocol::audit::FindingKind;
use protocol::oversight::{CaseKind, CaseState, MoveCase};
use serde::Deserialize;
use wire::Problem;
use words::Reason;

use super::party;
use crate::error::own_database;
use crate::{Here, store};

pub(super) const fn finding_word(kind: FindingKind, language: Language) -> &'static str {
    match kind {
        FindingKind::MissingSide => language.say("記録が一方にない", "a side has no record"),
        FindingKind::Differs => language.say("記録が食い違う", "records differ"),
        FindingKind::AnsweredWithoutDecision => {
            language.say("判断のないまま答えた", "answered without a decision")
        }
        FindingKind::NotIndexed => language.say("本人の索引にない", "not in the person's index"),
        FindingKind::IndexedWithoutAct => language.say("だれも知らない索引", "an index entry without an act"),
        FindingKind::UnknownIndexEntry => language
            .say("だれのものでもない索引(符号の改変の疑い)", "an index entry of nobody: a code was changed"),
        FindingKind::DishonestConversion => {
            language.say("変換の証明が成り立たない", "a conversion not shown")
        }
        FindingKind::RecordNotInLedger => language.say("記録が帳簿と違う", "a record is not its ledger's"),
        FindingKind::LedgerBroken => language.say("帳簿が壊れている", "a ledger is broken"),
        FindingKind::LedgerConflict => language.say("帳簿に二つの歴史がある", "a ledger has two histories"),
        FindingKind::LedgerSilent => language.say("帳簿が示されなくなった", "a ledger is not shown any more"),
        FindingKind::ClockBack => language.say("時計が戻った", "a clock went back"),
        FindingKind::SetOverdue => {
            language.say("研究用の集合が返っていない", "a set for research is not back")
        }
    }
}

struct AlarmShown {
    at: String,
    what: &'static str,
    raised_by: String,
    parties: String,
    act: Option<String>,
    detail: String,
}

#[derive(Template)]
#[template(path = "oversight/alarms.html")]
struct AlarmsPage {
    frame: Frame,
    lines: Vec<AlarmShown>,
}

pub(super) async fn alarms(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (house, language) = (&here.0.house, visit.language());
    let all = store::alarms(house.road.db()).await.map_err(own_database)?;
    let line = |one: protocol::oversight::AlarmLine| AlarmShown {
        at: in_japan(one.at, language),
        what: finding_word(one.kind, language),
        raised_by: party(house, &one.raised_by, language),
        parties: [&one.party, &one.inquirer, &one.provider]
            .into_iter()
            .flatten()
            .map(|id| party(house, id, language))
            .collect::<Vec<_>>()
            .join(" · "),
        act: one.act.map(|act| act.to_string()),
        detail: one.detail,
    };
    Ok(shown(&AlarmsPage { frame: visit.frame(), lines: all.into_iter().map(line).collect() }))
}

struct CaseShown {
    number: i64,
    what: &'static str,
    opened_by: String,
    at: String,
    due: String,
    overdue: bool,
    state: &'static str,
    closed: bool,
    investigated: bool,
    act: String,
}

#[derive(Template)]
#[template(path = "oversight/cases.html")]
struct CasesPage {
    frame: Frame,
    lines: Vec<CaseShown>,
}

pub(super) async fn cases(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (house, language) = (&here.0.house, visit.language());
    let now = house.now();
    let all = store::cases(house.road.db()).await.map_err(own_database)?;
    let line = |one: protocol::oversight::CaseLine| CaseShown {
        number: one.number,
        what: match one.case.kind {
            CaseKind::GuardMismatch => {
                language.say("生年月日か性別が合わない", "birth date or sex do not agree")
            }
            CaseKind::Alarm => language.say("警報の調査", "an alarm"),
            CaseKind::Complaint => language.say("本人からの問い合わせ", "the person asks"),
        },
        opened_by: party(house, &one.opened_by, language),
        at: in_japan(one.case.at, language),
        due: in_japan(one.due, language),
        overdue: one.due < now && one.state != CaseState::Closed,
        state: match one.state {
            CaseState::Open => language.say("受付", "open"),
            CaseState::UnderInvestigation => language.say("調査中", "under investigation"),
            CaseState::Closed => language.say("終了", "closed"),
        },
        closed: one.state == CaseState::Closed,
        investigated: one.state == CaseState::UnderInvestigation,
        act: one.case.act.to_string(),
    };
    Ok(shown(&CasesPage { frame: visit.frame(), lines: all.into_iter().map(line).collect() }))
}

#[derive(Deserialize)]
pub(super) struct To {
    to: String,
}

pub(super) async fn move_on(
    State(here): State<Here>,
    visit: Visit,
    Path(number): Path<String>,
    Form(form): Form<To>,
) -> Result<Response, Problem> {
    let state = match form.to.as_str() {
        "investigate" => CaseState::UnderInvestigation,
        "close" => CaseState::Closed,
        _ => return Err(Problem::with(Reason::Malformed, "`to` is investigate or close.")),
    };
    here.0.move_case(&visit.caller(), &number, MoveCase { state }).await?;
    Ok(visit.go("/cases"))
}
