//! A table of patients for research: keys of a data domain of their own, coarse facts, a diagnosis each.

use crate::draw::lot;
use crate::population::{Population, Sex};

/// The column of a patient's key.
pub const PATIENT: &str = "patient";

/// Diagnoses by ICD-10, each with how often it is drawn below and from the age of 60.
const DIAGNOSES: [(&str, u64, u64); 8] = [
    ("I10", 8, 30),
    ("E11", 6, 18),
    ("J45", 18, 6),
    ("J30", 30, 10),
    ("M54", 14, 14),
    ("F32", 14, 8),
    ("I50", 2, 10),
    ("C50", 8, 4),
];

/// The table as CSV. In year `year` (0, 1, …) some have come, some have gone, and some diagnoses have changed.
pub fn patients(population: &Population, year: u64) -> String {
    let mut text = format!("{PATIENT},age,sex,city,diagnosis\n");
    for resident in &population.residents {
        let draw = |name: &str| lot(population.seed, name, resident.index);
        let comes = draw("patient") % 1000;
        // Shielded people are in no such table.
        if resident.shielded || !(year * 20..700 + year * 20).contains(&comes) {
            continue;
        }
        let changes = year > 0 && draw("changes") % 100 < 3;
        let drawn = draw(if changes { "next-diagnosis" } else { "diagnosis" });
        let age = resident.birth.age();
        let of = |(_, young, old): &(&str, u64, u64)| if age < 60 { *young } else { *old };
        let mut at = drawn % DIAGNOSES.iter().map(of).sum::<u64>();
        let found = DIAGNOSES.iter().find(|diagnosis| {
            let weight = of(diagnosis);
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        });
        let diagnosis = found.map_or("J30", |(code, ..)| code);
        let sex = if resident.sex == Sex::Male { "M" } else { "F" };
        let key = draw("patient-key") % 1_000_000_000_000;
        text.push_str(&format!("P-{key:012},{age},{sex},{},{diagnosis}\n", resident.address.city));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn patients_have_keys_of_their_own_and_stay_who_they_are() {
        let population = Population::generate(3, 2_000);
        let (first, second) = (patients(&population, 0), patients(&population, 1));
        let keys = |text: &str| -> HashSet<String> {
            text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
        };
        let (before, after) = (keys(&first), keys(&second));
        assert_eq!(before.len(), first.lines().count() - 1, "each once");
        assert!(before.len() > 1_000 && before != after);
        assert!(before.intersection(&after).count() * 10 > before.len() * 9);
        assert_eq!(first, patients(&population, 0), "the same each time");
    }
}
