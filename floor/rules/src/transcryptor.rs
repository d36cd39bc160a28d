//! The decision at linkage and, on its own copies of the same documents, at the trustee.

use words::{AffairId, ItemId, Moment, PartyId, Reason, Right};

use crate::permit::{Basis, Convert, Permit, Refusal};
use crate::{Accreditation, Defaults, Whitelist};

/// What is asked.
#[derive(Clone, Debug)]
pub struct InquiryRequest {
    /// The inquirer.
    pub from: PartyId,
    /// The provider.
    pub to: PartyId,
    /// For which affair.
    pub affair: AffairId,
    /// For which item.
    pub item: ItemId,
    /// By what right.
    pub right: Right,
    /// When the inquirer sent it, by its clock.
    pub at: Moment,
    /// Until when it wants the reply.
    pub deadline: Moment,
    /// Whether a reference to the person's consent came along.
    pub consent_given: bool,
}

/// How much the inquirer has sent lately, this act not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Acts in the last second.
    pub last_second: u32,
    /// Acts in the last hour.
    pub last_hour: u32,
}

/// What a transcryptor knows, from its own copies.
pub struct TranscryptorFacts<'a> {
    /// The inquirer's accreditation, if it has any.
    pub inquirer: Option<&'a Accreditation>,
    /// The provider's accreditation, if it has any.
    pub provider: Option<&'a Accreditation>,
    /// The list in force.
    pub whitelist: &'a Whitelist,
    /// Until when both documents are valid.
    pub documents_valid_until: Moment,
    /// The inquirer's pace.
    pub pace: Pace,
    /// The bounds.
    pub defaults: &'a Defaults,
}

/// Checks that `at` and `deadline` fit this room's clock.
pub(crate) fn check_time(
    at: Moment,
    deadline: Moment,
    defaults: &Defaults,
    now: Moment,
) -> Result<(), Reason> {
    if at.since_ms(now) > defaults.clock_tolerance_ms {
        return Err(Reason::NotYetValid);
    }
    let too_long = deadline.since_ms(at) > defaults.longest_deadline_ms;
    if now.since_ms(at) > defaults.clock_tolerance_ms || deadline <= now || deadline <= at || too_long {
        return Err(Reason::Expired);
    }
    Ok(())
}

/// Decides whether an inquiry may be converted and passed on.
///
/// The order is part of the contract, since the first reason found is the one told: time, own documents,
/// inquirer, provider, list, consent, rate.
pub fn decide_conversion(
    request: &InquiryRequest,
    facts: &TranscryptorFacts<'_>,
    now: Moment,
) -> Result<Permit<Convert>, Refusal> {
    check_time(request.at, request.deadline, facts.defaults, now)?;
    if now >= facts.documents_valid_until {
        return Err(Reason::ListTooOld.into());
    }
    let inquirer = facts.inquirer.ok_or(Reason::NotAccredited)?;
    inquirer.check(now)?;
    let provider = facts.provider.ok_or(Reason::NotAccredited)?;
    provider.check(now)?;
    if request.right != Right::Law {
        return Err(Reason::NotOnList.into());
    }
    let day = now.date_in_japan();
    let row = facts.whitelist.find(&request.affair, &request.item, &inquirer.kind, &provider.kind, day)?;
    if row.needs_consent && !request.consent_given {
        return Err(Reason::ConsentRequired.into());
    }
    if facts.pace.last_second >= facts.defaults.rate_per_second
        || facts.pace.last_hour >= facts.defaults.rate_per_hour
    {
        return Err(Reason::RateExceeded.into());
    }
    Ok(Permit::new(Basis {
        right: request.right,
        entry: format!("{} {}", row.law, row.entry),
        version: facts.whitelist.version(),
    }))
}
