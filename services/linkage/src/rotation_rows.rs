//! The rows of a rotation at linkage: the first half of their conversion.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::rotation::{Batch, Onward, holds_what_was_signed, rotate_batch};
use protocol::directory::Entry;
use protocol::issue::{IssueHop, Stored};
use protocol::rotation::{ROWS, RotationRows, ToLinkage, ToTrustee};
use road::Failure;
use seal::{EncryptedCode, Jws};
use wire::{Caller, Json, Problem};
use words::Reason;

use crate::error::not_the_sender;
use crate::{Here, Linkage};

/// How long the trustee and the institution behind it are given.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn rotation_rows(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToLinkage>,
) -> Result<Response, Problem> {
    let linkage = here.0;
    let Caller::Party(party) = caller else { return Err(not_the_sender()) };
    let ToLinkage { rows: signed, codes } = body.message;
    let rows: RotationRows = linkage.house.verify(&signed, &party.id)?;
    if rows.from != party.id || *rows.session.party() != party.id || !rows.id.is_batch() {
        return Err(not_the_sender().of(rows.id));
    }
    if !holds_what_was_signed(&rows, &rows.codes, &codes) {
        return Err(Problem::with(Reason::HopMismatch, "`codes` is not what was signed.").of(rows.id));
    }
    let taken = rows.codes.clone();
    let batch = Batch { caller: party.id.to_string(), rows, signed, taken, codes };
    rotate_batch(&linkage.conversions, batch, ToTheTrustee(Arc::clone(&linkage))).await
}

struct ToTheTrustee(Arc<Linkage>);

impl Onward for ToTheTrustee {
    async fn send(
        &self,
        rows: &RotationRows,
        signed: &Jws,
        own: IssueHop,
        codes: &[EncryptedCode],
    ) -> Result<Stored, Failure> {
        let house = &self.0.house;
        let message = ToTrustee { rows: signed.clone(), hop: house.sign(&own), codes: codes.to_vec() };
        let message = &message;
        let ask = |trustee: Entry| async move { house.post(&trustee, ROWS, message, WITHIN).await };
        let stored = self.0.trustees.ask(&rows.id, ask).await;
        stored.map_err(|error| Failure::with(error.reason(), "from the trustee onward"))
    }
}
