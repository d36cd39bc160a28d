//! How a plan comes about: what would come of asking about each customer, and a draw among those cases.

use std::collections::BTreeMap;

use crate::{
    customers::{Institution, Link},
    draw::Draw,
    plan::{Expected, Kind, PlannedInquiry, Refusal, Sending, Unanswered},
    truth::{Truth, TruthRow},
};

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

/// `count` inquiries in their order, some of every case that the data allow.
pub(crate) fn inquiries(truth: &Truth, seed: u64, count: usize) -> Vec<PlannedInquiry> {
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
    planner.in_order()
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
