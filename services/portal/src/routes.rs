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
            .says(
                "ポータル自身の領域のリンクコードを受け取る。",
                "Takes in link codes of the portal's own domain.",
            )
            .takes::<issue::ToInstitution>()
            .gives::<issue::Stored>()
            .limit(batch),
        Route::new(Side::Outer, Method::POST, index::PATH, TRUSTEE, post(crate::index::index))
            .says("本人の索引への記載を受け取る。", "Takes in index entries of acts.")
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
        .says("本人と確かめられた人自身の記録。", "The own records of the person who is asserted.")
        .takes::<own::AskMyRecords>()
        .gives::<own::MyRecords>(),
        Route::new(
            Side::Inner,
            Method::POST,
            own::MY_INFORMATION,
            Who::Anyone,
            post(crate::held::my_information),
        )
        .says(
            "本人と確かめられた人について、ある機関が持っている情報。",
            "What an institution holds about the person who is asserted.",
        )
        .takes::<own::AskMyInformation>()
        .gives::<own::MyInformation>(),
        Route::new(
            Side::Inner,
            Method::POST,
            own::PERSON_SIGN_INS,
            Who::Anyone,
            post(crate::my_pages::sign_in),
        )
        .says("本人のページに入るための券。", "A ticket for the person's own pages.")
        .takes::<own::AskMyRecords>()
        .gives::<SignIn>(),
        Route::new(
            Side::Inner,
            Method::GET,
            "/index/counts",
            Who::Roles(&[Role::Operator]),
            get(crate::index::counts),
        )
        .says("索引にある住民と記載の数。", "How many residents and entries the index has.")
        .gives::<crate::index::Counts>(),
    ];
    routes.extend(crate::my_pages::routes());
    routes.extend(crate::passkey_pages::routes());
    routes.extend(house::common_routes());
    routes
}
