#![doc = include_str!("../README.md")]

mod error;
mod index;
mod issue;
mod policy;
mod routes;
mod store;

use std::sync::Arc;

use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Sessions, Settings, StartError};
use world::World;

/// The room's state.
pub struct Portal {
    house: Arc<House>,
    sessions: Sessions,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Portal>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }
}

/// The room, for the binary.
pub struct PortalRoom;

impl Room for PortalRoom {
    fn name(&self) -> &'static str {
        "portal"
    }

    fn table(&self) -> Vec<wire::RouteLine> {
        routes::routes().into_iter().map(|route| route.line).collect()
    }

    fn check(&self, settings: &Settings) -> Result<(), ConfigError> {
        settings.own::<house::NoKeys>().map(|_| ())
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            self.check(&settings)?;
            let house = House::open("portal", &settings, world, store::MIGRATIONS).await?;
            house.follow_directory().await?;
            let portal = Arc::new(Portal { house: Arc::clone(&house), sessions: Sessions::default() });
            let running =
                house::serve(&house, &settings, routes::routes(), Here(Arc::clone(&portal))).await?;
            // A session must be open for index entries to have where to go; it is kept open.
            house::keep_session_open(&house, move || {
                let portal = Arc::clone(&portal);
                async move { portal.sessions.current(&portal.house).await.map(|_| ()) }
            });
            Ok(running)
        })
    }
}
