//! What happens to a holder, and what it does to the certificates.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::json_bytes;
use protocol::certificates::{EventDone, HolderEvent, TellEvent};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use wire::{Caller, Json, Problem};
use words::{Moment, Reason};

use crate::life::State as Life;
use crate::order::holder_of;
use crate::people::{self, Row};
use crate::{Authority, Here};

pub(crate) async fn event(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<TellEvent>,
) -> Result<Response, Problem> {
    let (authority, message) = (here.0, body.message);
    let holder = holder_of(&authority.house, &message.holder)?;
    let arrival = Arrival { id: message.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let verb = Event { authority: Arc::clone(&authority), holder, event: message.event };
    authority.travel(arrival, verb, holder).await.map(json_bytes)
}

struct Event {
    authority: Arc<Authority>,
    holder: Sha256,
    event: HolderEvent,
}

impl Verb for Event {
    const NAME: &'static str = "certificate_event";
    type Permit = Permit<Operate>;
    type Acted = (Moment, Vec<(Row, Life)>);

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::OrderCertificates, Role::Registrar)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("event", self.event);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Self::Acted, Failure> {
        let house = &self.authority.house;
        let changed = people::changed_by(house.road.db(), self.holder, self.event).await?;
        // What the register tells of by itself may find nothing to change; what somebody asked for must.
        let told = matches!(self.event, HolderEvent::AttributesChanged | HolderEvent::Ended);
        if changed.is_empty() && !told {
            return Err(Failure::with(
                Reason::WrongState,
                "No certificate of this holder is in a state that this changes.",
            ));
        }
        Ok((house.now(), changed))
    }

    fn protect(&self, _permit: &Self::Permit, (now, changed): Self::Acted) -> Result<Protected, Failure> {
        let count = u32::try_from(changed.len()).unwrap_or(u32::MAX);
        let mut record = Record::new();
        let states =
            changed.iter().map(|(row, state)| format!("{} {}", people::word(row.purpose), state.as_str()));
        record.set("states", states.collect::<Vec<_>>());
        let reply = serde_json::to_vec(&EventDone { changed: count });
        Ok(Protected {
            reply: reply.map_err(|_| Failure::new(Reason::Internal))?,
            record,
            writes: Some(Box::new(move |write| people::put(write, &changed, now))),
            keep: true,
        })
    }
}
