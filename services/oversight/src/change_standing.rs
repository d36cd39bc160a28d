//! Suspending, restoring, withdrawing an accreditation. Acts everywhere with the next poll of the documents.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{json_bytes, told};
use protocol::oversight::ChangeStanding;
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Accreditation, Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, PartyId, Reason};

use crate::error::own_database;
use crate::{Here, Oversight, store};

pub(crate) async fn change_standing(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(party): Path<String>,
    body: Json<ChangeStanding>,
) -> Result<Response, Problem> {
    here.0.change_standing(&caller, PartyId::parse(&party)?, body.message).await.map(json_bytes)
}

impl Oversight {
    /// Changes an institution's standing; the JSON of the new version.
    pub(crate) async fn change_standing(
        &self,
        caller: &Caller,
        party: PartyId,
        message: ChangeStanding,
    ) -> Result<Vec<u8>, Problem> {
        let house = &self.house;
        let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let (version, all) = store::accreditations(house.road.db()).await.map_err(own_database)?;
        let known = all
            .into_iter()
            .find(|one| one.party == party)
            .ok_or(Problem::with(Reason::UnknownParty, "No such institution is accredited."))?;
        let new = Accreditation { standing: message.standing, ..known };
        let arrival = Arrival {
            id: ActId::new(house.world.random()),
            caller: caller.label(),
            request_hash: seal::sha256(&serde_json::to_vec(&message).unwrap_or_default()),
        };
        let verb = Change { new, party, message, role: *role, next: version + 1 };
        house.road.travel(arrival, verb).await.map_err(told)
    }
}

struct Change {
    new: Accreditation,
    party: PartyId,
    message: ChangeStanding,
    role: Role,
    next: i64,
}

impl Verb for Change {
    const NAME: &'static str = "change_standing";
    type Permit = Permit<Operate>;
    type Acted = Accreditation;

    fn label(&self) -> String {
        self.party.to_string()
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::ChangeAccreditation, self.role)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("party", &self.party)
            .set("standing", self.message.standing)
            .set("officers_reason", &self.message.reason);
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Accreditation, Failure> {
        Ok(self.new.clone())
    }

    fn protect(&self, _permit: &Self::Permit, new: Accreditation) -> Result<Protected, Failure> {
        let reply = serde_json::to_vec(&protocol::oversight::Changed { version: self.next })
            .map_err(|_| Failure::new(Reason::Internal))?;
        // The change and its outcome are one transaction.
        Ok(Protected {
            reply,
            record: Record::new(),
            writes: Some(Box::new(move |write| store::put(write, &new).map(|_| ()))),
            keep: true,
        })
    }
}
