//! How two records agree: one level per attribute. What a level is worth is the model's affair.

mod address;
mod birth;
mod name;
mod text;

pub(crate) use address::AddressLevel;
pub(crate) use birth::BirthLevel;
pub(crate) use name::{NamePair, PartLevel};

use crate::person::Person;
use crate::readings::Readings;

/// How the two sexes agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SexLevel {
    Same,
    Differs,
    Missing,
}

/// How a customer and a resident agree, attribute by attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) name: NamePair,
    pub(crate) birth: BirthLevel,
    pub(crate) address: AddressLevel,
    /// The address that agrees is a former one.
    pub(crate) former_address: bool,
    pub(crate) sex: SexLevel,
}

impl Comparison {
    /// Compares a customer with a resident, taking the best of the resident's present and former names and
    /// addresses.
    pub(crate) fn of(customer: &Person, resident: &Person, readings: &Readings) -> Comparison {
        let pairs = customer
            .names()
            .flat_map(|own| resident.names().map(move |other| (own, other)))
            .map(|((own, own_kind), (other, kind))| NamePair::of(own, other, kind.min(own_kind), readings));
        let name = pairs.max_by_key(NamePair::rank).unwrap_or_default();
        let present = AddressLevel::of(&customer.address, &resident.address);
        let former = resident
            .former_addresses
            .iter()
            .map(|address| AddressLevel::of(&customer.address, address))
            .max()
            .unwrap_or(AddressLevel::Missing);
        // A former address counts when it tells more than the present one.
        let former_address = former > present && former > AddressLevel::City;
        Comparison {
            name,
            birth: BirthLevel::of(customer.birth, resident.birth),
            address: if former_address { former } else { present },
            former_address,
            sex: match (customer.sex, resident.sex) {
                (Some(left), Some(right)) if left == right => SexLevel::Same,
                (Some(_), Some(_)) => SexLevel::Differs,
                _ => SexLevel::Missing,
            },
        }
    }
}
