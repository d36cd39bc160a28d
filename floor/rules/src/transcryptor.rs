//! The decision at linkage and, on its own copies of the same documents, at the trustee.

use words::{AffairId, ItemId, Moment, PartyId, Reason, Right};

use crate::permit::{Basis, Convert, Permit, Refusal};
use crate::{Accreditation, Defaults, Standing, Whitelist};

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
    /// Whether what came along shows that the person, asserted at the registry and not long ago, asks about themself.
    pub person_asks: bool,
    /// How the person on duty at the inquirer stands.
    pub staff: Standing,
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
/// inquirer, the person on duty there, provider, list, consent, rate. A person who looks at what is held (right `person`) stands in the place of inquirer
/// and list: every item that the list lets anybody ask of that kind of provider is theirs to see.
pub fn decide_conversion(
    request: &InquiryRequest,
    facts: &TranscryptorFacts<'_>,
    now: Moment,
) -> Result<Permit<Convert>, Refusal> {
    check_time(request.at, request.deadline, facts.defaults, now)?;
    if now >= facts.documents_valid_until {
        return Err(Reason::ListTooOld.into());
    }
    let day = now.date_in_japan();
    let entry = if request.right == Right::Person {
        if !request.person_asks {
            return Err(Reason::Unauthenticated.into());
        }
        let provider = facts.provider.ok_or(Reason::NotAccredited)?;
        provider.check(now)?;
        if !facts.whitelist.is_asked_of(&request.item, &provider.kind, day) {
            return Err(Reason::ItemNotCovered.into());
        }
        // The right to see what is held of oneself, and the portal as its way.
        "個人情報保護法第七十六条・番号法附則第六条".to_owned()
    } else {
        let inquirer = facts.inquirer.ok_or(Reason::NotAccredited)?;
        inquirer.check(now)?;
        match request.staff {
            Standing::Active => {}
            Standing::Suspended => return Err(Reason::AccreditationSuspended.into()),
            Standing::Withdrawn => return Err(Reason::NotAccredited.into()),
        }
        let provider = facts.provider.ok_or(Reason::NotAccredited)?;
        provider.check(now)?;
        if request.right != Right::Law {
            return Err(Reason::NotOnList.into());
        }
        let row =
            facts.whitelist.find(&request.affair, &request.item, &inquirer.kind, &provider.kind, day)?;
        if row.needs_consent && !request.consent_given {
            return Err(Reason::ConsentRequired.into());
        }
        format!("{} {}", row.law, row.entry)
    };
    if facts.pace.last_second >= facts.defaults.rate_per_second
        || facts.pace.last_hour >= facts.defaults.rate_per_hour
    {
        return Err(Reason::RateExceeded.into());
    }
    Ok(Permit::new(Basis { right: request.right, entry, version: facts.whitelist.version() }))
}
