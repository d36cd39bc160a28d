//! The trustee's replicas as linkage sees them: to which of them an act is brought, and which is away.
//!
//! Replicas are parties of their own with the same secrets: they turn a code into the same bytes, and everybody takes a repeat
//! from one of them for the act that another began. So an act may be brought to the next one wherever the first did not
//! answer, whether or not it had gone on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use house::House;
use protocol::directory::Entry;
use wire::CallError;
use words::{ActId, Moment, PartyId, Reason};

/// How often replicas are asked whether they are there.
const LOOK: Duration = Duration::from_secs(1);
/// A replica that has not answered that by now is away.
const THERE_WITHIN: Duration = Duration::from_secs(2);

/// The replicas.
pub(crate) struct Trustees {
    house: Arc<House>,
    /// Those that did not answer when they were asked last.
    away: RwLock<BTreeSet<PartyId>>,
    /// From when each may be brought acts as well as any other.
    usable_from: RwLock<BTreeMap<PartyId, Moment>>,
}

impl Trustees {
    pub(crate) fn new(house: &Arc<House>) -> Self {
        Self { house: Arc::clone(house), away: RwLock::default(), usable_from: RwLock::default() }
    }

    /// In the order in which an act is brought to them: acts are spread by their id, so that a repeat finds the replica that
    /// had the act; those that are away, or that not everybody can know yet, come last.
    pub(crate) fn for_act(&self, id: &ActId) -> Result<Vec<Entry>, Reason> {
        let replicas = self.house.trustees()?;
        let away = self.away.read().unwrap_or_else(PoisonError::into_inner);
        let from = self.usable_from.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.house.now();
        // One that was not even met is newer still; before anybody was met, none is.
        let is_new = |replica: &Entry| match from.get(&replica.id) {
            Some(from) => now < *from,
            None => !from.is_empty(),
        };
        Ok(in_order(replicas, id, |replica| away.contains(&replica.id) || is_new(replica)))
    }

    /// The replica an act is brought to first.
    pub(crate) fn first(&self, id: &ActId) -> Result<Entry, Reason> {
        self.for_act(id)?.into_iter().next().ok_or(Reason::Unavailable)
    }

    /// Asks one replica after the other, until one answers or refuses for a reason that another would have too.
    pub(crate) async fn ask<A, F>(&self, id: &ActId, ask: impl Fn(Entry) -> F) -> Result<A, CallError>
    where
        F: Future<Output = Result<A, CallError>>,
    {
        let mut answer = Err(CallError::Unreachable);
        for replica in self.for_act(id).unwrap_or_default() {
            let name = replica.id.clone();
            answer = ask(replica).await;
            let Err(error) = &answer else { break };
            if !is_its_own(error) {
                break;
            }
            if matches!(error, CallError::Unreachable) {
                self.note(&name, true);
            }
            tracing::warn!(replica = %name, %error, "a replica of the trustee did not serve an act");
        }
        answer
    }

    /// Notes that a replica is away, or is there.
    pub(crate) fn note(&self, replica: &PartyId, is_away: bool) {
        let mut away = self.away.write().unwrap_or_else(PoisonError::into_inner);
        let changed = if is_away { away.insert(replica.clone()) } else { away.remove(replica) };
        if changed && is_away {
            tracing::warn!(%replica, "a replica of the trustee is away");
        } else if changed {
            tracing::info!(%replica, "a replica of the trustee is there again");
        }
    }

    /// Notes replicas that were not in the directory before: a provider that has not fetched it since would refuse them.
    fn meet(&self, replicas: &[Entry]) {
        let mut from = self.usable_from.write().unwrap_or_else(PoisonError::into_inner);
        let poll = self.house.defaults.poll_ms;
        let usable = if from.is_empty() { Moment(0) } else { self.house.now().plus_ms(2 * poll) };
        for replica in replicas {
            from.entry(replica.id.clone()).or_insert(usable);
        }
    }

    /// Asks every replica now and then whether it is there, for as long as the room runs: one that stands still would keep each
    /// act that is brought to it until the act's deadline. A trustee alone is asked nothing: there is no choice.
    pub(crate) async fn look_after(self: Arc<Self>) {
        let shutdown = self.house.world.shutdown.clone();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = shutdown.wait() => return,
            }
            let replicas = self.house.trustees().unwrap_or_default();
            self.meet(&replicas);
            if replicas.len() < 2 {
                continue;
            }
            let mut looks = tokio::task::JoinSet::new();
            for replica in replicas {
                let own = Arc::clone(&self);
                looks.spawn(async move {
                    let seen =
                        own.house.get_bytes(&replica, protocol::ledger::CHECKPOINT, THERE_WITHIN).await;
                    // A refusal is an answer: whoever refuses is there.
                    let is_away = matches!(seen, Err(CallError::Unreachable | CallError::TimedOut));
                    own.note(&replica.id, is_away);
                });
            }
            while looks.join_next().await.is_some() {}
        }
    }
}

/// Acts are spread by their id; what is away comes last.
fn in_order<T>(mut replicas: Vec<T>, id: &ActId, is_away: impl Fn(&T) -> bool) -> Vec<T> {
    let lot = id.bytes().iter().fold(0, |lot, byte| lot ^ byte);
    let by = usize::from(lot).checked_rem(replicas.len()).unwrap_or(0);
    replicas.rotate_left(by);
    replicas.sort_by_key(is_away);
    replicas
}

/// Whether another replica may do what this one did not: it is away, or what is wrong is its own. What the provider or the
/// institution behind it said is the same whoever asks.
fn is_its_own(error: &CallError) -> bool {
    match error {
        CallError::Unreachable => true,
        // Silence may be the provider's; a replica that stands still is noticed by `look_after`.
        CallError::TimedOut | CallError::NotOfProtocol => false,
        CallError::Problem(problem) => matches!(
            problem.reason,
            Reason::LedgerBroken
                | Reason::Unwitnessed
                | Reason::Internal
                | Reason::ListTooOld
                | Reason::UnknownSession
                | Reason::OldCode
                // The provider has not heard of this replica yet, or this one not of linkage.
                | Reason::Unauthenticated
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_spread_repeats_find_the_same_one_and_who_is_away_comes_last() {
        let id = |last: u8| ActId::new([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        let there = |_: &char| false;
        assert_eq!(in_order(vec!['a', 'b', 'c'], &id(0), there), ['a', 'b', 'c']);
        assert_eq!(in_order(vec!['a', 'b', 'c'], &id(4), there), ['b', 'c', 'a']);
        assert_eq!(in_order(vec!['a', 'b', 'c'], &id(4), |one| *one == 'b'), ['c', 'a', 'b']);
        assert_eq!(in_order(vec!['a'], &id(9), |_| true), ['a'], "the only one is asked, away or not");
        assert!(in_order(Vec::<char>::new(), &id(9), there).is_empty());
    }

    #[test]
    fn what_lies_behind_a_replica_is_not_asked_for_twice() {
        let problem = |reason| CallError::Problem(Box::new(wire::Problem::new(reason).body()));
        assert!(is_its_own(&CallError::Unreachable) && is_its_own(&problem(Reason::LedgerBroken)));
        for reason in [Reason::Unavailable, Reason::NotOnList, Reason::Replayed, Reason::HopMismatch] {
            assert!(!is_its_own(&problem(reason)), "{reason}");
        }
    }
}
