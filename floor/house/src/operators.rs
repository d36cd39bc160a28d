//! The room's own people and systems: known by a certificate for a day, which the authority gives for a new key each time, or by
//! a key of `inner.keys`. The list says what each may do; whom the directory says to be revoked may nothing more.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::routing::post;
use axum::{Extension, Json};
use protocol::directory::{
    OPERATOR_CERTIFICATES, OPERATOR_REVOCATIONS, OrderOperatorCertificate, OrderPartyCertificate,
    PartyCertificate, REVOKE_OPERATOR, RevokeOperator,
};
use protocol::index::Taken;
use rules::Role;
use seal::x509::Certificate;
use seal::x509::party::operator_of;
use wire::{Caller, Insiders, PeerCertificate, Problem, Route, Side, Who};
use words::{ActId, Reason};

use crate::{HasHouse, House};

/// How long the authority may take.
const WITHIN: Duration = Duration::from_secs(10);

impl House {
    /// Whose key of this room's inner side this is.
    pub fn owner_of_key(&self, key: &str) -> Caller {
        self.present(self.inner_keys.owner(key))
    }

    /// The caller, unless revoked.
    fn present(&self, caller: Caller) -> Caller {
        let directory = self.directory();
        let revoked = |name: &String| {
            directory.entry(&self.id).is_some_and(|entry| entry.revoked_operators.contains(name))
        };
        match caller {
            Caller::Inner { name, .. } if revoked(&name) => Caller::Nobody,
            present => present,
        }
    }

    /// Whose certificate this is, if it is an operator's of this room and holds now. The chain was checked in the handshake.
    fn holder(&self, certificate: &PeerCertificate) -> Option<Caller> {
        let certificate = Certificate::parse(&certificate.der).ok()?;
        let (party, name) = operator_of(&certificate)?;
        let (from, until) = certificate.validity();
        // A connection may outlive what it was opened with.
        let holds = from <= self.now() && self.now() < until;
        let role = self.inner_keys.role(&name).filter(|_| holds && party == self.id)?;
        Some(self.present(Caller::Inner { name, role }))
    }
}

/// Who calls the inner side.
pub(crate) struct Staff(pub(crate) Arc<House>);

impl Insiders for Staff {
    fn caller(&self, path: &str, headers: &HeaderMap) -> Caller {
        if self.0.keys_enrol_only && path != OPERATOR_CERTIFICATES {
            return Caller::Nobody;
        }
        self.0.present(self.0.inner_keys.sender(headers))
    }

    fn certified(&self, certificate: &PeerCertificate) -> Caller {
        self.0.holder(certificate).unwrap_or(Caller::Nobody)
    }
}

/// Who is signed in at the pages.
pub(crate) struct Visitors(pub(crate) Arc<House>);

impl Insiders for Visitors {
    fn caller(&self, path: &str, headers: &HeaderMap) -> Caller {
        self.0.present(self.0.doors.caller(path, headers))
    }
}

pub(crate) fn operator_routes<S: HasHouse>() -> Vec<Route<S>> {
    let post_by = |path, who, handler| Route::new(Side::Inner, Method::POST, path, who, handler);
    vec![
        post_by(OPERATOR_CERTIFICATES, Who::AnyInner, post(certify::<S>))
            .says(
                "呼んだ人(またはシステム)の新しい鍵に、一日有効な証明書を認証局に発行させる。",
                "Has the authority certify, for a day, a new key of the person or system that calls.",
            )
            .takes::<OrderPartyCertificate>()
            .gives::<PartyCertificate>(),
        post_by(REVOKE_OPERATOR, Who::Roles(&[Role::Operator]), post(revoke::<S>))
            .says(
                "この機関の人(またはシステム)の証明書と鍵を失効させる。",
                "Revokes certificates and key of somebody of this house.",
            )
            .takes_nothing()
            .gives::<Taken>(),
    ]
}

async fn certify<S: HasHouse>(
    State(state): State<S>,
    Extension(caller): Extension<Caller>,
    body: wire::Json<OrderPartyCertificate>,
) -> Result<Json<PartyCertificate>, Problem> {
    let house = state.house();
    let Caller::Inner { name: operator, .. } = caller else {
        return Err(Problem::new(Reason::Unauthenticated));
    };
    let OrderPartyCertificate { id, request } = body.message;
    let order = OrderOperatorCertificate { id, operator, request };
    let authority = house.party(&house.country.authority)?;
    Ok(Json(house.post(&authority, OPERATOR_CERTIFICATES, &order, WITHIN).await?))
}

async fn revoke<S: HasHouse>(
    State(state): State<S>,
    Path(name): Path<String>,
) -> Result<Json<Taken>, Problem> {
    let house = state.house();
    if house.inner_keys.role(&name).is_none() {
        return Err(Problem::with(Reason::NotFound, "Nobody of this house is called so in `inner.keys`."));
    }
    let order = RevokeOperator { id: ActId::new(house.world.random()), operator: name };
    let authority = house.party(&house.country.authority)?;
    let taken = house.post(&authority, OPERATOR_REVOCATIONS, &order, WITHIN).await?;
    // Here at once. The authority publishes by itself.
    if house.room != "authority"
        && let Err(reason) = house.fetch_directory().await
    {
        tracing::warn!(%reason, "an operator is revoked; this room hears of it with its next poll");
    }
    Ok(Json(taken))
}
