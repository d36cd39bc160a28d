//! The authority's own SQL.

use protocol::directory::Entry;
use store::{Location, Migrations, StoreError, Write, params};

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "authority",
    steps: &[
        (1, "party", include_str!("../migrations/0001_party.sql")),
        (2, "certificate", include_str!("../migrations/0002_certificate.sql")),
    ],
};

/// All entries and the version they make.
pub(crate) async fn parties(db: &store::Db) -> Result<(i64, Vec<Entry>), StoreError> {
    db.read("parties", |read| {
        let rows = read.rows("SELECT entry, changed FROM party ORDER BY id", &[])?;
        let mut version = 0;
        let mut entries = Vec::new();
        for row in &rows {
            version = version.max(row.int(1)?);
            entries.extend(serde_json::from_str::<Entry>(&row.text(0)?).ok());
        }
        Ok::<_, StoreError>((version, entries))
    })
    .await
}

/// Inserts or replaces an entry; a change raises the directory's version by one.
pub(crate) fn put(write: &mut Write<'_>, entry: &Entry) -> Result<(), StoreError> {
    let text = serde_json::to_string(entry).unwrap_or_default();
    let sql = "INSERT INTO party (id, entry, changed) VALUES ($1, $2, (SELECT COALESCE(MAX(changed), 0) + 1 FROM party)) \
               ON CONFLICT (id) DO UPDATE SET entry = excluded.entry, changed = excluded.changed WHERE party.entry <> excluded.entry";
    write.execute(sql, &params![entry.id.as_str(), text]).map(|_| ())
}

/// Enrols parties in the authority's database, as the ceremony does, also while the authority runs.
pub async fn enrol(location: &Location, entries: Vec<Entry>) -> Result<(), StoreError> {
    let db = store::Db::open(location, &[road::MIGRATIONS, MIGRATIONS]).await?;
    db.write("enrol", move |write| entries.iter().try_for_each(|entry| put(write, entry))).await?;
    db.close().await;
    Ok(())
}
