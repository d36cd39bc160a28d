//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::{desk, index, inquiry, issue, rotation};
use rules::{Defaults, Role};
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    let defaults = Defaults::house();
    const CLERK: Who = Who::Roles(&[Role::Clerk]);
    const TRUSTEE: Who = Who::Parties(&["trustee"]);
    let mut routes = vec![
        Route::new(Side::Outer, Method::POST, inquiry::PATH, TRUSTEE, post(crate::answer::answer))
            .says(
                "両方の変換者が通した照会に答える。",
                "Answers an inquiry that both transcryptors let pass.",
            )
            .takes::<inquiry::ToProvider>()
            .gives::<inquiry::Reply>()
            .gives_media(wire::HEAD_AND_TAIL)
            .limit(defaults.body_bytes),
        Route::new(Side::Outer, Method::POST, inquiry::REPLIES, TRUSTEE, post(crate::answer::reply_again))
            .says(
                "終わった照会の回答をもう一度渡す。",
                "Gives the reply of an inquiry that is over once more.",
            )
            .takes::<inquiry::Again>()
            .gives::<inquiry::Reply>()
            .gives_media(wire::HEAD_AND_TAIL)
            .limit(defaults.body_bytes),
        Route::new(Side::Outer, Method::POST, issue::PATH, TRUSTEE, post(crate::take_codes::take_codes))
            .says("リンクコードの一束を受け取る。", "Takes in a batch of link codes.")
            .takes::<issue::ToInstitution>()
            .gives::<issue::Stored>()
            .limit(defaults.batch_body_bytes),
        Route::new(
            Side::Outer,
            Method::POST,
            rotation::EPOCHS,
            Who::Parties(&["linkage"]),
            post(crate::rotation::epochs),
        )
        .says("自分の符号の世代の切替え。", "A change of the epoch of the own codes.")
        .takes::<rotation::NoticeOfEpoch>()
        .gives::<rotation::TakenOver>(),
        Route::new(Side::Outer, Method::POST, rotation::ROWS, TRUSTEE, post(crate::rotation::rotation_rows))
            .says("次の世代の符号の一束を受け取る。", "Takes in a batch of codes of the next epoch.")
            .takes::<rotation::ToInstitution>()
            .gives::<issue::Stored>()
            .limit(defaults.batch_body_bytes),
        Route::new(
            Side::Inner,
            Method::POST,
            desk::INQUIRIES,
            Who::Roles(crate::ask::ASKERS),
            post(crate::ask::ask),
        )
        .says("自分のお客さまについて、ほかの機関に照会する。", "Asks a provider about an own customer.")
        .takes::<desk::Ask>()
        .gives::<desk::Told>()
        .gives_with::<desk::Waiting>(202),
        Route::new(Side::Inner, Method::GET, "/inquiries/{id}", CLERK, get(crate::ask::asked))
            .says("自分の照会がどうなっているか。", "How an own inquiry stands.")
            .gives::<desk::Asked>(),
        Route::new(Side::Inner, Method::POST, desk::BATCHES, CLERK, post(crate::batch::begin))
            .says("一括照会を始める、または続ける。", "Begins many inquiries, or goes on with them.")
            .takes::<desk::AskMany>()
            .gives::<desk::BatchState>()
            .limit(defaults.batch_body_bytes),
        Route::new(Side::Inner, Method::GET, "/inquiry-batches/{id}", CLERK, get(crate::batch::state))
            .says("一括照会の進み具合。", "How far a batch is.")
            .gives::<desk::BatchState>(),
        Route::new(Side::Inner, Method::POST, "/inquiry-batches/{id}", CLERK, post(crate::batch::move_on))
            .says("一括照会を止める、または続ける。", "Stops a batch, or lets it go on.")
            .takes::<desk::MoveBatch>()
            .gives::<desk::BatchState>(),
        Route::new(Side::Inner, Method::GET, "/inquiry-batches/{id}/rows", CLERK, get(crate::batch::rows))
            .says("一括照会の各行と、その結果。", "The rows of a batch with what came of them.")
            .gives::<Vec<desk::BatchRow>>(),
        Route::new(Side::Inner, Method::POST, desk::COPY, CLERK, post(crate::held::copy))
            .says(
                "ほかの機関に答えるための写しを取る。",
                "Takes the copy of the own system that answers others.",
            )
            .takes_nothing()
            .gives::<desk::CopyTaken>(),
        Route::new(Side::Inner, Method::GET, desk::AWAITING, CLERK, get(crate::awaiting::list))
            .says(
                "職員の確認を待っている、ほかの機関からの照会。",
                "Inquiries of others that wait for an own clerk.",
            )
            .gives::<Vec<desk::AwaitingLine>>(),
        Route::new(Side::Inner, Method::POST, "/awaiting/{id}", CLERK, post(crate::awaiting::settle))
            .says(
                "待っている照会に、提供するかしないかを決める。",
                "Approves or declines an inquiry that waits.",
            )
            .takes::<desk::Settle>()
            .gives::<desk::Settle>(),
        Route::new(Side::Inner, Method::POST, desk::SHIELDS, CLERK, post(crate::shield::shield))
            .says(
                "お客さまの記録の提供を止める、または再開する。",
                "Shields the record of a customer, or lifts the shield.",
            )
            .takes::<desk::Shield>()
            .gives::<index::Taken>(),
        Route::new(
            Side::Inner,
            Method::POST,
            desk::ISSUE,
            Who::Roles(&[Role::Operator]),
            post(crate::issue::issue),
        )
        .says(
            "リンクコードのないお客さまの分を取り寄せる。",
            "Fetches link codes for customers that have none.",
        )
        .takes_nothing()
        .gives::<desk::Issued>(),
    ];
    routes.extend(crate::x_road::routes());
    routes.extend(crate::desk::routes());
    routes.extend(house::common_routes());
    routes
}
