//! Routes both transcryptors have.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::routing::{get, post};
use house::HasHouse;
use protocol::audit::{REPLAY, Replayed};
use protocol::proof::{CONVERSION_PROOFS, ConversionProof, DemandProof};
use road::Record;
use rules::Role;
use wire::{Caller, Problem, Route, Side, Who};
use words::Reason;

use crate::{Conversions, replay};

/// The state of a room that converts.
pub trait HasConversions: HasHouse {
    /// The service.
    fn conversions(&self) -> &Conversions;
}

/// Proofs for whom they concern, and past decisions for the room's operator.
pub fn transcryptor_routes<S: HasConversions>() -> Vec<Route<S>> {
    let concerned = Who::Parties(&["trustee", "gateway", "oversight"]);
    vec![
        Route::new(Side::Outer, Method::POST, CONVERSION_PROOFS, concerned, post(prove::<S>))
            .says("直近24時間の変換を一件、証明とともに示す。", "Shows one conversion of the last 24 hours.")
            .takes::<DemandProof>()
            .gives::<ConversionProof>(),
        Route::new(Side::Inner, Method::GET, REPLAY, Who::Roles(&[Role::Operator]), get(replay::<S>))
            .says(
                "過去の判断を、その日の法令でもう一度判断する。",
                "A past decision, decided again under the law of its day.",
            )
            .gives::<Replayed>(),
    ]
}

async fn prove<S: HasConversions>(
    State(state): State<S>,
    Extension(caller): Extension<Caller>,
    body: wire::Json<DemandProof>,
) -> Result<Json<ConversionProof>, Problem> {
    let Caller::Party(party) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let demand = body.message;
    let sees_all = matches!(party.kind.as_str(), "trustee" | "oversight");
    let mut record = Record::new();
    record.set("about", demand.act).set("target", demand.target).set("caller", &party.id);
    state.house().road.note("prove", record).await.map_err(|_| Problem::new(Reason::Internal))?;
    let proof = state.conversions().prove(demand, &party.id, sees_all).await;
    proof.map(Json).map_err(|reason| {
        Problem::with(reason, "This room has no such conversion of the last 24 hours for you.").of(demand.act)
    })
}
