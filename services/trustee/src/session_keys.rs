//! Sessions at the trustee: its turn in the key, and its share for the session's own room, over that room's own
//! connection.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use conversion::KnownSession;
use house::BoxFuture;
use protocol::session::{
    AskShare, AskStatement, Extend, Extended, SHARE_INFO, STATEMENT, SessionKey, ShareAnswer,
};
use road::Record;
use wire::{Caller, Json, Problem};
use words::{B64, Domain, Moment, PartyId, Reason, SessionName};

use crate::{Here, Trustee};

/// How long linkage is given to say what it stated of a session.
const WITHIN: Duration = Duration::from_secs(5);

pub(crate) async fn extend(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Extend>,
) -> Result<axum::Json<Extended>, Problem> {
    let trustee = here.0;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let now = trustee.house.now();
    let opens_now =
        |first: &SessionKey| now.since_ms(first.opened_at).abs() <= trustee.house.defaults.clock_tolerance_ms;
    let kept = trustee.take_turn(&linkage.id, body.message, opens_now).await?;
    Ok(axum::Json(Extended { key: kept.own.clone() }))
}

impl Trustee {
    /// Learns of sessions that were opened while this replica was away, or that it has lost: linkage is asked what it stated of
    /// them, and this replica takes its turn, which comes to the same key as any other's. A session that cannot be learnt stays
    /// unknown, and is refused where it is used.
    pub(crate) fn learn<'a>(self: &'a Arc<Self>, sessions: &'a [&'a SessionName]) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let now = self.house.now();
            for session in sessions {
                if !matches!(self.conversions.known(session, now).await, Err(Reason::UnknownSession)) {
                    continue;
                }
                if let Err(problem) = self.catch_up(session, now).await {
                    tracing::warn!(%session, reason = %problem.reason, "a session could not be learnt from linkage");
                }
            }
        })
    }

    async fn catch_up(self: &Arc<Self>, session: &SessionName, now: Moment) -> Result<(), Problem> {
        let linkage = self.house.only("linkage")?;
        let ask = AskStatement { session: (*session).clone() };
        let stated: Extend =
            self.house.post(&linkage, STATEMENT, &ask, WITHIN).await.map_err(Problem::from)?;
        let is_it = |first: &SessionKey| {
            let opened = first.opened_at.since_ms(now) <= self.house.defaults.clock_tolerance_ms;
            first.session == *session && opened
        };
        self.take_turn(&linkage.id, stated, is_it).await.map(|_| ())
    }

    /// This body's turn in the key of a session that linkage stated, if `may` says so of the statement.
    async fn take_turn(
        self: &Arc<Self>,
        linkage: &PartyId,
        Extend { party, key: signed_first }: Extend,
        may: impl Fn(&SessionKey) -> bool,
    ) -> Result<Arc<KnownSession>, Problem> {
        let (house, service) = (&self.house, &self.conversions);
        let internal = |_| Problem::new(Reason::Internal);
        let first: SessionKey = house.verify(&signed_first, linkage)?;
        house.party(&party)?;
        let life = first.ends_at.since_ms(first.opened_at);
        if *first.session.party() != party || !may(&first) || life <= 0 || life > house.defaults.session_ms {
            return Err(Problem::with(
                Reason::Malformed,
                "The session is not the party's, or its life is not within a day from now.",
            ));
        }
        if !service.epochs(&party).admits(first.epoch) {
            self.catch_up_epochs(&party).await?;
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
        let secrets = service.secrets();
        let key =
            secrets.extend_session_key(&first.session, &first.key.key, &house.dice).map_err(internal)?;
        let domain = secrets.domain_commitment(&Domain::new(party.clone(), first.epoch)).map_err(internal)?;
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
        let session = KnownSession {
            name: first.session,
            party,
            public: own.key.key,
            opened_at: first.opened_at,
            ends_at: first.ends_at,
            own: signed,
            other: signed_first,
            epoch: first.epoch,
        };
        Ok(service.keep(session).await?)
    }
}

pub(crate) async fn share(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskShare>,
) -> Result<axum::Json<ShareAnswer>, Problem> {
    let trustee = here.0;
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let now = trustee.house.now();
    if *body.message.session.party() == party.id {
        trustee.learn(&[&body.message.session]).await;
    }
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
