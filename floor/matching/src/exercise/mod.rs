//! Exercises with known truth: a fictitious register and customers of institutions with defects.
//!
//! Made from lists of names and towns and a seed, nothing else; the same seed gives the same exercise. It is how
//! the matcher is measured without the data of any real person. The defects are those institutions' files
//! have, and more kinds than the public exercise knows.

mod defects;
mod door;
mod people;
mod random;
mod score;

pub use score::{Score, mean_and_interval, score};

use crate::{Attributes, History};

/// Lists an exercise is made from.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// Surname, reading (katakana) and weight.
    pub surnames: Vec<(String, String, f64)>,
    /// Sex (`M` or `F`), given name, reading (katakana) and weight.
    pub given_names: Vec<(char, String, String, f64)>,
    /// Prefecture, municipality without 郡, town, and whether it is divided into 丁目.
    pub towns: Vec<(String, String, String, bool)>,
    /// Prefecture, former municipality, municipality of today.
    pub mergers: Vec<(String, String, String)>,
}

/// Size and seed of an exercise.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Seed; the same seed gives the same exercise.
    pub seed: u64,
    /// Residents in the register.
    pub residents: usize,
    /// Customers.
    pub customers: usize,
    /// Of the customers, how many are not in the register.
    pub absent: usize,
}

/// A customer with the truth about it.
#[derive(Clone, Debug)]
pub struct Customer {
    /// What the institution wrote.
    pub attributes: Attributes,
    /// Whose customer it is.
    pub institution: u64,
    /// Index of the resident in [`Exercise::residents`]; `None` when the person is not in the register.
    pub truth: Option<u64>,
    /// The defects, in the order in which they were made.
    pub defects: Vec<&'static str>,
}

/// A register and customers with truth.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Residents with their history; the index is the place in the list.
    pub residents: Vec<(Attributes, History)>,
    /// Customers.
    pub customers: Vec<Customer>,
}

/// Makes an exercise. Empty when the material is.
pub fn exercise(material: &Material, plan: Plan) -> Exercise {
    let mut random = random::Random::new(plan.seed);
    let lists = people::Lists::new(material);
    if !lists.enough() {
        return Exercise { residents: Vec::new(), customers: Vec::new() };
    }
    let (people, absent) = people::population(&lists, plan.residents, plan.absent, &mut random);
    let mut order: Vec<usize> = (0..people.len()).collect();
    random.shuffle(&mut order);
    let inside = plan.customers.saturating_sub(absent.len());
    let mut customers: Vec<Customer> = Vec::with_capacity(plan.customers);
    for index in order.into_iter().take(inside) {
        if let Some(person) = people.get(index) {
            customers.push(defects::customer(person, u64::try_from(index).ok(), &lists, &mut random));
        }
    }
    for person in &absent {
        customers.push(defects::customer(person, None, &lists, &mut random));
    }
    random.shuffle(&mut customers);
    Exercise { residents: people.iter().map(people::Resident::as_registered).collect(), customers }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material() -> Material {
        let name = |name: &str, kana: &str| (name.to_owned(), kana.to_owned(), 1.0);
        let given = |sex, name: &str, kana: &str| (sex, name.to_owned(), kana.to_owned(), 1.0);
        Material {
            surnames: vec![name("髙橋", "タカハシ"), name("佐藤", "サトウ"), name("渡邊", "ワタナベ")],
            given_names: vec![
                given('M', "太郎", "タロウ"),
                given('F', "花子", "ハナコ"),
                given('M', "一郎", "イチロウ"),
                given('F', "京子", "キョウコ"),
            ],
            towns: vec![
                ("埼玉県".into(), "川口市".into(), "幸町".into(), true),
                ("大分県".into(), "大分市".into(), "城原".into(), false),
            ],
            mergers: vec![("埼玉県".into(), "鳩ヶ谷市".into(), "川口市".into())],
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_exercise() {
        let plan = Plan { seed: 7, residents: 60, customers: 30, absent: 5 };
        let (one, other) = (exercise(&material(), plan), exercise(&material(), plan));
        assert_eq!(one.residents, other.residents);
        assert_eq!(one.customers.len(), 30);
        assert_eq!(one.customers.iter().filter(|customer| customer.truth.is_none()).count(), 5);
        for (left, right) in one.customers.iter().zip(&other.customers) {
            assert_eq!(
                (&left.attributes, left.truth, &left.defects),
                (&right.attributes, right.truth, &right.defects)
            );
        }
    }

    #[test]
    fn without_material_there_is_no_exercise() {
        let plan = Plan { seed: 7, residents: 60, customers: 30, absent: 5 };
        assert!(exercise(&Material::default(), plan).residents.is_empty());
    }
}
