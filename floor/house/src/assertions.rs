//! Demo assertions: who a person is, said by the demo's picker instead of a card. Taken only by rooms whose configuration
//! says `demo = true`, in a country whose trust anchor names the picker's key.

use protocol::own::{DEMO, DemoAssertion, DemoLook, DemoPerson, PERSON_INFO};
use seal::{Jws, VerifyKey};
use words::{Moment, PartyId};

use crate::House;

impl House {
    fn demo_key(&self) -> Option<(PartyId, &VerifyKey)> {
        let key = self.country.demo_key.as_ref().filter(|_| self.demo)?;
        Some((PartyId::parse(DEMO).ok()?, key))
    }

    fn asserted(&self, jws: &Jws) -> Option<DemoAssertion> {
        let (demo, key) = self.demo_key()?;
        protocol::verify(jws, &demo, key).ok()
    }

    /// From when until when an assertion holds, if the picker signed it.
    pub fn demo_assertion(&self, jws: &Jws) -> Option<(Moment, Moment)> {
        self.asserted(jws).map(|assertion| (assertion.at, assertion.ends))
    }

    /// The same for the assertion that does not say who.
    pub fn demo_look(&self, jws: &Jws) -> Option<(Moment, Moment)> {
        let (demo, key) = self.demo_key()?;
        let look: DemoLook = protocol::verify(jws, &demo, key).ok()?;
        Some((look.at, look.ends))
    }

    /// Whom an assertion that still holds names to this room: the register's key of the entry.
    pub fn demo_person(&self, jws: &Jws) -> Option<String> {
        let assertion = self.asserted(jws)?;
        if self.now() >= assertion.ends {
            return None;
        }
        let opened = self.sealing.open(PERSON_INFO, &assertion.nonce.0, &assertion.person.0).ok()?;
        serde_json::from_slice::<DemoPerson>(&opened.plaintext).ok().map(|person| person.entry)
    }
}
