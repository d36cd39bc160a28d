//! The steps of an act, once for all rooms and verbs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use seal::{Sha256, StorageKey};
use store::{Db, StoreError, Value, params};
use tokio::sync::Notify;
use words::{ActId, Moment, Reason};
use world::{BoxFuture, World};

use crate::ledger::RoomLedger;
use crate::outbox::{Parcel, put_parcels};
use crate::pace::Paces;
use crate::record::Record;
use crate::shelves::Shelves;
use crate::store::{Found, Leaf, find, find_in_write, state};
use crate::trace::{Spans, Trace};
use crate::verb::{Failure, Protected, Refused, RoomWrite, Verb};

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

type Steps = BoxFuture<'static, Result<Vec<u8>, Stop>>;

/// What a verb says of a decision, for its record.
struct Decision {
    verb: &'static str,
    label: String,
    weight: u32,
    refused: Option<Refused>,
    /// Whether a refusal goes on to a reply that looks like an answer.
    goes_on: bool,
    record: Record,
    parcels: Vec<Parcel>,
    room: Option<RoomWrite>,
}

impl Decision {
    fn of<V: Verb>(verb: &V, decided: Result<&V::Permit, &Refused>, goes_on: bool) -> Self {
        Self {
            verb: V::NAME,
            label: verb.label(),
            weight: verb.weight(),
            refused: decided.err().cloned(),
            goes_on,
            record: verb.record(decided),
            parcels: verb.parcels(decided),
            room: verb.on_decision(decided),
        }
    }
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
        let broken = stop(&arrival, Reason::Internal);
        let road = Arc::clone(self);
        // Boxed, and all but the verb's own steps in functions that know only its name: so the road is compiled once
        // and not for each of the house's verbs.
        let steps: Steps = Box::pin(async move {
            let trace = road.trace(V::NAME);
            let ended = road.steps(arrival, &verb, &trace).await;
            trace.end(ended.as_ref().err().map(|stop| stop.reason));
            ended
        });
        tokio::spawn(steps).await.unwrap_or(Err(broken))
    }

    /// The stored reply of an act that arrived before, as a repeat of it would bring; begins none.
    ///
    /// # Errors
    /// `not_found`: there was none. As a repeat's: `replayed` where these are not its caller and bytes.
    pub async fn stored<V: Verb>(&self, arrival: Arrival) -> Result<Vec<u8>, Stop> {
        self.stored_of(V::NAME, &arrival).await
    }

    async fn stored_of(&self, verb: &'static str, arrival: &Arrival) -> Result<Vec<u8>, Stop> {
        let id = arrival.id;
        let found = self.db.read("stored", move |read| find(read, verb, &id)).await;
        match found.map_err(|_| stop(arrival, Reason::Internal))? {
            Some(found) => self.again(verb, arrival, found, self.now()).await,
            None => Err(self.refuse_beside(verb, arrival, "not_found", Reason::NotFound, self.now()).await),
        }
    }

    async fn steps<V: Verb>(&self, arrival: Arrival, verb: &V, trace: &Trace) -> Result<Vec<u8>, Stop> {
        self.ready(V::NAME, &arrival).await?;
        let (now, step) = (self.now(), trace.begin());
        let pace = self.paces.count(verb.paced(&arrival.caller), V::NAME, verb.weight(), now);
        // decide
        let decided = verb.decide(pace, now);
        let shown = decided.as_ref().err().and_then(|refused| verb.protect_refusal(refused));
        trace.step("decide", step);
        // record the decision
        let step = trace.begin();
        let decision = Decision::of(verb, decided.as_ref(), shown.is_some());
        let opened = self.open(&arrival, decision, now).await;
        trace.step("record_decision", step);
        if let Some(found) = opened? {
            return self.again(V::NAME, &arrival, found, now).await;
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
        let parcels = if decided.is_ok() && done.is_ok() { verb.parcels_when_done() } else { Vec::new() };
        let ended = self.end(V::NAME, &arrival, done, decided.is_err(), parcels).await;
        trace.step("record_outcome", step);
        ended
    }

    /// Waits until the room has seen its ledger after a start, and turns away on account of its own state.
    fn ready<'a>(&'a self, verb: &'static str, arrival: &'a Arrival) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            match self.unseen().await {
                None => Ok(()),
                // The id stays free, so that the same act may come again when the state has passed.
                Some(reason) => {
                    Err(self.refuse_beside(verb, arrival, "turned_away", reason, self.now()).await)
                }
            }
        })
    }

    /// Refuses what does not become an act: a repeat that is none, or anything while the room may not answer.
    /// Recorded; an act of this id, if there is one, stays as it is.
    fn refuse_beside<'a>(
        &'a self,
        verb: &'static str,
        arrival: &'a Arrival,
        step: &'static str,
        reason: Reason,
        now: Moment,
    ) -> BoxFuture<'a, Stop> {
        Box::pin(async move {
            let mut record = Record::new();
            record
                .set("caller", &arrival.caller)
                .set("request", words::hex(&arrival.request_hash))
                .set("decision", "refused")
                .set("reason", reason.as_str());
            let (salt, act) = (self.world.random(), Some(arrival.id));
            let noted = self.insert(Leaf::new(&self.shelves, salt, act, verb, step, now, record)).await;
            stop(arrival, noted.map_or_else(|error| unrecorded(&error), |()| reason))
        })
    }

    /// Decision, leaf, parcels and the room's own rows in one transaction, unless the id was used before: then the act
    /// that has it.
    async fn open(&self, arrival: &Arrival, of: Decision, now: Moment) -> Result<Option<Found>, Stop> {
        let opened = self.opened(arrival, of, now).await;
        opened.map_err(|error| stop(arrival, unrecorded(&error)))
    }

    fn opened<'a>(
        &'a self,
        arrival: &'a Arrival,
        of: Decision,
        now: Moment,
    ) -> BoxFuture<'a, Result<Option<Found>, StoreError>> {
        Box::pin(async move {
            let Decision { verb, label, weight, refused, goes_on, mut record, parcels, room } = of;
            record.set("caller", &arrival.caller).set("request", words::hex(&arrival.request_hash));
            let state = if refused.is_some() && !goes_on { state::REFUSED } else { state::DECIDED };
            let reason = refused.as_ref().map(|refused| refused.reason.as_str());
            let truth = refused.as_ref().and_then(|refused| refused.truth);
            record.set("decision", if refused.is_none() { "permitted" } else { "refused" });
            if let Some(reason) = reason {
                record.set("reason", truth.unwrap_or(reason));
            }
            let (id, salt) = (arrival.id, self.world.random());
            let leaf = Leaf::new(&self.shelves, salt, Some(id), verb, "decision", now, record)?;
            let shelf = leaf.shelf().to_owned();
            let goes_now = parcels.iter().any(|parcel| !parcel.held);
            let parcels = self.parcel_rows(&id, parcels, now);
            let closed_at = (state == state::REFUSED).then_some(now.0);
            let row: Vec<Value> = params![
                id.bytes(),
                verb,
                arrival.caller.as_str(),
                arrival.request_hash,
                label,
                i64::from(weight),
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
            .write(verb, move |write| {
                let sql = "INSERT INTO act (id, verb, caller, request_hash, label, weight, state, reason, truth, decided_at, closed_at, shelf) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (verb, id) DO NOTHING";
                if write.execute(sql, &row)? == 0 {
                    return find_in_write(write, verb, &id)?.map(Some).ok_or(StoreError::Closed);
                }
                leaf.insert(write)?;
                put_parcels(write, &parcels)?;
                if let Some(room) = room {
                    room(write)?;
                }
                Ok::<_, StoreError>(None)
            })
            .await
            .inspect_err(|error| tracing::error!(%error, verb, "a decision could not be recorded"))?;
            if goes_now {
                self.parcel_added.notify_one();
            }
            Ok(opened)
        })
    }

    /// The same id again: the stored reply if it is the same act, `replayed` if it is not.
    fn again<'a>(
        &'a self,
        verb: &'static str,
        arrival: &'a Arrival,
        mut found: Found,
        now: Moment,
    ) -> BoxFuture<'a, Result<Vec<u8>, Stop>> {
        Box::pin(async move {
            if found.caller != arrival.caller || found.request_hash != arrival.request_hash {
                return Err(self.refuse_beside(verb, arrival, "replayed", Reason::Replayed, now).await);
            }
            let give_up = tokio::time::sleep(PATIENCE);
            tokio::pin!(give_up);
            while found.state == state::DECIDED {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(25)) => {}
                    () = &mut give_up => return Err(stop(arrival, Reason::InProgress)),
                }
                let id = arrival.id;
                let read = self.db.read("again", move |read| find(read, verb, &id)).await;
                found = read.ok().flatten().ok_or_else(|| stop(arrival, Reason::Internal))?;
            }
            if let Some(sealed) = found.reply {
                let key = self.shelves.of(&found.shelf).ok_or_else(|| stop(arrival, Reason::Internal))?;
                return key
                    .open("act", arrival.id.bytes(), verb, &sealed)
                    .map_err(|_| stop(arrival, Reason::Internal));
            }
            if found.state == state::DONE {
                // Its reply was not this room's to keep.
                return Err(stop(arrival, Reason::Replayed));
            }
            let reason = found.reason.as_deref().and_then(Reason::parse).unwrap_or(Reason::Unavailable);
            Err(Stop { id: arrival.id, reason, detail: found.detail.unwrap_or_default() })
        })
    }

    /// Records the outcome; what is given back may then be sent.
    fn end<'a>(
        &'a self,
        verb: &'static str,
        arrival: &'a Arrival,
        done: Result<Protected, Failure>,
        refused: bool,
        parcels: Vec<Parcel>,
    ) -> BoxFuture<'a, Result<Vec<u8>, Stop>> {
        Box::pin(async move {
            let (recorded, ended) = match done {
                Ok(mut protected) => {
                    let reply = std::mem::take(&mut protected.reply);
                    (self.close(verb, arrival.id, protected, &reply, refused, parcels).await, Ok(reply))
                }
                Err(failure) => {
                    let recorded = self.fail(verb, arrival.id, &failure).await;
                    (recorded, Err(Stop { id: arrival.id, reason: failure.reason, detail: failure.detail }))
                }
            };
            recorded.map_err(|error| stop(arrival, unrecorded(&error)))?;
            ended
        })
    }

    async fn close(
        &self,
        verb: &'static str,
        id: ActId,
        protected: Protected,
        reply: &[u8],
        refused: bool,
        parcels: Vec<Parcel>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut record = protected.record;
        record
            .set("outcome", if refused { "refused" } else { "done" })
            .set("reply", words::hex(&seal::sha256(reply)));
        let leaf = Leaf::new(&self.shelves, self.world.random(), Some(id), verb, "outcome", now, record)?;
        let kept = protected.keep.then_some(reply);
        // Under the key of the outcome's month, which the act then lies under.
        let (shelf, key) = self.shelves.for_record(verb, now)?;
        let sealed = kept.map(|reply| key.seal("act", id.bytes(), verb, reply));
        let state = if refused { state::REFUSED } else { state::DONE };
        let room = protected.writes;
        let goes_now = !parcels.is_empty();
        let parcels = self.parcel_rows(&id, parcels, now);
        self.db
            .write("outcome", move |write| {
                leaf.insert(write)?;
                let sql = "UPDATE act SET state = $3, reply = $4, closed_at = $5, shelf = $6 WHERE verb = $1 AND id = $2";
                write.execute(sql, &params![verb, id.bytes(), state, sealed, now.0, shelf])?;
                write.execute("DELETE FROM outbox WHERE act = $1 AND held = 1", &params![id.bytes()])?;
                put_parcels(write, &parcels)?;
                match room {
                    Some(room) => room(write),
                    None => Ok(()),
                }
            })
            .await
            .inspect_err(|error| tracing::error!(%error, verb, "an outcome could not be recorded"))?;
        if goes_now {
            self.parcel_added.notify_one();
        }
        Ok(())
    }

    async fn fail(&self, verb: &'static str, id: ActId, failure: &Failure) -> Result<(), StoreError> {
        let now = self.now();
        let mut record = Record::new();
        record.set("outcome", "failed").set("reason", failure.reason.as_str());
        let leaf = Leaf::new(&self.shelves, self.world.random(), Some(id), verb, "outcome", now, record)?;
        let (reason, detail) = (failure.reason.as_str(), failure.detail.clone());
        self.db
            .write("outcome", move |write| {
                leaf.insert(write)?;
                let sql = "UPDATE act SET state = $3, reason = $4, detail = $5, closed_at = $6 WHERE verb = $1 AND id = $2";
                write.execute(sql, &params![verb, id.bytes(), state::FAILED, reason, detail, now.0])?;
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
