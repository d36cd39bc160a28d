//! The register: an index over residents, and the three answers to "who is this customer?".

use crate::birth::Birth;
use crate::person::{Attributes, Person};
use std::collections::{BTreeMap, HashMap};

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

/// Index over residents.
#[derive(Default)]
pub struct Register {
    residents: BTreeMap<u64, Person>,
    by_key: HashMap<Key, Vec<u64>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Birth(i32, u8, u8),
    Written(Box<str>),
    Read(Box<str>),
}

fn keys(person: &Person) -> Vec<Key> {
    let mut keys = Vec::with_capacity(3);
    if let Birth::Date { year, month, day } = person.birth {
        keys.push(Key::Birth(year, month, day));
    }
    if !person.name.written.is_missing() {
        keys.push(Key::Written(person.name.written.joined().into()));
    }
    if !person.name.read.is_missing() {
        keys.push(Key::Read(person.name.read.joined().into()));
    }
    keys
}

/// More candidates than this are no help to a clerk.
const MOST_CANDIDATES: usize = 10;

impl Register {
    /// Builds the index. A resident index given twice keeps the last attributes.
    pub fn new(residents: impl IntoIterator<Item = (u64, Attributes)>) -> Register {
        let mut register = Register::default();
        for (resident, attributes) in residents {
            register.insert(resident, &attributes);
        }
        register
    }

    /// Adds a resident or replaces the one with this index.
    pub fn insert(&mut self, resident: u64, attributes: &Attributes) {
        let person = Person::new(attributes);
        if let Some(old) = self.residents.remove(&resident) {
            for key in keys(&old) {
                if let Some(residents) = self.by_key.get_mut(&key) {
                    residents.retain(|other| *other != resident);
                }
            }
        }
        for key in keys(&person) {
            self.by_key.entry(key).or_default().push(resident);
        }
        self.residents.insert(resident, person);
    }

    /// Who this customer is, looked at alone. Doubtful is always [`Answer::Review`].
    pub fn find(&self, customer: &Attributes) -> Answer {
        let customer = Person::new(customer);
        let mut candidates: Vec<(Agreement, u64)> = Vec::new();
        let mut seen: Vec<u64> =
            keys(&customer).iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        for resident in seen {
            if let Some(person) = self.residents.get(&resident) {
                let agreement = Agreement::of(&customer, person);
                if agreement.is_possible() {
                    candidates.push((agreement, resident));
                }
            }
        }
        candidates.sort_by_key(|(agreement, resident)| (std::cmp::Reverse(agreement.count()), *resident));
        match candidates.as_slice() {
            [] => Answer::None,
            [(agreement, resident), others @ ..]
                if agreement.is_certain() && others.iter().all(|(other, _)| other.count() < 3) =>
            {
                Answer::Link { resident: *resident, why: agreement.why() }
            }
            [(agreement, _), ..] => Answer::Review {
                why: agreement.why(),
                candidates: candidates.iter().take(MOST_CANDIDATES).map(|(_, resident)| *resident).collect(),
            },
        }
    }

    /// Who these customers of one institution are, decided together: two customers that match one resident
    /// both go to review. Answers stand in the order of the customers.
    pub fn find_all(&self, customers: &[Attributes]) -> Vec<Answer> {
        let mut answers: Vec<Answer> = customers.iter().map(|customer| self.find(customer)).collect();
        let mut linked: HashMap<u64, u32> = HashMap::new();
        for answer in &answers {
            if let Answer::Link { resident, .. } = answer {
                *linked.entry(*resident).or_default() += 1;
            }
        }
        for answer in &mut answers {
            if let Answer::Link { resident, why } = answer
                && linked.get(resident).is_some_and(|count| *count > 1)
            {
                *answer = Answer::Review {
                    candidates: vec![*resident],
                    why: format!("Another customer of this institution matches the same resident. {why}"),
                };
            }
        }
        answers
    }
}

/// Which attributes agree.
struct Agreement {
    name: bool,
    birth: bool,
    address: bool,
    conflict: bool,
}

impl Agreement {
    fn of(customer: &Person, resident: &Person) -> Agreement {
        let (written, read) = (&customer.name.written, &customer.name.read);
        let written_agrees = !written.is_missing() && written.joined() == resident.name.written.joined();
        let read_agrees = !read.is_missing() && read.joined() == resident.name.read.joined();
        let (here, there) = (&customer.address, &resident.address);
        let numbers = here.numbers.len().min(there.numbers.len());
        let enough = here.plain_numbers.min(there.plain_numbers);
        Agreement {
            name: written_agrees && (read_agrees || read.is_missing()) || read_agrees && written.is_missing(),
            birth: matches!(customer.birth, Birth::Date { .. }) && customer.birth == resident.birth,
            address: enough > 0
                && here.plain_numbers == there.plain_numbers
                && here.city == there.city
                && here.town == there.town
                && here.numbers.get(..numbers) == there.numbers.get(..numbers),
            conflict: matches!((customer.sex, resident.sex), (Some(left), Some(right)) if left != right),
        }
    }

    fn count(&self) -> usize {
        [self.name, self.birth, self.address].into_iter().filter(|agrees| *agrees).count()
    }

    fn is_possible(&self) -> bool {
        self.name && (self.birth || self.address) || self.birth && self.address
    }

    fn is_certain(&self) -> bool {
        self.count() == 3 && !self.conflict
    }

    fn why(&self) -> String {
        let say = |agrees: bool| if agrees { "agrees" } else { "does not agree" };
        format!(
            "Name {}. Birth date {}. Address {}.{}",
            say(self.name),
            say(self.birth),
            say(self.address),
            if self.conflict { " Sex differs." } else { "" }
        )
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
