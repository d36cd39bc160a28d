#![doc = include_str!("../README.md")]

mod answer;
mod ask;
mod compose;
mod connector;
mod error;
mod issue;
mod policy;
pub mod rehearsal;
mod routes;
mod store;
mod take_codes;
#[cfg(test)]
mod vectors;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use connector::{Connector, ConnectorConfig};
use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Sessions, Settings, StartError};
use seal::{GuardContext, GuardKey, Sha256};
use serde::Deserialize;
use words::PartyId;
use world::World;

/// The room's own keys of its section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The department that asks and answers (items 7 and 8 of the twelve).
    department: String,
    /// Where the institution's own data are, and how they map to attributes and items.
    connector: ConnectorConfig,
}

/// The room's state.
pub struct Gateway {
    house: Arc<House>,
    sessions: Sessions,
    department: String,
    connector: Connector,
    /// One guard context for each provider, for the current session.
    guards: Mutex<HashMap<(PartyId, words::SessionName), Arc<GuardContext>>>,
    /// Opened pair keys of inquirers' guards, by the hash of their encapsulation.
    guard_keys: Mutex<HashMap<Sha256, Arc<GuardKey>>>,
    /// One issue at a time.
    issuing: tokio::sync::Mutex<()>,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Gateway>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }
}

/// The room, for the binary.
pub struct GatewayRoom;

impl Room for GatewayRoom {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn table(&self) -> Vec<wire::RouteLine> {
        routes::routes().into_iter().map(|route| route.line).collect()
    }

    fn check(&self, settings: &Settings) -> Result<(), ConfigError> {
        let config: Config = settings.own()?;
        Connector::new(config.connector, &settings.base).map(|_| ())
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            let config: Config = settings.own()?;
            let connector = Connector::new(config.connector, &settings.base)?;
            let house = House::open("gateway", &settings, world, store::MIGRATIONS).await?;
            house.follow_directory().await?;
            let gateway = Arc::new(Gateway {
                house: Arc::clone(&house),
                sessions: Sessions::default(),
                department: config.department,
                connector,
                guards: Mutex::default(),
                guard_keys: Mutex::default(),
                issuing: tokio::sync::Mutex::default(),
            });
            let running =
                house::serve(&house, &settings, routes::routes(), Here(Arc::clone(&gateway))).await?;
            house::keep_session_open(&house, move || {
                let gateway = Arc::clone(&gateway);
                async move { gateway.sessions.current(&gateway.house).await.map(|_| ()) }
            });
            Ok(running)
        })
    }
}
