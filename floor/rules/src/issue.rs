//! The decision on the issue of link codes, at the registry and at both transcryptors (DESIGN §3, "Issue").

use words::{Moment, Reason, Right};

use crate::permit::{Basis, Issue, Permit, Refusal};
use crate::{Accreditation, Defaults};

/// What is asked: codes for the rows of a batch.
#[derive(Clone, Debug)]
pub struct IssueRequest {
    /// When it was sent.
    pub at: Moment,
    /// How many rows it has.
    pub rows: usize,
}

/// What the deciding room knows.
pub struct IssueFacts<'a> {
    /// The institution's accreditation. `None` for the portal, whose codes the registry starts by itself.
    pub institution: Option<&'a Accreditation>,
    /// Whether the batch is for the portal's own domain: every resident, by the registry's own duty.
    pub for_portal: bool,
    /// Until when the accreditations are valid.
    pub documents_valid_until: Moment,
    /// Rows this institution sent in the last hour.
    pub rows_last_hour: u32,
    /// The bounds.
    pub defaults: &'a Defaults,
}

/// Decides whether codes may be issued for a batch.
pub fn decide_issue(
    request: &IssueRequest,
    facts: &IssueFacts<'_>,
    now: Moment,
) -> Result<Permit<Issue>, Refusal> {
    if request.at.since_ms(now) > facts.defaults.clock_tolerance_ms {
        return Err(Reason::NotYetValid.into());
    }
    if now.since_ms(request.at) > facts.defaults.clock_tolerance_ms {
        return Err(Reason::Expired.into());
    }
    if now >= facts.documents_valid_until {
        return Err(Reason::ListTooOld.into());
    }
    if request.rows == 0 || request.rows > facts.defaults.batch_rows {
        return Err(Reason::TooLarge.into());
    }
    if !facts.for_portal {
        facts.institution.ok_or(Reason::NotAccredited)?.check(now)?;
        let rows = u32::try_from(request.rows).unwrap_or(u32::MAX);
        if facts.rows_last_hour.saturating_add(rows) > facts.defaults.issue_rows_per_hour {
            return Err(Reason::RateExceeded.into());
        }
    }
    let entry = if facts.for_portal {
        "index of the own records (番号法附則第六条)"
    } else {
        "notice of a link code (番号法第二十一条の二)"
    };
    Ok(Permit::new(Basis { right: Right::Law, entry: entry.into(), version: 0 }))
}
