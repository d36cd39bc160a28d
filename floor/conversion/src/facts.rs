//! The facts a transcryptor decides on, from its own copies of the documents.

use std::sync::{Arc, OnceLock};

use house::{House, Law};
use protocol::inquiry::Inquiry;
use road::{Record, Refused};
use rules::{
    Convert, Defaults, InquiryRequest, Pace, Permit, Standing, TranscryptorFacts, decide_conversion,
};
use words::{Moment, Reason};

/// Everything a decision over an inquiry needs, taken at its arrival.
pub struct DecisionFacts {
    law: Option<Arc<Law>>,
    defaults: Defaults,
    /// Whether what came along shows that the person asks.
    person_asks: bool,
    /// The pace it was decided with, for the record.
    pace: OnceLock<Pace>,
    /// How the person on duty stood, likewise.
    staff: OnceLock<Standing>,
}

impl DecisionFacts {
    /// The facts as this room has them now.
    pub fn now(house: &House, person_asks: bool) -> Self {
        Self {
            law: house.law(),
            defaults: house.defaults.clone(),
            person_asks,
            pace: OnceLock::new(),
            staff: OnceLock::new(),
        }
    }

    /// Decides, by `rules`, whether the inquiry may be converted and passed on.
    pub fn decide(&self, inquiry: &Inquiry, pace: Pace, now: Moment) -> Result<Permit<Convert>, Refused> {
        let _ = self.pace.set(pace);
        // A room that has no documents yet cannot know what is allowed.
        let law = self.law.as_ref().ok_or(Reason::ListTooOld)?;
        let request = InquiryRequest {
            from: inquiry.from.clone(),
            to: inquiry.to.clone(),
            affair: inquiry.affair.clone(),
            item: inquiry.item.clone(),
            right: inquiry.right,
            at: inquiry.at,
            deadline: inquiry.deadline,
            consent_given: consent_given(inquiry),
            person_asks: self.person_asks,
            staff: law
                .accreditation(&inquiry.from)
                .map_or(Standing::Active, |one| one.standing_of(&inquiry.staff)),
        };
        let _ = self.staff.set(request.staff);
        let facts = TranscryptorFacts {
            inquirer: law.accreditation(&inquiry.from),
            provider: law.accreditation(&inquiry.to),
            whitelist: &law.whitelist,
            documents_valid_until: law.valid_until(),
            pace,
            defaults: &self.defaults,
        };
        Ok(decide_conversion(&request, &facts, now)?)
    }
}

impl DecisionFacts {
    /// What it takes to decide the same act again later: the facts that are in no document.
    pub fn note(&self, inquiry: &Inquiry, record: &mut Record) {
        let pace = self.pace.get().copied().unwrap_or_default();
        record
            .set("deadline", inquiry.deadline)
            .set("consent_given", consent_given(inquiry))
            .set("person_asks", self.person_asks)
            // Not who: that is the inquirer's to keep.
            .set("staff_standing", self.staff.get().copied().unwrap_or(Standing::Active))
            .set("last_second", pace.last_second)
            .set("last_hour", pace.last_hour);
        if let Some(law) = &self.law {
            record
                .set("list_version", law.whitelist.version())
                .set("accreditations_version", law.version())
                .set("documents_until", law.valid_until());
        }
    }
}

/// Whether a consent came along that can be checked. No consent register exists yet, so that no reference can be
/// checked and none counts: rows that need consent are refused.
pub const fn consent_given(_inquiry: &Inquiry) -> bool {
    false
}
