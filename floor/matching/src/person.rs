//! A person as four attributes say, in one spelling.

use crate::address::{Address, Places};
use crate::birth::Birth;
use crate::name::{Name, NameKind};
use crate::quick::Normaliser;
use crate::sex::Sex;
use std::borrow::Cow;
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

/// The same, borrowed from wherever the texts lie.
#[derive(Clone, Copy, Default)]
pub struct AttributesRef<'a> {
    /// As [`Attributes::name`].
    pub name: &'a str,
    /// As [`Attributes::kana`].
    pub kana: Option<&'a str>,
    /// As [`Attributes::address`].
    pub address: &'a str,
    /// As [`Attributes::birth`].
    pub birth: &'a str,
    /// As [`Attributes::sex`].
    pub sex: &'a str,
}

impl Attributes {
    /// The texts without a copy.
    pub fn borrowed(&self) -> AttributesRef<'_> {
        AttributesRef {
            name: &self.name,
            kana: self.kana.as_deref(),
            address: &self.address,
            birth: &self.birth,
            sex: &self.sex,
        }
    }
}

/// A [`History`], borrowed.
#[derive(Clone, Copy, Default)]
pub struct Past<'a> {
    /// As [`History::surnames`].
    pub surnames: &'a [(&'a str, Option<&'a str>)],
    /// As [`History::addresses`].
    pub addresses: &'a [&'a str],
    /// As [`History::names`].
    pub names: &'a [(&'a str, Option<&'a str>)],
}

/// Says nothing about the person: attributes must not reach a log.
impl fmt::Debug for AttributesRef<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AttributesRef(…)")
    }
}

/// Says nothing about the person: attributes must not reach a log.
impl fmt::Debug for Past<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Past(…)")
    }
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
        Person::normalised(attributes, history, &mut Normaliser::new(places))
    }

    pub(crate) fn normalised(
        attributes: &Attributes,
        history: &History,
        normaliser: &mut Normaliser<'_>,
    ) -> Person {
        let surnames = borrowed(&history.surnames);
        let whole_names = borrowed(&history.names);
        let addresses: Vec<&str> = history.addresses.iter().map(String::as_str).collect();
        let past = Past { surnames: &surnames, addresses: &addresses, names: &whole_names };
        normaliser.person(attributes.borrowed(), &past)
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

fn borrowed(names: &[(String, Option<String>)]) -> Vec<(&str, Option<&str>)> {
    names.iter().map(|(written, reading)| (written.as_str(), reading.as_deref())).collect()
}

/// A name without what stands in brackets, and that: 山田（旧姓佐藤）花子, KIM LAN（金本　蘭）.
pub(crate) fn without_brackets(name: &str) -> (Cow<'_, str>, Option<String>) {
    const OPEN: [char; 4] = ['(', '（', '[', '［'];
    const CLOSE: [char; 4] = [')', '）', ']', '］'];
    let Some((before, rest)) = name.split_once(OPEN) else { return (Cow::Borrowed(name), None) };
    let (inside, after) = rest.split_once(CLOSE).unwrap_or((rest, ""));
    // A whole name in brackets is no remark.
    if before.trim().is_empty() && after.trim().is_empty() {
        return (Cow::Owned(inside.to_owned()), None);
    }
    (Cow::Owned(format!("{before} {after}")), Some(inside.to_owned()))
}

pub(crate) fn named_in_brackets(name: &Name, remark: &str) -> (Name, NameKind) {
    let surname = ["旧姓", "旧氏", "旧", "前姓"].iter().find_map(|word| remark.trim().strip_prefix(word));
    match surname {
        Some(surname) => {
            (name.with_surname(surname.trim_start_matches([':', '：', ' ', '　']), None), NameKind::Former)
        }
        None => {
            let whole = remark.trim().trim_start_matches("通称").trim_start_matches([':', '：', ' ', '　']);
            (Name::new(whole, None), NameKind::Common)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_surname_in_brackets_is_another_name() {
        let person = Person::new(&Attributes {
            name: "山田　花子（旧姓：佐藤）".into(),
            ..Attributes::default()
        });
        let names: Vec<String> = person.names().map(|(name, _)| name.written().joined().to_owned()).collect();
        assert_eq!(names, ["山田花子", "佐藤花子"]);
    }
}
