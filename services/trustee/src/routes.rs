//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::post;
use protocol::{index, inquiry, issue, rotation, session};
use rules::Defaults;
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let defaults = Defaults::house();
    const LINKAGE: Who = Who::Parties(&["linkage"]);
    const WITH_SESSIONS: Who = Who::Parties(&["gateway", "registry", "portal"]);
    let mut routes = vec![
        Route::new(Side::Outer, Method::POST, inquiry::REPLIES, LINKAGE, post(crate::inquire::reply_again))
            .says(
                "終わった照会の回答をもう一度渡す。",
                "Gives the reply of an inquiry that is over once more.",
            )
            .takes::<inquiry::Again>()
            .gives::<inquiry::Reply>()
            .gives_media(wire::HEAD_AND_TAIL)
            .limit(defaults.body_bytes),
        Route::new(Side::Outer, Method::POST, inquiry::PATH, LINKAGE, post(crate::inquire::inquire))
            .says(
                "照会をもう一度判断し、変換を終える。",
                "Decides again on an inquiry and finishes the conversion.",
            )
            .takes::<inquiry::ToTrustee>()
            .gives::<inquiry::Reply>()
            .gives_media(wire::HEAD_AND_TAIL)
            .limit(defaults.body_bytes),
        Route::new(Side::Outer, Method::POST, index::HALF_PATH, LINKAGE, post(crate::half_index::half_index))
            .says(
                "先へ進まなかった件の、本人の索引への記載を終える。",
                "Finishes the index entry of an act that went no further.",
            )
            .takes::<index::HalfIndex>()
            .gives::<index::Taken>()
            .limit(defaults.body_bytes),
        Route::new(Side::Outer, Method::POST, issue::PATH, LINKAGE, post(crate::issue::issue))
            .says(
                "リンクコードの発行をもう一度判断し、変換を終える。",
                "Decides again on an issue of link codes and finishes their conversion.",
            )
            .takes::<issue::ToTrustee>()
            .gives::<issue::Stored>()
            .limit(defaults.batch_body_bytes),
        Route::new(Side::Outer, Method::POST, rotation::EPOCHS, LINKAGE, post(crate::rotation::epochs))
            .says("ある機関の符号の世代の切替え。", "A change of the epoch of an institution's codes.")
            .takes::<rotation::NoticeOfEpoch>()
            .gives::<rotation::TakenOver>(),
        Route::new(Side::Outer, Method::POST, rotation::ROWS, LINKAGE, post(crate::rotation::rotation_rows))
            .says(
                "ある機関の符号の、次の世代への変換を終える。",
                "Finishes the conversion of an institution's own codes to their next epoch.",
            )
            .takes::<rotation::ToTrustee>()
            .gives::<issue::Stored>()
            .limit(defaults.batch_body_bytes),
        Route::new(Side::Outer, Method::POST, session::EXTEND, LINKAGE, post(crate::session_keys::extend))
            .says(
                "セッションの鍵について、受託者の番を行う。",
                "Takes the trustee's turn in the key of a session.",
            )
            .takes::<session::Extend>()
            .gives::<session::Extended>(),
        Route::new(
            Side::Outer,
            Method::POST,
            session::SHARE,
            WITH_SESSIONS,
            post(crate::session_keys::share),
        )
        .says(
            "呼び出した者のセッションの、受託者の持ち分。",
            "The trustee's share of the caller's own session.",
        )
        .takes::<session::AskShare>()
        .gives::<session::ShareAnswer>(),
    ];
    routes.extend(conversion::transcryptor_routes());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
