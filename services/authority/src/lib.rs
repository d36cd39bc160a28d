#![doc = include_str!("../README.md")]

mod certify;
mod confirm;
mod directory;
mod error;
mod event;
mod issuing;
mod life;
mod lists;
mod order;
mod own;
mod people;
mod policy;
mod public;
mod revoke;
mod routes;
mod store;
mod token;
mod verify;

pub use certify::{CertifyError, PartyKey, Root};
pub use store::enrol;
pub use token::{Token, TokenConfig, TokenError};

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use std::net::SocketAddr;

use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Settings, StartError};
use serde::Deserialize;
use world::World;

/// The room's state.
pub struct Authority {
    house: Arc<House>,
    /// The version of the directory that was kept last by this process.
    kept: AtomicI64,
    /// What people's certificates are issued and answered with.
    people: issuing::Authorities,
    /// Lists are made one run at a time.
    lists: tokio::sync::Mutex<()>,
}

/// The room's own keys of its section.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where the public listener is: OCSP and revocation lists, plain HTTP. None is served without it.
    public: Option<SocketAddr>,
    /// The same as everybody finds it, without a slash at the end: goes into certificates.
    public_uri: Option<String>,
    /// Whether OCSP answers are signed beforehand and a nonce is not repeated (RFC 5019).
    #[serde(default)]
    presigned: bool,
    /// The PKCS#11 token that keeps the authorities' keys; files of the room's own folder without it.
    token: Option<TokenConfig>,
}

impl Config {
    fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let config: Self = settings.own()?;
        let uri = config.public_uri.as_deref();
        let plain = |uri: &str| {
            let name = uri.strip_prefix("http://").unwrap_or_default();
            !name.is_empty() && !uri.ends_with('/') && uri.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if uri.is_some_and(|uri| !plain(uri)) {
            let message = "`public_uri` is an address such as `http://ocsp.authority.example`, without a slash at the end".to_owned();
            return Err(ConfigError { key: Some("public_uri".into()), message });
        }
        if uri.is_some() && config.public.is_none() {
            let message =
                "`public_uri` goes into certificates, but nobody answers there: `public` is missing"
                    .to_owned();
            return Err(ConfigError { key: Some("public_uri".into()), message });
        }
        Ok(config)
    }
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
        Config::read(settings).map(|_| ())
    }

    fn migrations(&self) -> ::store::Migrations {
        store::MIGRATIONS
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            let config = Config::read(&settings)?;
            let house = House::open("authority", &settings, world, store::MIGRATIONS).await?;
            let people = issuing::Authorities::open(&house, &config, &settings.base)?;
            let (kept, lists) = (AtomicI64::new(-1), tokio::sync::Mutex::default());
            let authority = Arc::new(Authority { house: Arc::clone(&house), kept, people, lists });
            // The authority follows its own directory: what it publishes is what it admits callers by.
            authority.refresh().await.map_err(|_| StartError::Neighbour("the authority's own database"))?;
            // Relying parties are judged by the accreditations; the start does not wait for them.
            house.follow_law_in_background().await?;
            if let Some(address) = config.public {
                let bound = wire::Bound::at(address).await;
                let bound = bound.map_err(|error| StartError::Listen(address, error))?;
                let shutdown = house.world.shutdown.clone();
                tokio::spawn(wire::serve_inner(bound, public::router(Arc::clone(&authority)), shutdown));
            }
            authority.keep_lists();
            house::serve(&house, &settings, routes::routes(), Here(authority)).await
        })
    }
}
