//! The steps of an act, once for all rooms and verbs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use seal::{Sha256, StorageKey};
use store::{Db, StoreError, Value, params};
use tokio::sync::Notify;
use words::{ActId, Moment, Reason};
use world::World;

use crate::ledger::RoomLedger;
use crate::outbox::put_parcels;
use crate::pace::Paces;
use crate::record::Record;
use crate::shelves::Shelves;
use crate::store::{Found, Leaf, find, find_in_write, state};
use crate::trace::{Spans, Trace};
use crate::verb::{Failure, Protected, Refused, Verb};

/// An act as it arrived: parsed, authenticated, not yet decided.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its id.
    pub id: ActId,
    /// Who sent it, by the connection.
    pub caller: String,
    /// SHA-256 of the exact bytes, for repeats.
    pub request_hash: Sha256,
}

/// An act that ends in a problem; its record is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The act.
    pub id: ActId,
    /// Why.
    pub reason: Reason,
    /// Where and what.
    pub detail: String,
}

/// A room's road: its database, its key, its clock.
pub struct Road {
    pub(crate) db: Db,
    pub(crate) key: Arc<StorageKey>,
    pub(crate) shelves: Arc<Shelves>,
    pub(crate) world: World,
    pub(crate) parcel_added: Notify,
    paces: Paces,
    pub(crate) ledger: Option<RoomLedger>,
    pub(crate) spans: OnceLock<Arc<dyn Spans>>,
}

enum Opened {
    Fresh,
    Found(Found),
}

/// How long a repeat waits for the first arrival of the same bytes to end.
const PATIENCE: Duration = Duration::from_secs(12);

impl Road {
    /// A road in this database, which was opened with [`crate::MIGRATIONS`].
    pub fn new(db: Db, key: Arc<StorageKey>, world: World) -> Self {
        let shelves = Arc::new(Shelves::none(Arc::clone(&key)));
        let (paces, spans) = (Paces::default(), OnceLock::new());
        Self { db, key, shelves, world, parcel_added: Notify::new(), paces, ledger: None, spans }
    }

    /// The room's database.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// This room's clock.
    pub fn now(&self) -> Moment {
        Moment(self.world.now())
    }

    /// Takes one act down the whole road. `Ok` and `Err` alike are durable before they are returned.
    ///
    /// The act runs as a task of its own: a caller that hangs up does not leave it half done.
    pub async fn travel<V: Verb>(self: &Arc<Self>, arrival: Arrival, verb: V) -> Result<Vec<u8>, Stop> {
        let (road, broken) = (Arc::clone(self), stop(&arrival, Reason::Internal));
        let travelling = async move {
            let trace = road.trace(V::NAME);
            let ended = road.steps(arrival, &verb, &trace).await;
            trace.end(ended.as_ref().err().map(|stop| stop.reason));
            ended
        };
        tokio::spawn(travelling).await.unwrap_or(Err(broken))
    }

    /// The stored reply of an act that arrived before, as a repeat of it would bring; begins none.
    ///
    /// # Errors
    /// `not_found`: there was none. As a repeat's: `replayed` where these are not its caller and bytes.
    pub async fn stored<V: Verb>(&self, arrival: Arrival) -> Result<Vec<u8>, Stop> {
        let id = arrival.id;
        let found = self.db.read("stored", move |read| find(read, V::NAME, &id)).await;
        let found = found.map_err(|_| stop(&arrival, Reason::Internal))?;
        let now = self.now();
        match found {
            Some(found) => self.again::<V>(&arrival, found, now).await,
            None => Err(self.refuse_repeat::<V>(&arrival, "not_found", Reason::NotFound, now).await),
        }
    }

    async fn steps<V: Verb>(&self, arrival: Arrival, verb: &V, trace: &Trace) -> Result<Vec<u8>, Stop> {
        if let Some(reason) = self.unseen().await {
            return Err(self.turn_away::<V>(&arrival, reason).await);
        }
        let (now, step) = (self.now(), trace.begin());
        let pace = self.paces.count(verb.paced(&arrival.caller), V::NAME, verb.weight(), now);
        // decide
        let decided = verb.decide(pace, now);
        let shown = decided.as_ref().err().and_then(|refused| verb.protect_refusal(refused));
        trace.step("decide", step);
        // record the decision
        let step = trace.begin();
        let opened = self.open(&arrival, verb, &decided, shown.is_some(), now).await;
        trace.step("record_decision", step);
        match opened.map_err(|error| stop(&arrival, unrecorded(&error)))? {
            Opened::Fresh => {}
            Opened::Found(found) => return self.again::<V>(&arrival, found, now).await,
        }
        // act, then protect the reply
        let step = trace.begin();
        let done = match (&decided, shown) {
            (Ok(permit), _) => match verb.act(permit).await {
                Ok(acted) => verb.protect(permit, acted),
                Err(failure) => Err(failure),
            },
            (Err(_), Some(protected)) => protected,
            (Err(refused), None) => return Err(stop(&arrival, refused.reason)),
        };
        trace.step("act", step);
        // record the outcome, then send
        let step = trace.begin();
        let (recorded, ended) = match done {
            Ok(mut protected) => {
                let reply = std::mem::take(&mut protected.reply);
                (self.close(&arrival, verb, protected, &reply, decided.is_err()).await, Ok(reply))
            }
            Err(failure) => {
                let recorded = self.fail::<V>(&arrival, &failure).await;
                (recorded, Err(Stop { id: arrival.id, reason: failure.reason, detail: failure.detail }))
            }
        };
        trace.step("record_outcome", step);
        recorded.map_err(|error| stop(&arrival, unrecorded(&error)))?;
        ended
    }

    /// Refuses on account of the room's own state. Recorded; the id stays free, so that the same act may come again
    /// when the state has passed.
    async fn turn_away<V: Verb>(&self, arrival: &Arrival, reason: Reason) -> Stop {
        let mut record = Record::new();
        record
            .set("caller", &arrival.caller)
            .set("request", words::hex(&arrival.request_hash))
            .set("decision", "refused")
            .set("reason", reason.as_str());
        let salt = self.world.random();
        let act = Some(arrival.id);
        let leaf = Leaf::new(&self.shelves, salt, act, V::NAME, "turned_away", self.now(), record);
        let noted = self.insert(leaf).await;
        stop(arrival, noted.map_or_else(|error| unrecorded(&error), |()| reason))
    }

    /// Decision, leaf, parcels and the room's own rows in one transaction, unless the id was used before.
    async fn open<V: Verb>(
        &self,
        arrival: &Arrival,
        verb: &V,
        decided: &Result<V::Permit, Refused>,
        refusal_goes_on: bool,
        now: Moment,
    ) -> Result<Opened, StoreError> {
        let of = decided.as_ref();
        let mut record = verb.record(of);
        record.set("caller", &arrival.caller).set("request", words::hex(&arrival.request_hash));
        let (state, reason, truth) = match of {
            Ok(_) => (state::DECIDED, None, None),
            Err(refused) if refusal_goes_on => (state::DECIDED, Some(refused.reason.as_str()), refused.truth),
            Err(refused) => (state::REFUSED, Some(refused.reason.as_str()), refused.truth),
        };
        record.set("decision", if of.is_ok() { "permitted" } else { "refused" });
        if let Some(reason) = reason {
            record.set("reason", truth.unwrap_or(reason));
        }
        let leaf = Leaf::new(
            &self.shelves,
            self.world.random(),
            Some(arrival.id),
            V::NAME,
            "decision",
            now,
            record,
        )?;
        let shelf = leaf.shelf().to_owned();
        let parcels = verb.parcels(of);
        let goes_now = parcels.iter().any(|parcel| !parcel.held);
        let parcels = self.parcel_rows(&arrival.id, parcels, now);
        let room = verb.on_decision(of);
        let closed_at = (state == state::REFUSED).then_some(now.0);
        let (id, label, weight) = (arrival.id, verb.label(), i64::from(verb.weight()));
        let row: Vec<Value> = params![
            id.bytes(),
            V::NAME,
            arrival.caller.as_str(),
            arrival.request_hash,
            label,
            weight,
            state,
            reason,
            truth,
            now.0,
            closed_at,
            shelf
        ]
        .to_vec();
        let opened = self
            .db
            .write(V::NAME, move |write| {
                let sql = "INSERT INTO act (id, verb, caller, request_hash, label, weight, state, reason, truth, decided_at, closed_at, shelf) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (verb, id) DO NOTHING";
                if write.execute(sql, &row)? == 0 {
                    let found = find_in_write(write, V::NAME, &id)?;
                    return found.map(Opened::Found).ok_or(StoreError::Closed);
                }
                leaf.insert(write)?;
                put_parcels(write, &parcels)?;
                if let Some(room) = room {
                    room(write)?;
                }
                Ok::<_, StoreError>(Opened::Fresh)
            })
            .await
            .inspect_err(|error| tracing::error!(%error, verb = V::NAME, "a decision could not be recorded"))?;
        if goes_now {
            self.parcel_added.notify_one();
        }
        Ok(opened)
    }

    /// The same id again: the stored reply if it is the same act, `replayed` if it is not.
    async fn again<V: Verb>(
        &self,
        arrival: &Arrival,
        mut found: Found,
        now: Moment,
    ) -> Result<Vec<u8>, Stop> {
        if found.caller != arrival.caller || found.request_hash != arrival.request_hash {
            return Err(self.refuse_repeat::<V>(arrival, "replayed", Reason::Replayed, now).await);
        }
        let give_up = tokio::time::sleep(PATIENCE);
        tokio::pin!(give_up);
        while found.state == state::DECIDED {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(25)) => {}
                () = &mut give_up => return Err(stop(arrival, Reason::InProgress)),
            }
            let id = arrival.id;
            let read = self.db.read("again", move |read| find(read, V::NAME, &id)).await;
            found = read.ok().flatten().ok_or_else(|| stop(arrival, Reason::Internal))?;
        }
        if let Some(sealed) = found.reply {
            let key = self.shelves.of(&found.shelf).ok_or_else(|| stop(arrival, Reason::Internal))?;
            return key
                .open("act", arrival.id.bytes(), V::NAME, &sealed)
                .map_err(|_| stop(arrival, Reason::Internal));
        }
        if found.state == state::DONE {
            // Its reply was not this room's to keep.
            return Err(stop(arrival, Reason::Replayed));
        }
        let reason = found.reason.as_deref().and_then(Reason::parse).unwrap_or(Reason::Unavailable);
        Err(Stop { id: arrival.id, reason, detail: found.detail.unwrap_or_default() })
    }

    /// Refuses a repeat that is none. Recorded; the act itself, if there is one, stays as it is.
    async fn refuse_repeat<V: Verb>(
        &self,
        arrival: &Arrival,
        step: &'static str,
        reason: Reason,
        now: Moment,
    ) -> Stop {
        let mut record = Record::new();
        record
            .set("caller", &arrival.caller)
            .set("request", words::hex(&arrival.request_hash))
            .set("decision", "refused")
            .set("reason", reason.as_str());
        let (salt, act) = (self.world.random(), Some(arrival.id));
        let noted = self.insert(Leaf::new(&self.shelves, salt, act, V::NAME, step, now, record)).await;
        stop(arrival, noted.map_or_else(|error| unrecorded(&error), |()| reason))
    }

    async fn close<V: Verb>(
        &self,
        arrival: &Arrival,
        verb: &V,
        protected: Protected,
        reply: &[u8],
        refused: bool,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut record = protected.record;
        record
            .set("outcome", if refused { "refused" } else { "done" })
            .set("reply", words::hex(&seal::sha256(reply)));
        let leaf =
            Leaf::new(&self.shelves, self.world.random(), Some(arrival.id), V::NAME, "outcome", now, record)?;
        let kept = protected.keep.then_some(reply);
        // Under the key of the outcome's month, which the act then lies under.
        let (shelf, key) = self.shelves.for_record(V::NAME, now)?;
        let sealed = kept.map(|reply| key.seal("act", arrival.id.bytes(), V::NAME, reply));
        let state = if refused { state::REFUSED } else { state::DONE };
        let (id, room) = (arrival.id, protected.writes);
        let parcels = if refused { Vec::new() } else { verb.parcels_when_done() };
        let goes_now = !parcels.is_empty();
        let parcels = self.parcel_rows(&id, parcels, now);
        self.db
            .write("outcome", move |write| {
                leaf.insert(write)?;
                let sql = "UPDATE act SET state = $3, reply = $4, closed_at = $5, shelf = $6 WHERE verb = $1 AND id = $2";
                write.execute(sql, &params![V::NAME, id.bytes(), state, sealed, now.0, shelf])?;
                write.execute("DELETE FROM outbox WHERE act = $1 AND held = 1", &params![id.bytes()])?;
                put_parcels(write, &parcels)?;
                match room {
                    Some(room) => room(write),
                    None => Ok(()),
                }
            })
            .await
            .inspect_err(|error| tracing::error!(%error, verb = V::NAME, "an outcome could not be recorded"))?;
        if goes_now {
            self.parcel_added.notify_one();
        }
        Ok(())
    }

    async fn fail<V: Verb>(&self, arrival: &Arrival, failure: &Failure) -> Result<(), StoreError> {
        let now = self.now();
        let mut record = Record::new();
        record.set("outcome", "failed").set("reason", failure.reason.as_str());
        let leaf =
            Leaf::new(&self.shelves, self.world.random(), Some(arrival.id), V::NAME, "outcome", now, record)?;
        let (id, reason, detail) = (arrival.id, failure.reason.as_str(), failure.detail.clone());
        self.db
            .write("outcome", move |write| {
                leaf.insert(write)?;
                let sql = "UPDATE act SET state = $3, reason = $4, detail = $5, closed_at = $6 WHERE verb = $1 AND id = $2";
                write.execute(sql, &params![V::NAME, id.bytes(), state::FAILED, reason, detail, now.0])?;
                // What the act did not deliver goes by the outbox now.
                write.execute("UPDATE outbox SET held = 0, not_before = $2 WHERE act = $1 AND held = 1", &params![id.bytes(), now.0])?;
                Ok::<_, StoreError>(())
            })
            .await?;
        self.parcel_added.notify_one();
        Ok(())
    }

    /// Records something that is no act: a request turned away at the door, a document that changed.
    pub async fn note(&self, verb: &'static str, record: Record) -> Result<(), StoreError> {
        let leaf = Leaf::new(&self.shelves, self.world.random(), None, verb, "note", self.now(), record);
        self.insert(leaf).await
    }

    async fn insert(&self, leaf: Result<Leaf, StoreError>) -> Result<(), StoreError> {
        let leaf = leaf?;
        self.db.write("note", move |write| leaf.insert(write)).await
    }
}

/// What a caller is told where nothing can be recorded: whether the place it is kept in is to blame, or this program.
fn unrecorded(error: &StoreError) -> Reason {
    if error.is_temporary() { Reason::CannotRecord } else { Reason::Internal }
}

const fn stop(arrival: &Arrival, reason: Reason) -> Stop {
    Stop { id: arrival.id, reason, detail: String::new() }
}
