#![doc = include_str!("../README.md")]

mod certificates;
mod change;
mod enter;
mod error;
mod find_number;
mod issue;
mod people;
mod person_code;
mod policy;
mod portal_codes;
mod routes;
mod store;

use std::sync::{Arc, RwLock};

use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Sessions, Settings, StartError};
use people::People;
use seal::PersonKey;
use world::World;

/// The room's state.
pub struct Registry {
    house: Arc<House>,
    sessions: Sessions,
    person_key: PersonKey,
    people: RwLock<People>,
    /// One sweep of the portal's codes at a time.
    sweep: tokio::sync::Mutex<()>,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Registry>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }
}

/// The room, for the binary.
pub struct RegistryRoom;

impl Room for RegistryRoom {
    fn name(&self) -> &'static str {
        "registry"
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
            let house = House::open("registry", &settings, world, store::MIGRATIONS).await?;
            let person_key = house.keys.person(Some(&house.dice))?;
            let people = People::load(&house).await?;
            house.follow_directory().await?;
            house.follow_law().await?;
            let registry = Arc::new(Registry {
                house: Arc::clone(&house),
                sessions: Sessions::default(),
                person_key,
                people: RwLock::new(people),
                sweep: tokio::sync::Mutex::default(),
            });
            let running =
                house::serve(&house, &settings, routes::routes(), Here(Arc::clone(&registry))).await?;
            house::keep_session_open(&house, move || {
                let registry = Arc::clone(&registry);
                async move { registry.sessions.current(&registry.house).await.map(|_| ()) }
            });
            Ok(running)
        })
    }
}
