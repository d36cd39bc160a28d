//! An inquiry at the trustee: everything verified and decided again, the second half of the conversion, and on to
//! the provider.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::{Asked, Converted, DecisionFacts, Source};
use house::{Arrived, Expected, Passage, Sent, told};
use protocol::audit::FindingKind;
use protocol::index::IndexHop;
use protocol::inquiry::{Again, Hop, Inquiry, ToProvider, ToTrustee};
use protocol::proof::{DemandProof, Target};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Convert, Pace, Permit};
use seal::EncryptedCode;
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
    trustee.learn(&[&inquiry.subject.session, &hop.to_session]).await;
    let arrives_at = trustee.conversions.usable(&hop.to_session, trustee.house.now());
    if arrives_at.is_ok_and(|session| session.epoch != hop.to_epoch) {
        return Err(not_what_was_signed(inquiry.id, "hop.to_epoch"));
    }
    let sent = B64::from(inquiry.subject.code.hash());
    let (index_hop, index, kept_index) =
        trustee.finish_index(&message.index, &linkage.id, Some(&sent)).await?;
    if index_hop.id != inquiry.id || index_hop.batch {
        return Err(not_what_was_signed(inquiry.id, "index.hop"));
    }
    let arrival =
        Arrival { id: inquiry.id, caller: linkage.id.to_string(), request_hash: message.inquiry.hash() };
    let facts =
        DecisionFacts::now(&trustee.house, trustee.house.person_asks(&inquiry, message.person.as_ref())?);
    // Made before the decision, so that what is given out is in the record before it goes anywhere.
    let to = trustee.convert_to_provider(&inquiry, &hop, &message).await;
    let passage = Passage::default();
    let asked = Sent { inquiry: inquiry.clone(), jws: message.inquiry.clone() };
    let verb = Inquire {
        trustee: Arc::clone(&trustee),
        inquiry,
        message,
        hop,
        index_hop,
        index,
        to,
        kept_index,
        facts,
        passage: passage.clone(),
    };
    let spoken = trustee.house.road.travel(arrival, verb).await.map_err(told)?;
    trustee.pass_on(&asked, spoken, &passage).await
}

/// The stored reply once more, for what flows through and was not all passed on: no code goes anywhere again.
pub(crate) async fn reply_again(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Again>,
) -> Result<Response, Problem> {
    let trustee = here.0;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let jws = body.message.inquiry;
    let from = jws.claimed_party().map_err(|_| Problem::new(Reason::BadSignature))?;
    let inquiry: Inquiry = trustee.house.verify(&jws, &from)?;
    let arrival = Arrival { id: inquiry.id, caller: linkage.id.to_string(), request_hash: jws.hash() };
    let spoken = trustee.house.road.stored::<Inquire>(arrival).await.map_err(told)?;
    trustee.pass_on(&Sent { inquiry, jws }, spoken, &Passage::default()).await
}

struct Inquire {
    trustee: Arc<Trustee>,
    inquiry: Inquiry,
    message: ToTrustee,
    hop: Hop,
    index_hop: IndexHop,
    index: Parcel,
    /// Towards the provider.
    to: Result<Converted, Reason>,
    /// The conversion of the index entry, to be shown on demand.
    kept_index: Converted,
    facts: DecisionFacts,
    passage: Passage,
}

impl Verb for Inquire {
    const NAME: &'static str = "inquire";
    type Permit = Permit<Convert>;
    type Acted = Arrived;

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
        if let Some(code) = self.given() {
            record.set("given", B64::from(code.hash()));
        }
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        self.facts.note(&self.inquiry, &mut record);
        record
    }

    fn parcels(&self, _decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        vec![self.index.clone()]
    }

    fn on_decision(&self, _decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        let kept = self.to.iter().chain([&self.kept_index]).cloned().collect();
        Some(self.trustee.conversions.keep_conversions(kept))
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Arrived, Failure> {
        let house = &self.trustee.house;
        if house.wants_proof(self.inquiry.right) {
            self.have_linkage_show().await?;
        }
        self.to.as_ref().map_err(|reason| Failure::new(*reason))?;
        let code = self.given().ok_or_else(|| Failure::new(Reason::Internal))?;
        let given = B64::from(code.hash());
        let own = Hop { taken: self.hop.given.clone(), given, ..self.hop.clone() };
        let message = ToProvider {
            inquiry: self.message.inquiry.clone(),
            hops: vec![self.message.hop.clone(), house.sign(&own)],
            code,
            person: self.message.person.clone(),
        };
        let provider = house.party(&self.inquiry.to).map_err(Failure::new)?;
        let posted = house.post_inquiry(&provider, &message, self.inquiry.deadline).await;
        posted.map_err(|error| Failure::with(error.reason(), "from the provider"))
    }

    fn protect(&self, _permit: &Self::Permit, arrived: Arrived) -> Result<Protected, Failure> {
        self.trustee.house.protect_passing(&self.inquiry, &self.message.inquiry, arrived, &self.passage)
    }
}

impl Trustee {
    /// Sends a reply on; what is not here any more is fetched from the provider once more.
    async fn pass_on(&self, asked: &Sent, spoken: Vec<u8>, passage: &Passage) -> Result<Response, Problem> {
        let provider = self.house.party(&asked.inquiry.to)?;
        self.house.pass_on(asked, spoken, passage, &[provider]).await
    }

    /// The second half of the conversion to the provider.
    async fn convert_to_provider(
        &self,
        inquiry: &Inquiry,
        hop: &Hop,
        message: &ToTrustee,
    ) -> Result<Converted, Reason> {
        let (service, now) = (&self.conversions, self.house.now());
        let to = service.usable(&hop.to_session, now)?;
        let from = service.usable(&inquiry.subject.session, now)?;
        let source = Source { epoch: inquiry.subject.epoch, session: from };
        let codes = vec![message.code];
        let asked = Asked { id: inquiry.id, target: Target::To, batch: false, codes };
        service.convert(&source, &to, asked).await
    }
}

impl Inquire {
    /// The code for the provider, where there is one.
    fn given(&self) -> Option<EncryptedCode> {
        self.to.as_ref().ok()?.outputs.first().copied()
    }

    /// Has linkage show both of its conversions; an act whose conversions were not shown goes no further.
    async fn have_linkage_show(&self) -> Result<(), Failure> {
        let house = &self.trustee.house;
        let linkage = house.only("linkage").map_err(Failure::new)?;
        let hash = |hash: &B64| hash.0.as_slice().try_into().map_err(|_| Failure::new(Reason::HopMismatch));
        let taken = self.inquiry.subject.code.hash();
        let expected = |to_session, given| Expected {
            from_session: self.inquiry.subject.session.clone(),
            to_session,
            input: Some(self.inquiry.subject.code),
            taken,
            given,
        };
        // What linkage gave out for the portal is what this room took in.
        let portal = self.kept_index.to.clone();
        let half = self.kept_index.inputs.first().ok_or_else(|| Failure::new(Reason::Internal))?;
        let index_given = half.hash();
        for (target, expected) in [
            (Target::To, expected(self.hop.to_session.clone(), hash(&self.hop.given)?)),
            (Target::Index, expected(portal, index_given)),
        ] {
            let demand = DemandProof { act: self.inquiry.id, target };
            if let Err(reason) = house.demand_proof(&linkage, demand, Some(&expected)).await {
                tracing::error!(%reason, act = %self.inquiry.id, "linkage did not show its conversion");
                house.raise_alarm(FindingKind::DishonestConversion, self.inquiry.id).await;
                return Err(Failure::with(Reason::BadConversion, "linkage's"));
            }
        }
        Ok(())
    }
}
