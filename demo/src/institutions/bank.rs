//! A bank's data: `accounts.json`, behind an HTTP service of its own. The bank holds no Individual Number; it knows its
//! customers by its own numbers alone.
//!
//! | field | what |
//! |---|---|
//! | cif | customer number, `001-1234567` (branch, customer) |
//! | kanji, kana | name, reading in half-width kana (null if not known) |
//! | sex | 1, 2 or 9 |
//! | birthday | `19830518`, or empty |
//! | addr | address |
//! | dvflag | shielded: "1" or "0" |
//! | balance_on, balance_yen | item `bank-balance`: on, yen |

use std::path::Path;

use serde_json::json;

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::Date,
    draw::Draw,
    files::{flag, whole},
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records, Service},
    spelling::{Characters, Notation, half_spaced},
};

pub(crate) const BANK: Institution = Institution(&Profile {
    id: "bank",
    name: "地方銀行",
    name_en: "Regional bank",
    kind: "bank",
    holds_number: false,
    accreditation: Accreditation::Full,
    connector: include_str!("bank.toml"),
    service: Some(Service { file: "accounts.json", list: "accounts", number: "cif" }),
    keeps: Keeps { who: |_, _| true, permille: 400, at_least: 0, lot: Lot::Resident("saves") },
    notation,
    number: |draw| format!("{:03}-{:07}", draw.between(1, 80), draw.below(10_000_000)),
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    Notation {
        date: Date::compact,
        characters: Characters::Standard,
        address: if draw.chance(600) { Address::mixed } else { Address::with_dashes },
        between: "　",
        kana: half_spaced,
        sexes: ["1", "2", "9"],
    }
}

fn records(about: &mut About<'_>) -> Records {
    let draw = &mut *about.draw;
    let yen = i64::from(draw.between(0, 9_000)) * 1000 + i64::from(draw.between(1, 999));
    Records::default().with("bank-balance", json!({ "on": "2026-03-31", "yen": yen }))
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let account = |customer: &&Customer| {
        let balance = |field| customer.latest("bank-balance").and_then(|balance| balance.get(field));
        json!({
            "cif": customer.number,
            "kanji": customer.name,
            "kana": customer.kana,
            "sex": customer.sex,
            "birthday": customer.birth_at(stage),
            "addr": customer.address,
            "dvflag": flag(customer.shielded),
            "balance_on": balance("on"),
            "balance_yen": balance("yen"),
        })
    };
    let accounts: Vec<_> = customers.iter().map(account).collect();
    whole(&folder.join("accounts.json"), &serde_json::to_vec(&accounts)?)
}
