//! By what right an act happens (DESIGN §1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The right an inquirer invokes. This stretch of the road decides `Law`; the others are refused as not on
/// the list until their facts exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// A row of the whitelist (別表・主務省令).
    Law,
    /// The person's consent.
    Consent,
    /// An order, e.g. of a court or of the third-party body.
    Order,
    /// Danger to life or body.
    Emergency,
    /// A permission of the third-party body in a disaster.
    Disaster,
    /// The person.
    Person,
    /// A proxy of the person.
    Proxy,
    /// An audit by the third-party body.
    Audit,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 8] = [
        Self::Law,
        Self::Consent,
        Self::Order,
        Self::Emergency,
        Self::Disaster,
        Self::Person,
        Self::Proxy,
        Self::Audit,
    ];

    /// The right of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == word)
    }

    /// The word on the wire and in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Law => "law",
            Self::Consent => "consent",
            Self::Order => "order",
            Self::Emergency => "emergency",
            Self::Disaster => "disaster",
            Self::Person => "person",
            Self::Proxy => "proxy",
            Self::Audit => "audit",
        }
    }
}
