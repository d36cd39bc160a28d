//! Entering residents: each gets an anchor, an Individual Number and a resident code, drawn at random.

use std::sync::{Arc, PoisonError};

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, json_bytes, told};
use protocol::register::{EnterResidents, Entered, NewResident};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::{IndividualNumber, ResidentCode, StorageKey};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason};

use crate::error::own_database;
use crate::people::Anchor;
use crate::store::{self, NewRow, Row};
use crate::{Here, Registry};

pub(crate) async fn enter(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<EnterResidents>,
) -> Result<Response, Problem> {
    let registry = here.0;
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let residents = body.message.residents;
    if let Some(at) = residents.iter().position(|resident| !resident.kind.opens()) {
        return Err(Problem::with(
            Reason::Malformed,
            format!("`residents[{at}].kind` does not begin an entry."),
        ));
    }
    let key = &registry.house.storage;
    let indices = residents.iter().map(|resident| store::entry_index(key, &resident.entry)).collect();
    let existing = store::existing(registry.house.road.db(), indices).await.map_err(own_database)?;
    let already = existing.iter().filter(|exists| **exists).count();
    let new: Vec<_> = residents
        .into_iter()
        .zip(existing)
        .filter(|(_, exists)| !exists)
        .map(|(resident, _)| resident)
        .collect();
    let arrival = Arrival {
        id: ActId::new(registry.house.world.random()),
        caller: caller.label(),
        request_hash: seal::sha256(&body.bytes),
    };
    let verb = Enter { registry: Arc::clone(&registry), new, already, role };
    registry.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct Enter {
    registry: Arc<Registry>,
    new: Vec<NewResident>,
    already: usize,
    role: Role,
}

fn make(house: &House, resident: &NewResident) -> NewRow {
    let key: &StorageKey = &house.storage;
    let anchor: Anchor = house.world.random();
    let (number, code) = (IndividualNumber::draw(&house.dice), ResidentCode::draw(&house.dice));
    NewRow {
        entry_index: store::entry_index(key, &resident.entry),
        number_index: number.index(key),
        code_index: code.index(key),
        row: Row {
            attributes: store::seal_attributes(key, &anchor, &resident.attributes),
            number: number.seal(key, "resident", &anchor),
            code: code.seal(key, "resident", &anchor),
            anchor,
            ended: false,
        },
        kind: resident.kind.as_str(),
        day: resident.day,
    }
}

impl Verb for Enter {
    const NAME: &'static str = "enter";
    type Permit = Permit<Operate>;
    type Acted = u32;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::KeepRegister, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("new", self.new.len()).set("already", self.already);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<u32, Failure> {
        let house = Arc::clone(&self.registry.house);
        let now = house.now();
        // A drawn number that was given before undoes the write; with 10^11 numbers that is once in a lifetime, and
        // the second draw is another.
        for _ in 0..3 {
            let rows: Vec<NewRow> = self.new.iter().map(|resident| make(&house, resident)).collect();
            let anchors: Vec<Anchor> = rows.iter().map(|new| new.row.anchor).collect();
            let written = house
                .road
                .db()
                .write("enter", move |write| rows.iter().try_for_each(|new| store::enter(write, new, now)))
                .await;
            match written {
                Ok(()) => {
                    let mut people = self.registry.people.write().unwrap_or_else(PoisonError::into_inner);
                    anchors
                        .iter()
                        .zip(&self.new)
                        .for_each(|(anchor, resident)| people.put(*anchor, &resident.attributes));
                    return Ok(u32::try_from(self.new.len()).unwrap_or(u32::MAX));
                }
                Err(error) if ::store::StoreError::is_unique_violation(&error) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::with(Reason::Replayed, "Two of the entries have the same key."))
    }

    fn protect(&self, _permit: &Self::Permit, entered: u32) -> Result<Protected, Failure> {
        let already = u32::try_from(self.already).unwrap_or(u32::MAX);
        serde_json::to_vec(&Entered { entered, already })
            .map(Protected::reply)
            .map_err(|_| Failure::new(Reason::Internal))
    }
}
