//! What the third-party body says of an institution (rows O1, O4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::{Kind, Moment, PartyId, Reason, StaffId};

/// The standing of an accreditation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// May take part.
    Active,
    /// May not, until restored.
    Suspended,
    /// May not any more.
    Withdrawn,
}

/// One institution's accreditation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accreditation {
    /// Which institution.
    pub party: PartyId,
    /// The kind the whitelist speaks of, e.g. `municipality`.
    pub kind: Kind,
    /// Whether it may take part now.
    pub standing: Standing,
    /// Until when its impact assessment (特定個人情報保護評価) is approved; `None` if it never was.
    pub assessed_until: Option<Moment>,
    /// Whether it holds the Individual Number (row L8: those that do not take part all the same).
    pub holds_number: bool,
    /// Its people who are accredited by name; while it has none, whoever is on duty there may ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<AccreditedPerson>,
}

/// A person on duty whom the third-party body has accredited (row O1), by the opaque id that stands in inquiries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccreditedPerson {
    /// The institution's own id of the person.
    pub staff: StaffId,
    /// Whether the person may ask now.
    pub standing: Standing,
}

impl Accreditation {
    /// How a person on duty stands: withdrawn where the institution's people are accredited by name and this one is not.
    pub fn standing_of(&self, staff: &StaffId) -> Standing {
        match self.people.iter().find(|one| one.staff == *staff) {
            Some(one) => one.standing,
            None if self.people.is_empty() => Standing::Active,
            None => Standing::Withdrawn,
        }
    }

    /// Whether the institution may take part at `now`; otherwise why not.
    pub fn check(&self, now: Moment) -> Result<(), Reason> {
        match self.standing {
            Standing::Active if self.assessed_until.is_some_and(|until| now < until) => Ok(()),
            Standing::Active => Err(Reason::ImpactAssessmentMissing),
            Standing::Suspended => Err(Reason::AccreditationSuspended),
            Standing::Withdrawn => Err(Reason::NotAccredited),
        }
    }
}
