//! The inquiries of a run, each with what must come of it, settled before the first is sent.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Serialize;
use serde_json::Value;

use crate::{
    DemoError,
    customers::{Institution, Link},
    draw::Draw,
    truth::{Truth, TruthRow},
};

/// The three kinds of inquiry of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The town asks the tax agency for income.
    ChildAllowance,
    /// The pension service asks the town for residence.
    Pension,
    /// The tax agency asks the pension service for pension paid.
    Tax,
}

impl Kind {
    /// All three.
    pub const ALL: [Kind; 3] = [Kind::ChildAllowance, Kind::Pension, Kind::Tax];

    /// Who asks.
    pub fn inquirer(self) -> Institution {
        match self {
            Kind::ChildAllowance => Institution::Town,
            Kind::Pension => Institution::Pension,
            Kind::Tax => Institution::Tax,
        }
    }

    /// Who is asked.
    pub fn provider(self) -> Institution {
        match self {
            Kind::ChildAllowance => Institution::Tax,
            Kind::Pension => Institution::Town,
            Kind::Tax => Institution::Pension,
        }
    }

    /// For which affair: `child-allowance`, `pension`, `tax`.
    pub fn affair(self) -> &'static str {
        match self {
            Kind::ChildAllowance => "child-allowance",
            Kind::Pension => "pension",
            Kind::Tax => "tax",
        }
    }

    /// For which item: `income`, `residence`, `pension-paid`.
    pub fn item(self) -> &'static str {
        match self {
            Kind::ChildAllowance => "income",
            Kind::Pension => "residence",
            Kind::Tax => "pension-paid",
        }
    }

    /// Who is neither inquirer nor provider: no list lets the inquirer ask them for this affair.
    fn stranger(self) -> Institution {
        match self {
            Kind::ChildAllowance => Institution::Pension,
            Kind::Pension => Institution::Tax,
            Kind::Tax => Institution::Town,
        }
    }

    /// An item of the demo that the affair does not cover at its provider.
    fn uncovered_item(self) -> &'static str {
        match self {
            Kind::ChildAllowance => "pension-paid",
            Kind::Pension => "child-allowance",
            Kind::Tax => "income",
        }
    }
}

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
    /// The inquiry's time has passed.
    Expired,
    /// The act id was used before.
    Replayed,
    /// At the own desk: the customer has no code.
    NoCode,
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
    /// Which of the three.
    pub kind: Kind,
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
}

/// The inquiries of a run, in order: first the normal and late ones, in no order of their own; then those with a used
/// id; last those made under suspension, one institution after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// What it was made from.
    pub seed: u64,
    /// In order.
    pub inquiries: Vec<PlannedInquiry>,
}

/// What kind of case an inquiry is to be; shares in a thousand, the rest are ordinary ones.
const CASES: [(Case, usize); 9] = [
    (Case::Refused(Refusal::NotOnList), 20),
    (Case::Refused(Refusal::ItemNotCovered), 20),
    (Case::Refused(Refusal::AccreditationSuspended), 20),
    (Case::Refused(Refusal::Expired), 10),
    (Case::Refused(Refusal::Replayed), 20),
    (Case::Refused(Refusal::NoCode), 30),
    (Case::NotAnswered(Unanswered::Shielded), 10),
    (Case::NotAnswered(Unanswered::GuardMismatch), 10),
    (Case::NotAnswered(Unanswered::NoRecord), 10),
];

/// Customers of an inquirer, sorted by what would come of the ordinary inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    Answered,
    NotAnswered(Unanswered),
    Refused(Refusal),
}

impl Plan {
    /// Plans `count` inquiries, some of every case that the data allow; the same each time.
    pub fn make(truth: &Truth, seed: u64, count: usize) -> Plan {
        let mut planner = Planner { draw: Draw::named(seed, "plan"), pools: pools(truth), made: Vec::new() };
        let mut special = 0;
        for (case, permille) in CASES {
            for nth in 0..(count * permille / 1000).max(1).min(count.saturating_sub(special)) {
                special += 1;
                planner.special(case, nth);
            }
        }
        for nth in 0..count.saturating_sub(special) {
            planner.ordinary(nth);
        }
        Plan { seed, inquiries: planner.in_order() }
    }

    /// Writes it as JSON.
    pub fn write(&self, file: &Path) -> Result<(), DemoError> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(file, serde_json::to_vec(self)?)?)
    }
}

type Pools<'a> = BTreeMap<(Kind, Case), Vec<(&'a TruthRow, Expected)>>;

fn pools(truth: &Truth) -> Pools<'_> {
    let mut pools: Pools<'_> = BTreeMap::new();
    for kind in Kind::ALL {
        for row in truth.rows.iter().filter(|row| row.institution == kind.inquirer()) {
            if let Some(expected) = outcome(truth, kind, row) {
                let case = match &expected {
                    Expected::Answered { .. } => Case::Answered,
                    Expected::NotAnswered { why } => Case::NotAnswered(*why),
                    Expected::Refused { reason } => Case::Refused(*reason),
                };
                pools.entry((kind, case)).or_default().push((row, expected));
            }
        }
    }
    pools
}

/// What comes of the ordinary inquiry about this customer. None where it hangs on more than this page may decide: a
/// doubtful match, a sex that one side does not know (whether the guard holds it), two reasons at once.
fn outcome(truth: &Truth, kind: Kind, row: &TruthRow) -> Option<Expected> {
    if !row.certain {
        return None;
    }
    let not_answered = |why| Some(Expected::NotAnswered { why });
    let (Link::Linked, Some(resident)) = (row.expected, row.resident) else {
        return Some(Expected::Refused { reason: Refusal::NoCode });
    };
    if truth.rows_of(kind.provider(), resident).any(|row| !row.certain) {
        return None;
    }
    let Some(there) = truth.linked(kind.provider(), resident) else {
        return not_answered(Unanswered::UnknownCode);
    };
    if !row.holds_sex || !there.holds_sex {
        return None;
    }
    let content = there.items.get(kind.item());
    match (there.shielded, row.slips || there.slips, content) {
        (false, false, Some(content)) => Some(Expected::Answered { content: content.clone() }),
        (false, false, None) => not_answered(Unanswered::NoRecord),
        (true, false, Some(_)) => not_answered(Unanswered::Shielded),
        (false, true, Some(_)) => not_answered(Unanswered::GuardMismatch),
        _ => None,
    }
}

struct Planner<'a> {
    draw: Draw,
    pools: Pools<'a>,
    made: Vec<PlannedInquiry>,
}

impl Planner<'_> {
    /// An ordinary inquiry about a customer with a code; now and then the provider does not know the person.
    fn ordinary(&mut self, nth: usize) {
        let case =
            if self.draw.chance(60) { Case::NotAnswered(Unanswered::UnknownCode) } else { Case::Answered };
        let Some((kind, number, expected)) =
            self.about(case, nth).or_else(|| self.about(Case::Answered, nth))
        else {
            return;
        };
        self.add(kind, number, Sending::Normal, expected);
    }

    fn special(&mut self, case: Case, nth: usize) {
        let Case::Refused(reason) = case else {
            if let Some((kind, number, expected)) = self.about(case, nth) {
                self.add(kind, number, Sending::Normal, expected);
            }
            return;
        };
        let subject = if reason == Refusal::NoCode { case } else { Case::Answered };
        let Some((kind, number, _)) = self.about(subject, nth) else { return };
        let sending = match reason {
            Refusal::Expired => Sending::Late,
            Refusal::AccreditationSuspended => Sending::WhileSuspended,
            // Which one is settled when the order is.
            Refusal::Replayed => Sending::WithIdOf(0),
            Refusal::NotOnList | Refusal::ItemNotCovered | Refusal::NoCode => Sending::Normal,
        };
        self.add(kind, number, sending, Expected::Refused { reason });
        if let Some(made) = self.made.last_mut() {
            match reason {
                Refusal::NotOnList => made.provider = kind.stranger(),
                Refusal::ItemNotCovered => made.item = kind.uncovered_item(),
                _ => (),
            }
        }
    }

    /// A customer of that case; the kinds take turns as far as they have any.
    fn about(&mut self, case: Case, nth: usize) -> Option<(Kind, String, Expected)> {
        let turns = Kind::ALL.iter().cycle().skip(nth % Kind::ALL.len()).take(Kind::ALL.len());
        for kind in turns {
            let pool = self.pools.get(&(*kind, case)).map_or(&[][..], Vec::as_slice);
            if let Some((row, expected)) = self.draw.pick(pool) {
                return Some((*kind, row.number.clone(), expected.clone()));
            }
        }
        None
    }

    fn add(&mut self, kind: Kind, number: String, sending: Sending, expected: Expected) {
        self.made.push(PlannedInquiry {
            n: 0,
            kind,
            inquirer: kind.inquirer(),
            number,
            provider: kind.provider(),
            affair: kind.affair(),
            item: kind.item(),
            sending,
            expected,
        });
    }

    fn in_order(mut self) -> Vec<PlannedInquiry> {
        self.draw.shuffle(&mut self.made);
        self.made.sort_by_key(|inquiry| match inquiry.sending {
            Sending::Normal | Sending::Late => (0, Institution::Town),
            Sending::WithIdOf(_) => (1, Institution::Town),
            Sending::WhileSuspended => (2, inquiry.inquirer),
        });
        // An id is used up only by an inquiry that reached the platform.
        let reached: Vec<(usize, Institution)> = self
            .made
            .iter()
            .enumerate()
            .filter(|(_, inquiry)| {
                inquiry.sending == Sending::Normal && matches!(inquiry.expected, Expected::Answered { .. })
            })
            .map(|(n, inquiry)| (n, inquiry.inquirer))
            .collect();
        let mut kept = Vec::new();
        for mut inquiry in self.made {
            if matches!(inquiry.sending, Sending::WithIdOf(_)) {
                let own: Vec<usize> =
                    reached.iter().filter(|(_, who)| *who == inquiry.inquirer).map(|(n, _)| *n).collect();
                let Some(of) = self.draw.pick(&own) else { continue };
                inquiry.sending = Sending::WithIdOf(*of);
            }
            inquiry.n = kept.len();
            kept.push(inquiry);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Customers, Population};

    fn truth(residents: u32) -> Truth {
        let population = Population::generate(5, residents);
        Truth::about(&Customers::make(&population), population.residents.len())
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
            for reason in [
                Refusal::NotOnList,
                Refusal::ItemNotCovered,
                Refusal::AccreditationSuspended,
                Refusal::Expired,
                Refusal::Replayed,
                Refusal::NoCode,
            ] {
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
            for kind in Kind::ALL {
                let answered = plan.inquiries.iter().filter(|inquiry| {
                    inquiry.kind == kind && matches!(inquiry.expected, Expected::Answered { .. })
                });
                assert!(answered.count() > count / 6);
            }
        }
    }

    #[test]
    fn expectations_follow_from_the_truth() {
        let truth = truth(2_000);
        for inquiry in Plan::make(&truth, 1, 1_000).inquiries {
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

    #[test]
    fn used_ids_come_after_their_first_use_and_suspensions_last() {
        let plan = Plan::make(&truth(2_000), 1, 1_000);
        let mut phase = 0;
        for inquiry in &plan.inquiries {
            let here = match inquiry.sending {
                Sending::Normal | Sending::Late => 0,
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
}
