//! A health insurance society's data: `kenpo.db`, an SQLite database of insured people and their benefits.
//!
//! | table.column | what |
//! |---|---|
//! | hihokensha.kigo_bango | customer number, `1203-004512-01` (記号, 番号, 枝番) |
//! | hihokensha.kanji, kana | name, reading (NULL if not known) |
//! | hihokensha.seibetsu | 男性, 女性 or 不詳 |
//! | hihokensha.birth | `19830518`, or empty |
//! | hihokensha.address, himitsu | address, shielded: 1, else 0 |
//! | hihokensha.kubun, shikaku_shutoku | item `eligibility`: role (本人, 家族), since |
//! | kyufu.kigo_bango, nengetsu, shurui, kingaku | item `medical-benefit` of the latest month: month, benefit, amount_yen |

use std::{fs, path::Path};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::{
    DemoError, Stage,
    address::Address,
    customers::Customer,
    date::{Date, TODAY},
    draw::Draw,
    files::cell,
    institution::{About, Accreditation, Institution, Keeps, Lot, Profile, Records},
    population::{Relation, Resident},
    spelling::{Characters, Notation},
};

pub(crate) const INSURER: Institution = Institution(&Profile {
    id: "insurer",
    name: "健康保険組合",
    name_en: "Health insurance society",
    kind: "health-insurer",
    holds_number: true,
    accreditation: Accreditation::Full,
    connector: include_str!("insurer.toml"),
    service: None,
    // From 75 the late-stage medical service for the elderly takes over.
    keeps: Keeps {
        who: |_, resident| resident.birth.age() < 75,
        permille: 300,
        at_least: 60,
        lot: Lot::Household("work"),
    },
    notation,
    number: |draw| {
        format!("{:04}-{:06}-{:02}", draw.between(1000, 1399), draw.below(1_000_000), draw.below(9) + 1)
    },
    records,
    write,
});

fn notation(draw: &mut Draw) -> Notation {
    Notation {
        date: Date::compact,
        characters: if draw.chance(500) { Characters::Standard } else { Characters::Register },
        address: if draw.chance(500) { Address::official } else { Address::with_dashes },
        between: "　",
        kana: Resident::kana,
        sexes: ["男性", "女性", "不詳"],
    }
}

fn records(about: &mut About<'_>) -> Records {
    let draw = &mut *about.draw;
    let since = Date { year: draw.between(2005, TODAY.year - 1), month: draw.between(1, 12), day: 1 };
    let role = if about.resident.relation == Relation::Head { "本人" } else { "家族" };
    let records = Records::default()
        .with("eligibility", json!({ "role": role, "since": since.max(about.resident.birth).compact() }));
    // Three in four have had a benefit in the last months.
    let months = if draw.chance(250) { 0 } else { draw.between(1, 3) };
    (4 - months..=3).fold(records, |records, month| {
        let benefit =
            draw.pick(&["高額療養費", "療養費", "家族療養費", "傷病手当金"]).copied().unwrap_or("療養費");
        let yen = i64::from(draw.between(1_000, 180_000));
        let month = format!("{}{month:02}", TODAY.year);
        records.with("medical-benefit", json!({ "month": month, "benefit": benefit, "amount_yen": yen }))
    })
}

fn write(customers: &[&Customer], folder: &Path, stage: Stage) -> Result<(), DemoError> {
    fs::create_dir_all(folder)?;
    let mut connection = Connection::open(folder.join("kenpo.db"))?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "DROP TABLE IF EXISTS kyufu; DROP TABLE IF EXISTS hihokensha;
         CREATE TABLE hihokensha (kigo_bango TEXT PRIMARY KEY, kanji TEXT NOT NULL, kana TEXT, seibetsu TEXT NOT NULL,
                                  birth TEXT NOT NULL, address TEXT NOT NULL, himitsu INTEGER NOT NULL,
                                  kubun TEXT NOT NULL, shikaku_shutoku TEXT NOT NULL);
         CREATE TABLE kyufu (kigo_bango TEXT NOT NULL REFERENCES hihokensha (kigo_bango), nengetsu TEXT NOT NULL,
                             shurui TEXT NOT NULL, kingaku INTEGER NOT NULL, PRIMARY KEY (kigo_bango, nengetsu));",
    )?;
    {
        let mut insured =
            transaction.prepare("INSERT INTO hihokensha VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
        let mut benefit = transaction.prepare("INSERT INTO kyufu VALUES (?1, ?2, ?3, ?4)")?;
        for customer in customers {
            let eligibility = customer.latest("eligibility").unwrap_or(&Value::Null);
            insured.execute(params![
                customer.number,
                customer.name,
                customer.kana,
                customer.sex,
                customer.birth_at(stage),
                customer.address,
                customer.shielded,
                cell(eligibility, "role"),
                cell(eligibility, "since")
            ])?;
            for one in customer.history("medical-benefit") {
                let field = |field| cell(one, field);
                benefit.execute(params![
                    customer.number,
                    field("month"),
                    field("benefit"),
                    field("amount_yen")
                ])?;
            }
        }
    }
    Ok(transaction.commit()?)
}
