//! The tax agency's data: `zeimu.db`, an SQLite database with terse names.
//!
//! | table.column | what |
//! |---|---|
//! | taxpayers.seiri_no | customer number, T and 8 digits |
//! | taxpayers.shimei, kana | name; reading in half-width kana (NULL if not known) |
//! | taxpayers.seibetsu | 1 male, 2 female, 9 unknown |
//! | taxpayers.seinengappi | `S58.05.18` or `1983-05-18`, or empty |
//! | taxpayers.jusho | address |
//! | taxpayers.shien | shielded: 1, else 0 |
//! | income.seiri_no, nendo | whose, which year |
//! | income.shotoku, zeigaku | item `income` of the latest year: amount_yen, tax_yen; year = nendo |

use std::{fs, path::Path};

use rusqlite::{Connection, params};
use serde_json::json;

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::{Date, TODAY},
    draw::Draw,
    files::cell,
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records},
    spelling::{Characters, Notation, half_joined},
};

pub(crate) const TAX: Institution = Institution(&Profile {
    id: "tax",
    name: "国税庁",
    name_en: "National Tax Agency",
    kind: "tax-national",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("tax.toml"),
    service: None,
    keeps: Keeps {
        who: |_, resident| resident.birth.age() >= 18,
        permille: 880,
        at_least: 0,
        lot: Lot::Resident("tax"),
    },
    notation,
    number: |draw| format!("T{:08}", draw.below(100_000_000)),
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    let iso = |date: Date| date.to_string();
    Notation {
        date: if draw.chance(600) { Date::era_short } else { iso },
        characters: if draw.chance(700) { Characters::Standard } else { Characters::Register },
        address: Address::with_dashes,
        between: "",
        kana: half_joined,
        sexes: ["1", "2", "9"],
    }
}

fn records(about: &mut About<'_>) -> Records {
    let draw = &mut *about.draw;
    let last = TODAY.year - 1;
    // One in ten has declared nothing yet.
    let years = if draw.chance(100) { 0 } else { draw.between(1, 3) };
    let yearly = i64::from(draw.between(800, 9000)) * 1000;
    (last + 1 - years..=last).fold(Records::default(), |records, year| {
        let amount = yearly + i64::from(draw.between(-200, 200)) * 1000;
        records.with("income", json!({ "year": year, "amount_yen": amount, "tax_yen": amount / 100 * 7 }))
    })
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    fs::create_dir_all(folder)?;
    let mut connection = Connection::open(folder.join("zeimu.db"))?;
    // Replaced in one transaction and not as a file: somebody may be reading it.
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "DROP TABLE IF EXISTS income; DROP TABLE IF EXISTS taxpayers;
         CREATE TABLE taxpayers (seiri_no TEXT PRIMARY KEY, shimei TEXT NOT NULL, kana TEXT, seibetsu TEXT NOT NULL,
                                 seinengappi TEXT NOT NULL, jusho TEXT NOT NULL, shien INTEGER NOT NULL);
         CREATE TABLE income (seiri_no TEXT NOT NULL REFERENCES taxpayers (seiri_no), nendo INTEGER NOT NULL,
                              shotoku INTEGER NOT NULL, zeigaku INTEGER NOT NULL, PRIMARY KEY (seiri_no, nendo));",
    )?;
    {
        let mut taxpayer =
            transaction.prepare("INSERT INTO taxpayers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        let mut income = transaction.prepare("INSERT INTO income VALUES (?1, ?2, ?3, ?4)")?;
        for customer in customers {
            taxpayer.execute(params![
                customer.number,
                customer.name,
                customer.kana,
                customer.sex,
                customer.birth_at(stage),
                customer.address,
                customer.shielded
            ])?;
            for year in customer.history("income") {
                let field = |field| cell(year, field);
                income.execute(params![
                    customer.number,
                    field("year"),
                    field("amount_yen"),
                    field("tax_yen")
                ])?;
            }
        }
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{customers::Customers, population::Population};

    #[test]
    fn the_database_answers_with_the_latest_year() {
        let customers = Customers::make(&Population::generate(5, 500));
        let own: Vec<&Customer> = customers.of(TAX).collect();
        let folder = tempfile::tempdir().unwrap();
        write(&own, folder.path(), Stage::AtIssue).unwrap();
        write(&own, folder.path(), Stage::AfterSlips).unwrap();
        let database = Connection::open(folder.path().join("zeimu.db")).unwrap();
        for customer in own {
            let row = database.query_row(
                "SELECT nendo, shotoku, zeigaku FROM income WHERE seiri_no = ?1 ORDER BY nendo DESC LIMIT 1",
                [&customer.number],
                |row| Ok(serde_json::json!({ "year": row.get::<_, i64>(0)?, "amount_yen": row.get::<_, i64>(1)?,
                                             "tax_yen": row.get::<_, i64>(2)? })),
            );
            assert_eq!(row.ok().as_ref(), customer.items().get("income"));
        }
    }
}
