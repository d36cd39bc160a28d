//! The watch: follows every ledger, joins acts as they happen, and raises an alarm within a minute.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use protocol::audit::{Finding, FindingKind};
use protocol::ledger::party_of;
use words::{ActId, Moment, PartyId};

use super::collect::{Collected, Followed, Trouble};
use super::join::{Judged, judge};
use super::reconcile::{Parts, SETTLED_MS, finding};
use crate::{Oversight, store};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// A ledger that was not shown to this room for so long is silent, ms: three heartbeats.
const SILENT_MS: i64 = 60_000;
/// Records of one ledger that are read in a round: after a long absence a room holds a piece of the past at a time, and the others
/// wait for it.
const RECORDS_AT_ONCE: usize = 1_000;
/// An act that cannot be judged for so long, because a room is away, is left to a later reconciliation, ms.
const GIVE_UP_MS: i64 = 24 * 3_600_000;

#[derive(Default)]
struct Watched {
    followed: HashMap<PartyId, Followed>,
    /// Records of acts that are not judged yet.
    open: BTreeMap<ActId, Vec<Collected>>,
    read: HashMap<PartyId, i64>,
}

impl Oversight {
    /// Watches in the background until the world shuts down.
    pub(crate) fn watch(self: &Arc<Self>) {
        let oversight = Arc::clone(self);
        tokio::spawn(async move {
            let mut watched = Watched::default();
            match store::audited(oversight.house.road.db()).await {
                Ok(seen) => watched.read = seen.into_iter().collect(),
                Err(error) => tracing::error!(%error, "how far the watch had come cannot be read"),
            }
            let mut behind = false;
            loop {
                let rest = if behind { Duration::ZERO } else { ROUND };
                tokio::select! {
                    () = tokio::time::sleep(rest) => {}
                    () = oversight.house.world.shutdown.wait() => return,
                }
                behind = oversight.round(&mut watched).await;
            }
        });
    }

    /// One round. Says whether records are left that it did not come to.
    async fn round(self: &Arc<Self>, watched: &mut Watched) -> bool {
        let now = self.house.now();
        // Until when every ledger was read.
        let mut read_until = now;
        let mut behind = false;
        let mut findings = self.ledgers_at_fault(now).await;
        let mut away = HashSet::new();
        for entry in self.audited_parties() {
            let after = watched.read.get(&entry.id).copied().unwrap_or(0);
            let followed = watched.followed.entry(entry.id.clone()).or_default();
            let read = match followed.follow(&self.house, &entry).await {
                Ok(_) => followed.records(&self.house, &entry, after, Moment(0), RECORDS_AT_ONCE).await,
                Err(trouble) => Err(trouble),
            };
            match read {
                Ok((records, troubles)) => {
                    findings.extend(troubles.iter().filter_map(|trouble| finding(&entry.id, trouble)));
                    let last = records.last().map_or(after, |record| record.seq);
                    let last_at = records.last().map(|record| record.at);
                    let skipped = troubles.iter().filter_map(|trouble| match trouble {
                        Trouble::Record(seq) => Some(*seq),
                        _ => None,
                    });
                    let read = skipped.fold(last, i64::max);
                    watched.read.insert(entry.id.clone(), read);
                    let records_came = !records.is_empty();
                    for record in records {
                        if let Some(act) = record.act {
                            watched.open.entry(act).or_default().push(record);
                        }
                    }
                    if followed.forget(read) && records_came {
                        behind = true;
                        read_until = last_at.map_or(read_until, |at| read_until.min(at));
                    }
                }
                Err(trouble) => {
                    findings.extend(finding(&entry.id, &trouble));
                    away.insert(entry.id.clone());
                    // Followed again from the beginning: what was followed led nowhere.
                    watched.followed.remove(&entry.id);
                }
            }
        }
        let parts = Parts::of(self);
        let around = parts.around(&away, read_until.plus_ms(-SETTLED_MS));
        watched.open.retain(|act, records| {
            let sides: Vec<&Collected> = records.iter().collect();
            match judge(*act, &sides, &around) {
                Judged::Agreed => false,
                Judged::NotYet => records.iter().any(|record| now.since_ms(record.at) < GIVE_UP_MS),
                Judged::Wrong(wrong) => {
                    findings.extend(wrong);
                    false
                }
            }
        });
        for finding in &findings {
            self.raise_finding(finding).await;
        }
        self.keep_place(watched).await;
        behind
    }

    /// Two histories shown to this room as a witness, and ledgers that are not shown to it any more.
    async fn ledgers_at_fault(&self, now: Moment) -> Vec<Finding> {
        let found = |kind, origin: &str, detail: String| {
            party_of(origin).map(|party| Finding { kind, act: None, party, detail })
        };
        let conflicts = self.house.road.take_conflicts();
        let mut findings: Vec<Finding> = conflicts
            .iter()
            .filter_map(|one| found(FindingKind::LedgerConflict, &one.origin, one.refusal.to_string()))
            .collect();
        let known = self.house.directory();
        match self.house.road.witnessed().await {
            Ok(witnessed) => findings.extend(witnessed.into_iter().filter_map(|(origin, size, at)| {
                let silent = now.since_ms(at) > SILENT_MS;
                let listed = party_of(&origin)
                    .is_some_and(|party| known.entry(&party).is_some_and(|entry| !entry.revoked));
                let detail = format!("last shown with {size} entries at {} ms", at.0);
                (silent && listed).then(|| found(FindingKind::LedgerSilent, &origin, detail)).flatten()
            })),
            Err(error) => tracing::error!(%error, "what was witnessed cannot be read"),
        }
        findings
    }

    /// Keeps how far the watch has come: up to the first record of an act that is still open.
    async fn keep_place(&self, watched: &Watched) {
        let mut seen: HashMap<PartyId, i64> = watched.read.clone();
        for record in watched.open.values().flatten() {
            if let Some(seq) = seen.get_mut(&record.party) {
                *seq = (*seq).min(record.seq - 1);
            }
        }
        let seen = seen.into_iter().collect();
        if let Err(error) = store::keep_audited(self.house.road.db(), seen).await {
            tracing::error!(%error, "how far the watch has come cannot be kept");
        }
    }
}
