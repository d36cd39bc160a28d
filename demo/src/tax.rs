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

use crate::{
    DemoError, Stage,
    customers::{Customers, Institution, Records},
    town::birth_at,
};

pub(crate) fn write(customers: &Customers, folder: &Path, stage: Stage) -> Result<(), DemoError> {
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
        for customer in customers.of(Institution::Tax) {
            let Records::Tax(years) = &customer.records else { continue };
            taxpayer.execute(params![
                customer.number,
                customer.name,
                customer.kana,
                customer.sex,
                birth_at(customer, stage),
                customer.address,
                customer.shielded
            ])?;
            for (year, amount, tax) in years {
                income.execute(params![customer.number, year, amount, tax])?;
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::Population;

    #[test]
    fn the_database_answers_with_the_latest_year() {
        let customers = Customers::make(&Population::generate(5, 500));
        let folder = tempfile::tempdir().unwrap();
        write(&customers, folder.path(), Stage::AtIssue).unwrap();
        write(&customers, folder.path(), Stage::AfterSlips).unwrap();
        let database = Connection::open(folder.path().join("zeimu.db")).unwrap();
        for customer in customers.of(Institution::Tax) {
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
