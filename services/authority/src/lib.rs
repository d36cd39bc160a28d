#![doc = include_str!("../README.md")]

mod certify;
mod directory;
mod error;
mod policy;
mod revoke;
mod routes;
mod store;

pub use certify::{CertifyError, PartyKey, Root};
pub use store::enrol;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Settings, StartError};
use world::World;

/// The room's state.
pub struct Authority {
    house: Arc<House>,
    /// The version of the directory that was kept last by this process.
    kept: AtomicI64,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Authority>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }
}

/// The room, for the binary.
pub struct AuthorityRoom;

impl Room for AuthorityRoom {
    fn name(&self) -> &'static str {
        "authority"
    }

    fn table(&self) -> Vec<wire::RouteLine> {
        routes::routes().into_iter().map(|route| route.line).collect()
    }

    fn check(&self, settings: &Settings) -> Result<(), ConfigError> {
        settings.own::<house::NoKeys>().map(|_| ())
    }

    fn migrations(&self) -> ::store::Migrations {
        store::MIGRATIONS
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            self.check(&settings)?;
            let house = House::open("authority", &settings, world, store::MIGRATIONS).await?;
            let authority = Arc::new(Authority { house: Arc::clone(&house), kept: AtomicI64::new(-1) });
            // The authority follows its own directory: what it publishes is what it admits callers by.
            authority.refresh().await.map_err(|_| StartError::Neighbour("the authority's own database"))?;
            house::serve(&house, &settings, routes::routes(), Here(authority)).await
        })
    }
}
