//! Japanese or English, and what every page has around it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};

use super::doors::Visitor;
use super::guard;

const COOKIE: &str = "review-desk-language";

/// The language of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Language {
    Japanese,
    English,
}

/// The language of a request, and whether it was chosen just now.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    pub(super) language: Language,
    now: bool,
}

impl Language {
    /// Chosen in the address, else as chosen before, else Japanese.
    pub(super) fn of(request: &Request) -> Chosen {
        let query = request.uri().query().unwrap_or_default();
        match query.split('&').find_map(|pair| Language::read(pair.strip_prefix("lang=")?)) {
            Some(language) => Chosen { language, now: true },
            None => Chosen { language: Language::before(request.headers()), now: false },
        }
    }

    fn before(headers: &HeaderMap) -> Language {
        guard::cookie(headers, COOKIE).and_then(Language::read).unwrap_or(Language::Japanese)
    }

    fn read(tag: &str) -> Option<Language> {
        [Language::Japanese, Language::English].into_iter().find(|language| language.tag() == tag)
    }

    /// For `lang` attributes.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Language::Japanese => "ja",
            Language::English => "en",
        }
    }

    /// The one of two texts that is in this language.
    pub(super) const fn say<'a>(self, japanese: &'a str, english: &'a str) -> &'a str {
        match self {
            Language::Japanese => japanese,
            Language::English => english,
        }
    }
}

impl Chosen {
    /// Remembers a choice.
    pub(super) fn cookie(self) -> Option<HeaderValue> {
        let cookie = format!("{COOKIE}={}; Path=/; SameSite=Strict; HttpOnly", self.language.tag());
        self.now.then(|| HeaderValue::from_str(&cookie).ok()).flatten()
    }
}

/// What a page has around its content.
pub(super) struct Frame {
    pub(super) language: Language,
    /// Who is signed in.
    pub(super) staff: Option<String>,
    pub(super) form_key: String,
    /// The page's own address without a language, to which one can be added.
    pub(super) here: String,
}

impl Frame {
    pub(super) fn new(language: Language, visitor: Option<Visitor>, here: impl Into<String>) -> Frame {
        let (staff, form_key) = match visitor {
            Some(Visitor { staff, form_key }) => (Some(staff), form_key),
            None => (None, String::new()),
        };
        let here = here.into();
        let sign = if here.contains('?') { '&' } else { '?' };
        Frame { language, staff, form_key, here: format!("{here}{sign}lang=") }
    }

    /// The one of two texts that is in the page's language.
    pub(super) fn say<'a>(&self, japanese: &'a str, english: &'a str) -> &'a str {
        self.language.say(japanese, english)
    }

    /// The other language.
    pub(super) fn other(&self) -> Language {
        match self.language {
            Language::Japanese => Language::English,
            Language::English => Language::Japanese,
        }
    }
}
