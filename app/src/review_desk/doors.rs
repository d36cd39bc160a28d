//! Who is at the desk: links that let a member of staff in once, and sessions.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use seal::{Sha256, sha256};
use words::{B64, Moment};
use world::World;

/// A session ends this long after its last request.
const IDLE_MS: i64 = 8 * 3_600_000;

/// A secret word as it travels; kept by its hash, so that how long a comparison takes says nothing of it.
fn secret(world: &World) -> String {
    B64::from(world.random::<24>()).text()
}

/// Links and sessions of one run. Nothing of this is kept: a restart signs everybody out.
pub(super) struct Doors {
    world: World,
    inner: Mutex<Inner>,
}

struct Inner {
    /// Hash of the link that is good now, by the place of the member of staff.
    links: Vec<(String, Sha256)>,
    sessions: HashMap<Sha256, Session>,
}

struct Session {
    staff: String,
    form_key: String,
    last_seen: Moment,
}

/// Who asks.
pub(super) struct Visitor {
    pub(super) staff: String,
    /// Goes into every form of this session, and must come back with it.
    pub(super) form_key: String,
}

/// What a used link gives.
pub(super) struct Entered {
    /// For the cookie.
    pub(super) session: String,
    pub(super) staff: String,
    /// The link for the next time.
    pub(super) next_key: String,
}

impl Doors {
    /// Doors for these members of staff, and the key of each one's first link, in their order.
    pub(super) fn new(world: &World, staff: &[String]) -> (Doors, Vec<String>) {
        let keys: Vec<String> = staff.iter().map(|_| secret(world)).collect();
        let links = staff.iter().cloned().zip(keys.iter().map(|key| sha256(key.as_bytes()))).collect();
        let inner = Mutex::new(Inner { links, sessions: HashMap::new() });
        (Doors { world: world.clone(), inner }, keys)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose link this is, if it is good.
    pub(super) fn whose(&self, key: &str) -> Option<String> {
        let hash = sha256(key.as_bytes());
        self.inner().links.iter().find(|(_, link)| *link == hash).map(|(staff, _)| staff.clone())
    }

    /// Uses a link up.
    pub(super) fn enter(&self, key: &str) -> Option<Entered> {
        let hash = sha256(key.as_bytes());
        let (session, form_key, next_key) = (secret(&self.world), secret(&self.world), secret(&self.world));
        let last_seen = Moment(self.world.now());
        let mut inner = self.inner();
        let (staff, link) = inner.links.iter_mut().find(|(_, link)| *link == hash)?;
        *link = sha256(next_key.as_bytes());
        let staff = staff.clone();
        inner.sessions.retain(|_, session| last_seen.since_ms(session.last_seen) < IDLE_MS);
        let known = Session { staff: staff.clone(), form_key, last_seen };
        inner.sessions.insert(sha256(session.as_bytes()), known);
        Some(Entered { session, staff, next_key })
    }

    /// Who has this session.
    pub(super) fn visitor(&self, session: &str) -> Option<Visitor> {
        let now = Moment(self.world.now());
        let mut inner = self.inner();
        let known = inner.sessions.get_mut(&sha256(session.as_bytes()))?;
        if now.since_ms(known.last_seen) >= IDLE_MS {
            return None;
        }
        known.last_seen = now;
        Some(Visitor { staff: known.staff.clone(), form_key: known.form_key.clone() })
    }

    /// Ends a session.
    pub(super) fn leave(&self, session: &str) {
        self.inner().sessions.remove(&sha256(session.as_bytes()));
    }
}

impl Visitor {
    /// Whether a form came from a page of this session.
    pub(super) fn wrote(&self, form_key: &str) -> bool {
        sha256(form_key.as_bytes()) == sha256(self.form_key.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lets_in_once_and_a_session_ends() {
        let world = World::simulated(1, 0);
        let (doors, keys) = Doors::new(&world, &["sato".into(), "suzuki".into()]);
        assert_eq!(doors.whose(&keys[1]).as_deref(), Some("suzuki"));
        let entered = doors.enter(&keys[1]).unwrap();
        assert!(doors.enter(&keys[1]).is_none(), "used up");
        assert!(doors.whose(&entered.next_key).is_some());
        let visitor = doors.visitor(&entered.session).unwrap();
        assert_eq!(visitor.staff, "suzuki");
        assert!(visitor.wrote(&visitor.form_key) && !visitor.wrote("") && !visitor.wrote(&entered.session));
        world.advance(IDLE_MS - 1);
        assert!(doors.visitor(&entered.session).is_some(), "each request keeps it alive");
        world.advance(IDLE_MS);
        assert!(doors.visitor(&entered.session).is_none());
        let again = doors.enter(&entered.next_key).unwrap();
        doors.leave(&again.session);
        assert!(doors.visitor(&again.session).is_none());
        assert!(doors.visitor("").is_none());
    }
}
