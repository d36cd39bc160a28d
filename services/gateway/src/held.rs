//! What this institution holds of a customer: from its own system as it stands, or from the copy that is kept here of what
//! others may ask for (中間サーバーの副本; row L15), so that the own system need not be up, nor be reached from here, when somebody asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::desk::CopyTaken;
use protocol::issue::Attributes;
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{StoreError, params};
use wire::{Caller, Problem};
use words::{ActId, Moment, Reason};

use crate::error::{own_database, own_system};
use crate::store::customer_index;
use crate::{Gateway, Here};

/// A customer and one item, as far as they are held.
pub(crate) struct Held {
    pub(crate) attributes: Attributes,
    pub(crate) shielded: bool,
    pub(crate) content: Option<Box<RawValue>>,
    /// When the copy was taken; `None` for the own system as it stands.
    pub(crate) as_of: Option<Moment>,
}

/// A customer in the copy.
#[derive(Serialize, Deserialize)]
struct Copied {
    attributes: Attributes,
    shielded: bool,
    items: BTreeMap<String, Box<RawValue>>,
}

impl Gateway {
    /// What is held of a customer and an item; `None` where there is no record.
    pub(crate) async fn held(&self, number: &str, item: &str) -> Result<Option<Held>, Problem> {
        if self.copy_every.is_some() {
            return self.copied(number, item).await.map_err(|error| own_database(&error));
        }
        let customer = self.connector.customer(number).await.map_err(|error| own_system(&error))?;
        let Some(customer) = customer else { return Ok(None) };
        let value = self.connector.item(&customer, item).await.map_err(|error| own_system(&error))?;
        let content = value.and_then(|value| serde_json::value::to_raw_value(&value).ok());
        let (attributes, shielded) = (customer.attributes, customer.shielded);
        Ok(Some(Held { attributes, shielded, content, as_of: None }))
    }

    async fn copied(&self, number: &str, item: &str) -> Result<Option<Held>, StoreError> {
        let key = &self.house.storage;
        let index = customer_index(key, number);
        let sql = "SELECT held, at FROM held_copy WHERE customer_index = $1";
        let db = self.house.road.db();
        let row = db.look("held_copy", move |read| read.row(sql, &params![index])).await?;
        let Some(row) = row else { return Ok(None) };
        let opened = key.open("held_copy", &index, "held", &row.bytes(0)?).ok();
        // A row of another key is a row this room cannot read: nobody's.
        let copied: Option<Copied> = opened.and_then(|json| serde_json::from_slice(&json).ok());
        let as_of = Some(Moment(row.int(1)?));
        Ok(copied.map(|mut copied| Held {
            content: copied.items.remove(item),
            attributes: copied.attributes,
            shielded: copied.shielded,
            as_of,
        }))
    }

    /// When the copy was taken that answers now; `None` without one.
    pub(crate) async fn copied_at(&self) -> Result<Option<Moment>, StoreError> {
        let db = self.house.road.db();
        let row = db.read("copied_at", |read| read.row("SELECT MAX(at) FROM held_copy", &[])).await?;
        Ok(row.map(|row| row.opt_int(0)).transpose()?.flatten().map(Moment))
    }

    /// Takes the copy anew. `role`: of whoever asked for it; `None` where it is due.
    pub(crate) async fn take_copy(
        self: &Arc<Self>,
        caller: String,
        role: Option<Role>,
    ) -> Result<Vec<u8>, Problem> {
        if self.copy_every.is_none() {
            let detail = "This institution's own system is read when somebody asks; no copy is kept. \
                          `copy_every_ms` in its section has one kept.";
            return Err(Problem::with(Reason::NotFound, detail));
        }
        let _one_at_a_time = self.copying.lock().await;
        let id = ActId::new(self.house.world.random());
        let arrival = Arrival { id, caller, request_hash: seal::sha256(id.bytes()) };
        let verb = TakeCopy { gateway: Arc::clone(self), role };
        self.house.road.travel(arrival, verb).await.map_err(told)
    }

    /// Takes the copy whenever it is due, until the world shuts down.
    pub(crate) async fn keep_copy(self: Arc<Self>, every: Duration) {
        loop {
            let due = match self.copied_at().await {
                Ok(Some(at)) => at.0 + i64::try_from(every.as_millis()).unwrap_or(i64::MAX),
                _ => 0,
            };
            if self.house.now().0 >= due
                && let Err(problem) = self.take_copy(self.house.id.to_string(), None).await
            {
                tracing::error!(reason = %problem.reason, "the copy of the own system was not taken; the old one answers");
            }
            tokio::select! {
                () = tokio::time::sleep(every.min(LOOK)) => {}
                () = self.house.world.shutdown.wait() => return,
            }
        }
    }
}

/// How often it is looked whether a copy is due.
const LOOK: Duration = Duration::from_secs(30);

/// `POST /copy`: takes the copy now.
pub(crate) async fn copy(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let Caller::Inner { role, .. } = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    here.0.take_copy(caller.label(), Some(*role)).await.map(json_bytes)
}

struct TakeCopy {
    gateway: Arc<Gateway>,
    role: Option<Role>,
}

/// A row of the copy: customer index, sealed.
type CopyRow = ([u8; 32], Vec<u8>);

impl Verb for TakeCopy {
    const NAME: &'static str = "take_copy";
    type Permit = Permit<Operate>;
    type Acted = Vec<CopyRow>;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        // When it is due, the room does what a clerk may ask for.
        Ok(decide_operation(Operation::TakeCopy, self.role.unwrap_or(Role::Clerk))?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("department", &self.gateway.department);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Vec<CopyRow>, Failure> {
        let gateway = &self.gateway;
        let key = &gateway.house.storage;
        let unread = |error: crate::connector::SourceError| {
            tracing::error!(%error, "a connector failed");
            Failure::with(Reason::Unavailable, "The institution's own system cannot be read.")
        };
        let mut rows = Vec::new();
        for customer in gateway.connector.customers().await.map_err(unread)? {
            let mut items = BTreeMap::new();
            for item in &gateway.items {
                let value = gateway.connector.item(&customer, item).await.map_err(unread)?;
                if let Some(value) = value.and_then(|value| serde_json::value::to_raw_value(&value).ok()) {
                    items.insert(item.clone(), value);
                }
            }
            let index = customer_index(key, &customer.number);
            let copied = Copied { attributes: customer.attributes, shielded: customer.shielded, items };
            let json = serde_json::to_vec(&copied).map_err(|_| Failure::new(Reason::Internal))?;
            rows.push((index, key.seal("held_copy", &index, "held", &json)));
        }
        Ok(rows)
    }

    fn protect(&self, _permit: &Self::Permit, rows: Vec<CopyRow>) -> Result<Protected, Failure> {
        let (at, customers) = (self.gateway.house.now(), u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let mut record = Record::new();
        record.set("customers", customers);
        let reply = serde_json::to_vec(&CopyTaken { customers, at });
        let reply = reply.map_err(|_| Failure::new(Reason::Internal))?;
        // In one transaction: whoever asks meanwhile is answered from the old copy or the new one, never from half of each.
        let writes: RoomWrite = Box::new(move |write| {
            write.execute("DELETE FROM held_copy", &[])?;
            for (index, held) in &rows {
                let sql = "INSERT INTO held_copy (customer_index, held, at) VALUES ($1, $2, $3)";
                write.execute(sql, &params![*index, held.clone(), at.0])?;
            }
            Ok(())
        });
        Ok(Protected { reply, record, writes: Some(writes), keep: false })
    }
}
