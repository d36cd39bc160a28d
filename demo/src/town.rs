//! The city office's data: two CSV files, UTF-8, with Japanese column names.
//!
//! `jumin.csv`, one row per resident:
//!
//! | column | what |
//! |---|---|
//! | 宛名番号 | customer number, 10 digits |
//! | 氏名, 氏名カナ | name, reading (empty if not known) |
//! | 性別 | 男, 女 or empty |
//! | 生年月日 | `1983-05-18` or `1983/05/18`, or empty |
//! | 住所 | item `residence`.address |
//! | 住民となった日 | item `residence`.since, `2015-04-01` |
//! | 続柄 | item `residence`.relation |
//! | 世帯番号 | number of the household |
//! | 支援措置 | shielded: 1, else 0 |
//!
//! `jido_teate.csv`, one row per claimant of child allowance: 宛名番号, 認定年月日 (item `child-allowance`.since),
//! 対象児童数 (.children, a number), 月額 (.monthly_yen, a number).

use std::{fs, path::Path};

use crate::{
    DemoError, Stage,
    customers::{Customer, Customers, Institution, Records},
};

pub(crate) fn write(customers: &Customers, folder: &Path, stage: Stage) -> Result<(), DemoError> {
    fs::create_dir_all(folder)?;
    let mut residents = csv::Writer::from_path(folder.join("jumin.csv"))?;
    let mut claimants = csv::Writer::from_path(folder.join("jido_teate.csv"))?;
    residents.write_record([
        "宛名番号",
        "氏名",
        "氏名カナ",
        "性別",
        "生年月日",
        "住所",
        "世帯番号",
        "続柄",
        "住民となった日",
        "支援措置",
    ])?;
    claimants.write_record(["宛名番号", "認定年月日", "対象児童数", "月額"])?;
    for customer in customers.of(Institution::Town) {
        let Records::Town { household, relation, since, allowance } = &customer.records else { continue };
        residents.write_record([
            customer.number.as_str(),
            &customer.name,
            customer.kana.as_deref().unwrap_or_default(),
            &customer.sex,
            birth_at(customer, stage),
            &customer.address,
            &household.to_string(),
            relation,
            &since.to_string(),
            if customer.shielded { "1" } else { "0" },
        ])?;
        if let Some((since, children, yen)) = allowance {
            let row = [customer.number.clone(), since.to_string(), children.to_string(), yen.to_string()];
            claimants.write_record(row)?;
        }
    }
    residents.flush()?;
    claimants.flush()?;
    Ok(())
}

/// The birth date as the row has it at that stage.
pub(crate) fn birth_at(customer: &Customer, stage: Stage) -> &str {
    match (stage, &customer.birth_after_slip) {
        (Stage::AfterSlips, Some(birth)) => birth,
        _ => &customer.birth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::Population;

    #[test]
    fn the_files_hold_every_customer_and_the_slips_come_later() {
        let customers = Customers::make(&Population::generate(5, 500));
        let folder = tempfile::tempdir().unwrap();
        let births = |stage| {
            write(&customers, folder.path(), stage).unwrap();
            let mut reader = csv::Reader::from_path(folder.path().join("jumin.csv")).unwrap();
            reader.records().map(|row| row.unwrap()[4].to_owned()).collect::<Vec<_>>()
        };
        let before = births(Stage::AtIssue);
        let after = births(Stage::AfterSlips);
        let slips = customers.of(Institution::Town).filter(|c| c.birth_after_slip.is_some()).count();
        assert_eq!(before.len(), customers.of(Institution::Town).count());
        assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), slips);
        assert!(slips > 0);
        let mut claims = csv::Reader::from_path(folder.path().join("jido_teate.csv")).unwrap();
        assert!(claims.records().all(|row| row.unwrap()[3].parse::<i64>().unwrap() >= 10_000));
    }
}
