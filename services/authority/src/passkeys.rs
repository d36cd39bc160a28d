//! Passkeys: enrolled by somebody who is signed in with the card, given up by whoever has them, shown to their owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::store::{Db, Read, StoreError, Write, params};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::index::Taken;
use protocol::sign_in::{
    AskChallenge, AskShown, Challenge, EnrolPasskey, MOST_PASSKEYS, Means, PasskeyLine, RemovePasskey, Shown,
};
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use seal::webauthn::{self, Passkey, RelyingParty, UserVerification};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason};

use crate::error::own_database;
use crate::people;
use crate::sign_in::Signed;
use crate::{Authority, Here};

/// How long a challenge holds, and how many are open at once.
const HOLDS_MS: i64 = 300_000;
const MOST: usize = 100_000;

/// The site of the portal's pages, and the challenges that are open.
pub(crate) struct Passkeys {
    site: Option<RelyingParty>,
    open: Mutex<HashMap<Sha256, Moment>>,
}

impl Passkeys {
    /// For pages of this origin, e.g. `https://portal.example`; none are taken without.
    pub(crate) fn new(origin: Option<&str>) -> Self {
        let site = origin.map(|origin| {
            let host = origin.split_once("://").map_or(origin, |(_, host)| host);
            let id = host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned();
            RelyingParty { id, origin: origin.to_owned() }
        });
        Self { site, open: Mutex::default() }
    }

    fn site(&self) -> Result<&RelyingParty, Problem> {
        let why = "This authority takes no passkeys: its section has no `passkey_origin`.";
        self.site.as_ref().ok_or(Problem::with(Reason::NotFound, why))
    }

    /// Uses a challenge up.
    pub(crate) fn take(&self, challenge: &B64, now: Moment) -> Result<(RelyingParty, Sha256), Problem> {
        let challenge: Sha256 = challenge.fixed("`challenge`, which has 32 bytes")?;
        let made = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&challenge);
        if made.is_none_or(|made| now.since_ms(made) > HOLDS_MS) {
            let why = "The challenge was used before, or has run out: begin again.";
            return Err(Problem::with(Reason::Unauthenticated, why));
        }
        Ok((self.site()?.clone(), challenge))
    }
}

pub(crate) async fn challenge(
    State(here): State<Here>,
    _body: Json<AskChallenge>,
) -> Result<axum::Json<Challenge>, Problem> {
    let (house, passkeys) = (&here.0.house, &here.0.passkeys);
    let site = passkeys.site()?.id.clone();
    let (challenge, now): (Sha256, _) = (house.world.random(), house.now());
    let mut open = passkeys.open.lock().unwrap_or_else(PoisonError::into_inner);
    if open.len() >= MOST {
        open.retain(|_, made| now.since_ms(*made) <= HOLDS_MS);
    }
    if open.len() >= MOST {
        return Err(Problem::new(Reason::RateExceeded));
    }
    open.insert(challenge, now);
    Ok(axum::Json(Challenge { challenge: B64::from(challenge), site }))
}

/// A passkey as it is kept.
pub(crate) struct Kept {
    pub(crate) passkey: Passkey,
    pub(crate) serial: Vec<u8>,
}

/// A passkey by its id.
pub(crate) async fn by_credential(db: &Db, credential: Vec<u8>) -> Result<Option<Kept>, StoreError> {
    db.read("by_credential", move |read| {
        let sql = "SELECT public, counter, serial FROM passkey WHERE credential = $1";
        let found = read.row(sql, &params![credential.clone()])?;
        found
            .map(|row| {
                let counter = u32::try_from(row.int(1)?).map_err(|_| StoreError::Closed)?;
                let passkey = Passkey { credential, public: row.bytes(0)?, counter };
                Ok(Kept { passkey, serial: row.bytes(2)? })
            })
            .transpose()
    })
    .await
}

/// Keeps a passkey's counter, and that it was used.
pub(crate) fn count(
    write: &mut Write<'_>,
    credential: Vec<u8>,
    counter: u32,
    now: Moment,
) -> Result<(), StoreError> {
    let sql = "UPDATE passkey SET counter = $2, used = $3 WHERE credential = $1";
    write.execute(sql, &params![credential, i64::from(counter), now.0]).map(|_| ())
}

fn lines(read: &mut Read<'_>, holder: Sha256) -> Result<Vec<PasskeyLine>, StoreError> {
    let sql =
        "SELECT credential, enrolled, used FROM passkey WHERE holder = $1 ORDER BY enrolled, credential";
    let rows = read.rows(sql, &params![holder])?;
    rows.iter()
        .map(|row| {
            let used = row.opt_int(2)?.map(Moment);
            Ok(PasskeyLine { credential: B64::from(row.bytes(0)?), enrolled: Moment(row.int(1)?), used })
        })
        .collect()
}

async fn passkeys_of(authority: &Authority, holder: Sha256) -> Result<Vec<PasskeyLine>, StoreError> {
    authority.house.road.db().read("passkeys_of", move |read| lines(read, holder)).await
}

pub(crate) async fn enrol(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<EnrolPasskey>,
) -> Result<Response, Problem> {
    let (authority, ask) = (here.0, body.message);
    let signed = authority.signed_in(&ask.assertion)?;
    let (site, challenge) = authority.passkeys.take(&ask.challenge, authority.house.now())?;
    let made = (ask.client.0.as_slice(), ask.attestation.0.as_slice());
    let passkey = webauthn::enrol(&site, &challenge, made.0, made.1, UserVerification::Required);
    let passkey =
        passkey.map_err(|error| Problem::with(Reason::BadSignature, format!("The passkey: {error}.")))?;
    let db = authority.house.road.db();
    let known = by_credential(db, passkey.credential.clone()).await.map_err(|error| own_database(&error))?;
    let have = passkeys_of(&authority, signed.holder).await.map_err(|error| own_database(&error))?.len();
    if known.is_some() || have >= MOST_PASSKEYS {
        let why = "This passkey is enrolled already, or there are eight: give one up first.";
        return Err(Problem::with(Reason::WrongState, why));
    }
    authority.own_passkeys(ask.id, &caller, &body.bytes, signed, What::Enrol(passkey)).await
}

pub(crate) async fn remove(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<RemovePasskey>,
) -> Result<Response, Problem> {
    let (authority, ask) = (here.0, body.message);
    let signed = authority.signed_in(&ask.assertion)?;
    let own = passkeys_of(&authority, signed.holder).await.map_err(|error| own_database(&error))?;
    if !own.iter().any(|line| line.credential == ask.credential) {
        return Err(Problem::with(Reason::NotFound, "This person has no such passkey."));
    }
    authority.own_passkeys(ask.id, &caller, &body.bytes, signed, What::Remove(ask.credential.0)).await
}

pub(crate) async fn shown(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskShown>,
) -> Result<Response, Problem> {
    let (authority, ask) = (here.0, body.message);
    let signed = authority.signed_in(&ask.assertion)?;
    authority.own_passkeys(ask.id, &caller, &body.bytes, signed, What::Show).await
}

enum What {
    Enrol(Passkey),
    Remove(Vec<u8>),
    Show,
}

struct OwnPasskeys {
    authority: Arc<Authority>,
    signed: Signed,
    what: What,
}

impl Authority {
    async fn own_passkeys(
        self: Arc<Self>,
        id: words::ActId,
        caller: &Caller,
        body: &[u8],
        signed: Signed,
        what: What,
    ) -> Result<Response, Problem> {
        let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(body) };
        let road = Arc::clone(&self.house.road);
        let verb = OwnPasskeys { authority: self, signed, what };
        road.travel(arrival, verb).await.map(json_bytes).map_err(told)
    }
}

impl Verb for OwnPasskeys {
    const NAME: &'static str = "own_passkeys";
    type Permit = Permit<Operate>;
    type Acted = (Moment, Vec<u8>);

    fn label(&self) -> String {
        match self.what {
            What::Enrol(_) => "enrol".into(),
            What::Remove(_) => "remove".into(),
            What::Show => "show".into(),
        }
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        // A passkey makes no other passkey: whoever finds an open session with one gains nothing that lasts.
        if matches!(self.what, What::Enrol(_)) && self.signed.means != Means::Certificate {
            return Err(Reason::NotAllowed.into());
        }
        Ok(decide_operation(Operation::LookAfterCertificates, Role::Person)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("what", self.label());
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Self::Acted, Failure> {
        let reply = match self.what {
            What::Enrol(_) | What::Remove(_) => serde_json::to_vec(&Taken {}),
            What::Show => {
                let uses = people::uses(self.authority.house.road.db(), self.signed.holder).await?;
                let passkeys = passkeys_of(&self.authority, self.signed.holder).await?;
                serde_json::to_vec(&Shown { uses, passkeys, means: self.signed.means })
            }
        };
        Ok((self.authority.house.now(), reply.map_err(|_| Failure::new(Reason::Internal))?))
    }

    fn protect(&self, _permit: &Self::Permit, (now, reply): Self::Acted) -> Result<Protected, Failure> {
        let (holder, serial) = (self.signed.holder, self.signed.serial.clone());
        let writes: Option<RoomWrite> = match &self.what {
            What::Show => None,
            What::Remove(credential) => {
                let credential = credential.clone();
                let sql = "DELETE FROM passkey WHERE credential = $1 AND holder = $2";
                Some(Box::new(move |write| write.execute(sql, &params![credential, holder]).map(|_| ())))
            }
            What::Enrol(passkey) => {
                let Passkey { credential, public, counter } = passkey.clone();
                let sql = "INSERT INTO passkey (credential, holder, serial, public, counter, enrolled, used) \
                           VALUES ($1, $2, $3, $4, $5, $6, NULL) ON CONFLICT (credential) DO NOTHING";
                Some(Box::new(move |write| {
                    let row = params![credential, holder, serial, public, i64::from(counter), now.0];
                    write.execute(sql, &row).map(|_| ())
                }))
            }
        };
        // What a person looked at is not kept.
        let keep = !matches!(self.what, What::Show);
        Ok(Protected { reply, record: Record::new(), writes, keep })
    }
}
