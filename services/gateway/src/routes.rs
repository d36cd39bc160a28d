//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::{desk, inquiry, issue};
use rules::{Defaults, Role};
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let defaults = Defaults::house();
    const CLERK: Who = Who::Roles(&[Role::Clerk]);
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
        Route::new(Side::Inner, Method::GET, "/inquiries/{id}", CLERK, get(crate::ask::asked)),
        Route::new(Side::Inner, Method::POST, desk::BATCHES, CLERK, post(crate::batch::begin))
            .limit(defaults.batch_body_bytes),
        Route::new(Side::Inner, Method::GET, "/inquiry-batches/{id}", CLERK, get(crate::batch::state)),
        Route::new(Side::Inner, Method::POST, "/inquiry-batches/{id}", CLERK, post(crate::batch::move_on)),
        Route::new(Side::Inner, Method::GET, "/inquiry-batches/{id}/rows", CLERK, get(crate::batch::rows)),
        Route::new(Side::Inner, Method::GET, desk::AWAITING, CLERK, get(crate::awaiting::list)),
        Route::new(Side::Inner, Method::POST, "/awaiting/{id}", CLERK, post(crate::awaiting::settle)),
        Route::new(Side::Inner, Method::POST, desk::SHIELDS, CLERK, post(crate::shield::shield)),
        Route::new(
            Side::Inner,
            Method::POST,
            desk::ISSUE,
            Who::Roles(&[Role::Operator]),
            post(crate::issue::issue),
        ),
    ];
    routes.extend(crate::desk::routes());
    routes.extend(house::common_routes());
    routes
}
