//! The pension service's data: `members.json`, behind an HTTP service of its own.
//!
//! | field | what |
//! |---|---|
//! | number | customer number, `4821-390712` |
//! | nm, nm_kana | name; reading in half-width kana (null if not known) |
//! | sx | M, F or 不明 |
//! | dob | `3580518` (era, year, month, day) or `昭和58年5月18日`, or empty |
//! | adr | address |
//! | protect | shielded: true or false |
//! | paid_fy, paid_yen | item `pension-paid`: year, amount_yen of the latest year; null where nothing was paid |

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
    spelling::{Characters, Notation, half_spaced},
};

pub(crate) const PENSION: Institution = Institution(&Profile {
    id: "pension",
    name: "年金機構",
    name_en: "Pension service",
    kind: "pension",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("pension.toml"),
    service: Some(Service { file: "members.json", list: "members", number: "number" }),
    keeps: Keeps {
        who: |_, resident| resident.birth.age() >= 20,
        permille: 960,
        at_least: 0,
        lot: Lot::Resident("pension"),
    },
    notation,
    number: |draw| format!("{:04}-{:06}", draw.between(1000, 9999), draw.below(1_000_000)),
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    Notation {
        date: if draw.chance(850) { Date::era_digits } else { Date::era_long },
        characters: match draw.below(10) {
            0 => Characters::Variant,
            1..6 => Characters::Standard,
            _ => Characters::Register,
        },
        address: if draw.chance(700) { Address::mixed } else { Address::with_dashes },
        between: " ",
        kana: half_spaced,
        sexes: ["M", "F", "不明"],
    }
}

fn records(about: &mut About<'_>) -> Records {
    let last = TODAY.year - 1;
    let from = about.resident.birth.year + 65;
    let yearly = i64::from(about.draw.between(600, 2400)) * 1000 + i64::from(about.draw.between(0, 999));
    (from.max(last - 2)..=last).fold(Records::default(), |records, year| {
        records.with("pension-paid", json!({ "year": year, "amount_yen": yearly }))
    })
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let member = |customer: &&Customer| {
        let paid = |field| customer.latest("pension-paid").and_then(|paid| paid.get(field));
        json!({
            "number": customer.number,
            "nm": customer.name,
            "nm_kana": customer.kana,
            "sx": customer.sex,
            "dob": customer.birth_at(stage),
            "adr": customer.address,
            "protect": customer.shielded,
            "paid_fy": paid("year"),
            "paid_yen": paid("amount_yen"),
        })
    };
    let members: Vec<_> = customers.iter().map(member).collect();
    whole(&folder.join("members.json"), &serde_json::to_vec(&members)?)
}
