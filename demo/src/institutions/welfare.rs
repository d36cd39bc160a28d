//! The welfare office's data: `hogo.db`, an SQLite database of households on public assistance and their members.
//!
//! | table.column | what |
//! |---|---|
//! | setai.case_no, kaishi, fujo, gaku | case; item `public-assistance`: since, assistance, monthly_yen |
//! | hito.in_no, case_no | customer number, `W2-104233-1`; of which case |
//! | hito.namae, yomi | name, reading (NULL if not known) |
//! | hito.sei | 男, 女 or 未 |
//! | hito.umare | `昭和58年5月18日`, or empty |
//! | hito.sumai, hogo_meirei | address, shielded: 1, else 0 |

use std::{fs, path::Path};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::{Date, TODAY},
    files::cell,
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records},
    population::Resident,
    spelling::{Characters, Notation},
};

pub(crate) const WELFARE: Institution = Institution(&Profile {
    id: "welfare",
    name: "福祉事務所",
    name_en: "Welfare office",
    kind: "welfare-office",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("welfare.toml"),
    service: None,
    keeps: Keeps { who: |_, _| true, permille: 15, at_least: 40, lot: Lot::Household("need") },
    notation: |_| Notation {
        date: Date::era_long,
        characters: Characters::Register,
        address: Address::without_prefecture,
        between: " ",
        kana: Resident::kana,
        sexes: ["男", "女", "未"],
    },
    number: |draw| format!("W{}-{:06}-{}", draw.below(9) + 1, draw.below(1_000_000), draw.below(9) + 1),
    records,
    write,
});

fn records(about: &mut About<'_>) -> Records {
    let draw = &mut *about.draw;
    let since = Date { year: draw.between(2015, TODAY.year - 1), month: draw.between(1, 12), day: 1 };
    let kinds = ["生活扶助・住宅扶助", "生活扶助・医療扶助", "生活扶助・住宅扶助・教育扶助"];
    let assistance = draw.pick(&kinds).copied();
    let yen = i64::from(draw.between(30, 180)) * 1000 + i64::from(draw.between(0, 99)) * 10;
    Records::default().with(
        "public-assistance",
        json!({ "since": since.era_long(), "assistance": assistance, "monthly_yen": yen }),
    )
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    fs::create_dir_all(folder)?;
    let mut connection = Connection::open(folder.join("hogo.db"))?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "DROP TABLE IF EXISTS hito; DROP TABLE IF EXISTS setai;
         CREATE TABLE setai (case_no TEXT PRIMARY KEY, kaishi TEXT NOT NULL, fujo TEXT NOT NULL, gaku INTEGER NOT NULL);
         CREATE TABLE hito (in_no TEXT PRIMARY KEY, case_no TEXT NOT NULL REFERENCES setai (case_no), namae TEXT NOT NULL,
                            yomi TEXT, sei TEXT NOT NULL, umare TEXT NOT NULL, sumai TEXT NOT NULL,
                            hogo_meirei INTEGER NOT NULL);",
    )?;
    {
        let mut case = transaction.prepare("INSERT INTO setai VALUES (?1, ?2, ?3, ?4)")?;
        let mut person = transaction.prepare("INSERT INTO hito VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        for customer in customers {
            let assistance = customer.latest("public-assistance").unwrap_or(&Value::Null);
            let case_no = format!("C{}", customer.number);
            let field = |field| cell(assistance, field);
            case.execute(params![case_no, field("since"), field("assistance"), field("monthly_yen")])?;
            person.execute(params![
                customer.number,
                case_no,
                customer.name,
                customer.kana,
                customer.sex,
                customer.birth_at(stage),
                customer.address,
                customer.shielded
            ])?;
        }
    }
    Ok(transaction.commit()?)
}
