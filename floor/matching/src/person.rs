//! A person as four attributes say, in one spelling.

use crate::address::{Address, Places};
use crate::birth::Birth;
use crate::name::Name;
use crate::sex::{Sex, normalise_sex};
use std::fmt;

/// Four attributes as an institution or the register writes them: raw text in any notation.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Surname and given name, with or without a space.
    pub name: String,
    /// Reading of the name in any kana.
    pub kana: Option<String>,
    /// Address in any notation, with or without prefecture and building.
    pub address: String,
    /// Birth date: ISO, by era, or however it was written.
    pub birth: String,
    /// Sex: `1`/`2`, `M`/`F`, `男`/`女` …
    pub sex: String,
}

/// Says nothing about the person: attributes must not reach a log.
impl fmt::Debug for Attributes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Attributes(…)")
    }
}

/// The normalised form of a person's attributes.
#[derive(Clone)]
pub struct Person {
    pub(crate) name: Name,
    pub(crate) address: Address,
    pub(crate) birth: Birth,
    pub(crate) sex: Option<Sex>,
}

/// Says nothing about the person: attributes must not reach a log.
impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Person(…)")
    }
}

impl Person {
    /// Normalises all four attributes. Linear in the length of the texts; never fails: what cannot be read is
    /// treated as missing.
    pub fn new(attributes: &Attributes) -> Person {
        Person::in_places(attributes, &Places::built_in())
    }

    pub(crate) fn in_places(attributes: &Attributes, places: &Places) -> Person {
        Person {
            name: Name::new(&attributes.name, attributes.kana.as_deref()),
            address: Address::read(&attributes.address, places),
            birth: Birth::read(&attributes.birth),
            sex: normalise_sex(&attributes.sex),
        }
    }
}
