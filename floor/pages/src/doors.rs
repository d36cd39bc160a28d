//! Who is signed in: tickets that let in once, and sessions.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use rules::Role;
use seal::{Sha256, sha256};
use wire::{Caller, Insiders};
use words::{B64, Moment};
use world::World;

use crate::guard::cookie;

/// A session ends this long after its last request, ms.
const IDLE_MS: i64 = 4 * 3_600_000;
/// A ticket lets in for so long, ms.
const TICKET_MS: i64 = 60_000;
/// Sessions and tickets of one room at once; the oldest give way.
const MOST: usize = 10_000;

/// What a session carries for its room besides name and role; gone with the session.
pub type Carried = Arc<dyn Any + Send + Sync>;

/// Tickets and sessions of one run of a room. Nothing of this is kept: a restart signs everybody out.
pub struct Doors {
    world: World,
    cookie: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    tickets: HashMap<Sha256, Ticket>,
    sessions: HashMap<Sha256, Session>,
}

struct Ticket {
    name: String,
    role: Role,
    carried: Option<Carried>,
    /// Until when a session from it lasts at most.
    ends: Option<Moment>,
    made: Moment,
}

struct Session {
    name: String,
    role: Role,
    form_key: String,
    carried: Option<Carried>,
    ends: Option<Moment>,
    last_seen: Moment,
}

/// Who asks.
#[derive(Clone)]
pub struct Visitor {
    /// The name: of a key's owner, or what the room calls a person.
    pub name: String,
    /// The role.
    pub role: Role,
    /// Goes into every form of this session and must come back with it.
    pub form_key: String,
    /// What the room gave the session to carry.
    pub carried: Option<Carried>,
    /// When the session ends at the latest.
    pub ends: Option<Moment>,
}

/// A session that began.
pub struct Entered {
    /// The cookie's value.
    pub session: String,
    /// Whose it is.
    pub name: String,
}

impl Doors {
    /// Closed doors of the room called `party`. Cookies know no ports, so rooms on one machine need names of their own.
    pub fn new(world: &World, party: &str) -> Self {
        Self { world: world.clone(), cookie: format!("musubi-{party}"), inner: Mutex::default() }
    }

    fn now(&self) -> Moment {
        Moment(self.world.now())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A secret word as it travels; kept by its hash, so that how long a comparison takes says nothing of it.
    fn secret(&self) -> String {
        B64::from(self.world.random::<24>()).text()
    }

    /// The session cookie's name.
    pub fn cookie_name(&self) -> &str {
        &self.cookie
    }

    /// A ticket that lets `name` in once, within a minute. `ends`: the session's end at the latest.
    pub fn ticket(&self, name: &str, role: Role, carried: Option<Carried>, ends: Option<Moment>) -> String {
        let (key, now) = (self.secret(), self.now());
        let mut inner = self.inner();
        inner.tickets.retain(|_, ticket| now.since_ms(ticket.made) < TICKET_MS);
        if inner.tickets.len() >= MOST {
            inner.tickets.clear();
        }
        let ticket = Ticket { name: name.to_owned(), role, carried, ends, made: now };
        inner.tickets.insert(sha256(key.as_bytes()), ticket);
        key
    }

    /// Uses a ticket up.
    pub fn enter(&self, ticket: &str) -> Option<Entered> {
        let (now, hash) = (self.now(), sha256(ticket.as_bytes()));
        let ticket = self.inner().tickets.remove(&hash)?;
        if now.since_ms(ticket.made) >= TICKET_MS {
            return None;
        }
        let Ticket { name, role, carried, ends, .. } = ticket;
        Some(self.begin(name, role, carried, ends))
    }

    /// Begins a session of somebody who has shown who they are.
    pub fn begin(&self, name: String, role: Role, carried: Option<Carried>, ends: Option<Moment>) -> Entered {
        let (session, form_key, now) = (self.secret(), self.secret(), self.now());
        let mut inner = self.inner();
        inner.sessions.retain(|_, session| !session.is_over(now));
        if inner.sessions.len() >= MOST {
            let oldest = inner.sessions.iter().min_by_key(|(_, session)| session.last_seen);
            if let Some(hash) = oldest.map(|(hash, _)| *hash) {
                inner.sessions.remove(&hash);
            }
        }
        let known = Session { name: name.clone(), role, form_key, carried, ends, last_seen: now };
        inner.sessions.insert(sha256(session.as_bytes()), known);
        Entered { session, name }
    }

    /// Who sent these headers.
    pub fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let now = self.now();
        let hash = sha256(cookie(headers, &self.cookie)?.as_bytes());
        let mut inner = self.inner();
        let known = inner.sessions.get_mut(&hash)?;
        if known.is_over(now) {
            inner.sessions.remove(&hash);
            return None;
        }
        known.last_seen = now;
        Some(Visitor {
            name: known.name.clone(),
            role: known.role,
            form_key: known.form_key.clone(),
            carried: known.carried.clone(),
            ends: known.ends,
        })
    }

    /// Ends the session of these headers, and what it carried.
    pub fn leave(&self, headers: &HeaderMap) {
        if let Some(session) = cookie(headers, &self.cookie) {
            self.inner().sessions.remove(&sha256(session.as_bytes()));
        }
    }
}

impl Session {
    fn is_over(&self, now: Moment) -> bool {
        now.since_ms(self.last_seen) >= IDLE_MS || self.ends.is_some_and(|ends| now >= ends)
    }
}

impl Visitor {
    /// Whether a form came from a page of this session.
    pub fn wrote(&self, form_key: &str) -> bool {
        sha256(form_key.as_bytes()) == sha256(self.form_key.as_bytes())
    }
}

impl Insiders for Doors {
    fn caller(&self, _path: &str, headers: &HeaderMap) -> Caller {
        match self.visitor(headers) {
            Some(visitor) => Caller::Inner { name: visitor.name, role: visitor.role },
            None => Caller::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn with(doors: &Doors, session: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let line = format!("other=1; {}={session}", doors.cookie_name());
        headers.insert(header::COOKIE, line.parse().unwrap());
        headers
    }

    #[test]
    fn a_ticket_lets_in_once_and_a_session_ends() {
        let world = World::simulated(1, 0);
        let doors = Doors::new(&world, "town");
        let ticket = doors.ticket("sato", Role::Clerk, None, None);
        let entered = doors.enter(&ticket).unwrap();
        assert!(doors.enter(&ticket).is_none(), "used up");
        let visitor = doors.visitor(&with(&doors, &entered.session)).unwrap();
        assert_eq!((visitor.name.as_str(), visitor.role), ("sato", Role::Clerk));
        assert!(visitor.wrote(&visitor.form_key) && !visitor.wrote("") && !visitor.wrote(&entered.session));
        world.advance(IDLE_MS - 1);
        assert!(doors.visitor(&with(&doors, &entered.session)).is_some(), "each request keeps it alive");
        world.advance(IDLE_MS);
        assert!(doors.visitor(&with(&doors, &entered.session)).is_none());
        let late = doors.ticket("sato", Role::Clerk, None, None);
        world.advance(TICKET_MS);
        assert!(doors.enter(&late).is_none(), "too late");
        assert!(doors.visitor(&HeaderMap::new()).is_none());
    }

    #[test]
    fn what_a_session_carries_goes_with_it() {
        let world = World::simulated(1, 0);
        let doors = Doors::new(&world, "portal");
        let carried: Arc<String> = Arc::new("records".into());
        let ticket = doors.ticket("person", Role::Person, Some(carried.clone()), Some(Moment(1_000)));
        let entered = doors.enter(&ticket).unwrap();
        let headers = with(&doors, &entered.session);
        assert!(doors.visitor(&headers).unwrap().carried.unwrap().downcast_ref::<String>().is_some());
        assert_eq!(doors.caller("/", &headers), Caller::Inner { name: "person".into(), role: Role::Person });
        world.advance(1_000);
        assert_eq!(doors.caller("/", &headers), Caller::Nobody, "the assertion has ended");
        assert_eq!(Arc::strong_count(&carried), 1, "dropped with the session");
        let entered = doors.begin("person".into(), Role::Person, Some(carried.clone()), None);
        let headers = with(&doors, &entered.session);
        doors.leave(&headers);
        assert_eq!(Arc::strong_count(&carried), 1, "dropped at log-out");
    }
}
