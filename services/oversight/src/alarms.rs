//! Alarms: raised by rooms, named with both parties of the act, read by officers.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::index::Taken;
use protocol::oversight::{ActParties, Alarm, AlarmLine};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Json, Problem};
use words::{Moment, PartyId, Reason};

use crate::error::own_database;
use crate::{Here, Oversight, store};

pub(crate) async fn raise(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Alarm>,
) -> Result<Response, Problem> {
    let oversight = here.0;
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let arrival = Arrival {
        id: body.message.act,
        caller: party.id.to_string(),
        request_hash: seal::sha256(&body.bytes),
    };
    let verb = RaiseAlarm { oversight: Arc::clone(&oversight), alarm: body.message, by: party.id };
    oversight.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

pub(crate) async fn list(State(here): State<Here>) -> Result<axum::Json<Vec<AlarmLine>>, Problem> {
    store::alarms(here.0.house.road.db()).await.map(axum::Json).map_err(own_database)
}

struct RaiseAlarm {
    oversight: Arc<Oversight>,
    alarm: Alarm,
    by: PartyId,
}

impl Verb for RaiseAlarm {
    const NAME: &'static str = "raise_alarm";
    type Permit = Permit<Operate>;
    /// Between whom the act took place, as linkage's records have it.
    type Acted = Option<ActParties>;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::TakeReport, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("kind", self.alarm.kind).set("about", self.alarm.act).set("noticed_at", self.alarm.at);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Option<ActParties>, Failure> {
        let house = &self.oversight.house;
        let Ok(linkage) = house.only("linkage") else { return Ok(None) };
        let path = format!("/acts/{}", self.alarm.act);
        // Linkage away, or not knowing the act, does not keep an alarm out.
        Ok(house.get::<ActParties>(&linkage, &path, Duration::from_secs(5)).await.ok())
    }

    fn protect(&self, _permit: &Self::Permit, between: Option<ActParties>) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("between", &between);
        let (alarm, by) = (self.alarm.clone(), self.by.clone());
        let between = between.map(|act| (act.inquirer, act.provider));
        let reply = serde_json::to_vec(&Taken {}).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected {
            reply,
            record,
            writes: Some(Box::new(move |write| store::add_alarm(write, &alarm, &by, between))),
        })
    }
}
