//! The two authorities of people's certificates, with their keys, their responders and what is kept of their answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use house::{House, StartError};
use protocol::certificates::{CertifiedAttributes, Purpose, Sex, Window};
use seal::x509::jpki::{self, Attributes, Place, Services};
use seal::x509::ocsp::{IssuerId, Responder};
use seal::x509::serials::{Place as SerialPlace, Serials};
use seal::x509::{Certificate, IssuerKey, KeyKind, X509Error};
use words::Moment;
use world::World;

use crate::states::States;
use crate::{Config, Token};

const DAY_MS: i64 = 86_400_000;
/// How long a responder's certificate holds, and how long before its end another takes its place.
const RESPONDER_MS: i64 = 30 * DAY_MS;
const RESPONDER_AHEAD_MS: i64 = 10 * DAY_MS;

/// One of the two authorities.
pub(crate) struct Issuing {
    pub(crate) authority: jpki::Authority,
    pub(crate) id: IssuerId,
    /// Who answers now, and until when its certificate holds.
    responder: RwLock<(Arc<Responder>, Moment)>,
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
    /// The serial numbers, and how each certificate stands.
    pub(crate) serials: Serials,
    pub(crate) states: States,
    /// The running number of the next certificate.
    next: AtomicU32,
    answers: RwLock<Answers>,
    /// Grows with every change of a state: what was read before is not kept after.
    generation: AtomicU64,
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
        let id = IssuerId::of(&authority.certificate);
        let responder = RwLock::new(responder(&authority, &house.world, now)?);
        Ok(Self { id, responder, authority })
    }

    /// Who answers now.
    pub(crate) fn responder(&self) -> Arc<Responder> {
        Arc::clone(&self.responder.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Makes a new responder if the present one's certificate ends soon; says whether it did.
    fn renew_responder(&self, world: &World, now: Moment) -> Result<bool, StartError> {
        let until = self.responder.read().unwrap_or_else(PoisonError::into_inner).1;
        if until.since_ms(now) > RESPONDER_AHEAD_MS {
            return Ok(false);
        }
        let new = responder(&self.authority, world, now)?;
        *self.responder.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }
}

/// A responder with a key of its own, never written anywhere, and until when its certificate holds.
fn responder(
    authority: &jpki::Authority,
    world: &World,
    now: Moment,
) -> Result<(Arc<Responder>, Moment), StartError> {
    let key = IssuerKey::generate(KeyKind::Rsa2048).map_err(not_made)?;
    let key = IssuerKey::from_pkcs8(&key).map_err(not_made)?;
    let by = (&authority.certificate, &authority.key);
    // Whoever's clock is behind takes the first answers, too.
    let times = (now.plus_ms(-3_600_000), now.plus_ms(RESPONDER_MS));
    let subject = authority.purpose.responder();
    let der = Responder::certify(world.random(), by, &subject, key.public(), times).map_err(not_made)?;
    Ok((Arc::new(Responder::new(key, der)), times.1))
}

impl Authorities {
    /// Opens both; their keys are made where they are missing.
    pub(crate) fn open(
        house: &Arc<House>,
        config: &Config,
        token: Option<&Token>,
    ) -> Result<Self, StartError> {
        let at = config.public_uri.as_deref();
        let services = Services {
            ocsp: at.map(|at| format!("{at}/ocsp")),
            statement: at.map(|at| format!("{at}/statement")),
        };
        Ok(Self {
            signature: Issuing::open(house, Purpose::Signature, token)?,
            authentication: Issuing::open(house, Purpose::Authentication, token)?,
            services,
            presigned: config.presigned,
            serials: Serials::new(&house.storage).map_err(not_made)?,
            states: States::default(),
            next: AtomicU32::new(1),
            answers: RwLock::default(),
            generation: AtomicU64::new(0),
        })
    }

    /// A running number is taken: the next certificate gets a later one.
    pub(crate) fn taken(&self, place: SerialPlace) {
        self.next.fetch_max(place.number.saturating_add(1), Ordering::Relaxed);
    }

    /// The serial number of the next certificate.
    pub(crate) fn serial(&self, world: &World) -> Result<[u8; 16], X509Error> {
        self.serials.serial(self.next.fetch_add(1, Ordering::Relaxed), || world.random())
    }

    /// New responders where the certificates of the present ones end soon.
    pub(crate) fn renew_responders(&self, world: &World, now: Moment) -> Result<(), StartError> {
        for issuing in [&self.signature, &self.authentication] {
            if issuing.renew_responder(world, now)? {
                self.forget_answers();
            }
        }
        Ok(())
    }

    /// How often a state has changed; to be read before the states that an answer is made of.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
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

    /// Keeps an answer that was made of states read at `generation`.
    pub(crate) fn keep(&self, generation: u64, about: Vec<u8>, until: Moment, answer: axum::body::Bytes) {
        /// Answers that are kept at once, at most.
        const MOST: usize = 200_000;
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if generation != self.generation() {
            return;
        }
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(about, (until, answer));
    }

    /// A state has changed: no answer from before is given any more.
    pub(crate) fn forget_answers(&self) {
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::AcqRel);
        answers.clear();
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
