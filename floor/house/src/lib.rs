//! What every room has and how every room starts: identity, clock, road, neighbours, own copies of the signed
//! documents, two listeners. A room adds its state, its table of routes and its verbs.

mod assertions;
mod certificate;
mod common_routes;
mod config;
mod documents;
mod health;
mod inquiring;
mod ledger;
mod metrics;
mod operators;
mod otlp;
mod pages_side;
mod proofs;
mod receive;
mod records;
mod replies;
mod room;
mod serve;
mod session;

pub use assertions::Named;
pub use certificate::{KeptCertificate, NewKey};
pub use common_routes::{HasHouse, common_routes, json_bytes, told};
pub use config::{Common, ConfigError, NoKeys, PagesConfig, Settings};
pub use documents::Law;
pub use inquiring::OpenedReply;
pub use ledger::witness_routes;
pub use proofs::Expected;
pub use replies::{Arrived, Passage, Sent, kept_reply};
pub use room::{Room, Running, StartError};
pub use serve::{serve, serve_public};
pub use session::{OwnSession, Sessions, keep_session_open};

use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use pages::Doors;
use protocol::Message;
use protocol::audit::FindingKind;
use protocol::country::Country;
use protocol::directory::{Directory, Entry};
use protocol::oversight::{ALARMS, Alarm};
use road::{Parcel, Road};
use rules::Defaults;
use seal::{Dice, Jws, KeyFolder, SealingKey, Sha256, SigningKey, StorageKey, Suite};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{CallError, Callers, InnerKeys, KnownParty, Peers, TlsIdentity};
use words::{ActId, Moment, PartyId, Reason};
pub use world::BoxFuture;
use world::World;

/// Everything a room stands on.
pub struct House {
    /// The party's id.
    pub id: PartyId,
    /// The room's name.
    pub room: &'static str,
    /// Clock, entropy, shutdown.
    pub world: World,
    /// Entropy for `seal`.
    pub dice: Dice,
    /// The road, in the room's own database.
    pub road: Arc<Road>,
    /// The key of this room's signatures.
    pub signing: Arc<SigningKey>,
    /// The key that opens what is sealed to this room.
    pub sealing: SealingKey,
    /// The key of this room's database.
    pub storage: Arc<StorageKey>,
    /// The trust anchor.
    pub country: Country,
    /// Whether demo assertions are taken.
    demo: bool,
    /// The bounds.
    pub defaults: Defaults,
    /// What a reply to this room is sealed to.
    pub reply_suite: Suite,
    /// The folder of keys.
    pub keys: KeyFolder,
    inner_keys: InnerKeys,
    keys_enrol_only: bool,
    /// Who is signed in at the pages.
    pub doors: Arc<Doors>,
    pages_at: OnceLock<String>,
    peers: Peers,
    /// Until when the short-lived certificate holds that is shown; 0 while it is that of the enrolment.
    certificate_ends: AtomicI64,
    table: OnceLock<Vec<wire::RouteLine>>,
    served: metrics::Served,
    exporter: Option<Arc<otlp::Exporter>>,
    decides_by_law: AtomicBool,
    directory: RwLock<Arc<Directory>>,
    law: RwLock<Option<Arc<Law>>>,
    /// Places for large answers that are held whole while they are given. Apart from those below: two institutions that answer
    /// one another would wait for each other's places.
    pub large_given: Arc<tokio::sync::Semaphore>,
    /// Places for large answers that come to own inquiries.
    large_taken: Arc<tokio::sync::Semaphore>,
}

/// How many large answers a room holds at once, of each direction; further ones wait for a place within their deadline.
const LARGE_AT_ONCE: usize = 4;

impl House {
    /// Opens keys and database; no network yet.
    pub fn open<'a>(
        room: &'static str,
        settings: &'a Settings,
        world: World,
        migrations: store::Migrations,
    ) -> BoxFuture<'a, Result<Arc<Self>, StartError>> {
        Box::pin(async move {
            let dice = {
                let world = world.clone();
                Dice::new(move |buffer| world.fill(buffer))
            };
            let keys = KeyFolder::new(settings.base.join(&settings.common.keys));
            let storage = Arc::new(keys.storage(&dice, true)?);
            let country_path = settings.base.join(&settings.common.country);
            let country = std::fs::read(&country_path)
                .map_err(|error| StartError::File(country_path.clone(), error.to_string()))?;
            let country: Country = serde_json::from_slice(&country)
                .map_err(|error| StartError::File(country_path, error.to_string()))?;
            let identity = TlsIdentity::from_pem(
                &keys.read("tls.crt")?,
                &keys.read("tls.key")?,
                country.root_certificate.as_bytes(),
            )?;
            let ends = certificate::take_kept(&keys, &identity, &world);
            let db = store::Db::open(&settings.location(), &[road::MIGRATIONS, migrations]).await?;
            let signing = Arc::new(keys.signing(None)?);
            let defaults = settings.defaults();
            let road = Road::new(db, Arc::clone(&storage), world.clone());
            let road = road.with_retention(keys.clone(), dice.clone()).await?;
            let recovered = road.recover().await?;
            let road = Arc::new(
                road.with_ledger(protocol::ledger::origin_of(&settings.id), Arc::clone(&signing), &defaults)
                    .await?,
            );
            if recovered > 0 {
                tracing::warn!(party = %settings.id, recovered, "acts that a former run left open were closed as unknown");
            }
            let exporter = settings.common.otlp.as_deref();
            let exporter = exporter.map(|url| otlp::Exporter::start(url, room, &settings.id, &world));
            if let Some(exporter) = &exporter {
                road.trace_to(Arc::clone(exporter) as _);
            }
            Ok(Arc::new(Self {
                id: settings.id.clone(),
                room,
                signing,
                sealing: keys.sealing(Suite::default(), None)?,
                inner_keys: InnerKeys::read(&keys)?,
                keys_enrol_only: settings.common.keys_enrol_only,
                doors: Arc::new(Doors::new(&world, settings.id.as_str())),
                pages_at: OnceLock::new(),
                peers: Peers::new(identity),
                certificate_ends: AtomicI64::new(ends),
                table: OnceLock::new(),
                served: metrics::Served::default(),
                exporter,
                decides_by_law: AtomicBool::new(false),
                directory: RwLock::new(Arc::new(Directory::default())),
                law: RwLock::new(None),
                large_given: Arc::new(tokio::sync::Semaphore::new(LARGE_AT_ONCE)),
                large_taken: Arc::new(tokio::sync::Semaphore::new(LARGE_AT_ONCE)),
                reply_suite: settings.common.reply_key,
                defaults,
                world,
                dice,
                road,
                storage,
                demo: settings.common.demo,
                country,
                keys,
            }))
        })
    }

    /// This room's clock.
    pub fn now(&self) -> Moment {
        self.road.now()
    }

    /// The directory as this room knows it.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a newer directory in place.
    pub fn set_directory(&self, directory: Directory) {
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
    }

    /// Accreditations and whitelist as this room knows them; `None` until both have been fetched once.
    pub fn law(&self) -> Option<Arc<Law>> {
        self.law.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A party of the directory.
    pub fn party(&self, id: &PartyId) -> Result<Entry, Reason> {
        self.directory().entry(id).cloned().ok_or(Reason::UnknownParty)
    }

    /// The one party of a kind, e.g. `linkage`.
    pub fn only(&self, kind: &str) -> Result<Entry, Reason> {
        self.directory().only(kind).cloned().ok_or(Reason::Unavailable)
    }

    /// The trustee's replicas, at least one: parties of their own with the same secrets.
    pub fn trustees(&self) -> Result<Vec<Entry>, Reason> {
        let directory = self.directory();
        let replicas: Vec<_> = directory.of_kind("trustee").into_iter().cloned().collect();
        if replicas.is_empty() { Err(Reason::Unavailable) } else { Ok(replicas) }
    }

    /// The message inside, if the trustee signed it, and which of its replicas did.
    pub fn verify_trustee<M: Message>(&self, jws: &Jws) -> Result<(M, Entry), Reason> {
        let signer = self.party(&jws.claimed_party().map_err(|_| Reason::BadSignature)?)?;
        if signer.kind.as_str() != "trustee" {
            return Err(Reason::BadSignature);
        }
        Ok((protocol::verify(jws, &signer.id, &signer.signing)?, signer))
    }

    /// Signs a message in this party's name.
    pub fn sign<M: Message>(&self, message: &M) -> Jws {
        protocol::sign(&self.signing, &self.id, message)
    }

    /// The message inside, if `party` signed it with the key the directory has for it.
    pub fn verify<M: Message>(&self, jws: &Jws, party: &PartyId) -> Result<M, Reason> {
        let directory = self.directory();
        protocol::verify(jws, party, &directory.entry(party).ok_or(Reason::UnknownParty)?.signing)
    }

    /// Posts a message to a party's outer side.
    pub async fn post<A: DeserializeOwned>(
        &self,
        to: &Entry,
        path: &str,
        message: &impl Serialize,
        within: Duration,
    ) -> Result<A, CallError> {
        self.peers.post(&to.id, &to.address, path, message, within).await
    }

    /// Posts bytes that are JSON already.
    pub async fn post_bytes<A: DeserializeOwned>(
        &self,
        to: &Entry,
        path: &str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<A, CallError> {
        self.peers.post_bytes(&to.id, &to.address, path, body.into(), within).await
    }

    /// Gets from a party's outer side.
    pub async fn get<A: DeserializeOwned>(
        &self,
        to: &Entry,
        path: &str,
        within: Duration,
    ) -> Result<A, CallError> {
        self.peers.get(&to.id, &to.address, path, within).await
    }

    /// Gets bytes from a party's outer side.
    pub async fn get_bytes(&self, from: &Entry, path: &str, within: Duration) -> Result<Vec<u8>, CallError> {
        self.peers.get_bytes(&from.id, &from.address, path, within).await
    }

    /// Raises an alarm at oversight; carried until it is taken.
    pub async fn raise_alarm(&self, kind: FindingKind, act: ActId) {
        let Ok(oversight) = self.only("oversight") else { return };
        let alarm = Alarm { kind, act, at: self.now() };
        let body = serde_json::to_vec(&alarm).unwrap_or_default();
        let parcel = Parcel { destination: oversight.id, path: ALARMS, body, held: false };
        if let Err(error) = self.road.send_later(act, parcel).await {
            tracing::error!(%error, "an alarm could not be written");
        }
    }

    /// The SHA-256 of the own certificate.
    pub fn fingerprint(&self) -> Sha256 {
        self.peers.identity().fingerprint()
    }

    /// Runs work that takes more than some microseconds of CPU off the async threads.
    pub async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Reason> {
        tokio::task::spawn_blocking(work).await.map_err(|_| Reason::Internal)
    }
}

impl Callers for House {
    fn party(&self, certificate: &Sha256) -> Option<KnownParty> {
        let directory = self.directory();
        match self.room {
            // Where a party whose short-lived certificate has run out orders another.
            "authority" => directory.enrolled(certificate),
            _ => Callers::party(directory.as_ref(), certificate),
        }
    }
}
