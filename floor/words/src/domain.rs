//! Names that enter the derivation of factors: domains fix a code, sessions fix a key (LINKCODES §6, DESIGN §3).

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Date, Malformed, PartyId};

/// The epoch of an institution's codes; a rotation moves to the next one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// Whether it is the one that codes begin with.
    pub const fn is_first(&self) -> bool {
        self.0 == 0
    }

    /// The one after it.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The domain of a party's link codes in one epoch: `lc/v1/<party>/<epoch>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain {
    /// Whose codes.
    pub party: PartyId,
    /// Which epoch.
    pub epoch: Epoch,
}

impl Domain {
    /// The domain of `party` in `epoch`.
    pub const fn new(party: PartyId, epoch: Epoch) -> Self {
        Self { party, epoch }
    }
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "lc/v1/{}/{}", self.party, self.epoch.0)
    }
}

/// The name of a session, `sc/v1/<party>/<yyyymmdd>/<number>`: whose key, of which day (in Japan), which one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionName {
    party: PartyId,
    text: std::sync::Arc<str>,
}

impl SessionName {
    /// The `number`-th session of `party` on `day`.
    pub fn new(party: &PartyId, day: Date, number: u32) -> Self {
        Self { party: party.clone(), text: format!("sc/v1/{party}/{}/{number}", day.compact()).into() }
    }

    /// Whose session it is.
    pub const fn party(&self) -> &PartyId {
        &self.party
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Parses `sc/v1/<party>/<yyyymmdd>/<number>`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bad = Malformed::new("session", "sc/v1/<party>/<yyyymmdd>/<number>");
        let mut parts = text.splitn(5, '/');
        let (Some("sc"), Some("v1"), Some(party), Some(day), Some(number)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad);
        };
        let digits =
            |text: &str| !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
        if day.len() != 8 || !digits(day) || !digits(number) {
            return Err(bad);
        }
        Ok(Self { party: PartyId::parse(party).map_err(|_| bad)?, text: text.into() })
    }
}

crate::text_schema!(
    SessionName,
    "The name of a session: whose key, of which day in Japan, which one.",
    "^sc/v1/[a-z0-9][a-z0-9.-]{0,47}/[0-9]{8}/[0-9]{1,10}$"
);

impl std::fmt::Display for SessionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for SessionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SessionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_round_trip_and_refuse_others() {
        let party = PartyId::parse("tax-agency").unwrap();
        let name = SessionName::new(&party, Date::new(2026, 11, 22).unwrap(), 3);
        assert_eq!(name.as_str(), "sc/v1/tax-agency/20261122/3");
        assert_eq!(SessionName::parse(name.as_str()).unwrap(), name);
        for bad in [
            "sc/v1/tax-agency/2026/3",
            "sc/v2/a/20261122/3",
            "sc/v1/A/20261122/3",
            "sc/v1/a/20261122/3/4",
            "sc/v1/a/20261122/",
        ] {
            assert!(SessionName::parse(bad).is_err(), "{bad}");
        }
    }
}
