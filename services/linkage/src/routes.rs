//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::{inquiry, issue, own, session};
use rules::Defaults;
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let defaults = Defaults::house();
    let mut routes = vec![
        Route::new(
            Side::Outer,
            Method::POST,
            inquiry::PATH,
            Who::Parties(&["gateway"]),
            post(crate::inquire::inquire),
        )
        .limit(defaults.body_bytes),
        Route::new(
            Side::Outer,
            Method::POST,
            session::OPEN,
            Who::Parties(&["gateway", "registry", "portal"]),
            post(crate::open_session::open_session),
        ),
        Route::new(
            Side::Outer,
            Method::GET,
            session::CURRENT,
            Who::Parties(&["registry"]),
            get(crate::open_session::current_session),
        ),
        Route::new(
            Side::Outer,
            Method::POST,
            issue::PATH,
            Who::Parties(&["registry"]),
            post(crate::issue::issue),
        )
        .limit(defaults.batch_body_bytes),
        Route::new(
            Side::Outer,
            Method::POST,
            own::OWN_RECORDS,
            Who::Parties(&["portal"]),
            post(crate::own_records::own_records),
        ),
        Route::new(
            Side::Outer,
            Method::GET,
            "/acts/{id}",
            Who::Parties(&["oversight"]),
            get(crate::parties::parties),
        ),
    ];
    routes.extend(conversion::transcryptor_routes());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
