//! Messages that must arrive: written with the decision, carried in the background until taken.

use std::sync::Arc;
use std::time::Duration;

use store::{StoreError, Value, Write, params};
use words::{ActId, Moment, PartyId};

use crate::travel::Road;

/// A message to a party, to be delivered at least once; its receiver takes a second delivery for the first.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// To whom.
    pub destination: PartyId,
    /// Which route there.
    pub path: &'static str,
    /// The JSON.
    pub body: Vec<u8>,
    /// Whether the act itself is expected to deliver it: the parcel then waits, and goes when the act succeeds.
    pub held: bool,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Taken,
    /// Not now; it will be tried again.
    Later,
}

/// How long a held parcel waits for its act, ms: longer than the longest deadline.
pub(crate) const HELD_MS: i64 = 75_000;
const BATCH: i64 = 64;
/// How long the carrier waits for more parcels after the first: under load one look and one deletion serve them all.
const GATHER: Duration = Duration::from_millis(30);
const FIRST_RETRY_MS: i64 = 200;
const LONGEST_RETRY_MS: i64 = 30_000;

struct Due {
    id: Vec<u8>,
    destination: String,
    path: String,
    body: Vec<u8>,
    attempts: i64,
}

/// Puts parcels into the outbox.
pub(crate) fn put_parcels(write: &mut Write<'_>, rows: &[Vec<Value>]) -> Result<(), StoreError> {
    let sql = "INSERT INTO outbox (id, act, destination, path, body, not_before, attempts, held) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    rows.iter().try_for_each(|row| write.execute(sql, row).map(|_| ()))
}

impl Road {
    /// Carries parcels until the world shuts down. `carry` gets destination, path and body.
    pub async fn carry_parcels<C, F>(self: Arc<Self>, carry: C)
    where
        C: Fn(PartyId, String, Vec<u8>) -> F + Send + Sync + 'static,
        F: Future<Output = Delivery> + Send + 'static,
    {
        let carry = Arc::new(carry);
        loop {
            let carried = self.carry_due(&carry).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the outbox cannot be read");
                0
            });
            if carried == 0 {
                tokio::select! {
                    () = self.parcel_added.notified() => tokio::time::sleep(GATHER).await,
                    () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    () = self.world.shutdown.wait() => return,
                }
            }
            if self.world.shutdown.requested() {
                return;
            }
        }
    }

    async fn carry_due<C, F>(&self, carry: &Arc<C>) -> Result<usize, StoreError>
    where
        C: Fn(PartyId, String, Vec<u8>) -> F + Send + Sync + 'static,
        F: Future<Output = Delivery> + Send + 'static,
    {
        let now = self.now().0;
        let due = self
            .db
            .read("outbox_due", move |read| {
                let sql = "SELECT id, destination, path, body, attempts FROM outbox WHERE not_before <= $1 ORDER BY not_before LIMIT $2";
                let rows = read.rows(sql, &params![now, BATCH])?;
                rows.iter()
                    .map(|row| {
                        Ok::<_, StoreError>(Due { id: row.bytes(0)?, destination: row.text(1)?, path: row.text(2)?, body: row.bytes(3)?, attempts: row.int(4)? })
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let count = due.len();
        let mut under_way = tokio::task::JoinSet::new();
        for parcel in due {
            let opened = self.key.open("outbox", &parcel.id, "body", &parcel.body);
            let (Ok(body), Ok(destination)) = (opened, PartyId::parse(&parcel.destination)) else {
                tracing::error!("a parcel in the outbox does not open; it stays where it is");
                continue;
            };
            let carry = Arc::clone(carry);
            under_way.spawn(async move {
                let delivery = carry(destination, parcel.path, body).await;
                (parcel.id, parcel.attempts, delivery)
            });
        }
        let mut results = Vec::new();
        while let Some(result) = under_way.join_next().await {
            results.extend(result);
        }
        let now = self.now();
        self.db
            .write("outbox_carried", move |write| {
                for (id, attempts, delivery) in results {
                    match delivery {
                        Delivery::Taken => write.execute("DELETE FROM outbox WHERE id = $1", &params![id])?,
                        Delivery::Later => {
                            let wait = FIRST_RETRY_MS
                                .saturating_mul(1 << attempts.clamp(0, 10))
                                .min(LONGEST_RETRY_MS);
                            let sql =
                                "UPDATE outbox SET attempts = attempts + 1, not_before = $2 WHERE id = $1";
                            write.execute(sql, &params![id, now.plus_ms(wait).0])?
                        }
                    };
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(count)
    }

    /// Puts a message that is not part of a decision into the outbox.
    pub async fn send_later(&self, act: ActId, parcel: Parcel) -> Result<(), StoreError> {
        let rows = self.parcel_rows(&act, vec![parcel], self.now());
        self.db.write("send_later", move |write| put_parcels(write, &rows)).await?;
        self.parcel_added.notify_one();
        Ok(())
    }

    /// How many parcels wait. For tests and for the operator.
    pub async fn parcels_waiting(&self) -> Result<i64, StoreError> {
        self.db
            .read("outbox_waiting", |read| {
                read.row("SELECT COUNT(*) FROM outbox", &[])?.map_or(Ok(0), |row| row.int(0))
            })
            .await
    }

    pub(crate) fn parcel_rows(&self, act: &ActId, parcels: Vec<Parcel>, now: Moment) -> Vec<Vec<Value>> {
        let row = |parcel: Parcel| {
            let id: [u8; 16] = self.world.random();
            let body = self.key.seal("outbox", &id, "body", &parcel.body);
            let not_before = if parcel.held { now.plus_ms(HELD_MS) } else { now };
            params![
                id,
                act.bytes(),
                parcel.destination.as_str(),
                parcel.path,
                body,
                not_before.0,
                0,
                i64::from(parcel.held)
            ]
            .to_vec()
        };
        parcels.into_iter().map(row).collect()
    }
}
