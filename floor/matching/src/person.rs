//! A person as four attributes say, in one spelling.

use crate::address::{Address, Places};
use crate::birth::Birth;
use crate::name::{Name, NameKind};
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

/// What the register keeps of a resident's past, and the common name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Former surnames with their readings.
    pub surnames: Vec<(String, Option<String>)>,
    /// Former addresses.
    pub addresses: Vec<String>,
    /// Common names (通称) and other whole names with their readings.
    pub names: Vec<(String, Option<String>)>,
}

/// Says nothing about the person: attributes must not reach a log.
impl fmt::Debug for Attributes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Attributes(…)")
    }
}

/// Says nothing about the person: attributes must not reach a log.
impl fmt::Debug for History {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("History(…)")
    }
}

/// The normalised form of a person's attributes.
#[derive(Clone)]
pub struct Person {
    pub(crate) name: Name,
    pub(crate) other_names: Box<[(Name, NameKind)]>,
    pub(crate) address: Address,
    pub(crate) former_addresses: Box<[Address]>,
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
        Person::with_history(attributes, &History::default(), &Places::default())
    }

    pub(crate) fn with_history(attributes: &Attributes, history: &History, places: &Places) -> Person {
        let name = Name::new(&attributes.name, attributes.kana.as_deref());
        let former = history
            .surnames
            .iter()
            .map(|(written, reading)| (name.with_surname(written, reading.as_deref()), NameKind::Former));
        let common = history
            .names
            .iter()
            .map(|(written, reading)| (Name::new(written, reading.as_deref()), NameKind::Common));
        let other_names = former.chain(common).collect();
        Person {
            other_names,
            name,
            address: Address::read(&attributes.address, places),
            former_addresses: history
                .addresses
                .iter()
                .map(|address| Address::read(address, places))
                .collect(),
            birth: Birth::read(&attributes.birth),
            sex: normalise_sex(&attributes.sex),
        }
    }

    /// The present name, then former and common ones.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&Name, NameKind)> {
        std::iter::once((&self.name, NameKind::Present))
            .chain(self.other_names.iter().map(|(name, kind)| (name, *kind)))
    }

    /// The present address, then former ones.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.address).chain(&self.former_addresses)
    }
}
