//! Operators of parties: certificates for a day, ordered by their party, which alone knows who they are; and their revocation.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{json_bytes, told};
use protocol::directory::{OrderOperatorCertificate, PartyCertificate, RevokeOperator};
use protocol::index::Taken;
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use seal::x509::CertificationRequest;
use seal::x509::party::{OperatorCertificate, is_operator_name};
use wire::{Caller, Json, Problem};
use words::{ActId, B64, Moment, PartyId, Reason};

use crate::error::own_database;
use crate::renew::{BEFORE_MS, HOLDS_MS};
use crate::store::{self, OperatorRow};
use crate::{Authority, Here};

/// The name, if a certificate can have it.
fn named(operator: String) -> Result<String, Problem> {
    if is_operator_name(&operator) {
        return Ok(operator);
    }
    let why = "`operator` is a name of a-z, 0-9 and -, at most 64 of them: give the key in `inner.keys` such a name.";
    Err(Problem::with(Reason::Malformed, why))
}

pub(crate) async fn certify(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<OrderOperatorCertificate>,
) -> Result<Response, Problem> {
    let (authority, order) = (here.0, body.message);
    let Caller::Party(party) = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let operator = named(order.operator)?;
    let (request, key_hash) = authority.new_key(&order.request, order.id).await?;
    let revoked = store::is_revoked(authority.house.road.db(), &party.id, &operator).await;
    if revoked.map_err(|error| own_database(&error))? {
        let why = "This operator is revoked. Whoever comes back is given another name.";
        return Err(Problem::with(Reason::NotAllowed, why));
    }
    let arrival = Arrival { id: order.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let party = party.id.clone();
    let verb = Certify { authority: Arc::clone(&authority), party, operator, request, key_hash };
    Ok(json_bytes(authority.house.road.travel(arrival, verb).await.map_err(told)?))
}

struct Certify {
    authority: Arc<Authority>,
    party: PartyId,
    operator: String,
    request: CertificationRequest,
    key_hash: Sha256,
}

impl Verb for Certify {
    const NAME: &'static str = "certify_operator";
    type Permit = Permit<Operate>;
    type Acted = (OperatorRow, PartyCertificate);

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        // The connection says which party it is; it orders for its own house alone.
        Ok(decide_operation(Operation::CertifyOperator, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("party", &self.party).set("operator", &self.operator);
        record.set("key", words::hex(&self.key_hash));
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Self::Acted, Failure> {
        let (house, by) = (&self.authority.house, self.authority.organisations()?);
        let now = house.now();
        let content = OperatorCertificate {
            party: &self.party,
            name: &self.operator,
            key: self.request.key(),
            serial: house.world.random(),
            not_before: now.plus_ms(-BEFORE_MS),
            not_after: now.plus_ms(HOLDS_MS),
        };
        let der = content.sign((&by.certificate, &by.key)).map_err(|_| Failure::new(Reason::Internal))?;
        let row = OperatorRow {
            party: self.party.clone(),
            operator: self.operator.clone(),
            key_hash: self.key_hash,
            not_after: content.not_after,
        };
        let chain = vec![B64::from(der), B64::from(by.certificate.der())];
        Ok((row, PartyCertificate { chain, not_after: content.not_after }))
    }

    fn protect(&self, _permit: &Self::Permit, (row, given): Self::Acted) -> Result<Protected, Failure> {
        let mut record = Record::new();
        let own = given.chain.first().map(|der| words::hex(&seal::sha256(&der.0))).unwrap_or_default();
        record.set("certificate", own).set("until", given.not_after);
        Ok(Protected {
            reply: serde_json::to_vec(&given).map_err(|_| Failure::new(Reason::Internal))?,
            record,
            writes: Some(Box::new(move |write| store::put_operator_key(write, &row))),
            keep: true,
        })
    }
}

/// By the party whose operator it is.
pub(crate) async fn revoke_own(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<RevokeOperator>,
) -> Result<Response, Problem> {
    let Caller::Party(party) = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let RevokeOperator { id, operator } = body.message;
    let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let verb = Revoke { party: party.id.clone(), operator: named(operator)?, role: Role::Operator };
    revoke(&here.0, arrival, verb).await
}

/// By the authority's own operator.
pub(crate) async fn revoke_of(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path((party, operator)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let house = &here.0.house;
    let party = house.party(&PartyId::parse(&party)?)?.id;
    let request_hash = seal::sha256(format!("{party}\n{operator}").as_bytes());
    let id = ActId::new(house.world.random());
    let arrival = Arrival { id, caller: caller.label(), request_hash };
    revoke(&here.0, arrival, Revoke { party, operator: named(operator)?, role }).await
}

async fn revoke(authority: &Arc<Authority>, arrival: Arrival, verb: Revoke) -> Result<Response, Problem> {
    let reply = authority.house.road.travel(arrival, verb).await.map_err(told)?;
    authority.refresh().await?;
    Ok(json_bytes(reply))
}

struct Revoke {
    party: PartyId,
    operator: String,
    role: Role,
}

impl Verb for Revoke {
    const NAME: &'static str = "revoke_operator";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::RevokeOperator, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("party", &self.party).set("operator", &self.operator);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let (party, operator) = (self.party.clone(), self.operator.clone());
        // The revocation and its outcome are one transaction.
        Ok(Protected {
            reply: serde_json::to_vec(&Taken {}).map_err(|_| Failure::new(Reason::Internal))?,
            record: Record::new(),
            writes: Some(Box::new(move |write| store::revoke_operator(write, &party, &operator))),
            keep: true,
        })
    }
}
