//! The customers of the institutions: whom each keeps, under which number, in which spelling, with which defects.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    Stage,
    institution::{Institution, Records},
    office,
    population::Population,
    tables::Tables,
};

/// What matching of exact and normalised attributes should say about a row when codes are issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// One resident beyond doubt: the customer gets a code.
    Linked,
    /// A clerk must look: no code.
    Review,
    /// Nobody in the register: no code.
    None,
}

/// A row of an institution, with what is true about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    /// Whose customer.
    pub institution: Institution,
    /// The institution's own number for them.
    pub number: String,
    /// Who it is in truth: index of the resident, or nobody in the register.
    pub resident: Option<u32>,
    /// Name as the institution writes it.
    pub name: String,
    /// Reading, if it has one.
    pub kana: Option<String>,
    /// Sex as the institution writes it.
    pub sex: String,
    /// Birth date as the institution writes it.
    pub birth: String,
    /// Address as the institution writes it.
    pub address: String,
    /// Protected person.
    pub shielded: bool,
    /// What the institution knows about them.
    pub records: Records,
    /// What matching should say.
    pub expected: Link,
    /// How the row was made, in one word.
    pub made: &'static str,
    /// Birth date after a clerk's mistake later on, if that happens to this row.
    pub birth_after_slip: Option<String>,
    /// False where the institution does not know the sex.
    pub holds_sex: bool,
}

impl Customer {
    /// What a connector should give for each item the institution holds about this customer.
    pub fn items(&self) -> BTreeMap<&'static str, Value> {
        let latest =
            self.records.items.iter().filter_map(|(item, years)| Some((*item, years.last()?.clone())));
        latest.collect()
    }

    /// The birth date as the row has it at that stage.
    pub(crate) fn birth_at(&self, stage: Stage) -> &str {
        match (stage, &self.birth_after_slip) {
            (Stage::AfterSlips, Some(birth)) => birth,
            _ => &self.birth,
        }
    }

    /// An item as it stands last.
    pub(crate) fn latest(&self, item: &str) -> Option<&Value> {
        self.history(item).last()
    }

    /// An item's history, earliest first.
    pub(crate) fn history(&self, item: &str) -> &[Value] {
        self.records.items.get(item).map_or(&[], Vec::as_slice)
    }

    /// A column of the institution's own.
    pub(crate) fn own(&self, column: &str) -> String {
        self.records.own.get(column).cloned().unwrap_or_default()
    }
}

/// All customers, each institution's in the order of its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Customers {
    /// What they were made from.
    pub seed: u64,
    /// All institutions' rows.
    pub all: Vec<Customer>,
}

impl Customers {
    /// Makes the institutions' customers out of this population, the same each time.
    pub fn make(population: &Population) -> Customers {
        let tables = Tables::embedded();
        let households = office::Households::of(population);
        let mut all = Vec::new();
        for institution in Institution::ALL {
            let mut rows = office::rows(institution, population, &tables, &households);
            rows.sort_by(|a, b| a.number.cmp(&b.number));
            all.append(&mut rows);
        }
        Customers { seed: population.seed, all }
    }

    /// The rows of one institution.
    pub fn of(&self, institution: Institution) -> impl Iterator<Item = &Customer> {
        self.all.iter().filter(move |customer| customer.institution == institution)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn customers() -> Customers {
        Customers::make(&Population::generate(5, 4_000))
    }

    #[test]
    fn a_seed_gives_one_set_of_customers() {
        assert_eq!(customers(), customers());
    }

    /// Institutions with enough customers for shares to say something.
    fn large(customers: &Customers) -> Vec<Institution> {
        Institution::ALL.into_iter().filter(|institution| customers.of(*institution).count() >= 500).collect()
    }

    #[test]
    fn numbers_are_the_institutions_own_and_follow_no_order() {
        let customers = customers();
        for institution in Institution::ALL {
            let numbers: Vec<_> = customers.of(institution).map(|c| &c.number).collect();
            assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "unique and sorted");
        }
        for institution in large(&customers) {
            let residents: Vec<_> = customers.of(institution).map(|c| c.resident).collect();
            let rising = residents.windows(2).filter(|pair| pair[0] < pair[1]).count();
            let share = rising as f64 / residents.len() as f64;
            assert!(
                (0.45..0.55).contains(&share),
                "{institution:?}: the order of numbers says nothing about the register: {share}"
            );
        }
    }

    #[test]
    fn most_rows_link_and_every_defect_occurs_at_every_large_institution() {
        let customers = customers();
        let large = large(&customers);
        assert!(large.len() >= 6);
        for institution in large {
            let rows: Vec<_> = customers.of(institution).collect();
            let linked =
                rows.iter().filter(|row| row.expected == Link::Linked).count() as f64 / rows.len() as f64;
            assert!((0.93..0.99).contains(&linked), "{linked}");
            for made in [
                "plain",
                "other_birth",
                "moved_and_no_birth",
                "moved_and_married",
                "typo_in_name",
                "wrong_sex",
                "no_sex",
                "slip",
                "twice",
                "nobody",
            ] {
                assert!(rows.iter().any(|row| row.made == made), "{institution:?} {made}");
            }
            assert!(rows.iter().any(|row| row.shielded));
        }
        for row in &customers.all {
            assert_eq!(row.made == "nobody", row.resident.is_none());
            assert!(row.birth_after_slip.as_ref().is_none_or(|birth| *birth != row.birth));
        }
    }

    #[test]
    fn nobody_is_linked_twice_at_one_institution() {
        let customers = customers();
        for institution in Institution::ALL {
            let mut seen = HashSet::new();
            let linked = customers.of(institution).filter(|row| row.expected == Link::Linked);
            assert!(linked.into_iter().all(|row| seen.insert(row.resident)));
        }
    }

    #[test]
    fn items_say_what_the_records_say() {
        let customers = customers();
        let of = |id| customers.of(Institution::named(id).unwrap());
        let income = of("tax").find_map(|row| row.items().remove("income")).unwrap();
        assert_eq!(income["year"], 2025);
        assert!(income["amount_yen"].as_i64().unwrap() > income["tax_yen"].as_i64().unwrap());
        let paid = of("pension").filter(|row| !row.items().is_empty()).count();
        let members = of("pension").count();
        assert!(paid > members / 10 && paid < members / 2, "only the old are paid: {paid} of {members}");
        for (id, item) in [
            ("town", "residence"),
            ("town", "child-allowance"),
            ("town", "local-tax"),
            ("town", "long-term-care"),
            ("neighbour", "local-tax"),
            ("insurer", "eligibility"),
            ("insurer", "medical-benefit"),
            ("hospital", "treatment"),
            ("scholarship", "scholarship-paid"),
            ("welfare", "public-assistance"),
            ("labour", "unemployment"),
            ("bank", "bank-balance"),
        ] {
            assert!(of(id).any(|row| row.items().contains_key(item)), "{id} {item}");
        }
    }

    #[test]
    fn nobody_pays_local_tax_to_two_cities() {
        let customers = customers();
        let taxed = |id| -> HashSet<u32> {
            let rows = customers.of(Institution::named(id).unwrap());
            rows.filter(|row| row.items().contains_key("local-tax")).filter_map(|row| row.resident).collect()
        };
        assert!(taxed("town").is_disjoint(&taxed("neighbour")));
    }
}
