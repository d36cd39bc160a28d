//! How every certificate stands, in memory: seven bytes for each, whatever has happened to it. The database is the truth;
//! this is what is asked a hundred times for each certificate.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use ::store::StoreError;
use house::told;
use protocol::certificates::Purpose;
use road::{Arrival, Verb};
use seal::Sha256;
use seal::x509::RevocationReason;
use seal::x509::serials::Place;
use wire::Problem;
use words::{Moment, Reason};

use crate::Authority;
use crate::life::State;
use crate::people::{self, Row};

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which of the two it is.
    pub purpose: Purpose,
    /// How it stands.
    pub state: State,
    /// Since when, in whole seconds.
    pub since: Moment,
}

/// Certificates in one run of numbers.
const RUN: usize = 1 << 16;

/// A run of numbers. A word of zero: no certificate has this number.
struct Run {
    words: Box<[u8]>,
    marks: Box<[u16]>,
    since_s: Box<[u32]>,
}

/// The table.
#[derive(Default)]
pub struct States(RwLock<Vec<Option<Run>>>);

const AUTHENTICATION: u8 = 0x80;
const VALID: u8 = 1;
const SUSPENDED: u8 = 2;
/// Plus the reason's code, which is below 16.
const ENDED: u8 = 16;

fn word(standing: &Standing) -> u8 {
    let state = match standing.state {
        State::Valid => VALID,
        State::Suspended => SUSPENDED,
        State::Ended(reason) => ENDED + reason.code(),
    };
    match standing.purpose {
        Purpose::Signature => state,
        Purpose::Authentication => state | AUTHENTICATION,
    }
}

fn standing(word: u8, since_s: u32) -> Option<Standing> {
    let state = match word & !AUTHENTICATION {
        VALID => State::Valid,
        SUSPENDED => State::Suspended,
        code => State::Ended(RevocationReason::of_code(code.checked_sub(ENDED)?)?),
    };
    let purpose = match word & AUTHENTICATION {
        0 => Purpose::Signature,
        _ => Purpose::Authentication,
    };
    Some(Standing { purpose, state, since: Moment(i64::from(since_s) * 1_000) })
}

const fn at(place: Place) -> (usize, usize) {
    let number = place.number as usize;
    (number / RUN, number % RUN)
}

impl States {
    /// Enters how a certificate stands.
    pub fn put(&self, place: Place, known: &Standing) {
        let (run, slot) = at(place);
        let mut runs = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if runs.len() <= run {
            runs.resize_with(run + 1, || None);
        }
        let Some(run) = runs.get_mut(run) else { return };
        let run = run.get_or_insert_with(|| Run {
            words: vec![0; RUN].into_boxed_slice(),
            marks: vec![0; RUN].into_boxed_slice(),
            since_s: vec![0; RUN].into_boxed_slice(),
        });
        let slots = (run.words.get_mut(slot), run.marks.get_mut(slot), run.since_s.get_mut(slot));
        if let (Some(entry), Some(mark), Some(since_s)) = slots {
            *entry = word(known);
            *mark = place.mark;
            // Until 2106.
            *since_s = u32::try_from(known.since.0.div_euclid(1_000)).unwrap_or_default();
        }
    }

    /// How a certificate stands; `None` if there is none of this number and mark.
    pub fn of(&self, place: Place) -> Option<Standing> {
        let (run, slot) = at(place);
        let runs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let run = runs.get(run)?.as_ref()?;
        if *run.marks.get(slot)? != place.mark {
            return None;
        }
        standing(*run.words.get(slot)?, *run.since_s.get(slot)?)
    }
}

impl Authority {
    /// Reads how every certificate stands; once, at the start.
    pub(crate) async fn read_states(&self) -> Result<(), StoreError> {
        /// Rows between two words about how far it is: some seconds.
        const TOLD: u64 = 2_000_000;
        let mut read = 0_u64;
        people::standings(self.house.road.db(), |serial, known| {
            match self.people.serials.place(serial) {
                Some(place) => {
                    self.people.states.put(place, &known);
                    self.people.taken(place);
                }
                // Issued under another key of serial numbers: asked for in the database.
                None => self.by_database.store(true, Ordering::Relaxed),
            }
            read += 1;
            if read.is_multiple_of(TOLD) {
                tracing::warn!(
                    read,
                    "the states of certificates are being read; the room serves when all are"
                );
            }
        })
        .await
    }

    /// Lets an act of a holder's certificates travel, and takes over what it did to their states. In a task of its own: a
    /// caller that has gone away leaves nothing half done.
    pub(crate) async fn travel<V: Verb>(
        self: &Arc<Self>,
        arrival: Arrival,
        verb: V,
        holder: Sha256,
    ) -> Result<Vec<u8>, Problem> {
        let authority = Arc::clone(self);
        let work = tokio::spawn(async move {
            let reply = authority.house.road.travel(arrival, verb).await;
            authority.settle(holder).await;
            reply
        });
        work.await.map_err(|_| Problem::new(Reason::Internal))?.map_err(told)
    }

    /// Takes over from the database how a holder's certificates stand.
    async fn settle(&self, holder: Sha256) {
        // One at a time: what was read first must not be entered last.
        let _turn = self.settling.lock().await;
        match people::standings_of(self.house.road.db(), holder).await {
            Ok(all) => {
                for (serial, known) in &all {
                    if let Some(place) = self.people.serials.place(serial) {
                        self.people.states.put(place, known);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "states could not be read; they are asked for in the database from now on");
                self.by_database.store(true, Ordering::Relaxed);
            }
        }
        self.people.forget_answers();
    }

    /// How the certificate with this serial number stands; `None` if there is none.
    pub(crate) async fn standing(&self, serial: &[u8]) -> Result<Option<Standing>, StoreError> {
        if self.by_database.load(Ordering::Relaxed) {
            let row = people::by_serials(self.house.road.db(), vec![serial.to_vec()]).await?.pop().flatten();
            return Ok(row.map(|Row { purpose, state, since, .. }| Standing { purpose, state, since }));
        }
        Ok(self.people.serials.place(serial).and_then(|place| self.people.states.of(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn any_standing() -> impl Strategy<Value = Standing> {
        let reasons = [1, 3, 4, 5, 9].map(|code| State::Ended(RevocationReason::of_code(code).unwrap()));
        let states = [vec![State::Valid, State::Suspended], reasons.to_vec()].concat();
        let purposes = vec![Purpose::Signature, Purpose::Authentication];
        let parts = (prop::sample::select(states), prop::sample::select(purposes), 0..4_000_000_000_u32);
        parts.prop_map(|(state, purpose, since)| Standing {
            state,
            purpose,
            since: Moment(i64::from(since) * 1_000),
        })
    }

    proptest! {
        /// Against a plain map by number: the last entry counts, and only under its own mark.
        #[test]
        fn the_table_says_what_was_entered_last(
            entries in prop::collection::vec((0..200_000_u32, any::<u16>(), any_standing()), 0..60),
            asked in prop::collection::vec((0..200_000_u32, any::<u16>()), 0..20),
        ) {
            let (states, mut model) = (States::default(), HashMap::new());
            for (number, mark, known) in &entries {
                states.put(Place { number: *number, mark: *mark }, known);
                model.insert(*number, (*mark, *known));
            }
            let all = entries.iter().map(|(number, mark, _)| (*number, *mark)).chain(asked);
            for (number, mark) in all {
                let expected = model.get(&number).filter(|(own, _)| *own == mark).map(|(_, known)| *known);
                prop_assert_eq!(states.of(Place { number, mark }), expected);
            }
        }
    }
}
