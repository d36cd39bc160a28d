#![doc = include_str!("../README.md")]

mod complain;
mod error;
mod held;
mod held_pages;
mod index;
mod issue;
mod my_pages;
mod my_records;
mod passkey_pages;
mod policy;
mod routes;
mod store;
pub mod telling;
pub mod wording;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Sessions, Settings, StartError};
use words::{ActId, Moment};
use world::World;

/// The room's state.
pub struct Portal {
    house: Arc<House>,
    sessions: Sessions,
    /// Codes that came for a person who looks: by batch, until the look takes them.
    logins: Mutex<HashMap<ActId, held::Login>>,
}

/// Codes kept for looks that never came for them, at most.
const LOGINS: usize = 1_000;

impl Portal {
    fn keep_login(&self, id: ActId, login: held::Login) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.len() >= LOGINS {
            logins.clear();
        }
        logins.insert(id, login);
    }

    fn take_login(&self, id: &ActId) -> Option<held::Login> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Portal>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }

    /// The index goes with the records it leads to.
    fn erase_own(&self, before: Moment) -> Option<road::RoomWrite> {
        Some(Box::new(move |write| store::forget_entries(write, before)))
    }

    fn nav() -> &'static [pages::Nav] {
        my_pages::NAV
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

    fn migrations(&self) -> ::store::Migrations {
        store::MIGRATIONS
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            self.check(&settings)?;
            let house = House::open("portal", &settings, world, store::MIGRATIONS).await?;
            house.follow_directory().await?;
            // For the pages alone, which show what institutions are asked for; transcryptors decide.
            house.follow_law_in_background().await?;
            let portal = Arc::new(Portal {
                house: Arc::clone(&house),
                sessions: Sessions::default(),
                logins: Mutex::default(),
            });
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
