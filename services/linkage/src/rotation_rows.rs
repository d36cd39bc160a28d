//! The rows of a rotation at linkage: an institution's own codes, converted from their epoch to the one that was opened.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{Law, json_bytes, told};
use protocol::index::hash_of;
use protocol::issue::{IssueHop, Stored};
use protocol::rotation::{ROWS, RotationRows, ToLinkage, ToTrustee};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Issue, IssueFacts, IssueRequest, Pace, Permit, decide_issue};
use seal::EncryptedCode;
use wire::{Caller, Json, Problem};
use words::{Moment, Reason};

use crate::error::not_the_sender;
use crate::{Here, Linkage};

pub(crate) async fn rotation_rows(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToLinkage>,
) -> Result<Response, Problem> {
    let linkage = here.0;
    let Caller::Party(party) = caller else { return Err(not_the_sender()) };
    let message = body.message;
    let rows: RotationRows = linkage.house.verify(&message.rows, &party.id)?;
    if rows.from != party.id || *rows.session.party() != party.id || !rows.id.is_batch() {
        return Err(not_the_sender().of(rows.id));
    }
    let counted = usize::try_from(rows.rows).unwrap_or(usize::MAX) == message.codes.len();
    if !counted || hash_of(&message.codes) != rows.codes {
        return Err(Problem::with(Reason::HopMismatch, "`codes` is not what was signed.").of(rows.id));
    }
    let service = &linkage.conversions;
    let session = service.usable(&rows.session, linkage.house.now())?;
    if session.epoch != rows.epoch || service.epochs(&party.id).upcoming != Some(rows.to_epoch) {
        return Err(
            Problem::with(Reason::OldCode, "No rotation from `epoch` to `to_epoch` is open.").of(rows.id)
        );
    }
    let given = service.convert_to_next(&session, rows.to_epoch, rows.id, message.codes.clone()).await?;
    let arrival = Arrival { id: rows.id, caller: party.id.to_string(), request_hash: message.rows.hash() };
    let law = linkage.house.law();
    let verb = ConvertRows { linkage: Arc::clone(&linkage), rows, message, given, law };
    linkage.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct ConvertRows {
    linkage: Arc<Linkage>,
    rows: RotationRows,
    message: ToLinkage,
    given: Vec<EncryptedCode>,
    law: Option<Arc<Law>>,
}

impl Verb for ConvertRows {
    const NAME: &'static str = "rotation_rows";
    type Permit = Permit<Issue>;
    type Acted = Stored;

    fn label(&self) -> String {
        self.rows.from.to_string()
    }

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let law = self.law.as_ref().ok_or(Reason::ListTooOld)?;
        let facts = IssueFacts {
            institution: law.accreditation(&self.rows.from),
            for_portal: false,
            documents_valid_until: law.valid_until(),
            // Nobody is given a code who had none: the rate of issues does not bound a rotation.
            rows_last_hour: 0,
            defaults: &self.linkage.house.defaults,
        };
        Ok(decide_issue(&IssueRequest { at: self.rows.at, rows: self.message.codes.len() }, &facts, now)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("institution", &self.rows.from)
            .set("rows", self.rows.rows)
            .set("epoch", self.rows.to_epoch)
            .set("taken", &self.rows.codes)
            .set("given", hash_of(&self.given));
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Stored, Failure> {
        let house = &self.linkage.house;
        let hop = IssueHop {
            id: self.rows.id,
            rows: self.message.rows.hash().into(),
            taken: self.rows.codes.clone(),
            given: hash_of(&self.given),
        };
        let message =
            ToTrustee { rows: self.message.rows.clone(), hop: house.sign(&hop), codes: self.given.clone() };
        let trustee = house.only("trustee").map_err(Failure::new)?;
        let stored = house.post(&trustee, ROWS, &message, Duration::from_secs(30)).await;
        stored.map_err(|error| Failure::with(error.reason(), "from the trustee onward"))
    }

    fn protect(&self, _permit: &Self::Permit, stored: Stored) -> Result<Protected, Failure> {
        serde_json::to_vec(&stored).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
