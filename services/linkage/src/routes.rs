//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::{inquiry, issue, oversight, own, rotation, session};
use rules::{Defaults, Role};
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let defaults = Defaults::house();
    let mut routes = vec![
        Route::new(
            Side::Outer,
            Method::POST,
            inquiry::PATH,
            Who::Parties(&["gateway", "portal"]),
            post(crate::inquire::inquire),
        )
        .says(
            "照会を認めるか判断し、符号を半分まで変換する。",
            "Decides on an inquiry and converts its code half-way.",
        )
        .takes::<inquiry::ToLinkage>()
        .gives::<inquiry::Reply>()
        .gives_media(wire::HEAD_AND_TAIL)
        .limit(defaults.body_bytes),
        Route::new(
            Side::Outer,
            Method::POST,
            session::OPEN,
            Who::Parties(&["gateway", "registry", "portal"]),
            post(crate::open_session::open_session),
        )
        .says(
            "呼び出した者の現在のセッション。なければ開く。",
            "The caller's current session, opened if there is none.",
        )
        .takes::<session::Open>()
        .gives::<session::Opened>(),
        Route::new(
            Side::Outer,
            Method::GET,
            session::CURRENT,
            Who::Parties(&["registry"]),
            get(crate::open_session::current_session),
        )
        .says("ある機関の現在のセッションの名前。", "The name of a party's current session.")
        .gives::<session::Current>(),
        Route::new(
            Side::Outer,
            Method::POST,
            issue::PATH,
            Who::Parties(&["registry"]),
            post(crate::issue::issue),
        )
        .says(
            "リンクコードの発行を認めるか判断し、半分まで変換する。",
            "Decides on an issue of link codes and converts them half-way.",
        )
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
        .says("本人の求めにより、記録の内容を返す。", "What acts were, on the assertion of the person.")
        .takes::<own::AskOwnRecords>()
        .gives::<Vec<own::OwnAct>>(),
        Route::new(
            Side::Outer,
            Method::GET,
            "/acts/{id}",
            Who::Parties(&["oversight"]),
            get(crate::parties::parties),
        )
        .says("ある記録が、どの機関の間のものか。", "Between whom an act took place.")
        .gives::<oversight::ActParties>(),
    ];
    routes.extend([
        Route::new(
            Side::Outer,
            Method::POST,
            session::STATEMENT,
            Who::Parties(&["trustee"]),
            post(crate::open_session::statement),
        )
        .says(
            "あるセッションについて情報連携基盤が述べたこと。その場にいなかった受託機関の複製のため。",
            "What linkage stated of a session, for a replica of the trustee that was not there.",
        )
        .takes::<session::AskStatement>()
        .gives::<session::Extend>(),
        Route::new(
            Side::Outer,
            Method::POST,
            rotation::CHANGES,
            Who::Parties(&["trustee"]),
            post(crate::rotate::changes),
        )
        .says(
            "ある機関の符号の世代の、これまでの切替え。知らずにいた受託機関の複製のため。",
            "The changes of an institution's epochs so far, for a replica of the trustee that missed some.",
        )
        .takes::<rotation::AskChanges>()
        .gives::<rotation::Changes>(),
        Route::new(
            Side::Inner,
            Method::POST,
            rotation::ROTATIONS,
            Who::Roles(&[Role::Operator]),
            post(crate::rotate::rotate),
        )
        .says(
            "ある機関の符号を新しい世代に取り替える、またはその続きを行う。",
            "Replaces an institution's codes by those of the next epoch, or goes on with it.",
        )
        .takes::<rotation::Rotate>()
        .gives::<rotation::Rotation>(),
        Route::new(
            Side::Outer,
            Method::POST,
            rotation::ROWS,
            Who::Parties(&["gateway"]),
            post(crate::rotation_rows::rotation_rows),
        )
        .says(
            "ある機関の符号を次の世代へ、半分まで変換する。",
            "Converts an institution's own codes half-way to their next epoch.",
        )
        .takes::<rotation::ToLinkage>()
        .gives::<issue::Stored>()
        .limit(defaults.batch_body_bytes),
    ]);
    routes.extend(conversion::transcryptor_routes());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
