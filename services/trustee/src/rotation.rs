//! Rotations at the trustee: the epochs linkage tells of, and the second half of the rows' conversion.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::rotation::{Batch, Onward, holds_what_was_signed, rotate_batch};
use conversion::{Conversions, Epochs};
use house::{House, json_bytes, told};
use protocol::issue::{IssueHop, Stored};
use protocol::rotation::{
    AskChanges, CHANGES, Changes, EpochChange, NoticeOfEpoch, ROWS, RotationRows, TakenOver, ToInstitution,
    ToTrustee,
};
use road::{Arrival, Failure, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::{EncryptedCode, Jws};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, PartyId, Reason};

use crate::error::not_what_was_signed;
use crate::{Here, Trustee};

pub(crate) async fn epochs(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<NoticeOfEpoch>,
) -> Result<Response, Problem> {
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    here.0.change_epoch(&linkage.id, &body.message.change).await.map(json_bytes)
}

impl Trustee {
    /// Takes note of a change that linkage signed, as an act.
    async fn change_epoch(self: &Arc<Self>, linkage: &PartyId, signed: &Jws) -> Result<Vec<u8>, Problem> {
        let change: EpochChange = self.house.verify(signed, linkage)?;
        let institution = self.house.party(&change.party)?.kind.as_str() == "gateway";
        let before = self.conversions.epochs(&change.party);
        let to = institution.then(|| after(before, &change)).flatten();
        let id = ActId::new(self.house.world.random());
        let arrival = Arrival { id, caller: linkage.to_string(), request_hash: signed.hash() };
        let verb = ChangeEpoch { trustee: Arc::clone(self), change, to };
        self.house.road.travel(arrival, verb).await.map_err(told)
    }

    /// Learns of changes of a party's epochs that this replica missed: it was away too long, is new, or was put back from an old
    /// backup.
    pub(crate) async fn catch_up_epochs(self: &Arc<Self>, party: &PartyId) -> Result<(), Problem> {
        let linkage = self.house.only("linkage")?;
        let ask = AskChanges { party: party.clone() };
        let stated: Changes =
            self.house.post(&linkage, CHANGES, &ask, WITHIN).await.map_err(Problem::from)?;
        for signed in &stated.changes {
            let change: EpochChange = self.house.verify(signed, &linkage.id)?;
            let before = self.conversions.epochs(party);
            let is_news = after(before, &change).is_some_and(|to| to != before);
            if change.party == *party && is_news {
                self.change_epoch(&linkage.id, signed).await?;
            }
        }
        Ok(())
    }
}

/// How long linkage is given to say what a replica missed.
const WITHIN: Duration = Duration::from_secs(5);

/// Where a party's codes stand after a change; told twice it is the same, and an epoch is never skipped or taken back.
fn after(before: Epochs, change: &EpochChange) -> Option<Epochs> {
    match change.old_until {
        // Late word of an opening that was switched to already.
        None if change.epoch == before.current => Some(before),
        None => Some(before.opened()).filter(|to| to.upcoming == Some(change.epoch)),
        Some(_) if change.epoch == before.current => Some(before),
        Some(until) => before.opened().switched(until).filter(|to| to.current == change.epoch),
    }
}

struct ChangeEpoch {
    trustee: Arc<Trustee>,
    change: EpochChange,
    to: Option<Epochs>,
}

impl Verb for ChangeEpoch {
    const NAME: &'static str = "change_epoch";
    type Permit = Permit<Operate>;
    type Acted = ();

    fn label(&self) -> String {
        self.change.party.to_string()
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        if self.to.is_none() || !self.trustee.house.country.scheme.rotates() {
            return Err(Reason::CannotRotate.into());
        }
        Ok(decide_operation(Operation::ChangeEpoch, Role::Operator)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("institution", &self.change.party).set("epoch", self.change.epoch);
        if let Some(until) = self.change.old_until {
            record.set("old_until", until);
        }
        record
    }

    fn on_decision(&self, decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        let to = self.to.filter(|_| decided.is_ok())?;
        Some(Conversions::keep_epochs(self.change.party.clone(), to))
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<(), Failure> {
        if let Some(to) = self.to {
            self.trustee.conversions.settle_epochs(&self.change.party, to);
        }
        Ok(())
    }

    fn protect(&self, _permit: &Self::Permit, (): ()) -> Result<Protected, Failure> {
        let reply = serde_json::to_vec(&TakenOver::default());
        reply.map(Protected::reply).map_err(|_| Failure::new(Reason::Internal))
    }
}

pub(crate) async fn rotation_rows(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<ToTrustee>,
) -> Result<Response, Problem> {
    let trustee = here.0;
    let house = &trustee.house;
    let Caller::Party(linkage) = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let ToTrustee { rows: signed, hop: signed_hop, codes } = body.message;
    // The institution's own signature counts: linkage cannot have anybody's codes turned.
    let from = signed.claimed_party().map_err(|_| Problem::new(Reason::BadSignature))?;
    let rows: RotationRows = house.verify(&signed, &from)?;
    let hop: IssueHop = house.verify(&signed_hop, &linkage.id)?;
    let mismatch = |what: &str| not_what_was_signed(rows.id, what);
    if rows.from != from || *rows.session.party() != from {
        return Err(mismatch("rows"));
    }
    let chain = hop.id == rows.id && hop.rows == signed.hash().into() && hop.taken == rows.codes;
    if !chain || !holds_what_was_signed(&rows, &hop.given, &codes) {
        return Err(mismatch("codes"));
    }
    trustee.learn(&[&rows.session]).await;
    let batch = Batch { caller: linkage.id.to_string(), rows, signed, taken: hop.given, codes };
    let onward = ToTheInstitution { house: Arc::clone(house), first: signed_hop };
    rotate_batch(&trustee.conversions, batch, onward).await
}

struct ToTheInstitution {
    house: Arc<House>,
    /// What linkage signed.
    first: Jws,
}

impl Onward for ToTheInstitution {
    async fn send(
        &self,
        rows: &RotationRows,
        signed: &Jws,
        own: IssueHop,
        codes: &[EncryptedCode],
    ) -> Result<Stored, Failure> {
        let house = &self.house;
        let hops = vec![self.first.clone(), house.sign(&own)];
        let message = ToInstitution { rows: signed.clone(), hops, codes: codes.to_vec() };
        let institution = house.party(&rows.from).map_err(Failure::new)?;
        let stored = house.post(&institution, ROWS, &message, Duration::from_secs(25)).await;
        stored.map_err(|error| Failure::with(error.reason(), "from the institution"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::Epoch;

    #[test]
    fn epochs_go_on_one_by_one_and_word_told_twice_is_told_once() {
        let change = |epoch, old_until: Option<i64>| EpochChange {
            party: PartyId::parse("town").unwrap(),
            epoch: Epoch(epoch),
            old_until: old_until.map(Moment),
            at: Moment(0),
        };
        let first = Epochs::default();
        let open = after(first, &change(1, None)).unwrap();
        assert_eq!(after(open, &change(1, None)), Some(open));
        let switched = after(open, &change(1, Some(5))).unwrap();
        assert_eq!(after(switched, &change(1, Some(5))), Some(switched));
        assert_eq!(after(switched, &change(1, None)), Some(switched), "late word of the opening");
        assert_eq!(after(first, &change(1, Some(5))), Some(switched), "the opening was never heard of");
        for wrong in [change(2, None), change(2, Some(5)), change(0, Some(5))] {
            assert!(wrong.epoch == Epoch(0) || after(first, &wrong).is_none(), "{wrong:?}");
        }
        assert_eq!(after(switched, &change(0, Some(9))), None, "never back");
    }
}
