//! Accrediting institutions and people; suspending, restoring, withdrawing. Acts everywhere with the next poll of the
//! documents.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{json_bytes, told};
use protocol::oversight::{ASSESSED_YEARS, Accredit, AccreditPerson, ChangeStanding, Changed};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{
    Accreditation, AccreditedPerson, Operate, Operation, Pace, Permit, Role, Standing, decide_operation,
};
use serde::Serialize;
use wire::{Caller, Json, Problem};
use words::{ActId, Kind, Moment, PartyId, Reason};

use crate::error::own_database;
use crate::{Here, Oversight, store};

const YEAR_MS: i64 = 366 * 86_400_000;

pub(crate) async fn accredit(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Accredit>,
) -> Result<Response, Problem> {
    here.0.accredit(&caller, body.message).await.map(json_bytes)
}

pub(crate) async fn change_standing(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(party): Path<String>,
    body: Json<ChangeStanding>,
) -> Result<Response, Problem> {
    here.0.change_standing(&caller, PartyId::parse(&party)?, body.message).await.map(json_bytes)
}

pub(crate) async fn accredit_person(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(party): Path<String>,
    body: Json<AccreditPerson>,
) -> Result<Response, Problem> {
    here.0.accredit_person(&caller, PartyId::parse(&party)?, body.message).await.map(json_bytes)
}

/// What an officer writes beside a change.
fn checked(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Problem::with(Reason::Malformed, "`reason` has 1 to 500 characters."));
    }
    Ok(reason.to_owned())
}

impl Oversight {
    /// The kinds of institution the whitelist speaks of.
    pub(crate) fn kinds(&self) -> Result<Vec<Kind>, Problem> {
        let mut kinds: Vec<Kind> =
            self.list()?.rows.into_iter().flat_map(|row| [row.inquirer_kind, row.provider_kind]).collect();
        kinds.sort();
        kinds.dedup();
        Ok(kinds)
    }

    /// Accredits an institution, or assesses one anew; the JSON of the new version.
    pub(crate) async fn accredit(&self, caller: &Caller, message: Accredit) -> Result<Vec<u8>, Problem> {
        let Accredit { party, kind, assessed_until, holds_number, reason } = message.clone();
        let (house, now) = (&self.house, self.house.now());
        let certified = house.party(&party).is_ok_and(|entry| entry.kind.as_str() == "gateway");
        if !certified {
            let detail =
                "The authority has certified no such institution. It is certified first, then accredited.";
            return Err(Problem::with(Reason::UnknownParty, detail));
        }
        let kinds = self.kinds()?;
        if !kinds.contains(&kind) {
            let known: Vec<&str> = kinds.iter().map(Kind::as_str).collect();
            let detail = format!("`kind` must be one the whitelist speaks of: {}.", known.join(", "));
            return Err(Problem::with(Reason::Malformed, detail));
        }
        if assessed_until.is_some_and(|until| until <= now || until.since_ms(now) > ASSESSED_YEARS * YEAR_MS)
        {
            let detail = format!("`assessed_until` lies at most {ASSESSED_YEARS} years ahead.");
            return Err(Problem::with(Reason::Malformed, detail));
        }
        let (_, all) = store::accreditations(house.road.db()).await.map_err(own_database)?;
        let people = all.into_iter().find(|one| one.party == party).map(|known| known.people);
        let standing = Standing::Active;
        let people = people.unwrap_or_default();
        let new = Accreditation { party, kind, standing, assessed_until, holds_number, people };
        self.put(caller, new, "accredit", checked(&reason)?, &message).await
    }

    /// Changes an institution's standing; the JSON of the new version.
    pub(crate) async fn change_standing(
        &self,
        caller: &Caller,
        party: PartyId,
        message: ChangeStanding,
    ) -> Result<Vec<u8>, Problem> {
        let known = self.known(&party).await?;
        let new = Accreditation { standing: message.standing, ..known };
        self.put(caller, new, "standing", checked(&message.reason)?, &(&party, &message)).await
    }

    /// Accredits a person on duty, or changes how that person stands; the JSON of the new version.
    pub(crate) async fn accredit_person(
        &self,
        caller: &Caller,
        party: PartyId,
        message: AccreditPerson,
    ) -> Result<Vec<u8>, Problem> {
        let mut new = self.known(&party).await?;
        let AccreditPerson { staff, standing, reason } = message.clone();
        let listed = new.people.iter().any(|one| one.staff == staff);
        if standing != Standing::Active && !listed {
            return Err(Problem::with(Reason::NotFound, "No such person of that institution is accredited."));
        }
        new.people.retain(|one| one.staff != staff);
        if standing != Standing::Withdrawn {
            new.people.push(AccreditedPerson { staff, standing });
        }
        new.people.sort_by(|a, b| a.staff.cmp(&b.staff));
        self.put(caller, new, "person", checked(&reason)?, &(&party, &message)).await
    }

    async fn known(&self, party: &PartyId) -> Result<Accreditation, Problem> {
        let (_, all) = store::accreditations(self.house.road.db()).await.map_err(own_database)?;
        let known = all.into_iter().find(|one| one.party == *party);
        known.ok_or(Problem::with(Reason::UnknownParty, "No such institution is accredited."))
    }

    async fn put(
        &self,
        caller: &Caller,
        new: Accreditation,
        change: &'static str,
        officers_reason: String,
        message: &(impl Serialize + Sync),
    ) -> Result<Vec<u8>, Problem> {
        let house = &self.house;
        let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let (version, _) = store::accreditations(house.road.db()).await.map_err(own_database)?;
        let arrival = Arrival {
            id: ActId::new(house.world.random()),
            caller: caller.label(),
            request_hash: seal::sha256(&serde_json::to_vec(message).unwrap_or_default()),
        };
        let verb = Change { new, change, officers_reason, role: *role, next: version + 1 };
        house.road.travel(arrival, verb).await.map_err(told)
    }
}

struct Change {
    new: Accreditation,
    /// `accredit`, `standing` or `person`.
    change: &'static str,
    officers_reason: String,
    role: Role,
    next: i64,
}

impl Verb for Change {
    const NAME: &'static str = "change_standing";
    type Permit = Permit<Operate>;
    type Acted = Accreditation;

    fn label(&self) -> String {
        self.new.party.to_string()
    }

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::ChangeAccreditation, self.role)?)
    }

    /// The accreditation as it is from now on, people included: what was changed can be told from the one before.
    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record
            .set("party", &self.new.party)
            .set("change", self.change)
            .set("standing", self.new.standing)
            .set("accreditation", serde_json::to_value(&self.new).unwrap_or_default())
            .set("officers_reason", &self.officers_reason);
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Accreditation, Failure> {
        Ok(self.new.clone())
    }

    fn protect(&self, _permit: &Self::Permit, new: Accreditation) -> Result<Protected, Failure> {
        let reply = serde_json::to_vec(&Changed { version: self.next })
            .map_err(|_| Failure::new(Reason::Internal))?;
        // The change and its outcome are one transaction.
        Ok(Protected {
            reply,
            record: Record::new(),
            writes: Some(Box::new(move |write| store::put(write, &new).map(|_| ()))),
            keep: true,
        })
    }
}
