//! What a room is to the binary that runs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use words::PartyId;
use world::{BoxFuture, World};

use crate::House;
use crate::config::{ConfigError, Settings};

/// A kind of room.
pub trait Room: Sync + Send {
    /// Its name: the command, the section, the kind in the directory.
    fn name(&self) -> &'static str;

    /// Its table of routes, for the snapshot of routes and roles.
    fn table(&self) -> Vec<wire::RouteLine>;

    /// Checks the room's own keys of its section, files included, without starting anything.
    fn check(&self, settings: &Settings) -> Result<(), ConfigError>;

    /// The migrations of its own tables; the road's come before them.
    fn migrations(&self) -> store::Migrations;

    /// Starts it; returns when it serves.
    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>>;
}

/// A room that serves.
pub struct Running {
    /// The party.
    pub id: PartyId,
    /// Where its outer side listens.
    pub outer: SocketAddr,
    /// Where its inner side listens.
    pub inner: SocketAddr,
    /// Where its pages are, if it serves any.
    pub pages: Option<SocketAddr>,
    /// What it stands on.
    pub house: Arc<House>,
}

impl Running {
    /// Asks the room to stop, waits until its database is closed.
    pub async fn stop(self) {
        self.house.world.shutdown.trigger();
        self.house.road.db().clone().close().await;
    }
}

/// Why a room did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The section is not right.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// A file is missing or not what it should be.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// A key is missing or not what it should be.
    #[error(transparent)]
    Keys(#[from] seal::FolderError),
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] wire::TlsError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}; is another program using the port?")]
    Listen(SocketAddr, std::io::Error),
    /// A neighbour that is needed to start did not answer.
    #[error("{0} did not answer in time; is it running, and does its certificate belong to this country?")]
    Neighbour(&'static str),
    /// The room's keys or neighbours are not what the country's scheme of link codes rests on: in Japanese, in English.
    #[error("{0} / {1}")]
    Scheme(&'static str, &'static str),
    /// Key material does not fit.
    #[error(transparent)]
    Seal(#[from] seal::SealError),
}
