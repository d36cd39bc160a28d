//! Reasons in words: one short sentence per attribute.

use crate::compare::{AddressLevel, BirthLevel, Comparison, PartLevel, SexLevel};
use crate::name::NameKind;

/// Which attribute agreed how.
pub(crate) fn why(comparison: &Comparison) -> String {
    let mut sentences: Vec<String> = Vec::with_capacity(6);
    sentences.push(part("Surname", comparison.name.surname));
    sentences.push(part("Given name", comparison.name.given));
    match comparison.name.kind {
        NameKind::Present => {}
        NameKind::Former => sentences.push("The surname is a former one.".into()),
        NameKind::Common => sentences.push("The name is the common name.".into()),
    }
    if comparison.name.swapped {
        sentences.push("Surname and given name are exchanged.".into());
    }
    sentences.push(birth(comparison.birth).into());
    sentences.push(address(comparison.address).into());
    if comparison.former_address {
        sentences.push("The address is a former one.".into());
    }
    sentences.push(sex(comparison.sex).into());
    sentences.join(" ")
}

fn part(attribute: &str, level: PartLevel) -> String {
    let how = match level {
        PartLevel::Same => "agrees",
        PartLevel::Written => "agrees in writing, the reading or one character differs",
        PartLevel::Heard => "agrees in reading, the writing is not comparable",
        PartLevel::Homophone => "agrees in reading, the writing differs",
        PartLevel::Readable => "differs in writing but can be read the same",
        PartLevel::Similar => "differs by one slip",
        PartLevel::Missing => "is missing",
        PartLevel::Differs => "differs",
    };
    format!("{attribute} {how}.")
}

fn birth(level: BirthLevel) -> &'static str {
    match level {
        BirthLevel::Same => "Birth date agrees.",
        BirthLevel::Near => "Birth date differs by one slip.",
        BirthLevel::Partly => "Birth date agrees as far as it is given.",
        BirthLevel::Missing => "Birth date is missing.",
        BirthLevel::Differs => "Birth date differs.",
    }
}

fn address(level: AddressLevel) -> &'static str {
    match level {
        AddressLevel::Same => "Address agrees.",
        AddressLevel::OtherRoom => "Address agrees but for the room.",
        AddressLevel::Near => "Address agrees but for one slip.",
        AddressLevel::Town => "Address agrees as far as the town, the numbers are missing.",
        AddressLevel::OtherNumbers => "Address agrees as far as the town, the numbers differ.",
        AddressLevel::City => "Address agrees in the municipality only.",
        AddressLevel::Missing => "Address is missing.",
        AddressLevel::Differs => "Address differs.",
    }
}

fn sex(level: SexLevel) -> &'static str {
    match level {
        SexLevel::Same => "Sex agrees.",
        SexLevel::Differs => "Sex differs.",
        SexLevel::Missing => "Sex is missing.",
    }
}
