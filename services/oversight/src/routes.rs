//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::audit::RECONCILIATIONS;
use protocol::oversight::{ACCREDITATIONS, ALARMS, CASES, COMPLAINT, WHITELIST};
use rules::Role;
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    const OFFICER: Who = Who::Roles(&[Role::Officer]);
    let mut routes = vec![
        Route::new(
            Side::Outer,
            Method::GET,
            ACCREDITATIONS,
            Who::AnyParty,
            get(crate::documents::accreditations),
        ),
        Route::new(Side::Outer, Method::GET, WHITELIST, Who::AnyParty, get(crate::documents::whitelist)),
        Route::new(
            Side::Outer,
            Method::POST,
            ALARMS,
            Who::Parties(&["portal", "trustee", "gateway"]),
            post(crate::alarms::raise),
        ),
        Route::new(
            Side::Outer,
            Method::POST,
            CASES,
            Who::Parties(&["gateway", "portal"]),
            post(crate::cases::open),
        ),
        Route::new(
            Side::Outer,
            Method::GET,
            COMPLAINT,
            Who::Parties(&["portal"]),
            get(crate::cases::complaint),
        ),
        Route::new(Side::Inner, Method::GET, ALARMS, OFFICER, get(crate::alarms::list)),
        Route::new(Side::Inner, Method::POST, "/proofs/{act}", OFFICER, post(crate::audit::prove)),
        Route::new(Side::Inner, Method::POST, RECONCILIATIONS, OFFICER, post(crate::audit::reconcile)),
        Route::new(Side::Inner, Method::GET, CASES, OFFICER, get(crate::cases::list)),
        Route::new(Side::Inner, Method::POST, "/cases/{number}", OFFICER, post(crate::cases::move_on)),
        Route::new(
            Side::Inner,
            Method::POST,
            "/accreditations/{party}",
            OFFICER,
            post(crate::change_standing::change_standing),
        ),
    ];
    routes.extend(crate::desk::routes());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
