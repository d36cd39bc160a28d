//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::desk::SignIn;
use protocol::{index, issue, own};
use rules::{Defaults, Role};
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let batch = Defaults::house().batch_body_bytes;
    const TRUSTEE: Who = Who::Parties(&["trustee"]);
    let mut routes = vec![
        Route::new(Side::Outer, Method::POST, issue::PATH, TRUSTEE, post(crate::issue::issue))
            .says("Takes in link codes of the portal's own domain.")
            .takes::<issue::ToInstitution>()
            .gives::<issue::Stored>()
            .limit(batch),
        Route::new(Side::Outer, Method::POST, index::PATH, TRUSTEE, post(crate::index::index))
            .says("Takes in index entries of acts.")
            .takes::<index::IndexEntries>()
            .gives::<index::Taken>()
            .limit(batch),
        // Whoever reaches it: what counts is the person's assertion, nothing else.
        Route::new(
            Side::Inner,
            Method::POST,
            own::MY_RECORDS,
            Who::Anyone,
            post(crate::my_records::my_records),
        )
        .says("The own records of the person who is asserted.")
        .takes::<own::AskMyRecords>()
        .gives::<own::MyRecords>(),
        Route::new(
            Side::Inner,
            Method::POST,
            own::PERSON_SIGN_INS,
            Who::Anyone,
            post(crate::my_pages::sign_in),
        )
        .says("A ticket for the person's own pages.")
        .takes::<own::AskMyRecords>()
        .gives::<SignIn>(),
        Route::new(
            Side::Inner,
            Method::GET,
            "/index/counts",
            Who::Roles(&[Role::Operator]),
            get(crate::index::counts),
        )
        .says("How many residents and entries the index has.")
        .gives::<crate::index::Counts>(),
    ];
    routes.extend(crate::my_pages::routes());
    routes.extend(house::common_routes());
    routes
}
