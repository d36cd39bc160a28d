//! Residents' codes in the portal's own domain, as the registry has them issued when residents are registered.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::inquiry::PersonAsks;
use protocol::issue::{Rows, Stored, ToInstitution};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::LinkCode;
use wire::{Caller, Json, Problem};
use words::{Moment, Reason};

use crate::held::Login;
use crate::{Here, Portal, store};

pub(crate) async fn issue(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToInstitution>,
) -> Result<Response, Problem> {
    let portal = here.0;
    let (rows, codes) = portal.house.receive_codes(&portal.sessions, &body.message).await?;
    let arrival = Arrival { id: rows.id, caller: caller.body(), request_hash: body.message.rows.hash() };
    let ToInstitution { rows: signed, hops, codes: arrived, .. } = body.message;
    let way = PersonAsks { rows: signed, hops, codes: arrived };
    let verb = TakeCodes { portal: Arc::clone(&portal), rows, codes, way };
    portal.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct TakeCodes {
    portal: Arc<Portal>,
    rows: Rows,
    codes: Vec<LinkCode>,
    /// How they came.
    way: PersonAsks,
}

impl Verb for TakeCodes {
    const NAME: &'static str = "issue";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::TakeCodes, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("rows", self.rows.rows);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let key = &self.portal.house.storage;
        let sealed: Vec<_> = self
            .codes
            .iter()
            .map(|code| {
                let index = key.index_code(code);
                (index, key.seal_code("resident_code", &index, code))
            })
            .collect();
        // The first row is a person who was asserted to the registry: somebody is waiting to look.
        if let (Some((index, _)), Some(_)) = (sealed.first(), self.rows.asserted_until) {
            let (way, session) = (self.way.clone(), self.rows.to_session.clone());
            self.portal
                .keep_login(self.rows.id, Login { index: *index, way, session, epoch: self.rows.to_epoch });
        }
        let reply = serde_json::to_vec(&Stored { id: self.rows.id, rows: self.rows.rows })
            .map_err(|_| Failure::new(Reason::Internal))?;
        let writes: road::RoomWrite = Box::new(move |write| {
            sealed.iter().try_for_each(|(index, code)| store::keep_code(write, index, code))
        });
        Ok(Protected { reply, record: Record::new(), writes: Some(writes), keep: true })
    }
}
