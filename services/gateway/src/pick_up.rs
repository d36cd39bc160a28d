//! Late answers are picked up: an inquiry of its own that follows the first, until the provider's clerk has decided or the
//! time has passed.

use std::sync::Arc;

use rules::Role;
use words::ActId;

use crate::ask::Asker;
use crate::{Gateway, asked};

/// Asks looked after in one round.
const MOST: i64 = 32;

impl Gateway {
    /// Looks for late answers until the world shuts down.
    pub(crate) async fn pick_up_answers(self: Arc<Self>) {
        let pause = std::time::Duration::from_millis(self.look_again_ms.unsigned_abs() / 2);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.house.world.shutdown.wait() => return,
            }
            let now = self.house.now();
            match asked::due(self.house.road.db(), &self.house.storage, now, MOST).await {
                Ok(due) => {
                    for kept in due {
                        self.pick_up(kept).await;
                    }
                }
                Err(error) => tracing::error!(%error, "asks that wait cannot be read"),
            }
        }
    }

    /// Looks whether the answer to an ask is there.
    pub(crate) async fn pick_up(self: &Arc<Self>, kept: asked::Kept) {
        let first = kept.asked.id;
        let asker = Asker { name: kept.staff, role: Role::Clerk, staff: None };
        let id = ActId::new(self.house.world.random());
        let _ = self.ask(&asker, id, kept.row, Some(first)).await;
    }
}
