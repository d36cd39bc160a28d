//! The issue of link codes to an institution: its customers matched, each row encrypted, on to linkage.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, Law, json_bytes, told};
use protocol::index::hash_of;
use protocol::issue::{
    self, Attributes, Order, ROWS_INFO, RowStatus, Rows, STATUS_INFO, Stored, ToLinkage, ToRegistry,
};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Issue, IssueFacts, IssueRequest, Pace, Permit, decide_issue};
use seal::{EncryptedCode, IndividualNumber, Jws, OpenCode, PersonPoint};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason, Scheme};

use crate::people::{Anchor, Found, for_matching};
use crate::{Here, Registry, store};

/// The anchor of nobody: index entries of rows that were not matched go to it. The portal has a code for it like
/// for any resident, so that neither linkage nor trustee can tell such rows, and no alarm is raised.
pub(crate) const NOBODY: Anchor = [0; 32];

pub(crate) async fn issue(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToRegistry>,
) -> Result<Response, Problem> {
    let registry = here.0;
    let house = &registry.house;
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let message = body.message;
    let order: Order = house.verify(&message.order, &party.id)?;
    if order.from != party.id || *order.session.party() != party.id || !order.id.is_batch() {
        return Err(Problem::with(
            Reason::WrongCaller,
            "`from`, `session` or `id` is not the sender's to use.",
        )
        .of(order.id));
    }
    if order.sealed != B64::from(seal::sha256(&message.sealed.0)) {
        return Err(Problem::with(Reason::HopMismatch, "`sealed` is not what was signed.").of(order.id));
    }
    let opened = house.sealing.open(ROWS_INFO, order.id.bytes(), &message.sealed.0);
    let opened = opened.map_err(|_| {
        Problem::with(Reason::Malformed, "The rows are not sealed to this registry.").of(order.id)
    })?;
    let customers: Vec<Attributes> =
        wire::read_json(&opened.plaintext).map_err(|problem| problem.of(order.id))?;
    if u32::try_from(customers.len()).ok() != Some(order.rows) {
        return Err(Problem::with(Reason::Malformed, "`rows` is not the number of rows.").of(order.id));
    }
    let arrival = Arrival { id: order.id, caller: party.id.to_string(), request_hash: message.order.hash() };
    let law = house.law();
    let verb = IssueCodes { registry: Arc::clone(&registry), order, jws: message.order, customers, law };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct IssueCodes {
    registry: Arc<Registry>,
    order: Order,
    jws: Jws,
    customers: Vec<Attributes>,
    law: Option<Arc<Law>>,
}

/// What acting yields: linkage's answer, and for whom codes were issued.
pub(crate) struct Issued {
    stored: Stored,
    anchors: Vec<Anchor>,
    counts: [usize; 3],
}

impl Verb for IssueCodes {
    const NAME: &'static str = "issue";
    type Permit = Permit<Issue>;
    type Acted = Issued;

    fn label(&self) -> String {
        self.order.from.to_string()
    }

    fn weight(&self) -> u32 {
        self.order.rows
    }

    fn decide(&self, pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let law = self.law.as_ref().ok_or(Reason::ListTooOld)?;
        let facts = IssueFacts {
            institution: law.accreditation(&self.order.from),
            for_portal: false,
            documents_valid_until: law.valid_until(),
            rows_last_hour: pace.last_hour,
            defaults: &self.registry.house.defaults,
        };
        Ok(decide_issue(&IssueRequest { at: self.order.at, rows: self.customers.len() }, &facts, now)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("institution", &self.order.from)
            .set("rows", self.order.rows)
            .set("sealed", &self.order.sealed);
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Issued, Failure> {
        let registry = &self.registry;
        let house = &registry.house;
        let found = registry.match_all(&self.customers).await.map_err(Failure::new)?;
        let linked: Vec<Anchor> = found
            .iter()
            .filter_map(|found| if let Found::Linked(anchor) = found { Some(*anchor) } else { None })
            .collect();
        let before =
            store::issued_before(house.road.db(), &house.storage, &self.order.from, self.order.id, &linked)
                .await?;
        // A resident whose code this institution has under another customer number: a person must look.
        let found: Vec<Found> = found
            .into_iter()
            .map(|one| {
                if matches!(one, Found::Linked(anchor) if before.contains(&anchor)) {
                    Found::Review
                } else {
                    one
                }
            })
            .collect();
        let status: Vec<RowStatus> = found
            .iter()
            .map(|found| match found {
                Found::Linked(_) => RowStatus::Linked,
                Found::Review => RowStatus::Review,
                Found::None => RowStatus::None,
            })
            .collect();
        let institution = house.party(&self.order.from).map_err(Failure::new)?;
        let plain = serde_json::to_vec(&status).map_err(|_| Failure::new(Reason::Internal))?;
        let sealed = institution.sealing.seal(STATUS_INFO, self.order.id.bytes(), &plain, &house.dice);
        let sealed = B64::from(sealed.map_err(|_| Failure::new(Reason::Internal))?.bytes);
        let subjects = found
            .iter()
            .map(|found| if let Found::Linked(anchor) = found { Some(*anchor) } else { None })
            .collect::<Vec<_>>();
        let index = subjects.iter().map(|subject| Some(subject.unwrap_or(NOBODY))).collect();
        let session = registry.sessions.current(house).await.map_err(Failure::new)?;
        let (codes, index) =
            (registry.encrypt(&session, subjects.clone()).await?, registry.encrypt(&session, index).await?);
        let rows = Rows {
            id: self.order.id,
            to: self.order.from.clone(),
            to_epoch: self.order.epoch,
            to_session: self.order.session.clone(),
            from_session: session.name.clone(),
            rows: self.order.rows,
            codes: hash_of(&codes),
            index: hash_of(&index),
            status: B64::from(seal::sha256(&sealed.0)),
            at: house.now(),
            asserted_until: None,
        };
        let message = ToLinkage {
            order: Some(self.jws.clone()),
            rows: house.sign(&rows),
            codes,
            index,
            status: sealed,
        };
        let stored = registry.pass_on(&message).await?;
        let count = |wanted| status.iter().filter(|status| **status == wanted).count();
        let counts = [count(RowStatus::Linked), count(RowStatus::Review), count(RowStatus::None)];
        Ok(Issued { stored, anchors: subjects.into_iter().flatten().collect(), counts })
    }

    fn protect(&self, _permit: &Self::Permit, issued: Issued) -> Result<Protected, Failure> {
        let [linked, review, none] = issued.counts;
        let mut record = Record::new();
        record.set("linked", linked).set("review", review).set("none", none);
        let reply = serde_json::to_vec(&issued.stored).map_err(|_| Failure::new(Reason::Internal))?;
        let (party, batch) = (self.order.from.clone(), self.order.id);
        let rows = store::issued_rows(&self.registry.house.storage, &party, &issued.anchors);
        Ok(Protected {
            reply,
            record,
            writes: Some(Box::new(move |write| store::note_issued(write, &party, batch, &rows))),
            keep: true,
        })
    }
}

impl Registry {
    async fn match_all(self: &Arc<Self>, customers: &[Attributes]) -> Result<Vec<Found>, Reason> {
        let (registry, customers) =
            (Arc::clone(self), customers.iter().map(for_matching).collect::<Vec<_>>());
        House::compute(move || {
            registry.people.read().unwrap_or_else(PoisonError::into_inner).find_all(&customers)
        })
        .await
    }

    /// Encrypts each person's point under the registry's session; `None` is a fresh random point.
    pub(crate) async fn encrypt(
        self: &Arc<Self>,
        session: &Arc<house::OwnSession>,
        subjects: Vec<Option<Anchor>>,
    ) -> Result<Vec<EncryptedCode>, Failure> {
        let (registry, session) = (Arc::clone(self), Arc::clone(session));
        if registry.house.country.scheme == Scheme::Number {
            return registry.encrypt_numbers(&session, subjects).await;
        }
        let encrypted = House::compute(move || {
            let dice = &registry.house.dice;
            let point = |anchor: Option<Anchor>| {
                anchor.map_or_else(|| PersonPoint::nobody(dice), |anchor| registry.person_key.person(&anchor))
            };
            subjects.into_iter().map(|anchor| point(anchor).encrypt(session.secret.public(), dice)).collect()
        });
        encrypted.await.map_err(Failure::new)
    }

    /// Scheme 1, in a laboratory: each person's number; `None` is a fresh one, and nobody's is all zeros.
    async fn encrypt_numbers(
        &self,
        session: &Arc<house::OwnSession>,
        subjects: Vec<Option<Anchor>>,
    ) -> Result<Vec<EncryptedCode>, Failure> {
        let house = &self.house;
        let anchors = subjects.iter().flatten().filter(|anchor| **anchor != NOBODY).copied().collect();
        let numbers = store::numbers(house.road.db(), anchors).await?;
        let number = |subject: Option<Anchor>| match subject {
            None => Ok(IndividualNumber::draw(&house.dice)),
            Some(NOBODY) => IndividualNumber::parse("000000000000"),
            Some(anchor) => numbers
                .get(&anchor)
                .ok_or(seal::SealError::DoesNotOpen)
                .and_then(|sealed| IndividualNumber::open(&house.storage, "resident", &anchor, sealed)),
        };
        let encrypt = |subject| {
            let code = OpenCode::of_number(&number(subject)?).to_link_code()?;
            Ok(PersonPoint::from(code).encrypt(session.secret.public(), &house.dice))
        };
        let encrypted: Result<Vec<_>, seal::SealError> = subjects.into_iter().map(encrypt).collect();
        encrypted.map_err(|_| Failure::new(Reason::Internal))
    }

    /// Sends a batch to linkage.
    pub(crate) async fn pass_on(&self, message: &ToLinkage) -> Result<Stored, Failure> {
        let linkage = self.house.only("linkage").map_err(Failure::new)?;
        let stored = self.house.post(&linkage, issue::PATH, message, Duration::from_secs(40)).await;
        stored.map_err(|error| Failure::with(error.reason(), "from linkage onward"))
    }
}
