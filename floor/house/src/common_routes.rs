//! Routes every room has: what is told to its operator and erased by them, and those of the files beside this one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::{get, post};
use protocol::desk::{ERASURES, Erase, ErasedShelf, SUMMARY};
use road::{ActLine, Erased, RoomWrite, Summary};
use rules::{RecordClass, Role};
use wire::{Problem, Route, Side, Who};
use words::{ActId, Moment, Reason};

use crate::House;

/// A room's state, seen as the house it stands on.
pub trait HasHouse: Clone + Send + Sync + 'static {
    /// The house.
    fn house(&self) -> &Arc<House>;

    /// What the room erases of its own tables when records about provision come to their end: rows made before then.
    fn erase_own(&self, _before: Moment) -> Option<RoomWrite> {
        None
    }

    /// Where the room's pages lead.
    fn nav() -> &'static [pages::Nav] {
        &[]
    }
}

/// The common routes.
pub fn common_routes<S: HasHouse>() -> Vec<Route<S>> {
    let mut routes = crate::ledger::ledger_routes();
    routes.extend(crate::records::record_routes());
    routes.extend(crate::pages_side::sign_in_routes());
    routes.extend(crate::health::health_routes());
    routes.extend(crate::metrics::metrics_routes());
    routes.extend(crate::operators::operator_routes());
    routes.extend([
        Route::new(
            Side::Inner,
            Method::GET,
            SUMMARY,
            Who::Roles(&[Role::Operator, Role::Officer]),
            get(summary::<S>),
        )
        .says("動詞・ラベル・状態・理由ごとの件数。", "Acts counted by verb, label, state and reason.")
        .gives::<Vec<Summary>>(),
        Route::new(Side::Inner, Method::POST, ERASURES, Who::Roles(&[Role::Operator]), post(erase::<S>))
            .says("保存期間が終わったものを消す。", "Erases what has come to the end of its period.")
            .takes::<Erase>()
            .gives::<Vec<ErasedShelf>>(),
    ]);
    routes
}

/// Erases what has come to the end of its period. Noted in the ledger, shelf by shelf.
async fn erase<S: HasHouse>(
    State(state): State<S>,
    body: wire::Json<Erase>,
) -> Result<Json<Vec<ErasedShelf>>, Problem> {
    let house = state.house();
    let road = &house.road;
    let internal = |error| {
        tracing::error!(%error, "erasing");
        Problem::new(Reason::Internal)
    };
    let as_of = body.message.as_of;
    // What the law has kept is not erased before its time; a demo may look ahead.
    if as_of > house.now().date_in_japan() && !house.demo {
        return Err(Problem::with(
            Reason::Malformed,
            "`as_of` has not come yet: periods are ended by today at the latest.",
        ));
    }
    let erased = road.erase(as_of).await.map_err(internal)?;
    // The same period as the records: rows of months that have ended.
    let months = RecordClass::Provision.months();
    let before = Moment((as_of.first_of_month_before(months).days()) * 86_400_000 - 9 * 3_600_000);
    if let Some(write) = state.erase_own(before) {
        road.db().write("erase_own", write).await.map_err(internal)?;
    }
    let line = |one: Erased| ErasedShelf { shelf: one.shelf, records: one.records, acts: one.acts };
    Ok(Json(erased.into_iter().map(line).collect()))
}

async fn summary<S: HasHouse>(State(state): State<S>) -> Result<Json<Vec<Summary>>, Problem> {
    state.house().road.summary().await.map(Json).map_err(|_| Problem::new(Reason::Internal))
}

/// What a room did under an act id, for oversight: verbs, callers and outcomes; no person, no content.
pub(crate) async fn lines_for_oversight<S: HasHouse>(
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
