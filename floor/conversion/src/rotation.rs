//! A batch of a rotation at either body: an institution's own codes, converted from their epoch to the one that was opened. What
//! differs between the bodies is what they were given, and to whom it goes on.

use std::sync::Arc;

use axum::response::Response;
use house::{Law, json_bytes, told};
use protocol::index::hash_of;
use protocol::issue::{IssueHop, Stored};
use protocol::rotation::RotationRows;
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Issue, IssueFacts, IssueRequest, Pace, Permit, decide_issue};
use seal::{EncryptedCode, Jws};
use wire::Problem;
use words::{B64, Moment, Reason};

use crate::Conversions;

/// A batch as it came to this body, with every signature checked.
pub struct Batch {
    /// Whose message it came in.
    pub caller: String,
    /// What the institution signed.
    pub rows: RotationRows,
    /// The same, signed.
    pub signed: Jws,
    /// Of the codes this body was given.
    pub taken: B64,
    /// Them.
    pub codes: Vec<EncryptedCode>,
}

/// Carries a converted batch on, with what this body has to sign of it.
pub trait Onward: Send + Sync + 'static {
    /// Sends it and waits for the word that it was stored.
    fn send(
        &self,
        rows: &RotationRows,
        signed: &Jws,
        own: IssueHop,
        codes: &[EncryptedCode],
    ) -> impl Future<Output = Result<Stored, Failure>> + Send;
}

/// Converts a batch and carries it on, as one act.
pub async fn rotate_batch<N: Onward>(
    service: &Conversions,
    batch: Batch,
    onward: N,
) -> Result<Response, Problem> {
    let rows = &batch.rows;
    let session = service.usable(&rows.session, service.house.now())?;
    if session.epoch != rows.epoch || service.epochs(&rows.from).upcoming != Some(rows.to_epoch) {
        return Err(
            Problem::with(Reason::OldCode, "No rotation from `epoch` to `to_epoch` is open.").of(rows.id)
        );
    }
    let given = service.convert_to_next(&session, rows.to_epoch, rows.id, batch.codes.clone()).await?;
    let request_hash = batch.signed.hash();
    let arrival = Arrival { id: rows.id, caller: batch.caller.clone(), request_hash };
    let house = &service.house;
    let verb = RotateBatch { house: Arc::clone(house), batch, given, onward, law: house.law() };
    house.road.travel(arrival, verb).await.map(json_bytes).map_err(told)
}

/// How many rows were signed and which, held against what is there.
pub fn holds_what_was_signed(rows: &RotationRows, signed: &B64, codes: &[EncryptedCode]) -> bool {
    usize::try_from(rows.rows).is_ok_and(|rows| rows == codes.len()) && hash_of(codes) == *signed
}

struct RotateBatch<N> {
    house: Arc<house::House>,
    batch: Batch,
    given: Vec<EncryptedCode>,
    onward: N,
    law: Option<Arc<Law>>,
}

impl<N: Onward> Verb for RotateBatch<N> {
    const NAME: &'static str = "rotation_rows";
    type Permit = Permit<Issue>;
    type Acted = Stored;

    fn label(&self) -> String {
        self.batch.rows.from.to_string()
    }

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let (law, batch) = (self.law.as_ref().ok_or(Reason::ListTooOld)?, &self.batch);
        let facts = IssueFacts {
            institution: law.accreditation(&batch.rows.from),
            for_portal: false,
            documents_valid_until: law.valid_until(),
            // Nobody is given a code who had none: the rate of issues does not bound a rotation.
            rows_last_hour: 0,
            defaults: &self.house.defaults,
        };
        Ok(decide_issue(&IssueRequest { at: batch.rows.at, rows: batch.codes.len() }, &facts, now)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let rows = &self.batch.rows;
        let mut record = Record::new();
        record
            .set("institution", &rows.from)
            .set("rows", rows.rows)
            .set("epoch", rows.to_epoch)
            .set("taken", &self.batch.taken)
            .set("given", hash_of(&self.given));
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Stored, Failure> {
        let Batch { rows, signed, taken, .. } = &self.batch;
        let given = hash_of(&self.given);
        let own = IssueHop { id: rows.id, rows: signed.hash().into(), taken: taken.clone(), given };
        self.onward.send(rows, signed, own, &self.given).await
    }

    fn protect(&self, _permit: &Self::Permit, stored: Stored) -> Result<Protected, Failure> {
        serde_json::to_vec(&stored).map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}
