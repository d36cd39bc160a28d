//! The rotation of an institution's codes: an operator's act. Opened here and at the trustee, taken over by the
//! institution, then switched; sessions of the old epoch hold for a bounded time more.
//!
//! Nothing is lost by stopping anywhere: what was opened stays open until somebody goes on with it, the old codes hold until
//! the switch, and the word of the switch is written with its decision and carried until it is taken.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use conversion::{Conversions, Epochs};
use house::{json_bytes, told};
use protocol::rotation::{
    AskChanges, Changes, EPOCHS, EpochChange, NoticeOfEpoch, Rotate, Rotation, TakenOver,
};
use road::{Arrival, Failure, Parcel, Protected, Record, Refused, RoomWrite, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Json, Problem};
use words::{ActId, Epoch, Moment, PartyId, Reason};

use crate::{Here, Linkage};

/// For how long after the switch sessions of the old epoch are taken, ms: longer than any inquiry may take.
const GRACE_MS: u32 = 600_000;
/// How long a replica of the trustee is given to take note.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// How long the institution is given in one call: its batches and a little more.
const WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn rotate(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Rotate>,
) -> Result<Response, Problem> {
    let linkage = here.0;
    let Caller::Inner { role, .. } = &caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let Rotate { party, grace_ms } = body.message;
    let institution = linkage.house.party(&party)?.kind.as_str() == "gateway";
    let _one_at_a_time = linkage.rotating.lock().await;
    let travel = async |step: Step| {
        let id = ActId::new(linkage.house.world.random());
        let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(id.bytes()) };
        let verb = RotateCodes {
            linkage: Arc::clone(&linkage),
            party: party.clone(),
            to: match step {
                Step::TakeOver => Some(linkage.conversions.epochs(&party).opened()),
                Step::Switch(until) => linkage.conversions.epochs(&party).switched(until),
            },
            step,
            institution,
            role: *role,
        };
        linkage.house.road.travel(arrival, verb).await.map_err(told)
    };
    let reply = travel(Step::TakeOver).await?;
    let far: Rotation = wire::read_json(&reply)?;
    if far.left > 0 {
        return Ok(json_bytes(reply));
    }
    let until = linkage.house.now().plus_ms(grace_ms.unwrap_or(GRACE_MS).into());
    let reply = travel(Step::Switch(until)).await?;
    let switched: Rotation = wire::read_json(&reply)?;
    let whole = Rotation { taken: far.taken, ..switched };
    Ok(json_bytes(serde_json::to_vec(&whole).unwrap_or_default()))
}

/// The changes of a party's epochs so far, for a replica of the trustee that missed some: it was away, is new, or was put back from an
/// old backup.
pub(crate) async fn changes(
    State(here): State<Here>,
    body: Json<AskChanges>,
) -> Result<axum::Json<Changes>, Problem> {
    let (house, party) = (&here.0.house, body.message.party);
    let stands = here.0.conversions.epochs(&party);
    let switched = (1..=stands.current.0).map(|number| {
        let epoch = Epoch(number);
        // Of epochs before the last switch nothing is taken any more.
        let until = stands.previous_until.filter(|_| epoch == stands.current);
        (epoch, Some(until.unwrap_or(Moment(0))))
    });
    let opened = stands.upcoming.map(|epoch| (epoch, None));
    let signed = switched.chain(opened).map(|(epoch, old_until)| {
        house.sign(&EpochChange { party: party.clone(), epoch, old_until, at: house.now() })
    });
    Ok(axum::Json(Changes { changes: signed.collect() }))
}

impl Linkage {
    /// Has the scheme forget what it kept for epochs that have ended, for as long as the room runs.
    pub(crate) async fn retire_ended_epochs(self: Arc<Self>) {
        let shutdown = self.house.world.shutdown.clone();
        loop {
            if let Err(reason) = self.conversions.retire_ended().await {
                tracing::error!(%reason, "codes of an ended epoch could not be forgotten; tried again");
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = shutdown.wait() => return,
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    TakeOver,
    Switch(Moment),
}

struct RotateCodes {
    linkage: Arc<Linkage>,
    party: PartyId,
    step: Step,
    /// Where the party's codes stand after this step.
    to: Option<Epochs>,
    institution: bool,
    role: Role,
}

impl RotateCodes {
    fn notice(&self, to: Epochs) -> NoticeOfEpoch {
        let house = &self.linkage.house;
        let (epoch, old_until) = match self.step {
            Step::TakeOver => (to.upcoming.unwrap_or(to.current), None),
            Step::Switch(until) => (to.current, Some(until)),
        };
        let change = EpochChange { party: self.party.clone(), epoch, old_until, at: house.now() };
        NoticeOfEpoch { change: house.sign(&change) }
    }

    /// Tells every replica of the trustee of the opening. One that is away hears of it when it is back; one at least must have
    /// heard before rows come.
    async fn tell_trustees(&self, notice: &NoticeOfEpoch) -> Result<(), Failure> {
        let house = &self.linkage.house;
        let (mut heard, mut not_yet) = (0, Vec::new());
        for trustee in house.trustees().map_err(Failure::new)? {
            match house.post::<TakenOver>(&trustee, EPOCHS, notice, TOLD_WITHIN).await {
                Ok(_) => heard += 1,
                Err(error) => not_yet.push((trustee.id, error)),
            }
        }
        if heard == 0
            && let Some((_, error)) = not_yet.first()
        {
            return Err(Failure::with(error.reason(), "from the trustee"));
        }
        let body = serde_json::to_vec(notice).map_err(|_| Failure::new(Reason::Internal))?;
        for (destination, error) in not_yet {
            tracing::warn!(replica = %destination, %error, "an opening of an epoch is told later");
            let parcel = Parcel { destination, path: EPOCHS, body: body.clone(), held: false };
            let id = ActId::new(house.world.random());
            house.road.send_later(id, parcel).await.map_err(|_| Failure::new(Reason::Internal))?;
        }
        Ok(())
    }
}

impl Verb for RotateCodes {
    const NAME: &'static str = "rotate";
    type Permit = Permit<Operate>;
    type Acted = Rotation;

    fn label(&self) -> String {
        self.party.to_string()
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let permit = decide_operation(Operation::RotateCodes, self.role)?;
        if !self.linkage.house.country.scheme.rotates() || !self.institution || self.to.is_none() {
            return Err(Reason::CannotRotate.into());
        }
        Ok(permit)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("institution", &self.party);
        if let Some(to) = self.to {
            record.set("epoch", to.upcoming.unwrap_or(to.current));
            if let Step::Switch(until) = self.step {
                record.set("old_until", until);
            }
        }
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    fn on_decision(&self, decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        let to = self.to.filter(|_| decided.is_ok())?;
        Some(Conversions::keep_epochs(self.party.clone(), to))
    }

    /// The word of the switch must arrive.
    fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        let (Ok(_), Some(to), Step::Switch(_)) = (decided, self.to, self.step) else { return Vec::new() };
        let trustees = self.linkage.house.trustees().unwrap_or_default();
        let body = serde_json::to_vec(&self.notice(to)).unwrap_or_default();
        let parcel = |destination| Parcel { destination, path: EPOCHS, body: body.clone(), held: false };
        trustees.into_iter().map(|trustee| trustee.id).chain([self.party.clone()]).map(parcel).collect()
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Rotation, Failure> {
        let (house, to) = (&self.linkage.house, self.to.ok_or(Failure::new(Reason::Internal))?);
        self.linkage.conversions.settle_epochs(&self.party, to);
        let epoch = to.upcoming.unwrap_or(to.current);
        let far = |taken: TakenOver, old_until| Rotation {
            party: self.party.clone(),
            epoch,
            taken: taken.taken,
            left: taken.left,
            old_until,
        };
        if let Step::Switch(until) = self.step {
            return Ok(far(TakenOver::default(), Some(until)));
        }
        let notice = self.notice(to);
        let failed =
            |whence: &'static str| move |error: wire::CallError| Failure::with(error.reason(), whence);
        self.tell_trustees(&notice).await?;
        let institution = house.party(&self.party).map_err(Failure::new)?;
        let taken: TakenOver = house
            .post(&institution, EPOCHS, &notice, WITHIN)
            .await
            .map_err(failed("from the institution"))?;
        Ok(far(taken, None))
    }

    fn protect(&self, _permit: &Self::Permit, far: Rotation) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("taken", far.taken).set("left", far.left);
        let reply = serde_json::to_vec(&far).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}
