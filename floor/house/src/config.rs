//! Configuration: one TOML, one section for each room. Every room's section has the same common keys and then
//! its own; unknown keys are refused.

use std::net::SocketAddr;
use std::path::PathBuf;

use rules::Defaults;
use seal::Suite;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::Location;
use words::PartyId;
use world::World;

/// Which conversions a room has shown to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proofs {
    /// A secret random share, and all by right of emergency, disaster or the person.
    #[default]
    Sampled,
    /// All.
    All,
    /// None but those by right of emergency, disaster or the person. Oversight may still demand any.
    Unlisted,
}

/// The keys every room has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Where the outer side listens: TLS 1.3, certificates both ways.
    pub outer: SocketAddr,
    /// Where the inner side listens: own people and systems, a certificate or a key each. Loopback, or behind the house's own
    /// TLS.
    pub inner: SocketAddr,
    /// Whether a key of the inner side is good for ordering a certificate alone, and everything else wants the certificate.
    #[serde(default)]
    pub keys_enrol_only: bool,
    /// `sqlite:PATH` or `postgres://…?schema=NAME`.
    pub database: Location,
    /// The folder of keys.
    pub keys: PathBuf,
    /// The trust anchor, `country.json`.
    pub country: PathBuf,
    /// How often directory and law are fetched, ms; the default is 15 s (DESIGN §7), and a suspension acts within
    /// 60 s everywhere only if it is not much longer.
    pub poll_ms: Option<u32>,
    /// Which conversions this room has shown to it: a share of them, or all.
    #[serde(default)]
    pub proofs: Proofs,
    /// To what kind of key replies to this room are sealed.
    #[serde(default)]
    pub reply_key: Suite,
    /// Whether this room takes demo assertions of who a person is. Never outside a demo.
    #[serde(default)]
    pub demo: bool,
    /// By how much this room's clock is wrong, ms, ahead if positive: for rehearsing faults. Refused outside a demo.
    #[serde(default)]
    pub clock_off_ms: i64,
    /// Pages for people; none are served without it.
    pub pages: Option<PagesConfig>,
    /// The collector of traces in the own house, e.g. `http://127.0.0.1:4318` (OTLP/HTTP, JSON). None are made without
    /// it.
    pub otlp: Option<String>,
}

/// Where and how pages are served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagesConfig {
    /// Where to listen. Without a certificate: this machine alone.
    pub listen: SocketAddr,
    /// The name under which browsers find it, e.g. `desk.town.example` or `desk.town.example:8443`.
    pub name: Option<String>,
    /// The server's certificate with its chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<PathBuf>,
    /// The start page of the country, to which each page leads back.
    pub start: Option<String>,
}

/// The names of the common keys.
const COMMON: [&str; 13] = [
    "outer",
    "inner",
    "keys_enrol_only",
    "database",
    "keys",
    "country",
    "poll_ms",
    "demo",
    "proofs",
    "reply_key",
    "clock_off_ms",
    "pages",
    "otlp",
];

/// A room's section, read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The party's id: the section's name.
    pub id: PartyId,
    /// The common keys.
    pub common: Common,
    /// The room's own keys.
    pub rest: toml::Table,
    /// The folder relative paths start from: where the configuration file is.
    pub base: PathBuf,
}

/// What is wrong with a section, in words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// Which key, where it is one.
    pub key: Option<String>,
    /// What is wrong and what is expected.
    pub message: String,
}

impl Settings {
    /// Reads a section.
    pub fn read(id: &str, mut section: toml::Table, base: PathBuf) -> Result<Self, ConfigError> {
        let id = PartyId::parse(id).map_err(|error| ConfigError { key: None, message: error.to_string() })?;
        let mut common = toml::Table::new();
        for key in COMMON {
            if let Some((key, value)) = section.remove_entry(key) {
                common.insert(key, value);
            }
        }
        let common: Common = parse(common)?;
        if common.clock_off_ms != 0 && !common.demo {
            let message = "`clock_off_ms` sets a clock wrong on purpose and is taken only beside `demo = true`; remove it";
            return Err(ConfigError { key: Some("clock_off_ms".into()), message: message.into() });
        }
        if let Some(pages) = &common.pages {
            pages.check()?;
        }
        if let Some(url) = &common.otlp {
            crate::otlp::check(url)?;
        }
        Ok(Self { id, common, rest: section, base })
    }

    /// Reads the room's own keys.
    pub fn own<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        parse(self.rest.clone())
    }

    /// The bounds of the house, with what this section sets otherwise.
    pub fn defaults(&self) -> Defaults {
        let house = Defaults::house();
        let proofs_percent = match self.common.proofs {
            Proofs::Sampled => house.proofs_percent,
            Proofs::All => 100,
            Proofs::Unlisted => 0,
        };
        Defaults { poll_ms: self.common.poll_ms.map_or(house.poll_ms, i64::from), proofs_percent, ..house }
    }

    /// The world this room is to live in: the real one, its clock wrong where a rehearsal says so.
    pub fn world(&self) -> World {
        World::real_off_by(self.common.clock_off_ms)
    }

    /// The database, relative files resolved.
    pub fn location(&self) -> Location {
        match &self.common.database {
            Location::Sqlite(path) => Location::Sqlite(self.base.join(path)),
            other => other.clone(),
        }
    }
}

impl PagesConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |message: &str| ConfigError { key: Some("pages".into()), message: message.into() };
        if self.certificate.is_some() != self.key.is_some() {
            return Err(wrong("`pages.certificate` and `pages.key` go together"));
        }
        if self.certificate.is_none() && !self.listen.ip().is_loopback() {
            return Err(wrong(
                "`pages.listen` is not this machine alone: browsers elsewhere need `pages.certificate`, `pages.key` and `pages.name`",
            ));
        }
        if self.certificate.is_some() && self.name.is_none() {
            return Err(wrong("`pages.name` is missing: the name in the certificate, as browsers write it"));
        }
        Ok(())
    }
}

/// Reads a table into a type; the error names the key.
fn parse<T: DeserializeOwned>(table: toml::Table) -> Result<T, ConfigError> {
    let keys: Vec<String> = table.keys().cloned().collect();
    toml::Value::Table(table).try_into::<T>().map_err(|error| {
        let message = error.message().to_owned();
        let named = message.split('`').nth(1).map(str::to_owned);
        let key = named.filter(|name| keys.contains(name) || message.starts_with("missing"));
        ConfigError { key, message }
    })
}

/// The own keys of a room that has none: any key at all is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoKeys {}
