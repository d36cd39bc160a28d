//! The sides of each act, joined by its id and held against one another: pure.
//!
//! An inquiry has five sides: the inquirer's or, for a person who looks, the portal's (`ask`), linkage's and the trustee's (`inquire`), the provider's (`answer`), the
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

/// What the trustee's replicas say of one act. An act is brought to one, and to the next where that one was lost on the way:
/// together they are one body, whose word is that of the one that brought the act furthest; what any of them says must agree.
struct Replicas<'a>(Vec<Side<'a>>);

impl<'a> Replicas<'a> {
    fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The one that brought the act furthest.
    fn word(&self) -> Side<'a> {
        self.0.iter().max_by_key(|side| (side.done(), side.permitted())).cloned().unwrap_or_default()
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
    /// The trustee's replicas.
    pub(crate) trustees: &'a [PartyId],
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
    let mut replicas: BTreeMap<(&str, &PartyId), Side<'_>> = BTreeMap::new();
    for record in records {
        let verb = record.text("verb");
        let side = match record.kind.as_str() {
            "trustee" => replicas.entry((verb, &record.party)).or_default(),
            kind => sides.entry((kind, verb)).or_default(),
        };
        match record.text("step") {
            "decision" => side.decision = Some(record),
            "outcome" => side.outcome = Some(record),
            // A used id that came again, or a request that was turned away: no side of this act.
            _ => {}
        }
    }
    let side = |kind: &str, verb: &str| sides.get(&(kind, verb)).cloned().unwrap_or_default();
    let trustee = |verb: &str| {
        Replicas(replicas.iter().filter(|(key, _)| key.0 == verb).map(|(_, side)| side.clone()).collect())
    };
    let mut join = Join { act, around, findings: Vec::new(), waits: false };
    let (linkage, of_trustee) = (side("linkage", "inquire"), trustee("inquire"));
    // A person who looks at what is held asks through the portal.
    let own = side("portal", "ask");
    let asked = if own.party().is_some() { own } else { side("gateway", "ask") };
    let answered = side("gateway", "answer");
    let begun = [&linkage, &asked, &answered].iter().any(|side| side.party().is_some());
    if begun || of_trustee.any() {
        join.inquiry(&asked, &linkage, &of_trustee, &answered);
    }
    let of_trustee = trustee("issue");
    let issues = [side("registry", "issue"), side("registry", "portal_codes"), side("linkage", "issue")];
    if of_trustee.any() || issues.iter().any(|side| side.party().is_some()) {
        let [registry, own, linkage] = &issues;
        let receiver = if own.party().is_some() { side("portal", "issue") } else { side("gateway", "issue") };
        let registry = if own.party().is_some() { own } else { registry };
        join.issue(registry, linkage, &of_trustee, &receiver);
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

    /// What the trustee must have: a record of one of its replicas.
    fn must_trustee(&mut self, word: &Side<'_>, what: &str) {
        let around = self.around;
        let away = around.trustees.iter().find(|replica| around.away.contains(*replica));
        // What is missing may lie with the replica that is away.
        self.must(word, away.or(around.trustees.first()), what);
    }

    fn inquiry(
        &mut self,
        asked: &Side<'_>,
        linkage: &Side<'_>,
        replicas: &Replicas<'_>,
        answered: &Side<'_>,
    ) {
        let around = self.around;
        let trustee = &replicas.word();
        let said = |field| {
            linkage.said(field).or_else(|| trustee.said(field)).and_then(|id| PartyId::parse(id).ok())
        };
        let inquirer = said("inquirer").or_else(|| asked.party().cloned());
        let provider = said("provider").or_else(|| answered.party().cloned());
        // Nobody answers what no transcryptor has let pass.
        if let Some(party) = answered.party().cloned() {
            let replicas: Vec<_> = around.trustees.iter().collect();
            for (side, at) in [(linkage, around.linkage.as_slice()), (trustee, replicas.as_slice())] {
                let away = at.is_empty() || at.iter().any(|at| around.away.contains(*at));
                if !side.permitted() && !away {
                    let at = at.first().map_or("", |at| at.as_str());
                    self.find(FindingKind::AnsweredWithoutDecision, &party, at);
                } else if !side.permitted() {
                    self.waits = true;
                }
            }
        }
        if trustee.party().is_some() {
            self.must(linkage, around.linkage, "inquire");
        }
        if linkage.done() {
            self.must_trustee(trustee, "inquire");
            self.must(answered, provider.as_ref(), "answer");
            self.must(asked, inquirer.as_ref(), "ask");
        }
        if asked.done() {
            self.must(linkage, around.linkage, "inquire");
            self.must_trustee(trustee, "inquire");
            self.must(answered, provider.as_ref(), "answer");
        }
        for replica in &replicas.0 {
            self.agree(linkage, replica, &BOTH_TRANSCRYPTORS);
            self.equal((linkage, "given"), (replica, "taken"));
        }
        self.agree(linkage, answered, &WITH_PROVIDER);
        self.agree(linkage, asked, &WITH_INQUIRER);
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

    fn issue(
        &mut self,
        registry: &Side<'_>,
        linkage: &Side<'_>,
        replicas: &Replicas<'_>,
        receiver: &Side<'_>,
    ) {
        let around = self.around;
        let trustee = &replicas.word();
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
            self.must_trustee(trustee, "issue");
        }
        if linkage.done() {
            self.must_trustee(trustee, "issue");
            self.must(receiver, institution.as_ref(), "issue");
        }
        for replica in &replicas.0 {
            self.agree(linkage, replica, &["institution", "request"]);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, json};

    fn party(id: &str) -> PartyId {
        PartyId::parse(id).unwrap()
    }

    const ACT: ActId = ActId::new([7; 16]);

    fn record(party_id: &str, kind: &str, fields: Value) -> Collected {
        let Value::Object(fields) = fields else { unreachable!() };
        Collected {
            party: party(party_id),
            kind: kind.into(),
            seq: 1,
            at: Moment(1000),
            act: Some(ACT),
            fields,
        }
    }

    /// The records of one inquiry that was answered, as the rooms write them.
    fn inquiry() -> Vec<Collected> {
        let core = json!({"verb": "inquire", "step": "decision", "decision": "permitted", "inquirer": "town", "provider": "tax",
            "affair": "child-allowance", "item": "income", "right": "law", "sent_at": 900, "request": "aa", "given": "g1", "taken": "t0"});
        let with = |base: &Value, more: Value| {
            let mut all: Map<String, Value> = base.as_object().unwrap().clone();
            all.extend(more.as_object().unwrap().clone());
            Value::Object(all)
        };
        let outcome = |verb: &str, more: Value| {
            with(&json!({"verb": verb, "step": "outcome", "outcome": "done"}), more)
        };
        vec![
            record("linkage", "linkage", core.clone()),
            record("linkage", "linkage", outcome("inquire", json!({"sealed": "ss"}))),
            record("trustee", "trustee", with(&core, json!({"taken": "g1", "given": "g2"}))),
            record("trustee", "trustee", outcome("inquire", json!({"sealed": "ss", "given": "g2"}))),
            record(
                "town",
                "gateway",
                json!({"verb": "ask", "step": "decision", "decision": "permitted", "provider": "tax", "affair": "child-allowance", "item": "income", "request": "zz"}),
            ),
            record("town", "gateway", outcome("ask", json!({"content": "cc", "inquiry": "aa"}))),
            record(
                "tax",
                "gateway",
                json!({"verb": "answer", "step": "decision", "decision": "permitted", "inquirer": "town", "affair": "child-allowance", "item": "income", "right": "law", "request": "aa"}),
            ),
            record("tax", "gateway", outcome("answer", json!({"content": "cc", "inquiry": "aa"}))),
            record(
                "portal",
                "portal",
                json!({"verb": "index", "step": "decision", "decision": "permitted", "entries": 1, "unknown": 0}),
            ),
        ]
    }

    fn judged(records: &[Collected], away: &[&str]) -> Judged {
        let away: HashSet<PartyId> = away.iter().map(|id| party(id)).collect();
        let (portal, linkage) = (party("portal"), party("linkage"));
        let around = Circumstances {
            away: &away,
            portal: Some(&portal),
            linkage: Some(&linkage),
            trustees: &[party("trustee"), party("trustee-2")],
            settled_before: Moment(5000),
        };
        judge(ACT, &records.iter().collect::<Vec<_>>(), &around)
    }

    fn findings(records: &[Collected]) -> Vec<(FindingKind, String, String)> {
        match judged(records, &[]) {
            Judged::Wrong(found) => {
                found.into_iter().map(|one| (one.kind, one.party.to_string(), one.detail)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn without(keep: impl Fn(&Collected) -> bool) -> Vec<Collected> {
        inquiry().into_iter().filter(keep).collect()
    }

    #[test]
    fn an_inquiry_with_all_sides_agrees() {
        assert_eq!(judged(&inquiry(), &[]), Judged::Agreed);
        let mut young = inquiry();
        young[0].at = Moment(6000);
        assert_eq!(judged(&young, &[]), Judged::NotYet, "still under way");
    }

    /// What the other replica has of an act that it took over.
    fn taken_over() -> Vec<Collected> {
        let mut other = without(|one| one.party.as_str() == "trustee");
        other.iter_mut().for_each(|one| one.party = party("trustee-2"));
        other
    }

    #[test]
    fn a_replica_that_took_over_speaks_for_the_one_that_was_lost_and_each_must_agree() {
        // The first one decided, and is not heard of again.
        let lost = |one: &Collected| one.party.as_str() != "trustee" || one.text("step") == "decision";
        let records = [without(lost), taken_over()].concat();
        assert_eq!(judged(&records, &[]), Judged::Agreed);
        // It had refused, for a reason of its own.
        let mut records = records;
        records[2].fields.insert("decision".into(), "refused".into());
        assert_eq!(judged(&records, &[]), Judged::Agreed);
        // What it had taken was something else.
        records[2].fields.insert("taken".into(), "another".into());
        assert_eq!(findings(&records), [(FindingKind::Differs, "trustee".into(), "taken".into())]);
        // No replica has it; one of them is away, and may.
        let none = without(|one| one.party.as_str() != "trustee");
        assert_eq!(judged(&none, &["trustee-2"]), Judged::NotYet);
        assert!(matches!(judged(&none, &[]), Judged::Wrong(_)));
    }

    #[test]
    fn each_side_that_is_missing_is_named() {
        for (room, detail) in [("town", "ask"), ("trustee", "inquire"), ("tax", "answer")] {
            let records = without(|one| one.party.as_str() != room);
            let found = findings(&records);
            assert!(
                found.contains(&(FindingKind::MissingSide, room.into(), detail.into()))
                    || found.contains(&(FindingKind::AnsweredWithoutDecision, "tax".into(), room.into())),
                "{room}: {found:?}"
            );
            assert_eq!(
                judged(&records, &[room]),
                Judged::NotYet,
                "{room} is away, and nothing is held against it"
            );
        }
        let no_linkage = findings(&without(|one| one.party.as_str() != "linkage"));
        assert!(no_linkage.contains(&(FindingKind::MissingSide, "linkage".into(), "inquire".into())));
        assert!(no_linkage.contains(&(FindingKind::AnsweredWithoutDecision, "tax".into(), "linkage".into())));
        let no_index = findings(&without(|one| one.kind != "portal"));
        assert_eq!(no_index, [(FindingKind::NotIndexed, "portal".into(), "index".into())]);
    }

    #[test]
    fn an_answer_that_nobody_decided_on_and_an_entry_of_no_act_are_found() {
        let alone = findings(&without(|one| one.party.as_str() == "tax"));
        assert_eq!(
            alone,
            [
                (FindingKind::AnsweredWithoutDecision, "tax".into(), "linkage".into()),
                (FindingKind::AnsweredWithoutDecision, "tax".into(), "trustee".into()),
            ]
        );
        let mut refused = inquiry();
        refused[2].fields.insert("decision".into(), "refused".into());
        assert!(
            findings(&refused).contains(&(
                FindingKind::AnsweredWithoutDecision,
                "tax".into(),
                "trustee".into()
            )),
            "the trustee had refused"
        );
        let entry = findings(&without(|one| one.kind == "portal"));
        assert_eq!(entry, [(FindingKind::IndexedWithoutAct, "portal".into(), "index".into())]);
        let mut unknown = inquiry();
        unknown[8].fields.insert("unknown".into(), 1.into());
        assert_eq!(findings(&unknown), [(FindingKind::UnknownIndexEntry, "portal".into(), "index".into())]);
    }

    #[test]
    fn sides_that_differ_are_named_with_the_field() {
        for (at, field, expected_party) in [
            (2, "item", "trustee"),
            (2, "taken", "trustee"),
            (2, "request", "trustee"),
            (3, "sealed", "trustee"),
            (4, "provider", "town"),
            (5, "content", "town"),
            (6, "right", "tax"),
            (6, "inquirer", "tax"),
        ] {
            let mut records = inquiry();
            records[at].fields.insert(field.into(), "another".into());
            let found = findings(&records);
            assert!(
                found.contains(&(FindingKind::Differs, expected_party.into(), field.into())),
                "{field} of {expected_party}: {found:?}"
            );
        }
        let mut other = inquiry();
        other[4].party = party("ward");
        other[5].party = party("ward");
        assert!(findings(&other).contains(&(FindingKind::Differs, "ward".into(), "inquirer".into())));
        let mut silent = inquiry();
        silent[7].fields.remove("content");
        assert_eq!(findings(&silent), [(FindingKind::Differs, "tax".into(), "content".into())]);
    }

    #[test]
    fn a_refused_inquiry_needs_its_index_entry_and_no_more() {
        let mut refused: Vec<Collected> = inquiry()
            .into_iter()
            .filter(|one| {
                one.kind == "portal"
                    || one.text("verb") == "inquire"
                        && one.party.as_str() == "linkage"
                        && one.text("step") == "decision"
            })
            .collect();
        refused[0].fields.insert("decision".into(), "refused".into());
        assert_eq!(judged(&refused, &[]), Judged::Agreed);
        refused.truncate(1);
        assert_eq!(findings(&refused), [(FindingKind::NotIndexed, "portal".into(), "index".into())]);
    }
}
