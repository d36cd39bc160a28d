//! How a room is, and what it serves: for anyone on the inner side.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::routing::get;
use protocol::desk::{HEALTH, Health, HealthState, OPENAPI, Trouble};
use serde_json::Value;
use store::StoreError;
use wire::{Route, Side, Who};
use words::Reason;

use crate::{HasHouse, House};

pub(crate) fn health_routes<S: HasHouse>() -> Vec<Route<S>> {
    vec![
        Route::new(Side::Inner, Method::GET, HEALTH, Who::Anyone, get(health::<S>))
            .says("稼働しているか。欠けがあればその理由。", "Whether the room is up, and why not wholly.")
            .gives::<Health>(),
        Route::new(Side::Inner, Method::GET, OPENAPI, Who::Anyone, get(openapi::<S>))
            .says("この文書。", "This document.")
            .gives::<Value>(),
    ]
}

/// How long the database may take to say that it is there.
const WITHIN: Duration = Duration::from_secs(2);

async fn health<S: HasHouse>(State(state): State<S>) -> Json<Health> {
    let house = state.house();
    let why = house.troubles().await;
    let state = if why.is_empty() { HealthState::Up } else { HealthState::Degraded };
    Json(Health { room: house.room.into(), party: house.id.clone(), state, why })
}

async fn openapi<S: HasHouse>(State(state): State<S>) -> Json<Value> {
    let house = state.house();
    let table = house.table.get().map_or(&[][..], Vec::as_slice);
    Json(wire::openapi(house.room, table, &protocol::payloads()))
}

impl House {
    /// What keeps this room from doing all it should.
    pub(crate) async fn troubles(&self) -> Vec<Trouble> {
        let ledger = self.road.ledger_trouble().map(|reason| match reason {
            Reason::LedgerBroken => Trouble::LedgerBroken,
            _ => Trouble::Unwitnessed,
        });
        let law_holds = self.law().is_some_and(|law| self.now() < law.valid_until());
        let law = self.decides_by_law.load(Ordering::Relaxed) && !law_holds;
        let alive = self.road.db().read("health", |read| read.row("SELECT 1", &[]).map(|_| ()));
        let alive: Result<Result<(), StoreError>, _> = tokio::time::timeout(WITHIN, alive).await;
        let database = !matches!(alive, Ok(Ok(())));
        let found = [ledger, law.then_some(Trouble::LawTooOld), database.then_some(Trouble::Database)];
        found.into_iter().flatten().collect()
    }
}
