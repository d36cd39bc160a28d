//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::post;
use protocol::{desk, inquiry, issue};
use rules::{Defaults, Role};
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let defaults = Defaults::house();
    const TRUSTEE: Who = Who::Parties(&["trustee"]);
    let mut routes = vec![
        Route::new(Side::Outer, Method::POST, inquiry::PATH, TRUSTEE, post(crate::answer::answer))
            .limit(defaults.body_bytes),
        Route::new(Side::Outer, Method::POST, issue::PATH, TRUSTEE, post(crate::take_codes::take_codes))
            .limit(defaults.batch_body_bytes),
        Route::new(
            Side::Inner,
            Method::POST,
            desk::INQUIRIES,
            Who::Roles(crate::ask::ASKERS),
            post(crate::ask::ask),
        ),
        Route::new(
            Side::Inner,
            Method::POST,
            desk::ISSUE,
            Who::Roles(&[Role::Operator]),
            post(crate::issue::issue),
        ),
    ];
    routes.extend(house::common_routes());
    routes
}
