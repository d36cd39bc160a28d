//! One request for a page: who, in which language, where; and what a page has around its content.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use wire::{Caller, Problem};
use words::Reason;

use crate::doors::Visitor;
use crate::guard::Site;
use crate::language::Language;

/// A place a room's pages lead to.
#[derive(Clone, Copy, Debug)]
pub struct Nav {
    /// The path.
    pub path: &'static str,
    /// What it is called, in Japanese.
    pub ja: &'static str,
    /// In English.
    pub en: &'static str,
    /// Who sees it; nobody in particular where it is `None`.
    pub role: Option<rules::Role>,
}

/// A request for a page.
#[derive(Clone)]
pub struct Visit {
    site: Arc<Site>,
    language: Language,
    chosen_now: bool,
    visitor: Option<Visitor>,
    /// The page's own path and query without a language.
    here: String,
}

impl Visit {
    pub(crate) fn of(request: &Request, site: &Arc<Site>) -> Self {
        let (language, chosen_now) = Language::of(request);
        let query = request.uri().query().unwrap_or_default();
        let kept: Vec<&str> =
            query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang=")).collect();
        let path = request.uri().path();
        // A form's answer has no address of its own: the language is changed on the page it came from.
        let path = if request.method().is_safe() { path } else { "/" };
        let here = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
        let visitor = site.doors.visitor(request.headers());
        Self { site: Arc::clone(site), language, chosen_now, visitor, here }
    }

    /// The page's language.
    pub const fn language(&self) -> Language {
        self.language
    }

    pub(crate) const fn chosen_now(&self) -> bool {
        self.chosen_now
    }

    /// The room's pages.
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// Who is signed in.
    pub const fn visitor(&self) -> Option<&Visitor> {
        self.visitor.as_ref()
    }

    /// Who asks, as the road records it.
    pub fn caller(&self) -> Caller {
        match &self.visitor {
            Some(visitor) => Caller::Inner { name: visitor.name.clone(), role: visitor.role },
            None => Caller::Nobody,
        }
    }

    /// What a page of this visit has around its content.
    pub fn frame(&self) -> Frame {
        let sign = if self.here.contains('?') { '&' } else { '?' };
        let role = self.visitor.as_ref().map(|visitor| visitor.role);
        let nav = self.site.nav.iter().filter(|nav| nav.role.is_none() || nav.role == role);
        let at = self.here.split('?').next().unwrap_or_default().to_owned();
        Frame {
            language: self.language,
            room: self.language.of_pair(&self.site.name).to_owned(),
            nav: nav
                .map(|nav| (nav.path, self.language.say(nav.ja, nav.en), is_within(&at, nav.path)))
                .collect(),
            who: self.visitor.as_ref().map(|visitor| visitor.name.clone()),
            form_key: self.visitor.as_ref().map(|visitor| visitor.form_key.clone()).unwrap_or_default(),
            other_language: format!("{}{sign}lang={}", self.here, self.language.other().tag()),
            start: self.site.start.clone(),
            refresh_s: None,
        }
    }

    /// Sends the browser on to another page after a form: 303, so that going back repeats nothing.
    pub fn go(&self, path: &str) -> Response {
        Redirect::to(path).into_response()
    }
}

fn is_within(at: &str, nav: &str) -> bool {
    at == nav || (nav != "/" && at.strip_prefix(nav).is_some_and(|rest| rest.starts_with('/')))
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::new(Reason::Internal))
    }
}

/// What a page has around its content.
pub struct Frame {
    /// The language.
    pub language: Language,
    /// The room's name in it.
    pub room: String,
    /// Path, name, and whether one is there.
    pub nav: Vec<(&'static str, &'static str, bool)>,
    /// Who is signed in.
    pub who: Option<String>,
    /// For forms.
    pub form_key: String,
    /// The same page in the other language.
    pub other_language: String,
    /// The country's start page.
    pub start: Option<String>,
    /// Seconds after which the browser asks again, while something is under way.
    pub refresh_s: Option<u32>,
}

impl Frame {
    /// The one of two texts that is in the page's language.
    pub const fn say<'a>(&self, japanese: &'a str, english: &'a str) -> &'a str {
        self.language.say(japanese, english)
    }

    /// The same of a pair.
    pub fn pair<'a>(&self, pair: &'a [String; 2]) -> &'a str {
        self.language.of_pair(pair)
    }

    /// The same frame, asking again after `seconds`.
    pub fn refreshing(self, seconds: u32) -> Self {
        Self { refresh_s: Some(seconds), ..self }
    }
}

/// A template as an answer; one that cannot be filled is a fault of ours.
pub fn shown(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be filled");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
