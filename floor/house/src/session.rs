//! A room's own sessions (DESIGN §3): opened at linkage, put together from two shares, renewed before they end.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use protocol::directory::Entry;
use protocol::session::{AskShare, OPEN, Open, Opened, SHARE, SHARE_INFO, SessionKey, ShareAnswer};
use seal::{SessionSecret, Share};
use words::{Epoch, Moment, Reason, SessionName};
use world::BoxFuture;

use crate::House;

/// A session this room holds the secret of.
pub struct OwnSession {
    /// Its name.
    pub name: SessionName,
    /// Its secret.
    pub secret: SessionSecret,
    /// When it ends.
    pub ends_at: Moment,
    /// The epoch of the codes that go and come under it.
    pub epoch: Epoch,
}

/// The sessions a room holds: the current one and those before it, newest first.
#[derive(Default)]
pub struct Sessions {
    held: RwLock<Vec<Arc<OwnSession>>>,
    opening: tokio::sync::Mutex<()>,
}

/// A session is renewed when less than this is left of it, ms.
const RENEW_MS: i64 = 300_000;
const WITHIN: Duration = Duration::from_secs(5);

impl Sessions {
    fn newest(&self, now: Moment) -> Option<Arc<OwnSession>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.first().filter(|session| session.ends_at.since_ms(now) > RENEW_MS).cloned()
    }

    fn named(&self, name: &SessionName) -> Option<Arc<OwnSession>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|session| session.name == *name).cloned()
    }

    /// The room's current session, opened where there is none.
    pub async fn current(&self, house: &House) -> Result<Arc<OwnSession>, Reason> {
        if let Some(session) = self.newest(house.now()) {
            return Ok(session);
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(session) = self.newest(house.now()) {
            return Ok(session);
        }
        let near_its_end = self
            .held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .first()
            .map(|session| session.name.clone());
        let session = Arc::new(open(house, Open { instead_of: near_its_end, named: None }).await?);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let oldest = house.now().plus_ms(-house.defaults.previous_session_ms);
        held.retain(|known| known.ends_at > oldest && known.name != session.name);
        held.insert(0, Arc::clone(&session));
        Ok(session)
    }

    /// Opens a new session now, whatever is left of the current one: codes of a new epoch go under a session of theirs.
    pub async fn renew(&self, house: &House) -> Result<Arc<OwnSession>, Reason> {
        let _one_at_a_time = self.opening.lock().await;
        let current = self.newest(house.now()).map(|session| session.name.clone());
        let session = Arc::new(open(house, Open { instead_of: current, named: None }).await?);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.retain(|known| known.name != session.name);
        held.insert(0, Arc::clone(&session));
        Ok(session)
    }

    /// The session of that name: one that is held, or one the transcryptors still give the shares of.
    pub async fn find(&self, house: &House, name: &SessionName) -> Result<Arc<OwnSession>, Reason> {
        if let Some(session) = self.named(name) {
            return Ok(session);
        }
        if *name.party() != house.id {
            return Err(Reason::UnknownSession);
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(session) = self.named(name) {
            return Ok(session);
        }
        let session = Arc::new(open(house, Open { instead_of: None, named: Some(name.clone()) }).await?);
        if session.name != *name {
            return Err(Reason::BadReply);
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.push(Arc::clone(&session));
        // Newest first: the first one is the current one.
        held.sort_by_key(|session| std::cmp::Reverse(session.ends_at));
        Ok(session)
    }
}

fn open(house: &House, ask: Open) -> BoxFuture<'_, Result<OwnSession, Reason>> {
    Box::pin(async move {
        let linkage = house.only("linkage")?;
        let opened: Opened =
            house.post(&linkage, OPEN, &ask, WITHIN).await.map_err(|error| error.reason())?;
        let (Some(first), Some(last)) = (opened.keys.first(), opened.keys.get(1)) else {
            return Err(Reason::BadReply);
        };
        let first: SessionKey = protocol::verify(first, &linkage.id, &linkage.signing)?;
        let (last, turned): (SessionKey, _) = house.verify_trustee(last)?;
        let name = first.session.clone();
        if last.session != name || *name.party() != house.id || last.epoch != first.epoch {
            return Err(Reason::BadReply);
        }
        let chain =
            first.key.verify(&house.country.global.public).and_then(|()| last.key.verify(&first.key.key));
        chain.map_err(|_| Reason::BadReply)?;
        let answer = trustees_share(house, &name, turned).await?;
        let share = |sealed: &[u8]| {
            let opened = house.sealing.open(SHARE_INFO, name.as_str().as_bytes(), sealed)?;
            Share::from_opened(&opened.plaintext)
        };
        let shares = [
            share(&opened.share.0).map_err(|_| Reason::BadReply)?,
            share(&answer.share.0).map_err(|_| Reason::BadReply)?,
        ];
        let secret = SessionSecret::assemble(&house.country.global, &shares, &last.key.key)
            .map_err(|_| Reason::BadReply)?;
        Ok(OwnSession { name, secret, ends_at: first.ends_at.min(last.ends_at), epoch: first.epoch })
    })
}

/// The trustee's share, over the room's own connection, never through linkage: of the replica that took its turn, or of another
/// where that one is away.
async fn trustees_share(house: &House, name: &SessionName, turned: Entry) -> Result<ShareAnswer, Reason> {
    let ask = AskShare { session: name.clone() };
    let others = house.trustees()?.into_iter().filter(|other| other.id != turned.id);
    let mut answer = house.post(&turned, SHARE, &ask, WITHIN).await;
    for other in others {
        if answer.is_ok() {
            break;
        }
        answer = house.post(&other, SHARE, &ask, WITHIN).await;
    }
    answer.map_err(|error| error.reason())
}

/// Opens a room's session as soon as linkage and trustee can be reached, and renews it in time, in the background.
pub fn keep_session_open<F>(house: &Arc<House>, current: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<(), Reason>> + Send,
{
    let shutdown = house.world.shutdown.clone();
    tokio::spawn(async move {
        loop {
            let wait =
                if current().await.is_ok() { Duration::from_secs(60) } else { Duration::from_millis(200) };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.wait() => return,
            }
        }
    });
}
