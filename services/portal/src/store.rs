//! The portal's own SQL.

use std::collections::HashSet;

use seal::Sha256;
use store::{Db, Migrations, StoreError, Write, params};
use words::{ActId, Moment};

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "portal",
    steps: &[
        (1, "portal", include_str!("../migrations/0001_portal.sql")),
        (2, "complaint", include_str!("../migrations/0002_complaint.sql")),
    ],
};

/// Remembers that the person an act is about asked about it.
pub(crate) fn add_complaint(write: &mut Write<'_>, act: &ActId, at: Moment) -> Result<(), StoreError> {
    let sql = "INSERT INTO complaint (act, at) VALUES ($1, $2) ON CONFLICT (act) DO NOTHING";
    write.execute(sql, &params![act.bytes(), at.0]).map(|_| ())
}

/// Which of these acts somebody asked about.
pub(crate) async fn complaints(db: &Db, acts: Vec<ActId>) -> Result<HashSet<ActId>, StoreError> {
    db.read("complaints", move |read| {
        let mut known = HashSet::new();
        for act in acts {
            if read.row("SELECT 1 FROM complaint WHERE act = $1", &params![act.bytes()])?.is_some() {
                known.insert(act);
            }
        }
        Ok(known)
    })
    .await
}

/// Keeps a resident's code; one that is known stays.
pub(crate) fn keep_code(write: &mut Write<'_>, index: &Sha256, sealed: &[u8]) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO resident_code (code_index, code) VALUES ($1, $2) ON CONFLICT (code_index) DO NOTHING";
    write.execute(sql, &params![index, sealed]).map(|_| ())
}

/// Which of these codes are residents'.
pub(crate) async fn known(db: &Db, indices: Vec<Sha256>) -> Result<HashSet<Sha256>, StoreError> {
    db.read("known", move |read| {
        let mut known = HashSet::new();
        for index in indices {
            if read.row("SELECT 1 FROM resident_code WHERE code_index = $1", &params![index])?.is_some() {
                known.insert(index);
            }
        }
        Ok(known)
    })
    .await
}

/// Enters an act under a code; a second delivery changes nothing.
pub(crate) fn add_entry(
    write: &mut Write<'_>,
    index: &Sha256,
    act: &ActId,
    at: Moment,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO entry (code_index, act, at) VALUES ($1, $2, $3) ON CONFLICT (code_index, act) DO NOTHING";
    write.execute(sql, &params![index, act.bytes(), at.0]).map(|_| ())
}

/// How many residents' codes and how many entries there are.
pub(crate) async fn counts(db: &Db) -> Result<(i64, i64), StoreError> {
    db.read("counts", |read| {
        let mut count = |sql| read.row(sql, &[])?.map_or(Ok(0), |row| row.int(0));
        Ok((count("SELECT COUNT(*) FROM resident_code")?, count("SELECT COUNT(*) FROM entry")?))
    })
    .await
}

/// The acts entered under a code, newest first.
pub(crate) async fn entries_of(db: &Db, index: Sha256) -> Result<Vec<ActId>, StoreError> {
    db.read("entries_of", move |read| {
        let sql = "SELECT act FROM entry WHERE code_index = $1 ORDER BY at DESC, act";
        read.rows(sql, &params![index])?.iter().map(|row| Ok(ActId::new(row.array(0)?))).collect()
    })
    .await
}

/// Forgets index entries made before a time.
pub(crate) fn forget_entries(write: &mut Write<'_>, before: Moment) -> Result<(), StoreError> {
    write.execute("DELETE FROM complaint WHERE at < $1", &params![before.0])?;
    write.execute("DELETE FROM entry WHERE at < $1", &params![before.0]).map(|_| ())
}
