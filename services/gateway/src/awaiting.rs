//! Inquiries of others that an own clerk must decide on (DESIGN §3, "Late answers").
//!
//! For an item of `late` every inquiry waits, whoever it is about: that it waits says nothing of the person. The answer is
//! picked up by a later inquiry that follows the first, and everything is looked at anew then.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{json_bytes, told};
use protocol::desk::{AwaitingLine, Settle};
use protocol::inquiry::Inquiry;
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Late, Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::StorageKey;
use store::{Row, StoreError, params};
use wire::{Caller, Json, Problem};
use words::{ActId, AffairId, ItemId, Moment, PartyId, Reason};

use crate::error::own_database;
use crate::{Gateway, Here};

const DAY_MS: i64 = 86_400_000;

/// How an inquiry stands with the clerks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) late: Late,
    /// Until when a clerk must decide.
    pub(crate) until: Moment,
}

struct Kept {
    line: AwaitingLine,
    state: String,
}

const COLUMNS: &str = "act, inquirer, affair, item, customer, state, at, until";

fn read(key: &StorageKey, row: &Row) -> Result<Option<Kept>, StoreError> {
    let id = ActId::new(row.array(0)?);
    let customer =
        row.opt_bytes(4)?.and_then(|sealed| key.open("awaiting", id.bytes(), "customer", &sealed).ok());
    let words = || {
        Some((
            PartyId::parse(&row.text(1).ok()?).ok()?,
            AffairId::parse(&row.text(2).ok()?).ok()?,
            ItemId::parse(&row.text(3).ok()?).ok()?,
        ))
    };
    let Some((inquirer, affair, item)) = words() else { return Ok(None) };
    let customer = customer.and_then(|number| String::from_utf8(number).ok());
    let (at, until) = (Moment(row.int(6)?), Moment(row.int(7)?));
    let line = AwaitingLine { id, inquirer, affair, item, customer, at, until };
    Ok(Some(Kept { line, state: row.text(5)? }))
}

impl Gateway {
    /// How an inquiry stands with the clerks, if its item is one they decide on. `customer`: whom its code led to.
    pub(crate) async fn wait(
        &self,
        inquiry: &Inquiry,
        customer: Option<&str>,
    ) -> Result<Option<Wait>, StoreError> {
        let Some(days) = self.late.get(inquiry.item.as_str()) else { return Ok(None) };
        let now = self.house.now();
        let Some(first) = inquiry.follows else {
            let until = now.plus_ms(i64::from(*days).saturating_mul(DAY_MS));
            return Ok(Some(Wait { late: Late::Waits, until }));
        };
        let key = Arc::clone(&self.house.storage);
        let kept = self
            .house
            .road
            .db()
            .look("awaiting", move |reading| {
                let sql = format!("SELECT {COLUMNS} FROM awaiting WHERE act = $1");
                let row = reading.row(&sql, &params![first.bytes()])?;
                row.map(|row| read(&key, &row)).transpose().map(Option::flatten)
            })
            .await?;
        let Some(kept) = kept else { return Ok(Some(Wait { late: Late::Unknown, until: now })) };
        let line = &kept.line;
        let same = line.inquirer == inquiry.from
            && line.affair == inquiry.affair
            && line.item == inquiry.item
            && line.customer.as_deref() == customer;
        let late = match kept.state.as_str() {
            _ if !same => Late::Unknown,
            "approved" => Late::Approved,
            "declined" => Late::Declined,
            _ if now > line.until => Late::TooLate,
            _ => Late::Waits,
        };
        Ok(Some(Wait { late, until: line.until }))
    }

    /// The row that keeps a new inquiry until a clerk decides.
    pub(crate) fn keep_waiting(&self, inquiry: &Inquiry, customer: Option<&str>, until: Moment) -> RoomWrite {
        let id = inquiry.id;
        let sealed = customer
            .map(|number| self.house.storage.seal("awaiting", id.bytes(), "customer", number.as_bytes()));
        let row = params![
            id.bytes(),
            inquiry.from.as_str(),
            inquiry.affair.as_str(),
            inquiry.item.as_str(),
            sealed,
            self.house.now().0,
            until.0
        ]
        .to_vec();
        Box::new(move |write| {
            let sql = "INSERT INTO awaiting (act, inquirer, affair, item, customer, state, at, until) \
                       VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7)";
            write.execute(sql, &row).map(|_| ())
        })
    }

    /// What waits now, the most urgent first.
    pub(crate) async fn awaiting(&self) -> Result<Vec<AwaitingLine>, StoreError> {
        let (key, now) = (Arc::clone(&self.house.storage), self.house.now());
        self.house
            .road
            .db()
            .read("awaiting_all", move |reading| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM awaiting WHERE state = 'waiting' AND until >= $1 ORDER BY until, act LIMIT 500"
                );
                let mut lines = Vec::new();
                for row in &reading.rows(&sql, &params![now.0])? {
                    lines.extend(read(&key, row)?.map(|kept| kept.line));
                }
                Ok(lines)
            })
            .await
    }

    /// A clerk decides.
    pub(crate) async fn settle(
        self: &Arc<Self>,
        caller: &Caller,
        id: ActId,
        settle: Settle,
    ) -> Result<Vec<u8>, Problem> {
        let Caller::Inner { name, role } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let lines = self.awaiting().await.map_err(|error| own_database(&error))?;
        let known = lines.iter().any(|line| line.id == id);
        let arrival = Arrival {
            id,
            caller: caller.label(),
            request_hash: seal::sha256_parts(&[b"settle", id.bytes(), &[u8::from(settle.approve)]]),
        };
        let verb = SettleInquiry {
            gateway: Arc::clone(self),
            id,
            staff: name.clone(),
            role: *role,
            approve: settle.approve,
            known,
        };
        self.house.road.travel(arrival, verb).await.map_err(told)
    }
}

pub(crate) async fn list(State(here): State<Here>) -> Result<axum::Json<Vec<AwaitingLine>>, Problem> {
    here.0.awaiting().await.map(axum::Json).map_err(|error| own_database(&error))
}

pub(crate) async fn settle(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Json<Settle>,
) -> Result<Response, Problem> {
    here.0.settle(&caller, ActId::parse(&id)?, body.message).await.map(json_bytes)
}

/// A clerk's decision. It has the id of the inquiry: decided once, whatever is clicked.
struct SettleInquiry {
    gateway: Arc<Gateway>,
    id: ActId,
    staff: String,
    role: Role,
    approve: bool,
    known: bool,
}

impl Verb for SettleInquiry {
    const NAME: &'static str = "settle";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let permit = decide_operation(Operation::SettleInquiry, self.role)?;
        if self.known { Ok(permit) } else { Err(Reason::NotFound.into()) }
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("department", &self.gateway.department).set("staff", &self.staff);
        record.set("approve", self.approve);
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let reply = serde_json::to_vec(&Settle { approve: self.approve })
            .map_err(|_| Failure::new(Reason::Internal))?;
        let state = if self.approve { "approved" } else { "declined" };
        let (id, staff, now) = (self.id, self.staff.clone(), self.gateway.house.now());
        let writes: RoomWrite = Box::new(move |write| {
            let sql = "UPDATE awaiting SET state = $2, decided_by = $3, decided_at = $4 WHERE act = $1 AND state = 'waiting'";
            write.execute(sql, &params![id.bytes(), state, staff, now.0]).map(|_| ())
        });
        Ok(Protected { reply, record: Record::new(), writes: Some(writes), keep: true })
    }
}
