//! The gateway's own SQL.

use protocol::issue::RowStatus;
use seal::{LinkCode, Sha256, StorageKey};
use store::{Db, Migrations, StoreError, Write, params};
use words::{ActId, Moment};

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "gateway",
    steps: &[
        (1, "gateway", include_str!("../migrations/0001_gateway.sql")),
        (2, "desk", include_str!("../migrations/0002_desk.sql")),
        (3, "copy", include_str!("../migrations/0003_copy.sql")),
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

/// Keeps the rows of a batch and forgets the batch.
pub(crate) fn keep(
    write: &mut Write<'_>,
    batch: &ActId,
    rows: &[CustomerRow],
    at: Moment,
) -> Result<(), StoreError> {
    for row in rows {
        let (code_index, code) = row
            .code
            .as_ref()
            .map_or((None, None), |(index, code)| (Some(index.to_vec()), Some(code.clone())));
        let sql = "INSERT INTO customer (customer_index, number, status, code_index, code, at) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (customer_index) DO UPDATE SET status = excluded.status, code_index = excluded.code_index, code = excluded.code, at = excluded.at";
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

/// The code held for a customer.
pub(crate) async fn code_of(db: &Db, key: &StorageKey, number: &str) -> Result<Option<LinkCode>, StoreError> {
    let index = customer_index(key, number);
    let sealed = db
        .read("code_of", move |read| {
            let row = read.row("SELECT code FROM customer WHERE customer_index = $1", &params![index])?;
            row.map(|row| row.opt_bytes(0)).transpose().map(Option::flatten)
        })
        .await?;
    Ok(sealed.and_then(|sealed| key.open_code("customer", &index, &sealed).ok()))
}

/// The customer a code belongs to.
pub(crate) async fn customer_of(
    db: &Db,
    key: &StorageKey,
    code: &LinkCode,
) -> Result<Option<String>, StoreError> {
    let index = key.index_code(code);
    let found = db
        .read("customer_of", move |read| {
            let row = read
                .row("SELECT customer_index, number FROM customer WHERE code_index = $1", &params![index])?;
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
