#![doc = include_str!("../README.md")]

mod answer;
mod ask;
mod asked;
mod awaiting;
mod batch;
mod compose;
mod connector;
mod desk;
mod error;
mod issue;
mod pick_up;
mod policy;
pub mod rehearsal;
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
    /// Rings when a batch has rows to send.
    queued: tokio::sync::Notify,
}

impl Gateway {
    fn new(
        house: &Arc<House>,
        connector: Connector,
        department: String,
        late: BTreeMap<String, u16>,
        look_again_ms: u32,
        x_road: x_road::XRoad,
    ) -> Self {
        Self {
            house: Arc::clone(house),
            sessions: Sessions::default(),
            department,
            connector,
            guards: Mutex::default(),
            guard_keys: Mutex::default(),
            issuing: tokio::sync::Mutex::default(),
            late,
            look_again_ms: i64::from(look_again_ms),
            x_road,
            queued: tokio::sync::Notify::default(),
        }
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
            let config: Config = settings.own()?;
            config.x_road.check()?;
            let connector = Connector::new(config.connector, &settings.base)?;
            let house = House::open("gateway", &settings, world, store::MIGRATIONS).await?;
            house.follow_directory().await?;
            // For the desk alone, which offers what the law's list lets this institution ask; transcryptors decide.
            house.follow_law_in_background().await?;
            asked::recover(house.road.db(), house.now()).await?;
            let gateway = Arc::new(Gateway::new(
                &house,
                connector,
                config.department,
                config.late,
                config.look_again_ms,
                config.x_road,
            ));
            let running =
                house::serve(&house, &settings, routes::routes(), Here(Arc::clone(&gateway))).await?;
            tokio::spawn(Arc::clone(&gateway).send_batches());
            tokio::spawn(Arc::clone(&gateway).pick_up_answers());
            house::keep_session_open(&house, move || {
                let gateway = Arc::clone(&gateway);
                async move { gateway.sessions.current(&gateway.house).await.map(|_| ()) }
            });
            Ok(running)
        })
    }
}
