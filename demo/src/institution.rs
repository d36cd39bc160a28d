//! What an institution is: whom it keeps, how it writes them, what it knows about them and where it keeps that.
//!
//! Each is a file of its own in `institutions/`, with its connector's configuration beside it, and a line in
//! [`Institution::ALL`].

use std::{collections::BTreeMap, fmt, hash, path::Path};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{
    DemoError, Stage,
    customers::Customer,
    draw::{self, Draw},
    institutions,
    population::{Population, Resident},
    spelling::Notation,
};

/// One of the country's institutions.
#[derive(Clone, Copy)]
pub struct Institution(pub(crate) &'static Profile);

/// Where an institution stands with the third-party body when the country begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accreditation {
    /// Accredited, with an approved impact assessment.
    Full,
    /// Accredited; its impact assessment is not approved yet.
    NoAssessment,
    /// In the directory, not accredited.
    None,
}

/// An institution's own HTTP service, as [`crate::OwnService`] runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// The file with its rows, in the institution's folder.
    pub file: &'static str,
    /// The path of its list, and the field that holds the rows of a page.
    pub list: &'static str,
    /// The field of a row with the customer number.
    pub number: &'static str,
}

/// Everything about an institution that does not follow from a seed.
pub struct Profile {
    /// Its id as a party, and the name of its folder.
    pub id: &'static str,
    /// Its name in Japanese.
    pub name: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// The kind the whitelist speaks of.
    pub kind: &'static str,
    /// Whether it holds the Individual Number.
    pub holds_number: bool,
    /// How it stands with the third-party body.
    pub accreditation: Accreditation,
    /// Its department and its connector's table, as the configuration has them; `{port}` stands for its service's port.
    pub connector: &'static str,
    /// Its own HTTP service, if it has one.
    pub service: Option<Service>,
    pub(crate) keeps: Keeps,
    pub(crate) notation: fn(&mut Draw) -> Notation,
    pub(crate) number: fn(&mut Draw) -> String,
    pub(crate) records: fn(&mut About<'_>) -> Records,
    pub(crate) write: fn(&[&Customer], &Path, Stage) -> Result<(), DemoError>,
}

/// Whom an institution keeps.
pub(crate) struct Keeps {
    /// Who could be a customer.
    pub(crate) who: fn(&Population, &Resident) -> bool,
    /// How many of a thousand of them are.
    pub(crate) permille: usize,
    /// And how many at least, so that a small country has some.
    pub(crate) at_least: usize,
    /// Which of them: those with the lowest lots.
    pub(crate) lot: Lot,
}

/// The lot by which customers are drawn; institutions that name the same one draw the same people first.
pub(crate) enum Lot {
    /// Each resident's own.
    Resident(&'static str),
    /// One for the household.
    Household(&'static str),
}

/// What an institution's records of a person are made from.
pub(crate) struct About<'a> {
    pub(crate) draw: &'a mut Draw,
    pub(crate) population: &'a Population,
    /// The person as the register has them.
    pub(crate) resident: &'a Resident,
    /// The head of the household as the institution writes the name.
    pub(crate) head: String,
    /// How many children the person claims the allowance for.
    pub(crate) children: Option<i64>,
}

/// What an institution knows about a customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    /// For each item its history, earliest first; asked for is the last.
    pub items: BTreeMap<&'static str, Vec<Value>>,
    /// Columns of its own that are no item.
    pub own: BTreeMap<&'static str, String>,
}

impl Records {
    pub(crate) fn with(mut self, item: &'static str, value: Value) -> Records {
        self.items.entry(item).or_default().push(value);
        self
    }
}

impl Institution {
    /// All of them: those that take part first, then those that wait at the door.
    pub const ALL: [Institution; 12] = [
        institutions::TOWN,
        institutions::NEIGHBOUR,
        institutions::TAX,
        institutions::PENSION,
        institutions::INSURER,
        institutions::HOSPITAL,
        institutions::SCHOLARSHIP,
        institutions::WELFARE,
        institutions::LABOUR,
        institutions::BANK,
        institutions::CLINIC,
        institutions::CARE_HOME,
    ];

    /// The institution of that id.
    pub fn named(id: &str) -> Option<Institution> {
        Institution::ALL.into_iter().find(|institution| institution.0.id == id)
    }

    /// `town`, `tax`, `pension` …
    pub fn as_str(self) -> &'static str {
        self.0.id
    }

    /// What there is to know about it.
    pub fn profile(self) -> &'static Profile {
        self.0
    }

    /// Whether it is accredited, and its impact assessment approved: only then is it given codes.
    pub fn takes_part(self) -> bool {
        self.0.accreditation == Accreditation::Full
    }

    /// The residents it keeps, in the order of the register.
    pub(crate) fn kept(self, population: &Population) -> Vec<&Resident> {
        let keeps = &self.0.keeps;
        let lot = |resident: &Resident| match keeps.lot {
            Lot::Resident(name) => draw::lot(population.seed, name, resident.index),
            Lot::Household(name) => draw::lot(population.seed, name, resident.household),
        };
        let mut kept: Vec<&Resident> =
            population.residents.iter().filter(|resident| (keeps.who)(population, resident)).collect();
        let wanted = (kept.len() * keeps.permille / 1000).max(keeps.at_least);
        kept.sort_by_key(|resident| (lot(resident), resident.index));
        kept.truncate(wanted);
        kept.sort_by_key(|resident| resident.index);
        kept
    }
}

impl PartialEq for Institution {
    fn eq(&self, other: &Institution) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Institution {}

impl PartialOrd for Institution {
    fn partial_cmp(&self, other: &Institution) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Institution {
    fn cmp(&self, other: &Institution) -> std::cmp::Ordering {
        self.0.id.cmp(other.0.id)
    }
}

impl hash::Hash for Institution {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Institution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

impl Serialize for Institution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_has_a_name_of_its_own_and_keeps_a_sensible_share() {
        let ids: HashSet<_> = Institution::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(ids.len(), Institution::ALL.len());
        assert!(Institution::ALL.iter().all(|one| Institution::named(one.as_str()) == Some(*one)));
        assert!(!Institution::named("bank").unwrap().profile().holds_number);
        assert!(Institution::ALL.iter().filter(|one| one.takes_part()).count() >= 9);

        let population = Population::generate(3, 10_000);
        let share = |id: &str| {
            let kept = Institution::named(id).unwrap().kept(&population);
            kept.len() as f64 / population.residents.len() as f64
        };
        for (id, low, high) in [
            ("town", 0.55, 0.65),
            ("neighbour", 0.10, 0.22),
            ("hospital", 0.14, 0.16),
            ("bank", 0.35, 0.45),
            ("scholarship", 0.01, 0.03),
            ("welfare", 0.01, 0.02),
        ] {
            assert!((low..high).contains(&share(id)), "{id}: {}", share(id));
        }
    }

    #[test]
    fn no_institution_is_empty_in_a_small_country() {
        let population = Population::generate(1, 300);
        for institution in Institution::ALL.into_iter().filter(|one| one.takes_part()) {
            assert!(institution.kept(&population).len() >= 15, "{institution:?}");
        }
    }
}
