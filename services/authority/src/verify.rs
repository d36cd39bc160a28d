//! What a person signed, verified for an accredited institution: signature, chain, policy, state. Noted for the person.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{Law, json_bytes, told};
use protocol::certificates::{CertificateState, Purpose, SignedThing, Verdict, Verified, Verify};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Pace, Verification, VerificationFacts, decide_verification};
use seal::Sha256;
use seal::x509::{Certificate, Rules, Store};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, PartyId, Reason};

use crate::issuing::{profile, said};
use crate::life::State as Life;
use crate::people::{self, Row, word};
use crate::{Authority, Here};

/// A signature's verification before the state of its certificate is known.
pub(crate) struct Checked {
    pub(crate) certificate: Certificate,
    pub(crate) purpose: Purpose,
}

impl Authority {
    /// Checks chain, policy and signature; not the state. Says what does not hold.
    pub(crate) fn check(
        &self,
        thing: &SignedThing,
        hash: &Sha256,
        now: Moment,
    ) -> Result<Checked, &'static str> {
        let certificate =
            Certificate::parse(&thing.certificate.0).map_err(|_| "the certificate cannot be read")?;
        for purpose in [Purpose::Signature, Purpose::Authentication] {
            let issuing = self.people.of(purpose);
            if certificate.issuer() != issuing.authority.certificate.subject() {
                continue;
            }
            let anchors = vec![issuing.authority.certificate.clone()];
            let store = Store { anchors, ..Store::default() };
            let mut rules = Rules::at(now).for_policy(profile(purpose).policy());
            // The state comes from the source of the lists: this room's own database.
            rules.revocation = false;
            store
                .validate(&certificate, &rules)
                .map_err(|_| "the certificate is not valid, or not at this time")?;
            certificate
                .key()
                .verify_hash(hash, &thing.signature.0)
                .map_err(|_| "the signature does not verify")?;
            return Ok(Checked { certificate, purpose });
        }
        Err("the certificate is not of this authority")
    }
}

/// How a certificate stands at a time.
pub(crate) fn state_at(row: &Row, now: Moment) -> CertificateState {
    match row.state {
        Life::Ended(_) => CertificateState::Ended,
        _ if row.not_after < now => CertificateState::Expired,
        Life::Suspended => CertificateState::Suspended,
        Life::Valid => CertificateState::Valid,
    }
}

/// The accreditation of whoever calls, and the law it is from.
pub(crate) fn decide(
    law: Option<&Law>,
    party: &PartyId,
    authority: &Authority,
    pace: Pace,
    now: Moment,
) -> Result<Verification, Refused> {
    let facts = VerificationFacts {
        accreditation: law.and_then(|law| law.accreditation(party)),
        documents_valid_until: law.map(Law::valid_until),
        pace,
        defaults: &authority.house.defaults,
    };
    Ok(decide_verification(&facts, now)?)
}

pub(crate) async fn verify(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Verify>,
) -> Result<Response, Problem> {
    let (authority, message) = (here.0, body.message);
    let Caller::Party(party) = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    if !(1..=2).contains(&message.signed.len()) {
        return Err(Problem::with(Reason::Malformed, "`signed` has one or two signatures."));
    }
    let hashes = message.signed.iter().map(|thing| thing.hash.fixed("`hash`, which has 32 bytes"));
    let hashes: Vec<Sha256> = hashes.collect::<Result<_, _>>()?;
    let arrival = Arrival { id: message.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let (road, law) = (Arc::clone(&authority.house.road), authority.house.law());
    let verb = DoVerify { authority, law, party: party.id.clone(), message, hashes };
    road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

struct DoVerify {
    authority: Arc<Authority>,
    law: Option<Arc<Law>>,
    party: PartyId,
    message: Verify,
    hashes: Vec<Sha256>,
}

/// The reply, and the certificates that were used.
struct Found {
    verified: Verified,
    used: Vec<Row>,
    act: ActId,
    now: Moment,
}

impl Verb for DoVerify {
    const NAME: &'static str = "verify_certificate";
    type Permit = Verification;
    type Acted = Found;

    fn decide(&self, pace: Pace, now: Moment) -> Result<Verification, Refused> {
        decide(self.law.as_deref(), &self.party, &self.authority, pace, now)
    }

    fn record(&self, decided: Result<&Verification, &Refused>) -> Record {
        let mut record = Record::new();
        let hashes = self.message.signed.iter().map(|thing| words::hex(&seal::sha256(&thing.certificate.0)));
        record.set("certificates", hashes.collect::<Vec<_>>());
        if let Ok(leave) = decided {
            record.set("basis", &leave.permit.basis().entry).set("attributes", leave.attributes);
        }
        record
    }

    async fn act(&self, leave: &Verification) -> Result<Found, Failure> {
        let (house, now) = (&self.authority.house, self.authority.house.now());
        let (mut verdicts, mut used) = (Vec::new(), Vec::new());
        for (thing, hash) in self.message.signed.iter().zip(&self.hashes) {
            let none = |because: &str| Verdict {
                valid: false,
                because: because.to_owned(),
                serial: None,
                purpose: None,
                state: CertificateState::Unknown,
                attributes: None,
            };
            let checked = match self.authority.check(thing, hash, now) {
                Ok(checked) => checked,
                Err(because) => {
                    verdicts.push(none(because));
                    continue;
                }
            };
            let serial = checked.certificate.serial().to_vec();
            let row = people::by_serials(house.road.db(), vec![serial.clone()]).await?.pop().flatten();
            let Some(row) = row else {
                verdicts.push(none("the certificate is not of this authority"));
                continue;
            };
            let state = state_at(&row, now);
            let valid = state == CertificateState::Valid;
            let told = leave.attributes && valid && checked.purpose == Purpose::Signature;
            verdicts.push(Verdict {
                valid,
                because: if valid {
                    String::new()
                } else {
                    "the certificate has ended or is suspended".into()
                },
                serial: Some(words::hex(&serial)),
                purpose: Some(checked.purpose),
                state,
                attributes: if told { said(&checked.certificate) } else { None },
            });
            used.push(row);
        }
        let both = match (used.as_slice(), verdicts.iter().all(|verdict| verdict.valid)) {
            ([one, two], true) if one.purpose != two.purpose => Some(one.holder == two.holder),
            _ => None,
        };
        Ok(Found { verified: Verified { verdicts, same_holder: both }, used, act: self.message.id, now })
    }

    fn protect(&self, _leave: &Verification, found: Found) -> Result<Protected, Failure> {
        let Found { verified, used, act, now } = found;
        let mut record = Record::new();
        let purposes: Vec<&str> = used.iter().map(|row| word(row.purpose)).collect();
        let valid: Vec<bool> = verified.verdicts.iter().map(|verdict| verdict.valid).collect();
        record.set("purposes", purposes).set("valid", valid);
        let reply = serde_json::to_vec(&verified).map_err(|_| Failure::new(Reason::Internal))?;
        let party = self.party.clone();
        Ok(Protected {
            reply,
            record,
            writes: Some(Box::new(move |write| people::note_uses(write, &act, &party, &used, now))),
            keep: true,
        })
    }
}
