//! An issue of link codes at linkage: rows half converted to the institution, and half converted to the portal for
//! the index of each person's own records.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::Converted;
use house::{Law, json_bytes, told};
use protocol::directory::Entry;
use protocol::index::{HALF_PATH, HalfIndex, hash_of};
use protocol::issue::{self, IssueHop, Order, Rows, Stored, ToLinkage, ToTrustee};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Issue, IssueFacts, IssueRequest, Pace, Permit, decide_issue};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason};

use crate::{Here, Linkage};

/// How long the trustee and the institution behind it are given.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn issue(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToLinkage>,
) -> Result<Response, Problem> {
    let linkage = here.0;
    let Caller::Party(registry) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let message = body.message;
    let rows: Rows = linkage.house.verify(&message.rows, &registry.id)?;
    let mismatch = |what: &str| {
        Problem::with(Reason::HopMismatch, format!("`{what}` is not what was signed.")).of(rows.id)
    };
    let counted =
        usize::try_from(rows.rows).unwrap_or(usize::MAX) == message.codes.len() && rows.id.is_batch();
    if !counted || rows.from_session.party() != &registry.id || hash_of(&message.codes) != rows.codes {
        return Err(mismatch("codes"));
    }
    if hash_of(&message.index) != rows.index || B64::from(seal::sha256(&message.status.0)) != rows.status {
        return Err(mismatch("index"));
    }
    // Codes for an institution need its own signed order; the portal is served by the registry's duty.
    let for_portal = linkage.house.only("portal")?.id == rows.to;
    match &message.order {
        Some(order) => {
            let order: Order = linkage.house.verify(order, &rows.to)?;
            if order.id != rows.id
                || order.rows != rows.rows
                || order.session != rows.to_session
                || message.index.len() != message.codes.len()
            {
                return Err(mismatch("order"));
            }
        }
        None if for_portal && message.index.is_empty() => {}
        None => {
            return Err(
                Problem::with(Reason::Malformed, "Codes for an institution need its order.").of(rows.id)
            );
        }
    }
    let arrival = Arrival { id: rows.id, caller: registry.id.to_string(), request_hash: message.rows.hash() };
    let law = linkage.house.law();
    // Made before the decision: the person's record says that codes were asked for, whether or not they are given.
    let source = linkage.conversions.source_of(&rows).map_err(|reason| Problem::new(reason).of(rows.id))?;
    let index = if for_portal {
        None
    } else {
        let codes = message.index.clone();
        Some(
            linkage
                .half_index(&source, rows.id, codes, true)
                .await
                .map_err(|reason| Problem::new(reason).of(rows.id))?,
        )
    };
    let to = linkage.conversions.convert_rows(&rows, message.codes.clone()).await;
    let (index, kept_index) = index.unzip();
    let verb = IssueCodes { linkage: Arc::clone(&linkage), rows, message, index, to, kept_index, law };
    linkage.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct IssueCodes {
    linkage: Arc<Linkage>,
    rows: Rows,
    message: ToLinkage,
    /// The half of the index entries; none where the codes are the portal's own.
    index: Option<HalfIndex>,
    /// Towards the institution.
    to: Result<Converted, Reason>,
    /// The conversion of the index entries, to be shown on demand.
    kept_index: Option<Converted>,
    law: Option<Arc<Law>>,
}

impl Verb for IssueCodes {
    const NAME: &'static str = "issue";
    type Permit = Permit<Issue>;
    type Acted = Stored;

    fn label(&self) -> String {
        self.rows.to.to_string()
    }

    fn weight(&self) -> u32 {
        // The registry calls for all institutions; the rate of each is the registry's to keep.
        1
    }

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let law = self.law.as_ref().ok_or(Reason::ListTooOld)?;
        let facts = IssueFacts {
            institution: law.accreditation(&self.rows.to),
            for_portal: self.index.is_none(),
            documents_valid_until: law.valid_until(),
            rows_last_hour: 0,
            defaults: &self.linkage.house.defaults,
        };
        Ok(decide_issue(&IssueRequest { at: self.rows.at, rows: self.message.codes.len() }, &facts, now)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("institution", &self.rows.to)
            .set("rows", self.rows.rows)
            .set("taken", &self.rows.codes)
            .set("index_taken", &self.rows.index);
        if let Ok(to) = &self.to {
            record.set("given", hash_of(&to.outputs));
        }
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    fn on_decision(&self, _decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        let kept = self.to.iter().chain(&self.kept_index).cloned().collect();
        Some(self.linkage.conversions.keep_conversions(kept))
    }

    fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        let (Some(index), Ok(trustee)) = (&self.index, self.linkage.trustees.first(&self.rows.id)) else {
            return Vec::new();
        };
        let body = serde_json::to_vec(index).unwrap_or_default();
        vec![Parcel { destination: trustee.id, path: HALF_PATH, body, held: decided.is_ok() }]
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Stored, Failure> {
        let house = &self.linkage.house;
        let codes = self.to.as_ref().map_err(|reason| Failure::new(*reason))?.outputs.clone();
        let hop = IssueHop {
            id: self.rows.id,
            rows: self.message.rows.hash().into(),
            taken: self.rows.codes.clone(),
            given: hash_of(&codes),
        };
        let message = ToTrustee {
            order: self.message.order.clone(),
            rows: self.message.rows.clone(),
            hop: house.sign(&hop),
            codes,
            index: self.index.clone(),
            status: self.message.status.clone(),
        };
        let message = &message;
        let ask = |trustee: Entry| async move { house.post(&trustee, issue::PATH, message, WITHIN).await };
        self.linkage
            .trustees
            .ask(&self.rows.id, ask)
            .await
            .map_err(|error| Failure::with(error.reason(), "from the trustee onward"))
    }

    fn protect(&self, _permit: &Self::Permit, stored: Stored) -> Result<Protected, Failure> {
        serde_json::to_vec(&stored).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
