#![doc = include_str!("../README.md")]

mod deed;
mod desk;
mod domains;
mod ending;
mod error;
mod findings;
mod handover;
mod judgement;
mod release;
mod returns;
mod routes;
mod sets;
mod statistics;
mod store;
mod table;

pub use table::check_table;

use std::sync::Arc;

use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Settings, StartError};
use world::World;

/// The room's state.
pub struct Research {
    house: Arc<House>,
    /// One change at a time: what is decided on must still be so when it is written.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Research>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }

    fn nav() -> &'static [pages::Nav] {
        desk::NAV
    }
}

/// The room, for the binary.
pub struct ResearchRoom;

impl Room for ResearchRoom {
    fn name(&self) -> &'static str {
        "research"
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
            let house = House::open("research", &settings, world, store::MIGRATIONS).await?;
            house.follow_directory().await?;
            let research = Arc::new(Research { house: Arc::clone(&house), turn: Arc::default() });
            let here = Here(Arc::clone(&research));
            let running = house::serve(&house, &settings, routes::routes(), here).await?;
            research.watch_returns();
            Ok(running)
        })
    }
}
