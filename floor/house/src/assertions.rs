//! Who a person is: the authority says so, after the card's certificate or a passkey; in a demo the picker does, too. The
//! picker's word is taken only by rooms whose configuration says `demo = true`, in a country whose trust anchor names its key.

use protocol::own::{DEMO, DemoAssertion, DemoLook, DemoPerson, PERSON_INFO as DEMO_INFO};
use protocol::sign_in::{PERSON_INFO, PersonAssertion, PersonLook, PersonNamed};
use seal::{Jws, VerifyKey};
use words::{B64, Moment, PartyId};

use crate::House;

/// Whom an assertion names to the registry.
pub enum Named {
    /// By the register's key of the entry: the picker.
    Entry(String),
    /// By the register's own handle: the authority.
    Handle([u8; 32]),
}

/// What the assertion that says who and the one that does not have in common.
#[derive(PartialEq)]
struct Said {
    nonce: B64,
    at: Moment,
    ends: Moment,
}

impl House {
    fn demo_key(&self) -> Option<(PartyId, &VerifyKey)> {
        let key = self.country.demo_key.as_ref().filter(|_| self.demo)?;
        Some((PartyId::parse(DEMO).ok()?, key))
    }

    fn picked(&self, jws: &Jws) -> Option<DemoAssertion> {
        let (demo, key) = self.demo_key()?;
        protocol::verify(jws, &demo, key).ok()
    }

    /// What the authority asserts, if it signed that.
    pub fn person_assertion(&self, jws: &Jws) -> Option<PersonAssertion> {
        protocol::verify(jws, &self.country.authority, &self.country.authority_key).ok()
    }

    /// From when until when an assertion holds.
    pub fn assertion(&self, jws: &Jws) -> Option<(Moment, Moment)> {
        self.asserts(jws).map(|said| (said.at, said.ends))
    }

    /// The same for the assertion that does not say who.
    pub fn assertion_of_nobody(&self, jws: &Jws) -> Option<(Moment, Moment)> {
        self.looks(jws).map(|said| (said.at, said.ends))
    }

    /// From when until when an assertion holds that came with the one that does not say who, if both were made together.
    pub fn assertion_and_look(&self, assertion: &Jws, look: &Jws) -> Option<(Moment, Moment)> {
        let said = self.asserts(assertion)?;
        (self.looks(look)? == said).then_some((said.at, said.ends))
    }

    fn asserts(&self, jws: &Jws) -> Option<Said> {
        let of = |nonce, at, ends| Said { nonce, at, ends };
        let picked = self.picked(jws).map(|said| of(said.nonce, said.at, said.ends));
        picked.or_else(|| self.person_assertion(jws).map(|said| of(said.nonce, said.at, said.ends)))
    }

    fn looks(&self, jws: &Jws) -> Option<Said> {
        let of = |nonce, at, ends| Said { nonce, at, ends };
        let picked = self.demo_key().and_then(|(demo, key)| {
            let look: DemoLook = protocol::verify(jws, &demo, key).ok()?;
            Some(of(look.nonce, look.at, look.ends))
        });
        picked.or_else(|| {
            let country = &self.country;
            let look: PersonLook = protocol::verify(jws, &country.authority, &country.authority_key).ok()?;
            Some(of(look.nonce, look.at, look.ends))
        })
    }

    /// Whom an assertion that still holds names to this room.
    pub fn person_named(&self, jws: &Jws) -> Option<Named> {
        let opened = |info: &[u8], nonce: &B64, person: &B64, ends: Moment| {
            let holds = self.now() < ends;
            holds.then(|| self.sealing.open(info, &nonce.0, &person.0).ok()).flatten()
        };
        if let Some(DemoAssertion { person, nonce, ends, .. }) = self.picked(jws) {
            let opened = opened(DEMO_INFO, &nonce, &person, ends)?;
            let person: DemoPerson = serde_json::from_slice(&opened.plaintext).ok()?;
            return Some(Named::Entry(person.entry));
        }
        let PersonAssertion { person, nonce, ends, .. } = self.person_assertion(jws)?;
        let opened = opened(PERSON_INFO, &nonce, &person, ends)?;
        let person: PersonNamed = serde_json::from_slice(&opened.plaintext).ok()?;
        person.handle.fixed("handle").ok().map(Named::Handle)
    }
}
