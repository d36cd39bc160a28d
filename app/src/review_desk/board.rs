//! Where every case stands, in memory: lists and counts without reading all records for each page.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::standing::{Standing, State, is_same_person};

/// Standings by number of the case. Decides nothing: the rules look at the records themselves.
pub(super) struct Board(Mutex<Vec<Standing>>);

/// Cases in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts {
    pub(super) open: usize,
    pub(super) waiting: usize,
    pub(super) decided: usize,
    pub(super) undone: usize,
}

impl Counts {
    pub(super) const fn all(self) -> usize {
        self.open + self.waiting + self.decided + self.undone
    }

    pub(super) const fn of(self, state: State) -> usize {
        match state {
            State::Open => self.open,
            State::Waiting => self.waiting,
            State::Decided => self.decided,
            State::Undone => self.undone,
        }
    }
}

impl Board {
    pub(super) fn new(standings: Vec<Standing>) -> Board {
        Board(Mutex::new(standings))
    }

    fn standings(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a case stands now; what is older than what it knows is passed over.
    pub(super) fn note(&self, no: i64, standing: &Standing) {
        let mut standings = self.standings();
        let known = place(no).and_then(|place| standings.get_mut(place));
        if let Some(known) = known.filter(|known| known.version < standing.version) {
            known.clone_from(standing);
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for standing in self.standings().iter() {
            match standing.state {
                State::Open => counts.open += 1,
                State::Waiting => counts.waiting += 1,
                State::Decided => counts.decided += 1,
                State::Undone => counts.undone += 1,
            }
        }
        counts
    }

    /// Numbers and standings of the cases in a state (`None`: in any), a page of them.
    pub(super) fn page(&self, state: Option<State>, skip: usize, take: usize) -> Vec<(i64, Standing)> {
        (1..)
            .zip(self.standings().iter())
            .filter(|(_, standing)| state.is_none_or(|state| standing.state == state))
            .skip(skip)
            .take(take)
            .map(|(no, standing)| (no, standing.clone()))
            .collect()
    }

    /// The next case after `no`, from the beginning again after the last, that `staff` can do the same work on:
    /// decide, or give the second look.
    pub(super) fn next(&self, no: i64, second_look: bool, staff: &str) -> Option<i64> {
        let standings = self.standings();
        let fits = |standing: &Standing| match standing.state {
            State::Open | State::Undone => !second_look,
            State::Waiting => {
                let own = standing.outcome.as_ref().is_some_and(|own| is_same_person(&own.staff, staff));
                second_look && !own
            }
            State::Decided => false,
        };
        let from = place(no).map_or(0, |place| place + 1);
        let around = (from..standings.len()).chain(0..from.min(standings.len()));
        let found = around.into_iter().find(|place| {
            // Not the case itself: whoever leaves it open wants the next one.
            *place + 1 != from && standings.get(*place).is_some_and(fits)
        })?;
        i64::try_from(found + 1).ok()
    }
}

fn place(no: i64) -> Option<usize> {
    usize::try_from(no).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use words::Moment;

    use super::super::standing::{Act, Record};
    use super::*;

    #[test]
    fn pages_and_the_way_to_the_next() {
        let by = |staff: &str, act| Record {
            act,
            staff: staff.into(),
            at: Moment(0),
            why: "x".into(),
            second_look: true,
            imported: false,
        };
        let waiting = Standing::of([&by("sato", Act::Link("P".into()))]);
        let undone = Standing::of([&by("sato", Act::None), &by("sato", Act::Undo)]);
        let board = Board::new(vec![Standing::default(), waiting.clone(), undone, Standing::default()]);
        assert_eq!(board.counts(), Counts { open: 2, waiting: 1, decided: 0, undone: 1 });
        let numbers =
            |state, skip| -> Vec<i64> { board.page(state, skip, 2).into_iter().map(|(no, _)| no).collect() };
        assert_eq!(numbers(Some(State::Open), 0), [1, 4]);
        assert_eq!(numbers(None, 2), [3, 4]);
        assert_eq!(board.next(1, false, "sato"), Some(3));
        assert_eq!(board.next(4, false, "sato"), Some(1));
        assert_eq!(board.next(4, true, "Sato"), None, "nobody's own");
        assert_eq!(board.next(4, true, "suzuki"), Some(2));
        board.note(1, &waiting);
        board.note(1, &Standing::default());
        assert_eq!(board.counts().waiting, 2, "what is older does not come back");
        board.note(9, &waiting);
    }
}
