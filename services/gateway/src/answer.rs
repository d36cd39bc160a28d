//! An inquiry at the provider: everything verified, the code opened, the guard compared, and a reply that looks the
//! same whether it answers or not.

use std::sync::{Arc, PoisonError};

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{Expected, told};
use protocol::audit::FindingKind;
use protocol::inquiry::{ANSWER_INFO, Again, Answer, Hop, Inquiry, ReplyStatement, ToProvider, guard_name};
use protocol::oversight::{CASES, CaseKind, OpenCase};
use protocol::proof::{DemandProof, Target};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Late, Pace, Permit, ProviderFacts, decide_answer, decide_late_answer};
use seal::{GuardKey, GuardOpener, Jws};
use serde_json::value::RawValue;
use wire::{Caller, Json, Problem};
use words::{B64, Moment, PartyId, Reason, Right};

use crate::ask::birth_and_sex;
use crate::awaiting::Wait;
use crate::error::{not_what_was_signed, own_database};
use crate::policy::first_mismatch;
use crate::{Gateway, Here, store};

pub(crate) async fn answer(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToProvider>,
) -> Result<Response, Problem> {
    let gateway = here.0;
    let house = &gateway.house;
    let arrived = house.now();
    let message = body.message;
    let (inquiry, last, trustee) = gateway.verify_way(&message)?;
    if house.wants_proof(inquiry.right) {
        gateway.have_conversions_shown(&message, &inquiry).await?;
    }
    let found = gateway.find_person(&message, &inquiry, &last).await?;
    let wait = gateway.wait(&inquiry, found.number.as_deref()).await.map_err(|error| own_database(&error))?;
    let arrival = Arrival { id: inquiry.id, caller: caller.body(), request_hash: message.inquiry.hash() };
    // A large answer is held whole here, from its sealing until it has been sent: so many at once and no more.
    let large =
        found.content.as_ref().is_some_and(|content| content.get().len() > house.defaults.largest_in_json());
    let place = if large { Arc::clone(&house.large_given).acquire_owned().await.ok() } else { None };
    let jws = message.inquiry;
    let verb = AnswerInquiry { gateway: Arc::clone(&gateway), jws, inquiry, trustee, found, wait };
    let reply = house.road.travel(arrival, verb).await;
    // The reply leaves at a time step, so that how long it took says nothing of the person.
    let step = house.defaults.time_step(house.now().since_ms(arrived));
    house.world.sleep_until(arrived.plus_ms(step).0).await;
    reply.map(|spoken| house::kept_reply(spoken, place)).map_err(told)
}

/// The stored reply once more, where it broke off on its way.
pub(crate) async fn reply_again(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Again>,
) -> Result<Response, Problem> {
    let house = &here.0.house;
    let jws = body.message.inquiry;
    let from = jws.claimed_party().map_err(|_| Problem::new(Reason::BadSignature))?;
    let inquiry: Inquiry = house.verify(&jws, &from)?;
    let arrival = Arrival { id: inquiry.id, caller: caller.body(), request_hash: jws.hash() };
    let place = Arc::clone(&house.large_given).acquire_owned().await.ok();
    let spoken = house.road.stored::<AnswerInquiry>(arrival).await.map_err(told)?;
    Ok(house::kept_reply(spoken, place))
}

impl Gateway {
    /// Checks the inquirer's signature and every hop's, from the code that was sent to the code that arrived. Gives the
    /// trustee's statement too, and which of its replicas made it.
    fn verify_way(&self, message: &ToProvider) -> Result<(Inquiry, Hop, PartyId), Problem> {
        let house = &self.house;
        let from = message.inquiry.claimed_party().map_err(|_| Problem::new(Reason::BadSignature))?;
        let inquiry: Inquiry = house.verify(&message.inquiry, &from)?;
        let mismatch = |what: &str| not_what_was_signed(inquiry.id, what);
        if inquiry.from != from || inquiry.to != house.id || *inquiry.subject.session.party() != from {
            return Err(mismatch("inquiry"));
        }
        let [first, last] = message.hops.as_slice() else {
            return Err(mismatch("hops"));
        };
        let first: Hop = house.verify(first, &house.only("linkage")?.id)?;
        let (last, trustee): (Hop, _) = house.verify_trustee(last)?;
        if *last.to_session.party() != house.id {
            return Err(mismatch("hops.to_session"));
        }
        if let Some(what) = first_mismatch(message, &inquiry, &first, &last) {
            return Err(mismatch(what));
        }
        // In a person's name only the person asks: this door checks it for itself.
        if inquiry.right == Right::Person && !house.person_asks(&inquiry, message.person.as_ref())? {
            return Err(Problem::new(Reason::Unauthenticated).of(inquiry.id));
        }
        Ok((inquiry, last, trustee.id))
    }

    /// Has both transcryptors show the conversion that led here; a code that was not shown to be the inquirer's is not
    /// looked up.
    async fn have_conversions_shown(&self, message: &ToProvider, inquiry: &Inquiry) -> Result<(), Problem> {
        let house = &self.house;
        let mut taken = inquiry.subject.code.hash();
        // Both signatures are verified already: whoever signed a hop shows it.
        for hop in &message.hops {
            let signer = hop.claimed_party().map_err(|_| Problem::new(Reason::BadSignature))?;
            let transcryptor = house.party(&signer)?;
            let hop: Hop = house.verify(hop, &transcryptor.id)?;
            let given = hop.given.0.as_slice().try_into().map_err(|_| Problem::new(Reason::HopMismatch))?;
            let expected = Expected {
                from_session: inquiry.subject.session.clone(),
                to_session: hop.to_session,
                input: None,
                taken,
                given,
            };
            let demand = DemandProof { act: inquiry.id, target: Target::To };
            if let Err(reason) = house.demand_proof(&transcryptor, demand, Some(&expected)).await {
                tracing::error!(%reason, party = %transcryptor.id, act = %inquiry.id, "a conversion was not shown");
                house.raise_alarm(FindingKind::DishonestConversion, inquiry.id).await;
                return Err(Problem::with(Reason::BadConversion, transcryptor.id.to_string()).of(inquiry.id));
            }
            taken = given;
        }
        Ok(())
    }

    /// The facts about the person, and the content of the item if there is any.
    async fn find_person(
        &self,
        message: &ToProvider,
        inquiry: &Inquiry,
        last: &Hop,
    ) -> Result<Found, Problem> {
        let house = &self.house;
        let session = self.sessions.find(house, &last.to_session).await?;
        let code = session.secret.decrypt(&message.code);
        let code =
            code.map_err(|_| Problem::with(Reason::Malformed, "`code` does not open.").of(inquiry.id))?;
        let number = store::customer_of(house.road.db(), &house.storage, &code)
            .await
            .map_err(|error| own_database(&error))?;
        let guard = self.open_guard(inquiry);
        let mut facts = ProviderFacts {
            fits: true,
            code_known: number.is_some(),
            record_found: false,
            shielded: false,
            guard_agrees: false,
            item_offered: false,
        };
        let nobody = |facts| Found { facts, number: None, content: None, as_of: None };
        let Some(number) = number else { return Ok(nobody(facts)) };
        let held = self.held(&number, inquiry.item.as_str()).await;
        let Some(held) = held.map_err(|problem| problem.of(inquiry.id))? else { return Ok(nobody(facts)) };
        facts.record_found = true;
        let shielded_here = self.is_shielded(&number).await.map_err(|error| own_database(&error))?;
        facts.shielded = held.shielded || shielded_here;
        let acceptable = birth_and_sex(&held.attributes).acceptable();
        facts.guard_agrees = guard.is_some_and(|guard| acceptable.iter().any(|one| guard.agrees(one)));
        facts.item_offered = held.content.is_some();
        facts.fits = held
            .content
            .as_ref()
            .is_none_or(|content| content.get().len() <= house.defaults.largest_content());
        if !facts.fits {
            tracing::error!(act = %inquiry.id, item = %inquiry.item, "what is held is larger than an answer may be");
        }
        Ok(Found { facts, number: Some(number), content: held.content, as_of: held.as_of })
    }

    /// Opens the guard; a guard that does not open agrees with nothing.
    fn open_guard(&self, inquiry: &Inquiry) -> Option<GuardOpener> {
        let context = guard_name(&inquiry.from, &self.house.id, &inquiry.subject.session);
        let name = seal::sha256_parts(&[context.as_bytes(), &inquiry.guard.pair.0]);
        let held = self.guard_keys.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let key: Arc<GuardKey> = match held {
            Some(key) => key,
            None => {
                let key = Arc::new(GuardOpener::key(&self.house.sealing, &context, &inquiry.guard).ok()?);
                let mut keys = self.guard_keys.lock().unwrap_or_else(PoisonError::into_inner);
                if keys.len() >= 10_000 {
                    keys.clear();
                }
                keys.insert(name, Arc::clone(&key));
                key
            }
        };
        GuardOpener::open(&key, &inquiry.id, &inquiry.guard).ok()
    }
}

/// Whom a code led to, and what is held.
struct Found {
    facts: ProviderFacts,
    number: Option<String>,
    content: Option<Box<RawValue>>,
    /// When the copy was taken that it is from.
    as_of: Option<Moment>,
}

struct AnswerInquiry {
    gateway: Arc<Gateway>,
    jws: Jws,
    inquiry: Inquiry,
    /// The replica it came from.
    trustee: PartyId,
    found: Found,
    /// How it stands with the clerks, where the item is theirs to decide on.
    wait: Option<Wait>,
}

impl AnswerInquiry {
    /// Pads, seals to the inquiry's reply key, and signs what was sealed.
    fn seal(&self, answer: &Answer, mut record: Record) -> Result<Protected, Failure> {
        let house = &self.gateway.house;
        let hash = self.jws.hash();
        let info = [ANSWER_INFO, &hash].concat();
        let plain = answer.prefixed();
        let (key, class) = (&self.inquiry.reply_key, house.defaults.size_class(plain.len()));
        let sealed = key.seal_parts(&info, self.inquiry.id.bytes(), &plain, class, &house.dice);
        let sealed = sealed.map_err(|_| Failure::with(Reason::Malformed, "`reply_key` is no key."))?;
        if !matches!(answer, Answer::NotAnswered) {
            record.set("content", answer.commitment(&sealed.salt));
        }
        let statement = ReplyStatement {
            id: self.inquiry.id,
            inquiry: hash.into(),
            sealed: B64::from(seal::sha256(&sealed.bytes)),
        };
        record.set("inquiry", words::hex(&hash));
        let statement = house.sign(&statement);
        let reply = house.reply_to_keep(statement, sealed.bytes)?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}

impl Verb for AnswerInquiry {
    const NAME: &'static str = "answer";
    type Permit = Permit<rules::Answer>;
    type Acted = Answer;

    fn label(&self) -> String {
        self.inquiry.affair.to_string()
    }

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let (inquiry, facts, defaults) = (&self.inquiry, &self.found.facts, &self.gateway.house.defaults);
        let (right, at, deadline) = (inquiry.right, inquiry.at, inquiry.deadline);
        let decided = match &self.wait {
            None => decide_answer(right, at, deadline, facts, defaults, now),
            Some(wait) => decide_late_answer(right, at, deadline, wait.late, facts, defaults, now),
        };
        decided.map_err(|(refusal, truth)| Refused { reason: refusal.reason, truth: Some(truth) })
    }

    /// Items 8 and 10 of the law's twelve: department and terminal; who asked for what.
    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("department", &self.gateway.department)
            // No clerk answers: the institution's own gateway is the terminal.
            .set("terminal", &self.gateway.house.id)
            .set("inquirer", &self.inquiry.from)
            .set("trustee", &self.trustee)
            .set("affair", &self.inquiry.affair)
            .set("item", &self.inquiry.item)
            .set("right", self.inquiry.right.as_str());
        if let Some(first) = &self.inquiry.follows {
            record.set("follows", first);
        }
        record
    }

    /// An inquiry that a clerk must decide on is kept with the decision to let it wait.
    fn on_decision(&self, decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        let new = self.inquiry.follows.is_none() && decided.is_ok();
        let wait = self.wait.filter(|wait| wait.late == Late::Waits && new)?;
        Some(self.gateway.keep_waiting(&self.inquiry, self.found.number.as_deref(), wait.until))
    }

    /// A guard that does not agree is a wrong link or an exchanged subject: oversight hears of it.
    fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        let mismatch = decided.err().is_some_and(|refused| refused.truth == Some("guard_mismatch"));
        let house = &self.gateway.house;
        let (true, Ok(oversight)) = (mismatch, house.only("oversight")) else { return Vec::new() };
        let case = OpenCase { kind: CaseKind::GuardMismatch, act: self.inquiry.id, at: house.now() };
        let body = serde_json::to_vec(&case).unwrap_or_default();
        vec![Parcel { destination: oversight.id, path: CASES, body, held: false }]
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Answer, Failure> {
        if let Some(Wait { late: Late::Waits, until }) = self.wait {
            return Ok(Answer::Later { until });
        }
        let content = self.found.content.clone().ok_or_else(|| Failure::new(Reason::Internal))?;
        Ok(Answer::Answered { content, as_of: self.found.as_of })
    }

    fn protect(&self, _permit: &Self::Permit, answer: Answer) -> Result<Protected, Failure> {
        self.seal(&answer, Record::new())
    }

    fn protect_refusal(&self, refused: &Refused) -> Option<Result<Protected, Failure>> {
        (refused.reason == Reason::NotAnswered).then(|| self.seal(&Answer::NotAnswered, Record::new()))
    }
}
