//! The conversion service of a transcryptor: its secrets, the sessions it knows, and codes turned from one
//! domain into another, off the async threads.
//!
//! Linkage and the trustee stand on the same service at different places of the route. Which of the six schemes
//! converts is the country's to say (`scheme` of linkage's configuration); it stands behind [`LinkCodeScheme`].

mod epochs;
mod facts;
mod proofs;
mod replay;
pub mod rotation;
mod route;
pub mod scheme;
mod sessions;

pub use epochs::Epochs;
pub use facts::{DecisionFacts, consent_given};
pub use proofs::Converted;
pub use replay::replay;
pub use route::{HasConversions, transcryptor_routes};
pub use scheme::LinkCodeScheme;
pub use sessions::{KnownSession, MIGRATIONS};

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use house::House;
use protocol::issue::Rows;
use protocol::proof::Target;
use scheme::{Blind, End, OpenCore, PassOn, Passage, open_scheme};
use seal::{EncryptedCode, TranscryptorSecrets};
use words::{ActId, Domain, Epoch, PartyId, Reason, Scheme, SessionName};

/// Where a transcryptor stands on the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Linkage: the first half.
    First,
    /// The trustee: the last half.
    Last,
}

/// The service.
pub struct Conversions {
    house: Arc<House>,
    secrets: Arc<TranscryptorSecrets>,
    place: Place,
    scheme: Box<dyn LinkCodeScheme>,
    sessions: RwLock<HashMap<SessionName, Arc<KnownSession>>>,
    epochs: RwLock<HashMap<PartyId, Epochs>>,
}

/// From where a code comes: the domain's epoch and the session it is encrypted under.
#[derive(Clone, Debug)]
pub struct Source {
    /// The epoch of the sender's codes.
    pub epoch: Epoch,
    /// The sender's session.
    pub session: Arc<KnownSession>,
}

/// What is to be converted.
#[derive(Clone, Debug)]
pub struct Asked {
    /// For which act, or batch.
    pub id: ActId,
    /// Which of its conversions.
    pub target: Target,
    /// Whether `codes` are the rows of a batch: code `i` then belongs to act `id ‖ i`.
    pub batch: bool,
    /// What goes in.
    pub codes: Vec<EncryptedCode>,
}

impl Conversions {
    /// The service of this room; reads the secrets from the room's key folder and the sessions from its database. Refuses
    /// to start where the room's keys are not what the country's scheme rests on.
    pub async fn open(house: &Arc<House>, place: Place) -> Result<Self, house::StartError> {
        let secrets = Arc::new(house.keys.transcryptor()?);
        let scheme = driver(house, place, &secrets)?;
        let (sessions, epochs) = (RwLock::default(), RwLock::default());
        let service = Self { house: Arc::clone(house), secrets, place, scheme, sessions, epochs };
        service.load().await?;
        service.load_epochs().await?;
        Ok(service)
    }

    /// The secrets, for the opening of sessions.
    pub const fn secrets(&self) -> &Arc<TranscryptorSecrets> {
        &self.secrets
    }

    /// The scheme.
    pub fn scheme(&self) -> &dyn LinkCodeScheme {
        self.scheme.as_ref()
    }

    /// Where the rows of an issue come from: the registry's domain under the session it named.
    pub fn source_of(&self, rows: &Rows) -> Result<Source, Reason> {
        let session = self.usable(&rows.from_session, self.house.now())?;
        Ok(Source { epoch: session.epoch, session })
    }

    /// Converts the rows of an issue towards the institution they are for.
    pub async fn convert_rows(&self, rows: &Rows, codes: Vec<EncryptedCode>) -> Result<Converted, Reason> {
        let (source, to) = (self.source_of(rows)?, self.usable(&rows.to_session, self.house.now())?);
        if to.party != rows.to || rows.to_epoch != to.epoch {
            return Err(Reason::UnknownSession);
        }
        let asked = Asked { id: rows.id, target: Target::To, batch: true, codes };
        self.convert(&source, &to, asked).await
    }

    /// Converts a party's own codes from the epoch of its session to the one that was opened, under the same session.
    pub async fn convert_to_next(
        &self,
        session: &KnownSession,
        upcoming: Epoch,
        id: ActId,
        codes: Vec<EncryptedCode>,
    ) -> Result<Vec<EncryptedCode>, Reason> {
        if !self.epochs(&session.party).admits(upcoming) || session.epoch == upcoming {
            return Err(Reason::OldCode);
        }
        let to = End { domain: Domain::new(session.party.clone(), upcoming), ..end(session) };
        let passage = Passage { id, batch: true, from: end(session), to };
        self.scheme.convert(passage, codes).await
    }

    /// Converts codes towards a session: what is to be kept of it with the act's decision, outputs included.
    pub async fn convert(
        &self,
        source: &Source,
        to: &KnownSession,
        asked: Asked,
    ) -> Result<Converted, Reason> {
        let Asked { id, target, batch, codes } = asked;
        let from = &source.session;
        // A code is of the epoch of the session it stands under.
        if source.epoch < from.epoch {
            return Err(Reason::OldCode);
        }
        if source.epoch != from.epoch {
            return Err(Reason::UnknownSession);
        }
        let passage = Passage { id, batch, from: end(from), to: end(to) };
        let inputs = codes.clone();
        let outputs = match self.house.only("registry")?.id == from.party {
            true => self.scheme.issue(passage, codes).await?,
            false => self.scheme.convert(passage, codes).await?,
        };
        let (from, to) = (from.name.clone(), to.name.clone());
        Ok(Converted { id, target, batch, from, to, inputs, outputs })
    }
}

fn end(session: &KnownSession) -> End {
    End {
        domain: Domain::new(session.party.clone(), session.epoch),
        session: session.name.clone(),
        key: session.public,
    }
}

/// The driver of the country's scheme for a room at this place.
fn driver(
    house: &Arc<House>,
    place: Place,
    secrets: &Arc<TranscryptorSecrets>,
) -> Result<Box<dyn LinkCodeScheme>, house::StartError> {
    let (scheme, both) = (house.country.scheme, house.keys.has_second_transcryptor());
    let other = if place == Place::First { "trustee" } else { "linkage" };
    if scheme.is_blind() {
        if both {
            return Err(house::StartError::Scheme(
                "方式6では二つの機関が半分ずつ変換しますが、この鍵の保管場所には両方の秘密があります。second-transcryptor.key を取り除いてください。",
                "scheme 6 is converted by two bodies, each holding one half; this room's key folder holds both. Remove second-transcryptor.key",
            ));
        }
        if house.only(other).is_err() {
            return Err(house::StartError::Scheme(
                "方式6の変換者が一つだけでは起動しません。一つでは、どの機関の符号もいずれか一機関と組んで読めてしまいます。もう一つの変換者を台帳に登録してください。",
                "scheme 6 does not start with one transcryptor alone: with any one institution it could read everybody's codes. Enrol the other one in the directory",
            ));
        }
        return Ok(Box::new(Blind::new(Arc::clone(secrets), place)));
    }
    if place == Place::Last {
        return Ok(Box::new(PassOn(scheme)));
    }
    if !both {
        return Err(house::StartError::Scheme(
            "方式1から5では中核が符号を見ますが、この鍵の保管場所には片方の秘密しかありません。儀式(musubi ceremony)をその方式で行ってください。",
            "under schemes 1 to 5 the core sees codes, but this room's key folder holds one half alone. Hold the ceremony under that scheme",
        ));
    }
    let core = Arc::new(house.keys.core(Some(&house.dice))?);
    let law = Arc::downgrade(house);
    let holds_number: scheme::HoldsNumber = Arc::new(move |party: &PartyId| {
        let law = law.upgrade().and_then(|house| house.law());
        law.and_then(|law| law.accreditation(party).map(|one| one.holds_number)).unwrap_or(false)
    });
    let open = open_scheme(scheme, &core, house.road.db(), &house.dice, holds_number);
    let open = open.ok_or(house::StartError::Scheme("方式が分かりません。", "the scheme is not known"))?;
    let halves = [Arc::clone(secrets), Arc::new(house.keys.second_transcryptor()?)];
    Ok(Box::new(OpenCore::new(halves, house.country.global.clone(), house.dice.clone(), open)))
}

/// The country's scheme as linkage's configuration chooses it: `scheme = 1…6`, and `lab = true` for 1.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Which scheme.
    #[serde(default)]
    pub scheme: Scheme,
    /// Whether this is a laboratory.
    #[serde(default)]
    pub lab: bool,
}

impl Choice {
    /// Refuses what may run in a laboratory alone.
    pub fn check(self) -> Result<Self, house::ConfigError> {
        if self.scheme == Scheme::Number && !self.lab {
            return Err(house::ConfigError {
                key: Some("scheme".into()),
                message: "`scheme = 1`: 「番号」そのものを符号にすることは、番号が広く知られるため大綱で退けられています。実験の場合だけ `lab = true` を添えてください。 / the number itself as everybody's code was ruled out, because numbers are widely known: whoever knows a number could link. Only for a laboratory, with `lab = true`"
                    .into(),
            });
        }
        Ok(self)
    }
}
