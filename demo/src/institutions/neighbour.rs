//! The neighbouring city's data, from another vendor: Shift_JIS, standard characters, half-width kana, codes for the
//! sexes, dates by era. It keeps those who have moved to the first city since January too: it taxes them this year.
//!
//! | file | columns |
//! |---|---|
//! | `JUKI01.csv` | 住民コード, 漢字氏名, カナ氏名, 性別コード (1, 2, 9), 生年月日 (`昭58.05.18`), 現住所又は転出先, 異動 (現存, 転出), 世帯主 and 続柄 (item `residence`, of those who live here), 閲覧制限 (shielded) |
//! | `ZEI02.csv` | 住民コード, 年度, 所得額, 税額: item `local-tax` |
//! | `TEATE03.csv` | 住民コード, 支給開始, 児童数, 支給月額: item `child-allowance` |
//! | `KAIGO04.csv` | 住民コード, 介護度, 有効開始, 月額: item `long-term-care` |

use std::path::Path;

use super::town::{has_just_come, item_rows, municipal};
use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::Date,
    files::{Table, cell, flag},
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records},
    population::Resident,
    spelling::{Characters, Notation, half_spaced},
};

const CITY: &str = "平塚市";

pub(crate) const NEIGHBOUR: Institution = Institution(&Profile {
    id: "neighbour",
    name: "隣の市役所",
    name_en: "Neighbouring city office",
    kind: "municipality",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("neighbour.toml"),
    service: None,
    keeps: Keeps {
        who: |population, resident| lives_here(resident) || has_just_come(population, resident),
        permille: 1000,
        at_least: 0,
        lot: Lot::Resident("neighbour"),
    },
    notation: |_| Notation {
        date: Date::era_kanji,
        characters: Characters::Standard,
        address: Address::with_dashes,
        between: "　",
        kana: half_spaced,
        sexes: ["1", "2", "9"],
    },
    number: |draw| format!("8{:09}-{}", draw.below(1_000_000_000), draw.below(10)),
    records,
    write,
});

fn lives_here(resident: &Resident) -> bool {
    resident.address.city == CITY
}

fn records(about: &mut About<'_>) -> Records {
    let here = lives_here(about.resident);
    let mut records = municipal(about, Date::era_kanji, |_, _| true, here);
    records.own.insert("state", if here { "現存" } else { "転出" }.to_owned());
    records
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let headings = [
        "住民コード",
        "漢字氏名",
        "カナ氏名",
        "性別コード",
        "生年月日",
        "現住所又は転出先",
        "異動",
        "世帯主",
        "続柄",
        "閲覧制限",
    ];
    let people = customers.iter().map(|customer| {
        let residence = customer.latest("residence").cloned().unwrap_or_default();
        [
            customer.number.clone(),
            customer.name.clone(),
            customer.kana.clone().unwrap_or_default(),
            customer.sex.clone(),
            customer.birth_at(stage).to_owned(),
            customer.address.clone(),
            customer.own("state"),
            cell(&residence, "head"),
            cell(&residence, "relation"),
            flag(customer.shielded),
        ]
    });
    Table::ShiftJis.write(&folder.join("JUKI01.csv"), headings, people)?;
    let tables = [
        ("ZEI02.csv", "local-tax", ["year", "income_yen", "tax_yen"], ["年度", "所得額", "税額"]),
        (
            "TEATE03.csv",
            "child-allowance",
            ["since", "children", "monthly_yen"],
            ["支給開始", "児童数", "支給月額"],
        ),
        ("KAIGO04.csv", "long-term-care", ["level", "since", "monthly_yen"], ["介護度", "有効開始", "月額"]),
    ];
    for (file, item, fields, [first, second, third]) in tables {
        let rows = item_rows(customers, item, fields).map(|(number, [a, b, c])| [number, a, b, c]);
        Table::ShiftJis.write(&folder.join(file), ["住民コード", first, second, third], rows)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{customers::Customers, population::Population};

    #[test]
    fn shift_jis_has_every_character_of_its_people() {
        let customers = Customers::make(&Population::generate(5, 4_000));
        for customer in customers.of(NEIGHBOUR) {
            let head = customer.latest("residence").map(|residence| cell(residence, "head"));
            let texts = [&customer.name, &customer.address].into_iter().chain(&customer.kana).chain(&head);
            for text in texts {
                let (_, _, lost) = encoding_rs::SHIFT_JIS.encode(text);
                assert!(!lost, "{text}");
            }
        }
    }

    #[test]
    fn people_who_moved_are_kept_for_their_tax_alone() {
        let customers = Customers::make(&Population::generate(5, 4_000));
        let gone: Vec<_> = customers.of(NEIGHBOUR).filter(|one| one.own("state") == "転出").collect();
        assert!(gone.len() > 50);
        assert!(gone.iter().all(|one| one.items().keys().all(|item| *item == "local-tax")));
        assert!(gone.iter().any(|one| one.items().contains_key("local-tax")));
    }
}
