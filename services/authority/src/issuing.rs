//! The two authorities of people's certificates, with their keys, their responders and what is kept of their answers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use house::{House, StartError};
use protocol::certificates::{CertifiedAttributes, Purpose, Sex, Window};
use seal::x509::jpki::{self, Attributes, Place, Services};
use seal::x509::ocsp::{IssuerId, Responder};
use seal::x509::{Certificate, IssuerKey, KeyKind, X509Error};
use words::Moment;

use crate::{Config, Token};

const DAY_MS: i64 = 86_400_000;

/// One of the two authorities.
pub(crate) struct Issuing {
    pub(crate) authority: jpki::Authority,
    pub(crate) id: IssuerId,
    pub(crate) responder: Responder,
}

/// Answers that were signed before, by the whole `CertID` that was asked about, and until when they are given.
type Answers = HashMap<Vec<u8>, (Moment, axum::body::Bytes)>;

/// Both, and what they share.
pub(crate) struct Authorities {
    pub(crate) signature: Issuing,
    pub(crate) authentication: Issuing,
    pub(crate) services: Services,
    /// Whether answers are signed beforehand, and a nonce is not repeated (RFC 5019).
    pub(crate) presigned: bool,
    answers: RwLock<Answers>,
}

fn not_made(error: X509Error) -> StartError {
    StartError::File("certificates".into(), error.to_string())
}

/// The profile's word for a purpose.
pub(crate) const fn profile(purpose: Purpose) -> jpki::Purpose {
    match purpose {
        Purpose::Signature => jpki::Purpose::Signature,
        Purpose::Authentication => jpki::Purpose::Authentication,
    }
}

impl Issuing {
    fn open(house: &Arc<House>, purpose: Purpose, token: Option<&Token>) -> Result<Self, StartError> {
        let (profile, keys, now) = (profile(purpose), &house.keys, house.now());
        let name = format!("{}-ca", profile.as_str());
        let key = match token {
            Some(token) => {
                token.issuer(&name).map_err(|error| StartError::File("token".into(), error.to_string()))?
            }
            None => keys.issuer(&name, KeyKind::Rsa2048, &house.storage)?,
        };
        let file = format!("{name}.der");
        if !keys.has(&file) {
            let der = jpki::authority(profile, &key, house.world.random(), now).map_err(not_made)?;
            keys.write(&file, &der)?;
        }
        let certificate = Certificate::parse(&keys.read(&file)?).map_err(not_made)?;
        if certificate.key() != key.public() {
            let why = "is not the certificate of the key beside it".to_owned();
            return Err(StartError::File(keys.path().join(&file), why));
        }
        let authority = jpki::Authority { purpose: profile, certificate, key };
        // The responder's key lives as long as this process: a new one is certified at each start.
        let own = IssuerKey::generate(KeyKind::Rsa2048).map_err(not_made)?;
        let own = IssuerKey::from_pkcs8(&own).map_err(not_made)?;
        let by = (&authority.certificate, &authority.key);
        let times = (now.plus_ms(-3_600_000), now.plus_ms(366 * DAY_MS));
        let der = Responder::certify(house.world.random(), by, &profile.responder(), own.public(), times);
        let id = IssuerId::of(&authority.certificate);
        Ok(Self { id, responder: Responder::new(own, der.map_err(not_made)?), authority })
    }
}

impl Authorities {
    /// Opens both; their keys are made where they are missing.
    pub(crate) fn open(house: &Arc<House>, config: &Config, base: &Path) -> Result<Self, StartError> {
        let token = config.token.as_ref().map(|token| Token::open(token, base)).transpose();
        let token = token.map_err(|error| StartError::File("token".into(), error.to_string()))?;
        let at = config.public_uri.as_deref();
        let services = Services {
            ocsp: at.map(|at| format!("{at}/ocsp")),
            statement: at.map(|at| format!("{at}/statement")),
        };
        Ok(Self {
            signature: Issuing::open(house, Purpose::Signature, token.as_ref())?,
            authentication: Issuing::open(house, Purpose::Authentication, token.as_ref())?,
            services,
            presigned: config.presigned,
            answers: RwLock::default(),
        })
    }

    pub(crate) fn of(&self, purpose: Purpose) -> &Issuing {
        match purpose {
            Purpose::Signature => &self.signature,
            Purpose::Authentication => &self.authentication,
        }
    }

    /// A kept answer that still counts.
    pub(crate) fn kept(&self, about: &[u8], now: Moment) -> Option<axum::body::Bytes> {
        let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        answers.get(about).filter(|(until, _)| now < *until).map(|(_, answer)| answer.clone())
    }

    pub(crate) fn keep(&self, about: Vec<u8>, until: Moment, answer: axum::body::Bytes) {
        /// Answers that are kept at once, at most.
        const MOST: usize = 200_000;
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(about, (until, answer));
    }

    /// A state has changed: no answer from before is given any more.
    pub(crate) fn forget_answers(&self) {
        self.answers.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(crate) fn place(window: &Window) -> Place {
    let Window { prefecture, municipality, code } = window.clone();
    Place { prefecture, municipality, code }
}

pub(crate) fn attributes(said: &CertifiedAttributes) -> Attributes {
    let sex = match said.sex {
        Sex::Male => jpki::Sex::Male,
        Sex::Female => jpki::Sex::Female,
        Sex::Unknown => jpki::Sex::Unknown,
    };
    Attributes::as_they_are(&said.name, &said.address, said.birth, sex)
}

/// What a signature certificate says of its holder.
pub(crate) fn said(certificate: &Certificate) -> Option<CertifiedAttributes> {
    let Attributes { name, address, birth, sex, .. } = Attributes::of(certificate)?;
    let sex = match sex {
        jpki::Sex::Male => Sex::Male,
        jpki::Sex::Female => Sex::Female,
        jpki::Sex::Unknown => Sex::Unknown,
    };
    Some(CertifiedAttributes { name, address, birth, sex })
}
