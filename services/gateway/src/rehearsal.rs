//! What a member with its own keys could send by mistake or by design: for tests and for the demo's late inquiries.
//! It goes through no clerk's desk and keeps no record of its own; everybody else's doors must hold against it.

use std::sync::Arc;

use house::{House, Settings, StartError};
use protocol::inquiry::{Inquiry, Reply, ToLinkage};
use seal::{Jws, SealingKey};
use wire::CallError;
use words::{ActId, AffairId, ItemId, PartyId, Reason, StaffId};
use world::World;

use crate::ask::birth_and_sex;
use crate::compose::Wanted;
use crate::connector::{Connector, Reading};
use crate::{Config, Gateway, store};

/// A member acting with its gateway's keys.
pub struct Member {
    gateway: Gateway,
    codes: ::store::Db,
}

impl Member {
    /// Opens the member's keys and codes; its own records go to a scratch database in `scratch`.
    pub async fn open(
        settings: &Settings,
        scratch: &std::path::Path,
        world: World,
    ) -> Result<Self, StartError> {
        let config: Config = settings.own()?;
        let codes = ::store::Db::open(&settings.location(), &[road::MIGRATIONS, store::MIGRATIONS]).await?;
        let mut apart = settings.clone();
        apart.common.database =
            ::store::Location::Sqlite(scratch.join(format!("{}-rehearsal.db", settings.id)));
        let house = House::open("gateway", &apart, world, store::MIGRATIONS).await?;
        house.follow_directory().await?;
        let gateway = Gateway::new(&house, config, &settings.base)?;
        Ok(Self { gateway, codes })
    }

    /// What the member stands on.
    pub const fn house(&self) -> &Arc<House> {
        &self.gateway.house
    }

    /// An inquiry about an own customer as the gateway would compose it, not yet signed, and the key of its reply.
    pub async fn compose(
        &self,
        customer: &str,
        affair: &str,
        item: &str,
        provider: &PartyId,
    ) -> Result<(Inquiry, SealingKey), Reason> {
        let gateway = &self.gateway;
        let found = gateway
            .connector
            .customer(customer)
            .await
            .map_err(|_| Reason::Unavailable)?
            .ok_or(Reason::NoCustomer)?;
        let code = store::code_of(&self.codes, &gateway.house.storage, customer)
            .await
            .map_err(|_| Reason::Internal)?
            .ok_or(Reason::NoCode)?;
        let wanted = Wanted {
            id: ActId::new(gateway.house.world.random()),
            affair: AffairId::parse(affair).map_err(|_| Reason::Malformed)?,
            item: ItemId::parse(item).map_err(|_| Reason::Malformed)?,
            provider: provider.clone(),
            staff: StaffId::parse("rehearsal").map_err(|_| Reason::Malformed)?,
            follows: None,
        };
        gateway.compose(&wanted, &code, &birth_and_sex(&found.attributes)).await
    }

    /// Signs an inquiry in the member's name.
    pub fn sign(&self, inquiry: &Inquiry) -> Jws {
        self.gateway.house.sign(inquiry)
    }

    /// Sends a signed inquiry to linkage; of a large answer the whole is waited for, and put where a small one stands.
    pub async fn send(&self, jws: &Jws) -> Result<Reply, CallError> {
        let linkage = self.gateway.house.only("linkage").map_err(|_| CallError::Unreachable)?;
        let message = ToLinkage { inquiry: jws.clone(), person: None };
        let house = &self.gateway.house;
        let arrived = house.post_inquiry(&linkage, &message, house.now().plus_ms(15_000)).await?;
        let mut reply = arrived.reply;
        if let Some(mut tail) = arrived.tail {
            while let Some(piece) = tail.next().await? {
                reply.sealed.0.extend_from_slice(&piece);
            }
            reply.follows = None;
        }
        Ok(reply)
    }

    /// Opens a reply as the member's gateway would: the content, or why there is none.
    pub fn open_reply(
        &self,
        inquiry: &Inquiry,
        jws: &Jws,
        key: &SealingKey,
        reply: &Reply,
    ) -> Result<String, Reason> {
        let opened = self.gateway.house.open_reply(inquiry, jws, key, reply);
        match opened.map_err(|failure| failure.reason)?.answer {
            protocol::inquiry::Answer::Answered { content, .. } => Ok(content.get().to_owned()),
            _ => Err(Reason::NotAnswered),
        }
    }

    /// Closes both databases.
    pub async fn close(self) {
        self.gateway.house.world.shutdown.trigger();
        self.gateway.house.road.db().clone().close().await;
        self.codes.close().await;
    }
}

/// What a connector makes of bytes from the institution's own system, wherever they came from.
pub struct OwnSystem(Reading);

/// A customer as read.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnCustomer {
    /// The customer number; never empty.
    pub number: String,
    /// The four attributes.
    pub attributes: protocol::issue::Attributes,
    /// Whether the record is shielded.
    pub shielded: bool,
    /// Each configured item that is held.
    pub items: std::collections::BTreeMap<String, serde_json::Value>,
}

impl OwnSystem {
    /// By the connector's table in a gateway's section. Touches no file and no network.
    pub fn new(settings: &Settings) -> Result<Self, house::ConfigError> {
        Ok(Self(Reading::new(settings.own::<Config>()?.connector)))
    }

    /// Every customer of the institution's own system, as its gateway would read it.
    pub async fn held(settings: &Settings) -> Result<Vec<OwnCustomer>, String> {
        let config: Config = settings.own().map_err(|error| error.message)?;
        let connector = Connector::new(config.connector, &settings.base).map_err(|error| error.message)?;
        let customers = connector.customers().await.map_err(|error| error.0)?;
        let own = |one: crate::connector::Customer| OwnCustomer {
            number: one.number,
            attributes: one.attributes,
            shielded: one.shielded,
            items: std::collections::BTreeMap::new(),
        };
        Ok(customers.into_iter().map(own).collect())
    }

    /// A CSV file, or a page of the service: the customers, and where the next page begins. The error quotes nothing
    /// of the content.
    pub fn customers(&self, bytes: &[u8]) -> Result<(Vec<OwnCustomer>, Option<String>), String> {
        self.0.customers(bytes)
    }

    /// The service's answer about one customer.
    pub fn one(&self, bytes: &[u8]) -> Result<Option<OwnCustomer>, String> {
        self.0.one(bytes)
    }
}
