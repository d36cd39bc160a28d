//! A change of one resident: one of the ten kinds, with the state before kept in the history (rows N1, N2, N4).

use std::sync::{Arc, PoisonError};

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::certificates::{EVENTS, HolderEvent, TellEvent};
use protocol::register::{Change, ChangeDone};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::{IndividualNumber, ResidentCode};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason};

use crate::certificates::{handle, touches};
use crate::error::{own_database, unreadable};
use crate::policy::{changes_code, first_fault};
use crate::store::{self, Row, Update};
use crate::{Here, Registry};

pub(crate) async fn change(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Change>,
) -> Result<Response, Problem> {
    let registry = here.0;
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let (house, change) = (&registry.house, body.message);
    let index = store::entry_index(&house.storage, &change.entry);
    let row = store::by_entry(house.road.db(), index).await.map_err(own_database)?;
    let row = row.ok_or(Problem::with(Reason::NotFound, "There is no entry under that key."))?;
    if let Some(fault) = first_fault(&change, row.ended) {
        return Err(Problem::with(Reason::Malformed, fault));
    }
    let sequence = store::changes(house.road.db(), row.anchor).await.map_err(own_database)? + 1;
    let arrival = Arrival {
        id: ActId::new(house.world.random()),
        caller: caller.label(),
        request_hash: seal::sha256(&body.bytes),
    };
    let certificates = registry.certificates_end(&change, &row, arrival.id).await?;
    let verb = MakeChange { registry: Arc::clone(&registry), change, row, sequence, role, certificates };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct MakeChange {
    registry: Arc<Registry>,
    change: Change,
    row: Row,
    sequence: i64,
    role: Role,
    /// What the authority is told, where certificates end by this change.
    certificates: Option<Parcel>,
}

impl Registry {
    /// The word to the authority, if a change ends a certificate of the resident (row C2).
    async fn certificates_end(
        &self,
        change: &Change,
        row: &Row,
        id: ActId,
    ) -> Result<Option<Parcel>, Problem> {
        let house = &self.house;
        if !store::is_certified(house.road.db(), row.anchor).await.map_err(own_database)? {
            return Ok(None);
        }
        let before = store::open_attributes(&house.storage, &row.anchor, &row.attributes);
        let event = match &change.attributes {
            _ if change.kind.ends() => HolderEvent::Ended,
            Some(after) if before.is_none_or(|before| touches(&before, after)) => {
                HolderEvent::AttributesChanged
            }
            _ => return Ok(None),
        };
        let told = TellEvent { id, holder: handle(house, &row.anchor), event };
        let body = serde_json::to_vec(&told).map_err(|_| Problem::new(Reason::Internal))?;
        Ok(Some(Parcel { destination: house.only("authority")?.id, path: EVENTS, body, held: false }))
    }
}

impl MakeChange {
    /// The state before the change, as the history keeps it: attributes, number and code, sealed as they stand.
    fn before(&self) -> Result<Vec<u8>, Failure> {
        let key = &self.registry.house.storage;
        let attributes =
            store::open_attributes(key, &self.row.anchor, &self.row.attributes).ok_or_else(unreadable)?;
        let state = serde_json::json!({
            "attributes": attributes,
            "number": words::B64::from(&self.row.number),
            "code": words::B64::from(&self.row.code),
        });
        let bytes = serde_json::to_vec(&state).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(key.seal("change", &self.row.anchor, "before", &bytes))
    }

    fn updates(&self) -> Vec<Update> {
        let (house, anchor) = (&self.registry.house, &self.row.anchor);
        let key = &house.storage;
        let mut updates = Vec::new();
        if let Some(attributes) = &self.change.attributes {
            updates.push(Update::Attributes(store::seal_attributes(key, anchor, attributes)));
        }
        if self.change.kind.ends() {
            updates.push(Update::End);
        }
        if changes_code(self.change.kind) {
            let code = ResidentCode::draw(&house.dice);
            updates.push(Update::Code(code.index(key), code.seal(key, "resident", anchor)));
        }
        if self.change.new_number {
            let number = IndividualNumber::draw(&house.dice);
            updates.push(Update::Number(
                number.index(key),
                number.seal(key, "resident", anchor),
                self.change.day,
            ));
        }
        updates
    }
}

impl Verb for MakeChange {
    const NAME: &'static str = "change";
    type Permit = Permit<Operate>;
    type Acted = Vec<u8>;

    fn label(&self) -> String {
        self.change.kind.as_str().into()
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::KeepRegister, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("kind", self.change.kind.as_str())
            .set("day", self.change.day)
            .set("new_number", self.change.new_number);
        record
    }

    /// With the row that changes: a change that could not be entered ends no certificate.
    fn parcels_when_done(&self) -> Vec<Parcel> {
        self.certificates.iter().cloned().collect()
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Vec<u8>, Failure> {
        self.before()
    }

    fn protect(&self, _permit: &Self::Permit, before: Vec<u8>) -> Result<Protected, Failure> {
        let reply = serde_json::to_vec(&ChangeDone { sequence: self.sequence })
            .map_err(|_| Failure::new(Reason::Internal))?;
        let (anchor, kind, day, updates) =
            (self.row.anchor, self.change.kind.as_str(), self.change.day, self.updates());
        let now = self.registry.house.now();
        let (registry, change) = (Arc::clone(&self.registry), self.change.clone());
        // Row, history and outcome are one transaction.
        let writes: road::RoomWrite = Box::new(move |write| {
            store::add_change(write, &anchor, kind, day, now, Some(before))?;
            updates.iter().try_for_each(|update| store::update(write, &anchor, update))?;
            let mut people = registry.people.write().unwrap_or_else(PoisonError::into_inner);
            if change.kind.ends() {
                people.remove(&anchor);
            } else if let Some(attributes) = &change.attributes {
                people.put(anchor, attributes);
            }
            Ok(())
        });
        Ok(Protected { reply, record: Record::new(), writes: Some(writes), keep: true })
    }
}
