//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::post;
use protocol::certificates::{self as said, CARD_CERTIFICATES, CARD_EVENTS};
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
        .says(
            "お客さまを照合し、リンクコードの発行を始める。",
            "Matches customers and begins the issue of their link codes.",
        )
        .takes::<issue::ToRegistry>()
        .gives::<issue::Stored>()
        .limit(batch),
        Route::new(
            Side::Outer,
            Method::POST,
            own::PERSON_CODE,
            Who::Parties(&["portal"]),
            post(crate::person_code::person_code),
        )
        .says(
            "本人と確かめられた人の符号を、ポータルへ送る。",
            "Sends the code of the person who is asserted to the portal.",
        )
        .takes::<own::AskPersonCode>()
        .gives::<own::PersonCodeSent>(),
        Route::new(Side::Inner, Method::POST, register::RESIDENTS, REGISTRAR, post(crate::enter::enter))
            .says("住民を登録する。全員か、だれもしないか。", "Enters residents, all of them or none.")
            .takes::<register::EnterResidents>()
            .gives::<register::Entered>()
            .limit(batch),
        Route::new(Side::Inner, Method::POST, register::CHANGES, REGISTRAR, post(crate::change::change))
            .says("住民一人の異動を登録する。", "Enters a change of one resident.")
            .takes::<register::Change>()
            .gives::<register::ChangeDone>(),
        Route::new(Side::Inner, Method::POST, CARD_CERTIFICATES, REGISTRAR, post(crate::certificates::order))
            .says(
                "住民のカードの鍵に、電子証明書の発行を受ける。",
                "Has certificates issued for the keys of a resident's card.",
            )
            .takes::<said::OrderForCard>()
            .gives::<said::IssuedCertificates>(),
        Route::new(Side::Inner, Method::POST, CARD_EVENTS, REGISTRAR, post(crate::certificates::event))
            .says(
                "住民の電子証明書の一時停止・回復・失効を届ける。",
                "Suspends, resumes or ends a resident's certificates.",
            )
            .takes::<said::CardEvent>()
            .gives::<said::EventDone>(),
        Route::new(
            Side::Inner,
            Method::POST,
            register::FIND_NUMBER,
            REGISTRAR,
            post(crate::find_number::find_number),
        )
        .says("以前の番号から、いまの番号を調べる。", "The current number from a former one.")
        .takes::<register::FindNumber>()
        .gives::<register::FoundNumber>(),
        Route::new(
            Side::Inner,
            Method::POST,
            register::PORTAL_CODES,
            Who::Roles(&[Role::Operator]),
            post(crate::portal_codes::portal_codes),
        )
        .says(
            "ポータルの符号がない住民の分の発行を始める。",
            "Starts the issue of the portal's codes for residents that have none.",
        )
        .takes_nothing()
        .gives::<register::PortalCodes>(),
    ];
    routes.extend(house::common_routes());
    routes
}
