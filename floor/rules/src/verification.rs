//! Whether an institution may have people's signatures and certificates verified (rows C12, C14).

use words::{Moment, Reason, Right};

use crate::accreditation::{Accreditation, Standing};
use crate::defaults::Defaults;
use crate::permit::{Basis, Operate, Permit, Refusal};
use crate::transcryptor::Pace;

/// What the authority knows, from its own copies.
pub struct VerificationFacts<'a> {
    /// The institution's accreditation, if it has any.
    pub accreditation: Option<&'a Accreditation>,
    /// Until when the accreditations are valid; `None` while there are none.
    pub documents_valid_until: Option<Moment>,
    /// The institution's pace.
    pub pace: Pace,
    /// The bounds.
    pub defaults: &'a Defaults,
}

/// Leave to verify, and whether attributes may be told.
pub struct Verification {
    /// The leave.
    pub permit: Permit<Operate>,
    /// Whether the institution's impact assessment is in force: then a valid signature certificate's attributes are told.
    pub attributes: bool,
}

/// Decides whether an institution may verify.
pub fn decide_verification(facts: &VerificationFacts<'_>, now: Moment) -> Result<Verification, Refusal> {
    if facts.documents_valid_until.is_none_or(|until| until <= now) {
        return Err(Reason::ListTooOld.into());
    }
    let accreditation = facts.accreditation.ok_or(Reason::NotAccredited)?;
    match accreditation.standing {
        Standing::Active => {}
        Standing::Suspended => return Err(Reason::AccreditationSuspended.into()),
        Standing::Withdrawn => return Err(Reason::NotAccredited.into()),
    }
    if facts.pace.last_second >= facts.defaults.rate_per_second
        || facts.pace.last_hour >= facts.defaults.rate_per_hour
    {
        return Err(Reason::RateExceeded.into());
    }
    let entry = "verification for accredited institutions (公的個人認証法第十七条・第三十六条)";
    let permit = Permit::new(Basis { right: Right::Law, entry: entry.into(), version: 0 });
    Ok(Verification { permit, attributes: accreditation.check(now).is_ok() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::{Kind, PartyId};

    fn reason(standing: Option<Standing>, until: Option<i64>, last_second: u32) -> Result<bool, Reason> {
        let accreditation = standing.map(|standing| Accreditation {
            party: PartyId::parse("bank").unwrap(),
            kind: Kind::parse("bank").unwrap(),
            standing,
            assessed_until: Some(Moment(50)),
            holds_number: false,
            people: Vec::new(),
        });
        let facts = VerificationFacts {
            accreditation: accreditation.as_ref(),
            documents_valid_until: until.map(Moment),
            pace: Pace { last_second, last_hour: 0 },
            defaults: &Defaults::house(),
        };
        decide_verification(&facts, Moment(60))
            .map(|leave| leave.attributes)
            .map_err(|refusal| refusal.reason)
    }

    #[test]
    fn who_may_verify_and_why_not() {
        let active = Some(Standing::Active);
        assert_eq!(reason(active, Some(100), 0), Ok(false), "the assessment has run out: no attributes");
        assert_eq!(reason(active, Some(60), 0), Err(Reason::ListTooOld));
        assert_eq!(reason(active, None, 0), Err(Reason::ListTooOld));
        assert_eq!(reason(None, Some(100), 0), Err(Reason::NotAccredited));
        assert_eq!(reason(Some(Standing::Withdrawn), Some(100), 0), Err(Reason::NotAccredited));
        assert_eq!(reason(Some(Standing::Suspended), Some(100), 0), Err(Reason::AccreditationSuspended));
        let rate = Defaults::house().rate_per_second;
        assert_eq!(reason(active, Some(100), rate), Err(Reason::RateExceeded));
    }
}
