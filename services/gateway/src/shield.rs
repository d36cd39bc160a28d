//! Shielding of a customer's record at this door, beside what the institution's own system says.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::desk::Shield;
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use store::{StoreError, params};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason};

use crate::error::own_system;
use crate::store::customer_index;
use crate::{Gateway, Here};

impl Gateway {
    /// Whether a customer's record is shielded here.
    pub(crate) async fn is_shielded(&self, number: &str) -> Result<bool, StoreError> {
        let index = customer_index(&self.house.storage, number);
        let sql = "SELECT 1 FROM shield WHERE customer_index = $1";
        let db = self.house.road.db();
        db.look("shield", move |read| Ok(read.row(sql, &params![index])?.is_some())).await
    }

    /// Shields a record or lifts the shield.
    pub(crate) async fn shield(
        self: &Arc<Self>,
        caller: &Caller,
        shield: Shield,
    ) -> Result<Vec<u8>, Problem> {
        let Caller::Inner { name, role } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let id = ActId::new(self.house.world.random());
        let known = self.connector.customer(&shield.customer).await;
        let known = known.map_err(|error| own_system(&error).of(id))?.is_some();
        let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(id.bytes()) };
        let verb =
            ShieldRecord { gateway: Arc::clone(self), staff: name.clone(), role: *role, shield, known };
        self.house.road.travel(arrival, verb).await.map_err(told)
    }
}

pub(crate) async fn shield(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Shield>,
) -> Result<Response, Problem> {
    here.0.shield(&caller, body.message).await.map(json_bytes)
}

struct ShieldRecord {
    gateway: Arc<Gateway>,
    staff: String,
    role: Role,
    shield: Shield,
    known: bool,
}

impl Verb for ShieldRecord {
    const NAME: &'static str = "shield";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let permit = decide_operation(Operation::ShieldRecord, self.role)?;
        if self.known { Ok(permit) } else { Err(Reason::NoCustomer.into()) }
    }

    /// Whose record it is stays in the own table, under a keyed index; the record says who did what, when.
    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("department", &self.gateway.department).set("staff", &self.staff);
        record.set("shielded", self.shield.shielded);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let index = customer_index(&self.gateway.house.storage, &self.shield.customer);
        let (shielded, staff, now) = (self.shield.shielded, self.staff.clone(), self.gateway.house.now());
        let writes: RoomWrite = Box::new(move |write| {
            if !shielded {
                return write
                    .execute("DELETE FROM shield WHERE customer_index = $1", &params![index])
                    .map(|_| ());
            }
            let sql = "INSERT INTO shield (customer_index, staff, at) VALUES ($1, $2, $3) ON CONFLICT (customer_index) DO NOTHING";
            write.execute(sql, &params![index, staff, now.0]).map(|_| ())
        });
        Ok(Protected { reply: b"{}".to_vec(), record: Record::new(), writes: Some(writes), keep: true })
    }
}
