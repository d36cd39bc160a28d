//! Index entries: entered under the person's code, and an alarm for every one that is nobody's.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, json_bytes, told};
use protocol::audit::FindingKind;
use protocol::index::{IndexEntries, IndexHop, Taken};
use protocol::oversight::{ALARMS, Alarm};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason};

use crate::error::not_what_was_signed;
use crate::policy::{act_of, first_mismatch};
use crate::{Here, Portal, store};

pub(crate) async fn index(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<IndexEntries>,
) -> Result<Response, Problem> {
    let portal = here.0;
    let house = &portal.house;
    let linkage = house.only("linkage")?;
    let message = body.message;
    let [first_jws, last_jws] = message.hops.as_slice() else {
        return Err(Problem::with(
            Reason::Malformed,
            "`hops` must hold linkage's and the trustee's statement.",
        ));
    };
    let first: IndexHop = house.verify(first_jws, &linkage.id)?;
    let (last, _): (IndexHop, _) = house.verify_trustee(last_jws)?;
    if let Some(what) = first_mismatch(&first, &last, &message.codes) {
        return Err(not_what_was_signed(last.id, what));
    }
    let session = portal.sessions.find(house, &last.to_session).await?;
    let key = Arc::clone(&house.storage);
    let encrypted = message.codes;
    let open = move || {
        encrypted
            .iter()
            .map(|code| session.secret.decrypt(code).map(|code| key.index_code(&code)))
            .collect::<Result<Vec<_>, _>>()
    };
    // One code is opened sooner than another thread would be woken for it.
    let opened = if last.batch { House::compute(open).await? } else { open() };
    let indices =
        opened.map_err(|_| Problem::with(Reason::Malformed, "A code does not open.").of(last.id))?;
    let known =
        store::known(house.road.db(), indices.clone()).await.map_err(|_| Problem::new(Reason::Internal))?;
    let entries: Vec<_> =
        indices.into_iter().enumerate().map(|(row, index)| (act_of(&last, row), index)).collect();
    let unknown = entries.iter().filter(|(_, index)| !known.contains(index)).map(|(act, _)| *act).collect();
    let arrival = Arrival { id: last.id, caller: caller.body(), request_hash: first_jws.hash() };
    let verb = Enter { portal: Arc::clone(&portal), entries, unknown };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct Enter {
    portal: Arc<Portal>,
    entries: Vec<(ActId, Sha256)>,
    /// Acts whose code is no resident's.
    unknown: Vec<ActId>,
}

impl Verb for Enter {
    const NAME: &'static str = "index";
    type Permit = Permit<Operate>;
    type Acted = Moment;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::PassIndexEntry, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("entries", self.entries.len()).set("unknown", self.unknown.len());
        record
    }

    fn parcels(&self, _decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        let house = &self.portal.house;
        let Ok(oversight) = house.only("oversight") else { return Vec::new() };
        let alarm = |act: &ActId| {
            let alarm = Alarm { kind: FindingKind::UnknownIndexEntry, act: *act, at: house.now() };
            let body = serde_json::to_vec(&alarm).unwrap_or_default();
            Parcel { destination: oversight.id.clone(), path: ALARMS, body, held: false }
        };
        self.unknown.iter().map(alarm).collect()
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Moment, Failure> {
        Ok(self.portal.house.now())
    }

    fn protect(&self, _permit: &Self::Permit, at: Moment) -> Result<Protected, Failure> {
        let entries = self.entries.clone();
        let reply = serde_json::to_vec(&Taken {}).map_err(|_| Failure::new(Reason::Internal))?;
        let writes: road::RoomWrite = Box::new(move |write| {
            entries.iter().try_for_each(|(act, index)| store::add_entry(write, index, act, at))
        });
        Ok(Protected { reply, record: Record::new(), writes: Some(writes), keep: true })
    }
}

/// How many residents the portal has codes of, and how many entries. For its operator.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct Counts {
    residents: i64,
    entries: i64,
}

pub(crate) async fn counts(State(here): State<Here>) -> Result<axum::Json<Counts>, Problem> {
    let (residents, entries) =
        store::counts(here.0.house.road.db()).await.map_err(|_| Problem::new(Reason::Internal))?;
    Ok(axum::Json(Counts { residents, entries }))
}
