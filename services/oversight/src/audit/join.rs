//! The sides of each act, joined by its id and held against one another: pure.
//!
//! An inquiry has five sides: the inquirer's (`ask`), linkage's and the trustee's (`inquire`), the provider's (`answer`), the
//! portal's index (`index`). An issue has the registry's, linkage's, the trustee's, the institution's, and the index.

use std::collections::{BTreeMap, HashSet};

use protocol::audit::{Finding, FindingKind};
use words::{ActId, Moment, PartyId};

use super::collect::Collected;

/// What one room says of one act under one verb.
#[derive(Default, Clone)]
struct Side<'a> {
    decision: Option<&'a Collected>,
    outcome: Option<&'a Collected>,
}

impl Side<'_> {
    fn permitted(&self) -> bool {
        self.decision.is_some_and(|record| record.text("decision") == "permitted")
    }

    fn done(&self) -> bool {
        self.outcome.is_some_and(|record| record.text("outcome") == "done")
    }

    fn party(&self) -> Option<&PartyId> {
        self.decision.or(self.outcome).map(|record| &record.party)
    }

    fn said(&self, field: &str) -> Option<&str> {
        [self.decision, self.outcome]
            .into_iter()
            .flatten()
            .find_map(|record| record.fields.get(field).and_then(serde_json::Value::as_str))
    }
}

/// What the join has to know besides the records.
pub(crate) struct Circumstances<'a> {
    /// Rooms that could not be collected in full: what is missing there is not held against them.
    pub(crate) away: &'a HashSet<PartyId>,
    /// The one portal, where there is one.
    pub(crate) portal: Option<&'a PartyId>,
    /// The transcryptors.
    pub(crate) linkage: Option<&'a PartyId>,
    /// The trustee.
    pub(crate) trustee: Option<&'a PartyId>,
    /// Acts with a record younger than this are still under way.
    pub(crate) settled_before: Moment,
}

/// What became of one act in the join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Every side is there, and they agree.
    Agreed,
    /// It is still under way, or a room that must be heard is away.
    NotYet,
    /// Something is wrong.
    Wrong(Vec<Finding>),
}

/// Fields in which linkage and trustee must agree.
const BOTH_TRANSCRYPTORS: [&str; 7] =
    ["inquirer", "provider", "affair", "item", "right", "sent_at", "request"];
/// Fields in which linkage and the provider must agree.
const WITH_PROVIDER: [&str; 5] = ["inquirer", "affair", "item", "right", "request"];
/// Fields in which linkage and the inquirer must agree.
const WITH_INQUIRER: [&str; 3] = ["provider", "affair", "item"];

/// Records by act.
pub(crate) fn by_act(records: &[Collected]) -> BTreeMap<ActId, Vec<&Collected>> {
    let mut acts: BTreeMap<ActId, Vec<&Collected>> = BTreeMap::new();
    for record in records {
        if let Some(act) = record.act {
            acts.entry(act).or_default().push(record);
        }
    }
    acts
}

/// Judges one act.
pub(crate) fn judge(act: ActId, records: &[&Collected], around: &Circumstances<'_>) -> Judged {
    if records.iter().any(|record| record.at >= around.settled_before) {
        return Judged::NotYet;
    }
    let mut sides: BTreeMap<(&str, &str), Side<'_>> = BTreeMap::new();
    for record in records {
        let verb = record.text("verb");
        let side = sides.entry((record.kind.as_str(), verb)).or_default();
        match record.text("step") {
            "decision" => side.decision = Some(record),
            "outcome" => side.outcome = Some(record),
            // A used id that came again, or a request that was turned away: no side of this act.
            _ => {}
        }
    }
    let side = |kind: &str, verb: &str| sides.get(&(kind, verb)).cloned().unwrap_or_default();
    let mut join = Join { act, around, findings: Vec::new(), waits: false };
    let (linkage, trustee) = (side("linkage", "inquire"), side("trustee", "inquire"));
    let (asked, answered) = (side("gateway", "ask"), side("gateway", "answer"));
    if [&linkage, &trustee, &asked, &answered].iter().any(|side| side.party().is_some()) {
        join.inquiry(&asked, &linkage, &trustee, &answered);
    }
    let issues = [
        side("registry", "issue"),
        side("registry", "portal_codes"),
        side("linkage", "issue"),
        side("trustee", "issue"),
    ];
    if issues.iter().any(|side| side.party().is_some()) {
        let [registry, own, linkage, trustee] = &issues;
        let receiver = if own.party().is_some() { side("portal", "issue") } else { side("gateway", "issue") };
        let registry = if own.party().is_some() { own } else { registry };
        join.issue(registry, linkage, trustee, &receiver);
    }
    let index = side("portal", "index");
    let issue = side("linkage", "issue");
    // Codes for the portal itself tell nobody anything about a person.
    let told = issue.decision.is_some() && issue.said("institution") != around.portal.map(PartyId::as_str);
    let known = linkage.decision.is_some() || issue.decision.is_some();
    join.index(&index, linkage.decision.is_some() || told, known);
    join.end()
}

struct Join<'a, 'b> {
    act: ActId,
    around: &'a Circumstances<'b>,
    findings: Vec<Finding>,
    waits: bool,
}

impl Join<'_, '_> {
    fn find(&mut self, kind: FindingKind, party: &PartyId, detail: &str) {
        let finding = Finding { kind, act: Some(self.act), party: party.clone(), detail: detail.to_owned() };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// A side that must be there.
    fn must(&mut self, side: &Side<'_>, party: Option<&PartyId>, what: &str) {
        if side.decision.is_some() {
            return;
        }
        match party {
            Some(party) if !self.around.away.contains(party) => {
                self.find(FindingKind::MissingSide, party, what)
            }
            _ => self.waits = true,
        }
    }

    /// Fields in which two sides must agree.
    fn agree(&mut self, a: &Side<'_>, b: &Side<'_>, fields: &[&str]) {
        for field in fields {
            if let (Some(one), Some(other)) = (a.said(field), b.said(field))
                && one != other
                && let Some(party) = b.party().cloned()
            {
                self.find(FindingKind::Differs, &party, field);
            }
        }
    }

    /// One side's field against another's of another name.
    fn equal(&mut self, a: (&Side<'_>, &str), b: (&Side<'_>, &str)) {
        if let (Some(one), Some(other)) = (a.0.said(a.1), b.0.said(b.1))
            && one != other
            && let Some(party) = b.0.party().cloned()
        {
            self.find(FindingKind::Differs, &party, b.1);
        }
    }

    fn inquiry(&mut self, asked: &Side<'_>, linkage: &Side<'_>, trustee: &Side<'_>, answered: &Side<'_>) {
        let around = self.around;
        let said = |field| {
            linkage.said(field).or_else(|| trustee.said(field)).and_then(|id| PartyId::parse(id).ok())
        };
        let inquirer = said("inquirer").or_else(|| asked.party().cloned());
        let provider = said("provider").or_else(|| answered.party().cloned());
        // Nobody answers what no transcryptor has let pass.
        if let Some(party) = answered.party().cloned() {
            for (side, at) in [(linkage, around.linkage), (trustee, around.trustee)] {
                let away = at.is_none_or(|at| around.away.contains(at));
                if !side.permitted() && !away {
                    self.find(FindingKind::AnsweredWithoutDecision, &party, at.map_or("", PartyId::as_str));
                } else if !side.permitted() {
                    self.waits = true;
                }
            }
        }
        if trustee.party().is_some() {
            self.must(linkage, around.linkage, "inquire");
        }
        if linkage.done() {
            self.must(trustee, around.trustee, "inquire");
            self.must(answered, provider.as_ref(), "answer");
            self.must(asked, inquirer.as_ref(), "ask");
        }
        if asked.done() {
            self.must(linkage, around.linkage, "inquire");
            self.must(trustee, around.trustee, "inquire");
            self.must(answered, provider.as_ref(), "answer");
        }
        self.agree(linkage, trustee, &BOTH_TRANSCRYPTORS);
        self.agree(linkage, answered, &WITH_PROVIDER);
        self.agree(linkage, asked, &WITH_INQUIRER);
        self.equal((linkage, "given"), (trustee, "taken"));
        for (side, field) in [(asked, "inquirer"), (answered, "provider")] {
            if let (Some(named), Some(party)) = (linkage.said(field), side.party().cloned())
                && named != party.as_str()
            {
                self.find(FindingKind::Differs, &party, field);
            }
        }
        // Item 11, what was provided: both ends committed to it, nobody between can have.
        let outcome = |side: &Side<'_>, field: &str| {
            side.outcome.and_then(|record| record.fields.get(field)?.as_str().map(str::to_owned))
        };
        for (a, b, field) in
            [(linkage, trustee, "sealed"), (answered, asked, "content"), (answered, asked, "inquiry")]
        {
            if let (Some(one), Some(other), Some(party)) =
                (outcome(a, field), outcome(b, field), b.party().cloned())
                && one != other
            {
                self.find(FindingKind::Differs, &party, field);
            }
        }
        if asked.done()
            && outcome(answered, "content").is_none()
            && let Some(party) = answered.party().cloned()
            && !around.away.contains(&party)
        {
            self.find(FindingKind::Differs, &party, "content");
        }
    }

    fn issue(&mut self, registry: &Side<'_>, linkage: &Side<'_>, trustee: &Side<'_>, receiver: &Side<'_>) {
        let around = self.around;
        let named = linkage.said("institution").or_else(|| trustee.said("institution"));
        let institution = named.and_then(|id| PartyId::parse(id).ok());
        if linkage.decision.is_some() && registry.decision.is_none() {
            self.waits |=
                registry.party().is_none() && around.away.iter().any(|party| party.as_str() == "registry");
            if !self.waits
                && let Some(party) = linkage.party().cloned()
            {
                self.find(FindingKind::MissingSide, &party, "registry");
            }
        }
        if trustee.party().is_some() {
            self.must(linkage, around.linkage, "issue");
        }
        if receiver.party().is_some() {
            self.must(linkage, around.linkage, "issue");
            self.must(trustee, around.trustee, "issue");
        }
        if linkage.done() {
            self.must(trustee, around.trustee, "issue");
            self.must(receiver, institution.as_ref(), "issue");
        }
        self.agree(linkage, trustee, &["institution", "request"]);
        self.agree(linkage, registry, &["institution"]);
    }

    fn index(&mut self, index: &Side<'_>, due: bool, known: bool) {
        let Some(portal) = self.around.portal.cloned() else { return };
        if due && index.decision.is_none() {
            if self.around.away.contains(&portal) {
                self.waits = true;
            } else {
                self.find(FindingKind::NotIndexed, &portal, "index");
            }
        }
        if index.decision.is_some() && !known {
            match self.around.linkage {
                Some(linkage) if !self.around.away.contains(linkage) => {
                    self.find(FindingKind::IndexedWithoutAct, &portal, "index");
                }
                _ => self.waits = true,
            }
        }
        let unknown = index.decision.and_then(|record| record.fields.get("unknown")?.as_i64()).unwrap_or(0);
        if unknown > 0 {
            self.find(FindingKind::UnknownIndexEntry, &portal, "index");
        }
    }

    fn end(self) -> Judged {
        if !self.findings.is_empty() {
            Judged::Wrong(self.findings)
        } else if self.waits {
            Judged::NotYet
        } else {
            Judged::Agreed
        }
    }
}
