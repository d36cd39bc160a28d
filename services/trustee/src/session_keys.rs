//! Sessions at the trustee: its turn in the key, and its share for the session's own room, over that room's own
//! connection.

use axum::Extension;
use axum::extract::State;
use conversion::KnownSession;
use protocol::session::{AskShare, Extend, Extended, SHARE_INFO, SessionKey, ShareAnswer};
use road::Record;
use wire::{Caller, Json, Problem};
use words::{B64, Domain, Reason};

use crate::Here;

pub(crate) async fn extend(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Extend>,
) -> Result<axum::Json<Extended>, Problem> {
    let trustee = here.0;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let (house, service) = (&trustee.house, &trustee.conversions);
    let internal = |_| Problem::new(Reason::Internal);
    let first: SessionKey = house.verify(&body.message.key, &linkage.id)?;
    let party = body.message.party;
    house.party(&party)?;
    let now = house.now();
    let in_time = (now.since_ms(first.opened_at)).abs() <= house.defaults.clock_tolerance_ms;
    let life = first.ends_at.since_ms(first.opened_at);
    if *first.session.party() != party || !in_time || life <= 0 || life > house.defaults.session_ms {
        return Err(Problem::with(
            Reason::Malformed,
            "The session is not the party's, or its life is not within a day from now.",
        ));
    }
    if !service.epochs(&party).admits(first.epoch) {
        return Err(Problem::with(
            Reason::OldCode,
            "`epoch` is not one in which the party's sessions are opened.",
        ));
    }
    if first.key.verify(&house.country.global.public).is_err() {
        return Err(Problem::with(
            Reason::HopMismatch,
            "The proof of linkage's part of the session key does not hold.",
        ));
    }
    let key = service
        .secrets()
        .extend_session_key(&first.session, &first.key.key, &house.dice)
        .map_err(internal)?;
    let domain =
        service.secrets().domain_commitment(&Domain::new(party.clone(), first.epoch)).map_err(internal)?;
    let own = SessionKey {
        session: first.session.clone(),
        key,
        domain,
        epoch: first.epoch,
        opened_at: first.opened_at,
        ends_at: first.ends_at,
    };
    let signed = house.sign(&own);
    let mut record = Record::new();
    record
        .set("party", &party)
        .set("session", &first.session)
        .set("commitment", own.key.commitment)
        .set("public", own.key.key);
    house.road.note("extend_session", record).await.map_err(|_| Problem::new(Reason::Internal))?;
    let kept = service
        .keep(KnownSession {
            name: first.session,
            party,
            public: own.key.key,
            opened_at: first.opened_at,
            ends_at: first.ends_at,
            own: signed,
            other: body.message.key,
            epoch: first.epoch,
        })
        .await?;
    Ok(axum::Json(Extended { key: kept.own.clone() }))
}

pub(crate) async fn share(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskShare>,
) -> Result<axum::Json<ShareAnswer>, Problem> {
    let trustee = here.0;
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let now = trustee.house.now();
    // The portal's index entries may have waited for it beyond the session's end.
    let session = if party.kind.as_str() == "portal" {
        trustee.conversions.known(&body.message.session, now).await?
    } else {
        trustee.conversions.usable(&body.message.session, now)?
    };
    // A share goes to the session's own room alone: whoever had all shares could read its codes.
    if session.party != party.id {
        return Err(Problem::with(Reason::NotAllowed, "The session is another party's."));
    }
    let share =
        trustee.conversions.secrets().share(&session.name).map_err(|_| Problem::new(Reason::Internal))?;
    let entry = trustee.house.party(&party.id)?;
    let sealed = entry.sealing.seal(
        SHARE_INFO,
        session.name.as_str().as_bytes(),
        share.to_seal(),
        &trustee.house.dice,
    );
    Ok(axum::Json(ShareAnswer {
        share: B64::from(sealed.map_err(|_| Problem::new(Reason::Internal))?.bytes),
    }))
}
