//! The codes of a batch arrive: row i is customer i; rows without a match keep their status and no code.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::issue::{Order, RowStatus, STATUS_INFO, Stored, ToInstitution};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::LinkCode;
use wire::{Caller, Json, Problem};
use words::{ActId, Epoch, Moment, Reason};

use crate::error::{not_what_was_signed, own_database};
use crate::store::CustomerRow;
use crate::{Gateway, Here, store};

pub(crate) async fn take_codes(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToInstitution>,
) -> Result<Response, Problem> {
    let gateway = here.0;
    let house = &gateway.house;
    let message = body.message;
    let (rows, codes) = house.receive_codes(&gateway.sessions, &message).await?;
    // The order this answers must be the own one.
    let order: Order = match &message.order {
        Some(order) => house.verify(order, &house.id)?,
        None => return Err(not_what_was_signed(rows.id, "order")),
    };
    if order.id != rows.id || order.rows != rows.rows || order.epoch != rows.to_epoch {
        return Err(not_what_was_signed(rows.id, "order"));
    }
    let opened = house.sealing.open(STATUS_INFO, rows.id.bytes(), &message.status.0);
    let opened = opened.map_err(|_| {
        Problem::with(Reason::Malformed, "`status` is not sealed to this institution.").of(rows.id)
    })?;
    let statuses: Vec<RowStatus> =
        wire::read_json(&opened.plaintext).map_err(|problem| problem.of(rows.id))?;
    let numbers = store::numbers_of(house.road.db(), &house.storage, rows.id)
        .await
        .map_err(|error| own_database(&error))?;
    let arrival = Arrival { id: rows.id, caller: caller.body(), request_hash: message.rows.hash() };
    let verb = TakeCodes {
        gateway: Arc::clone(&gateway),
        id: rows.id,
        epoch: rows.to_epoch,
        numbers,
        statuses,
        codes,
    };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct TakeCodes {
    gateway: Arc<Gateway>,
    id: ActId,
    epoch: Epoch,
    numbers: Option<Vec<String>>,
    statuses: Vec<RowStatus>,
    codes: Vec<LinkCode>,
}

impl Verb for TakeCodes {
    const NAME: &'static str = "issue";
    type Permit = Permit<Operate>;
    type Acted = Vec<CustomerRow>;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let rows = self.numbers.as_ref().map(Vec::len).ok_or(Reason::NotFound)?;
        if rows != self.codes.len() || rows != self.statuses.len() {
            return Err(Reason::HopMismatch.into());
        }
        Ok(decide_operation(Operation::TakeCodes, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let count = |wanted| self.statuses.iter().filter(|status| **status == wanted).count();
        let mut record = Record::new();
        record
            .set("rows", self.codes.len())
            .set("linked", count(RowStatus::Linked))
            .set("review", count(RowStatus::Review))
            .set("none", count(RowStatus::None));
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Vec<CustomerRow>, Failure> {
        let key = &self.gateway.house.storage;
        let numbers = self.numbers.as_deref().unwrap_or_default();
        let rows = numbers.iter().zip(&self.statuses).zip(&self.codes);
        let mut rows: Vec<_> =
            rows.map(|((number, status), code)| CustomerRow::new(key, number, *status, code)).collect();
        // Not in the order of the issue: who steals the table must not know which row of the issue somebody was.
        rows.sort_by_key(CustomerRow::place);
        Ok(rows)
    }

    fn protect(&self, _permit: &Self::Permit, rows: Vec<CustomerRow>) -> Result<Protected, Failure> {
        let stored = Stored { id: self.id, rows: u32::try_from(rows.len()).unwrap_or(u32::MAX) };
        let reply = serde_json::to_vec(&stored).map_err(|_| Failure::new(Reason::Internal))?;
        let (id, epoch, at) = (self.id, self.epoch, self.gateway.house.now());
        Ok(Protected {
            reply,
            record: Record::new(),
            writes: Some(Box::new(move |write| store::keep(write, &id, &rows, epoch, at))),
            keep: true,
        })
    }
}
