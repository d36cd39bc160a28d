//! A clerk asks: a customer number in, the content out, and never a code between.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::desk::{Ask, AskRow, AskState, Asked, Told, Waiting};
use protocol::inquiry::{self, ANSWER_INFO, Answer, Inquiry, Reply, ReplyStatement, ToLinkage};
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{AskFacts, Pace, Permit, Role, decide_ask};
use seal::{Jws, LinkCode, SealingKey};
use wire::{CallError, Caller, Json, Problem};
use words::{ActId, B64, Moment, Reason, Right, StaffId};

use crate::asked::{self, Standing};
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
    let Caller::Inner { name, role } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let Ask { id, customer, affair, item, provider } = body.message;
    let id = id.unwrap_or_else(|| ActId::new(gateway.house.world.random()));
    let row = AskRow { customer, affair, item, provider };
    let spoken = gateway.ask(&Asker { name, role, staff: None }, id, row, None).await?;
    let waits = serde_json::from_slice::<Waiting>(&spoken).is_ok();
    let mut response = json_bytes(spoken);
    if waits {
        *response.status_mut() = axum::http::StatusCode::ACCEPTED;
    }
    Ok(response)
}

/// `GET /inquiries/{id}`: how an own inquiry stands.
pub(crate) async fn asked(
    State(here): State<Here>,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Result<axum::Json<Asked>, Problem> {
    let (id, house) = (ActId::parse(&id)?, &here.0.house);
    let kept = asked::one(house.road.db(), &house.storage, id).await.map_err(|error| own_database(&error))?;
    kept.map(|kept| axum::Json(kept.asked)).ok_or(Problem::new(Reason::NotFound).of(id))
}

/// Who asks, on duty at this institution.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The person on duty behind the key of a system; the key's own name where it names none.
    pub(crate) staff: Option<StaffId>,
}

impl Gateway {
    /// Asks, and keeps how it stands. `follows`: the act whose late answer is picked up. The JSON is a [`Told`] or a
    /// [`Waiting`].
    pub(crate) async fn ask(
        self: &Arc<Self>,
        asker: &Asker,
        id: ActId,
        row: AskRow,
        follows: Option<ActId>,
    ) -> Result<Vec<u8>, Problem> {
        let house = &self.house;
        let customer =
            self.connector.customer(&row.customer).await.map_err(|error| own_system(&error).of(id))?;
        let code = store::code_of(house.road.db(), &house.storage, &row.customer)
            .await
            .map_err(|error| own_database(&error))?;
        let request = seal::sha256(&serde_json::to_vec(&(&row, &follows)).unwrap_or_default());
        let caller = Caller::Inner { name: asker.name.clone(), role: asker.role };
        let verb = AskProvider {
            facts: AskFacts {
                role: asker.role,
                customer_known: customer.is_some(),
                code_held: code.is_some(),
            },
            person: customer.map(|customer| BirthAndSex::of(&customer.attributes)),
            code,
            wanted: Wanted {
                id,
                affair: row.affair.clone(),
                item: row.item.clone(),
                provider: row.provider.clone(),
                staff: asker.staff.clone().map_or_else(|| StaffId::parse(&asker.name), Ok)?,
                follows,
            },
            row,
            gateway: Arc::clone(self),
        };
        let arrival = Arrival { id, caller: caller.label(), request_hash: request };
        let kept_under = follows.unwrap_or(id);
        match house.road.travel(arrival, verb).await {
            Ok(spoken) => {
                // The same act again, from its stored reply: the row may still say that it is under way.
                self.keep_spoken(kept_under, &spoken).await;
                Ok(spoken)
            }
            Err(stop) => {
                // An id that was used for something else says nothing of the first act.
                if stop.reason != Reason::Replayed {
                    self.keep_stop(kept_under, stop.reason, follows.is_some()).await;
                }
                Err(told(stop))
            }
        }
    }

    async fn keep_spoken(&self, id: ActId, spoken: &[u8]) {
        let Ok(told) = serde_json::from_slice::<Told>(spoken) else { return };
        let content = asked::seal_content(&self.house.storage, &id, &told.content);
        self.keep_standing(id, Standing { content: Some(content), ..Standing::of(AskState::Answered) }).await;
    }

    /// What is told plainly and may pass is not the end of an answer that waits: it is looked for again.
    async fn keep_stop(&self, id: ActId, reason: Reason, picks_up: bool) {
        let passing = matches!(reason.status(), 429 | 500..) && reason != Reason::NotAnswered;
        if picks_up && passing {
            return;
        }
        let refused = reason.status() < 500 && reason != Reason::NotAnswered;
        let state = if refused { AskState::Refused } else { AskState::Failed };
        self.keep_standing(id, Standing::ended(state, reason)).await;
    }

    async fn keep_standing(&self, id: ActId, standing: Standing) {
        let now = self.house.now();
        let set =
            self.house.road.db().write("asked", move |write| asked::set(write, &id, &standing, now)).await;
        if let Err(error) = set {
            tracing::error!(%error, act = %id, "how an ask stands cannot be kept");
        }
    }
}

struct AskProvider {
    gateway: Arc<Gateway>,
    wanted: Wanted,
    row: AskRow,
    facts: AskFacts,
    person: Option<BirthAndSex>,
    code: Option<LinkCode>,
}

/// What came back, opened and verified.
pub(crate) struct Opened {
    /// Never [`Answer::NotAnswered`].
    pub(crate) answer: Answer,
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
        if let Some(first) = &self.wanted.follows {
            record.set("follows", first);
        }
        record
    }

    /// The clerk's own list: what was asked, by whom; for an answer picked up the first act stands there already.
    fn on_decision(&self, _decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        let (key, now) = (&self.gateway.house.storage, self.gateway.house.now());
        let new = self.wanted.follows.is_none();
        new.then(|| asked::begin(key, self.wanted.id, &self.row, self.wanted.staff.as_str(), now))
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
            .set("content", commitment(&opened.salt, &committed(&opened.answer)));
        let house = &self.gateway.house;
        let (id, now) = (self.wanted.follows.unwrap_or(self.wanted.id), house.now());
        let (standing, reply) = match opened.answer {
            Answer::Answered { content } => {
                let sealed = asked::seal_content(&house.storage, &id, &content);
                let standing = Standing { content: Some(sealed), ..Standing::of(AskState::Answered) };
                (standing, serde_json::to_vec(&Told { id, content }))
            }
            Answer::Later { until } => {
                record.set("until", until);
                let look_at = Some(now.plus_ms(self.gateway.look_again_ms));
                let standing = Standing { until: Some(until), look_at, ..Standing::of(AskState::Waiting) };
                (standing, serde_json::to_vec(&Waiting { id, until }))
            }
            Answer::NotAnswered => return Err(Failure::new(Reason::NotAnswered)),
        };
        let reply = reply.map_err(|_| Failure::new(Reason::Internal))?;
        let writes: RoomWrite = Box::new(move |write| asked::set(write, &id, &standing, now));
        Ok(Protected { reply, record, writes: Some(writes), keep: true })
    }
}

/// What item 11 commits to: the content, or until when it is promised.
pub(crate) fn committed(answer: &Answer) -> String {
    match answer {
        Answer::Answered { content } => content.get().to_owned(),
        Answer::Later { until } => format!("later/{}", until.0),
        Answer::NotAnswered => String::new(),
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
            Some(Answer::NotAnswered) => Err(Failure::new(Reason::NotAnswered)),
            Some(answer) => Ok(Opened { answer, inquiry_hash: hash, salt: opened.salt }),
            None => Err(bad_reply("answer")),
        }
    }
}

/// Roles that may ask; here so that the table of routes and the decision are read together.
pub(crate) const ASKERS: &[Role] = &[Role::Clerk];
