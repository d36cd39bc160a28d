//! The one request that lies before the person.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use words::{B64, hex};
use world::World;

use super::Question;

/// How long a request waits for the person, and its outcome for the page: two minutes.
const WAITS_MS: i64 = 120_000;

/// What was asked, and by whom.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) id: String,
    token: String,
    pub(super) origin: String,
    pub(super) purpose: String,
    challenge: B64,
    /// Where a form leads the person back to.
    pub(super) back: Option<String>,
    at: i64,
}

/// What is signed: exactly these bytes are handed on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) origin: String,
    pub(super) challenge: B64,
    pub(super) purpose: String,
    /// Unix milliseconds.
    pub(super) at: i64,
}

/// The type of the messages that this agent has signed.
pub(super) const KIND: &str = "musubi-card-login-v1";

impl Asked {
    /// `None` if challenge or purpose are not as they must be.
    pub(super) fn new(
        origin: String,
        question: Question,
        back: Option<String>,
        world: &World,
    ) -> Option<Self> {
        let Question { challenge, purpose } = question;
        let good = (16..=64).contains(&challenge.0.len())
            && (1..=200).contains(&purpose.chars().count())
            // No text that runs over its place or turns around.
            && !purpose.chars().any(|c| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'));
        let random = || hex(&world.random::<16>());
        good.then(|| Self {
            id: random(),
            token: random(),
            origin,
            purpose,
            challenge,
            back,
            at: world.now(),
        })
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn has_token(&self, token: &str) -> bool {
        // Thirty-two digits that are drawn anew for each request; a try ends in a refusal either way.
        self.token == token
    }

    pub(super) fn message(&self, now: i64) -> Vec<u8> {
        let message = Message {
            kind: KIND.into(),
            origin: self.origin.clone(),
            challenge: self.challenge.clone(),
            purpose: self.purpose.clone(),
            at: now,
        };
        serde_json::to_vec(&message).unwrap_or_default()
    }
}

/// What the page is given.
#[derive(Clone, Serialize)]
pub(super) struct Reply {
    state: &'static str,
    /// The bytes that were signed.
    pub(super) signed: B64,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub(super) signature: B64,
    /// The holder's certificate, DER.
    pub(super) certificate: B64,
}

impl Reply {
    pub(super) fn new(signed: Vec<u8>, signature: Vec<u8>, certificate: Vec<u8>) -> Self {
        Self {
            state: "signed",
            signed: B64(signed),
            signature: B64(signature),
            certificate: B64(certificate),
        }
    }
}

#[derive(Clone)]
pub(super) enum Outcome {
    Waiting,
    Refused,
    Signed(Reply),
}

/// Another request waits.
pub(super) struct Full;

#[derive(Default)]
pub(super) struct Desk {
    current: Mutex<Option<(Asked, Outcome)>>,
}

impl Desk {
    fn current(&self, now: i64) -> MutexGuard<'_, Option<(Asked, Outcome)>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|(asked, _)| now - asked.at > WAITS_MS) {
            *current = None;
        }
        current
    }

    pub(super) fn put(&self, asked: Asked, now: i64) -> Result<(), Full> {
        let mut current = self.current(now);
        if matches!(&*current, Some((_, Outcome::Waiting))) {
            return Err(Full);
        }
        *current = Some((asked, Outcome::Waiting));
        Ok(())
    }

    /// The request that waits for the person.
    pub(super) fn waiting(&self, now: i64) -> Option<Asked> {
        match &*self.current(now) {
            Some((asked, Outcome::Waiting)) => Some(asked.clone()),
            _ => None,
        }
    }

    pub(super) fn close(&self, id: &str, outcome: Outcome) {
        if let Some((asked, state)) = &mut *self.current.lock().unwrap_or_else(PoisonError::into_inner)
            && asked.id == id
        {
            *state = outcome;
        }
    }

    /// The outcome for the page that asked; what is decided is given once.
    pub(super) fn outcome(&self, id: &str, origin: &str, now: i64) -> Option<Outcome> {
        let mut current = self.current(now);
        let (asked, outcome) = current.as_ref()?;
        if asked.id != id || asked.origin != origin {
            return None;
        }
        let outcome = outcome.clone();
        if !matches!(outcome, Outcome::Waiting) {
            *current = None;
        }
        Some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(world: &World, origin: &str) -> Option<Asked> {
        let question = Question { challenge: B64(vec![7; 16]), purpose: "ログイン".into() };
        Asked::new(origin.into(), question, None, world)
    }

    #[test]
    fn one_at_a_time_and_each_outcome_once_for_who_asked() {
        let world = World::simulated(1, 0);
        let desk = Desk::default();
        let first = asked(&world, "https://a.example").unwrap();
        let id = first.id.clone();
        assert!(desk.put(first, world.now()).is_ok());
        assert!(desk.put(asked(&world, "https://b.example").unwrap(), world.now()).is_err());
        assert!(desk.outcome(&id, "https://b.example", world.now()).is_none(), "another page");
        assert!(matches!(desk.outcome(&id, "https://a.example", world.now()), Some(Outcome::Waiting)));
        desk.close(&id, Outcome::Refused);
        assert!(matches!(desk.outcome(&id, "https://a.example", world.now()), Some(Outcome::Refused)));
        assert!(desk.outcome(&id, "https://a.example", world.now()).is_none());
        // Who does not come back does not keep the agent from others.
        assert!(desk.put(asked(&world, "https://b.example").unwrap(), world.now()).is_ok());
        world.advance(WAITS_MS + 1);
        assert!(desk.waiting(world.now()).is_none());
        assert!(desk.put(asked(&world, "https://c.example").unwrap(), world.now()).is_ok());
    }

    #[test]
    fn challenges_and_purposes_have_bounds() {
        let world = World::simulated(1, 0);
        let make = |length: usize, purpose: &str| {
            let question = Question { challenge: B64(vec![7; length]), purpose: purpose.into() };
            Asked::new("https://a.example".into(), question, None, &world).is_some()
        };
        assert!(make(16, "login") && make(64, &"あ".repeat(200)));
        for (length, purpose) in [(15, "login"), (65, "login"), (16, ""), (16, "a\nb"), (16, "a\u{202E}b")] {
            assert!(!make(length, purpose), "{length} {purpose:?}");
        }
        assert!(!make(16, &"あ".repeat(201)));
    }
}
