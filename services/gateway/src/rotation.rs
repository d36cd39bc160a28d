//! The own codes' rotation: taken over batch by batch while inquiries go on under the old ones, then switched to.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, json_bytes, told};
use protocol::index::hash_of;
use protocol::issue::{IssueHop, Stored};
use protocol::rotation::{
    EpochChange, NoticeOfEpoch, ROWS, RotationRows, TakenOver, ToInstitution, ToLinkage,
};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::LinkCode;
use wire::{Caller, Json, Problem};
use words::{ActId, Epoch, Moment, Reason};

use crate::error::{not_what_was_signed, own_database};
use crate::{Gateway, Here, store};

/// How long one call takes over codes, ms; what is left is left to the next.
const BUDGET_MS: i64 = 20_000;

pub(crate) async fn epochs(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<NoticeOfEpoch>,
) -> Result<Response, Problem> {
    let gateway = here.0;
    let house = &gateway.house;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let change: EpochChange = house.verify(&body.message.change, &linkage.id)?;
    let id = ActId::new(house.world.random());
    if change.party != house.id {
        return Err(not_what_was_signed(id, "change.party"));
    }
    let held = store::held_epoch(house.road.db()).await.map_err(|error| own_database(&error))?;
    let arrival = Arrival { id, caller: linkage.id.to_string(), request_hash: body.message.change.hash() };
    let verb = TakeOver { gateway: Arc::clone(&gateway), change, held: held.epoch };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct TakeOver {
    gateway: Arc<Gateway>,
    change: EpochChange,
    /// The epoch of the present codes.
    held: Epoch,
}

impl Verb for TakeOver {
    const NAME: &'static str = "take_over_codes";
    type Permit = Permit<Operate>;
    type Acted = TakenOver;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        // The next one, or word of the present one that was carried again.
        if self.change.epoch != self.held.next() && self.change.epoch != self.held {
            return Err(Reason::OldCode.into());
        }
        Ok(decide_operation(Operation::ChangeEpoch, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("epoch", self.change.epoch);
        if let Some(until) = self.change.old_until {
            record.set("old_until", until);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<TakenOver, Failure> {
        if self.change.epoch == self.held {
            return Ok(TakenOver::default());
        }
        match self.change.old_until {
            None => self.gateway.take_over(self.held).await,
            Some(until) => self.gateway.switch(self.change.epoch, until).await,
        }
    }

    fn protect(&self, _permit: &Self::Permit, taken: TakenOver) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("taken", taken.taken).set("left", taken.left);
        let reply = serde_json::to_vec(&taken).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}

impl Gateway {
    /// Has codes converted to the next epoch, batch by batch, until none is left or the time is over.
    async fn take_over(self: &Arc<Self>, held: Epoch) -> Result<TakenOver, Failure> {
        let house = &self.house;
        // No new codes meanwhile: they would be of the old epoch.
        let _one_at_a_time = self.issuing.lock().await;
        let until = house.now().plus_ms(BUDGET_MS);
        let mut taken = 0;
        loop {
            let (batch, left) = store::without_next(house.road.db(), house.defaults.batch_rows).await?;
            if batch.is_empty() || house.now() > until {
                return Ok(TakenOver { taken, left });
            }
            taken += self.send_rows(held, batch).await?;
        }
    }

    async fn send_rows(self: &Arc<Self>, held: Epoch, batch: Vec<store::SealedCode>) -> Result<u32, Failure> {
        let house = &self.house;
        let session = self.sessions.current(house).await.map_err(Failure::new)?;
        if session.epoch != held {
            return Err(Failure::with(Reason::OldCode, "the session is of another epoch than the codes"));
        }
        let id = ActId::batch(house.world.random());
        let (key, dice) = (Arc::clone(&house.storage), house.dice.clone());
        let (rows, under) = (batch.clone(), Arc::clone(&session));
        let codes = House::compute(move || {
            let encrypt = |row: &store::SealedCode| {
                let code = key.open_code("customer", &row.customer, &row.code)?;
                Ok(code.encrypt(under.secret.public(), &dice))
            };
            rows.iter().map(encrypt).collect::<Result<Vec<_>, seal::SealError>>()
        });
        let codes = codes.await.map_err(Failure::new)?.map_err(|_| Failure::new(Reason::Internal))?;
        let rows = RotationRows {
            id,
            from: house.id.clone(),
            epoch: held,
            to_epoch: held.next(),
            session: session.name.clone(),
            rows: u32::try_from(codes.len()).unwrap_or(u32::MAX),
            codes: hash_of(&codes),
            at: house.now(),
        };
        // Which customer row i is must be durable before the codes can arrive.
        let customers: Vec<String> = batch.iter().map(|row| words::hex(&row.customer)).collect();
        store::begin(house.road.db(), &house.storage, id, &customers, house.now()).await?;
        let message = ToLinkage { rows: house.sign(&rows), codes };
        let linkage = house.only("linkage").map_err(Failure::new)?;
        let stored = house.post(&linkage, ROWS, &message, Duration::from_secs(40)).await;
        let stored: Stored = stored.map_err(|error| Failure::with(error.reason(), "from linkage onward"))?;
        Ok(stored.rows)
    }

    /// Switches to the new codes: from now on a session of theirs; the old ones are dropped when they have ended.
    async fn switch(self: &Arc<Self>, epoch: Epoch, until: Moment) -> Result<TakenOver, Failure> {
        let house = &self.house;
        store::switch(house.road.db(), until).await?;
        let mut tries = 0;
        while self.sessions.renew(house).await.map_err(Failure::new)?.epoch < epoch {
            // Names of sessions differ by the second.
            tries += 1;
            if tries > 5 {
                return Err(Failure::with(Reason::Unavailable, "no session of the new epoch"));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.end_old_codes(until);
        Ok(TakenOver::default())
    }

    /// Drops the old codes when they have ended.
    fn end_old_codes(self: &Arc<Self>, until: Moment) {
        let gateway = Arc::clone(self);
        tokio::spawn(async move {
            let shutdown = gateway.house.world.shutdown.clone();
            tokio::select! {
                () = gateway.house.world.sleep_until(until.0) => {}
                () = shutdown.wait() => return,
            }
            if let Err(error) = store::promote(gateway.house.road.db()).await {
                tracing::error!(%error, "the old codes could not be dropped");
            }
        });
    }

    /// Goes on with what a former run left.
    pub(crate) async fn go_on_with_rotation(self: &Arc<Self>) -> Result<(), ::store::StoreError> {
        if let Some(until) = store::held_epoch(self.house.road.db()).await?.old_until {
            self.end_old_codes(until);
        }
        Ok(())
    }
}

pub(crate) async fn rotation_rows(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToInstitution>,
) -> Result<Response, Problem> {
    let gateway = here.0;
    let house = &gateway.house;
    let message = body.message;
    let rows: RotationRows = house.verify(&message.rows, &house.id)?;
    let mismatch = |what: &str| not_what_was_signed(rows.id, what);
    let [first, last] = message.hops.as_slice() else { return Err(mismatch("hops")) };
    let first: IssueHop = house.verify(first, &house.only("linkage")?.id)?;
    let (last, _): (IssueHop, _) = house.verify_trustee(last)?;
    let named: words::B64 = message.rows.hash().into();
    let hops = first.id == rows.id && last.id == rows.id && first.rows == named && last.rows == named;
    if !hops || first.taken != rows.codes || last.taken != first.given {
        return Err(mismatch("hops"));
    }
    if last.given != hash_of(&message.codes)
        || usize::try_from(rows.rows).unwrap_or(usize::MAX) != message.codes.len()
    {
        return Err(mismatch("codes"));
    }
    let session = gateway.sessions.find(house, &rows.session).await?;
    let encrypted = message.codes;
    let opened = House::compute(move || {
        encrypted.iter().map(|code| session.secret.decrypt(code)).collect::<Result<Vec<_>, _>>()
    });
    let codes = opened.await?;
    let codes = codes.map_err(|_| Problem::with(Reason::Malformed, "A code does not open.").of(rows.id))?;
    let customers = store::numbers_of(house.road.db(), &house.storage, rows.id).await;
    let customers = customers.map_err(|error| own_database(&error))?;
    let held = store::held_epoch(house.road.db()).await.map_err(|error| own_database(&error))?;
    let arrival = Arrival { id: rows.id, caller: caller.body(), request_hash: message.rows.hash() };
    let verb = TakeRows { gateway: Arc::clone(&gateway), rows, customers, codes, held: held.epoch };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct TakeRows {
    gateway: Arc<Gateway>,
    rows: RotationRows,
    customers: Option<Vec<String>>,
    codes: Vec<LinkCode>,
    held: Epoch,
}

impl Verb for TakeRows {
    const NAME: &'static str = "rotation_rows";
    type Permit = Permit<Operate>;
    type Acted = Vec<store::NextCode>;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let rows = self.customers.as_ref().map(Vec::len).ok_or(Reason::NotFound)?;
        if rows != self.codes.len() {
            return Err(Reason::HopMismatch.into());
        }
        if self.rows.epoch != self.held || self.rows.to_epoch != self.held.next() {
            return Err(Reason::OldCode.into());
        }
        Ok(decide_operation(Operation::TakeCodes, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("rows", self.codes.len()).set("epoch", self.rows.to_epoch);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Vec<store::NextCode>, Failure> {
        let key = &self.gateway.house.storage;
        let customers = self.customers.iter().flatten();
        let rows = customers.zip(&self.codes).filter_map(|(customer, code)| {
            let customer = store::index_of_hex(customer)?;
            Some(store::NextCode::new(key, customer, code))
        });
        Ok(rows.collect())
    }

    fn protect(&self, _permit: &Self::Permit, rows: Vec<store::NextCode>) -> Result<Protected, Failure> {
        let stored = Stored { id: self.rows.id, rows: u32::try_from(rows.len()).unwrap_or(u32::MAX) };
        let reply = serde_json::to_vec(&stored).map_err(|_| Failure::new(Reason::Internal))?;
        let id = self.rows.id;
        Ok(Protected {
            reply,
            record: Record::new(),
            writes: Some(Box::new(move |write| store::keep_next(write, &id, &rows))),
            keep: true,
        })
    }
}
