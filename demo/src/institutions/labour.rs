//! The employment office's data: `kyushoku.csv`, semicolons between the columns, UTF-8.
//!
//! | column | what |
//! |---|---|
//! | 被保険者番号 | customer number, `1301-123456-7` |
//! | 氏名, カナ | name, reading in half-width kana (empty if not known) |
//! | 性別 | M, F or empty |
//! | 生年月日 | `3580518`, or empty |
//! | 住所, 秘匿 | address, shielded: 1, else 0 |
//! | 受給資格決定日, 基本手当日額, 残日数 | item `unemployment`: decided_on, daily_yen, days_left; empty for those in work |

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::{Date, TODAY},
    draw::Draw,
    files::{Table, cell, flag},
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records},
    spelling::{Characters, Notation, half_spaced},
};

pub(crate) const LABOUR: Institution = Institution(&Profile {
    id: "labour",
    name: "公共職業安定所",
    name_en: "Public employment office",
    kind: "labour",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("labour.toml"),
    service: None,
    keeps: Keeps {
        who: |_, resident| (18..=72).contains(&resident.birth.age()),
        permille: 130,
        at_least: 70,
        lot: Lot::Household("need"),
    },
    notation,
    number: |draw| format!("{:04}-{:06}-{}", draw.between(1301, 1399), draw.below(1_000_000), draw.below(10)),
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    Notation {
        date: Date::era_digits,
        characters: if draw.chance(800) { Characters::Standard } else { Characters::Register },
        address: if draw.chance(500) { Address::with_dashes } else { Address::mixed },
        between: " ",
        kana: half_spaced,
        sexes: ["M", "F", ""],
    }
}

fn records(about: &mut About<'_>) -> Records {
    let draw = &mut *about.draw;
    if draw.chance(300) {
        return Records::default();
    }
    let decided = Date { year: TODAY.year - 1, month: draw.between(4, 12), day: draw.between(1, 28) };
    let (daily, left) = (draw.between(2_300, 8_600), draw.between(1, 240));
    Records::default().with(
        "unemployment",
        json!({ "decided_on": decided.era_short(), "daily_yen": daily, "days_left": left }),
    )
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let headings = [
        "被保険者番号",
        "氏名",
        "カナ",
        "性別",
        "生年月日",
        "住所",
        "秘匿",
        "受給資格決定日",
        "基本手当日額",
        "残日数",
    ];
    let rows = customers.iter().map(|customer| {
        let benefit = customer.latest("unemployment").unwrap_or(&Value::Null);
        [
            customer.number.clone(),
            customer.name.clone(),
            customer.kana.clone().unwrap_or_default(),
            customer.sex.clone(),
            customer.birth_at(stage).to_owned(),
            customer.address.clone(),
            flag(customer.shielded),
            cell(benefit, "decided_on"),
            cell(benefit, "daily_yen"),
            cell(benefit, "days_left"),
        ]
    });
    Table::Semicolons.write(&folder.join("kyushoku.csv"), headings, rows)
}
