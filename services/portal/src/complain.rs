//! "Ask about this": the person asks the third-party body about an act in the own records; a case with state and deadline.

use std::sync::Arc;
use std::time::Duration;

use house::told;
use protocol::index::Taken;
use protocol::oversight::{CASES, CaseKind, CaseLine, OpenCase};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Problem};
use words::{ActId, Moment, Reason};

use crate::{Portal, store};

impl Portal {
    /// Asks about an act. `own`: whether it is among those the person was shown.
    pub(crate) async fn complain(
        self: &Arc<Self>,
        caller: &Caller,
        act: ActId,
        own: bool,
    ) -> Result<(), Problem> {
        let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let arrival = Arrival {
            id: act,
            caller: caller.label(),
            request_hash: seal::sha256_parts(&[b"complain", act.bytes()]),
        };
        let verb = Complain { portal: Arc::clone(self), act, role: *role, own, at: self.house.now() };
        self.house.road.travel(arrival, verb).await.map(|_| ()).map_err(told)
    }

    /// How the case about an act stands; `None` while it is on its way, or oversight is away.
    pub(crate) async fn case_of(&self, act: ActId) -> Option<CaseLine> {
        let oversight = self.house.only("oversight").ok()?;
        let path = format!("/complaints/{act}");
        self.house.get::<CaseLine>(&oversight, &path, Duration::from_secs(3)).await.ok()
    }
}

struct Complain {
    portal: Arc<Portal>,
    act: ActId,
    role: Role,
    own: bool,
    at: Moment,
}

impl Verb for Complain {
    const NAME: &'static str = "complain";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let permit = decide_operation(Operation::Complain, self.role)?;
        if self.own { Ok(permit) } else { Err(Reason::NotFound.into()) }
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    /// The case goes by the outbox: it is opened even if oversight is away just now.
    fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        let (Ok(_), Ok(oversight)) = (decided, self.portal.house.only("oversight")) else {
            return Vec::new();
        };
        let case = OpenCase { kind: CaseKind::Complaint, act: self.act, at: self.at };
        let body = serde_json::to_vec(&case).unwrap_or_default();
        vec![Parcel { destination: oversight.id, path: CASES, body, held: false }]
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let reply = serde_json::to_vec(&Taken {}).map_err(|_| Failure::new(Reason::Internal))?;
        let (act, at) = (self.act, self.at);
        let writes: RoomWrite = Box::new(move |write| store::add_complaint(write, &act, at));
        Ok(Protected { reply, record: Record::new(), writes: Some(writes), keep: true })
    }
}
