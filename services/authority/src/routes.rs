//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use rules::Role;
use wire::{Route, Side, Who};

use crate::{Here, confirm, event, lists, order, own, verify};

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
    routes.extend(certificates());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}

/// People's certificates.
fn certificates() -> Vec<Route<Here>> {
    use protocol::certificates as said;
    const REGISTER: Who = Who::Parties(&["registry"]);
    const INSTITUTION: Who = Who::Parties(&["gateway"]);
    let (outer, inner) = (Side::Outer, Side::Inner);
    let post_on = |side, path, who, handler| Route::new(side, Method::POST, path, who, handler);
    vec![
        post_on(outer, said::CERTIFICATES, REGISTER, post(order::order))
            .says("カードで作られた鍵に電子証明書を発行する。", "Issues certificates for keys that a card made.")
            .takes::<said::OrderCertificates>()
            .gives::<said::IssuedCertificates>(),
        post_on(outer, said::EVENTS, REGISTER, post(event::event))
            .says(
                "異動・死亡・一時停止などにより、電子証明書の状態を変える。",
                "Changes the state of a holder's certificates: a change, a death, a suspension.",
            )
            .takes::<said::TellEvent>()
            .gives::<said::EventDone>(),
        post_on(outer, said::VERIFICATIONS, INSTITUTION, post(verify::verify))
            .says(
                "認定を受けた機関のために、本人の署名と電子証明書を検証する。",
                "Verifies a person's signature and certificate for an accredited institution.",
            )
            .takes::<said::Verify>()
            .gives::<said::Verified>(),
        post_on(outer, said::CONFIRMATIONS, INSTITUTION, post(confirm::confirm))
            .says(
                "検証したことのある電子証明書が失効したかを答える。新しい情報は本人の同意があるときだけ。",
                "Says whether certificates verified before have ended; new attributes only with the person's consent.",
            )
            .takes::<said::Confirm>()
            .gives::<said::Confirmed>(),
        post_on(inner, said::USES, Who::Anyone, post(own::uses))
            .says(
                "本人の電子証明書を、だれがいつ検証したか。本人の署名による。",
                "Who verified one's own certificates and when; by the holder's signature.",
            )
            .takes::<said::LookAtUses>()
            .gives::<said::Uses>(),
        post_on(inner, said::CONSENTS, Who::Anyone, post(own::consent))
            .says(
                "新しい電子証明書の四情報を機関に知らせることへの、本人の署名による同意。",
                "The holder's signed consent that an institution learns the attributes of a new certificate.",
            )
            .takes::<said::GiveConsent>()
            .gives::<protocol::index::Taken>(),
        post_on(inner, said::LISTS, Who::Roles(&[Role::Operator]), post(lists::make))
            .says("失効情報の一覧をいま作り直す。", "Makes the revocation lists anew, now.")
            .takes_nothing()
            .gives::<said::ListsMade>(),
    ]
}
