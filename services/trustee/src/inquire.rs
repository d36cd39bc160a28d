//! An inquiry at the trustee: everything verified and decided again, the second half of the conversion, and on to
//! the provider.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::{DecisionFacts, Source};
use house::{json_bytes, told};
use protocol::index::IndexHop;
use protocol::inquiry::{self, Hop, Inquiry, Reply, ToProvider, ToTrustee};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, Verb};
use rules::{Convert, Pace, Permit};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason};

use crate::error::not_what_was_signed;
use crate::policy::first_mismatch;
use crate::{Here, Trustee};

pub(crate) async fn inquire(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToTrustee>,
) -> Result<Response, Problem> {
    let trustee = here.0;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let message = body.message;
    // The inquirer's own signature counts, not linkage's word for it.
    let from = message.inquiry.claimed_party().map_err(|_| Problem::new(Reason::BadSignature))?;
    let inquiry: Inquiry = trustee.house.verify(&message.inquiry, &from)?;
    if inquiry.from != from || *inquiry.subject.session.party() != from {
        return Err(Problem::with(Reason::WrongCaller, "`from` or `subject.session` is not the signer's.")
            .of(inquiry.id));
    }
    let hop: Hop = trustee.house.verify(&message.hop, &linkage.id)?;
    if let Some(what) = first_mismatch(&message, &inquiry, &hop) {
        return Err(not_what_was_signed(inquiry.id, what));
    }
    let sent = B64::from(inquiry.subject.code.hash());
    let (index_hop, index) = trustee.finish_index(&message.index, &linkage.id, Some(&sent)).await?;
    if index_hop.id != inquiry.id || index_hop.batch {
        return Err(not_what_was_signed(inquiry.id, "index.hop"));
    }
    let arrival =
        Arrival { id: inquiry.id, caller: linkage.id.to_string(), request_hash: message.inquiry.hash() };
    let facts = DecisionFacts::now(&trustee.house);
    let verb = Inquire { trustee: Arc::clone(&trustee), inquiry, message, hop, index_hop, index, facts };
    trustee.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct Inquire {
    trustee: Arc<Trustee>,
    inquiry: Inquiry,
    message: ToTrustee,
    hop: Hop,
    index_hop: IndexHop,
    index: Parcel,
    facts: DecisionFacts,
}

impl Verb for Inquire {
    const NAME: &'static str = "inquire";
    type Permit = Permit<Convert>;
    type Acted = (Reply, B64);

    fn label(&self) -> String {
        self.inquiry.affair.to_string()
    }

    /// Linkage passes on what institutions sent: each has a rate of its own here too.
    fn paced<'a>(&'a self, _caller: &'a str) -> &'a str {
        self.inquiry.from.as_str()
    }

    fn decide(&self, pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        self.facts.decide(&self.inquiry, pace, now)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("inquirer", &self.inquiry.from)
            .set("provider", &self.inquiry.to)
            .set("affair", &self.inquiry.affair)
            .set("item", &self.inquiry.item)
            .set("right", self.inquiry.right.as_str())
            .set("sent_at", self.inquiry.at)
            .set("taken", &self.hop.given)
            .set("index_given", &self.index_hop.given);
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        self.facts.note(&self.inquiry, &mut record);
        record
    }

    fn parcels(&self, _decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        vec![self.index.clone()]
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(Reply, B64), Failure> {
        let (house, service) = (&self.trustee.house, &self.trustee.conversions);
        let to = service.usable(&self.hop.to_session, house.now()).map_err(Failure::new)?;
        let from = service.usable(&self.inquiry.subject.session, house.now()).map_err(Failure::new)?;
        let source = Source { epoch: self.inquiry.subject.epoch, session: from };
        let codes = service
            .convert(&source, &to, self.inquiry.id, vec![self.message.code], false)
            .await
            .map_err(Failure::new)?;
        let code = *codes.first().ok_or_else(|| Failure::new(Reason::Internal))?;
        let given = B64::from(code.hash());
        let own = Hop { taken: self.hop.given.clone(), given: given.clone(), ..self.hop.clone() };
        let message = ToProvider {
            inquiry: self.message.inquiry.clone(),
            hops: vec![self.message.hop.clone(), house.sign(&own)],
            code,
        };
        let provider = house.party(&self.inquiry.to).map_err(Failure::new)?;
        let left = self.inquiry.deadline.since_ms(house.now());
        let within = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let reply = house.post(&provider, inquiry::PATH, &message, within).await;
        reply.map(|reply| (reply, given)).map_err(|error| Failure::with(error.reason(), "from the provider"))
    }

    fn protect(&self, _permit: &Self::Permit, (reply, given): (Reply, B64)) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record
            .set("given", given)
            .set("size_class", reply.sealed.0.len())
            .set("sealed", words::hex(&seal::sha256(&reply.sealed.0)));
        let reply = serde_json::to_vec(&reply).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}
