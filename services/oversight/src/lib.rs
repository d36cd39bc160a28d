#![doc = include_str!("../README.md")]

mod alarms;
mod audit;
mod cases;
mod change_standing;
mod desk;
mod documents;
mod error;
mod policy;
mod routes;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Settings, StartError};
use rules::Accreditation;
use seal::Jws;
use serde::Deserialize;
use world::World;

/// The room's own keys of its section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The whitelist as its publisher signed it (one JWS).
    whitelist: PathBuf,
    /// The accreditations to begin with, JSON; read once, when the database has none.
    accreditations: PathBuf,
}

/// The room's state.
pub struct Oversight {
    house: Arc<House>,
    whitelist: Jws,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Oversight>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }

    fn nav() -> &'static [pages::Nav] {
        desk::NAV
    }
}

/// The room, for the binary.
pub struct OversightRoom;

fn read(settings: &Settings, key: &str, path: &PathBuf) -> Result<Vec<u8>, ConfigError> {
    let path = settings.base.join(path);
    std::fs::read(&path).map_err(|error| ConfigError {
        key: Some(key.into()),
        message: format!("`{key}`: {}: {error}", path.display()),
    })
}

impl Room for OversightRoom {
    fn name(&self) -> &'static str {
        "oversight"
    }

    fn table(&self) -> Vec<wire::RouteLine> {
        routes::routes().into_iter().map(|route| route.line).collect()
    }

    fn check(&self, settings: &Settings) -> Result<(), ConfigError> {
        let config: Config = settings.own()?;
        read(settings, "whitelist", &config.whitelist)?;
        read(settings, "accreditations", &config.accreditations).map(|_| ())
    }

    fn migrations(&self) -> ::store::Migrations {
        store::MIGRATIONS
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            let config: Config = settings.own()?;
            let whitelist = read(&settings, "whitelist", &config.whitelist)?;
            let whitelist = std::str::from_utf8(&whitelist).ok().and_then(|text| Jws::parse(text.trim()));
            let whitelist = whitelist.ok_or_else(|| {
                StartError::File(config.whitelist.clone(), "not a signed whitelist (one JWS)".into())
            })?;
            let first = read(&settings, "accreditations", &config.accreditations)?;
            let first: Vec<Accreditation> = serde_json::from_slice(&first)
                .map_err(|error| StartError::File(config.accreditations.clone(), error.to_string()))?;
            let house = House::open("oversight", &settings, world, store::MIGRATIONS).await?;
            store::begin_with(house.road.db(), first).await?;
            house.follow_directory().await?;
            let oversight = Arc::new(Oversight { house: Arc::clone(&house), whitelist });
            let running =
                house::serve(&house, &settings, routes::routes(), Here(Arc::clone(&oversight))).await?;
            oversight.watch();
            Ok(running)
        })
    }
}
