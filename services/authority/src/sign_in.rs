//! Signing in: the authority checks the card's signature or a passkey's, and asserts the person to whom it concerns. It does not
//! learn what the person looks at; the portal does not learn who it is.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::certificates::{CertificateState, Purpose};
use protocol::own::LONGEST_MS;
use protocol::sign_in::{
    AskAssertion, Asserted, Means, PERSON_INFO, PersonAssertion, PersonLook, PersonNamed, UsePasskey,
};
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use seal::webauthn::{self, UserVerification};
use wire::{Caller, Json, Problem};
use words::{ActId, B64, Moment, Reason};

use crate::error::own_database;
use crate::passkeys::{self, Kept};
use crate::people::{self, Row};
use crate::verify::state_at;
use crate::{Authority, Here};

/// Who an assertion of this room is about, as it says to the room itself.
pub(crate) struct Signed {
    pub(crate) holder: Sha256,
    /// The authentication certificate behind it.
    pub(crate) serial: Vec<u8>,
    pub(crate) means: Means,
}

pub(crate) async fn by_card(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskAssertion>,
) -> Result<Response, Problem> {
    let (authority, ask) = (here.0, body.message);
    let signed = (&ask.certificate, &ask.signature);
    let row = authority.signer(&ask.text(), ask.at, signed, Purpose::Authentication).await?;
    let arrival = Arrival { id: ask.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let road = Arc::clone(&authority.house.road);
    let verb = Assert { authority, id: ask.id, row, by: By::Card };
    road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

pub(crate) async fn by_passkey(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<UsePasskey>,
) -> Result<Response, Problem> {
    let (authority, ask) = (here.0, body.message);
    let refused = |why: String| Problem::with(Reason::Unauthenticated, why);
    let db = authority.house.road.db();
    let (site, challenge) = authority.passkeys.take(&ask.challenge, authority.house.now())?;
    let kept = passkeys::by_credential(db, ask.credential.0.clone()).await;
    let kept = kept.map_err(|error| own_database(&error))?;
    let kept = kept.ok_or_else(|| refused("This passkey is not enrolled here.".into()))?;
    let sent = (ask.client.0.as_slice(), ask.data.0.as_slice(), ask.signature.0.as_slice());
    let counter = webauthn::verify(&site, &challenge, &kept.passkey, sent, UserVerification::Required);
    let counter = counter.map_err(|error| refused(format!("{error}.")))?;
    // It holds as long as the certificate it was enrolled with.
    let row = people::by_serials(db, vec![kept.serial.clone()]).await;
    let row = row.map_err(|error| own_database(&error))?.pop().flatten();
    let row = row.filter(|row| state_at(row, authority.house.now()) == CertificateState::Valid);
    let arrival = Arrival { id: ask.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let road = Arc::clone(&authority.house.road);
    let verb = Assert { authority, id: ask.id, row, by: By::Passkey(kept, counter) };
    road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

enum By {
    Card,
    /// The passkey as it was kept, and its counter now.
    Passkey(Kept, u32),
}

struct Assert {
    authority: Arc<Authority>,
    id: ActId,
    /// The authentication certificate, if it and what was signed hold.
    row: Option<Row>,
    by: By,
}

impl Authority {
    /// Who this room asserted, if it did and that still holds.
    pub(crate) fn signed_in(&self, jws: &seal::Jws) -> Result<Signed, Problem> {
        let refused = || Problem::new(Reason::Unauthenticated);
        let house = &self.house;
        let said = house.person_assertion(jws).ok_or_else(refused)?;
        if house.now() >= said.ends {
            return Err(Problem::new(Reason::Expired));
        }
        let own =
            house.storage.open("assertion", &said.nonce.0, "own", &said.own.0).map_err(|_| refused())?;
        let (holder, serial) = own.split_first_chunk::<32>().ok_or_else(refused)?;
        Ok(Signed { holder: *holder, serial: serial.to_vec(), means: said.means })
    }

    async fn assert(&self, row: &Row, means: Means) -> Result<Asserted, Failure> {
        let house = &self.house;
        let sealed = people::handle(house.road.db(), row.holder).await?;
        let why =
            "The register has ordered no certificate for this person since it can be told who signs in.";
        let sealed = sealed.ok_or(Failure::with(Reason::WrongState, why))?;
        let failed = |_| Failure::new(Reason::Internal);
        let handle = house.storage.open("holder", &row.holder, "handle", &sealed).map_err(failed)?;
        let (at, nonce): (_, [u8; 16]) = (house.now(), house.world.random());
        let ends = at.plus_ms(LONGEST_MS);
        let person = serde_json::to_vec(&PersonNamed { handle: B64::from(handle) });
        let person = person.map_err(|_| Failure::new(Reason::Internal))?;
        let registry = house.only("registry").map_err(Failure::new)?;
        let person = registry.sealing.seal(PERSON_INFO, &nonce, &person, &house.dice).map_err(failed)?;
        let own = [row.holder.as_slice(), &row.serial].concat();
        let own = B64::from(house.storage.seal("assertion", &nonce, "own", &own));
        let nonce = B64::from(nonce);
        let person = B64::from(person.bytes);
        let assertion = PersonAssertion { person, own, means, nonce: nonce.clone(), at, ends };
        let look = PersonLook { nonce, at, ends };
        Ok(Asserted { assertion: house.sign(&assertion), look: house.sign(&look) })
    }
}

impl Verb for Assert {
    const NAME: &'static str = "assert_person";
    type Permit = Permit<Operate>;
    type Acted = (Moment, Asserted);

    fn label(&self) -> String {
        match self.by {
            By::Card => "certificate".into(),
            By::Passkey(..) => "passkey".into(),
        }
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        self.row.as_ref().ok_or(Reason::Unauthenticated)?;
        Ok(decide_operation(Operation::LookAfterCertificates, Role::Person)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("means", self.label());
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Self::Acted, Failure> {
        let row = self.row.as_ref().ok_or(Failure::new(Reason::Unauthenticated))?;
        let means = match self.by {
            By::Card => Means::Certificate,
            By::Passkey(..) => Means::Passkey,
        };
        Ok((self.authority.house.now(), self.authority.assert(row, means).await?))
    }

    fn protect(&self, _permit: &Self::Permit, (now, asserted): Self::Acted) -> Result<Protected, Failure> {
        let row = self.row.clone().ok_or(Failure::new(Reason::Unauthenticated))?;
        let party = self.authority.house.only("portal").map_err(Failure::new)?.id;
        let counted = match &self.by {
            By::Card => None,
            By::Passkey(kept, counter) => Some((kept.passkey.credential.clone(), *counter)),
        };
        let act = self.id;
        let writes: RoomWrite = Box::new(move |write| {
            // The person sees this use, too.
            people::note_uses(write, &act, &party, &[row], now)?;
            counted.map_or(Ok(()), |(credential, counter)| passkeys::count(write, credential, counter, now))
        });
        let reply = serde_json::to_vec(&asserted).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record: Record::new(), writes: Some(writes), keep: false })
    }
}
