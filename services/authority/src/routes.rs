//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use rules::Role;
use wire::{Route, Side, Who};

use crate::{Here, confirm, event, lists, order, own, passkeys, public, sign_in, verify};

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
            Side::Outer,
            Method::POST,
            protocol::directory::CERTIFICATES,
            Who::AnyParty,
            post(crate::renew::renew),
        )
        .says(
            "機関が新しく作った鍵に、一日有効な証明書を発行する。",
            "Certifies, for a day, a new key that the calling party made.",
        )
        .takes::<protocol::directory::OrderPartyCertificate>()
        .gives::<protocol::directory::PartyCertificate>(),
        Route::new(
            Side::Outer,
            Method::POST,
            protocol::directory::OPERATOR_CERTIFICATES,
            Who::AnyParty,
            post(crate::operators::certify),
        )
        .says(
            "機関の職員・システムが新しく作った鍵に、一日有効な証明書を発行する。",
            "Certifies, for a day, a new key of one of the calling party's operators.",
        )
        .takes::<protocol::directory::OrderOperatorCertificate>()
        .gives::<protocol::directory::PartyCertificate>(),
        Route::new(
            Side::Outer,
            Method::POST,
            protocol::directory::OPERATOR_REVOCATIONS,
            Who::AnyParty,
            post(crate::operators::revoke_own),
        )
        .says("機関が自らの職員・システムを失効させる。", "Revokes one of the calling party's operators.")
        .takes::<protocol::directory::RevokeOperator>()
        .gives::<protocol::index::Taken>(),
        Route::new(
            Side::Inner,
            Method::POST,
            "/parties/{id}/operators/{name}/revoke",
            Who::Roles(&[Role::Operator]),
            post(crate::operators::revoke_of),
        )
        .says("機関の職員・システムを失効させる。", "Revokes an operator of a party.")
        .takes_nothing()
        .gives::<protocol::index::Taken>(),
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
    routes.extend(published());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}

/// People's certificates.
fn certificates() -> Vec<Route<Here>> {
    use protocol::certificates as said;
    const REGISTER: Who = Who::Parties(&["registry"]);
    use protocol::sign_in as signing;
    const PORTAL: Who = Who::Parties(&["portal"]);
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
        post_on(inner, signing::ASSERTIONS, Who::Anyone, post(sign_in::by_card))
            .says(
                "利用者証明用電子証明書でのサインイン。本人の署名による。",
                "Signing in with the authentication certificate; by the holder's signature.",
            )
            .takes::<signing::AskAssertion>()
            .gives::<signing::Asserted>(),
        post_on(outer, signing::CHALLENGES, PORTAL, post(passkeys::challenge))
            .says("パスキーのための一度きりの値。", "A challenge for a passkey, once.")
            .takes::<signing::AskChallenge>()
            .gives::<signing::Challenge>(),
        post_on(outer, signing::PASSKEYS, PORTAL, post(passkeys::enrol))
            .says(
                "カードでサインインした人のパスキーを登録する。",
                "Enrols a passkey of somebody who is signed in with the card.",
            )
            .takes::<signing::EnrolPasskey>()
            .gives::<protocol::index::Taken>(),
        post_on(outer, signing::PASSKEY_ASSERTIONS, PORTAL, post(sign_in::by_passkey))
            .says("パスキーでのサインイン。", "Signing in with a passkey.")
            .takes::<signing::UsePasskey>()
            .gives::<signing::Asserted>(),
        post_on(outer, signing::REMOVALS, PORTAL, post(passkeys::remove))
            .says("パスキーの登録を取り消す。", "Gives a passkey up.")
            .takes::<signing::RemovePasskey>()
            .gives::<protocol::index::Taken>(),
        post_on(outer, signing::SHOWN, PORTAL, post(passkeys::shown))
            .says(
                "サインインした本人に見せる、電子証明書の使われ方とパスキー。",
                "What the person who is signed in is shown: uses of the certificates, passkeys.",
            )
            .takes::<signing::AskShown>()
            .gives::<signing::Shown>(),
        post_on(inner, said::LISTS, Who::Roles(&[Role::Operator]), post(lists::make))
            .says("失効情報の一覧をいま作り直す。", "Makes the revocation lists anew, now.")
            .takes_nothing()
            .gives::<said::ListsMade>(),
    ]
}

/// What anybody may read: states, lists, the authorities' own certificates.
fn published() -> Vec<Route<Here>> {
    let (get_of, post_of) = (Method::GET, Method::POST);
    let on = |method, path, handler| Route::new(Side::Public, method, path, Who::Anyone, handler);
    vec![
        on(post_of.clone(), "/ocsp", post(public::by_post))
            .says("電子証明書の状態（OCSP）。", "The state of certificates (OCSP, RFC 6960).")
            .takes_media(public::REQUEST)
            .gives_media(public::ANSWER)
            .limit(public::LIMIT),
        on(get_of.clone(), "/ocsp/{*request}", get(public::by_get))
            .says(
                "電子証明書の状態（OCSP）。問い合わせはBase64でパスに。",
                "The state of certificates (OCSP); the request in base64, percent-encoded (RFC 6960 A.1.1).",
            )
            .gives_media(public::ANSWER),
        on(post_of, "/time-stamps", post(public::stamp))
            .says("タイムスタンプ。", "A time-stamp (RFC 3161).")
            .takes_media(public::STAMP_REQUEST)
            .gives_media(public::STAMP)
            .limit(public::LIMIT),
        on(get_of.clone(), "/crl/{file}", get(public::list))
            .says(
                "失効情報の一覧。例: signature-13221.crl。",
                "The revocation list of a kind and municipality, e.g. `signature-13221.crl`.",
            )
            .gives_media(public::LIST),
        on(get_of, "/ca/{file}", get(public::certificate))
            .says(
                "認証局の証明書。signature.crt または authentication.crt。",
                "An authority's own certificate: `signature.crt` or `authentication.crt`.",
            )
            .gives_media(public::CERTIFICATE),
    ]
}
