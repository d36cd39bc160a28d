//! What institutions hold about the person, asked for by the person (rows L15, P2): an inquiry like any other, by right
//! `person`, that goes the way of all inquiries and stands in the person's own records.
//!
//! The portal knows the person by a code alone and no birth date. The registry, to which the person was asserted, sends the code
//! for this one act and gives guards for every institution, so that it does not learn which is asked. The way of that code
//! shows linkage, the trustee and the provider that the person asks ([`PersonAsks`]). Nothing of it is kept here.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use protocol::inquiry::{Answer, Inquiry, OWN_INFORMATION, PersonAsks, Subject};
use protocol::own::{
    AskGuards, AskMyInformation, AskPersonCode, LONGEST_MS, MyInformation, PERSON_CODE, PersonCodeSent,
};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Look, OwnFacts, Pace, Permit, Role, decide_own_records};
use seal::{Jws, SealingKey, Sha256};
use wire::{Caller, Json, Problem};
use words::{ActId, AffairId, Epoch, ItemId, Moment, PartyId, Reason, Right, SessionName, StaffId};

use crate::{Here, Portal};

const WITHIN: Duration = Duration::from_secs(20);

/// A code that came for a person who looks, until the look takes it.
#[derive(Clone)]
pub(crate) struct Login {
    /// The index the person's entries lie under.
    pub(crate) index: Sha256,
    /// The way the code came.
    pub(crate) way: PersonAsks,
    /// The own session it came under.
    pub(crate) session: SessionName,
    /// The epoch of the own codes.
    pub(crate) epoch: Epoch,
}

/// What the person wants to see, and where.
pub(crate) struct Wish {
    pub(crate) provider: PartyId,
    pub(crate) item: ItemId,
    /// The act whose late answer is to be looked for.
    pub(crate) follows: Option<ActId>,
}

impl Portal {
    /// Has the registry send the asserted person's code; with it the guards that were asked for.
    pub(crate) async fn login(
        &self,
        assertion: &Jws,
        guards: Option<AskGuards>,
    ) -> Result<(Login, Vec<seal::Guard>), Failure> {
        let house = &self.house;
        let registry = house.only("registry").map_err(Failure::new)?;
        let ask = AskPersonCode { assertion: assertion.clone(), guards };
        let sent: PersonCodeSent = house
            .post(&registry, PERSON_CODE, &ask, WITHIN)
            .await
            .map_err(|error| Failure::with(error.reason(), "from the registry"))?;
        let login = self.take_login(&sent.id).ok_or_else(|| {
            Failure::with(Reason::Unavailable, "The person's code has not arrived; try again.")
        })?;
        Ok((login, sent.guards))
    }

    /// Asks an institution for one item about the person of the assertion. The act's id comes back with what it brought.
    pub(crate) async fn ask_held(
        self: &Arc<Self>,
        assertion: Jws,
        wish: Wish,
    ) -> (ActId, Result<Answer, Problem>) {
        let house = &self.house;
        let id = ActId::new(house.world.random());
        // The caller is written as what it is; no name is known here.
        let caller = Caller::Inner { name: "person".into(), role: Role::Person };
        let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(id.bytes()) };
        let held = house.assertion(&assertion);
        let verb = AskHeld { portal: Arc::clone(self), id, assertion, wish, held };
        let travelled = house.road.travel(arrival, verb).await;
        let answer = travelled.map_err(house::told).and_then(|reply| {
            serde_json::from_slice(&reply).map_err(|_| Problem::new(Reason::Internal).of(id))
        });
        (id, answer)
    }
}

/// `POST /my-information`: whoever reaches it; what counts is the assertion.
pub(crate) async fn my_information(
    State(here): State<Here>,
    body: Json<AskMyInformation>,
) -> Result<axum::Json<MyInformation>, Problem> {
    let AskMyInformation { assertion, provider, item, follows } = body.message;
    let (act, answer) = here.0.ask_held(assertion, Wish { provider, item, follows }).await;
    let nothing = MyInformation { act, content: None, as_of: None, until: None };
    Ok(axum::Json(match answer? {
        Answer::Answered { content, as_of } => MyInformation { content: Some(content), as_of, ..nothing },
        Answer::Later { until } => MyInformation { until: Some(until), ..nothing },
        Answer::NotAnswered => return Err(Problem::new(Reason::NotAnswered).of(act)),
    }))
}

struct AskHeld {
    portal: Arc<Portal>,
    id: ActId,
    assertion: Jws,
    wish: Wish,
    /// From when until when the assertion holds, if it does.
    held: Option<(Moment, Moment)>,
}

impl AskHeld {
    /// The inquiry, the way that shows who asks, and the key that opens the reply.
    async fn compose(&self) -> Result<(Inquiry, PersonAsks, SealingKey), Failure> {
        let house = &self.portal.house;
        let providers: Vec<PartyId> =
            house.directory().of_kind("gateway").into_iter().map(|entry| entry.id.clone()).collect();
        let place = providers.iter().position(|id| *id == self.wish.provider);
        let place = place.ok_or_else(|| Failure::new(Reason::NotAccredited))?;
        let ask = AskGuards { act: self.id, providers };
        let (login, mut guards) = self.portal.login(&self.assertion, Some(ask)).await?;
        if place >= guards.len() {
            return Err(Failure::with(Reason::Unavailable, "The registry gave no guard."));
        }
        let guard = guards.swap_remove(place);
        let code = *login.way.codes.first().ok_or_else(|| Failure::new(Reason::Internal))?;
        let reply_key = SealingKey::generate(house.reply_suite, &house.dice);
        let at = house.now();
        let word = |_| Failure::new(Reason::Internal);
        let inquiry = Inquiry {
            id: self.id,
            affair: AffairId::parse(OWN_INFORMATION).map_err(word)?,
            item: self.wish.item.clone(),
            right: Right::Person,
            from: house.id.clone(),
            department: "マイ・ポータル".into(),
            staff: StaffId::parse("person").map_err(word)?,
            to: self.wish.provider.clone(),
            subject: Subject { epoch: login.epoch, session: login.session, code },
            guard,
            reply_key: reply_key.public(),
            at,
            deadline: at.plus_ms(house.defaults.deadline_ms),
            consent_ref: None,
            follows: self.wish.follows,
        };
        Ok((inquiry, login.way, reply_key))
    }
}

/// What came back.
pub(crate) struct Brought {
    answer: Answer,
    /// For the record: the inquiry, and the commitment to item 11.
    inquiry: String,
    content: String,
}

impl Verb for AskHeld {
    const NAME: &'static str = "ask";
    type Permit = Permit<Look>;
    type Acted = Brought;

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let (at, ends) = self.held.unwrap_or((now, now));
        let defaults = &self.portal.house.defaults;
        let facts = OwnFacts { asserted: self.held.is_some(), at, ends, longest_ms: LONGEST_MS, defaults };
        Ok(decide_own_records(&facts, now)?)
    }

    /// By what right, and nothing of whom or what: the index here leads from a person to this act's id.
    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        if let Ok(permit) = decided {
            record.set("right", permit.basis().right.as_str());
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Brought, Failure> {
        let house = &self.portal.house;
        let (inquiry, way, key) = self.compose().await?;
        let jws = house.sign(&inquiry);
        let opened = house.inquire(&inquiry, &jws, &key, Some(way)).await?;
        Ok(Brought {
            content: opened.answer.commitment(&opened.salt),
            inquiry: words::hex(&opened.inquiry_hash),
            answer: opened.answer,
        })
    }

    fn protect(&self, _permit: &Self::Permit, brought: Brought) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("inquiry", brought.inquiry).set("content", brought.content);
        let reply = serde_json::to_vec(&brought.answer).map_err(|_| Failure::new(Reason::Internal))?;
        // Dropped with the answer: what is held is the person's to see, not this room's to keep.
        Ok(Protected { reply, record, writes: None, keep: false })
    }
}
