//! From evidence to an answer: what is beyond doubt, what a clerk must see, what is nobody.
//!
//! The probability alone is not enough to link: it rests on a model of errors, and the dangerous mistakes are
//! those the model knows least (twins, a son with his father's name, a namesake born on the same day). So a
//! link also needs every kind of evidence, and what is missing is named.

use crate::compare::{AddressLevel, BirthLevel, Comparison, PartLevel, SexLevel};
use crate::model::Evidence;
use crate::name::NameKind;

/// One resident who may be the customer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) slot: u32,
    pub(crate) comparison: Comparison,
    pub(crate) evidence: Evidence,
    /// Probability that this resident is the customer, the others considered.
    pub(crate) probability: f64,
}

/// Links need at least this probability.
const LINK: f64 = 0.98;
/// Below this a clerk is not asked.
const REVIEW: f64 = 0.05;
/// A clerk sees at most this many candidates.
pub(crate) const MOST_CANDIDATES: usize = 10;

/// What stands against linking a pair without a clerk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    GivenName,
    Surname,
    BirthDate,
    Address,
    Sex,
    OtherCandidate,
    Contested,
    Unlikely,
}

impl Doubt {
    /// In words, for the clerk.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Doubt::GivenName => "The given name alone keeps this from being certain.",
            Doubt::Surname => "The surname differs and the rest is not strong enough to explain it.",
            Doubt::BirthDate => "The birth date does not confirm it.",
            Doubt::Address => "No address connects the two: it may be a namesake.",
            Doubt::Sex => "The sex contradicts it.",
            Doubt::OtherCandidate => "Another resident is possible too.",
            Doubt::Contested => "Another customer of the same institution matches the same resident.",
            Doubt::Unlikely => "Too little agrees to be certain.",
        }
    }
}

/// Three answers, before ids and words.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Link(Candidate),
    Review(Vec<Candidate>, Doubt),
    None,
}

/// Shares the probability among the candidates of one customer and decides.
pub(crate) fn decide(mut candidates: Vec<Candidate>) -> Verdict {
    let all: f64 = 1.0 + candidates.iter().map(|candidate| candidate.evidence.odds).sum::<f64>();
    for candidate in &mut candidates {
        candidate.probability = candidate.evidence.odds / all;
    }
    candidates.retain(|candidate| {
        let comparison = &candidate.comparison;
        worth_a_look(comparison) || candidate.probability >= REVIEW && more_than_a_name(comparison)
    });
    candidates.sort_by(|left, right| {
        right.evidence.odds.total_cmp(&left.evidence.odds).then(left.slot.cmp(&right.slot))
    });
    candidates.truncate(MOST_CANDIDATES);
    let Some(best) = candidates.first().copied() else { return Verdict::None };
    let alone = candidates.iter().skip(1).all(|other| other.probability < 1.0 - LINK);
    match doubt(&best.comparison) {
        Some(doubt) => Verdict::Review(candidates, doubt),
        None if !alone => Verdict::Review(candidates, Doubt::OtherCandidate),
        None if best.probability < LINK => Verdict::Review(candidates, Doubt::Unlikely),
        None => Verdict::Link(best),
    }
}

/// The first thing that keeps a pair from being certain.
pub(crate) fn doubt(comparison: &Comparison) -> Option<Doubt> {
    let name = comparison.name;
    let birth = comparison.birth;
    let address = comparison.address;
    if name.given < PartLevel::Readable {
        return Some(Doubt::GivenName);
    }
    if birth == BirthLevel::Differs {
        return Some(Doubt::BirthDate);
    }
    let house = matches!(address, AddressLevel::Same | AddressLevel::OtherRoom | AddressLevel::Near);
    if !(house || address == AddressLevel::Town) {
        return Some(Doubt::Address);
    }
    let whole_name = name.surname >= PartLevel::Readable;
    let exact_name = name.surname >= PartLevel::Homophone && name.given >= PartLevel::Homophone;
    // Without the house's number only the whole name and the whole birth date will do.
    let name_and_birth = exact_name && birth == BirthLevel::Same;
    if !house && !name_and_birth {
        return Some(Doubt::Address);
    }
    // Another surname (a marriage nobody recorded): everything else must agree.
    let all_but_surname = name.given >= PartLevel::Homophone && birth == BirthLevel::Same && house;
    if !whole_name && !all_but_surname {
        return Some(Doubt::Surname);
    }
    // Without a birth date a parent or child of the same name may live at the same address.
    if matches!(birth, BirthLevel::Missing | BirthLevel::Partly)
        && !(exact_name && address == AddressLevel::Same)
    {
        return Some(Doubt::BirthDate);
    }
    if birth == BirthLevel::Near && !(exact_name && house) {
        return Some(Doubt::BirthDate);
    }
    // A brother or sister with a name that reads the same, born on a day not quite the same.
    if comparison.sex == SexLevel::Differs && !(exact_name && birth == BirthLevel::Same && house) {
        return Some(Doubt::Sex);
    }
    None
}

/// Pairs a clerk should see even if the model finds them unlikely: the same name and birth date.
fn worth_a_look(comparison: &Comparison) -> bool {
    let name = comparison.name;
    let whole_name = name.surname >= PartLevel::Homophone && name.given >= PartLevel::Homophone;
    whole_name && comparison.birth == BirthLevel::Same && name.kind != NameKind::Common
}

/// Two people of one name are no case for a clerk when neither birth date nor place speaks for it.
fn more_than_a_name(comparison: &Comparison) -> bool {
    comparison.birth != BirthLevel::Differs || comparison.address > AddressLevel::City
}
