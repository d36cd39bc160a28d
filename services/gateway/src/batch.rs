//! Many inquiries at once: each row an act and a record of its own, sent by this room one after the other, going on by
//! itself after a stop.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use protocol::desk::{AskMany, AskRow, BATCH_ROWS, BatchRow, BatchState, MoveBatch};
use rules::Role;
use wire::{Caller, Json, Problem};
use words::{ActId, Reason};

use crate::ask::{Asker, passes};
use crate::error::own_database;
use crate::{Gateway, Here, asked};

/// Rows under way at once: enough to fill the way there and back, few enough to leave room for clerks.
const AT_ONCE: usize = 8;
/// How often the sender looks for rows when nobody wakes it.
const LOOK: Duration = Duration::from_secs(5);

impl Gateway {
    /// Takes in a batch, or goes on with one that is known.
    pub(crate) async fn begin_batch(
        &self,
        staff: &str,
        batch: ActId,
        rows: Vec<AskRow>,
    ) -> Result<BatchState, Problem> {
        if rows.is_empty() || rows.len() > BATCH_ROWS || !batch.is_batch() {
            let detail =
                format!("A batch has 1 to {BATCH_ROWS} rows, and an id that ends in four zero bytes.");
            return Err(Problem::with(Reason::Malformed, detail));
        }
        let (db, key, now) = (self.house.road.db(), &self.house.storage, self.house.now());
        let same = asked::begin_batch(db, key, batch, rows, staff.to_owned(), now).await;
        if !same.map_err(|error| own_database(&error))? {
            return Err(Problem::with(
                Reason::Replayed,
                "A batch of this id has other rows. Nothing was changed; give the new rows an id of their own.",
            )
            .of(batch));
        }
        self.queued.notify_one();
        self.batch_state(batch).await
    }

    pub(crate) async fn batch_state(&self, batch: ActId) -> Result<BatchState, Problem> {
        let state = asked::batch_state(self.house.road.db(), batch).await;
        state.map_err(|error| own_database(&error))?.ok_or(Problem::new(Reason::NotFound).of(batch))
    }

    pub(crate) async fn move_batch(&self, batch: ActId, stop: bool) -> Result<BatchState, Problem> {
        let moved = asked::move_batch(self.house.road.db(), batch, stop).await;
        if !moved.map_err(|error| own_database(&error))? {
            return Err(Problem::new(Reason::NotFound).of(batch));
        }
        self.queued.notify_one();
        self.batch_state(batch).await
    }

    pub(crate) async fn batch_rows(&self, batch: ActId) -> Result<Vec<BatchRow>, Problem> {
        let kept = asked::of_batch(self.house.road.db(), &self.house.storage, batch).await;
        let kept = kept.map_err(|error| own_database(&error))?;
        if kept.is_empty() {
            return Err(Problem::new(Reason::NotFound).of(batch));
        }
        Ok(kept.into_iter().map(|one| BatchRow { row: one.row, asked: one.asked }).collect())
    }

    /// Sends what is queued until the world shuts down.
    pub(crate) async fn send_batches(self: Arc<Self>) {
        loop {
            match asked::unfinished(self.house.road.db(), self.house.now()).await {
                Ok(batches) => {
                    for batch in batches {
                        self.send_batch(batch).await;
                    }
                }
                Err(error) => tracing::error!(%error, "batches cannot be read"),
            }
            tokio::select! {
                () = self.queued.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = self.house.world.shutdown.wait() => return,
            }
        }
    }

    async fn send_batch(self: &Arc<Self>, batch: ActId) {
        let most = i64::try_from(AT_ONCE).unwrap_or(1);
        loop {
            let stopped = asked::batch_state(self.house.road.db(), batch).await;
            if self.house.world.shutdown.requested() || !matches!(stopped, Ok(Some(state)) if !state.stopped)
            {
                return;
            }
            let now = self.house.now();
            let queued = asked::queued(self.house.road.db(), &self.house.storage, batch, now, most).await;
            let Ok(rows) = queued else { return };
            if rows.is_empty() {
                return;
            }
            let mut under_way = tokio::task::JoinSet::new();
            for kept in rows {
                let gateway = Arc::clone(self);
                under_way.spawn(async move {
                    let asker = Asker { name: kept.staff, role: Role::Clerk, staff: None };
                    // What came of it stands in the row.
                    let ended = gateway.ask(&asker, kept.asked.id, kept.row, None).await;
                    ended.is_err_and(|problem| passes(problem.reason))
                });
            }
            let ended = under_way.join_all().await;
            if ended.into_iter().all(|passes| passes) {
                // Nothing gets through just now: the other rows need not find that out one by one.
                return;
            }
        }
    }
}

pub(crate) async fn begin(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskMany>,
) -> Result<axum::Json<BatchState>, Problem> {
    let Caller::Inner { name, .. } = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    here.0.begin_batch(name, body.message.id, body.message.rows).await.map(axum::Json)
}

pub(crate) async fn state(
    State(here): State<Here>,
    Path(id): Path<String>,
) -> Result<axum::Json<BatchState>, Problem> {
    here.0.batch_state(ActId::parse(&id)?).await.map(axum::Json)
}

pub(crate) async fn move_on(
    State(here): State<Here>,
    Path(id): Path<String>,
    body: Json<MoveBatch>,
) -> Result<axum::Json<BatchState>, Problem> {
    here.0.move_batch(ActId::parse(&id)?, body.message.stop).await.map(axum::Json)
}

pub(crate) async fn rows(
    State(here): State<Here>,
    Path(id): Path<String>,
) -> Result<axum::Json<Vec<BatchRow>>, Problem> {
    here.0.batch_rows(ActId::parse(&id)?).await.map(axum::Json)
}
