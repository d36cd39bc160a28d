//! The opening of a session: linkage takes its turn, the trustee takes its own, both store the result.
//!
//! Not an act about a person: it is noted in the records, once for each session.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use conversion::KnownSession;
use protocol::directory::Entry;
use protocol::session::{
    AskStatement, Current, EXTEND, Extend, Extended, Open, Opened, SHARE_INFO, SessionKey,
};
use road::Record;
use seal::Jws;
use wire::{Caller, Json, KnownParty, Problem};
use words::{ActId, B64, Domain, Moment, PartyId, Reason, SessionName};

use crate::{Here, Linkage};

/// How long the trustee is given for its turn.
const WITHIN: Duration = Duration::from_secs(5);

pub(crate) async fn open_session(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Open>,
) -> Result<axum::Json<Opened>, Problem> {
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let linkage = here.0;
    let now = linkage.house.now();
    let session = match &body.message.named {
        Some(name) => linkage.own_session(&party, name, now).await?,
        None => {
            let current = linkage
                .conversions
                .current(&party.id, now)
                .filter(|session| Some(&session.name) != body.message.instead_of.as_ref());
            match current {
                Some(session) => session,
                None => linkage.open(&party.id, now).await?,
            }
        }
    };
    let share =
        linkage.conversions.secrets().share(&session.name).map_err(|_| Problem::new(Reason::Internal))?;
    let entry = linkage.house.party(&party.id)?;
    let sealed = entry.sealing.seal(
        SHARE_INFO,
        session.name.as_str().as_bytes(),
        share.to_seal(),
        &linkage.house.dice,
    );
    let share = B64::from(sealed.map_err(|_| Problem::new(Reason::Internal))?.bytes);
    Ok(axum::Json(Opened { keys: vec![session.own.clone(), session.other.clone()], share }))
}

/// The name of a party's current session: where the registry has the portal's codes sent.
pub(crate) async fn current_session(
    State(here): State<Here>,
    Path(party): Path<String>,
) -> Result<axum::Json<Current>, Problem> {
    let party = PartyId::parse(&party)?;
    let session =
        here.0.conversions.current(&party, here.0.house.now()).ok_or(Problem::new(Reason::UnknownSession))?;
    Ok(axum::Json(Current { session: session.name.clone() }))
}

/// What this room stated of a session, for a replica of the trustee that was not there when it was opened.
pub(crate) async fn statement(
    State(here): State<Here>,
    body: Json<AskStatement>,
) -> Result<axum::Json<Extend>, Problem> {
    let linkage = here.0;
    let session = linkage.conversions.known(&body.message.session, linkage.house.now()).await?;
    Ok(axum::Json(Extend { party: session.party.clone(), key: session.own.clone() }))
}

impl Linkage {
    /// A session the caller asks for by name: its own; beyond its end for the portal alone.
    async fn own_session(
        &self,
        party: &KnownParty,
        name: &SessionName,
        now: Moment,
    ) -> Result<Arc<KnownSession>, Problem> {
        if *name.party() != party.id {
            return Err(Problem::with(Reason::NotAllowed, "The session is another party's."));
        }
        let session = if party.kind.as_str() == "portal" {
            self.conversions.known(name, now).await?
        } else {
            self.conversions.usable(name, now)?
        };
        Ok(session)
    }

    /// Opens a new session of a party.
    pub(crate) async fn open(&self, party: &PartyId, now: Moment) -> Result<Arc<KnownSession>, Problem> {
        Ok(self.conversions.keep(self.make(party, now).await?).await?)
    }

    /// Makes a new session: `k1·Y` with its proof, then the trustee's turn, checked.
    async fn make(&self, party: &PartyId, now: Moment) -> Result<KnownSession, Problem> {
        let house = &self.house;
        let internal = |_| Problem::new(Reason::Internal);
        // The number makes the name unique within the day: a session is not opened twice in one second.
        let number = u32::try_from(now.0 / 1000).unwrap_or(u32::MAX);
        let session = SessionName::new(party, now.date_in_japan(), number);
        let (secrets, epoch) = (self.conversions.secrets(), self.conversions.epoch(party));
        let key = secrets
            .extend_session_key(&session, &house.country.global.public, &house.dice)
            .map_err(internal)?;
        let domain = secrets.domain_commitment(&Domain::new(party.clone(), epoch)).map_err(internal)?;
        let ends_at = now.plus_ms(house.defaults.session_ms);
        let own = SessionKey { session: session.clone(), key, domain, epoch, opened_at: now, ends_at };
        let signed: Jws = house.sign(&own);
        let extend = Extend { party: party.clone(), key: signed.clone() };
        let extend = &extend;
        let ask = |trustee: Entry| async move { house.post(&trustee, EXTEND, extend, WITHIN).await };
        let id = ActId::new(house.world.random());
        let extended: Extended = self.trustees.ask(&id, ask).await.map_err(Problem::from)?;
        let (last, _): (SessionKey, _) = house.verify_trustee(&extended.key)?;
        if last.session != session
            || last.ends_at != ends_at
            || last.epoch != epoch
            || last.key.verify(&own.key.key).is_err()
        {
            return Err(Problem::with(
                Reason::BadReply,
                "The trustee's part of the session key does not hold.",
            ));
        }
        let mut record = Record::new();
        record
            .set("party", party)
            .set("session", &session)
            .set("commitment", own.key.commitment)
            .set("public", last.key.key);
        house.road.note("open_session", record).await.map_err(|_| Problem::new(Reason::Internal))?;
        Ok(KnownSession {
            name: session,
            party: party.clone(),
            public: last.key.key,
            opened_at: now,
            ends_at,
            own: signed,
            other: extended.key,
            epoch,
        })
    }
}
