//! In which epoch each party's codes are, and which are on their way out.
//!
//! A session is of one epoch: its statements commit to that epoch's domain, and a code is converted from or to the epoch
//! of the session it stands under. A rotation opens the next epoch, has the institution's codes converted to it, and
//! switches: sessions opened from then on are of the new epoch, those of the old one are taken for a bounded time more.

use std::sync::PoisonError;

use road::RoomWrite;
use store::{StoreError, params};
use words::{Epoch, Moment, PartyId, Reason};

use crate::{Conversions, KnownSession};

/// How long after its end an epoch's codes are forgotten, ms.
const PAUSE_MS: i64 = 1_000;

/// Where a party's codes stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    /// The one that sessions are opened in.
    pub current: Epoch,
    /// The next one, while its codes are being taken over.
    pub upcoming: Option<Epoch>,
    /// Until when sessions of the one before are taken.
    pub previous_until: Option<Moment>,
}

impl Epochs {
    /// The state after the next epoch was opened.
    pub fn opened(self) -> Self {
        Self { upcoming: Some(self.upcoming.unwrap_or_else(|| self.current.next())), ..self }
    }

    /// The state after the switch to the epoch that was opened; sessions of the old one hold until `until`.
    pub fn switched(self, until: Moment) -> Option<Self> {
        let current = self.upcoming?;
        Some(Self { current, upcoming: None, previous_until: Some(until) })
    }

    /// Whether a session of `epoch` is still taken.
    pub fn takes(&self, epoch: Epoch, now: Moment) -> bool {
        epoch >= self.current
            || (epoch.next() == self.current && self.previous_until.is_some_and(|until| now < until))
    }

    /// Whether a session may be opened in `epoch`, or codes converted to it.
    pub fn admits(&self, epoch: Epoch) -> bool {
        epoch == self.current || Some(epoch) == self.upcoming
    }
}

impl Conversions {
    /// Where a party's codes stand.
    pub fn epochs(&self, party: &PartyId) -> Epochs {
        self.epochs.read().unwrap_or_else(PoisonError::into_inner).get(party).copied().unwrap_or_default()
    }

    /// The epoch that a party's sessions are opened in.
    pub fn epoch(&self, party: &PartyId) -> Epoch {
        self.epochs(party).current
    }

    /// Refuses a session whose epoch has ended.
    pub(crate) fn in_force(&self, session: &KnownSession, now: Moment) -> Result<(), Reason> {
        if self.epochs(&session.party).takes(session.epoch, now) { Ok(()) } else { Err(Reason::OldCode) }
    }

    /// The rows to write with the decision that changes where a party's codes stand. [`Conversions::settle_epochs`] has
    /// it in memory too.
    pub fn keep_epochs(party: PartyId, to: Epochs) -> RoomWrite {
        Box::new(move |write| {
            let sql = "INSERT INTO epoch (party, current, upcoming, previous_until) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (party) DO UPDATE SET current = excluded.current, upcoming = excluded.upcoming, \
                       previous_until = excluded.previous_until";
            let row = params![
                party.as_str(),
                to.current.0,
                to.upcoming.map(|epoch| epoch.0),
                to.previous_until.map(|until| until.0)
            ];
            write.execute(sql, &row).map(|_| ())
        })
    }

    /// Takes a state into memory after it was written.
    pub fn settle_epochs(&self, party: &PartyId, to: Epochs) {
        self.epochs.write().unwrap_or_else(PoisonError::into_inner).insert(party.clone(), to);
    }

    /// Reads where everybody's codes stand.
    pub(crate) async fn load_epochs(&self) -> Result<(), StoreError> {
        let sql = "SELECT party, current, upcoming, previous_until FROM epoch";
        let rows = self.house.road.db().read("epochs", move |read| read.rows(sql, &[])).await?;
        for row in rows {
            let epoch = |number: i64| Epoch(u32::try_from(number).unwrap_or(0));
            let Ok(party) = PartyId::parse(&row.text(0)?) else { continue };
            let upcoming = row.opt_int(2)?.map(epoch);
            let previous_until = row.opt_int(3)?.map(Moment);
            self.settle_epochs(&party, Epochs { current: epoch(row.int(1)?), upcoming, previous_until });
        }
        Ok(())
    }

    /// Has the scheme forget what it kept for epochs that have ended. To be called now and then.
    pub async fn retire_ended(&self) -> Result<(), Reason> {
        let now = self.house.now();
        let ended: Vec<_> = {
            let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
            // A moment later than they are refused, so that nothing under way meets half of it.
            let over =
                |state: &Epochs| state.previous_until.is_some_and(|until| until.plus_ms(PAUSE_MS) <= now);
            epochs
                .iter()
                .filter(|(_, state)| over(state))
                .map(|(party, state)| (party.clone(), *state))
                .collect()
        };
        for (party, state) in ended {
            for epoch in 0..state.current.0 {
                self.scheme.retire(words::Domain::new(party.clone(), Epoch(epoch))).await?;
            }
            // Ended is ended: in memory nothing is left to be looked at again.
            let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(now) = epochs.get_mut(&party).filter(|now| now.previous_until == state.previous_until)
            {
                now.previous_until = None;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_epochs_hold_for_a_bounded_time_and_then_the_new_one_alone() {
        let (before, until) = (Moment(10), Moment(20));
        let at_first = Epochs::default();
        assert!(at_first.takes(Epoch(0), before) && at_first.admits(Epoch(0)) && !at_first.admits(Epoch(1)));
        let opened = at_first.opened();
        assert_eq!(opened.opened(), opened, "opened again is opened once");
        assert!(opened.takes(Epoch(0), before) && opened.admits(Epoch(0)) && opened.admits(Epoch(1)));
        assert!(!opened.admits(Epoch(2)) && at_first.switched(until).is_none());
        let switched = opened.switched(until).unwrap();
        assert!(switched.takes(Epoch(0), before) && !switched.takes(Epoch(0), until));
        assert!(!switched.admits(Epoch(0)) && switched.admits(Epoch(1)) && switched.takes(Epoch(1), until));
        let again = switched.opened().switched(Moment(40)).unwrap();
        assert!(!again.takes(Epoch(0), before), "only the one before is ever taken");
        assert!(again.takes(Epoch(1), Moment(39)) && !again.takes(Epoch(1), Moment(40)));
    }
}
