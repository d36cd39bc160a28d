//! An issue at the trustee: the second half of the rows to the institution, and of their index entries.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::Converted;
use house::{Law, json_bytes, told};
use protocol::index::hash_of;
use protocol::issue::{self, IssueHop, Order, Rows, Stored, ToInstitution, ToTrustee};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Issue, IssueFacts, IssueRequest, Pace, Permit, decide_issue};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason};

use crate::error::not_what_was_signed;
use crate::{Here, Trustee};

pub(crate) async fn issue(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToTrustee>,
) -> Result<Response, Problem> {
    let trustee = here.0;
    let house = &trustee.house;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let message = body.message;
    let registry = house.only("registry")?;
    let rows: Rows = house.verify(&message.rows, &registry.id)?;
    let hop: IssueHop = house.verify(&message.hop, &linkage.id)?;
    let mismatch = |what: &str| not_what_was_signed(rows.id, what);
    if hop.id != rows.id
        || hop.rows != message.rows.hash().into()
        || hop.taken != rows.codes
        || hop.given != hash_of(&message.codes)
    {
        return Err(mismatch("codes"));
    }
    if usize::try_from(rows.rows).unwrap_or(usize::MAX) != message.codes.len()
        || B64::from(seal::sha256(&message.status.0)) != rows.status
    {
        return Err(mismatch("rows"));
    }
    let for_portal = house.only("portal")?.id == rows.to;
    if let Some(order) = &message.order {
        let order: Order = house.verify(order, &rows.to)?;
        if order.id != rows.id || order.rows != rows.rows || order.session != rows.to_session {
            return Err(mismatch("order"));
        }
    } else if !for_portal {
        return Err(Problem::with(Reason::Malformed, "Codes for an institution need its order.").of(rows.id));
    }
    let index = match (&message.index, for_portal) {
        (Some(half), false) => {
            let (index_hop, parcel, kept) =
                trustee.finish_index(half, &linkage.id, Some(&rows.index)).await?;
            let whole = index_hop.id == rows.id && index_hop.batch && half.codes.len() == message.codes.len();
            if !whole || half.from_session != rows.from_session {
                return Err(mismatch("index"));
            }
            Some((parcel, kept))
        }
        (None, true) => None,
        _ => return Err(mismatch("index")),
    };
    let arrival = Arrival { id: rows.id, caller: linkage.id.to_string(), request_hash: message.rows.hash() };
    let law = house.law();
    trustee.learn(&[&rows.from_session, &rows.to_session]).await;
    let to = trustee.conversions.convert_rows(&rows, message.codes.clone()).await;
    let (index, kept_index) = index.unzip();
    let verb = IssueCodes { trustee: Arc::clone(&trustee), rows, message, hop, index, to, kept_index, law };
    trustee.house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct IssueCodes {
    trustee: Arc<Trustee>,
    rows: Rows,
    message: ToTrustee,
    hop: IssueHop,
    index: Option<Parcel>,
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

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let law = self.law.as_ref().ok_or(Reason::ListTooOld)?;
        let facts = IssueFacts {
            institution: law.accreditation(&self.rows.to),
            for_portal: self.index.is_none(),
            documents_valid_until: law.valid_until(),
            rows_last_hour: 0,
            defaults: &self.trustee.house.defaults,
        };
        Ok(decide_issue(&IssueRequest { at: self.rows.at, rows: self.message.codes.len() }, &facts, now)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("institution", &self.rows.to).set("rows", self.rows.rows).set("taken", &self.hop.given);
        if let Ok(to) = &self.to {
            record.set("given", hash_of(&to.outputs));
        }
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    /// The person's record says that codes were asked for, whether or not they were given.
    fn parcels(&self, _decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        self.index.clone().into_iter().collect()
    }

    fn on_decision(&self, _decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        let kept = self.to.iter().chain(&self.kept_index).cloned().collect();
        Some(self.trustee.conversions.keep_conversions(kept))
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Stored, Failure> {
        let house = &self.trustee.house;
        let codes = self.to.as_ref().map_err(|reason| Failure::new(*reason))?.outputs.clone();
        let own = IssueHop { taken: self.hop.given.clone(), given: hash_of(&codes), ..self.hop.clone() };
        let message = ToInstitution {
            order: self.message.order.clone(),
            rows: self.message.rows.clone(),
            hops: vec![self.message.hop.clone(), house.sign(&own)],
            codes,
            status: self.message.status.clone(),
        };
        let institution = house.party(&self.rows.to).map_err(Failure::new)?;
        let stored = house.post(&institution, issue::PATH, &message, Duration::from_secs(25)).await;
        stored.map_err(|error| Failure::with(error.reason(), "from the institution"))
    }

    fn protect(&self, _permit: &Self::Permit, stored: Stored) -> Result<Protected, Failure> {
        serde_json::to_vec(&stored).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
