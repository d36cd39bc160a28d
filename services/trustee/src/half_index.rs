//! Index entries: the second half of their conversion, and their way to the portal by the outbox.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::{Asked, Converted, Source};
use house::{json_bytes, told};
use protocol::index::{self, HalfIndex, IndexEntries, IndexHop, Taken, hash_of};
use protocol::proof::Target;
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason};

use crate::error::not_what_was_signed;
use crate::policy::first_index_mismatch;
use crate::{Here, Trustee};

impl Trustee {
    /// Checks linkage's half and finishes it: the parcel for the portal. `sent` is the hash of the codes that the
    /// sender signed, where its message came along: linkage must have begun with those and no others, else an act
    /// would be entered under somebody else.
    pub(crate) async fn finish_index(
        self: &Arc<Self>,
        half: &HalfIndex,
        linkage: &words::PartyId,
        sent: Option<&B64>,
    ) -> Result<(IndexHop, Parcel, Converted), Problem> {
        let (house, service) = (&self.house, &self.conversions);
        let hop: IndexHop = house.verify(&half.hop, linkage)?;
        if let Some(what) = first_index_mismatch(half, &hop, sent) {
            return Err(not_what_was_signed(hop.id, what));
        }
        let portal = house.only("portal")?;
        self.learn(&[&half.from_session, &hop.to_session]).await;
        // An entry may have waited in an outbox while somebody was away: ended sessions hold for it.
        let now = house.now();
        let to = service.known(&hop.to_session, now).await?;
        if to.party != portal.id || hop.to_epoch != to.epoch {
            return Err(not_what_was_signed(hop.id, "index.to_session"));
        }
        let source =
            Source { epoch: half.from_epoch, session: service.known(&half.from_session, now).await? };
        let asked = Asked { id: hop.id, target: Target::Index, batch: hop.batch, codes: half.codes.clone() };
        let kept = service.convert(&source, &to, asked).await?;
        let codes = kept.outputs.clone();
        let own = IndexHop { taken: hop.given.clone(), given: hash_of(&codes), ..hop.clone() };
        let entries = IndexEntries { hops: vec![half.hop.clone(), house.sign(&own)], codes };
        let body = serde_json::to_vec(&entries).map_err(|_| Problem::new(Reason::Internal))?;
        Ok((own, Parcel { destination: portal.id, path: index::PATH, body, held: false }, kept))
    }
}

pub(crate) async fn half_index(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<HalfIndex>,
) -> Result<Response, Problem> {
    let trustee = here.0;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let (hop, parcel, kept) = trustee.finish_index(&body.message, &linkage.id, None).await?;
    let arrival =
        Arrival { id: hop.id, caller: linkage.id.to_string(), request_hash: body.message.hop.hash() };
    let verb = PassIndex { trustee: Arc::clone(&trustee), hop, parcel, kept };
    trustee.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

/// Entries of acts that went no further than linkage.
struct PassIndex {
    trustee: Arc<Trustee>,
    hop: IndexHop,
    parcel: Parcel,
    kept: Converted,
}

impl Verb for PassIndex {
    const NAME: &'static str = "half_index";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        // Every authenticated act gets its entry: there is nothing to weigh.
        Ok(decide_operation(Operation::PassIndexEntry, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("index_taken", &self.hop.taken).set("index_given", &self.hop.given);
        record
    }

    fn parcels(&self, _decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        vec![self.parcel.clone()]
    }

    fn on_decision(&self, _decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        Some(self.trustee.conversions.keep_conversions(vec![self.kept.clone()]))
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        serde_json::to_vec(&Taken {}).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
