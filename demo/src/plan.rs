//! The inquiries of a run, each with what must come of it, settled before the first is sent.

use std::{fs, path::Path};

use serde::Serialize;
use serde_json::Value;

use crate::{DemoError, institution::Institution, kinds::Kind, planner, truth::Truth};

/// Why a provider gives nothing. The inquirer is told only `not_answered`; the provider's record has the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// The person is no linked customer there.
    UnknownCode,
    /// A protected person.
    Shielded,
    /// Birth date or sex do not fit.
    GuardMismatch,
    /// A customer, but without that item.
    NoRecord,
}

/// Why an inquiry is refused, told plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No law lets this inquirer ask this provider for this affair.
    NotOnList,
    /// The affair is on the list without this item.
    ItemNotCovered,
    /// The inquirer's accreditation is suspended.
    AccreditationSuspended,
    /// The item needs the person's consent, and none came along.
    ConsentRequired,
    /// One of the two is not accredited.
    NotAccredited,
    /// The impact assessment of one of the two is not approved.
    ImpactAssessmentMissing,
    /// The inquiry's time has passed.
    Expired,
    /// The inquiry's time lies in the future.
    NotYetValid,
    /// The act id was used before.
    Replayed,
    /// At the own desk: the customer has no code.
    NoCode,
    /// At the own desk: nobody has that customer number.
    NoCustomer,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 11] = [
        Refusal::NotOnList,
        Refusal::ItemNotCovered,
        Refusal::AccreditationSuspended,
        Refusal::ConsentRequired,
        Refusal::NotAccredited,
        Refusal::ImpactAssessmentMissing,
        Refusal::Expired,
        Refusal::NotYetValid,
        Refusal::Replayed,
        Refusal::NoCode,
        Refusal::NoCustomer,
    ];
}

/// What must come of an inquiry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Expected {
    /// This content.
    Answered {
        /// The item as the provider's data has it.
        content: Value,
    },
    /// `not_answered`, for this reason in the provider's record.
    NotAnswered {
        /// The reason.
        why: Unanswered,
    },
    /// A plain refusal.
    Refused {
        /// The reason.
        reason: Refusal,
    },
}

/// How an inquiry is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sending {
    /// As a clerk sends it.
    Normal,
    /// With a time far in the past.
    Late,
    /// With a time far in the future.
    Early,
    /// With the act id of inquiry `of`, which went before; other bytes.
    WithIdOf(usize),
    /// While the inquirer's accreditation is suspended.
    WhileSuspended,
}

/// One inquiry to be made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedInquiry {
    /// Position in the plan.
    pub n: usize,
    /// Which kind it is of; where it is to be refused, provider and item may be others.
    pub kind: &'static Kind,
    /// Who asks.
    pub inquirer: Institution,
    /// About whom: the inquirer's number.
    pub number: String,
    /// Who is asked.
    pub provider: Institution,
    /// For what affair.
    pub affair: &'static str,
    /// What item.
    pub item: &'static str,
    /// How it is sent.
    pub sending: Sending,
    /// What must come of it.
    pub expected: Expected,
    /// The inquirer's number of the person whose case this is, where the affair concerns a family: every inquiry with the
    /// same one belongs to it, and each is an act about one person.
    pub family_of: Option<String>,
}

/// The inquiries of a run, in order: first the normal, late and early ones, in no order of their own; then those with a
/// used id; last those made under suspension.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// What it was made from.
    pub seed: u64,
    /// In order.
    pub inquiries: Vec<PlannedInquiry>,
}

impl Plan {
    /// Plans `count` inquiries, some of every case that the data allow; the same each time.
    pub fn make(truth: &Truth, seed: u64, count: usize) -> Plan {
        Plan { seed, inquiries: planner::inquiries(truth, seed, count) }
    }

    /// Writes it as JSON.
    pub fn write(&self, file: &Path) -> Result<(), DemoError> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(file, serde_json::to_vec(self)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Customers, Link, Population};
    use std::collections::{BTreeMap, BTreeSet};

    fn truth(residents: u32) -> Truth {
        let population = Population::generate(5, residents);
        Truth::about(&Customers::make(&population), &population)
    }

    #[test]
    fn a_seed_gives_one_plan_of_the_size_asked_for() {
        let truth = truth(2_000);
        let plan = Plan::make(&truth, 1, 600);
        assert_eq!(plan, Plan::make(&truth, 1, 600));
        assert_ne!(plan, Plan::make(&truth, 2, 600));
        assert_eq!(plan.inquiries.len(), 600);
        assert!(plan.inquiries.iter().enumerate().all(|(n, inquiry)| inquiry.n == n));
    }

    #[test]
    fn every_case_of_the_issue_occurs_even_in_a_small_run() {
        for (residents, count) in [(500, 150), (10_000, 3_000)] {
            let plan = Plan::make(&truth(residents), 1, count);
            let has =
                |expected: &dyn Fn(&Expected) -> bool| plan.inquiries.iter().any(|i| expected(&i.expected));
            for reason in Refusal::ALL {
                assert!(has(&|e| *e == Expected::Refused { reason }), "{residents} {reason:?}");
            }
            for why in [
                Unanswered::UnknownCode,
                Unanswered::NoRecord,
                Unanswered::Shielded,
                Unanswered::GuardMismatch,
            ] {
                assert!(has(&|e| *e == Expected::NotAnswered { why }), "{residents} {why:?}");
            }
            let rows = crate::whitelist();
            for kind in Kind::ALL.iter().filter(|kind| !kind.row(&rows).unwrap().consent) {
                let answered = plan.inquiries.iter().filter(|inquiry| {
                    inquiry.kind == kind && matches!(inquiry.expected, Expected::Answered { .. })
                });
                assert!(answered.count() > count / 60, "{residents} {}", kind.id());
            }
        }
    }

    #[test]
    fn expectations_follow_from_the_truth() {
        let truth = truth(2_000);
        for inquiry in Plan::make(&truth, 1, 1_000).inquiries {
            if inquiry.expected == (Expected::Refused { reason: Refusal::NoCustomer }) {
                assert_eq!(truth.row(inquiry.inquirer, &inquiry.number), None);
                continue;
            }
            let row = truth.row(inquiry.inquirer, &inquiry.number).unwrap();
            assert_ne!(inquiry.inquirer, inquiry.provider);
            match inquiry.expected {
                Expected::Refused { reason: Refusal::NoCode } => assert_ne!(row.expected, Link::Linked),
                Expected::Refused { .. } => assert_eq!(row.expected, Link::Linked),
                Expected::Answered { content } => {
                    let there = truth.linked(inquiry.provider, row.resident.unwrap()).unwrap();
                    assert_eq!(there.items[inquiry.item], content);
                    assert!(!there.shielded && !there.slips && !row.slips);
                }
                Expected::NotAnswered { why } => {
                    let there = truth.linked(inquiry.provider, row.resident.unwrap());
                    match why {
                        Unanswered::UnknownCode => assert!(there.is_none()),
                        Unanswered::Shielded => assert!(there.unwrap().shielded),
                        Unanswered::GuardMismatch => assert!(row.slips || there.unwrap().slips),
                        Unanswered::NoRecord => assert!(!there.unwrap().items.contains_key(inquiry.item)),
                    }
                }
            }
        }
    }

    /// The same question under a used id would be the same act, and rightly answered.
    #[test]
    fn a_used_id_comes_with_another_question() {
        let truth = truth(300);
        let mut used = 0;
        for seed in 0..40 {
            let plan = Plan::make(&truth, seed, 300);
            for inquiry in &plan.inquiries {
                let Sending::WithIdOf(of) = inquiry.sending else { continue };
                let asked = |one: &PlannedInquiry| (one.number.clone(), one.affair, one.item, one.provider);
                assert_ne!(asked(&plan.inquiries[of]), asked(inquiry), "seed {seed}");
                used += 1;
            }
        }
        assert!(used > 40, "{used}");
    }

    #[test]
    fn used_ids_come_after_their_first_use_and_suspensions_last() {
        let plan = Plan::make(&truth(2_000), 1, 1_000);
        let mut phase = 0;
        for inquiry in &plan.inquiries {
            let here = match inquiry.sending {
                Sending::Normal | Sending::Late | Sending::Early => 0,
                Sending::WithIdOf(of) => {
                    assert!(of < inquiry.n);
                    assert_eq!(plan.inquiries[of].inquirer, inquiry.inquirer);
                    assert!(matches!(plan.inquiries[of].expected, Expected::Answered { .. }));
                    1
                }
                Sending::WhileSuspended => 2,
            };
            assert!(here >= phase);
            phase = here;
        }
        assert_eq!(phase, 2);
    }

    #[test]
    fn each_of_a_family_is_asked_about_alone() {
        for (residents, count) in [(500, 150), (2_000, 1_000)] {
            let truth = truth(residents);
            let plan = Plan::make(&truth, 1, count);
            let mut families: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for inquiry in &plan.inquiries {
                if let Some(of) = &inquiry.family_of {
                    families.entry((inquiry.kind.id(), of)).or_default().push(inquiry);
                }
            }
            for kind in Kind::ALL.iter().filter(|kind| kind.family.is_some()) {
                assert!(families.keys().any(|(id, _)| *id == kind.id()), "{residents} {}", kind.id());
            }
            for ((_, of), members) in families {
                assert!(members.len() >= 2);
                let case = truth.row(members[0].inquirer, of).unwrap();
                let person = |number: &str| truth.row(members[0].inquirer, number).unwrap().resident.unwrap();
                let people: BTreeSet<_> = members.iter().map(|one| person(&one.number)).collect();
                assert_eq!(people.len(), members.len(), "nobody twice");
                assert!(people.contains(&case.resident.unwrap()));
                let home = truth
                    .households()
                    .find(|home| home.iter().any(|one| Some(one.resident) == case.resident));
                assert!(people.iter().all(|one| home.unwrap().iter().any(|member| member.resident == *one)));
            }
        }
    }
}
