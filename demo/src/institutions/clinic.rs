//! A clinic at the door: it is accredited, but its impact assessment is not approved yet, so nobody may ask it and it is given no
//! codes.
//!
//! `patients.csv`: no, name, sex, birth, address, shielded.

use std::path::Path;

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::Date,
    files::{Table, flag},
    institution::{Accreditation, Institution, Keeps, Lot, Profile, Records},
    population::Resident,
    spelling::{Characters, Notation},
};

pub(crate) const CLINIC: Institution = Institution(&Profile {
    id: "clinic",
    name: "診療所",
    name_en: "Clinic",
    kind: "hospital",
    holds_number: false,
    accreditation: Accreditation::NoAssessment,
    connector: include_str!("clinic.toml"),
    service: None,
    keeps: Keeps { who: |_, _| true, permille: 10, at_least: 10, lot: Lot::Resident("clinic") },
    notation: |_| Notation {
        date: Date::slashed,
        characters: Characters::Standard,
        address: Address::with_dashes,
        between: " ",
        kana: Resident::kana,
        sexes: ["男", "女", ""],
    },
    number: |draw| format!("K-{:07}", draw.below(10_000_000)),
    records: |_| Records::default(),
    write,
});

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let rows = customers.iter().map(|customer| {
        [
            customer.number.clone(),
            customer.name.clone(),
            customer.sex.clone(),
            customer.birth_at(stage).to_owned(),
            customer.address.clone(),
            flag(customer.shielded),
        ]
    });
    Table::Commas.write(
        &folder.join("patients.csv"),
        ["no", "name", "sex", "birth", "address", "shielded"],
        rows,
    )
}
