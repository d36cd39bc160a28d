//! Alarms: raised by rooms, named with both parties of the act, read by officers.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::audit::{Finding, FindingKind};
use protocol::index::Taken;
use protocol::oversight::{ActParties, Alarm, AlarmLine};
use road::{Arrival, Failure, Protected, Record, Refused, Stop, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, PartyId, Reason};

use crate::error::own_database;
use crate::{Here, Oversight, store};

pub(crate) async fn raise(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Alarm>,
) -> Result<Response, Problem> {
    let oversight = here.0;
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let Alarm { kind, act, at } = body.message;
    // Two rooms may raise alarms about one act, and one room two kinds: each is an act of its own, and a second
    // delivery is a repeat.
    let kind_word = serde_json::to_vec(&kind).map_err(|_| Problem::new(Reason::Internal))?;
    let own = seal::sha256_parts(&[b"alarm", act.bytes(), &kind_word, party.id.as_str().as_bytes()]);
    let id = own.first_chunk::<16>().copied().map_or(act, ActId::new);
    let arrival = Arrival { id, caller: party.id.to_string(), request_hash: seal::sha256(&body.bytes) };
    let alarm = NewAlarm { kind, act: Some(act), at, by: party.id, party: None, detail: String::new() };
    oversight.raise(arrival, alarm).await.map(json_bytes).map_err(told)
}

pub(crate) async fn list(State(here): State<Here>) -> Result<axum::Json<Vec<AlarmLine>>, Problem> {
    store::alarms(here.0.house.road.db()).await.map(axum::Json).map_err(own_database)
}

/// An alarm before it is known between whom the act took place.
#[derive(Clone, Debug)]
pub(crate) struct NewAlarm {
    pub(crate) kind: FindingKind,
    pub(crate) act: Option<ActId>,
    pub(crate) at: Moment,
    pub(crate) by: PartyId,
    pub(crate) party: Option<PartyId>,
    pub(crate) detail: String,
}

impl Oversight {
    /// Raises an alarm, by the road.
    pub(crate) async fn raise(self: &Arc<Self>, arrival: Arrival, alarm: NewAlarm) -> Result<Vec<u8>, Stop> {
        self.house.road.travel(arrival, RaiseAlarm { oversight: Arc::clone(self), alarm }).await
    }

    /// Raises an alarm for a finding of the own watch, unless it was raised before.
    pub(crate) async fn raise_finding(self: &Arc<Self>, finding: &Finding) {
        let house = &self.house;
        match store::is_raised(house.road.db(), finding.clone()).await {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => {
                tracing::error!(%error, "alarms cannot be read");
                return;
            }
        }
        let arrival = Arrival {
            id: ActId::new(house.world.random()),
            caller: house.id.to_string(),
            request_hash: seal::sha256(&serde_json::to_vec(finding).unwrap_or_default()),
        };
        let Finding { kind, act, party, detail } = finding.clone();
        let alarm = NewAlarm { kind, act, at: house.now(), by: house.id.clone(), party: Some(party), detail };
        if let Err(stop) = self.raise(arrival, alarm).await {
            tracing::error!(reason = %stop.reason, "an alarm could not be raised");
        }
    }
}

struct RaiseAlarm {
    oversight: Arc<Oversight>,
    alarm: NewAlarm,
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
        record
            .set("kind", self.alarm.kind)
            .set("about", self.alarm.act)
            .set("noticed_at", self.alarm.at)
            .set("party", &self.alarm.party)
            .set("detail", &self.alarm.detail);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Option<ActParties>, Failure> {
        let house = &self.oversight.house;
        let (Ok(linkage), Some(act)) = (house.only("linkage"), self.alarm.act) else { return Ok(None) };
        let path = format!("/acts/{act}");
        // Linkage away, or not knowing the act, does not keep an alarm out.
        Ok(house.get::<ActParties>(&linkage, &path, Duration::from_secs(5)).await.ok())
    }

    fn protect(&self, _permit: &Self::Permit, between: Option<ActParties>) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("between", &between);
        let alarm = self.alarm.clone();
        let between = between.map(|act| (act.inquirer, act.provider));
        let reply = serde_json::to_vec(&Taken {}).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected {
            reply,
            record,
            writes: Some(Box::new(move |write| store::add_alarm(write, &alarm, between))),
            keep: true,
        })
    }
}
