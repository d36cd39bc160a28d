//! Certificates of residents: ordered from the authority for the keys of a card, and told of what happens to their holders.
//! The authority knows a resident by a handle that nobody else has.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, json_bytes, told};
use matching::BirthAndSex;
use protocol::certificates::{
    CERTIFICATES, CardEvent, CertifiedAttributes, EVENTS, EventDone, HolderEvent, IssuedCertificates,
    OrderCertificates, OrderForCard, Sex, TellEvent,
};
use protocol::issue::Attributes;
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use serde::Serialize;
use wire::{Caller, Json, Problem};
use words::{ActId, B64, Date, Moment, Reason};

use crate::error::{own_database, unreadable};
use crate::people::Anchor;
use crate::{Here, Registry, store};

/// How long the authority may take.
const WITHIN: Duration = Duration::from_secs(15);

/// The handle under which the authority knows a resident.
pub(crate) fn handle(house: &House, anchor: &Anchor) -> B64 {
    B64::from(house.storage.index("authority-holder", anchor))
}

/// The four attributes as certificates have them; `None` if the birth date cannot be read.
fn certified(attributes: &Attributes) -> Option<CertifiedAttributes> {
    let known = BirthAndSex::of(&attributes.birth, &attributes.sex).guard();
    let (birth, sex) = known.split_at_checked(10)?;
    let sex = match sex {
        "M" => Sex::Male,
        "F" => Sex::Female,
        _ => Sex::Unknown,
    };
    let (name, address) = (attributes.name.clone(), attributes.address.clone());
    Some(CertifiedAttributes { name, address, birth: Date::parse(birth).ok()?, sex })
}

/// Whether a change of the register touches what a signature certificate says.
pub(crate) fn touches(before: &Attributes, after: &Attributes) -> bool {
    certified(before) != certified(after)
}

impl Registry {
    async fn resident(&self, entry: &str) -> Result<store::Row, Problem> {
        let house = &self.house;
        let index = store::entry_index(&house.storage, entry);
        let row = store::by_entry(house.road.db(), index).await.map_err(own_database)?;
        let row = row.ok_or(Problem::with(Reason::NotFound, "There is no entry under that key."))?;
        match row.ended {
            false => Ok(row),
            true => Err(Problem::with(Reason::WrongState, "The entry has ended.")),
        }
    }

    async fn ask<T: Serialize, A: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        message: &T,
    ) -> Result<A, Failure> {
        let authority = self.house.only("authority").map_err(Failure::new)?;
        let answer = self.house.post(&authority, path, message, WITHIN).await;
        answer.map_err(|error| Failure::with(error.reason(), "The authority did not do it."))
    }
}

pub(crate) async fn order(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<OrderForCard>,
) -> Result<Response, Problem> {
    let (registry, ask) = (here.0, body.message);
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let house = &registry.house;
    let row = registry.resident(&ask.entry).await?;
    let held = store::open_attributes(&house.storage, &row.anchor, &row.attributes);
    let held = held.ok_or_else(|| Problem::new(unreadable().reason))?;
    let unread = "The entry's birth date cannot be read: correct the entry first.";
    let attributes = certified(&held).ok_or(Problem::with(Reason::WrongState, unread))?;
    let id = ActId::new(house.world.random());
    let order = OrderCertificates {
        id,
        holder: handle(house, &row.anchor),
        window: ask.window,
        attributes,
        signature: ask.signature,
        authentication: ask.authentication,
    };
    let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let road = Arc::clone(&house.road);
    let verb = Order { registry, order, anchor: row.anchor, role };
    road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct Order {
    registry: Arc<Registry>,
    order: OrderCertificates,
    anchor: Anchor,
    role: Role,
}

impl Verb for Order {
    const NAME: &'static str = "card_certificates";
    type Permit = Permit<Operate>;
    type Acted = IssuedCertificates;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::OrderCertificates, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("signature", self.order.signature.is_some());
        record.set("authentication", self.order.authentication.is_some());
        record
    }

    fn on_decision(&self, decided: Result<&Self::Permit, &Refused>) -> Option<road::RoomWrite> {
        decided.ok()?;
        // Before the order leaves: a change that comes in between is told, too.
        let anchor = self.anchor;
        let handle = self.order.holder.0.clone();
        Some(Box::new(move |write| store::note_certified(write, &anchor, &handle)))
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<IssuedCertificates, Failure> {
        self.registry.ask(CERTIFICATES, &self.order).await
    }

    fn protect(&self, _permit: &Self::Permit, issued: IssuedCertificates) -> Result<Protected, Failure> {
        let mut record = Record::new();
        let hashes = issued.issued.iter().map(|one| words::hex(&seal::sha256(&one.certificate.0)));
        record.set("certificates", hashes.collect::<Vec<_>>());
        let reply = serde_json::to_vec(&issued).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}

pub(crate) async fn event(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<CardEvent>,
) -> Result<Response, Problem> {
    let (registry, told_of) = (here.0, body.message);
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    if matches!(told_of.event, HolderEvent::AttributesChanged | HolderEvent::Ended) {
        let why = "A change or an end is entered as a change of the register, which tells the authority.";
        return Err(Problem::with(Reason::Malformed, why));
    }
    let house = &registry.house;
    let row = registry.resident(&told_of.entry).await?;
    let id = ActId::new(house.world.random());
    let event = TellEvent { id, holder: handle(house, &row.anchor), event: told_of.event };
    let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let road = Arc::clone(&house.road);
    road.travel(arrival, Tell { registry, event, role }).await.map(json_bytes).map_err(told)
}

struct Tell {
    registry: Arc<Registry>,
    event: TellEvent,
    role: Role,
}

impl Verb for Tell {
    const NAME: &'static str = "card_event";
    type Permit = Permit<Operate>;
    type Acted = EventDone;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::OrderCertificates, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("event", self.event.event);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<EventDone, Failure> {
        self.registry.ask(EVENTS, &self.event).await
    }

    fn protect(&self, _permit: &Self::Permit, done: EventDone) -> Result<Protected, Failure> {
        serde_json::to_vec(&done).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
