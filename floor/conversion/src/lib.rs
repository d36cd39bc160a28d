//! The conversion service of a transcryptor: its secrets, the sessions it knows, and codes turned from one
//! domain into another, off the async threads.
//!
//! Linkage and the trustee stand on the same service at different places of the route. The blind scheme (6) is
//! the one here; schemes with tables can stand behind the same calls.

mod facts;
mod proofs;
mod replay;
mod route;
mod sessions;

pub use facts::{DecisionFacts, consent_given};
pub use proofs::Converted;
pub use replay::replay;
pub use route::{HasConversions, transcryptor_routes};
pub use sessions::{KnownSession, MIGRATIONS};

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use house::House;
use protocol::issue::Rows;
use protocol::proof::Target;
use seal::{Conversion, EncryptedCode, Position, TranscryptorSecrets};
use words::{ActId, Domain, Epoch, PartyId, Reason, SessionName};

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
    sessions: RwLock<HashMap<SessionName, Arc<KnownSession>>>,
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
    /// The service of this room; reads the secrets from the room's key folder and the sessions from its database.
    pub async fn open(house: &Arc<House>, place: Place) -> Result<Self, house::StartError> {
        let secrets = Arc::new(house.keys.transcryptor()?);
        let service = Self { house: Arc::clone(house), secrets, place, sessions: RwLock::default() };
        service.load().await?;
        Ok(service)
    }

    /// The secrets, for the opening of sessions.
    pub const fn secrets(&self) -> &Arc<TranscryptorSecrets> {
        &self.secrets
    }

    /// The current epoch of a party's codes. One epoch until rotation exists.
    pub const fn epoch(&self, _party: &PartyId) -> Epoch {
        Epoch(0)
    }

    /// Where the rows of an issue come from: the registry's domain under the session it named.
    pub fn source_of(&self, rows: &Rows) -> Result<Source, Reason> {
        let session = self.usable(&rows.from_session, self.house.now())?;
        Ok(Source { epoch: self.epoch(rows.from_session.party()), session })
    }

    /// Converts the rows of an issue towards the institution they are for.
    pub async fn convert_rows(&self, rows: &Rows, codes: Vec<EncryptedCode>) -> Result<Converted, Reason> {
        let (source, to) = (self.source_of(rows)?, self.usable(&rows.to_session, self.house.now())?);
        if to.party != rows.to || rows.to_epoch != self.epoch(&rows.to) {
            return Err(Reason::UnknownSession);
        }
        let asked = Asked { id: rows.id, target: Target::To, batch: true, codes };
        self.convert(&source, &to, asked).await
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
        if source.epoch != self.epoch(&from.party) {
            return Err(Reason::UnknownSession);
        }
        let conversion = Conversion {
            from_domain: Domain::new(from.party.clone(), source.epoch),
            from_session: from.name.clone(),
            to_domain: Domain::new(to.party.clone(), self.epoch(&to.party)),
            to_session: to.name.clone(),
        };
        let position = match self.place {
            Place::First => Position::First(from.public),
            Place::Last => Position::Last(to.public),
        };
        let secrets = Arc::clone(&self.secrets);
        let inputs = codes.clone();
        let convert = move || {
            codes
                .iter()
                .enumerate()
                .map(|(row, code)| {
                    let id = if batch { id.row(u32::try_from(row).unwrap_or(u32::MAX)) } else { id };
                    secrets.convert(&conversion, position, &id, code)
                })
                .collect::<Result<Vec<_>, _>>()
        };
        // One code is done sooner than another thread would be woken for it.
        let outputs = if batch { House::compute(convert).await? } else { convert() };
        let outputs = outputs.map_err(|_| Reason::Malformed)?;
        let (from, to) = (from.name.clone(), to.name.clone());
        Ok(Converted { id, target, batch, from, to, inputs, outputs })
    }
}
