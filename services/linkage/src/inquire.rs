//! An inquiry at linkage: decided here, half converted, passed to the trustee in the inquirer's own bytes.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::{Asked, Converted, DecisionFacts, Source};
use house::{Arrived, Passage, Sent, told};
use protocol::directory::Entry;
use protocol::index::{HALF_PATH, HalfIndex, hash_of};
use protocol::inquiry::{Hop, Inquiry, PersonAsks, ToLinkage, ToTrustee};
use protocol::proof::Target;
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Convert, Pace, Permit};
use seal::{EncryptedCode, Jws};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason};

use crate::error::{not_the_sender, unknown_session};
use crate::policy::is_senders_own;
use crate::{Here, Linkage};

pub(crate) async fn inquire(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToLinkage>,
) -> Result<Response, Problem> {
    let linkage = here.0;
    // parse
    let Caller::Party(party) = caller else { return Err(not_the_sender()) };
    let ToLinkage { inquiry: jws, person } = body.message;
    if jws.claimed_party().map_err(|_| Problem::new(Reason::BadSignature))? != party.id {
        return Err(not_the_sender());
    }
    let inquiry: Inquiry = linkage.house.verify(&jws, &party.id)?;
    if !is_senders_own(&inquiry, &party.id) {
        return Err(not_the_sender().of(inquiry.id));
    }
    let arrival = Arrival { id: inquiry.id, caller: party.id.to_string(), request_hash: jws.hash() };
    let halves = Halves::make(&linkage, &inquiry, &jws).await?;
    let facts = DecisionFacts::now(&linkage.house, linkage.house.person_asks(&inquiry, person.as_ref())?);
    let (asked, passage) = (Sent { inquiry: inquiry.clone(), jws: jws.clone() }, Passage::default());
    let verb = Inquire {
        linkage: Arc::clone(&linkage),
        inquiry,
        jws,
        person,
        halves,
        facts,
        passage: passage.clone(),
    };
    let spoken = linkage.house.road.travel(arrival, verb).await.map_err(told)?;
    linkage.house.pass_on(&asked, spoken, &passage, &linkage.trustees.for_act(&asked.inquiry.id)?).await
}

/// Both conversions of one inquiry, made in one go before the decision: the index entry is due whatever is decided.
struct Halves {
    /// Towards the provider, with the hop that says so; none where the provider has no session.
    to: Option<(EncryptedCode, Jws)>,
    /// Towards the portal.
    index: HalfIndex,
    /// For the record: hashes of what came in, went out to the provider, went out to the portal.
    taken: B64,
    given: B64,
    index_given: B64,
    /// What went in and came out, to be shown on demand.
    kept: Vec<Converted>,
}

impl Halves {
    async fn make(linkage: &Linkage, inquiry: &Inquiry, jws: &Jws) -> Result<Self, Problem> {
        let (house, service) = (&linkage.house, &linkage.conversions);
        let now = house.now();
        let from = service.usable(&inquiry.subject.session, now).map_err(|reason| match reason {
            Reason::UnknownSession => unknown_session(inquiry),
            other => Problem::new(other).of(inquiry.id),
        })?;
        let source = Source { epoch: inquiry.subject.epoch, session: from };
        let code = inquiry.subject.code;
        let taken = B64::from(code.hash());
        let (index, kept_index) = linkage
            .half_index(&source, inquiry.id, vec![code], false)
            .await
            .map_err(|reason| Problem::new(reason).of(inquiry.id))?;
        let to = match service.current(&inquiry.to, now) {
            Some(session) => {
                let asked = Asked { id: inquiry.id, target: Target::To, batch: false, codes: vec![code] };
                let kept = service.convert(&source, &session, asked).await?;
                kept.outputs.first().copied().map(|code| (code, session, kept))
            }
            None => None,
        };
        let given = to.as_ref().map(|(code, _, _)| B64::from(code.hash())).unwrap_or_default();
        let index_given = hash_of(&index.codes);
        let kept_to = to.as_ref().map(|(_, _, kept)| kept.clone());
        let kept = kept_to.into_iter().chain([kept_index]).collect();
        let hop = to.map(|(code, session, _)| {
            let hop = Hop {
                id: inquiry.id,
                inquiry: jws.hash().into(),
                to_epoch: session.epoch,
                to_session: session.name.clone(),
                taken: taken.clone(),
                given: given.clone(),
            };
            (code, hop)
        });
        Ok(Self {
            to: hop.map(|(code, hop)| (code, house.sign(&hop))),
            index,
            taken,
            given,
            index_given,
            kept,
        })
    }
}

struct Inquire {
    linkage: Arc<Linkage>,
    inquiry: Inquiry,
    jws: Jws,
    /// That the person asks, to be passed on.
    person: Option<PersonAsks>,
    halves: Halves,
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

    fn decide(&self, pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        self.facts.decide(&self.inquiry, pace, now)
    }

    /// Items 1-6 of the law's twelve, and what was taken in and given out.
    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("inquirer", &self.inquiry.from)
            .set("provider", &self.inquiry.to)
            .set("affair", &self.inquiry.affair)
            .set("item", &self.inquiry.item)
            .set("right", self.inquiry.right.as_str())
            .set("sent_at", self.inquiry.at)
            .set("taken", &self.halves.taken)
            .set("given", &self.halves.given)
            .set("index_given", &self.halves.index_given);
        if let Some(first) = &self.inquiry.follows {
            record.set("follows", first);
        }
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        self.facts.note(&self.inquiry, &mut record);
        record
    }

    fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        let Ok(trustee) = self.linkage.trustees.first(&self.inquiry.id) else { return Vec::new() };
        let body = serde_json::to_vec(&self.halves.index).unwrap_or_default();
        vec![Parcel { destination: trustee.id, path: HALF_PATH, body, held: decided.is_ok() }]
    }

    fn on_decision(&self, _decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        Some(self.linkage.conversions.keep_conversions(self.halves.kept.clone()))
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Arrived, Failure> {
        let house = &self.linkage.house;
        let (code, hop) = self
            .halves
            .to
            .clone()
            .ok_or_else(|| Failure::with(Reason::Unavailable, "The provider has no open session."))?;
        let message = ToTrustee {
            inquiry: self.jws.clone(),
            hop,
            code,
            index: self.halves.index.clone(),
            person: self.person.clone(),
        };
        let deadline = self.inquiry.deadline;
        let message = &message;
        let ask = |trustee: Entry| async move { house.post_inquiry(&trustee, message, deadline).await };
        let posted = self.linkage.trustees.ask(&self.inquiry.id, ask).await;
        posted.map_err(|error| Failure::with(error.reason(), "from the trustee onward"))
    }

    /// The reply is sealed and signed by the provider; its size class is all that is seen of it.
    fn protect(&self, _permit: &Self::Permit, arrived: Arrived) -> Result<Protected, Failure> {
        self.linkage.house.protect_passing(&self.inquiry, &self.jws, arrived, &self.passage)
    }
}
