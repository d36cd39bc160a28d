//! The decisions at the two ends: may this clerk ask, may this provider answer.

use words::{Moment, Reason, Right};

use crate::permit::{Answer, Ask, Basis, Permit, Refusal};
use crate::transcryptor::check_time;
use crate::{Defaults, Role};

/// What an inquirer's gateway knows before it sends.
pub struct AskFacts {
    /// The role of the system or clerk that asks the gateway.
    pub role: Role,
    /// Whether the own register has that customer.
    pub customer_known: bool,
    /// Whether a link code was issued for that customer.
    pub code_held: bool,
}

/// Decides whether the own gateway may send an inquiry for this clerk.
pub fn decide_ask(right: Right, facts: &AskFacts) -> Result<Permit<Ask>, Refusal> {
    if facts.role != Role::Clerk {
        return Err(Reason::NotAllowed.into());
    }
    if !facts.customer_known {
        return Err(Reason::NoCustomer.into());
    }
    if !facts.code_held {
        return Err(Reason::NoCode.into());
    }
    Ok(Permit::new(Basis { right, entry: "own affair".into(), version: 0 }))
}

/// What a provider's gateway knows about the person asked about, after it has opened the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderFacts {
    /// Whether the code is one that was issued to this provider.
    pub code_known: bool,
    /// Whether its own system has a record for that customer.
    pub record_found: bool,
    /// Whether the record is shielded (支援措置).
    pub shielded: bool,
    /// Whether birth date and sex agree with the inquirer's.
    pub guard_agrees: bool,
    /// Whether the item is one this provider's connector has.
    pub item_offered: bool,
    /// Whether what is held of it is no larger than an answer may be.
    pub fits: bool,
}

/// How an inquiry stands for an item that one of the provider's clerks must approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// It has just come, or no clerk has decided yet: the inquirer is told until when an answer is due, whoever is asked
    /// about.
    Waits,
    /// A clerk approved.
    Approved,
    /// A clerk declined.
    Declined,
    /// Nobody decided in time.
    TooLate,
    /// It follows no inquiry that waits here, or one about somebody else.
    Unknown,
}

/// Decides about an item that a clerk must approve. `Late::Waits` permits to say that it waits, and nothing else.
pub fn decide_late_answer(
    right: Right,
    at: Moment,
    deadline: Moment,
    late: Late,
    facts: &ProviderFacts,
    defaults: &Defaults,
    now: Moment,
) -> Result<Permit<Answer>, (Refusal, &'static str)> {
    let refused = |truth| Err((Reason::NotAnswered.into(), truth));
    match late {
        Late::Approved => decide_answer(right, at, deadline, facts, defaults, now),
        Late::Waits => {
            check_time(at, deadline, defaults, now).map_err(|reason| (reason.into(), reason.as_str()))?;
            let entry = "the provider's clerk decides".into();
            Ok(Permit::new(Basis { right, entry, version: 0 }))
        }
        Late::Declined => refused("declined"),
        Late::TooLate => refused("too_late"),
        Late::Unknown => refused("unknown_code"),
    }
}

/// The provider's own reason for not answering. It stays in the provider's ledger; the inquirer is told
/// `not_answered` alone (DESIGN §3, "Reply").
pub fn decide_answer(
    right: Right,
    at: Moment,
    deadline: Moment,
    facts: &ProviderFacts,
    defaults: &Defaults,
    now: Moment,
) -> Result<Permit<Answer>, (Refusal, &'static str)> {
    check_time(at, deadline, defaults, now).map_err(|reason| (reason.into(), reason.as_str()))?;
    // One order for all, so that the true reason in the ledger does not depend on which check ran first.
    let true_reason = if !facts.code_known {
        "unknown_code"
    } else if !facts.record_found || !facts.item_offered {
        "no_record"
    } else if !facts.guard_agrees {
        "guard_mismatch"
    } else if facts.shielded {
        "shielded"
    } else if !facts.fits {
        "too_large"
    } else {
        return Ok(Permit::new(Basis { right, entry: "decided by linkage and trustee".into(), version: 0 }));
    };
    Err((Reason::NotAnswered.into(), true_reason))
}
