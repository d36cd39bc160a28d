//! A party's certificate for a day: the second hierarchy. Ordered over the certificate before, with proof of possession of a new
//! key; the directory says so at once.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, Settings, StartError, json_bytes, told};
use protocol::directory::{OrderPartyCertificate, PartyCertificate};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::x509::party::PartyCertificate as Content;
use seal::x509::timestamp::Stamper;
use seal::x509::{Certificate, CertificationRequest, IssuerKey, KeyKind};
use seal::{Dice, KeyFolder, Sha256, StorageKey};
use wire::{Caller, Json, Problem};
use words::{ActId, B64, Moment, PartyId, Reason};

use crate::error::own_database;
use crate::store::{self, PartyRow};
use crate::{Authority, Config, Here, Token};

/// How long a certificate holds, and how far before now it begins, for neighbours whose clocks are behind.
pub(crate) const HOLDS_MS: i64 = 24 * 3_600_000;
pub(crate) const BEFORE_MS: i64 = 600_000;
/// The key's label in a token, and the file of its certificate.
const NAME: &str = "organisation-ca";
/// The label of the key that stamps times.
const STAMPS: &str = "time-stamps";
/// The file of its certificate.
pub(crate) const CERTIFICATE: &str = "organisation-ca.der";

/// The authority for organisations: certified by the country's root.
pub(crate) struct Organisations {
    pub(crate) certificate: Certificate,
    pub(crate) key: IssuerKey,
    /// Stamps times, certified by it.
    pub(crate) stamper: Stamper,
}

/// The key of the authority for organisations, in the room's token or folder; made if it is missing. For the ceremony, where the
/// root certifies it.
///
/// # Errors
/// If token or folder cannot be used.
pub fn organisation_key(settings: &Settings, dice: &Dice) -> Result<IssuerKey, StartError> {
    let config = Config::read(settings)?;
    let keys = KeyFolder::new(settings.base.join(&settings.common.keys));
    let token = config.token.as_ref().map(|token| Token::open(token, &settings.base)).transpose();
    let token = token.map_err(|error| StartError::File("token".into(), error.to_string()))?;
    key(NAME, token.as_ref(), &keys, &keys.storage(dice, true)?)
}

fn key(
    name: &str,
    token: Option<&Token>,
    keys: &KeyFolder,
    storage: &StorageKey,
) -> Result<IssuerKey, StartError> {
    match token {
        Some(token) => {
            token.issuer(name).map_err(|error| StartError::File("token".into(), error.to_string()))
        }
        None => Ok(keys.issuer(name, KeyKind::P256, storage)?),
    }
}

impl Organisations {
    /// Opens key and certificate; `None` where no ceremony has certified one yet.
    pub(crate) fn open(token: Option<&Token>, house: &House) -> Result<Option<Self>, StartError> {
        let (keys, storage) = (&house.keys, &house.storage);
        if !keys.has(CERTIFICATE) {
            tracing::warn!("the root has certified no authority for organisations: run the ceremony again");
            return Ok(None);
        }
        let key = key(NAME, token, keys, storage)?;
        let wrong = |why: &str| StartError::File(keys.path().join(CERTIFICATE), why.to_owned());
        let certificate = Certificate::parse(&keys.read(CERTIFICATE)?);
        let certificate = certificate.map_err(|_| wrong("is no certificate"))?;
        if certificate.key() != key.public() {
            return Err(wrong("is not the certificate of the key beside it"));
        }
        let stamps = self::key(STAMPS, token, keys, storage)?;
        // Certified anew at each start, for as long as the authority itself is.
        let from = house.now().plus_ms(-BEFORE_MS);
        let stamper = Stamper::certify(house.world.random(), (&certificate, &key), stamps, from);
        let stamper = stamper.map_err(|error| StartError::File(STAMPS.into(), error.to_string()))?;
        Ok(Some(Self { certificate, key, stamper }))
    }
}

pub(crate) async fn renew(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<OrderPartyCertificate>,
) -> Result<Response, Problem> {
    let (authority, order) = (here.0, body.message);
    let Caller::Party(party) = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let (request, key_hash) = authority.new_key(&order.request, order.id).await?;
    let arrival = Arrival { id: order.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let verb = Renew { authority: Arc::clone(&authority), party: party.id.clone(), request, key_hash };
    let reply = authority.house.road.travel(arrival, verb).await.map_err(told)?;
    authority.refresh().await?;
    Ok(json_bytes(reply))
}

impl Authority {
    /// The request for a certificate with its key's hash: proof of possession, kind of key, and that it was not certified before by
    /// another act.
    pub(crate) async fn new_key(
        &self,
        request: &B64,
        act: ActId,
    ) -> Result<(CertificationRequest, Sha256), Problem> {
        let request = CertificationRequest::parse(&request.0)
            .map_err(|error| Problem::with(Reason::BadSignature, format!("`request`: {error}.")))?;
        if request.kind() != KeyKind::P256 {
            return Err(Problem::with(Reason::Malformed, "The key is to be ECDSA P-256."));
        }
        let key_hash = seal::sha256(request.key().der());
        let known = store::key_is_certified(self.house.road.db(), key_hash, act).await;
        if known.map_err(|error| own_database(&error))? {
            let why = "This key was certified before: make a new one for each certificate.";
            return Err(Problem::with(Reason::WrongState, why));
        }
        Ok((request, key_hash))
    }

    /// The authority for organisations, if a ceremony has certified it.
    pub(crate) fn organisations(&self) -> Result<&Organisations, Failure> {
        let why = "The country's root has certified no authority for organisations.";
        self.organisations.as_ref().ok_or(Failure::with(Reason::Unavailable, why))
    }
}

struct Renew {
    authority: Arc<Authority>,
    party: PartyId,
    request: CertificationRequest,
    key_hash: Sha256,
}

impl Verb for Renew {
    const NAME: &'static str = "renew_certificate";
    type Permit = Permit<Operate>;
    type Acted = (PartyRow, PartyCertificate);

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        // The connection says which party it is; what it orders is for itself alone.
        Ok(decide_operation(Operation::RenewCertificate, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("party", &self.party).set("key", words::hex(&self.key_hash));
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Self::Acted, Failure> {
        let (house, failed) = (&self.authority.house, |_| Failure::new(Reason::Internal));
        let by = self.authority.organisations()?;
        let now = house.now();
        let content = Content {
            party: &self.party,
            key: self.request.key(),
            serial: house.world.random(),
            not_before: now.plus_ms(-BEFORE_MS),
            not_after: now.plus_ms(HOLDS_MS),
        };
        let der = content.sign((&by.certificate, &by.key)).map_err(failed)?;
        let row = PartyRow {
            fingerprint: seal::sha256(&der),
            party: self.party.clone(),
            key_hash: self.key_hash,
            issued: now,
            not_after: content.not_after,
        };
        let chain = vec![B64::from(der), B64::from(by.certificate.der())];
        Ok((row, PartyCertificate { chain, not_after: content.not_after }))
    }

    fn protect(&self, _permit: &Self::Permit, (row, given): Self::Acted) -> Result<Protected, Failure> {
        let enrolment = self.authority.house.party(&self.party).map_err(Failure::new)?.certificate;
        let mut record = Record::new();
        record.set("certificate", words::hex(&row.fingerprint)).set("until", row.not_after);
        Ok(Protected {
            reply: serde_json::to_vec(&given).map_err(|_| Failure::new(Reason::Internal))?,
            record,
            // The certificate and the directory's next version are one transaction.
            writes: Some(Box::new(move |write| store::put_certificate(write, &row, &enrolment.0))),
            keep: true,
        })
    }
}
