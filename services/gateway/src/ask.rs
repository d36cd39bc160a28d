//! A clerk asks: a customer number in, the content out, and never a code between.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::desk::{Ask, Told};
use protocol::inquiry::{self, ANSWER_INFO, Answer, Inquiry, Reply, ReplyStatement, ToLinkage};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{AskFacts, Pace, Permit, Role, decide_ask};
use seal::{Jws, LinkCode, SealingKey};
use serde_json::value::RawValue;
use wire::{CallError, Caller, Json, Problem};
use words::{ActId, B64, Moment, Reason, Right, StaffId};

use crate::compose::Wanted;
use crate::error::{bad_reply, own_database, own_system};
use crate::policy::BirthAndSex;
use crate::{Gateway, Here, store};

pub(crate) async fn ask(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Ask>,
) -> Result<Response, Problem> {
    let gateway = here.0;
    let house = &gateway.house;
    let Caller::Inner { name, role } = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let ask = body.message;
    let id = ask.id.unwrap_or_else(|| ActId::new(house.world.random()));
    let customer =
        gateway.connector.customer(&ask.customer).await.map_err(|error| own_system(&error).of(id))?;
    let code = store::code_of(house.road.db(), &house.storage, &ask.customer)
        .await
        .map_err(|error| own_database(&error))?;
    let verb = AskProvider {
        facts: AskFacts { role: *role, customer_known: customer.is_some(), code_held: code.is_some() },
        person: customer.map(|customer| BirthAndSex::of(&customer.attributes)),
        code,
        wanted: Wanted {
            id,
            affair: ask.affair,
            item: ask.item,
            provider: ask.provider,
            staff: StaffId::parse(name)?,
        },
        gateway: Arc::clone(&gateway),
    };
    let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct AskProvider {
    gateway: Arc<Gateway>,
    wanted: Wanted,
    facts: AskFacts,
    person: Option<BirthAndSex>,
    code: Option<LinkCode>,
}

/// What came back, opened and verified.
pub(crate) struct Opened {
    pub(crate) content: Box<RawValue>,
    inquiry_hash: seal::Sha256,
    salt: [u8; 32],
}

impl Verb for AskProvider {
    const NAME: &'static str = "ask";
    type Permit = Permit<rules::Ask>;
    type Acted = Opened;

    fn label(&self) -> String {
        self.wanted.affair.to_string()
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_ask(Right::Law, &self.facts)?)
    }

    /// Items 7, 9 and 12 of the law's twelve: department, terminal and use; the person's number stays in the own
    /// register, here stands its keyed index.
    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("department", &self.gateway.department)
            .set("staff", &self.wanted.staff)
            .set("use", &self.wanted.affair)
            .set("provider", &self.wanted.provider)
            .set("affair", &self.wanted.affair)
            .set("item", &self.wanted.item);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Opened, Failure> {
        let (Some(code), Some(person)) = (&self.code, &self.person) else {
            return Err(Failure::new(Reason::NoCode));
        };
        let (inquiry, reply_key) =
            self.gateway.compose(&self.wanted, code, person).await.map_err(Failure::new)?;
        let jws = self.gateway.house.sign(&inquiry);
        let reply = self.gateway.send(&inquiry, &jws).await?;
        self.gateway.open_reply(&inquiry, &jws, &reply_key, &reply)
    }

    fn protect(&self, _permit: &Self::Permit, opened: Opened) -> Result<Protected, Failure> {
        let mut record = Record::new();
        // Item 11, content provided: both ends commit to the same hash, and nobody between can.
        record
            .set("inquiry", words::hex(&opened.inquiry_hash))
            .set("content", commitment(&opened.salt, opened.content.get()));
        let reply = serde_json::to_vec(&Told { id: self.wanted.id, content: opened.content })
            .map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}

/// The commitment to item 11, the same at both ends: the salt comes from the reply's HPKE exporter.
pub(crate) fn commitment(salt: &[u8; 32], content: &str) -> String {
    words::hex(&seal::sha256_parts(&[b"musubi/item-11/v1", salt, content.as_bytes()]))
}

impl Gateway {
    /// Sends an inquiry to linkage; once more, the same bytes, if the connection broke: a repeat is the same act.
    pub(crate) async fn send(&self, inquiry: &Inquiry, jws: &Jws) -> Result<Reply, Failure> {
        let linkage = self.house.only("linkage").map_err(Failure::new)?;
        let message = ToLinkage { inquiry: jws.clone() };
        let mut tries = 0;
        loop {
            let left = inquiry.deadline.since_ms(self.house.now());
            let within = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            match self.house.post(&linkage, inquiry::PATH, &message, within).await {
                Ok(reply) => return Ok(reply),
                Err(CallError::Unreachable) if tries == 0 => tries += 1,
                Err(error) => return Err(Failure::with(error.reason(), "from linkage onward")),
            }
        }
    }

    /// Verifies the provider's signature over the sealed answer, then opens it.
    pub(crate) fn open_reply(
        &self,
        inquiry: &Inquiry,
        jws: &Jws,
        key: &SealingKey,
        reply: &Reply,
    ) -> Result<Opened, Failure> {
        let statement: ReplyStatement =
            self.house.verify(&reply.statement, &inquiry.to).map_err(|_| bad_reply("statement"))?;
        let hash = jws.hash();
        if statement.id != inquiry.id || statement.inquiry != B64::from(hash) {
            return Err(bad_reply("statement.inquiry"));
        }
        if statement.sealed != B64::from(seal::sha256(&reply.sealed.0)) {
            return Err(bad_reply("statement.sealed"));
        }
        let info = [ANSWER_INFO, &hash].concat();
        let opened = key.open(&info, inquiry.id.bytes(), &reply.sealed.0).map_err(|_| bad_reply("sealed"))?;
        match Answer::unpad(&opened.plaintext) {
            Some(Answer::Answered { content }) => {
                Ok(Opened { content, inquiry_hash: hash, salt: opened.salt })
            }
            Some(Answer::NotAnswered) => Err(Failure::new(Reason::NotAnswered)),
            None => Err(bad_reply("answer")),
        }
    }
}

/// Roles that may ask; here so that the table of routes and the decision are read together.
pub(crate) const ASKERS: &[Role] = &[Role::Clerk];
