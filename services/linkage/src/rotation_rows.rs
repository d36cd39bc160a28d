//! The rows of a rotation at linkage: the first half of their conversion.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::rotation::{Batch, Onward, holds_what_was_signed, rotate_batch};
use house::House;
use protocol::issue::{IssueHop, Stored};
use protocol::rotation::{ROWS, RotationRows, ToLinkage, ToTrustee};
use road::Failure;
use seal::{EncryptedCode, Jws};
use wire::{Caller, Json, Problem};
use words::Reason;

use crate::Here;
use crate::error::not_the_sender;

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
    rotate_batch(&linkage.conversions, batch, ToTheTrustee(Arc::clone(&linkage.house))).await
}

struct ToTheTrustee(Arc<House>);

impl Onward for ToTheTrustee {
    async fn send(
        &self,
        _rows: &RotationRows,
        signed: &Jws,
        own: IssueHop,
        codes: &[EncryptedCode],
    ) -> Result<Stored, Failure> {
        let house = &self.0;
        let message = ToTrustee { rows: signed.clone(), hop: house.sign(&own), codes: codes.to_vec() };
        let trustee = house.only("trustee").map_err(Failure::new)?;
        let stored = house.post(&trustee, ROWS, &message, Duration::from_secs(30)).await;
        stored.map_err(|error| Failure::with(error.reason(), "from the trustee onward"))
    }
}
