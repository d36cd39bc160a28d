//! What was not done, as a page: what happened, what to do now, and who can mend it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use wire::Problem;
use words::{Blame, Reason};

use crate::Language;
use crate::visit::{Frame, Visit, shown};

#[derive(Template)]
#[template(path = "pages/problem.html")]
struct ProblemPage {
    frame: Frame,
    what: &'static str,
    next: &'static str,
    mends: &'static str,
    act: Option<String>,
    reason: &'static str,
    sign_in: bool,
}

/// The page of a problem, with its status.
pub fn page(visit: &Visit, problem: &Problem) -> Response {
    let reason = problem.reason;
    let japanese = visit.language() == Language::Japanese;
    let page = ProblemPage {
        frame: visit.frame(),
        what: if japanese { reason.in_japanese() } else { reason.in_english() },
        next: if japanese { reason.next_in_japanese() } else { reason.next_in_english() },
        mends: mends(reason.blame(), visit.language()),
        act: problem.act.map(|act| act.to_string()),
        reason: reason.as_str(),
        sign_in: reason == Reason::Unauthenticated,
    };
    let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, shown(&page)).into_response()
}

/// Who can put it right.
pub const fn mends(blame: Blame, language: Language) -> &'static str {
    match blame {
        Blame::Caller => language.say("直せる人: 送った本人", "Who can mend it: whoever sent it"),
        Blame::Institution => language.say(
            "直せる人: 照会した機関の責任者",
            "Who can mend it: the asking institution's person in charge",
        ),
        Blame::Peer => language.say("直せる人: 相手の機関", "Who can mend it: the other institution"),
        Blame::Ourselves => language.say(
            "直せる人: この画面を動かしている機関の運用担当者",
            "Who can mend it: the operator of this room",
        ),
    }
}

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInPage {
    frame: Frame,
}

/// The page where staff sign in with their own key.
pub fn sign_in_page(visit: &Visit) -> Response {
    shown(&SignInPage { frame: visit.frame() })
}
