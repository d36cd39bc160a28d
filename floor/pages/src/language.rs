//! Japanese or English.

use axum::extract::Request;

use crate::guard::cookie;

/// The language of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Japanese, the first.
    Japanese,
    /// English.
    English,
}

impl Language {
    pub(crate) const COOKIE: &'static str = "musubi-language";

    /// Chosen in the address, else as chosen before, else Japanese; and whether it was chosen just now.
    pub(crate) fn of(request: &Request) -> (Self, bool) {
        let query = request.uri().query().unwrap_or_default();
        match query.split('&').find_map(|pair| Self::read(pair.strip_prefix("lang=")?)) {
            Some(language) => (language, true),
            None => {
                let before = cookie(request.headers(), Self::COOKIE).and_then(Self::read);
                (before.unwrap_or(Self::Japanese), false)
            }
        }
    }

    fn read(tag: &str) -> Option<Self> {
        [Self::Japanese, Self::English].into_iter().find(|language| language.tag() == tag)
    }

    /// For `lang` attributes.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::English => "en",
        }
    }

    /// The one of two texts that is in this language.
    pub const fn say<'a>(self, japanese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Japanese => japanese,
            Self::English => english,
        }
    }

    /// The same of a pair.
    pub fn of_pair(self, pair: &[String; 2]) -> &str {
        let [japanese, english] = pair;
        self.say(japanese, english)
    }

    /// The other language.
    pub const fn other(self) -> Self {
        match self {
            Self::Japanese => Self::English,
            Self::English => Self::Japanese,
        }
    }
}
