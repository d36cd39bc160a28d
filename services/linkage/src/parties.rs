//! Between whom an act took place, for oversight when an alarm names one. No person, no content.

use axum::extract::{Path, State};
use protocol::oversight::ActParties;
use wire::Problem;
use words::{ActId, PartyId, Reason};

use crate::Here;

pub(crate) async fn parties(
    State(here): State<Here>,
    Path(id): Path<String>,
) -> Result<axum::Json<ActParties>, Problem> {
    let id = ActId::parse(&id)?;
    let leaves = here.0.house.road.leaves(Some(id)).await.map_err(|_| Problem::new(Reason::Internal))?;
    let party = |name| {
        let field = leaves.iter().find_map(|leaf| leaf.record.field(name)).and_then(|value| value.as_str());
        field.and_then(|text| PartyId::parse(text).ok()).ok_or(Problem::new(Reason::NotFound))
    };
    Ok(axum::Json(ActParties { inquirer: party("inquirer")?, provider: party("provider")? }))
}
