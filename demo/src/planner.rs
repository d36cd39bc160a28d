//! How a plan comes about: what would come of asking about each customer, and a draw among those cases.

use std::collections::BTreeMap;

use crate::{
    customers::Link,
    draw::Draw,
    institution::{Accreditation, Institution},
    kinds::{Family, Kind},
    law::{LawRow, whitelist},
    plan::{Expected, PlannedInquiry, Refusal, Sending, Unanswered},
    truth::{Truth, TruthRow},
};

/// What kind of case an inquiry is to be; shares in a thousand, the rest are ordinary ones.
const CASES: [(Case, usize); 14] = [
    (Case::Refused(Refusal::NotOnList), 20),
    (Case::Refused(Refusal::ItemNotCovered), 20),
    (Case::Refused(Refusal::AccreditationSuspended), 20),
    (Case::Refused(Refusal::ConsentRequired), 30),
    (Case::Refused(Refusal::NotAccredited), 10),
    (Case::Refused(Refusal::ImpactAssessmentMissing), 10),
    (Case::Refused(Refusal::Expired), 10),
    (Case::Refused(Refusal::NotYetValid), 10),
    (Case::Refused(Refusal::Replayed), 20),
    (Case::Refused(Refusal::NoCode), 30),
    (Case::Refused(Refusal::NoCustomer), 10),
    (Case::NotAnswered(Unanswered::Shielded), 10),
    (Case::NotAnswered(Unanswered::GuardMismatch), 10),
    (Case::NotAnswered(Unanswered::NoRecord), 10),
];
/// Families in a thousand inquiries, for each kind that concerns one.
const FAMILIES: usize = 10;

/// Customers of an inquirer, sorted by what would come of the ordinary inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    Answered,
    NotAnswered(Unanswered),
    Refused(Refusal),
}

/// `count` inquiries in their order, some of every case that the data allow.
pub(crate) fn inquiries(truth: &Truth, seed: u64, count: usize) -> Vec<PlannedInquiry> {
    let rows = whitelist();
    let pools = pools(truth, &rows);
    let mut planner =
        Planner { truth, rows: &rows, draw: Draw::named(seed, "plan"), pools, made: Vec::new() };
    for (case, permille) in CASES {
        for nth in 0..(count * permille / 1000).max(1) {
            if planner.made.len() < count {
                planner.special(case, nth);
            }
        }
    }
    for (kind, family) in Kind::ALL.iter().filter_map(|kind| Some((kind, kind.family?))) {
        planner.families(kind, family, count);
    }
    for nth in 0..count.saturating_sub(planner.made.len()) {
        planner.ordinary(nth);
    }
    planner.in_order()
}

/// Customers by kind (its place in the table) and case, each with what must come of asking.
type Pools<'a> = BTreeMap<(usize, Case), Vec<(&'a TruthRow, Expected)>>;

fn pools<'a>(truth: &'a Truth, rows: &[LawRow]) -> Pools<'a> {
    let mut pools: Pools<'_> = BTreeMap::new();
    for (place, kind) in Kind::ALL.iter().enumerate() {
        for row in truth.rows.iter().filter(|row| row.institution == kind.inquirer) {
            if let Some(expected) = outcome(truth, rows, kind, row) {
                let case = match &expected {
                    Expected::Answered { .. } => Case::Answered,
                    Expected::NotAnswered { why } => Case::NotAnswered(*why),
                    Expected::Refused { reason } => Case::Refused(*reason),
                };
                pools.entry((place, case)).or_default().push((row, expected));
            }
        }
    }
    pools
}

/// What comes of the ordinary inquiry about this customer. None where it hangs on more than this page may decide: a
/// doubtful match, a sex that one side does not know (whether the guard holds it), two reasons at once.
fn outcome(truth: &Truth, rows: &[LawRow], kind: &Kind, row: &TruthRow) -> Option<Expected> {
    if !row.certain {
        return None;
    }
    let not_answered = |why| Some(Expected::NotAnswered { why });
    let (Link::Linked, Some(resident)) = (row.expected, row.resident) else {
        return Some(Expected::Refused { reason: Refusal::NoCode });
    };
    if kind.row(rows).is_some_and(|row| row.consent) {
        return Some(Expected::Refused { reason: Refusal::ConsentRequired });
    }
    if truth.rows_of(kind.provider, resident).any(|row| !row.certain) {
        return None;
    }
    let Some(there) = truth.linked(kind.provider, resident) else {
        return not_answered(Unanswered::UnknownCode);
    };
    if !row.holds_sex || !there.holds_sex {
        return None;
    }
    let content = there.items.get(kind.item);
    match (there.shielded, row.slips || there.slips, content) {
        (false, false, Some(content)) => Some(Expected::Answered { content: content.clone() }),
        (false, false, None) => not_answered(Unanswered::NoRecord),
        (true, false, Some(_)) => not_answered(Unanswered::Shielded),
        (false, true, Some(_)) => not_answered(Unanswered::GuardMismatch),
        _ => None,
    }
}

struct Planner<'a> {
    truth: &'a Truth,
    rows: &'a [LawRow],
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
        let subject = match reason {
            Refusal::NoCode | Refusal::ConsentRequired => case,
            _ => Case::Answered,
        };
        let Some((kind, mut number, _)) = self.about(subject, nth) else { return };
        let (mut provider, mut item, mut sending) = (Some(kind.provider), Some(kind.item), Sending::Normal);
        match reason {
            Refusal::Expired => sending = Sending::Late,
            Refusal::NotYetValid => sending = Sending::Early,
            Refusal::AccreditationSuspended => sending = Sending::WhileSuspended,
            // Which one is settled when the order is.
            Refusal::Replayed => sending = Sending::WithIdOf(0),
            Refusal::NotOnList => provider = self.stranger(kind),
            Refusal::ItemNotCovered => item = self.uncovered_item(kind),
            Refusal::NotAccredited => provider = self.at_the_door(Accreditation::None),
            Refusal::ImpactAssessmentMissing => provider = self.at_the_door(Accreditation::NoAssessment),
            Refusal::NoCustomer => number = self.nobodys(kind.inquirer),
            Refusal::NoCode | Refusal::ConsentRequired => (),
        }
        let (Some(provider), Some(item)) = (provider, item) else { return };
        self.add(kind, number, sending, Expected::Refused { reason });
        if let Some(made) = self.made.last_mut() {
            (made.provider, made.item) = (provider, item);
        }
    }

    /// Inquiries about every member of some families, as far as what must come of them is settled.
    fn families(&mut self, kind: &'static Kind, family: Family, count: usize) {
        let claim = match family {
            Family::Parents => "child-allowance",
            Family::Household => "long-term-care",
        };
        let mut families = Vec::new();
        for home in self.truth.households() {
            let concerned = home.iter().filter(|member| match family {
                Family::Parents => member.parent,
                Family::Household => member.adult,
            });
            let known: Vec<(&TruthRow, Expected)> = concerned
                .filter_map(|member| {
                    let row = self.truth.linked(kind.inquirer, member.resident)?;
                    Some((row, outcome(self.truth, self.rows, kind, row)?))
                })
                .collect();
            let claims = known.iter().find(|(row, _)| row.items.contains_key(claim));
            if let (Some((case, _)), true) = (claims, known.len() > 1) {
                families.push((case.number.clone(), known));
            }
        }
        self.draw.shuffle(&mut families);
        for (case, known) in families.into_iter().take((count * FAMILIES / 1000).max(1)) {
            if self.made.len() + known.len() > count {
                continue;
            }
            for (row, expected) in known {
                self.add(kind, row.number.clone(), Sending::Normal, expected);
                if let Some(made) = self.made.last_mut() {
                    made.family_of = Some(case.clone());
                }
            }
        }
    }

    /// A customer of that case; the kinds take turns as far as they have any.
    fn about(&mut self, case: Case, nth: usize) -> Option<(&'static Kind, String, Expected)> {
        let kinds = Kind::ALL.iter().enumerate();
        for (place, kind) in kinds.cycle().skip(nth % Kind::ALL.len()).take(Kind::ALL.len()) {
            let pool = self.pools.get(&(place, case)).map_or(&[][..], Vec::as_slice);
            if let Some((row, expected)) = self.draw.pick(pool) {
                return Some((kind, row.number.clone(), expected.clone()));
            }
        }
        None
    }

    /// Somebody whom no list lets the inquirer ask in this affair.
    fn stranger(&mut self, kind: &Kind) -> Option<Institution> {
        let others: Vec<Institution> = Institution::ALL
            .into_iter()
            .filter(|other| other.takes_part() && *other != kind.inquirer)
            .filter(|other| Kind { provider: *other, ..*kind }.beside(self.rows).next().is_none())
            .collect();
        self.draw.pick(&others).copied()
    }

    /// An item that the list has, though not for this affair between these two.
    fn uncovered_item(&mut self, kind: &Kind) -> Option<&'static str> {
        let items: Vec<&'static str> = Kind::ALL
            .iter()
            .map(|other| other.item)
            .filter(|item| Kind { item, ..*kind }.row(self.rows).is_none())
            .collect();
        self.draw.pick(&items).copied()
    }

    fn at_the_door(&mut self, accreditation: Accreditation) -> Option<Institution> {
        Institution::ALL.into_iter().find(|one| one.profile().accreditation == accreditation)
    }

    /// A number of the institution's form that it has given to nobody.
    fn nobodys(&mut self, institution: Institution) -> String {
        loop {
            let number = (institution.profile().number)(&mut self.draw);
            if self.truth.row(institution, &number).is_none() {
                return number;
            }
        }
    }

    fn add(&mut self, kind: &'static Kind, number: String, sending: Sending, expected: Expected) {
        self.made.push(PlannedInquiry {
            n: 0,
            kind,
            inquirer: kind.inquirer,
            number,
            provider: kind.provider,
            affair: kind.affair,
            item: kind.item,
            sending,
            expected,
            family_of: None,
        });
    }

    fn in_order(mut self) -> Vec<PlannedInquiry> {
        self.draw.shuffle(&mut self.made);
        self.made.sort_by_key(|inquiry| match inquiry.sending {
            Sending::Normal | Sending::Late | Sending::Early => 0,
            Sending::WithIdOf(_) => 1,
            Sending::WhileSuspended => 2,
        });
        // An id is used up only by an inquiry that reached the platform.
        let reached: Vec<(usize, Asked)> = self
            .made
            .iter()
            .enumerate()
            .filter(|(_, inquiry)| {
                inquiry.sending == Sending::Normal && matches!(inquiry.expected, Expected::Answered { .. })
            })
            .map(|(n, inquiry)| (n, Asked::of(inquiry)))
            .collect();
        let mut kept = Vec::new();
        for mut inquiry in self.made {
            if matches!(inquiry.sending, Sending::WithIdOf(_)) {
                // The same question under the same id is the same act, and is answered again.
                let asked = Asked::of(&inquiry);
                let another = |one: &&(usize, Asked)| one.1.inquirer == asked.inquirer && one.1 != asked;
                let own: Vec<usize> = reached.iter().filter(another).map(|(n, _)| *n).collect();
                let Some(of) = self.draw.pick(&own) else { continue };
                inquiry.sending = Sending::WithIdOf(*of);
            }
            inquiry.n = kept.len();
            kept.push(inquiry);
        }
        kept
    }
}

/// What an inquirer asks: the bytes of it, as far as an id does not count.
#[derive(Clone, PartialEq)]
struct Asked {
    inquirer: Institution,
    number: String,
    affair: &'static str,
    item: &'static str,
    provider: Institution,
}

impl Asked {
    fn of(inquiry: &PlannedInquiry) -> Self {
        let PlannedInquiry { inquirer, number, affair, item, provider, .. } = inquiry.clone();
        Self { inquirer, number, affair, item, provider }
    }
}
