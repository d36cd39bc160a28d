//! The scholarship body's data: `shogakusei.tsv`, tabs between the columns, UTF-8 with a spreadsheet's mark in front.
//!
//! | column | what |
//! |---|---|
//! | 奨学生番号 | customer number, `625-04-123456` |
//! | 氏名, フリガナ | name, reading (empty if not known) |
//! | 性別 | 1 男, 2 女, 0 不明 |
//! | 生年月日 | `H17.05.18`, or empty |
//! | 住所, 住所非公開 | address, shielded: 1, else 0 |
//! | 学校, 採用年度, 月額 | item `scholarship-paid`: school, since (a number), monthly_yen (a number) |

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
    population::Resident,
    spelling::{Characters, Notation},
};

pub(crate) const SCHOLARSHIP: Institution = Institution(&Profile {
    id: "scholarship",
    name: "学生支援機構",
    name_en: "Student services organisation",
    kind: "scholarship",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("scholarship.toml"),
    service: None,
    // Those whose households need it most come first, the same that the welfare office keeps.
    keeps: Keeps {
        who: |_, resident| (18..=25).contains(&resident.birth.age()),
        permille: 250,
        at_least: 20,
        lot: Lot::Household("need"),
    },
    notation,
    number: |draw| format!("6{:02}-04-{:06}", draw.between(20, 25), draw.below(1_000_000)),
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    Notation {
        date: Date::era_short,
        characters: if draw.chance(600) { Characters::Register } else { Characters::Standard },
        address: Address::official,
        between: "　",
        kana: Resident::kana,
        sexes: ["1", "2", "0"],
    }
}

fn records(about: &mut About<'_>) -> Records {
    let draw = &mut *about.draw;
    let school = draw.pick(&["県立大学", "工業高等専門学校", "私立大学", "看護専門学校"]).copied();
    let since = draw.between(TODAY.year - 4, TODAY.year - 1);
    let yen = i64::from(draw.between(20, 120)) * 1000 + i64::from(draw.between(0, 9)) * 100;
    Records::default()
        .with("scholarship-paid", json!({ "school": school, "since": since, "monthly_yen": yen }))
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let headings = [
        "奨学生番号",
        "氏名",
        "フリガナ",
        "性別",
        "生年月日",
        "住所",
        "住所非公開",
        "学校",
        "採用年度",
        "月額",
    ];
    let students = customers.iter().map(|customer| {
        let paid = customer.latest("scholarship-paid").unwrap_or(&Value::Null);
        [
            customer.number.clone(),
            customer.name.clone(),
            customer.kana.clone().unwrap_or_default(),
            customer.sex.clone(),
            customer.birth_at(stage).to_owned(),
            customer.address.clone(),
            flag(customer.shielded),
            cell(paid, "school"),
            cell(paid, "since"),
            cell(paid, "monthly_yen"),
        ]
    });
    Table::Tabs.write(&folder.join("shogakusei.tsv"), headings, students)
}
