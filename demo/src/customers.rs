//! The customers of the three institutions: whom each keeps, under which number, in which spelling, with which defects.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{date::Date, office, population::Population, tables::Tables};

/// One of the three institutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Institution {
    /// City office: CSV files.
    Town,
    /// Tax agency: an SQLite database.
    Tax,
    /// Pension service: an HTTP service.
    Pension,
}

impl Institution {
    /// All three.
    pub const ALL: [Institution; 3] = [Institution::Town, Institution::Tax, Institution::Pension];

    /// `town`, `tax`, `pension`
    pub fn as_str(self) -> &'static str {
        match self {
            Institution::Town => "town",
            Institution::Tax => "tax",
            Institution::Pension => "pension",
        }
    }
}

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

/// What an institution knows about a customer.
#[derive(Debug, Clone, PartialEq)]
pub enum Records {
    /// City office.
    Town {
        /// 世帯番号
        household: u32,
        /// 続柄
        relation: &'static str,
        /// 住民となった日
        since: Date,
        /// Child allowance: since when, for how many children, yen a month.
        allowance: Option<(Date, i64, i64)>,
    },
    /// Tax agency: year, income in yen, tax in yen; earliest first.
    Tax(Vec<(i32, i64, i64)>),
    /// Pension service: year, pension paid in yen; earliest first.
    Pension(Vec<(i32, i64)>),
}

impl Customer {
    /// What a connector should give for each item the institution holds about this customer.
    pub fn items(&self) -> BTreeMap<&'static str, Value> {
        let mut items = BTreeMap::new();
        match &self.records {
            Records::Town { relation, since, allowance, .. } => {
                items.insert(
                    "residence",
                    json!({ "address": self.address, "since": since.to_string(), "relation": relation }),
                );
                if let Some((since, children, monthly_yen)) = allowance {
                    items.insert(
                        "child-allowance",
                        json!({ "since": since.to_string(), "children": children, "monthly_yen": monthly_yen }),
                    );
                }
            }
            Records::Tax(years) => {
                if let Some((year, amount_yen, tax_yen)) = years.last() {
                    items.insert(
                        "income",
                        json!({ "year": year, "amount_yen": amount_yen, "tax_yen": tax_yen }),
                    );
                }
            }
            Records::Pension(years) => {
                if let Some((year, amount_yen)) = years.last() {
                    items.insert("pension-paid", json!({ "year": year, "amount_yen": amount_yen }));
                }
            }
        }
        items
    }
}

/// All customers, each institution's in the order of its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Customers {
    /// What they were made from.
    pub seed: u64,
    /// All three institutions' rows.
    pub all: Vec<Customer>,
}

impl Customers {
    /// Makes the institutions' customers out of this population, the same each time.
    pub fn make(population: &Population) -> Customers {
        let tables = Tables::embedded();
        let mut all = Vec::new();
        for institution in Institution::ALL {
            let mut rows = office::rows(institution, population, &tables);
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

    #[test]
    fn numbers_are_the_institutions_own_and_follow_no_order() {
        let customers = customers();
        for institution in Institution::ALL {
            let numbers: Vec<_> = customers.of(institution).map(|c| (c.number.clone(), c.resident)).collect();
            assert!(numbers.windows(2).all(|pair| pair[0].0 < pair[1].0), "unique and sorted");
            let rising = numbers.windows(2).filter(|pair| pair[0].1 < pair[1].1).count();
            let share = rising as f64 / numbers.len() as f64;
            assert!(
                (0.45..0.55).contains(&share),
                "the order of numbers says nothing about the register: {share}"
            );
        }
    }

    #[test]
    fn most_rows_link_and_every_defect_occurs_everywhere() {
        let customers = customers();
        for institution in Institution::ALL {
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
            assert!(rows.iter().all(|row| (row.made == "nobody") == row.resident.is_none()));
            assert!(
                rows.iter().all(|row| row.birth_after_slip.as_ref().is_none_or(|birth| *birth != row.birth))
            );
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
        let income = customers.of(Institution::Tax).find_map(|row| row.items().remove("income")).unwrap();
        assert_eq!(income["year"], 2025);
        assert!(income["amount_yen"].as_i64().unwrap() > income["tax_yen"].as_i64().unwrap());
        assert!(customers.of(Institution::Town).any(|row| row.items().contains_key("child-allowance")));
        let paid = customers.of(Institution::Pension).filter(|row| !row.items().is_empty()).count();
        let members = customers.of(Institution::Pension).count();
        assert!(paid > members / 10 && paid < members / 2, "only the old are paid: {paid} of {members}");
    }
}
