//! What is true about every row, written beside the run and never shown to a room.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use serde::Serialize;
use serde_json::Value;

use crate::{
    DemoError,
    customers::{Customer, Customers, Link},
    institution::Institution,
    population::{Population, Relation},
};

/// What is true about one row of one institution.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TruthRow {
    /// Whose row.
    pub institution: Institution,
    /// The institution's number for the customer.
    pub number: String,
    /// Index of the resident it is; null if nobody in the register.
    pub resident: Option<u32>,
    /// What exact and normalised matching should say. Linked or not is what counts; whether the others are for a clerk
    /// to look at or for nobody is advice, and a tolerant matcher looks at more.
    pub expected: Link,
    /// False where a better matcher may rightly say more than `expected`: nothing is planned on such rows.
    pub certain: bool,
    /// How the row was made.
    pub made: &'static str,
    /// Protected person.
    pub shielded: bool,
    /// The birth date changes by mistake after codes were issued.
    pub slips: bool,
    /// The institution knows the sex.
    pub holds_sex: bool,
    /// What a connector should give for each item there is.
    pub items: BTreeMap<&'static str, Value>,
}

/// The truth about all rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// What the run was made from.
    pub seed: u64,
    /// How many residents there are.
    pub residents: usize,
    /// Every row of every institution.
    pub rows: Vec<TruthRow>,
    #[serde(skip)]
    by_number: HashMap<(Institution, String), usize>,
    /// Only rows that are expected to be linked.
    #[serde(skip)]
    by_resident: HashMap<(Institution, u32), usize>,
    /// Every row of a resident.
    #[serde(skip)]
    all_of: HashMap<(Institution, u32), Vec<usize>>,
    /// The people of each household that has more than one.
    #[serde(skip)]
    households: BTreeMap<u32, Vec<Member>>,
}

/// Somebody of a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Index of the resident.
    pub(crate) resident: u32,
    /// One of the couple at its head.
    pub(crate) parent: bool,
    /// Of age.
    pub(crate) adult: bool,
}

impl Truth {
    /// The truth about these customers of this population.
    pub fn about(customers: &Customers, population: &Population) -> Truth {
        let rows: Vec<TruthRow> = customers.all.iter().map(row).collect();
        let numbered = rows.iter().enumerate();
        let by_number =
            numbered.clone().map(|(at, row)| ((row.institution, row.number.clone()), at)).collect();
        let linked = numbered.filter(|(_, row)| row.expected == Link::Linked);
        let by_resident =
            linked.filter_map(|(at, row)| Some(((row.institution, row.resident?), at))).collect();
        let mut all_of: HashMap<(Institution, u32), Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            if let Some(resident) = row.resident {
                all_of.entry((row.institution, resident)).or_default().push(at);
            }
        }
        let mut households: BTreeMap<u32, Vec<Member>> = BTreeMap::new();
        for resident in &population.residents {
            let parent = matches!(resident.relation, Relation::Head | Relation::Spouse);
            let member = Member { resident: resident.index, parent, adult: resident.birth.age() >= 20 };
            households.entry(resident.household).or_default().push(member);
        }
        households.retain(|_, members| members.len() > 1);
        let residents = population.residents.len();
        Truth { seed: customers.seed, residents, rows, by_number, by_resident, all_of, households }
    }

    /// The people of each household that has more than one.
    pub(crate) fn households(&self) -> impl Iterator<Item = &[Member]> {
        self.households.values().map(Vec::as_slice)
    }

    /// The row under that number.
    pub fn row(&self, institution: Institution, number: &str) -> Option<&TruthRow> {
        self.rows.get(*self.by_number.get(&(institution, number.to_owned()))?)
    }

    /// The row that is expected to be linked to that resident.
    pub fn linked(&self, institution: Institution, resident: u32) -> Option<&TruthRow> {
        self.rows.get(*self.by_resident.get(&(institution, resident))?)
    }

    /// Every row that in truth is that resident, linked or not.
    pub fn rows_of(&self, institution: Institution, resident: u32) -> impl Iterator<Item = &TruthRow> {
        let rows = self.all_of.get(&(institution, resident)).map_or(&[][..], Vec::as_slice);
        rows.iter().filter_map(|at| self.rows.get(*at))
    }

    /// Writes it as JSON.
    pub fn write(&self, file: &Path) -> Result<(), DemoError> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(file, serde_json::to_vec(self)?)?)
    }
}

fn row(customer: &Customer) -> TruthRow {
    TruthRow {
        institution: customer.institution,
        number: customer.number.clone(),
        resident: customer.resident,
        expected: customer.expected,
        certain: !matches!(customer.made, "typo_in_name" | "wrong_sex"),
        made: customer.made,
        shielded: customer.shielded,
        slips: customer.birth_after_slip.is_some(),
        holds_sex: customer.holds_sex,
        items: customer.items(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::Population;

    #[test]
    fn truth_finds_rows_by_number_and_by_resident() {
        let population = Population::generate(5, 800);
        let customers = Customers::make(&population);
        let truth = Truth::about(&customers, &population);
        assert_eq!(truth.rows.len(), customers.all.len());
        for customer in &customers.all {
            let row = truth.row(customer.institution, &customer.number).unwrap();
            assert_eq!((row.resident, row.expected), (customer.resident, customer.expected));
            if let (Link::Linked, Some(resident)) = (row.expected, row.resident) {
                assert_eq!(truth.linked(row.institution, resident), Some(row));
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run/truth.json");
        truth.write(&file).unwrap();
        let read: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(read["rows"].as_array().unwrap().len(), truth.rows.len());
        assert_eq!(read["rows"][0]["institution"], "town");
    }
}
