//! What every verb of this room has in common: somebody inside, a role, one change at a time.

use std::sync::Arc;

use house::told;
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use serde::Serialize;
use tokio::sync::OwnedMutexGuard;
use wire::{Caller, Problem};
use words::{ActId, Moment, Reason};

use crate::Research;

/// One thing somebody does here. Facts are read before; nothing changes until it has ended.
pub(crate) trait Deed: Send + Sync + 'static {
    const NAME: &'static str;
    const OPERATION: Operation;

    /// Why the present state does not allow it.
    fn refused(&self) -> Option<Reason> {
        None
    }

    /// What the decision's record says: no personal data.
    fn record(&self, record: &mut Record);

    /// Messages that go out with the decision.
    fn parcels(&self) -> Vec<Parcel> {
        Vec::new()
    }

    /// Acts, and protects the reply.
    fn act(&self) -> impl Future<Output = Result<Protected, Failure>> + Send;
}

struct Step<D> {
    deed: D,
    role: Role,
    /// Held until the act has ended, also when its caller has gone.
    _turn: OwnedMutexGuard<()>,
}

impl<D: Deed> Verb for Step<D> {
    const NAME: &'static str = D::NAME;
    type Permit = Permit<Operate>;
    type Acted = Protected;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let permit = decide_operation(D::OPERATION, self.role)?;
        self.deed.refused().map_or(Ok(permit), |reason| Err(reason.into()))
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        self.deed.record(&mut record);
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        decided.map_or_else(|_| Vec::new(), |_| self.deed.parcels())
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Protected, Failure> {
        self.deed.act().await
    }

    fn protect(&self, _permit: &Self::Permit, acted: Protected) -> Result<Protected, Failure> {
        Ok(acted)
    }
}

/// Somebody of this room.
#[derive(Clone)]
pub(crate) struct Insider {
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl Insider {
    pub(crate) fn of(caller: &Caller) -> Result<Self, Problem> {
        match caller {
            Caller::Inner { name, role } => Ok(Self { name: name.clone(), role: *role }),
            _ => Err(Problem::new(Reason::Unauthenticated)),
        }
    }
}

impl Research {
    /// Waits until nobody else changes anything.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// A fresh id.
    pub(crate) fn fresh(&self) -> ActId {
        ActId::new(self.house.world.random())
    }

    /// Does it, by the road.
    pub(crate) async fn take<D: Deed>(
        &self,
        who: &Insider,
        id: ActId,
        request_hash: Sha256,
        turn: OwnedMutexGuard<()>,
        deed: D,
    ) -> Result<Vec<u8>, Problem> {
        let arrival = Arrival { id, caller: format!("inner/{}", who.name), request_hash };
        let step = Step { deed, role: who.role, _turn: turn };
        self.house.road.travel(arrival, step).await.map_err(told)
    }
}

/// The hash of what was asked.
pub(crate) fn hash_of(asked: &impl Serialize) -> Sha256 {
    seal::sha256(&serde_json::to_vec(asked).unwrap_or_default())
}

/// A reply as JSON, with rows to write. It is made anew each time: no copy is kept.
pub(crate) fn replied(
    reply: &impl Serialize,
    record: Record,
    writes: Option<road::RoomWrite>,
) -> Result<Protected, Failure> {
    let reply = serde_json::to_vec(reply).map_err(|_| Failure::new(Reason::Internal))?;
    Ok(Protected { reply, record, writes, keep: false })
}

/// Reads a reply again.
pub(crate) fn read<T: serde::de::DeserializeOwned>(reply: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(reply).map_err(|_| Problem::new(Reason::Internal))
}
