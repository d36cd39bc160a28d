//! The code of one asserted person, sent to the portal the way of an issue: the person looks at the own records.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use house::{Named, told};
use matching::BirthAndSex;
use protocol::inquiry::guard_name;
use protocol::own::{AskGuards, AskPersonCode, MOST_PROVIDERS, PersonCodeSent};
use road::Arrival;
use seal::{Guard, GuardContext};
use wire::{Caller, Json, Problem};
use words::{ActId, Reason};

use crate::error::own_database;
use crate::portal_codes::ServePortal;
use crate::{Here, Registry, store};

pub(crate) async fn person_code(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskPersonCode>,
) -> Result<axum::Json<PersonCodeSent>, Problem> {
    let registry = here.0;
    let house = &registry.house;
    let named = house.person_named(&body.message.assertion).ok_or(Problem::new(Reason::Unauthenticated))?;
    let row = match named {
        Named::Entry(entry) => {
            let index = store::entry_index(&house.storage, &entry);
            store::by_entry(house.road.db(), index).await
        }
        Named::Handle(handle) => store::by_handle(house.road.db(), handle).await,
    };
    let row = row.map_err(own_database)?;
    let row = row.ok_or(Problem::with(Reason::NotFound, "The register has no such entry."))?;
    let guards = match &body.message.guards {
        Some(ask) => registry.guards(ask, &row).await?,
        None => Vec::new(),
    };
    let (_, ends) = house.assertion(&body.message.assertion).ok_or(Problem::new(Reason::Unauthenticated))?;
    let id = ActId::batch(house.world.random());
    let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let verb = ServePortal {
        registry: Arc::clone(&registry),
        id,
        anchors: vec![row.anchor],
        asserted_until: Some(ends),
    };
    house.road.travel(arrival, verb).await.map_err(told)?;
    Ok(axum::Json(PersonCodeSent { id, guards }))
}

impl Registry {
    /// The guards of one inquiry by the person of a row, for whichever of these providers it goes to.
    async fn guards(&self, ask: &AskGuards, row: &store::Row) -> Result<Vec<Guard>, Problem> {
        if ask.providers.len() > MOST_PROVIDERS {
            let detail = format!("`guards.providers` may name {MOST_PROVIDERS} providers.");
            return Err(Problem::with(Reason::TooLarge, detail));
        }
        let house = &self.house;
        let portal = house.only("portal")?;
        let session = self.portal_session().await.map_err(|failure| Problem::new(failure.reason))?;
        let held = store::open_attributes(&house.storage, &row.anchor, &row.attributes)
            .ok_or(Problem::new(Reason::Internal))?;
        let person = BirthAndSex::of(&held.birth, &held.sex).guard();
        let mut guards = Vec::with_capacity(ask.providers.len());
        for provider in &ask.providers {
            let sealing = house.party(provider)?.sealing;
            let name = guard_name(&portal.id, provider, &session);
            let context = GuardContext::new(&sealing, &name, &house.dice);
            let context = context.map_err(|_| Problem::new(Reason::Internal))?;
            guards.push(context.seal(&ask.act, &person, &house.dice));
        }
        Ok(guards)
    }
}
