//! One case: the customer beside each candidate, what was done, and what can be done.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use matching::why_in_japanese;
use serde::Deserialize;
use words::Moment;

use super::Desk;
use super::language::{Frame, Language};
use super::marks;
use super::moments;
use super::problem::{Why, shown};
use super::queue;
use super::routes::SignedIn;
use super::standing::{Act, LONGEST_REASON, Record, Refusal, Standing, State, is_same_person};
use super::store::{self, Doing, Tie, Whole};

#[derive(Template)]
#[template(path = "review_desk/case.html")]
struct CasePage {
    frame: Frame,
    no: i64,
    query_id: String,
    institution: String,
    state: &'static str,
    version: u32,
    candidates: Vec<Candidate>,
    history: Vec<Line>,
    /// A decision can be made.
    to_decide: bool,
    /// A decision by somebody else waits for this member of staff.
    to_confirm: bool,
    /// A decision of one's own waits for somebody else.
    waits_for_others: bool,
    to_undo: bool,
    /// The decision in force is that the customer is none of the candidates.
    is_none: bool,
    links_wait: bool,
    longest_reason: usize,
    next: Option<i64>,
    done: Option<i64>,
}

struct Candidate {
    place: usize,
    person_id: String,
    score: String,
    why: String,
    rows: Vec<marks::Row>,
    tie: Option<Tie>,
    /// The decision in force ties the customer to this one.
    chosen: bool,
}

struct Line {
    what: &'static str,
    person: String,
    staff: String,
    at: String,
    why: String,
    imported: bool,
}

/// What a page of a case is asked for.
#[derive(Deserialize)]
pub(super) struct Shown {
    done: Option<i64>,
}

/// The page of a case.
pub(super) async fn show(
    Shared(desk): Shared<Arc<Desk>>,
    signed_in: SignedIn,
    Path(no): Path<String>,
    query: Result<Query<Shown>, QueryRejection>,
) -> Response {
    let Ok(no) = no.parse::<i64>() else { return signed_in.problem(Why::UnknownPage) };
    let whole = match store::whole(&desk.db, no).await {
        Ok(Some(whole)) => whole,
        Ok(None) => {
            return signed_in.problem(Why::Refused(Refusal::UnknownCase));
        }
        Err(_) => return signed_in.problem(Why::Storage),
    };
    let standing = Standing::of(&whole.records);
    desk.board.note(no, &standing);
    let language = signed_in.language();
    let own = standing
        .outcome
        .as_ref()
        .is_some_and(|outcome| is_same_person(&outcome.staff, &signed_in.visitor.staff));
    let waiting = standing.state == State::Waiting;
    let to_decide = matches!(standing.state, State::Open | State::Undone);
    shown(&CasePage {
        no,
        state: queue::name(standing.state, language),
        version: standing.version,
        history: whole.records.iter().map(|record| line(record, language)).collect(),
        to_decide,
        to_confirm: waiting && !own,
        waits_for_others: waiting && own,
        to_undo: !to_decide,
        is_none: standing.outcome.as_ref().is_some_and(|outcome| outcome.act == Act::None),
        links_wait: desk.second_look.needed(&Act::Link(String::new())),
        longest_reason: LONGEST_REASON,
        next: desk.board.next(no, waiting && !own, &signed_in.visitor.staff),
        done: query.ok().and_then(|Query(asked)| asked.done),
        query_id: whole.case.query_id.clone(),
        institution: whole.case.institution.clone(),
        candidates: candidates(whole, &standing, language),
        frame: Frame::new(language, Some(signed_in.visitor), format!("/cases/{no}")),
    })
}

fn candidates(whole: Whole, standing: &Standing, language: Language) -> Vec<Candidate> {
    let Whole { case, residents, .. } = whole;
    let customer = case.customer;
    (1..)
        .zip(case.candidates.into_iter().zip(residents))
        .map(|(place, (candidate, (resident, tie)))| Candidate {
            place,
            rows: marks::rows(language, &customer, &resident),
            why: match language {
                Language::Japanese => why_in_japanese(&candidate.why),
                Language::English => candidate.why,
            },
            chosen: standing.tied() == Some(&candidate.person_id),
            person_id: candidate.person_id,
            score: candidate.score,
            tie,
        })
        .collect()
}

fn line(record: &Record, language: Language) -> Line {
    let what = match record.act {
        Act::Link(_) => language.say("この住民と判断", "Decided: this resident"),
        Act::None => language.say("候補の誰でもないと判断", "Decided: none of the candidates"),
        Act::Note => language.say("保留", "Left open"),
        Act::Confirm => language.say("二人目が確認", "Confirmed by a second person"),
        Act::SendBack => language.say("二人目が差し戻し", "Sent back by a second person"),
        Act::Undo => language.say("取り消し", "Undone"),
    };
    Line {
        what,
        person: record.act.person().unwrap_or_default().to_owned(),
        staff: record.staff.clone(),
        at: moments::shown(record.at),
        why: record.why.clone(),
        imported: record.imported,
    }
}

/// What a form of the page sends.
#[derive(Deserialize)]
pub(super) struct Filled {
    form_key: String,
    /// The version of the case that the page showed.
    version: u32,
    act: String,
    #[serde(default)]
    person_id: String,
    #[serde(default)]
    why: String,
}

/// Does what a form says.
pub(super) async fn act(
    Shared(desk): Shared<Arc<Desk>>,
    signed_in: SignedIn,
    Path(no): Path<String>,
    form: Result<Form<Filled>, FormRejection>,
) -> Response {
    let Ok(no) = no.parse::<i64>() else { return signed_in.problem(Why::UnknownPage) };
    let here = format!("/cases/{no}");
    let Ok(Form(filled)) = form else { return signed_in.problem_at(Why::Malformed, &here) };
    if !signed_in.visitor.wrote(&filled.form_key) {
        return signed_in.problem_at(Why::OtherForm, &here);
    }
    let Some(act) = Act::read(&filled.act, &filled.person_id) else {
        return signed_in.problem_at(Why::Malformed, &here);
    };
    let looks_again = matches!(act, Act::Confirm | Act::SendBack);
    let undoes = act == Act::Undo;
    let record = Record {
        staff: signed_in.visitor.staff.clone(),
        at: Moment(desk.world.now()),
        why: filled.why.split_whitespace().collect::<Vec<_>>().join(" "),
        second_look: desk.second_look.needed(&act),
        imported: false,
        act,
    };
    match store::act(&desk.db, Doing { case_no: no, record }, filled.version).await {
        Ok(standing) => {
            desk.board.note(no, &standing);
            let next = desk.board.next(no, looks_again, &signed_in.visitor.staff).filter(|_| !undoes);
            let to = match next {
                Some(next) => format!("/cases/{next}?done={no}"),
                None if undoes => format!("/cases/{no}?done={no}"),
                None => format!("/?done={no}"),
            };
            Redirect::to(&to).into_response()
        }
        Err(failed) => signed_in.problem_at(failed.into(), &here),
    }
}
