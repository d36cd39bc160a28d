//! This room's own copies of signed documents, so that it can decide while their publishers are away.

use store::{StoreError, params};

use crate::travel::Road;

/// A stored document, exactly as its publisher signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its version.
    pub version: i64,
    /// The signed text.
    pub body: Vec<u8>,
}

impl Road {
    /// The copy of `name`, if there is one.
    pub async fn document(&self, name: &'static str) -> Result<Option<StoredDocument>, StoreError> {
        self.db
            .read("document", move |read| {
                let row = read.row("SELECT version, body FROM document WHERE name = $1", &params![name])?;
                row.map(|row| Ok(StoredDocument { version: row.int(0)?, body: row.bytes(1)? })).transpose()
            })
            .await
    }

    /// Keeps a copy, unless the one held is newer: a document never goes back.
    pub async fn keep_document(
        &self,
        name: &'static str,
        document: StoredDocument,
    ) -> Result<(), StoreError> {
        let now = self.now().0;
        self.db
            .write("keep_document", move |write| {
                let sql = "INSERT INTO document (name, version, body, fetched_at) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (name) DO UPDATE SET version = excluded.version, body = excluded.body, fetched_at = excluded.fetched_at \
                           WHERE document.version <= excluded.version";
                write.execute(sql, &params![name, document.version, document.body.clone(), now])?;
                let sql = "INSERT INTO document_version (name, version, body, fetched_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name, version) DO NOTHING";
                write.execute(sql, &params![name, document.version, document.body, now]).map(|_| ())
            })
            .await
    }

    /// A version of `name` that this room has had, as it was when it first came.
    pub async fn document_version(
        &self,
        name: &'static str,
        version: i64,
    ) -> Result<Option<StoredDocument>, StoreError> {
        self.db
            .read("document_version", move |read| {
                let sql = "SELECT body FROM document_version WHERE name = $1 AND version = $2";
                let row = read.row(sql, &params![name, version])?;
                row.map(|row| Ok(StoredDocument { version, body: row.bytes(0)? })).transpose()
            })
            .await
    }
}
