//! The gateway's own SQL.

use protocol::issue::RowStatus;
use seal::{LinkCode, Sha256, StorageKey};
use store::{Db, Migrations, StoreError, Write, params};
use words::{ActId, Epoch, Moment};

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "gateway",
    steps: &[
        (1, "gateway", include_str!("../migrations/0001_gateway.sql")),
        (2, "desk", include_str!("../migrations/0002_desk.sql")),
        (3, "copy", include_str!("../migrations/0003_copy.sql")),
        (4, "epoch", include_str!("../migrations/0004_epoch.sql")),
    ],
};

pub(crate) fn customer_index(key: &StorageKey, number: &str) -> Sha256 {
    key.index("customer", number.as_bytes())
}

/// A customer's row, ready to be written.
pub(crate) struct CustomerRow {
    index: Sha256,
    number: Vec<u8>,
    status: &'static str,
    code: Option<(Sha256, Vec<u8>)>,
}

impl CustomerRow {
    /// Where it stands among others: by the keyed index, which says nothing of the customer.
    pub(crate) const fn place(&self) -> Sha256 {
        self.index
    }

    /// Seals number and code; a row without a match keeps no code.
    pub(crate) fn new(key: &StorageKey, number: &str, status: RowStatus, code: &LinkCode) -> Self {
        let index = customer_index(key, number);
        let linked = status == RowStatus::Linked;
        Self {
            number: key.seal("customer", &index, "number", number.as_bytes()),
            status: match status {
                RowStatus::Linked => "linked",
                RowStatus::Review => "review",
                RowStatus::None => "none",
            },
            code: linked.then(|| (key.index_code(code), key.seal_code("customer", &index, code))),
            index,
        }
    }
}

/// Keeps the rows of a batch, codes of `epoch`, and forgets the batch.
pub(crate) fn keep(
    write: &mut Write<'_>,
    batch: &ActId,
    rows: &[CustomerRow],
    epoch: Epoch,
    at: Moment,
) -> Result<(), StoreError> {
    let held = write.row(HELD, &[])?.ok_or(StoreError::Closed)?.int(0)?;
    let sql = if i64::from(epoch.0) == held {
        "INSERT INTO customer (customer_index, number, status, code_index, code, at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (customer_index) DO UPDATE SET status = excluded.status, code_index = excluded.code_index, code = excluded.code, at = excluded.at"
    } else {
        "INSERT INTO customer (customer_index, number, status, next_code_index, next_code, at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (customer_index) DO UPDATE SET status = excluded.status, next_code_index = excluded.next_code_index, next_code = excluded.next_code, at = excluded.at"
    };
    for row in rows {
        let (code_index, code) = row
            .code
            .as_ref()
            .map_or((None, None), |(index, code)| (Some(index.to_vec()), Some(code.clone())));
        write.execute(sql, &params![row.index, row.number.as_slice(), row.status, code_index, code, at.0])?;
    }
    write.execute("DELETE FROM batch WHERE id = $1", &params![batch.bytes()]).map(|_| ())
}

/// Remembers which customers the rows of a batch are.
pub(crate) async fn begin(
    db: &Db,
    key: &StorageKey,
    batch: ActId,
    numbers: &[String],
    at: Moment,
) -> Result<(), StoreError> {
    let sealed =
        key.seal("batch", batch.bytes(), "numbers", &serde_json::to_vec(numbers).unwrap_or_default());
    db.write("begin_batch", move |write| {
        write
            .execute(
                "INSERT INTO batch (id, numbers, at) VALUES ($1, $2, $3)",
                &params![batch.bytes(), sealed, at.0],
            )
            .map(|_| ())
    })
    .await
}

/// The customers of a batch, row by row.
pub(crate) async fn numbers_of(
    db: &Db,
    key: &StorageKey,
    batch: ActId,
) -> Result<Option<Vec<String>>, StoreError> {
    let sealed = db
        .read("numbers_of", move |read| {
            read.row("SELECT numbers FROM batch WHERE id = $1", &params![batch.bytes()])?
                .map(|row| row.bytes(0))
                .transpose()
        })
        .await?;
    let opened = sealed.and_then(|sealed| key.open("batch", batch.bytes(), "numbers", &sealed).ok());
    Ok(opened.and_then(|json| serde_json::from_slice(&json).ok()))
}

/// A customer's codes: of the epoch that is held, and of the next one where it was taken over.
pub(crate) struct HeldCodes {
    held: Epoch,
    present: Option<LinkCode>,
    next: Option<LinkCode>,
}

impl HeldCodes {
    /// The code of a session's epoch.
    pub(crate) fn of(&self, epoch: Epoch) -> Option<&LinkCode> {
        if epoch == self.held {
            self.present.as_ref()
        } else if epoch == self.held.next() {
            self.next.as_ref()
        } else {
            None
        }
    }
}

/// The codes held for a customer; none where there is neither.
pub(crate) async fn code_of(
    db: &Db,
    key: &StorageKey,
    number: &str,
) -> Result<Option<HeldCodes>, StoreError> {
    let index = customer_index(key, number);
    let found = db
        .look("code_of", move |read| {
            let sql = "SELECT code, next_code FROM customer WHERE customer_index = $1";
            let Some(row) = read.row(sql, &params![index])? else { return Ok(None) };
            let held = read.row(HELD, &[])?.ok_or(StoreError::Closed)?.int(0)?;
            Ok(Some((epoch_of(held), row.opt_bytes(0)?, row.opt_bytes(1)?)))
        })
        .await?;
    let open = |sealed: Option<Vec<u8>>| sealed.and_then(|one| key.open_code("customer", &index, &one).ok());
    Ok(found
        .map(|(held, present, next)| HeldCodes { held, present: open(present), next: open(next) })
        .filter(|codes| codes.present.is_some() || codes.next.is_some()))
}

const HELD: &str = "SELECT epoch, old_until FROM held_epoch";

fn epoch_of(number: i64) -> Epoch {
    Epoch(u32::try_from(number).unwrap_or(0))
}

/// In which epoch the present codes are.
pub(crate) struct HeldEpoch {
    pub(crate) epoch: Epoch,
    /// Until when they hold, once the next ones were switched to.
    pub(crate) old_until: Option<Moment>,
    /// Whether codes are being taken over.
    pub(crate) taking_over: bool,
}

pub(crate) async fn held_epoch(db: &Db) -> Result<HeldEpoch, StoreError> {
    db.read("held_epoch", |read| {
        let row = read.row(HELD, &[])?.ok_or(StoreError::Closed)?;
        let old_until = row.opt_int(1)?.map(Moment);
        let some = "SELECT 1 FROM customer WHERE next_code IS NOT NULL LIMIT 1";
        let taking_over = old_until.is_none() && read.row(some, &[])?.is_some();
        Ok(HeldEpoch { epoch: epoch_of(row.int(0)?), old_until, taking_over })
    })
    .await
}

/// A customer's present code, sealed.
#[derive(Clone)]
pub(crate) struct SealedCode {
    pub(crate) customer: Sha256,
    pub(crate) code: Vec<u8>,
}

/// Some customers whose code of the next epoch is not here yet, and how many there are.
pub(crate) async fn without_next(db: &Db, most: usize) -> Result<(Vec<SealedCode>, u32), StoreError> {
    db.read("without_next", move |read| {
        let sql = "SELECT customer_index, code FROM customer WHERE code IS NOT NULL AND next_code IS NULL \
                   ORDER BY customer_index LIMIT $1";
        let rows = read.rows(sql, &params![i64::try_from(most).unwrap_or(1)])?;
        let sealed = |row: &store::Row| Ok(SealedCode { customer: row.array(0)?, code: row.bytes(1)? });
        let rows = rows.iter().map(sealed).collect::<Result<Vec<_>, StoreError>>()?;
        let sql = "SELECT COUNT(*) FROM customer WHERE code IS NOT NULL AND next_code IS NULL";
        let left = read.row(sql, &[])?.ok_or(StoreError::Closed)?.int(0)?;
        Ok((rows, u32::try_from(left).unwrap_or(u32::MAX)))
    })
    .await
}

/// A customer's code of the next epoch, ready to be written.
pub(crate) struct NextCode {
    customer: Sha256,
    index: Sha256,
    code: Vec<u8>,
}

impl NextCode {
    pub(crate) fn new(key: &StorageKey, customer: Sha256, code: &LinkCode) -> Self {
        // Sealed for the place it will move to.
        let sealed = key.seal_code("customer", &customer, code);
        Self { customer, index: key.index_code(code), code: sealed }
    }
}

/// A customer's keyed index from its hexadecimal form.
pub(crate) fn index_of_hex(text: &str) -> Option<Sha256> {
    let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digit).collect();
    bytes?.try_into().ok()
}

/// Keeps codes of the next epoch and forgets the batch.
pub(crate) fn keep_next(write: &mut Write<'_>, batch: &ActId, rows: &[NextCode]) -> Result<(), StoreError> {
    for row in rows {
        let sql = "UPDATE customer SET next_code_index = $2, next_code = $3 WHERE customer_index = $1 AND code IS NOT NULL";
        write.execute(sql, &params![row.customer, row.index, row.code.as_slice()])?;
    }
    write.execute("DELETE FROM batch WHERE id = $1", &params![batch.bytes()]).map(|_| ())
}

/// The next codes were switched to; the present ones hold until then.
pub(crate) async fn switch(db: &Db, until: Moment) -> Result<(), StoreError> {
    db.write("switch_epoch", move |write| {
        write.execute("UPDATE held_epoch SET old_until = $1", &params![until.0]).map(|_| ())
    })
    .await
}

/// The old codes have ended: the next ones take their place. Nothing happens where none were switched to.
pub(crate) async fn promote(db: &Db) -> Result<(), StoreError> {
    db.write("promote_codes", |write| {
        let moved = "UPDATE held_epoch SET epoch = epoch + 1, old_until = NULL WHERE old_until IS NOT NULL";
        if write.execute(moved, &[])? == 0 {
            return Ok(());
        }
        let sql = "UPDATE customer SET code = next_code, code_index = next_code_index, next_code = NULL, next_code_index = NULL \
                   WHERE code IS NOT NULL OR next_code IS NOT NULL";
        write.execute(sql, &[]).map(|_| ())
    })
    .await
}

/// The customer a code belongs to.
pub(crate) async fn customer_of(
    db: &Db,
    key: &StorageKey,
    code: &LinkCode,
) -> Result<Option<String>, StoreError> {
    let index = key.index_code(code);
    let found = db
        .look("customer_of", move |read| {
            let row = read.row(
                "SELECT customer_index, number FROM customer WHERE code_index = $1 OR next_code_index = $1",
                &params![index],
            )?;
            row.map(|row| Ok((row.bytes(0)?, row.bytes(1)?))).transpose()
        })
        .await?;
    let opened = found.and_then(|(index, sealed)| key.open("customer", &index, "number", &sealed).ok());
    Ok(opened.and_then(|number| String::from_utf8(number).ok()))
}

/// Which of these customers codes were already asked for.
pub(crate) async fn asked_for(db: &Db, indices: Vec<Sha256>) -> Result<Vec<bool>, StoreError> {
    db.read("asked_for", move |read| {
        let asked = |index: &Sha256| {
            Ok(read.row("SELECT 1 FROM customer WHERE customer_index = $1", &params![index])?.is_some())
        };
        indices.iter().map(asked).collect()
    })
    .await
}

/// How many customers stand how.
pub(crate) async fn counts(db: &Db) -> Result<[u32; 3], StoreError> {
    db.read("counts", |read| {
        let mut counts = [0; 3];
        for row in &read.rows("SELECT status, COUNT(*) FROM customer GROUP BY status", &[])? {
            let count = u32::try_from(row.int(1)?).unwrap_or(u32::MAX);
            match row.text(0)?.as_str() {
                "linked" => counts[0] = count,
                "review" => counts[1] = count,
                _ => counts[2] = count,
            }
        }
        Ok(counts)
    })
    .await
}
