//! Own copies of signed documents: fetched every 15 s, verified, never taken back to an older version.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::directory::{self, Directory, DirectoryDocument, Entry, Signed};
use protocol::oversight::{ACCREDITATIONS, Accreditations, WHITELIST, WhitelistDocument};
use road::StoredDocument;
use rules::{Accreditation, Whitelist};
use words::{Kind, Moment, PartyId, Reason};
use world::BoxFuture;

use crate::House;
use crate::room::StartError;

/// Accreditations and whitelist, as one state to decide on.
pub struct Law {
    accreditations: Accreditations,
    /// The list in force.
    pub whitelist: Whitelist,
}

impl Law {
    /// An institution's accreditation.
    pub fn accreditation(&self, party: &PartyId) -> Option<&Accreditation> {
        self.accreditations.accreditations.iter().find(|one| one.party == *party)
    }

    /// Every institution's.
    pub fn accreditations(&self) -> &[Accreditation] {
        &self.accreditations.accreditations
    }

    /// Until when both documents may be decided on.
    pub const fn valid_until(&self) -> Moment {
        self.accreditations.valid_until
    }

    /// The accreditations' version.
    pub const fn version(&self) -> i64 {
        self.accreditations.version
    }
}

const WITHIN: Duration = Duration::from_secs(5);
/// How long a room waits at its start for documents it never had.
const PATIENCE_MS: i64 = 60_000;

impl House {
    /// Takes the directory from the own copy, then from the authority; returns when there is one, and goes on
    /// polling in the background.
    pub fn follow_directory(self: &Arc<Self>) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(async move {
            if let Some(stored) = self.road.document("directory").await? {
                let _ = self.take_directory(&stored.body);
            }
            let deadline = self.now().plus_ms(PATIENCE_MS);
            while self.fetch_directory().await.is_err() && self.directory().version() == 0 {
                if self.now() > deadline || self.world.shutdown.requested() {
                    return Err(StartError::Neighbour("the authority"));
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            self.poll(|house| async move {
                let _ = house.fetch_directory().await;
            });
            Ok(())
        })
    }

    /// The same for accreditations and whitelist. Does not wait: a room without them refuses until they come.
    pub fn follow_law(self: &Arc<Self>) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(async move {
            self.decides_by_law.store(true, Ordering::Relaxed);
            let stored =
                (self.road.document("accreditations").await?, self.road.document("whitelist").await?);
            if let (Some(accreditations), Some(whitelist)) = stored {
                let _ = self.take_law(&accreditations.body, &whitelist.body);
            }
            for _ in 0..100 {
                if self.fetch_law().await.is_ok() || self.law().is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            self.poll_law();
            Ok(())
        })
    }

    /// The same for a room that shows the law and does not decide by it: the start waits for nobody.
    pub fn follow_law_in_background(self: &Arc<Self>) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(async move {
            let stored =
                (self.road.document("accreditations").await?, self.road.document("whitelist").await?);
            if let (Some(accreditations), Some(whitelist)) = stored {
                let _ = self.take_law(&accreditations.body, &whitelist.body);
            }
            let house = Arc::clone(self);
            tokio::spawn(async move {
                let _ = house.fetch_law().await;
            });
            self.poll_law();
            Ok(())
        })
    }

    fn poll_law(self: &Arc<Self>) {
        self.poll(|house| async move {
            let fetched = house.fetch_law().await;
            if let (Err(reason), false) = (fetched, house.world.shutdown.requested()) {
                tracing::warn!(%reason, "accreditations or whitelist could not be renewed; the own copies stay in force until they run out");
            }
        });
    }

    fn poll<F: Future<Output = ()> + Send>(
        self: &Arc<Self>,
        fetch: impl Fn(Arc<Self>) -> F + Send + Sync + 'static,
    ) {
        let house = Arc::clone(self);
        let every = u64::try_from(house.defaults.poll_ms).unwrap_or(15_000);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(every)) => {}
                    () = house.world.shutdown.wait() => return,
                }
                fetch(Arc::clone(&house)).await;
            }
        });
    }

    fn authority(&self) -> Entry {
        let known = self.directory().entry(&self.country.authority).cloned();
        known.unwrap_or_else(|| Entry {
            id: self.country.authority.clone(),
            // Unwrap safety: `authority` is a valid kind; the branch is not reached.
            kind: Kind::parse("authority").unwrap_or_else(|_| unreachable!("a constant id")),
            name: String::new(),
            name_en: String::new(),
            address: self.country.authority_address.clone(),
            certificate: words::B64::default(),
            signing: self.country.authority_key.clone(),
            sealing: self.sealing.public(),
            current: Vec::new(),
            revoked: false,
            revoked_operators: Vec::new(),
        })
    }

    /// Fetches the directory now. Also used by an operator who does not want to wait for the next poll.
    pub async fn fetch_directory(&self) -> Result<(), Reason> {
        let signed: Signed =
            self.get(&self.authority(), directory::PATH, WITHIN).await.map_err(|error| error.reason())?;
        let body = serde_json::to_vec(&signed).map_err(|_| Reason::Malformed)?;
        let version = self.take_directory(&body)?;
        self.road
            .keep_document("directory", StoredDocument { version, body })
            .await
            .map_err(|_| Reason::Internal)
    }

    fn take_directory(&self, body: &[u8]) -> Result<i64, Reason> {
        let signed: Signed = serde_json::from_slice(body).map_err(|_| Reason::Malformed)?;
        let jws = signed.signed.first().ok_or(Reason::Malformed)?;
        let document: DirectoryDocument =
            protocol::verify(jws, &self.country.authority, &self.country.authority_key)?;
        let version = document.version;
        if version < self.directory().version() {
            return Err(Reason::ListTooOld);
        }
        if document.valid_until <= self.now() {
            return Err(Reason::ListTooOld);
        }
        self.set_directory(Directory::new(document));
        Ok(version)
    }

    /// Fetches accreditations and whitelist now.
    pub async fn fetch_law(&self) -> Result<(), Reason> {
        let oversight = self.only("oversight")?;
        let accreditations: Signed =
            self.get(&oversight, ACCREDITATIONS, WITHIN).await.map_err(|error| error.reason())?;
        let whitelist: Signed =
            self.get(&oversight, WHITELIST, WITHIN).await.map_err(|error| error.reason())?;
        let bytes = |signed: &Signed| serde_json::to_vec(signed).map_err(|_| Reason::Malformed);
        let (accreditations, whitelist) = (bytes(&accreditations)?, bytes(&whitelist)?);
        let (version, list_version) = self.take_law(&accreditations, &whitelist)?;
        let keep = async |name, version, body| {
            self.road
                .keep_document(name, StoredDocument { version, body })
                .await
                .map_err(|_| Reason::Internal)
        };
        keep("accreditations", version, accreditations).await?;
        keep("whitelist", i64::from(list_version), whitelist).await
    }

    /// The law as it was: versions this room has had, verified again.
    pub async fn law_of(&self, accreditations: i64, whitelist: i64) -> Option<Law> {
        let body = async |name, version| self.road.document_version(name, version).await.ok().flatten();
        let (first, second) =
            (body("accreditations", accreditations).await?, body("whitelist", whitelist).await?);
        self.read_law(&first.body, &second.body).ok()
    }

    /// Verifies both documents and puts them in force together. A list that lacks either signature, or is older
    /// than the accreditations say, is refused (DESIGN §4).
    fn take_law(&self, accreditations: &[u8], whitelist: &[u8]) -> Result<(i64, u32), Reason> {
        let law = self.read_law(accreditations, whitelist)?;
        if law.whitelist.version() < law.accreditations.whitelist_version {
            return Err(Reason::ListTooOld);
        }
        let mut held = self.law.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref() {
            // Neither document goes back; a fresher signature of the same version is taken.
            let older = law.version() < held.version() || law.whitelist.version() < held.whitelist.version();
            let staler = law.version() == held.version()
                && law.accreditations.issued_at < held.accreditations.issued_at;
            if older || staler {
                return Err(Reason::ListTooOld);
            }
        }
        let versions = (law.version(), law.whitelist.version());
        *held = Some(Arc::new(law));
        Ok(versions)
    }

    /// Reads both documents, if their signatures hold.
    fn read_law(&self, accreditations: &[u8], whitelist: &[u8]) -> Result<Law, Reason> {
        let oversight = self.only("oversight")?;
        let read = |body: &[u8]| serde_json::from_slice::<Signed>(body).map_err(|_| Reason::Malformed);
        let accreditations = read(accreditations)?;
        let jws = accreditations.signed.first().ok_or(Reason::Malformed)?;
        let accreditations: Accreditations = protocol::verify(jws, &oversight.id, &oversight.signing)?;
        let whitelist = read(whitelist)?;
        let (Some(published), Some(countersigned)) = (whitelist.signed.first(), whitelist.signed.get(1))
        else {
            return Err(Reason::BadSignature);
        };
        let list: WhitelistDocument =
            protocol::verify(published, &self.country.publisher, &self.country.publisher_key)?;
        let seen: WhitelistDocument = protocol::verify(countersigned, &oversight.id, &oversight.signing)?;
        if seen != list {
            return Err(Reason::BadSignature);
        }
        Ok(Law { accreditations, whitelist: Whitelist::new(list.version, list.rows) })
    }
}
