//! A small country of keys: both bodies' drivers of a scheme, and sessions of some parties.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use conversion::scheme::{Blind, End, OpenCore, PassOn, Passage, open_scheme};
use conversion::{LinkCodeScheme, MIGRATIONS, Place};
use seal::{
    CoreKey, Dealt, Dice, EncryptedCode, IndividualNumber, LinkCode, OpenCode, PersonPoint, PublicPoint,
    SessionSecret, deal,
};
use store::{Db, Location};
use words::{ActId, Date, Domain, Epoch, PartyId, Reason, Scheme, SessionName};

/// A party's session: where codes go, and what opens them there.
type Session = Arc<(End, SessionSecret)>;

/// Both bodies of one scheme.
pub struct Ground {
    pub scheme: Scheme,
    pub dice: Dice,
    pub drivers: [Box<dyn LinkCodeScheme>; 2],
    dealt: Dealt,
    sessions: Mutex<HashMap<(String, u32), Session>>,
}

pub fn dice() -> Dice {
    Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer))
}

/// A database for the tables, on the engine at hand.
pub async fn database(location: &Location) -> Db {
    Db::open(location, &[MIGRATIONS]).await.unwrap()
}

impl Ground {
    pub async fn new(scheme: Scheme, folder: &Path) -> Self {
        let name = format!("{}.db", scheme.number());
        Self::on(scheme, database(&Location::Sqlite(folder.join(name))).await)
    }

    pub fn on(scheme: Scheme, db: Db) -> Self {
        let dice = dice();
        let dealt = deal(2, &dice).unwrap();
        // The same secrets, as their holder reads them from the own folder.
        let folder = tempfile::tempdir().unwrap();
        let keys = seal::KeyFolder::new(folder.path());
        let again = |which: usize| {
            keys.write_transcryptor(&dealt.transcryptors[which]).unwrap();
            Arc::new(keys.transcryptor().unwrap())
        };
        let halves = [again(0), again(1)];
        let drivers: [Box<dyn LinkCodeScheme>; 2] = if scheme.is_blind() {
            let [first, last] = halves;
            [Box::new(Blind::new(first, Place::First)), Box::new(Blind::new(last, Place::Last))]
        } else {
            let core = Arc::new(CoreKey::generate(&dice));
            let holds: conversion::scheme::HoldsNumber =
                Arc::new(|party: &PartyId| ["town", "tax"].contains(&party.as_str()));
            let open = open_scheme(scheme, &core, &db, &dice, holds).unwrap();
            let global = dealt.global.clone();
            [Box::new(OpenCore::new(halves, global, dice.clone(), open)), Box::new(PassOn(scheme))]
        };
        Self { scheme, dice, drivers, dealt, sessions: Mutex::default() }
    }

    /// A party's session of an epoch.
    pub fn session(&self, party: &str, epoch: u32) -> Session {
        let mut sessions = self.sessions.lock().unwrap();
        let made = sessions.entry((party.to_owned(), epoch)).or_insert_with(|| {
            let id = PartyId::parse(party).unwrap();
            let name = SessionName::new(&id, Date::new(2026, 11, 22).unwrap(), epoch);
            let mut key = self.dealt.global.public;
            for half in &self.dealt.transcryptors {
                key = half.extend_session_key(&name, &key, &self.dice).unwrap().key;
            }
            let shares: Vec<_> =
                self.dealt.transcryptors.iter().map(|half| half.share(&name).unwrap()).collect();
            let secret = SessionSecret::assemble(&self.dealt.global, &shares, &key).unwrap();
            let end = End { domain: Domain::new(id, Epoch(epoch)), session: name, key };
            Arc::new((end, secret))
        });
        Arc::clone(made)
    }

    pub fn public(&self, party: &str) -> PublicPoint {
        self.session(party, 0).0.key
    }

    /// How the registry names the n-th person.
    pub fn person(&self, n: u32) -> EncryptedCode {
        let registry = self.session("registry", 0);
        if self.scheme == Scheme::Number {
            let mut digits = [0u8; 12];
            let mut rest = n + 1;
            for slot in digits[..11].iter_mut().rev() {
                *slot = u8::try_from(rest % 10).unwrap();
                rest /= 10;
            }
            let text = |check: u8| -> String {
                digits[..11].iter().chain([&check]).map(|digit| char::from(b'0' + digit)).collect()
            };
            let number = (0..10).find_map(|check| IndividualNumber::parse(&text(check)).ok()).unwrap();
            let code = OpenCode::of_number(&number).to_link_code().unwrap();
            return PersonPoint::from(code).encrypt(&registry.0.key, &self.dice);
        }
        let folder = KEY.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            seal::KeyFolder::new(folder.path()).person(Some(&dice())).unwrap()
        });
        let mut anchor = [7; 32];
        anchor[..4].copy_from_slice(&n.to_be_bytes());
        folder.person(&anchor).encrypt(&registry.0.key, &self.dice)
    }

    async fn through(
        &self,
        from: &End,
        to: &End,
        codes: Vec<EncryptedCode>,
        issue: bool,
    ) -> Result<Vec<EncryptedCode>, Reason> {
        let mut codes = codes;
        for driver in &self.drivers {
            let passage = Passage {
                id: ActId::batch(self.dice.bytes()),
                batch: true,
                from: from.clone(),
                to: to.clone(),
            };
            codes = if issue {
                driver.issue(passage, codes).await?
            } else {
                driver.convert(passage, codes).await?
            };
        }
        Ok(codes)
    }

    /// Codes of `people` for a party, as it opens them.
    pub async fn issue(&self, people: &[u32], to: &str) -> Vec<LinkCode> {
        let (from, to) = (self.session("registry", 0), self.session(to, 0));
        let named = people.iter().map(|n| self.person(*n)).collect();
        let codes = self.through(&from.0, &to.0, named, true).await.unwrap();
        codes.iter().map(|code| to.1.decrypt(code).unwrap()).collect()
    }

    /// Codes converted from a party's epoch to another's.
    pub async fn convert(
        &self,
        codes: &[LinkCode],
        (from, from_epoch): (&str, u32),
        (to, to_epoch): (&str, u32),
    ) -> Result<Vec<LinkCode>, Reason> {
        let (from, to) = (self.session(from, from_epoch), self.session(to, to_epoch));
        let sent = codes.iter().map(|code| code.encrypt(&from.0.key, &self.dice)).collect();
        let codes = self.through(&from.0, &to.0, sent, false).await?;
        Ok(codes.iter().map(|code| to.1.decrypt(code).unwrap()).collect())
    }
}

static KEY: std::sync::OnceLock<seal::PersonKey> = std::sync::OnceLock::new();

/// Whether two lists of codes are the same, row by row.
pub fn same(one: &[LinkCode], other: &[LinkCode]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.same_as(other))
}
