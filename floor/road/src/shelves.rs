//! Retention keys: each month of each kind of record has a key of its own, in a folder that no backup takes. When the
//! period has ended the key is destroyed, and with it every copy of those records, in backups too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rules::{RecordClass, has_ended};
use seal::{Dice, KeyFolder, StorageKey};
use store::{StoreError, params};
use words::{Date, Moment};

use crate::record::Record;
use crate::store::Leaf;
use crate::travel::Road;

/// The keys records and kept replies are sealed under.
pub(crate) struct Shelves {
    /// Seals what has no shelf: all of it where there is no folder.
    own: Arc<StorageKey>,
    folder: Option<(KeyFolder, Dice)>,
    keys: Mutex<HashMap<String, Arc<StorageKey>>>,
}

fn unavailable(error: seal::FolderError) -> StoreError {
    StoreError::Unavailable { what: error.to_string() }
}

impl Shelves {
    pub(crate) fn none(own: Arc<StorageKey>) -> Self {
        Self { own, folder: None, keys: Mutex::default() }
    }

    /// The shelf and key for a record made now; a new month's key is made when it is first needed.
    pub(crate) fn for_record(&self, verb: &str, at: Moment) -> Result<(String, Arc<StorageKey>), StoreError> {
        let Some((folder, dice)) = &self.folder else { return Ok((String::new(), Arc::clone(&self.own))) };
        let shelf = RecordClass::of(verb).shelf(at);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&shelf) {
            return Ok((shelf, Arc::clone(key)));
        }
        // A rehearsal may end a period that goes on: what is recorded after it has no shelf, and none is made again.
        if folder.destroyed_retention().map_err(unavailable)?.contains(&shelf) {
            return Ok((String::new(), Arc::clone(&self.own)));
        }
        let key = Arc::new(folder.retention(&shelf, dice, true).map_err(unavailable)?);
        keys.insert(shelf.clone(), Arc::clone(&key));
        Ok((shelf, key))
    }

    /// The key of a shelf; none once it was destroyed.
    pub(crate) fn of(&self, shelf: &str) -> Option<Arc<StorageKey>> {
        if shelf.is_empty() {
            return Some(Arc::clone(&self.own));
        }
        let (folder, dice) = self.folder.as_ref()?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(shelf) {
            return Some(Arc::clone(key));
        }
        let key = Arc::new(folder.retention(shelf, dice, false).ok()?);
        keys.insert(shelf.to_owned(), Arc::clone(&key));
        Some(key)
    }

    /// Opens a record.
    pub(crate) fn open_record(&self, shelf: &str, salt: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.of(shelf)?.open("leaf", salt, "record", sealed).ok()
    }

    fn destroyed(&self) -> Result<Vec<String>, StoreError> {
        let Some((folder, _)) = &self.folder else { return Ok(Vec::new()) };
        folder.destroyed_retention().map_err(unavailable)
    }

    fn destroy(&self, shelf: &str) -> Result<(), StoreError> {
        let Some((folder, _)) = &self.folder else { return Ok(()) };
        folder.destroy_retention(shelf).map_err(unavailable)?;
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(shelf);
        Ok(())
    }
}

/// What was erased of one shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Kind and month.
    pub shelf: String,
    /// How many records lost salt and text; their entries in the ledger stay.
    pub records: u64,
    /// How many acts with their kept replies.
    pub acts: u64,
}

impl Road {
    /// Seals records under retention keys in this folder from now on, and replays erasures: what stands in a restored
    /// database although its key was destroyed is erased again before the room serves.
    pub async fn with_retention(mut self, folder: KeyFolder, dice: Dice) -> Result<Self, StoreError> {
        self.shelves = Arc::new(Shelves {
            own: Arc::clone(&self.key),
            folder: Some((folder, dice)),
            keys: Mutex::default(),
        });
        for shelf in self.shelves.destroyed()? {
            let erased = self.blank(&shelf, "replayed after a restore").await?;
            if erased.records > 0 {
                tracing::warn!(%shelf, records = erased.records, "records that had been erased came back with a restore; they were erased again");
            }
        }
        Ok(self)
    }

    /// Erases what has come to the end of its period by this day: salt and text of the records, the acts with their
    /// replies, then the key. The entries in the ledger stay, so that proofs of all other records go on holding.
    pub async fn erase(&self, as_of: Date) -> Result<Vec<Erased>, StoreError> {
        let day = as_of.to_string();
        let shelves: Vec<String> = self
            .db
            .read("shelves", |read| {
                let sql = "SELECT DISTINCT shelf FROM leaf WHERE LENGTH(record) > 0 ORDER BY shelf";
                read.rows(sql, &[])?.iter().map(|row| row.text(0)).collect::<Result<_, StoreError>>()
            })
            .await?;
        let mut all = Vec::new();
        for shelf in shelves.into_iter().filter(|shelf| has_ended(shelf, &day)) {
            // First the key: a crash in between leaves nothing that could be read, and the next start erases the rest.
            self.shelves.destroy(&shelf)?;
            all.push(self.blank(&shelf, "end of the period").await?);
        }
        Ok(all)
    }

    async fn blank(&self, shelf: &str, why: &'static str) -> Result<Erased, StoreError> {
        let (shelves, world, now, of) =
            (Arc::clone(&self.shelves), self.world.clone(), self.now(), shelf.to_owned());
        self.db
            .write("erase", move |write| {
                let empty: Vec<u8> = Vec::new();
                let sql = "UPDATE leaf SET record = $2, salt = $2 WHERE shelf = $1 AND LENGTH(record) > 0";
                let records = write.execute(sql, &params![of.as_str(), empty])?;
                let acts = write.execute("DELETE FROM act WHERE shelf = $1", &params![of.as_str()])?;
                if records + acts > 0 {
                    let mut record = Record::new();
                    record.set("shelf", &of).set("records", records).set("acts", acts).set("why", why);
                    let salt = world.random();
                    Leaf::new(&shelves, salt, None, "erase", "note", now, record)?.insert(write)?;
                }
                Ok(Erased { shelf: of, records, acts })
            })
            .await
    }
}
