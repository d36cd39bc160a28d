//! Fetching link codes for the own customers: in batches, those that were not asked for yet.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::desk::Issued;
use protocol::issue::{self, Order, ROWS_INFO, Stored, ToRegistry};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Problem};
use words::{ActId, B64, Moment, Reason};

use crate::connector::Customer;
use crate::error::{own_database, own_system};
use crate::{Gateway, Here, store};

pub(crate) async fn issue(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let gateway = here.0;
    let house = &gateway.house;
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let _one_at_a_time = gateway.issuing.lock().await;
    let held = store::held_epoch(house.road.db()).await.map_err(|error| own_database(&error))?;
    if held.taking_over {
        // A code of the old epoch would come too late to be taken over.
        return Err(Problem::with(
            Reason::InProgress,
            "The own codes are being replaced; fetch new ones after that.",
        ));
    }
    let waiting = gateway.without_codes().await?;
    let mut left = waiting.len();
    let mut reason = None;
    for batch in shuffled(batches(waiting, house.defaults.batch_rows), &house.dice) {
        let (id, rows) = (ActId::batch(house.world.random()), batch.len());
        let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(id.bytes()) };
        let verb = SendBatch { gateway: Arc::clone(&gateway), id, batch, role };
        match house.road.travel(arrival, verb).await {
            Ok(_) => left -= rows,
            // What a passing fault left is fetched by the next call; a refusal would meet every further batch too.
            Err(stop) if stop.reason == Reason::NotAllowed => return Err(told(stop)),
            Err(stop) => {
                reason = Some(stop.reason);
                break;
            }
        }
    }
    let [linked, review, none] =
        store::counts(house.road.db()).await.map_err(|error| own_database(&error))?;
    let issued = Issued { linked, review, none, left: u32::try_from(left).unwrap_or(u32::MAX), reason };
    Ok(json_bytes(serde_json::to_vec(&issued).unwrap_or_default()))
}

/// Batches of at most `most` rows. Customers with the same birth date, in whatever notation, stay in one batch, so
/// that two customers who are one resident are matched together and both go to review.
fn batches(mut customers: Vec<Customer>, most: usize) -> Vec<Vec<Customer>> {
    let birth = |customer: &Customer| {
        let text = &customer.attributes.birth;
        (
            matching::normalise_birth(text),
            if matching::normalise_birth(text).is_none() { text.clone() } else { String::new() },
        )
    };
    customers.sort_by_cached_key(|customer| (birth(customer), customer.number.clone()));
    let mut batches: Vec<Vec<Customer>> = Vec::new();
    for group in customers.chunk_by(|a, b| birth(a) == birth(b)) {
        for part in group.chunks(most.max(1)) {
            match batches.last_mut() {
                Some(batch) if batch.len() + part.len() <= most => batch.extend_from_slice(part),
                _ => batches.push(part.to_vec()),
            }
        }
    }
    batches
}

/// In no order: the number of a row stands in the person's index for good, and an order that can be told later from birth
/// dates or customer numbers would say whose index it is (`musubi attack steal`).
fn shuffled(mut batches: Vec<Vec<Customer>>, dice: &seal::Dice) -> Vec<Vec<Customer>> {
    batches.iter_mut().for_each(|batch| batch.sort_by_cached_key(|_| dice.bytes::<16>()));
    batches.sort_by_cached_key(|_| dice.bytes::<16>());
    batches
}

impl Gateway {
    /// Own customers for whom codes were not asked for yet.
    async fn without_codes(&self) -> Result<Vec<Customer>, Problem> {
        let customers = self.connector.customers().await.map_err(|error| own_system(&error))?;
        let indices = customers
            .iter()
            .map(|customer| store::customer_index(&self.house.storage, &customer.number))
            .collect();
        let asked =
            store::asked_for(self.house.road.db(), indices).await.map_err(|error| own_database(&error))?;
        Ok(customers
            .into_iter()
            .zip(asked)
            .filter(|(_, asked)| !asked)
            .map(|(customer, _)| customer)
            .collect())
    }
}

struct SendBatch {
    gateway: Arc<Gateway>,
    id: ActId,
    batch: Vec<Customer>,
    role: Role,
}

impl Verb for SendBatch {
    const NAME: &'static str = "fetch_codes";
    type Permit = Permit<Operate>;
    type Acted = Stored;

    fn weight(&self) -> u32 {
        u32::try_from(self.batch.len()).unwrap_or(u32::MAX)
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::StartIssue, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("department", &self.gateway.department).set("rows", self.batch.len());
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Stored, Failure> {
        let house = &self.gateway.house;
        let registry = house.only("registry").map_err(Failure::new)?;
        let session = self.gateway.sessions.current(house).await.map_err(Failure::new)?;
        let attributes: Vec<_> = self.batch.iter().map(|customer| &customer.attributes).collect();
        let plain = serde_json::to_vec(&attributes).map_err(|_| Failure::new(Reason::Internal))?;
        let sealed = registry.sealing.seal(ROWS_INFO, self.id.bytes(), &plain, &house.dice);
        let sealed = B64::from(sealed.map_err(|_| Failure::new(Reason::Internal))?.bytes);
        let order = Order {
            id: self.id,
            from: house.id.clone(),
            epoch: session.epoch,
            session: session.name.clone(),
            rows: u32::try_from(self.batch.len()).unwrap_or(u32::MAX),
            sealed: B64::from(seal::sha256(&sealed.0)),
            at: house.now(),
        };
        let numbers: Vec<String> = self.batch.iter().map(|customer| customer.number.clone()).collect();
        // Which customer row i is must be durable before the codes can arrive.
        store::begin(house.road.db(), &house.storage, self.id, &numbers, house.now()).await?;
        let message = ToRegistry { order: house.sign(&order), sealed };
        let stored = house.post(&registry, issue::PATH, &message, Duration::from_secs(60)).await;
        stored.map_err(|error| Failure::with(error.reason(), "from the registry onward"))
    }

    fn protect(&self, _permit: &Self::Permit, stored: Stored) -> Result<Protected, Failure> {
        serde_json::to_vec(&stored).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
