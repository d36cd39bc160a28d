//! What acts were, for the person they were about: by their ids, on the person's assertion, each with its receipt.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::own::{AskOwnRecords, LONGEST_MS, MOST_ACTS, OwnAct, OwnRecord};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Look, OwnFacts, Pace, Permit, decide_own_records};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason};

use crate::{Here, Linkage};

pub(crate) async fn own_records(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskOwnRecords>,
) -> Result<Response, Problem> {
    let linkage = here.0;
    let message = body.message;
    if message.acts.len() > MOST_ACTS {
        return Err(Problem::with(Reason::TooLarge, format!("`acts` may name {MOST_ACTS} acts.")));
    }
    let look = linkage.house.assertion_of_nobody(&message.look);
    let arrival = Arrival {
        id: ActId::new(linkage.house.world.random()),
        caller: caller.label(),
        request_hash: seal::sha256(&body.bytes),
    };
    let verb = ShowOwnRecords { linkage: Arc::clone(&linkage), look, acts: message.acts };
    linkage.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct ShowOwnRecords {
    linkage: Arc<Linkage>,
    /// From when until when the assertion holds, if it does.
    look: Option<(Moment, Moment)>,
    acts: Vec<ActId>,
}

impl Verb for ShowOwnRecords {
    const NAME: &'static str = "own_records";
    type Permit = Permit<Look>;
    type Acted = Vec<OwnAct>;

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let (at, ends) = self.look.unwrap_or((now, now));
        let defaults = &self.linkage.house.defaults;
        let facts = OwnFacts { asserted: self.look.is_some(), at, ends, longest_ms: LONGEST_MS, defaults };
        Ok(decide_own_records(&facts, now)?)
    }

    /// How many, and nothing that says which: who reads the records later must not find a person's acts together.
    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("acts", self.acts.len());
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Vec<OwnAct>, Failure> {
        let mut shown = Vec::with_capacity(self.acts.len());
        for act in &self.acts {
            // The row of an issue stands in the record of its batch.
            let mut leaves = self.linkage.house.road.act_leaves(*act).await?;
            if leaves.is_empty() {
                leaves = self.linkage.house.road.act_leaves(ActId::batch(*act.bytes())).await?;
            }
            let leaves: Vec<_> = leaves
                .into_iter()
                .filter(|leaf| matches!(leaf.step.as_str(), "decision" | "outcome"))
                .collect();
            let seqs = leaves.iter().map(|leaf| leaf.seq).collect();
            let receipts = self.linkage.house.road.receipts(seqs).await?;
            let records = leaves.into_iter().zip(receipts).map(|(leaf, receipt)| OwnRecord {
                salt: leaf.salt.into(),
                text: leaf.text,
                receipt: receipt.map(|receipt| receipt.to_string()),
            });
            shown.push(OwnAct { act: *act, records: records.collect() });
        }
        Ok(shown)
    }

    fn protect(&self, _permit: &Self::Permit, acts: Vec<OwnAct>) -> Result<Protected, Failure> {
        // Not kept for repeats: the reply is the person's acts together, which this room must not hold.
        let reply = serde_json::to_vec(&acts).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record: Record::new(), writes: None, keep: false })
    }
}
