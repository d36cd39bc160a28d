//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::{inquiry, issue, oversight, own, session};
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
        .says("Decides on an inquiry and converts its code half-way.")
        .takes::<inquiry::ToLinkage>()
        .gives::<inquiry::Reply>()
        .limit(defaults.body_bytes),
        Route::new(
            Side::Outer,
            Method::POST,
            session::OPEN,
            Who::Parties(&["gateway", "registry", "portal"]),
            post(crate::open_session::open_session),
        )
        .says("The caller's current session, opened if there is none.")
        .takes::<session::Open>()
        .gives::<session::Opened>(),
        Route::new(
            Side::Outer,
            Method::GET,
            session::CURRENT,
            Who::Parties(&["registry"]),
            get(crate::open_session::current_session),
        )
        .says("The name of a party's current session.")
        .gives::<session::Current>(),
        Route::new(
            Side::Outer,
            Method::POST,
            issue::PATH,
            Who::Parties(&["registry"]),
            post(crate::issue::issue),
        )
        .says("Decides on an issue of link codes and converts them half-way.")
        .takes::<issue::ToLinkage>()
        .gives::<issue::Stored>()
        .limit(defaults.batch_body_bytes),
        Route::new(
            Side::Outer,
            Method::POST,
            own::OWN_RECORDS,
            Who::Parties(&["portal"]),
            post(crate::own_records::own_records),
        )
        .says("What acts were, on the assertion of the person.")
        .takes::<own::AskOwnRecords>()
        .gives::<Vec<own::OwnAct>>(),
        Route::new(
            Side::Outer,
            Method::GET,
            "/acts/{id}",
            Who::Parties(&["oversight"]),
            get(crate::parties::parties),
        )
        .says("Between whom an act took place.")
        .gives::<oversight::ActParties>(),
    ];
    routes.extend(conversion::transcryptor_routes());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
