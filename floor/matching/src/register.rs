//! The register: an index over residents.

use crate::address::Places;
use crate::blocks::{self, Blocks, Signature};
use crate::compare::Comparison;
use crate::compare::PartLevel;
use crate::decide::{self, Candidate, Verdict};
use crate::frequencies::{self, Frequencies, Of};
use crate::hash::QuickMap;
use crate::model::{Model, Shares};
use crate::person::{Attributes, AttributesRef, History, Past, Person};
use crate::quick::Normaliser;
use crate::readings::Readings;
use crate::threads;
use crate::why::why;
use std::sync::Arc;

/// Who a customer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Exactly this resident, beyond doubt.
    Link {
        /// Index under which the resident was given to the register.
        resident: u64,
        /// In words: which attribute agreed how.
        why: String,
    },
    /// A clerk must look: these residents are possible, the likeliest first.
    Review {
        /// Indexes of the possible residents; at least one.
        candidates: Vec<u64>,
        /// In words: what agreed and what is in doubt.
        why: String,
    },
    /// Nobody in the register.
    None,
}

/// Index over residents, with former names and addresses as far as they were given.
pub struct Register {
    pub(crate) places: Arc<Places>,
    pub(crate) readings: Readings,
    pub(crate) blocks: Blocks,
    pub(crate) frequencies: Frequencies,
    /// Residents by slot; a resident that was replaced or removed leaves an empty slot.
    pub(crate) slots: Vec<Option<(u64, Person)>>,
    /// Signatures of the names, by slot.
    signatures: Vec<Signature>,
    by_id: ById,
}

/// Where each resident stands. A register read from a file numbers its residents as they come, and needs no table.
#[derive(Default)]
struct ById {
    /// Resident i stands in slot i, up to this many.
    in_order: u32,
    /// Takes the place of the count once that is no longer all.
    table: Option<QuickMap<u64, u32>>,
}

impl ById {
    fn len(&self) -> usize {
        let in_order = usize::try_from(self.in_order).unwrap_or(usize::MAX);
        self.table.as_ref().map_or(in_order, QuickMap::len)
    }

    fn table(&mut self) -> &mut QuickMap<u64, u32> {
        let in_order = self.in_order;
        self.table.get_or_insert_with(|| (0..in_order).map(|slot| (u64::from(slot), slot)).collect())
    }

    fn insert(&mut self, resident: u64, slot: u32) {
        if self.table.is_none() && resident == u64::from(self.in_order) && slot == self.in_order {
            self.in_order += 1;
        } else {
            self.table().insert(resident, slot);
        }
    }

    fn remove(&mut self, resident: u64) -> Option<u32> {
        if self.table.is_none() && resident >= u64::from(self.in_order) {
            return None;
        }
        self.table().remove(&resident)
    }
}

/// A resident ready to be filed; the keys lie with those of the others.
struct Indexed {
    resident: u64,
    person: Person,
    keys: usize,
    signature: Signature,
    counted: frequencies::Keys,
}

/// Residents ready to be filed, in order.
#[derive(Default)]
struct Portion {
    residents: Vec<Indexed>,
    keys: Vec<u64>,
}

impl Portion {
    fn add(&mut self, resident: u64, person: Person, scratch: &mut Vec<u64>) {
        let signature = blocks::keys(&person, scratch);
        self.keys.extend_from_slice(scratch);
        let counted = frequencies::keys(&person.name);
        self.residents.push(Indexed { resident, signature, keys: scratch.len(), person, counted });
    }
}

/// Takes residents in, one after the other, on one of the threads of [`Register::extend_in_portions`].
pub struct Intake<'a, 'p> {
    normaliser: &'a mut Normaliser<'p>,
    scratch: &'a mut Vec<u64>,
    portion: Portion,
}

impl Intake<'_, '_> {
    /// The next resident; numbered in the order of the portions and, within each, of these calls.
    pub fn resident(&mut self, attributes: AttributesRef<'_>, past: &Past<'_>) {
        let person = self.normaliser.person(attributes, past);
        self.portion.add(0, person, self.scratch);
    }
}

impl Default for Register {
    fn default() -> Register {
        Register::in_places(Places::default())
    }
}

impl Register {
    /// Builds the index. A resident index given twice keeps the last attributes.
    pub fn new(residents: impl IntoIterator<Item = (u64, Attributes)>) -> Register {
        let mut register = Register::default();
        register.extend(
            residents.into_iter().map(|(resident, attributes)| (resident, attributes, History::default())),
            1,
        );
        register
    }

    /// An empty register that knows former municipalities.
    pub fn in_places(places: Places) -> Register {
        Register {
            places: Arc::new(places),
            readings: Readings::new(),
            blocks: Blocks::default(),
            frequencies: Frequencies::default(),
            slots: Vec::new(),
            signatures: Vec::new(),
            by_id: ById::default(),
        }
    }

    /// How many residents the register holds.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True when there is no resident.
    pub fn is_empty(&self) -> bool {
        self.by_id.len() == 0
    }

    /// Adds a resident or replaces the one with this index.
    pub fn insert(&mut self, resident: u64, attributes: &Attributes) {
        self.insert_with_history(resident, attributes, &History::default());
    }

    /// Adds a resident with former names and addresses, or replaces the one with this index.
    pub fn insert_with_history(&mut self, resident: u64, attributes: &Attributes, history: &History) {
        let mut portion = Portion::default();
        portion.add(resident, Person::with_history(attributes, history, &self.places), &mut Vec::new());
        for indexed in portion.residents {
            if let Some(slot) = self.place(indexed) {
                portion.keys.iter().for_each(|key| self.blocks.insert(*key, slot));
            }
        }
    }

    /// Takes a resident out (a death, a removal). True when there was one.
    pub fn remove(&mut self, resident: u64) -> bool {
        let Some(slot) = self.by_id.remove(resident) else { return false };
        let old = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot)).and_then(Option::take);
        if let Some((_, person)) = old {
            self.frequencies.remove(&person.name);
        }
        true
    }

    /// Adds many residents at once, on up to `threads` threads; much quicker than one by one. Takes them in portions,
    /// so that an iterator that reads a file never holds all of it.
    pub fn extend(
        &mut self,
        residents: impl IntoIterator<Item = (u64, Attributes, History)>,
        threads: usize,
    ) {
        const PORTION: usize = 16_384;
        let mut residents = residents.into_iter();
        let mut read = || residents.by_ref().take(PORTION).collect::<Vec<_>>();
        let mut entries = self.blocks.take_entries();
        let places = self.places.clone();
        let normalise = |portion: Vec<(u64, Attributes, History)>| {
            let chunk = portion.len().div_ceil(threads.clamp(1, 64)).max(256);
            let chunks: Vec<_> = portion.chunks(chunk).collect();
            threads::map_few(&chunks, |chunk| {
                let (mut normaliser, mut scratch) = (Normaliser::new(&places), Vec::new());
                let mut portion = Portion::default();
                for (resident, attributes, history) in *chunk {
                    let person = Person::normalised(attributes, history, &mut normaliser);
                    portion.add(*resident, person, &mut scratch);
                }
                portion
            })
        };
        // While one portion is normalised, this thread reads the next and files the one before.
        std::thread::scope(|scope| {
            let mut portion = read();
            let mut before = Vec::new();
            while !portion.is_empty() {
                let working = scope.spawn(|| normalise(portion));
                portion = read();
                before.into_iter().for_each(|portion| self.file(portion, &mut entries));
                before = threads::result(working.join());
            }
            before.into_iter().for_each(|portion| self.file(portion, &mut entries));
        });
        self.blocks = Blocks::from_entries(entries, threads);
    }

    /// Adds residents that whoever calls reads from somewhere, in portions, on up to `threads` threads: `read` gives
    /// those of one portion to the [`Intake`]. They are numbered on from [`Register::len`], in the order of the
    /// portions. Gives what `read` gave, in the same order. The quickest way to take in a file.
    pub fn extend_in_portions<P: Sync, E: Send>(
        &mut self,
        portions: &[P],
        threads: usize,
        read: impl Fn(&P, &mut Intake<'_, '_>) -> E + Sync,
    ) -> Vec<E> {
        let mut entries = self.blocks.take_entries();
        let places = self.places.clone();
        let work = |normaliser: &mut (Normaliser<'_>, Vec<u64>), portion: &P| {
            let (normaliser, scratch) = normaliser;
            let mut intake = Intake { normaliser, scratch, portion: Portion::default() };
            let extra = read(portion, &mut intake);
            (intake.portion, extra)
        };
        let mut extras = Vec::with_capacity(portions.len());
        let own = || (Normaliser::new(&places), Vec::new());
        threads::in_order(portions, threads, own, work, |(mut portion, extra)| {
            if extras.is_empty() {
                // As many again for each portion, and a little: lists that grow are copied.
                let all = |of_one: usize| of_one.saturating_mul(portions.len()) / 16 * 17;
                self.slots.reserve(all(portion.residents.len()));
                self.signatures.reserve(all(portion.residents.len()));
                entries.reserve(all(portion.keys.len()));
            }
            for (resident, indexed) in (self.len() as u64..).zip(&mut portion.residents) {
                indexed.resident = resident;
            }
            self.file(portion, &mut entries);
            extras.push(extra);
        });
        self.blocks = Blocks::from_entries(entries, threads);
        extras
    }

    fn file(&mut self, portion: Portion, entries: &mut Vec<(u64, u32)>) {
        let mut keys = portion.keys.into_iter();
        for indexed in portion.residents {
            let own = keys.by_ref().take(indexed.keys);
            match self.place(indexed) {
                Some(slot) => entries.extend(own.map(|key| (key, slot))),
                None => own.for_each(drop),
            }
        }
    }

    fn place(&mut self, indexed: Indexed) -> Option<u32> {
        let Indexed { resident, person, signature, counted, .. } = indexed;
        self.remove(resident);
        // 2³² slots are more than any register has people.
        let slot = u32::try_from(self.slots.len()).ok()?;
        self.frequencies.add(counted);
        self.signatures.push(signature);
        self.slots.push(Some((resident, person)));
        self.by_id.insert(resident, slot);
        Some(slot)
    }

    pub(crate) fn resident(&self, slot: u32) -> Option<&(u64, Person)> {
        self.slots.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    /// Who this customer is, looked at alone. Doubtful is always [`Answer::Review`].
    pub fn find(&self, customer: &Attributes) -> Answer {
        let customer = Person::with_history(customer, &History::default(), &self.places);
        let model = Model::default();
        let compared = self.compare(&customer);
        match decide::decide(self.weigh(&model, &compared)) {
            Verdict::None => Answer::None,
            Verdict::Link(best) => match self.resident(best.slot) {
                Some((resident, _)) => Answer::Link { resident: *resident, why: why(&best.comparison) },
                None => Answer::None,
            },
            Verdict::Review(candidates, doubt) => Answer::Review {
                why: candidates
                    .first()
                    .map(|best| format!("{} {}", doubt.words(), why(&best.comparison)))
                    .unwrap_or_default(),
                candidates: candidates
                    .iter()
                    .filter_map(|candidate| self.resident(candidate.slot))
                    .map(|(resident, _)| *resident)
                    .collect(),
            },
        }
    }

    /// The customer against every resident that shares a block.
    pub(crate) fn compare(&self, customer: &Person) -> Vec<(u32, Comparison)> {
        let (mut keys, mut slots) = (Vec::new(), Vec::new());
        let signature = blocks::keys(customer, &mut keys);
        self.blocks.candidates(&keys, signature, &self.signatures, &mut slots);
        slots
            .into_iter()
            .filter_map(|slot| {
                let (_, resident) = self.resident(slot)?;
                Some((slot, Comparison::of(customer, resident, &self.readings)))
            })
            .collect()
    }

    pub(crate) fn weigh(&self, model: &Model, compared: &[(u32, Comparison)]) -> Vec<Candidate> {
        let residents = f64::from(u32::try_from(self.len()).unwrap_or(u32::MAX));
        compared
            .iter()
            .filter_map(|(slot, comparison)| {
                let (_, resident) = self.resident(*slot)?;
                let evidence = model.weigh(comparison, self.shares(resident, comparison), residents);
                Some(Candidate { slot: *slot, comparison: *comparison, evidence, probability: 0.0 })
            })
            .collect()
    }

    /// How common the resident's name is, in the script in which it agreed.
    fn shares(&self, resident: &Person, comparison: &Comparison) -> Shares {
        let name = resident
            .names()
            .find(|(_, kind)| *kind == comparison.name.kind)
            .map_or(&resident.name, |(name, _)| name);
        let share = |level: PartLevel, written: Of, read: Of, first: bool| {
            let half = |parts: Option<(&str, &str)>, of: Of| {
                parts.map(|(surname, given)| self.frequencies.share(of, if first { surname } else { given }))
            };
            let found = match level {
                PartLevel::Same | PartLevel::Written => half(name.written().parts(), written),
                PartLevel::Heard | PartLevel::Homophone => half(name.read().parts(), read),
                _ => None,
            };
            found.unwrap_or(0.01)
        };
        Shares {
            surname: share(comparison.name.surname, Of::SurnameWritten, Of::SurnameRead, true),
            given: share(comparison.name.given, Of::GivenWritten, Of::GivenRead, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(name: &str, kana: &str, address: &str, birth: &str, sex: &str) -> Attributes {
        let kana = if kana.is_empty() { None } else { Some(kana.to_owned()) };
        Attributes { name: name.into(), kana, address: address.into(), birth: birth.into(), sex: sex.into() }
    }

    fn register() -> Register {
        Register::new([
            (
                7,
                attributes(
                    "髙橋　誠介",
                    "タカハシ　セイスケ",
                    "神奈川県横浜市緑区森の台１６００番地",
                    "1967-12-17",
                    "M",
                ),
            ),
            (
                8,
                attributes(
                    "髙橋　花子",
                    "タカハシ　ハナコ",
                    "神奈川県横浜市緑区森の台１６００番地",
                    "1969-01-03",
                    "F",
                ),
            ),
        ])
    }

    #[test]
    fn the_same_person_in_another_notation_is_linked() {
        let customer = attributes("高橋誠介", "ﾀｶﾊｼｾｲｽｹ", "横浜市緑区森の台1600", "昭和42年12月17日", "男");
        assert!(matches!(register().find(&customer), Answer::Link { resident: 7, .. }));
    }

    #[test]
    fn doubt_goes_to_review_and_strangers_to_none() {
        let moved = attributes("高橋誠介", "", "大阪府大阪市北区梅田1-1", "S42.12.17", "1");
        assert!(matches!(register().find(&moved), Answer::Review { candidates, .. } if candidates == [7]));
        let stranger = attributes("山田太郎", "", "横浜市緑区森の台1600", "1980-01-01", "1");
        assert_eq!(register().find(&stranger), Answer::None);
    }

    #[test]
    fn two_customers_that_match_one_resident_go_to_review() {
        let customer = attributes("高橋誠介", "", "横浜市緑区森の台1600", "1967-12-17", "1");
        let answers = register().find_all(&[customer.clone(), customer]);
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Answer::Review { candidates, .. } if candidates == &[7]))
        );
    }

    #[test]
    fn inserting_again_replaces() {
        let mut register = register();
        register
            .insert(7, &attributes("佐藤　一", "サトウ　ハジメ", "東京都杉並区和泉1-2-3", "2001-02-03", "M"));
        let customer = attributes("高橋誠介", "", "横浜市緑区森の台1600", "1967-12-17", "1");
        assert_eq!(register.find(&customer), Answer::None);
    }
}
