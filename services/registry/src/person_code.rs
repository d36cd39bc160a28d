//! The code of one asserted person, sent to the portal the way of an issue: the person looks at the own records.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use house::told;
use protocol::own::{AskPersonCode, PersonCodeSent};
use road::Arrival;
use wire::{Caller, Json, Problem};
use words::{ActId, Reason};

use crate::error::own_database;
use crate::portal_codes::ServePortal;
use crate::{Here, store};

pub(crate) async fn person_code(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<AskPersonCode>,
) -> Result<axum::Json<PersonCodeSent>, Problem> {
    let registry = here.0;
    let house = &registry.house;
    let entry = house.demo_person(&body.message.assertion).ok_or(Problem::new(Reason::Unauthenticated))?;
    let index = store::entry_index(&house.storage, &entry);
    let row = store::by_entry(house.road.db(), index).await.map_err(own_database)?;
    let row = row.ok_or(Problem::with(Reason::NotFound, "The register has no such entry."))?;
    let id = ActId::batch(house.world.random());
    let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let verb = ServePortal { registry: Arc::clone(&registry), id, anchors: vec![row.anchor] };
    house.road.travel(arrival, verb).await.map_err(told)?;
    Ok(axum::Json(PersonCodeSent { id }))
}
