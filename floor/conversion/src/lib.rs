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

    /// Converts codes towards a session; code `i` of several belongs to act `id ‖ i`.
    pub async fn convert(
        &self,
        source: &Source,
        to: &KnownSession,
        id: ActId,
        codes: Vec<EncryptedCode>,
        batch: bool,
    ) -> Result<Vec<EncryptedCode>, Reason> {
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
        let converted = House::compute(move || {
            codes
                .iter()
                .enumerate()
                .map(|(row, code)| {
                    let id = if batch { id.row(u32::try_from(row).unwrap_or(u32::MAX)) } else { id };
                    secrets.convert(&conversion, position, &id, code)
                })
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
        converted.map_err(|_| Reason::Malformed)
    }
}
