//! My records: who asked what about me, from this room's index and linkage's records. Nothing of it is kept.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::directory::Signed;
use protocol::own::{AskMyRecords, AskOwnRecords, LONGEST_MS, MOST_ACTS, MyRecords, OWN_RECORDS, OwnAct};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Look, OwnFacts, Pace, Permit, decide_own_records};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason};

use crate::{Here, Portal, store};

const WITHIN: Duration = Duration::from_secs(20);

pub(crate) async fn my_records(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskMyRecords>,
) -> Result<Response, Problem> {
    here.0.show_records(&caller, body.message).await.map(json_bytes)
}

impl Portal {
    /// A person's records, as JSON of [`MyRecords`].
    pub(crate) async fn show_records(
        self: &Arc<Self>,
        caller: &Caller,
        ask: AskMyRecords,
    ) -> Result<Vec<u8>, Problem> {
        let held = self.house.assertion_and_look(&ask.assertion, &ask.look);
        let request = serde_json::to_vec(&ask).map_err(|_| Problem::new(Reason::Internal))?;
        let arrival = Arrival {
            id: ActId::new(self.house.world.random()),
            caller: caller.label(),
            request_hash: seal::sha256(&request),
        };
        let verb = ShowMyRecords { portal: Arc::clone(self), ask, held };
        self.house.road.travel(arrival, verb).await.map_err(told)
    }
}

struct ShowMyRecords {
    portal: Arc<Portal>,
    ask: AskMyRecords,
    /// From when until when both assertions hold, if they do.
    held: Option<(Moment, Moment)>,
}

impl Verb for ShowMyRecords {
    const NAME: &'static str = "my_records";
    type Permit = Permit<Look>;
    type Acted = MyRecords;

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let (at, ends) = self.held.unwrap_or((now, now));
        let defaults = &self.portal.house.defaults;
        let facts = OwnFacts { asserted: self.held.is_some(), at, ends, longest_ms: LONGEST_MS, defaults };
        Ok(decide_own_records(&facts, now)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry).set("right", permit.basis().right.as_str());
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<MyRecords, Failure> {
        let house = &self.portal.house;
        let (login, _) = self.portal.login(&self.ask.assertion, None).await?;
        let acts = store::entries_of(house.road.db(), login.index).await?;
        let linkage = house.only("linkage").map_err(Failure::new)?;
        let mut shown: Vec<OwnAct> = Vec::with_capacity(acts.len());
        for some in acts.chunks(MOST_ACTS) {
            let ask = AskOwnRecords { look: self.ask.look.clone(), acts: some.to_vec() };
            let found: Vec<OwnAct> = house
                .post(&linkage, OWN_RECORDS, &ask, WITHIN)
                .await
                .map_err(|error| Failure::with(error.reason(), "from linkage"))?;
            shown.extend(found);
        }
        let directory = house.road.document("directory").await?.ok_or(Failure::new(Reason::Unavailable))?;
        let directory: Signed =
            serde_json::from_slice(&directory.body).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(MyRecords { acts: shown, directory })
    }

    fn protect(&self, _permit: &Self::Permit, records: MyRecords) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("acts", records.acts.len());
        let reply = serde_json::to_vec(&records).map_err(|_| Failure::new(Reason::Internal))?;
        // Dropped with the answer: what the acts were about is not this room's to know.
        Ok(Protected { reply, record, writes: None, keep: false })
    }
}
