//! A clerk asks: a customer number in, the content out, and never a code between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{BoxFuture, OpenedReply, json_bytes, told};
use matching::BirthAndSex;
use protocol::desk::{Ask, AskRow, AskState, Asked, Told, Waiting};
use protocol::inquiry::Answer;
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{AskFacts, Pace, Permit, Role, decide_ask};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, Reason, Right, StaffId};

use crate::asked::{self, Standing};
use crate::compose::Wanted;
use crate::error::{own_database, own_system};
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
    pub(crate) fn ask<'a>(
        self: &'a Arc<Self>,
        asker: &'a Asker,
        id: ActId,
        row: AskRow,
        follows: Option<ActId>,
    ) -> BoxFuture<'a, Result<Vec<u8>, Problem>> {
        Box::pin(async move {
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
                person: customer.map(|customer| birth_and_sex(&customer.attributes)),
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
                closed: Arc::default(),
                gateway: Arc::clone(self),
            };
            let closed = Arc::clone(&verb.closed);
            let arrival = Arrival { id, caller: caller.label(), request_hash: request };
            let kept_under = follows.unwrap_or(id);
            match house.road.travel(arrival, verb).await {
                Ok(spoken) => {
                    // The same act again, from its stored reply: the row may still say that it is under way.
                    if !closed.load(Ordering::Relaxed) {
                        self.keep_spoken(kept_under, &spoken).await;
                    }
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
        })
    }

    async fn keep_spoken(&self, id: ActId, spoken: &[u8]) {
        let Ok(told) = serde_json::from_slice::<Told>(spoken) else { return };
        let content = Some(asked::seal_content(&self.house.storage, &id, &told.content));
        let standing = Standing { content, as_of: told.as_of, ..Standing::of(AskState::Answered) };
        self.keep_standing(id, standing).await;
    }

    /// What is told plainly and may pass is not the end of an answer that waits, nor of a row of a batch: the one is looked
    /// for again, the other tried again.
    async fn keep_stop(&self, id: ActId, reason: Reason, picks_up: bool) {
        if passes(reason) && (picks_up || self.queue_again(id).await) {
            return;
        }
        let refused = reason.status() < 500 && reason != Reason::NotAnswered;
        let state = if refused { AskState::Refused } else { AskState::Failed };
        self.keep_standing(id, Standing::ended(state, reason)).await;
    }

    async fn queue_again(&self, id: ActId) -> bool {
        let (db, key, now) = (self.house.road.db(), &self.house.storage, self.house.now());
        asked::queue_again(db, key, id, now).await.unwrap_or_else(|error| {
            tracing::error!(%error, act = %id, "a row of a batch cannot be queued again");
            false
        })
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

/// Whether the same question may well be answered a little later.
pub(crate) fn passes(reason: Reason) -> bool {
    matches!(reason.status(), 429 | 500..) && reason != Reason::NotAnswered
}

struct AskProvider {
    gateway: Arc<Gateway>,
    wanted: Wanted,
    row: AskRow,
    facts: AskFacts,
    person: Option<BirthAndSex>,
    code: Option<store::HeldCodes>,
    /// Whether this call reached the outcome, with which the row is written.
    closed: Arc<AtomicBool>,
}

impl Verb for AskProvider {
    const NAME: &'static str = "ask";
    type Permit = Permit<rules::Ask>;
    type Acted = OpenedReply;

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

    async fn act(&self, _permit: &Self::Permit) -> Result<OpenedReply, Failure> {
        let (Some(code), Some(person)) = (&self.code, &self.person) else {
            return Err(Failure::new(Reason::NoCode));
        };
        let (inquiry, reply_key) =
            self.gateway.compose(&self.wanted, code, person).await.map_err(Failure::new)?;
        let jws = self.gateway.house.sign(&inquiry);
        let house = &self.gateway.house;
        house.inquire(&inquiry, &jws, &reply_key, None).await
    }

    fn protect(&self, _permit: &Self::Permit, opened: OpenedReply) -> Result<Protected, Failure> {
        let mut record = Record::new();
        // Item 11, content provided: both ends commit to the same hash, and nobody between can.
        record
            .set("inquiry", words::hex(&opened.inquiry_hash))
            .set("content", opened.answer.commitment(&opened.salt));
        let house = &self.gateway.house;
        let (id, now) = (self.wanted.follows.unwrap_or(self.wanted.id), house.now());
        let (standing, reply) = match opened.answer {
            Answer::Answered { content, as_of } => {
                let sealed = asked::seal_content(&house.storage, &id, &content);
                let standing = Standing { content: Some(sealed), as_of, ..Standing::of(AskState::Answered) };
                (standing, serde_json::to_vec(&Told { id, content, as_of }))
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
        self.closed.store(true, Ordering::Relaxed);
        let writes: RoomWrite = Box::new(move |write| asked::set(write, &id, &standing, now));
        Ok(Protected { reply, record, writes: Some(writes), keep: true })
    }
}

/// Birth date and sex as this institution holds them, in the form both ends compare.
pub(crate) fn birth_and_sex(attributes: &protocol::issue::Attributes) -> BirthAndSex {
    BirthAndSex::of(&attributes.birth, &attributes.sex)
}

/// Roles that may ask; here so that the table of routes and the decision are read together.
pub(crate) const ASKERS: &[Role] = &[Role::Clerk];
