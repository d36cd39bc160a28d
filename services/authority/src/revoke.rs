//! Revoking a party's certificate: everybody learns it with the next poll of the directory.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{json_bytes, told};
use protocol::directory::Entry;
use protocol::index::Taken;
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Problem};
use words::{ActId, Moment, PartyId, Reason};

use crate::{Here, store};

pub(crate) async fn revoke(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(party): Path<String>,
) -> Result<Response, Problem> {
    let authority = here.0;
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let entry = authority.house.party(&PartyId::parse(&party)?)?;
    let arrival = Arrival {
        id: ActId::new(authority.house.world.random()),
        caller: caller.label(),
        request_hash: seal::sha256(party.as_bytes()),
    };
    let reply = authority
        .house
        .road
        .travel(arrival, Revoke { entry: Entry { revoked: true, ..entry }, role })
        .await
        .map_err(told)?;
    authority.refresh().await?;
    Ok(json_bytes(reply))
}

struct Revoke {
    entry: Entry,
    role: Role,
}

impl Verb for Revoke {
    const NAME: &'static str = "revoke";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::RevokeParty, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("party", &self.entry.id).set("certificate", &self.entry.certificate);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let entry = self.entry.clone();
        let reply = serde_json::to_vec(&Taken {}).map_err(|_| Failure::new(Reason::Internal))?;
        // The revocation and its outcome are one transaction.
        Ok(Protected {
            reply,
            record: Record::new(),
            writes: Some(Box::new(move |write| store::put(write, &entry))),
            keep: true,
        })
    }
}
