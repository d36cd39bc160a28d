//! Change confirmation: an institution learns that a certificate it has verified ended; what is new about the person only
//! with that person's consent.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{Law, json_bytes, told};
use protocol::certificates::{
    CertificateState, CertifiedAttributes, Confirm, Confirmation, Confirmed, Purpose,
};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Pace, Verification};
use seal::x509::Certificate;
use wire::{Caller, Json, Problem};
use words::{Moment, PartyId, Reason};

use crate::issuing::said;
use crate::life::State as Life;
use crate::people::{self, Row};
use crate::verify::{decide, state_at};
use crate::{Authority, Here};

/// Serial numbers in one question at most.
const MOST: usize = 1_000;

/// The bytes of a serial number as it is written in messages.
fn serial(text: &str) -> Option<Vec<u8>> {
    let whole = text.len().is_multiple_of(2) && (2..=40).contains(&text.len()) && text.is_ascii();
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    whole.then(|| (0..text.len()).step_by(2).map(byte).collect::<Option<_>>()).flatten()
}

pub(crate) async fn confirm(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Confirm>,
) -> Result<Response, Problem> {
    let (authority, message) = (here.0, body.message);
    let Caller::Party(party) = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    if !(1..=MOST).contains(&message.serials.len()) {
        let detail = format!("`serials` has 1 to {MOST} serial numbers.");
        return Err(Problem::with(Reason::Malformed, detail));
    }
    let serials = message.serials.iter().enumerate().map(|(at, text)| {
        let detail = format!("`serials[{at}]` is no serial number in hexadecimal.");
        serial(text).ok_or_else(|| Problem::with(Reason::Malformed, detail))
    });
    let serials = serials.collect::<Result<Vec<_>, _>>()?;
    let arrival = Arrival { id: message.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let (road, law) = (Arc::clone(&authority.house.road), authority.house.law());
    let verb = DoConfirm { authority, law, party: party.id.clone(), serials };
    road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct DoConfirm {
    authority: Arc<Authority>,
    law: Option<Arc<Law>>,
    party: PartyId,
    serials: Vec<Vec<u8>>,
}

impl DoConfirm {
    async fn one(&self, serial: &[u8], row: Option<Row>, now: Moment) -> Result<Confirmation, Failure> {
        let serial = words::hex(serial);
        let Some(row) = row else {
            let state = CertificateState::Unknown;
            return Ok(Confirmation { serial, state, since: None, attributes: None });
        };
        let state = state_at(&row, now);
        let changed = matches!(state, CertificateState::Ended | CertificateState::Suspended);
        let attributes = match row.state {
            Life::Ended(_) => self.new_attributes(&row, now).await?,
            Life::Valid | Life::Suspended => None,
        };
        Ok(Confirmation { serial, state, since: changed.then_some(row.since), attributes })
    }

    /// What the holder's present signature certificate says, where the holder lets this institution know.
    async fn new_attributes(&self, row: &Row, now: Moment) -> Result<Option<CertifiedAttributes>, Failure> {
        let house = &self.authority.house;
        let db = house.road.db();
        let ends = people::consent_ends(db, row.holder, self.party.clone()).await?;
        if row.purpose != Purpose::Signature || ends.is_none_or(|ends| ends <= now) {
            return Ok(None);
        }
        let Some(present) = people::present_signature(db, row.holder).await? else { return Ok(None) };
        let der = house.storage.open("certificate", &present.serial, "der", &present.der);
        let der = der.map_err(|_| Failure::with(Reason::Internal, "a certificate cannot be read"))?;
        Ok(Certificate::parse(&der).ok().as_ref().and_then(said))
    }
}

impl Verb for DoConfirm {
    const NAME: &'static str = "confirm_change";
    type Permit = Verification;
    type Acted = Vec<Confirmation>;

    fn weight(&self) -> u32 {
        u32::try_from(self.serials.len().div_ceil(100)).unwrap_or(u32::MAX)
    }

    fn decide(&self, pace: Pace, now: Moment) -> Result<Verification, Refused> {
        decide(self.law.as_deref(), &self.party, &self.authority, pace, now)
    }

    fn record(&self, _decided: Result<&Verification, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("serials", self.serials.len());
        record
    }

    async fn act(&self, _leave: &Verification) -> Result<Vec<Confirmation>, Failure> {
        let (house, now) = (&self.authority.house, self.authority.house.now());
        let db = house.road.db();
        // Only what it has verified itself: nobody searches for people's certificates here.
        let own = people::verified_before(db, self.party.clone(), self.serials.clone()).await?;
        let rows = people::by_serials(db, self.serials.clone()).await?;
        let mut states = Vec::with_capacity(rows.len());
        for ((serial, row), own) in self.serials.iter().zip(rows).zip(own) {
            states.push(self.one(serial, row.filter(|_| own), now).await?);
        }
        Ok(states)
    }

    fn protect(&self, _leave: &Verification, states: Vec<Confirmation>) -> Result<Protected, Failure> {
        let with = states.iter().filter(|state| state.attributes.is_some()).count();
        let mut record = Record::new();
        record.set("with_attributes", with);
        let reply = serde_json::to_vec(&Confirmed { states }).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}
