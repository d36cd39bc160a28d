//! How much each caller has sent lately.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use rules::Pace;
use words::Moment;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600_000;

/// Acts of the last hour, by caller and verb. Sixteen bytes an act; forgotten after an hour.
#[derive(Default)]
pub(crate) struct Paces(Mutex<HashMap<(String, &'static str), Window>>);

#[derive(Default)]
struct Window {
    acts: VecDeque<(Moment, u32)>,
    sum: u32,
}

impl Paces {
    /// The caller's pace before this act; the act itself is counted from now on.
    pub(crate) fn count(&self, caller: &str, verb: &'static str, weight: u32, now: Moment) -> Pace {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry((caller.to_owned(), verb)).or_default();
        while let Some((at, weight)) = window.acts.front().copied() {
            if now.since_ms(at) < HOUR {
                break;
            }
            window.acts.pop_front();
            window.sum = window.sum.saturating_sub(weight);
        }
        let recent = window.acts.iter().rev().take_while(|(at, _)| now.since_ms(*at) < SECOND);
        let pace = Pace { last_second: recent.map(|(_, weight)| *weight).sum(), last_hour: window.sum };
        window.acts.push_back((now, weight));
        window.sum = window.sum.saturating_add(weight);
        pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_slide() {
        let paces = Paces::default();
        let count = |at| paces.count("town", "inquire", 1, Moment(at));
        assert_eq!(count(0), Pace { last_second: 0, last_hour: 0 });
        assert_eq!(count(999), Pace { last_second: 1, last_hour: 1 });
        assert_eq!(count(1_000), Pace { last_second: 1, last_hour: 2 });
        assert_eq!(count(HOUR), Pace { last_second: 0, last_hour: 2 });
        assert_eq!(paces.count("tax", "inquire", 1, Moment(0)), Pace::default());
    }
}
