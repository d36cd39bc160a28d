//! A reconciliation over a time, as an officer asks for it: collected anew, joined, judged.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{json_bytes, told};
use protocol::audit::{Finding, FindingKind, LedgerSeen, Reconcile, Reconciliation};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use wire::{Caller, Json, Problem};
use words::{ActId, Moment, PartyId, Reason};

use super::collect::{Collected, Followed, Trouble};
use super::join::{Circumstances, Judged, by_act, judge};
use crate::{Here, Oversight};

/// An act without a record for this long has settled, ms: every side had time to write, and the index to travel.
pub(super) const SETTLED_MS: i64 = 30_000;

pub(crate) async fn reconcile(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<Reconcile>,
) -> Result<Response, Problem> {
    here.0.reconcile(&caller, body.message).await.map(json_bytes)
}

impl Oversight {
    /// Reconciles over a time, for an officer; the JSON of a [`Reconciliation`].
    pub(crate) async fn reconcile(
        self: &Arc<Self>,
        caller: &Caller,
        over: Reconcile,
    ) -> Result<Vec<u8>, Problem> {
        let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
        let arrival = Arrival {
            id: ActId::new(self.house.world.random()),
            caller: caller.label(),
            request_hash: seal::sha256(&serde_json::to_vec(&over).unwrap_or_default()),
        };
        let verb = ReconcileRecords { oversight: Arc::clone(self), over, role: *role };
        self.house.road.travel(arrival, verb).await.map_err(told)
    }
}

struct ReconcileRecords {
    oversight: Arc<Oversight>,
    over: Reconcile,
    role: Role,
}

impl Verb for ReconcileRecords {
    const NAME: &'static str = "reconcile";
    type Permit = Permit<Operate>;
    type Acted = Reconciliation;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::Audit, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("from", self.over.from).set("to", self.over.to);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Reconciliation, Failure> {
        Ok(self.oversight.reconcile_over(self.over).await)
    }

    fn protect(&self, _permit: &Self::Permit, found: Reconciliation) -> Result<Protected, Failure> {
        let mut record = Record::new();
        record.set("acts", found.acts).set("agreed", found.agreed).set("findings", found.findings.len());
        let reply = serde_json::to_vec(&found).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }
}

/// What a room's trouble means as a finding; none where the room is only away.
pub(super) fn finding(party: &PartyId, trouble: &Trouble) -> Option<Finding> {
    let (kind, detail) = match trouble {
        Trouble::Away => return None,
        Trouble::Broken(what) => (FindingKind::LedgerBroken, (*what).to_owned()),
        Trouble::Record(seq) => (FindingKind::RecordNotInLedger, format!("record {seq}")),
        Trouble::Clock(seq) => (FindingKind::ClockBack, format!("record {seq}")),
    };
    Some(Finding { kind, act: None, party: party.clone(), detail })
}

/// Who plays which part, for the join.
pub(super) struct Parts {
    portal: Option<PartyId>,
    linkage: Option<PartyId>,
    trustees: Vec<PartyId>,
}

impl Parts {
    pub(super) fn of(oversight: &Oversight) -> Self {
        let only = |kind| oversight.house.only(kind).ok().map(|entry| entry.id);
        let trustees = oversight.house.trustees().unwrap_or_default();
        let trustees = trustees.into_iter().map(|entry| entry.id).collect();
        Self { portal: only("portal"), linkage: only("linkage"), trustees }
    }

    pub(super) fn around<'a>(
        &'a self,
        away: &'a HashSet<PartyId>,
        settled_before: Moment,
    ) -> Circumstances<'a> {
        Circumstances {
            away,
            portal: self.portal.as_ref(),
            linkage: self.linkage.as_ref(),
            trustees: &self.trustees,
            settled_before,
        }
    }
}

impl Oversight {
    /// Everybody whose records are collected: all parties but the own room, whose records lie here.
    pub(crate) fn audited_parties(&self) -> Vec<protocol::directory::Entry> {
        let directory = self.house.directory();
        let kinds = ["authority", "linkage", "trustee", "registry", "portal", "research", "gateway"];
        kinds.iter().flat_map(|kind| directory.of_kind(kind)).cloned().collect()
    }

    async fn reconcile_over(&self, over: Reconcile) -> Reconciliation {
        let now = self.house.now();
        let from = over.from.unwrap_or(Moment(0));
        let to = over.to.unwrap_or(now);
        let (mut records, mut ledgers, mut findings) = (Vec::<Collected>::new(), Vec::new(), Vec::new());
        let mut away = HashSet::new();
        for entry in self.audited_parties() {
            let mut followed = Followed::default();
            let size = followed.follow(&self.house, &entry).await;
            let read = match &size {
                Ok(_) => followed.records(&self.house, &entry, 0, from, usize::MAX).await,
                Err(trouble) => Err(trouble.clone()),
            };
            let seen = |records, verified| LedgerSeen {
                party: entry.id.clone(),
                size: *size.as_ref().unwrap_or(&0),
                records,
                verified,
            };
            match read {
                Ok((found, troubles)) => {
                    // A clock that was wrong is a finding; the records are the ledger's all the same.
                    let whole = troubles.iter().all(|trouble| matches!(trouble, Trouble::Clock(_)));
                    ledgers.push(seen(found.len(), Some(whole)));
                    findings.extend(troubles.iter().filter_map(|trouble| finding(&entry.id, trouble)));
                    records.extend(found);
                }
                Err(trouble) => {
                    let broken = finding(&entry.id, &trouble);
                    ledgers.push(seen(0, broken.as_ref().map(|_| false)));
                    findings.extend(broken);
                    away.insert(entry.id.clone());
                }
            }
        }
        let parts = Parts::of(self);
        let settled = Moment(to.0.min(now.plus_ms(-SETTLED_MS).0));
        let (mut acts, mut agreed, mut not_judged) = (0, 0, 0);
        for (act, sides) in by_act(&records) {
            // An act belongs to the time in which it began.
            let begun = sides.iter().map(|record| record.at).min();
            if begun.is_none_or(|begun| begun < from || begun >= to) {
                continue;
            }
            acts += 1;
            match judge(act, &sides, &parts.around(&away, settled)) {
                Judged::Agreed => agreed += 1,
                Judged::NotYet => not_judged += 1,
                Judged::Wrong(wrong) => findings.extend(wrong),
            }
        }
        findings.sort();
        findings.dedup();
        Reconciliation { from: over.from, to, ledgers, acts, agreed, not_judged, findings }
    }
}
