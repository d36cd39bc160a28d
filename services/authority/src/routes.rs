//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use rules::Role;
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let mut routes = vec![
        Route::new(
            Side::Outer,
            Method::GET,
            protocol::directory::PATH,
            Who::AnyParty,
            get(crate::directory::directory),
        )
        .says("全機関の名簿。署名つき。", "The directory of all parties, signed.")
        .gives::<protocol::directory::Signed>(),
        Route::new(
            Side::Inner,
            Method::POST,
            "/parties/{id}/revoke",
            Who::Roles(&[Role::Operator]),
            post(crate::revoke::revoke),
        )
        .says("機関の証明書を失効させる。", "Revokes a party's certificate.")
        .takes_nothing()
        .gives::<protocol::index::Taken>(),
    ];
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
