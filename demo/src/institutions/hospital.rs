//! A hospital's data: `patients.json`, behind an HTTP service of its own, with nested records.
//!
//! | field | what |
//! |---|---|
//! | id | customer number, `P012-345678` |
//! | name.text, name.kana | name, reading (null if not known) |
//! | gender | male, female or unknown |
//! | birthDate | `1983/05/18`, or empty |
//! | address.text | address |
//! | restricted | shielded: true or false |
//! | lastVisit.date, .department, .days | item `treatment`: last_visit, department, days of treatment; null before the first visit |

use std::path::Path;

use serde_json::json;

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::{Date, TODAY},
    draw::Draw,
    files::whole,
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records, Service},
    population::Resident,
    spelling::{Characters, Notation},
};

pub(crate) const HOSPITAL: Institution = Institution(&Profile {
    id: "hospital",
    name: "市民病院",
    name_en: "Hospital",
    kind: "hospital",
    // 番号法第九条 gives hospitals no use for their patients' numbers.
    holds_number: false,
    accreditation: Accreditation::Full,
    connector: include_str!("hospital.toml"),
    service: Some(Service { file: "patients.json", list: "patients", number: "id" }),
    keeps: Keeps { who: |_, _| true, permille: 150, at_least: 60, lot: Lot::Resident("ill") },
    notation,
    number: |draw| format!("P{:03}-{:06}", draw.below(1_000), draw.below(1_000_000)),
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    Notation {
        date: Date::slashed,
        characters: if draw.chance(300) { Characters::Register } else { Characters::Standard },
        address: Address::mixed,
        between: " ",
        kana: Resident::kana,
        sexes: ["male", "female", "unknown"],
    }
}

fn records(about: &mut About<'_>) -> Records {
    let draw = &mut *about.draw;
    if draw.chance(80) {
        return Records::default();
    }
    let year = draw.between(TODAY.year - 2, TODAY.year - 1);
    let visit = Date::in_year(year, draw).max(about.resident.birth);
    let department = draw.pick(&["内科", "外科", "整形外科", "小児科", "眼科"]).copied().unwrap_or("内科");
    let days = draw.between(1, 60);
    Records::default()
        .with("treatment", json!({ "last_visit": visit.to_string(), "department": department, "days": days }))
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let patient = |customer: &&Customer| {
        let visit = customer.latest("treatment").map(|treatment| {
            json!({ "date": treatment.get("last_visit"), "department": treatment.get("department"),
                    "days": treatment.get("days") })
        });
        json!({
            "id": customer.number,
            "name": { "text": customer.name, "kana": customer.kana },
            "gender": customer.sex,
            "birthDate": customer.birth_at(stage),
            "address": { "text": customer.address },
            "restricted": customer.shielded,
            "lastVisit": visit,
        })
    };
    let patients: Vec<_> = customers.iter().map(patient).collect();
    whole(&folder.join("patients.json"), &serde_json::to_vec(&patients)?)
}
