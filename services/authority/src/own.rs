//! What a holder does with the own certificates: see who verified them, and say who may learn new attributes. The person shows
//! who it is by a signature under the certificate itself.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::certificates::{CertificateState, GiveConsent, LookAtUses, Purpose, SignedThing, Uses};
use protocol::index::Taken;
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use wire::{Caller, Json, Problem};
use words::{B64, Moment, PartyId, Reason};

use crate::people::{self, Row};
use crate::verify::state_at;
use crate::{Authority, Here};

/// How far a holder's clock may be off, ms.
const OFF_MS: i64 = 120_000;
/// How long a consent may last.
const LONGEST_MS: i64 = 5 * 366 * 86_400_000;

impl Authority {
    /// The certificate of this purpose, valid now, under which `text` was signed just now.
    pub(crate) async fn signer(
        &self,
        text: &str,
        at: Moment,
        (certificate, signature): (&B64, &B64),
        purpose: Purpose,
    ) -> Result<Option<Row>, Problem> {
        let now = self.house.now();
        let hash = seal::sha256(text.as_bytes());
        let thing = SignedThing {
            certificate: certificate.clone(),
            hash: B64::from(hash),
            signature: signature.clone(),
        };
        let checked = self.check(&thing, &hash, now).ok();
        let checked = checked.filter(|one| one.purpose == purpose && now.since_ms(at).abs() <= OFF_MS);
        let Some(checked) = checked else { return Ok(None) };
        let serial = checked.certificate.serial().to_vec();
        let found = people::by_serials(self.house.road.db(), vec![serial]).await;
        let row = found.map_err(|error| crate::error::own_database(&error))?.pop().flatten();
        Ok(row.filter(|row| state_at(row, now) == CertificateState::Valid))
    }
}

pub(crate) async fn uses(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<LookAtUses>,
) -> Result<Response, Problem> {
    let (authority, ask) = (here.0, body.message);
    let signed = (&ask.certificate, &ask.signature);
    let holder =
        authority.signer(&ask.text(), ask.at, signed, Purpose::Authentication).await?.map(|row| row.holder);
    let arrival = Arrival { id: ask.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let road = Arc::clone(&authority.house.road);
    let verb = Own { authority, holder, what: What::Uses };
    road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

pub(crate) async fn consent(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<GiveConsent>,
) -> Result<Response, Problem> {
    let (authority, ask) = (here.0, body.message);
    let entry = authority.house.party(&ask.party)?;
    if entry.kind.as_str() != "gateway" {
        return Err(Problem::with(Reason::UnknownParty, "`party` is no institution."));
    }
    if ask.until.since_ms(authority.house.now()) > LONGEST_MS {
        return Err(Problem::with(Reason::Malformed, "`until` lies at most five years ahead."));
    }
    let signed = (&ask.certificate, &ask.signature);
    let holder =
        authority.signer(&ask.text(), ask.at, signed, Purpose::Signature).await?.map(|row| row.holder);
    let arrival = Arrival { id: ask.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let road = Arc::clone(&authority.house.road);
    let verb = Own { authority, holder, what: What::Consent(ask.party, ask.until) };
    road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

enum What {
    Uses,
    Consent(PartyId, Moment),
}

struct Own {
    authority: Arc<Authority>,
    /// Who signed, if the signature and its certificate hold.
    holder: Option<Sha256>,
    what: What,
}

impl Verb for Own {
    const NAME: &'static str = "own_certificates";
    type Permit = Permit<Operate>;
    type Acted = Vec<u8>;

    fn label(&self) -> String {
        match self.what {
            What::Uses => "uses".into(),
            What::Consent(..) => "consent".into(),
        }
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        self.holder.ok_or(Reason::Unauthenticated)?;
        Ok(decide_operation(Operation::LookAfterCertificates, Role::Person)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("what", self.label());
        if let What::Consent(party, until) = &self.what {
            record.set("party", party).set("until", until);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Vec<u8>, Failure> {
        let holder = self.holder.ok_or(Failure::new(Reason::Unauthenticated))?;
        let reply = match self.what {
            What::Uses => {
                let uses = people::uses(self.authority.house.road.db(), holder).await?;
                serde_json::to_vec(&Uses { uses })
            }
            What::Consent(..) => serde_json::to_vec(&Taken {}),
        };
        reply.map_err(|_| Failure::new(Reason::Internal))
    }

    fn protect(&self, _permit: &Self::Permit, reply: Vec<u8>) -> Result<Protected, Failure> {
        let holder = self.holder.ok_or(Failure::new(Reason::Unauthenticated))?;
        let writes: Option<road::RoomWrite> = match &self.what {
            What::Uses => None,
            What::Consent(party, until) => {
                let (party, until) = (party.clone(), *until);
                Some(Box::new(move |write| people::consent(write, holder, &party, until)))
            }
        };
        // What a person looked at is not kept.
        let keep = matches!(self.what, What::Consent(..));
        Ok(Protected { reply, record: Record::new(), writes, keep })
    }
}
