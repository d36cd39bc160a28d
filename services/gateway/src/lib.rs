#![doc = include_str!("../README.md")]

mod answer;
mod ask;
mod asked;
mod awaiting;
mod batch;
pub mod batch_file;
mod compose;
mod connector;
mod desk;
mod error;
mod held;
mod issue;
mod pick_up;
mod policy;
pub mod rehearsal;
mod rotation;
mod routes;
mod shield;
mod store;
mod take_codes;
#[cfg(test)]
mod vectors;
mod x_road;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use connector::{Connector, ConnectorConfig};
use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Sessions, Settings, StartError};
use road::RoomWrite;
use seal::{GuardContext, GuardKey, Sha256};
use serde::Deserialize;
use words::{Moment, PartyId};
use world::World;

/// The room's own keys of its section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The department that asks and answers (items 7 and 8 of the twelve).
    department: String,
    /// Items a clerk must approve, each with the days within which one does.
    #[serde(default)]
    late: BTreeMap<String, u16>,
    /// How often a late answer is looked for, ms.
    #[serde(default = "five_minutes")]
    look_again_ms: u32,
    /// How old the copy of the own system may become that answers others, ms; without it the own system is read each time.
    copy_every_ms: Option<u32>,
    /// Systems that speak X-Road, and what their services stand for.
    #[serde(default)]
    x_road: x_road::XRoad,
    /// Where the institution's own data are, and how they map to attributes and items.
    connector: ConnectorConfig,
}

const fn five_minutes() -> u32 {
    300_000
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
    /// Items a clerk must approve: days.
    late: BTreeMap<String, u16>,
    look_again_ms: i64,
    x_road: x_road::XRoad,
    /// How often the copy is taken; `None` for none.
    copy_every: Option<std::time::Duration>,
    /// One copy at a time.
    copying: tokio::sync::Mutex<()>,
    /// The items the connector has.
    items: Vec<String>,
    /// Rings when a batch has rows to send.
    queued: tokio::sync::Notify,
}

impl Gateway {
    fn new(house: &Arc<House>, config: Config, base: &std::path::Path) -> Result<Self, ConfigError> {
        config.x_road.check()?;
        Ok(Self {
            house: Arc::clone(house),
            sessions: Sessions::default(),
            department: config.department,
            items: config.connector.items(),
            connector: Connector::new(config.connector, base)?,
            guards: Mutex::default(),
            guard_keys: Mutex::default(),
            issuing: tokio::sync::Mutex::default(),
            late: config.late,
            look_again_ms: i64::from(config.look_again_ms),
            x_road: config.x_road,
            copy_every: config.copy_every_ms.map(|ms| std::time::Duration::from_millis(ms.into())),
            copying: tokio::sync::Mutex::default(),
            queued: tokio::sync::Notify::default(),
        })
    }
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Gateway>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }

    fn erase_own(&self, before: Moment) -> Option<RoomWrite> {
        Some(asked::erase(before))
    }

    fn nav() -> &'static [pages::Nav] {
        desk::NAV
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
        config.x_road.check()?;
        Connector::new(config.connector, &settings.base).map(|_| ())
    }

    fn migrations(&self) -> ::store::Migrations {
        store::MIGRATIONS
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            self.check(&settings)?;
            let config: Config = settings.own()?;
            let house = House::open("gateway", &settings, world, store::MIGRATIONS).await?;
            house.follow_directory().await?;
            // For the desk alone, which offers what the law's list lets this institution ask; transcryptors decide.
            house.follow_law_in_background().await?;
            asked::recover(house.road.db(), house.now()).await?;
            let gateway = Arc::new(Gateway::new(&house, config, &settings.base)?);
            let running =
                house::serve(&house, &settings, routes::routes(), Here(Arc::clone(&gateway))).await?;
            gateway.go_on_with_rotation().await?;
            tokio::spawn(Arc::clone(&gateway).send_batches());
            tokio::spawn(Arc::clone(&gateway).pick_up_answers());
            if let Some(every) = gateway.copy_every {
                tokio::spawn(Arc::clone(&gateway).keep_copy(every));
            }
            house::keep_session_open(&house, move || {
                let gateway = Arc::clone(&gateway);
                async move { gateway.sessions.current(&gateway.house).await.map(|_| ()) }
            });
            Ok(running)
        })
    }
}
