//! Every page of the desk, and what each request is asked first.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};

use super::doors::Visitor;
use super::language::{Chosen, Frame, Language};
use super::problem::{Problem, Why, shown};
use super::{Desk, case, decisions, guard, queue, store};

const STYLE: &str = include_str!("desk.css");
/// A form has a reason of some hundred characters; bytes.
const LARGEST_FORM: usize = 16 << 10;

/// The table of pages.
pub(super) fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(queue::list))
        .route("/find", get(queue::find))
        .route("/cases/{no}", get(case::show).post(case::act))
        .route("/exports/{name}", get(export))
        .route("/sign-in/{key}", get(door).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/desk.css", get(style))
        .fallback(|asking: Asking| async move { asking.problem(Why::UnknownPage, None) })
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(axum::middleware::from_fn_with_state(desk.clone(), guard::pass))
        .with_state(desk)
}

/// Language and cookies of a request.
pub(super) struct Asking {
    pub(super) chosen: Chosen,
    headers: HeaderMap,
}

impl FromRequestParts<Arc<Desk>> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Desk>) -> Result<Asking, Infallible> {
        let request = Request::from_parts(parts.clone(), axum::body::Body::empty());
        Ok(Asking { chosen: Language::of(&request), headers: request.into_parts().0.headers })
    }
}

impl Asking {
    pub(super) fn language(&self) -> Language {
        self.chosen.language
    }

    fn session(&self, desk: &Desk) -> Option<&str> {
        guard::cookie(&self.headers, &desk.cookie)
    }

    pub(super) fn problem(&self, why: Why, visitor: Option<Visitor>) -> Response {
        Problem::new(why, self.chosen).response(visitor)
    }
}

/// A request of somebody who is signed in; others are told where to get a link.
pub(super) struct SignedIn {
    pub(super) chosen: Chosen,
    pub(super) visitor: Visitor,
    session: String,
}

impl FromRequestParts<Arc<Desk>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<SignedIn, Response> {
        let Ok(asking) = Asking::from_request_parts(parts, desk).await;
        let session = asking.session(desk).unwrap_or_default().to_owned();
        match desk.doors.visitor(&session) {
            Some(visitor) => Ok(SignedIn { chosen: asking.chosen, visitor, session }),
            None => Err(asking.problem(Why::NotSignedIn, None)),
        }
    }
}

impl SignedIn {
    pub(super) fn language(&self) -> Language {
        self.chosen.language
    }

    /// What was not done, and a way back to the list.
    pub(super) fn problem(self, why: Why) -> Response {
        self.problem_at(why, "/")
    }

    /// The same with a way back to where one was.
    pub(super) fn problem_at(self, why: Why, back: &str) -> Response {
        Problem::new(why, self.chosen).back_to(back.to_owned()).response(Some(self.visitor))
    }
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

#[derive(Template)]
#[template(path = "review_desk/sign_in.html")]
struct DoorPage {
    frame: Frame,
    key: String,
    name: String,
}

/// Asks before the link is used up: a preview of it must not be a visit.
async fn door(State(desk): State<Arc<Desk>>, asking: Asking, Path(key): Path<String>) -> Response {
    match desk.doors.whose(&key) {
        Some(name) => shown(&DoorPage {
            frame: Frame::new(asking.language(), None, format!("/sign-in/{key}")),
            key,
            name,
        }),
        None => asking.problem(Why::LinkUsedUp, None),
    }
}

async fn sign_in(State(desk): State<Arc<Desk>>, asking: Asking, Path(key): Path<String>) -> Response {
    let Some(entered) = desk.doors.enter(&key) else { return asking.problem(Why::LinkUsedUp, None) };
    (desk.say)(format!("{}: {}", entered.staff, desk.link(&entered.next_key)));
    let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", desk.cookie, entered.session);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

#[derive(serde::Deserialize)]
struct Leaving {
    form_key: String,
}

async fn sign_out(
    State(desk): State<Arc<Desk>>,
    signed_in: SignedIn,
    form: Result<Form<Leaving>, FormRejection>,
) -> Response {
    match form {
        Ok(form) if signed_in.visitor.wrote(&form.form_key) => {
            desk.doors.leave(&signed_in.session);
            let gone = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", desk.cookie);
            ([(header::SET_COOKIE, gone)], Redirect::to("/")).into_response()
        }
        _ => signed_in.problem(Why::OtherForm),
    }
}

/// A file of what was decided, or of what is left.
async fn export(State(desk): State<Arc<Desk>>, signed_in: SignedIn, Path(name): Path<String>) -> Response {
    let file = match name.as_str() {
        "decisions.csv" => store::log(&desk.db).await.map(|log| decisions::log(&log)),
        "links.csv" => rows(&desk).await.map(|(rows, standings)| decisions::links(&rows, &standings)),
        "review.csv" => rows(&desk).await.map(|(rows, standings)| decisions::remaining(&rows, &standings)),
        _ => return signed_in.problem(Why::UnknownPage),
    };
    let error = match file {
        Ok(Ok(bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
            ];
            return (headers, bytes).into_response();
        }
        Ok(Err(error)) => error,
        Err(error) => error.into(),
    };
    tracing::error!("an export could not be written: {error:#}");
    signed_in.problem(Why::Storage)
}

type ReviewRows = Vec<(i64, String, store::Candidate)>;

/// Read from the records, not from the board: a file says what is durable.
async fn rows(desk: &Desk) -> Result<(ReviewRows, Vec<super::standing::Standing>), ::store::StoreError> {
    Ok((store::review_rows(&desk.db).await?, store::standings(&desk.db).await?))
}
