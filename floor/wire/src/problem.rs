//! Problems: RFC 9457 `application/problem+json`, in Japanese and English, with what to do next.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::{ActId, Reason};

/// Something that was not done, as a room tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Why.
    pub reason: Reason,
    /// Where and what, in words; never personal data, a key, or the content of a message.
    pub detail: String,
    /// The act it belongs to, where there is one.
    pub act: Option<ActId>,
    recorded: bool,
}

/// Marks a response whose refusal already stands in the room's records.
#[derive(Clone, Copy, Debug)]
pub struct Recorded;

impl Problem {
    /// A problem with the reason's own words alone.
    pub const fn new(reason: Reason) -> Self {
        Self { reason, detail: String::new(), act: None, recorded: false }
    }

    /// A problem that says where and what.
    pub fn with(reason: Reason, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..Self::new(reason) }
    }

    /// The same, belonging to an act.
    pub fn of(self, act: ActId) -> Self {
        Self { act: Some(act), ..self }
    }

    /// The same, marked as standing in the records already.
    pub fn recorded(self) -> Self {
        Self { recorded: true, ..self }
    }

    /// The body as it travels.
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:musubi:problem:{}", self.reason),
            title: self.reason.in_english().into(),
            title_ja: self.reason.in_japanese().into(),
            status: self.reason.status(),
            detail: (!self.detail.is_empty()).then(|| self.detail.clone()),
            next: self.reason.next_in_english().into(),
            next_ja: self.reason.next_in_japanese().into(),
            reason: self.reason,
            act: self.act,
        }
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl From<rules::Refusal> for Problem {
    fn from(refusal: rules::Refusal) -> Self {
        Self::new(refusal.reason)
    }
}

impl From<words::Malformed> for Problem {
    fn from(malformed: words::Malformed) -> Self {
        Self::with(Reason::Malformed, malformed.to_string())
    }
}

/// The JSON of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemBody {
    /// `urn:musubi:problem:<reason>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in English.
    pub title: String,
    /// What happened, in Japanese.
    pub title_ja: String,
    /// The HTTP status.
    pub status: u16,
    /// Where and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do next, in English.
    pub next: String,
    /// What to do next, in Japanese.
    pub next_ja: String,
    /// The reason's word.
    pub reason: Reason,
    /// The act it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActId>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let status = StatusCode::from_u16(self.reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.recorded {
            response.extensions_mut().insert(Recorded);
        }
        response.extensions_mut().insert(self);
        response
    }
}
