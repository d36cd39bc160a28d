//! Proofs of an act's conversions on demand: both transcryptors show both, and what one gave is what the other took.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{json_bytes, told};
use protocol::proof::{ConversionProof, DemandProof, Proved, Target};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Problem};
use words::{ActId, Moment, PartyId, Reason};

use crate::{Here, Oversight};

pub(crate) async fn prove(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(act): Path<String>,
) -> Result<Response, Problem> {
    let oversight = here.0;
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let act = ActId::parse(&act)?;
    let id = ActId::new(oversight.house.world.random());
    let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(act.bytes()) };
    let verb = DemandProofs { oversight: Arc::clone(&oversight), act, role };
    oversight.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

type Shown = Result<ConversionProof, Reason>;

struct DemandProofs {
    oversight: Arc<Oversight>,
    act: ActId,
    role: Role,
}

impl DemandProofs {
    /// What the body of a kind shows: of the trustee the replica that has the conversion. Where none shows it, what the one said
    /// that did not say that it knows nothing of it.
    async fn shown_by(&self, kind: &str, demand: DemandProof) -> Result<(PartyId, Shown), Reason> {
        let house = &self.oversight.house;
        let mut best: Option<(PartyId, Shown)> = None;
        let bodies: Vec<_> = house.directory().of_kind(kind).into_iter().cloned().collect();
        for body in bodies {
            let shown = house.demand_proof(&body, demand, None).await;
            match (&shown, &best) {
                (Ok(_), _) => return Ok((body.id, shown)),
                (Err(Reason::NotFound), Some(_)) => {}
                _ => best = Some((body.id, shown)),
            }
        }
        best.ok_or(Reason::Unavailable)
    }
}

impl Verb for DemandProofs {
    const NAME: &'static str = "demand_proofs";
    type Permit = Permit<Operate>;
    type Acted = Vec<Proved>;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::Audit, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("about", self.act);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Vec<Proved>, Failure> {
        let mut proved = Vec::new();
        for target in [Target::To, Target::Index] {
            let mut given = None;
            for kind in ["linkage", "trustee"] {
                let demand = DemandProof { act: self.act, target };
                let (party, shown) = self.shown_by(kind, demand).await.map_err(Failure::new)?;
                // What linkage gave out is what the trustee must have taken in.
                let shown = shown.and_then(|proof| {
                    let follows = given.is_none_or(|given| given == proof.code.input);
                    given = Some(proof.code.output);
                    if follows { Ok(()) } else { Err(Reason::HopMismatch) }
                });
                proved.push(Proved { party, target, holds: shown.is_ok(), why: shown.err() });
            }
        }
        Ok(proved)
    }

    fn protect(&self, _permit: &Self::Permit, proved: Vec<Proved>) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("held", proved.iter().filter(|one| one.holds).count()).set("of", proved.len());
        let reply = serde_json::to_vec(&proved).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}
