//! The current number from a former one and the day on which it was valid (row N4).

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::register::{FindNumber, FoundNumber};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::{IndividualNumber, ResidentCode};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason};

use crate::error::{own_database, unreadable};
use crate::{Here, store};

pub(crate) async fn find_number(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<FindNumber>,
) -> Result<Response, Problem> {
    let house = &here.0.house;
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let key = &house.storage;
    let number = IndividualNumber::parse(&body.message.number)
        .map_err(|_| Problem::with(Reason::Malformed, "`number` has the wrong length or check digit."))?;
    let row = store::by_former_number(house.road.db(), number.index(key), body.message.valid_on)
        .await
        .map_err(own_database)?;
    let found = match &row {
        Some(row) => match (store::open_number(key, row), store::open_code(key, row)) {
            (Some(number), Some(code)) => Some((number, code, row.ended)),
            _ => return Err(Problem::from(unreadable().reason)),
        },
        None => None,
    };
    let arrival = Arrival {
        id: ActId::new(house.world.random()),
        caller: caller.label(),
        request_hash: seal::sha256(&body.bytes),
    };
    house.road.travel(arrival, Find { found, role }).await.map(json_bytes).map_err(told)
}

struct Find {
    found: Option<(IndividualNumber, ResidentCode, bool)>,
    role: Role,
}

impl Verb for Find {
    const NAME: &'static str = "find_number";
    type Permit = Permit<Operate>;
    type Acted = FoundNumber;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::FindNumber, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("found", self.found.is_some());
        record
    }

    async fn act(&self, permit: &Self::Permit) -> Result<FoundNumber, Failure> {
        let (number, code, ended) = self
            .found
            .as_ref()
            .ok_or_else(|| Failure::with(Reason::NotFound, "Nobody had that number on that day."))?;
        Ok(FoundNumber { number: number.reveal(permit), resident_code: code.reveal(permit), ended: *ended })
    }

    fn protect(&self, _permit: &Self::Permit, found: FoundNumber) -> Result<Protected, Failure> {
        serde_json::to_vec(&found).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
