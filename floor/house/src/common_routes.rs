//! Routes every room has: health for anyone on the inner side, counts for its operator.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::get;
use protocol::desk::{HEALTH, Health, SUMMARY};
use road::{ActLine, Summary};
use rules::Role;
use wire::{Problem, Route, Side, Who};
use words::{ActId, Reason};

use crate::House;

/// A room's state, seen as the house it stands on.
pub trait HasHouse: Clone + Send + Sync + 'static {
    /// The house.
    fn house(&self) -> &Arc<House>;
}

/// The common routes.
pub fn common_routes<S: HasHouse>() -> Vec<Route<S>> {
    let mut routes = crate::ledger::ledger_routes();
    routes.extend(crate::records::record_routes());
    routes.extend([
        Route::new(Side::Inner, Method::GET, HEALTH, Who::Anyone, get(health::<S>)),
        Route::new(
            Side::Inner,
            Method::GET,
            SUMMARY,
            Who::Roles(&[Role::Operator, Role::Officer]),
            get(summary::<S>),
        ),
    ]);
    routes
}

async fn health<S: HasHouse>(State(state): State<S>) -> Json<Health> {
    let house = state.house();
    Json(Health { room: house.room.into(), party: house.id.clone(), state: "up".into() })
}

async fn summary<S: HasHouse>(State(state): State<S>) -> Result<Json<Vec<Summary>>, Problem> {
    state.house().road.summary().await.map(Json).map_err(|_| Problem::new(Reason::Internal))
}

/// What a room did under an act id, for oversight: verbs, callers and outcomes; no person, no content.
pub async fn lines_for_oversight<S: HasHouse>(
    State(state): State<S>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ActLine>>, Problem> {
    let id = ActId::parse(&id)?;
    state.house().road.lines_of(id).await.map(Json).map_err(|_| Problem::new(Reason::Internal))
}

/// A stopped act as its caller is told it; the record exists already.
pub fn told(stop: road::Stop) -> Problem {
    Problem::with(stop.reason, stop.detail).of(stop.id).recorded()
}

/// Bytes that are JSON already, as a response.
pub fn json_bytes(bytes: Vec<u8>) -> axum::response::Response {
    use axum::response::IntoResponse;
    ([(axum::http::header::CONTENT_TYPE, "application/json")], bytes).into_response()
}
