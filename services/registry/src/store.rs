//! The registry's own SQL.

use protocol::issue::Attributes;
use seal::{IndividualNumber, ResidentCode, Sha256, StorageKey};
use store::{Db, Migrations, Read, StoreError, Write, params};
use words::{ActId, Date, Moment, PartyId};

use crate::people::Anchor;

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "registry",
    steps: &[
        (1, "registry", include_str!("../migrations/0001_registry.sql")),
        (2, "certified", include_str!("../migrations/0002_certified.sql")),
        (3, "handle", include_str!("../migrations/0003_handle.sql")),
    ],
};

/// A resident as the database has the row.
pub(crate) struct Row {
    pub(crate) anchor: Anchor,
    pub(crate) attributes: Vec<u8>,
    pub(crate) number: Vec<u8>,
    pub(crate) code: Vec<u8>,
    pub(crate) ended: bool,
}

/// A resident ready to be written: sealed outside the transaction.
pub(crate) struct NewRow {
    pub(crate) row: Row,
    pub(crate) entry_index: Sha256,
    pub(crate) number_index: Sha256,
    pub(crate) code_index: Sha256,
    pub(crate) kind: &'static str,
    pub(crate) day: Date,
}

pub(crate) fn seal_attributes(key: &StorageKey, anchor: &Anchor, attributes: &Attributes) -> Vec<u8> {
    key.seal("resident", anchor, "attributes", &serde_json::to_vec(attributes).unwrap_or_default())
}

pub(crate) fn open_attributes(key: &StorageKey, anchor: &Anchor, sealed: &[u8]) -> Option<Attributes> {
    serde_json::from_slice(&key.open("resident", anchor, "attributes", sealed).ok()?).ok()
}

pub(crate) fn entry_index(key: &StorageKey, entry: &str) -> Sha256 {
    key.index("entry", entry.as_bytes())
}

pub(crate) fn open_number(key: &StorageKey, row: &Row) -> Option<IndividualNumber> {
    IndividualNumber::open(key, "resident", &row.anchor, &row.number).ok()
}

pub(crate) fn open_code(key: &StorageKey, row: &Row) -> Option<ResidentCode> {
    ResidentCode::open(key, "resident", &row.anchor, &row.code).ok()
}

/// Residents whose entry has not ended: anchor and sealed attributes.
pub(crate) async fn living(db: &Db) -> Result<Vec<(Anchor, Vec<u8>)>, StoreError> {
    db.read("living", |read| {
        let mut living = Vec::new();
        read.each("SELECT anchor, attributes FROM resident WHERE ended = 0 ORDER BY anchor", &[], |row| {
            living.push((row.array(0)?, row.bytes(1)?));
            Ok(())
        })?;
        Ok(living)
    })
    .await
}

const ROW: &str = "SELECT anchor, attributes, number, code, ended FROM resident";

fn row(row: &store::Row) -> Result<Row, StoreError> {
    Ok(Row {
        anchor: row.array(0)?,
        attributes: row.bytes(1)?,
        number: row.bytes(2)?,
        code: row.bytes(3)?,
        ended: row.int(4)? == 1,
    })
}

/// The resident of an entry.
pub(crate) async fn by_entry(db: &Db, index: Sha256) -> Result<Option<Row>, StoreError> {
    db.read("by_entry", move |read| {
        read.row(&format!("{ROW} WHERE entry_index = $1"), &params![index])?
            .map(|found| row(&found))
            .transpose()
    })
    .await
}

/// The resident for whom certificates were ordered under this handle.
pub(crate) async fn by_handle(db: &Db, handle: Sha256) -> Result<Option<Row>, StoreError> {
    db.read("by_handle", move |read| {
        let found = read.row("SELECT anchor FROM certified WHERE handle = $1", &params![handle])?;
        let anchor: Option<Anchor> = found.map(|found| found.array(0)).transpose()?;
        anchor.map_or(Ok(None), |anchor| by_anchor(read, &anchor))
    })
    .await
}

fn by_anchor(read: &mut Read<'_>, anchor: &Anchor) -> Result<Option<Row>, StoreError> {
    read.row(&format!("{ROW} WHERE anchor = $1"), &params![anchor])?.map(|found| row(&found)).transpose()
}

/// The sealed current numbers of these residents.
pub(crate) async fn numbers(
    db: &Db,
    anchors: Vec<Anchor>,
) -> Result<std::collections::HashMap<Anchor, Vec<u8>>, StoreError> {
    db.read("numbers", move |read| {
        let mut number = |anchor: Anchor| {
            let row = read.row("SELECT number FROM resident WHERE anchor = $1", &params![anchor])?;
            row.map(|row| Ok((anchor, row.bytes(0)?))).transpose()
        };
        anchors.into_iter().filter_map(|anchor| number(anchor).transpose()).collect()
    })
    .await
}

/// The resident who had the number of `index` on `day`.
pub(crate) async fn by_former_number(db: &Db, index: Sha256, day: Date) -> Result<Option<Row>, StoreError> {
    db.read("by_former_number", move |read| {
        let sql = "SELECT anchor FROM number_given WHERE number_index = $1 AND from_day <= $2 AND (to_day IS NULL OR to_day > $2)";
        match read.row(sql, &params![index, day.to_string()])? {
            Some(found) => by_anchor(read, &found.array(0)?),
            None => Ok(None),
        }
    })
    .await
}

/// Which of these entries exist.
pub(crate) async fn existing(db: &Db, indices: Vec<Sha256>) -> Result<Vec<bool>, StoreError> {
    db.read("existing", move |read| {
        let exists = |index: &Sha256| {
            Ok(read.row("SELECT 1 FROM resident WHERE entry_index = $1", &params![index])?.is_some())
        };
        indices.iter().map(exists).collect()
    })
    .await
}

/// Enters a resident. A number or code that was drawn before is refused by the unique index: the whole write is
/// undone and drawn again by the caller.
pub(crate) fn enter(write: &mut Write<'_>, new: &NewRow, now: Moment) -> Result<(), StoreError> {
    let row = &new.row;
    let sql = "INSERT INTO resident (anchor, entry_index, attributes, number_index, number, code_index, code, ended, at_portal) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)";
    let values = params![
        row.anchor,
        new.entry_index,
        row.attributes.as_slice(),
        new.number_index,
        row.number.as_slice(),
        new.code_index,
        row.code.as_slice()
    ];
    write.execute(sql, &values)?;
    add_change(write, &row.anchor, new.kind, new.day, now, None)?;
    give_number(write, &new.number_index, &row.anchor, new.day)
}

fn give_number(write: &mut Write<'_>, index: &Sha256, anchor: &Anchor, from: Date) -> Result<(), StoreError> {
    let sql = "INSERT INTO number_given (number_index, anchor, from_day, to_day) VALUES ($1, $2, $3, NULL)";
    write.execute(sql, &params![index, anchor, from.to_string()]).map(|_| ())
}

/// Notes that certificates are ordered for a resident.
pub(crate) fn note_certified(
    write: &mut Write<'_>,
    anchor: &Anchor,
    handle: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO certified (anchor, handle) VALUES ($1, $2) ON CONFLICT (anchor) DO UPDATE SET handle = excluded.handle";
    write.execute(sql, &params![anchor, handle]).map(|_| ())
}

/// Whether certificates were ordered for a resident.
pub(crate) async fn is_certified(db: &Db, anchor: Anchor) -> Result<bool, StoreError> {
    db.read("is_certified", move |read| {
        Ok(read.row("SELECT 1 FROM certified WHERE anchor = $1", &params![anchor])?.is_some())
    })
    .await
}

/// Adds a line to an entry's history; gives its number.
pub(crate) fn add_change(
    write: &mut Write<'_>,
    anchor: &Anchor,
    kind: &str,
    day: Date,
    now: Moment,
    before: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO change (anchor, sequence, kind, day, at, before) \
               VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM change WHERE anchor = $2), $3, $4, $5, $6)";
    write.execute(sql, &params![anchor, anchor, kind, day.to_string(), now.0, before]).map(|_| ())
}

/// How many lines an entry's history has.
pub(crate) async fn changes(db: &Db, anchor: Anchor) -> Result<i64, StoreError> {
    db.read("changes", move |read| {
        read.row("SELECT COUNT(*) FROM change WHERE anchor = $1", &params![anchor])?
            .map_or(Ok(0), |row| row.int(0))
    })
    .await
}

/// What a change writes to the resident's row.
pub(crate) enum Update {
    /// New attributes, sealed.
    Attributes(Vec<u8>),
    /// The entry ends.
    End,
    /// A new number: index and sealed, valid from a day.
    Number(Sha256, Vec<u8>, Date),
    /// A new resident code: index and sealed.
    Code(Sha256, Vec<u8>),
}

/// Updates a resident's row.
pub(crate) fn update(write: &mut Write<'_>, anchor: &Anchor, update: &Update) -> Result<(), StoreError> {
    match update {
        Update::Attributes(sealed) => write.execute(
            "UPDATE resident SET attributes = $2 WHERE anchor = $1",
            &params![anchor, sealed.as_slice()],
        )?,
        Update::End => write.execute("UPDATE resident SET ended = 1 WHERE anchor = $1", &params![anchor])?,
        Update::Code(index, sealed) => write.execute(
            "UPDATE resident SET code_index = $2, code = $3 WHERE anchor = $1",
            &params![anchor, index, sealed.as_slice()],
        )?,
        Update::Number(index, sealed, from) => {
            let day = from.to_string();
            write.execute(
                "UPDATE number_given SET to_day = $2 WHERE anchor = $1 AND to_day IS NULL",
                &params![anchor, day],
            )?;
            give_number(write, index, anchor, *from)?;
            write.execute(
                "UPDATE resident SET number_index = $2, number = $3 WHERE anchor = $1",
                &params![anchor, index, sealed.as_slice()],
            )?
        }
    };
    Ok(())
}

/// Anchors of residents the portal has no code of yet, at most `most`.
pub(crate) async fn without_portal_code(db: &Db, most: i64) -> Result<Vec<Anchor>, StoreError> {
    db.read("without_portal_code", move |read| {
        // In no order: the portal's table keeps the order in which the codes came, and an order that the registry could find
        // again would name them.
        let rows = read.rows(
            "SELECT anchor FROM resident WHERE at_portal = 0 ORDER BY RANDOM() LIMIT $1",
            &params![most],
        )?;
        rows.iter().map(|row| row.array(0)).collect()
    })
    .await
}

/// Notes that the portal has these residents' codes.
pub(crate) fn at_portal(write: &mut Write<'_>, anchors: &[Anchor]) -> Result<(), StoreError> {
    for anchor in anchors {
        write.execute("UPDATE resident SET at_portal = 1 WHERE anchor = $1", &params![anchor])?;
    }
    Ok(())
}

fn person_index(key: &StorageKey, party: &PartyId, anchor: &Anchor) -> Sha256 {
    key.index("issued", &[party.as_str().as_bytes(), anchor].concat())
}

/// Of these residents, those for whom the institution was given a code in another batch.
pub(crate) async fn issued_before(
    db: &Db,
    key: &StorageKey,
    party: &PartyId,
    batch: ActId,
    anchors: &[Anchor],
) -> Result<Vec<Anchor>, StoreError> {
    let asked: Vec<_> = anchors.iter().map(|anchor| (*anchor, person_index(key, party, anchor))).collect();
    let party = party.to_string();
    db.read("issued_before", move |read| {
        let mut before = Vec::new();
        for (anchor, index) in asked {
            let sql = "SELECT 1 FROM issued WHERE party = $1 AND person_index = $2 AND batch <> $3";
            if read.row(sql, &params![party.as_str(), index, batch.bytes()])?.is_some() {
                before.push(anchor);
            }
        }
        Ok(before)
    })
    .await
}

/// What is noted of an issue: for whom the institution was given a code.
pub(crate) fn issued_rows(key: &StorageKey, party: &PartyId, anchors: &[Anchor]) -> Vec<(Sha256, Vec<u8>)> {
    let row = |anchor: &Anchor| {
        let index = person_index(key, party, anchor);
        let sealed = key.seal("issued", &index, "anchor", anchor);
        (index, sealed)
    };
    let mut rows: Vec<_> = anchors.iter().map(row).collect();
    // By the keyed index: the order of the issue is the order in the people's indices, and must not be kept beside names.
    rows.sort_unstable();
    rows
}

/// Notes an issue.
pub(crate) fn note_issued(
    write: &mut Write<'_>,
    party: &PartyId,
    batch: ActId,
    rows: &[(Sha256, Vec<u8>)],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO issued (party, person_index, batch, anchor) VALUES ($1, $2, $3, $4) ON CONFLICT (party, person_index) DO NOTHING";
    for (index, sealed) in rows {
        write.execute(sql, &params![party.as_str(), index, batch.bytes(), sealed.as_slice()])?;
    }
    Ok(())
}
