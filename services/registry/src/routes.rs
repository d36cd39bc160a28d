//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::post;
use protocol::{issue, own, register};
use rules::{Defaults, Role};
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let batch = Defaults::house().batch_body_bytes;
    const REGISTRAR: Who = Who::Roles(&[Role::Registrar]);
    let mut routes = vec![
        Route::new(
            Side::Outer,
            Method::POST,
            issue::PATH,
            Who::Parties(&["gateway"]),
            post(crate::issue::issue),
        )
        .limit(batch),
        Route::new(
            Side::Outer,
            Method::POST,
            own::PERSON_CODE,
            Who::Parties(&["portal"]),
            post(crate::person_code::person_code),
        ),
        Route::new(Side::Inner, Method::POST, register::RESIDENTS, REGISTRAR, post(crate::enter::enter))
            .limit(batch),
        Route::new(Side::Inner, Method::POST, register::CHANGES, REGISTRAR, post(crate::change::change)),
        Route::new(
            Side::Inner,
            Method::POST,
            register::FIND_NUMBER,
            REGISTRAR,
            post(crate::find_number::find_number),
        ),
        Route::new(
            Side::Inner,
            Method::POST,
            register::PORTAL_CODES,
            Who::Roles(&[Role::Operator]),
            post(crate::portal_codes::portal_codes),
        ),
    ];
    routes.extend(house::common_routes());
    routes
}
