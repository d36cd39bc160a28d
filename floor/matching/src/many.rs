//! Many customers decided together: weights learnt on the data themselves, one resident for one customer of an
//! institution.

use crate::birth::Birth;
use crate::blocks;
use crate::compare::Comparison;
use crate::decide::{self, Candidate, Doubt, Verdict};
use crate::learn::{Patterns, learn};
use crate::model::Model;
use crate::person::{Attributes, Past, Person};
use crate::quick::Normaliser;
use crate::register::{Answer, Register};
use crate::threads;
use crate::why::why;
use std::collections::BTreeMap;

/// A resident who may be the customer, with reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Index under which the resident was given to the register.
    pub resident: u64,
    /// Evidence in bits: log₂ of how much likelier the agreement is for one person than for strangers.
    pub score: f64,
    /// Probability that the two are one person, 0 to 1, in the eyes of the model.
    pub probability: f64,
    /// In words: which attribute agreed how.
    pub why: String,
}

/// Who a customer is, with scores.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Exactly this resident.
    Link(Match),
    /// A clerk must look: the possible residents, likeliest first, and why it is not certain.
    Review(Vec<Match>, String),
    /// Nobody in the register.
    None,
}

/// How [`Register::decide_all`] works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
    /// Learn the weights from the data (needs some hundred customers; with fewer the priors hold).
    pub learn: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { threads: 1, learn: true }
    }
}

/// Fewer customers than this teach nothing.
const FEWEST_TO_LEARN: usize = 300;
/// Random pairs for the levels among strangers.
const RANDOM_PAIRS: usize = 6_000;
/// Pairs with lower odds than this under the priors are forgotten; no learning raises them to anything.
const HOPELESS: f64 = 1e-6;
/// Of the remaining candidates of one customer, as many are kept.
const KEPT: usize = 24;

impl Register {
    /// Who these customers of one institution are, decided together: two customers that match one resident
    /// both go to review. Answers stand in the order of the customers.
    pub fn find_all(&self, customers: &[Attributes]) -> Vec<Answer> {
        let institutions = vec![0; customers.len()];
        self.decide_all(customers, &institutions, Settings::default()).into_iter().map(Answer::from).collect()
    }

    /// Who these customers are. `institutions` tells for each customer whose it is (any number per
    /// institution); customers beyond its end belong to institution 0. Decisions stand in the order of the
    /// customers.
    pub fn decide_all(
        &self,
        customers: &[Attributes],
        institutions: &[u64],
        settings: Settings,
    ) -> Vec<Decision> {
        let prior = Model::default();
        let people = threads::map_with(
            customers,
            settings.threads,
            || Normaliser::new(&self.places),
            |normaliser, customer| normaliser.person(customer.borrowed(), &Past::default()),
        );
        let people = without_default_dates(people);
        let learning = settings.learn && customers.len() >= FEWEST_TO_LEARN;
        // Those born on one day meet the same residents, who are then still at hand.
        let mut order: Vec<(u64, usize)> = people.iter().map(by_birth).zip(0..).collect();
        order.sort_unstable();
        let chunk = order.len().div_ceil(settings.threads.clamp(1, 64)).max(256);
        let chunks: Vec<_> = order.chunks(chunk).collect();
        let compared = threads::map_few(&chunks, |chunk| {
            let mut patterns = Patterns::default();
            let promising = |(_, customer): &(u64, usize)| {
                let compared =
                    people.get(*customer).map(|customer| self.compare(customer)).unwrap_or_default();
                if learning {
                    compared.iter().for_each(|(_, comparison)| patterns.add(comparison));
                }
                (*customer, self.promising(&prior, compared))
            };
            let kept: Vec<_> = chunk.iter().map(promising).collect();
            (kept, patterns)
        });
        let mut patterns = Patterns::default();
        let mut kept = vec![Vec::new(); people.len()];
        for (of_chunk, of_these) in compared {
            patterns.absorb(of_these);
            for (customer, promising) in of_chunk {
                if let Some(kept) = kept.get_mut(customer) {
                    *kept = promising;
                }
            }
        }
        let model = if learning { learn(&patterns, &self.random_pairs(&people), &prior) } else { prior };
        let mut verdicts =
            threads::map(&kept, settings.threads, |compared| decide::decide(self.weigh(&model, compared)));
        contest(&mut verdicts, institutions);
        threads::map(&verdicts, settings.threads, |verdict| self.in_words(verdict))
    }

    fn promising(&self, prior: &Model, compared: Vec<(u32, Comparison)>) -> Vec<(u32, Comparison)> {
        let mut weighed = self.weigh(prior, &compared);
        weighed.retain(|candidate| candidate.evidence.odds > HOPELESS);
        weighed.sort_by(|left, right| {
            right.evidence.odds.total_cmp(&left.evidence.odds).then(left.slot.cmp(&right.slot))
        });
        weighed.truncate(KEPT);
        weighed.into_iter().map(|candidate| (candidate.slot, candidate.comparison)).collect()
    }

    /// Pairs at even steps across customers and residents: nearly all are strangers.
    fn random_pairs(&self, customers: &[Person]) -> Patterns {
        let mut patterns = Patterns::default();
        if self.slots.is_empty() {
            return patterns;
        }
        // A step that shares no factor with most sizes walks through all slots.
        let mut slot = 0_usize;
        for customer in customers.iter().cycle().take(RANDOM_PAIRS.min(customers.len().saturating_mul(50))) {
            slot = (slot + 7_919) % self.slots.len();
            if let Some(Some((_, resident))) = self.slots.get(slot) {
                patterns.add(&Comparison::of(customer, resident, &self.readings));
            }
        }
        patterns
    }

    fn in_words(&self, verdict: &Verdict) -> Decision {
        let spoken = |candidate: &Candidate| {
            let (resident, _) = self.resident(candidate.slot)?;
            Some(Match {
                resident: *resident,
                score: candidate.evidence.bits,
                probability: candidate.probability,
                why: why(&candidate.comparison),
            })
        };
        match verdict {
            Verdict::Link(best) => spoken(best).map_or(Decision::None, Decision::Link),
            Verdict::Review(candidates, doubt) => {
                Decision::Review(candidates.iter().filter_map(spoken).collect(), doubt.words().to_owned())
            }
            Verdict::None => Decision::None,
        }
    }
}

fn by_birth(person: &Person) -> u64 {
    match person.birth {
        Birth::Date { year, month, day } => blocks::date_number(year, month, day),
        _ => 0,
    }
}

/// A date that far too many customers share is what a system writes for "unknown" (1970-01-01, 2000-01-01 …).
fn without_default_dates(mut people: Vec<Person>) -> Vec<Person> {
    let mut counts: BTreeMap<(i32, u8, u8), usize> = BTreeMap::new();
    for person in &people {
        if let Birth::Date { year, month, day } = person.birth {
            *counts.entry((year, month, day)).or_default() += 1;
        }
    }
    // By chance no date is shared by more than a handful and one customer in a thousand.
    let most = 8 + people.len() / 1_000;
    for person in &mut people {
        if let Birth::Date { year, month, day } = person.birth
            && counts.get(&(year, month, day)).is_some_and(|count| *count > most)
        {
            person.birth = Birth::Missing;
        }
    }
    people
}

/// One resident is one customer of an institution: where two are linked to one resident, a clerk decides.
fn contest(verdicts: &mut [Verdict], institutions: &[u64]) {
    let mut linked: BTreeMap<(u64, u32), u32> = BTreeMap::new();
    let institution = |customer: usize| institutions.get(customer).copied().unwrap_or(0);
    for (customer, verdict) in verdicts.iter().enumerate() {
        if let Verdict::Link(best) = verdict {
            *linked.entry((institution(customer), best.slot)).or_default() += 1;
        }
    }
    for (customer, verdict) in verdicts.iter_mut().enumerate() {
        if let Verdict::Link(best) = verdict
            && linked.get(&(institution(customer), best.slot)).is_some_and(|count| *count > 1)
        {
            *verdict = Verdict::Review(vec![*best], Doubt::Contested);
        }
    }
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Answer {
        match decision {
            Decision::Link(found) => Answer::Link { resident: found.resident, why: found.why },
            Decision::Review(candidates, doubt) => Answer::Review {
                why: match candidates.first() {
                    Some(best) => format!("{doubt} {}", best.why),
                    None => doubt,
                },
                candidates: candidates.iter().map(|candidate| candidate.resident).collect(),
            },
            Decision::None => Answer::None,
        }
    }
}
