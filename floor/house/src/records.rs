//! A room's records as oversight collects them.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Method;
use axum::routing::get;
use protocol::audit::{LINES, OpenedRecord, PAGE, RECORDS, RecordLine, WhichRecords};
use wire::{Problem, Route, Side, Who};
use words::{Moment, Reason};

use crate::HasHouse;
use crate::common_routes::lines_for_oversight;

/// The route by which oversight, and nobody else, reads a room's records.
pub(crate) fn record_routes<S: HasHouse>() -> Vec<Route<S>> {
    let oversight = Who::Parties(&["oversight"]);
    vec![
        Route::new(Side::Outer, Method::GET, RECORDS, oversight, get(records::<S>))
            .says(
                "記録を、記録簿の順に一ページずつ返す。",
                "Records in the order of the ledger, a page at a time.",
            )
            .asks::<WhichRecords>()
            .gives::<Vec<RecordLine>>(),
        Route::new(Side::Outer, Method::GET, LINES, oversight, get(lines_for_oversight::<S>))
            .says("ある記録番号のもとで何をしたか。", "What the room did under the id of an act.")
            .gives::<Vec<road::ActLine>>(),
    ]
}

async fn records<S: HasHouse>(
    State(state): State<S>,
    which: Result<Query<WhichRecords>, QueryRejection>,
) -> Result<Json<Vec<RecordLine>>, Problem> {
    let Ok(Query(which)) = which else {
        return Err(Problem::with(Reason::Malformed, "`after` and `from` are whole numbers."));
    };
    let leaves = state.house().road.collect(which.after, Moment(which.from), PAGE).await;
    let leaves = leaves.map_err(|_| Problem::new(Reason::Internal))?;
    let line = |leaf: road::CollectedLeaf| {
        let opened = leaf.opened.and_then(|(salt, text)| {
            Some(OpenedRecord { salt: salt.into(), text: String::from_utf8(text).ok()? })
        });
        RecordLine { seq: leaf.seq, at: leaf.at, entry: leaf.entry.into(), opened }
    };
    Ok(Json(leaves.into_iter().map(line).collect()))
}
