#![doc = include_str!("../README.md")]

mod error;
mod half_index;
mod inquire;
mod issue;
mod rotation;
mod session_keys;

mod policy;
mod routes;

use std::sync::Arc;

use conversion::{Conversions, Place};
use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Settings, StartError};
use world::World;

/// The room's state.
pub struct Trustee {
    house: Arc<House>,
    conversions: Conversions,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Trustee>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }
}

impl conversion::HasConversions for Here {
    fn conversions(&self) -> &Conversions {
        &self.0.conversions
    }
}

/// The room, for the binary.
pub struct TrusteeRoom;

impl Room for TrusteeRoom {
    fn name(&self) -> &'static str {
        "trustee"
    }

    fn table(&self) -> Vec<wire::RouteLine> {
        routes::routes().into_iter().map(|route| route.line).collect()
    }

    fn check(&self, settings: &Settings) -> Result<(), ConfigError> {
        settings.own::<house::NoKeys>().map(|_| ())
    }

    fn migrations(&self) -> ::store::Migrations {
        conversion::MIGRATIONS
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            self.check(&settings)?;
            let house = House::open("trustee", &settings, world, conversion::MIGRATIONS).await?;
            house.follow_directory().await?;
            house.follow_law().await?;
            let conversions = Conversions::open(&house, Place::Last).await?;
            let state = Here(Arc::new(Trustee { house: Arc::clone(&house), conversions }));
            house::serve(&house, &settings, routes::routes(), state).await
        })
    }
}
