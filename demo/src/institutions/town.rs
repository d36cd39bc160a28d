//! The city office's data: CSV files, UTF-8, with Japanese column names.
//!
//! `jumin.csv`, one row per resident:
//!
//! | column | what |
//! |---|---|
//! | 宛名番号 | customer number, 10 digits |
//! | 氏名, 氏名カナ | name, reading (empty if not known) |
//! | 性別 | 男, 女 or empty |
//! | 生年月日 | `1983-05-18` or `1983/05/18`, or empty |
//! | 住所 | address |
//! | 世帯番号, 住民となった日 | household, since when |
//! | 世帯主氏名, 続柄 | item `residence`: head, relation (住民基本台帳法第七条第四号) |
//! | 支援措置 | shielded: 1, else 0 |
//!
//! `jido_teate.csv`, one row per claimant of child allowance: 宛名番号, 認定年月日 (item `child-allowance`.since),
//! 対象児童数 (.children, a number), 月額 (.monthly_yen, a number). `kazei.csv`: 宛名番号, 課税年度, 総所得金額, 市民税額
//! (item `local-tax`: year, income_yen, tax_yen). `kaigo.csv`: 被保険者番号, 要介護度, 認定日, 給付月額 (item
//! `long-term-care`: level, since, monthly_yen).

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::{Date, TODAY},
    draw::{self, Draw},
    files::{Table, cell, flag},
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records},
    population::{Population, Resident},
    spelling::{Characters, Notation},
};

pub(crate) const TOWN: Institution = Institution(&Profile {
    id: "town",
    name: "市役所",
    name_en: "City office",
    kind: "municipality",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("town.toml"),
    service: None,
    keeps: Keeps {
        who: |population, resident| resident.address.city == population.city,
        permille: 1000,
        at_least: 0,
        lot: Lot::Resident("town"),
    },
    notation,
    number: |draw| format!("20{:08}", draw.below(100_000_000)),
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    let iso = |date: Date| date.to_string();
    Notation {
        date: if draw.chance(800) { iso } else { Date::slashed },
        characters: Characters::Register,
        address: Address::without_prefecture,
        between: "　",
        kana: Resident::kana,
        sexes: ["男", "女", ""],
    }
}

/// Whether the household has come from the neighbouring city since the first of January, so that that city still has its
/// local tax.
pub(super) fn has_just_come(population: &Population, resident: &Resident) -> bool {
    resident.address.city == population.city
        && draw::lot(population.seed, "moved", resident.household) % 1000 < 100
}

fn records(about: &mut About<'_>) -> Records {
    let iso = |date: Date| date.to_string();
    let mut records =
        municipal(about, iso, |population, resident| !has_just_come(population, resident), true);
    records.own.insert("household", (100_000_u64 + u64::from(about.resident.household)).to_string());
    records.own.insert("since", about.resident.since.to_string());
    records
}

/// What any municipality has about its people: residence, child allowance, local tax (of those whom it may tax),
/// long-term care.
pub(super) fn municipal(
    about: &mut About<'_>,
    date: fn(Date) -> String,
    taxes: fn(&Population, &Resident) -> bool,
    lives_here: bool,
) -> Records {
    let mut records = Records::default();
    let (resident, last) = (about.resident, TODAY.year - 1);
    if lives_here {
        let relation = resident.relation_in_japanese();
        records = records.with("residence", json!({ "head": about.head, "relation": relation }));
        if let Some(children) = about.children {
            let month = about.draw.between(1, 12);
            let since = Date { year: about.draw.between(last - 5, last), month, day: 1 }.max(resident.since);
            let yen = children * 10_000 + (children - 2).max(0) * 20_000;
            records = records.with(
                "child-allowance",
                json!({ "since": date(since), "children": children, "monthly_yen": yen }),
            );
        }
        if resident.birth.age() >= 65 && draw::lot(about.population.seed, "care", resident.index) % 100 < 30 {
            let level = about.draw.between(1, 5);
            let since = Date { year: about.draw.between(last - 3, last), month: 10, day: 1 };
            let yen = i64::from(about.draw.between(40, 260)) * 1000 + i64::from(about.draw.between(0, 999));
            records = records.with(
                "long-term-care",
                json!({ "level": format!("要介護{level}"), "since": date(since), "monthly_yen": yen }),
            );
        }
    }
    if resident.birth.age() >= 18 && taxes(about.population, resident) {
        let income = i64::from(about.draw.between(400, 9_000)) * 1000 + i64::from(about.draw.between(0, 999));
        let tax = income / 1000 * 60;
        records = records.with("local-tax", json!({ "year": last, "income_yen": income, "tax_yen": tax }));
    }
    records
}

/// The rows of a table with one item of each customer who has it.
pub(super) fn item_rows<'a, const N: usize>(
    customers: &'a [&Customer],
    item: &'a str,
    fields: [&'a str; N],
) -> impl Iterator<Item = (String, [String; N])> + 'a {
    customers.iter().filter_map(move |customer| {
        let value: &Value = customer.latest(item)?;
        Some((customer.number.clone(), fields.map(|field| cell(value, field))))
    })
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    let headings = [
        "宛名番号",
        "氏名",
        "氏名カナ",
        "性別",
        "生年月日",
        "住所",
        "世帯番号",
        "世帯主氏名",
        "続柄",
        "住民となった日",
        "支援措置",
    ];
    let residents = customers.iter().map(|customer| {
        let residence = customer.latest("residence").cloned().unwrap_or_default();
        [
            customer.number.clone(),
            customer.name.clone(),
            customer.kana.clone().unwrap_or_default(),
            customer.sex.clone(),
            customer.birth_at(stage).to_owned(),
            customer.address.clone(),
            customer.own("household"),
            cell(&residence, "head"),
            cell(&residence, "relation"),
            customer.own("since"),
            flag(customer.shielded),
        ]
    });
    Table::Commas.write(&folder.join("jumin.csv"), headings, residents)?;
    let claims = item_rows(customers, "child-allowance", ["since", "children", "monthly_yen"]);
    let claims = claims.map(|(number, [since, children, yen])| [number, since, children, yen]);
    Table::Commas.write(
        &folder.join("jido_teate.csv"),
        ["宛名番号", "認定年月日", "対象児童数", "月額"],
        claims,
    )?;
    let taxes = item_rows(customers, "local-tax", ["year", "income_yen", "tax_yen"]);
    let taxes = taxes.map(|(number, [year, income, tax])| [number, year, income, tax]);
    Table::Commas.write(
        &folder.join("kazei.csv"),
        ["宛名番号", "課税年度", "総所得金額", "市民税額"],
        taxes,
    )?;
    let cared = item_rows(customers, "long-term-care", ["level", "since", "monthly_yen"]);
    let cared = cared.map(|(number, [level, since, yen])| [number, level, since, yen]);
    Table::Commas.write(&folder.join("kaigo.csv"), ["被保険者番号", "要介護度", "認定日", "給付月額"], cared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{customers::Customers, population::Population};

    #[test]
    fn the_files_hold_every_customer_and_the_slips_come_later() {
        let customers = Customers::make(&Population::generate(5, 500));
        let own: Vec<&Customer> = customers.of(TOWN).collect();
        let folder = tempfile::tempdir().unwrap();
        let births = |stage| {
            write(&own, folder.path(), stage).unwrap();
            let mut reader = csv::Reader::from_path(folder.path().join("jumin.csv")).unwrap();
            reader.records().map(|row| row.unwrap()[4].to_owned()).collect::<Vec<_>>()
        };
        let before = births(Stage::AtIssue);
        let after = births(Stage::AfterSlips);
        let slips = own.iter().filter(|c| c.birth_after_slip.is_some()).count();
        assert_eq!(before.len(), own.len());
        assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), slips);
        assert!(slips > 0);
        let mut claims = csv::Reader::from_path(folder.path().join("jido_teate.csv")).unwrap();
        assert!(claims.records().all(|row| row.unwrap()[3].parse::<i64>().unwrap() >= 10_000));
    }
}
