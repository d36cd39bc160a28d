//! The life of a certificate: pure.

use protocol::certificates::{HolderEvent, Purpose};
use seal::x509::RevocationReason;
use words::Date;

/// How a certificate stands, its time aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It holds.
    Valid,
    /// It does not hold for now.
    Suspended,
    /// It never holds again, and why.
    Ended(RevocationReason),
}

impl State {
    /// The word in the database.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspended => "suspended",
            Self::Ended(_) => "ended",
        }
    }

    /// The reason that lists and answers give.
    pub(crate) const fn reason(self) -> Option<RevocationReason> {
        match self {
            Self::Valid => None,
            Self::Suspended => Some(RevocationReason::CertificateHold),
            Self::Ended(reason) => Some(reason),
        }
    }

    pub(crate) fn of(word: &str, code: i64) -> Option<Self> {
        match word {
            "valid" => Some(Self::Valid),
            "suspended" => Some(Self::Suspended),
            "ended" => u8::try_from(code).ok().and_then(RevocationReason::of_code).map(Self::Ended),
            _ => None,
        }
    }

    /// The state after an event; `None` if the event changes nothing.
    pub(crate) fn after(self, purpose: Purpose, event: HolderEvent) -> Option<Self> {
        let ended = |reason| Some(Self::Ended(reason));
        match (self, event) {
            // INVARIANT: what has ended stays so, with its first reason.
            (Self::Ended(_), _) => None,
            // 公的個人認証法: the signature certificate says the four attributes, and is wrong once one has changed.
            (_, HolderEvent::AttributesChanged) => match purpose {
                Purpose::Signature => ended(RevocationReason::AffiliationChanged),
                Purpose::Authentication => None,
            },
            (_, HolderEvent::Ended | HolderEvent::GivenBack) => ended(RevocationReason::CessationOfOperation),
            (_, HolderEvent::KeyCompromised) => ended(RevocationReason::KeyCompromise),
            (Self::Valid, HolderEvent::Suspended) => Some(Self::Suspended),
            (Self::Suspended, HolderEvent::Resumed) => Some(Self::Valid),
            (Self::Suspended, HolderEvent::Suspended) | (Self::Valid, HolderEvent::Resumed) => None,
        }
    }
}

/// Whether somebody born on this day has a signature certificate: not before the fifteenth birthday.
pub(crate) fn may_sign(birth: Date, today: Date) -> bool {
    let (year, month, day) = birth.parts();
    // Who was born on 29 February is fifteen on 1 March of a year that has none.
    let fifteen = Date::new(year + 15, month, day).or_else(|_| Date::new(year + 15, 3, 1));
    fifteen.is_ok_and(|fifteen| fifteen <= today)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: [HolderEvent; 6] = [
        HolderEvent::AttributesChanged,
        HolderEvent::Ended,
        HolderEvent::Suspended,
        HolderEvent::Resumed,
        HolderEvent::GivenBack,
        HolderEvent::KeyCompromised,
    ];

    proptest! {
        /// Against the plainest telling: which event came last that counts, and whether an ending one came before.
        #[test]
        fn a_life_is_what_its_events_say(signs: bool, events in proptest::collection::vec(0usize..6, 0..12)) {
            let purpose = if signs { Purpose::Signature } else { Purpose::Authentication };
            let events: Vec<HolderEvent> = events.into_iter().map(|at| EVENTS[at]).collect();
            let lived = events.iter().fold(State::Valid, |state, event| state.after(purpose, *event).unwrap_or(state));
            let ends = |event: &&HolderEvent| match event {
                HolderEvent::AttributesChanged => signs,
                HolderEvent::Suspended | HolderEvent::Resumed => false,
                _ => true,
            };
            let first_end = events.iter().find(ends);
            match first_end {
                Some(_) => prop_assert!(matches!(lived, State::Ended(_))),
                None => {
                    let last = events.iter().rev().find(|event| matches!(event, HolderEvent::Suspended | HolderEvent::Resumed));
                    let held = last == Some(&HolderEvent::Suspended);
                    prop_assert_eq!(lived, if held { State::Suspended } else { State::Valid });
                }
            }
            prop_assert_eq!(State::of(lived.as_str(), lived.reason().map_or(0, |reason| i64::from(reason.code()))), Some(lived));
        }
    }

    #[test]
    fn children_do_not_sign() {
        let day = |text| Date::parse(text).unwrap();
        assert!(!may_sign(day("2011-11-23"), day("2026-11-22")));
        assert!(may_sign(day("2011-11-22"), day("2026-11-22")));
        assert!(!may_sign(day("2012-02-29"), day("2027-02-28")));
        assert!(may_sign(day("2012-02-29"), day("2027-03-01")));
    }
}
