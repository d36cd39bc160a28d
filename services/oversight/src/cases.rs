//! Cases: opened by rooms, worked on by officers.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{json_bytes, told};
use protocol::index::Taken;
use protocol::oversight::{CaseKind, CaseLine, MoveCase, OpenCase};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, PartyId, Reason};

use crate::error::own_database;
use crate::{Here, Oversight, policy, store};

pub(crate) async fn open(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<OpenCase>,
) -> Result<Response, Problem> {
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    // A room and a person may both have something to say about one act: each is a case of its own, and a second
    // delivery is a repeat.
    let OpenCase { kind, act, .. } = &body.message;
    let kind = serde_json::to_vec(kind).map_err(|_| Problem::new(Reason::Internal))?;
    let own = seal::sha256_parts(&[b"case", act.bytes(), &kind, party.id.as_str().as_bytes()]);
    let id = own.first_chunk::<16>().copied().map_or(*act, ActId::new);
    let arrival = Arrival { id, caller: party.id.to_string(), request_hash: seal::sha256(&body.bytes) };
    here.0
        .house
        .road
        .travel(arrival, Open { case: body.message, by: party.id })
        .await
        .map(json_bytes)
        .map_err(told)
}

/// How the case of a complaint about an act stands, for the person who looks at the portal.
pub(crate) async fn complaint(
    State(here): State<Here>,
    Path(act): Path<String>,
) -> Result<axum::Json<CaseLine>, Problem> {
    let act = ActId::parse(&act)?;
    let cases = store::cases(here.0.house.road.db()).await.map_err(own_database)?;
    let of = |line: &CaseLine| line.case.act == act && line.case.kind == CaseKind::Complaint;
    cases.into_iter().find(of).map(axum::Json).ok_or(Problem::new(Reason::NotFound).of(act))
}

pub(crate) async fn list(State(here): State<Here>) -> Result<axum::Json<Vec<CaseLine>>, Problem> {
    store::cases(here.0.house.road.db()).await.map(axum::Json).map_err(own_database)
}

pub(crate) async fn move_on(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    body: Json<MoveCase>,
) -> Result<Response, Problem> {
    here.0.move_case(&caller, &number, body.message).await.map(json_bytes)
}

impl Oversight {
    /// Moves a case on.
    pub(crate) async fn move_case(
        &self,
        caller: &Caller,
        number: &str,
        to: MoveCase,
    ) -> Result<Vec<u8>, Problem> {
        let house = &self.house;
        let number: i64 = number
            .parse()
            .map_err(|_| Problem::with(Reason::Malformed, "A case is named by its number in the list."))?;
        let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let known = store::cases(house.road.db())
            .await
            .map_err(own_database)?
            .iter()
            .any(|line| line.number == number);
        if !known {
            return Err(Problem::with(Reason::NotFound, "There is no case of that number."));
        }
        let arrival = Arrival {
            id: ActId::new(house.world.random()),
            caller: caller.label(),
            request_hash: seal::sha256(&serde_json::to_vec(&to).unwrap_or_default()),
        };
        house.road.travel(arrival, MoveOn { number, to, role: *role }).await.map_err(told)
    }
}

fn taken(record: Record, writes: road::RoomWrite) -> Result<Protected, Failure> {
    let reply = serde_json::to_vec(&Taken {}).map_err(|_| Failure::new(Reason::Internal))?;
    Ok(Protected { reply, record, writes: Some(writes), keep: true })
}

struct Open {
    case: OpenCase,
    by: PartyId,
}

impl Verb for Open {
    const NAME: &'static str = "open_case";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::TakeReport, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("kind", self.case.kind).set("about", self.case.act).set("noticed_at", self.case.at);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let (case, by) = (self.case.clone(), self.by.clone());
        taken(Record::new(), Box::new(move |write| store::add_case(write, &case, &by, policy::due(case.at))))
    }
}

struct MoveOn {
    number: i64,
    to: MoveCase,
    role: Role,
}

impl Verb for MoveOn {
    const NAME: &'static str = "move_case";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::WorkOnCases, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("case", self.number).set("to", self.to.state);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let (number, state) = (self.number, self.to.state);
        taken(Record::new(), Box::new(move |write| store::move_case(write, number, state).map(|_| ())))
    }
}
