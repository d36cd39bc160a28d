//! The decision on a person's look at the own records.

use words::{Moment, Reason, Right};

use crate::Defaults;
use crate::permit::{Basis, Look, Permit, Refusal};

/// What the deciding room knows of the assertion that came along.
#[derive(Clone, Copy, Debug)]
pub struct OwnFacts<'a> {
    /// Whether this room takes demo assertions at all, and the signature held.
    pub asserted: bool,
    /// When the assertion was made.
    pub at: Moment,
    /// Until when it holds.
    pub ends: Moment,
    /// The longest an assertion may hold, ms.
    pub longest_ms: i64,
    /// The bounds.
    pub defaults: &'a Defaults,
}

/// Decides whether a person who was asserted so may look.
pub fn decide_own_records(facts: &OwnFacts<'_>, now: Moment) -> Result<Permit<Look>, Refusal> {
    if !facts.asserted {
        return Err(Reason::Unauthenticated.into());
    }
    if facts.at.since_ms(now) > facts.defaults.clock_tolerance_ms {
        return Err(Reason::NotYetValid.into());
    }
    if now >= facts.ends || facts.ends.since_ms(facts.at) > facts.longest_ms {
        return Err(Reason::Expired.into());
    }
    let entry = "own records of provision (番号法附則第六条)".into();
    Ok(Permit::new(Basis { right: Right::Person, entry, version: 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_assertion_that_holds_lets_somebody_look() {
        let defaults = Defaults::house();
        let now = Moment(1_790_000_000_000);
        let facts = |asserted, from: i64, to: i64| OwnFacts {
            asserted,
            at: now.plus_ms(from),
            ends: now.plus_ms(to),
            longest_ms: 900_000,
            defaults: &defaults,
        };
        let decide = |asserted, from, to| {
            decide_own_records(&facts(asserted, from, to), now).map(|_| ()).map_err(|refusal| refusal.reason)
        };
        assert_eq!(decide(true, -1000, 600_000), Ok(()));
        assert_eq!(decide(true, 60_000, 600_000), Ok(()), "clocks differ a little");
        assert_eq!(decide(false, -1000, 600_000), Err(Reason::Unauthenticated));
        assert_eq!(decide(true, 180_000, 600_000), Err(Reason::NotYetValid));
        assert_eq!(decide(true, -600_000, 0), Err(Reason::Expired));
        assert_eq!(decide(true, -600_000, 600_000), Err(Reason::Expired), "it would hold too long");
    }
}
