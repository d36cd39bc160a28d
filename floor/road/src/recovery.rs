//! After a crash: acts that were decided and never closed end as `unknown`; their held parcels go out.

use store::{StoreError, params};
use words::ActId;

use crate::record::Record;
use crate::store::{Leaf, state};
use crate::travel::Road;

impl Road {
    /// Closes what a former run left open. To be called once, before the room serves. Returns how many.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        let now = self.now();
        let (shelves, world) = (std::sync::Arc::clone(&self.shelves), self.world.clone());
        self.db
            .write("recover", move |write| {
                let open =
                    write.rows("SELECT id, verb FROM act WHERE state = $1", &params![state::DECIDED])?;
                for row in &open {
                    let (id, verb) = (row.array::<16>(0)?, row.text(1)?);
                    let mut record = Record::new();
                    record
                        .set("outcome", "unknown")
                        .set("of", &verb)
                        .set("why", "the room stopped between decision and outcome");
                    Leaf::new(
                        &shelves,
                        world.random(),
                        Some(ActId::new(id)),
                        "recover",
                        "outcome",
                        now,
                        record,
                    )?
                    .insert(write)?;
                    let sql = "UPDATE act SET state = $3, closed_at = $4 WHERE verb = $1 AND id = $2";
                    write.execute(sql, &params![verb, id, state::UNKNOWN, now.0])?;
                    write.execute(
                        "UPDATE outbox SET held = 0, not_before = $2 WHERE act = $1",
                        &params![id, now.0],
                    )?;
                }
                Ok(open.len())
            })
            .await
    }
}
