#![doc = include_str!("../README.md")]

mod certify;
mod confirm;
mod directory;
mod error;
mod event;
mod issuing;
mod life;
mod lists;
mod operators;
mod order;
mod own;
mod passkeys;
mod people;
mod policy;
mod public;
mod renew;
mod revoke;
mod routes;
mod sign_in;
mod states;
mod store;
mod token;
mod verify;

pub use certify::{CertifyError, PartyKey, Root};
pub use life::State;
pub use renew::organisation_key;
pub use states::{Standing, States};
pub use store::enrol;
pub use token::{Token, TokenConfig, TokenError};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};

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
    /// Passkeys and their challenges.
    passkeys: passkeys::Passkeys,
    /// Certifies parties; `None` where no ceremony has certified it.
    organisations: Option<renew::Organisations>,
    /// Lists are made one run at a time.
    lists: tokio::sync::Mutex<()>,
    /// So are states taken over from the database.
    settling: tokio::sync::Mutex<()>,
    /// Whether states are asked for in the database, since not all are in the table.
    by_database: AtomicBool,
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
    /// The origin of the portal's pages, e.g. `https://portal.example`: passkeys are for it. None are taken without.
    passkey_origin: Option<String>,
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
        // Web Authentication §5.1.3: a page of the host's name, by https; on the own machine plain http.
        let is_origin = |origin: &str| {
            let host = origin.strip_prefix("https://");
            let host =
                host.or_else(|| origin.strip_prefix("http://").filter(|host| host.starts_with("localhost")));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@']))
        };
        if config.passkey_origin.as_deref().is_some_and(|origin| !is_origin(origin)) {
            let message = "`passkey_origin` is the origin of the portal's pages, such as `https://portal.example`, without a slash at the end; plain http for `localhost` alone".to_owned();
            return Err(ConfigError { key: Some("passkey_origin".into()), message });
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
            let token = config.token.as_ref().map(|token| Token::open(token, &settings.base)).transpose();
            let token = token.map_err(|error| StartError::File("token".into(), error.to_string()))?;
            let people = issuing::Authorities::open(&house, &config, token.as_ref())?;
            let organisations = renew::Organisations::open(token.as_ref(), &house)?;
            let authority = Arc::new(Authority {
                house: Arc::clone(&house),
                kept: AtomicI64::new(-1),
                people,
                organisations,
                passkeys: passkeys::Passkeys::new(config.passkey_origin.as_deref()),
                lists: tokio::sync::Mutex::default(),
                settling: tokio::sync::Mutex::default(),
                by_database: AtomicBool::new(false),
            });
            authority.read_states().await?;
            // The authority follows its own directory: what it publishes is what it admits callers by.
            authority.refresh().await.map_err(|_| StartError::Neighbour("the authority's own database"))?;
            // Relying parties are judged by the accreditations; the start does not wait for them.
            house.follow_law_in_background().await?;
            if let Some(address) = config.public {
                house::serve_public(address, routes::routes(), Here(Arc::clone(&authority))).await?;
            }
            authority.keep_lists();
            house::serve(&house, &settings, routes::routes(), Here(authority)).await
        })
    }
}
