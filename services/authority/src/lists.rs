//! Revocation lists: one for each kind and municipality, made anew on time by a job, and when the operator says so.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use house::House;
use protocol::certificates::{ListsMade, Purpose, Window};
use seal::x509::{CrlContent, Entries, Scope};
use wire::Problem;
use words::{Moment, Reason};

use crate::issuing::{place, profile};
use crate::people;
use crate::{Authority, Here};

/// How long a list holds.
const HOLDS_MS: i64 = 26 * 3_600_000;
/// A new one is made this long before: a day's list, as 公的個人認証 has it, with two hours to spare.
const AHEAD_MS: i64 = 2 * 3_600_000;
/// How often the job looks.
const LOOK: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error(transparent)]
    Store(#[from] ::store::StoreError),
    #[error(transparent)]
    X509(#[from] seal::x509::X509Error),
    #[error("the work was broken off")]
    Broken,
}

impl Authority {
    /// Makes every list whose time is near, or all; gives how many.
    pub(crate) async fn make_lists(self: &Arc<Self>, all: bool) -> Result<u32, ListError> {
        let (mut made, now) = (0, self.house.now());
        // One run at a time: two would give the same number to two lists.
        let _turn = self.lists.lock().await;
        for window in people::places(self.house.road.db()).await? {
            for purpose in [Purpose::Signature, Purpose::Authentication] {
                made += u32::from(self.make_list(purpose, &window, now, all).await?);
            }
        }
        Ok(made)
    }

    async fn make_list(
        self: &Arc<Self>,
        purpose: Purpose,
        window: &Window,
        now: Moment,
        all: bool,
    ) -> Result<bool, ListError> {
        let db = self.house.road.db();
        let before = people::list(db, purpose, window.code.clone()).await?;
        let is_near = before.as_ref().is_none_or(|(_, until, _)| until.since_ms(now) < AHEAD_MS);
        if !all && !is_near {
            return Ok(false);
        }
        let number = before.map_or(1, |(number, ..)| number + 1);
        let not_valid = people::not_valid(db, purpose, window.code.clone(), now).await?;
        let (authority, place) = (Arc::clone(self), place(window));
        let next_update = now.plus_ms(HOLDS_MS);
        let der = House::compute(move || {
            let mut entries = Entries::default();
            for (serial, since, state) in &not_valid {
                if let Some(reason) = state.reason() {
                    entries.add(serial, *since, reason);
                }
            }
            let issuing = &authority.people.of(purpose).authority;
            let content = CrlContent {
                issuer: issuing.certificate.subject(),
                this_update: now,
                next_update,
                number,
                scope: Scope::Users(&profile(purpose).point(&place)),
            };
            content.sign(&issuing.key, &entries)
        });
        let der = der.await.map_err(|_| ListError::Broken)??;
        people::put_list(db, purpose, window.code.clone(), (number, next_update, der)).await?;
        Ok(true)
    }

    /// Makes lists on time, and new responders, until the room stops.
    pub(crate) fn keep_lists(self: &Arc<Self>) {
        let authority = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                if let Err(error) = authority.make_lists(false).await {
                    tracing::error!(%error, "revocation lists could not be made; the job tries again in a minute");
                }
                let house = &authority.house;
                if let Err(error) = authority.people.renew_responders(&house.world, house.now()) {
                    tracing::error!(%error, "the responder could not be renewed; the job tries again in a minute");
                }
                tokio::select! {
                    () = house.world.sleep(LOOK) => {}
                    () = authority.house.world.shutdown.wait() => return,
                }
            }
        });
    }
}

pub(crate) async fn make(State(here): State<Here>) -> Result<Json<ListsMade>, Problem> {
    let lists = here.0.make_lists(true).await.map_err(|error| {
        tracing::error!(%error, "revocation lists could not be made");
        Problem::new(Reason::Internal)
    })?;
    Ok(Json(ListsMade { lists }))
}
