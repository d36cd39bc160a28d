//! The pension service's data: `members.json`, served by [`crate::pension_service`].
//!
//! | field | what |
//! |---|---|
//! | number | customer number, `4821-390712` |
//! | nm, nm_kana | name; reading in half-width kana (null if not known) |
//! | sx | M, F or 不明 |
//! | dob | `3580518` (era, year, month, day) or `昭和58年5月18日`, or empty |
//! | adr | address |
//! | protect | shielded: true or false |
//! | paid_fy, paid_yen | item `pension-paid`: year, amount_yen of the latest year; null where nothing was paid |

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    DemoError, Stage,
    customers::{Customers, Institution, Records},
    town::birth_at,
};

/// A member as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub(crate) number: String,
    pub(crate) nm: String,
    pub(crate) nm_kana: Option<String>,
    pub(crate) sx: String,
    pub(crate) dob: String,
    pub(crate) adr: String,
    pub(crate) protect: bool,
    pub(crate) paid_fy: Option<i32>,
    pub(crate) paid_yen: Option<i64>,
}

pub(crate) fn write(customers: &Customers, folder: &Path, stage: Stage) -> Result<(), DemoError> {
    fs::create_dir_all(folder)?;
    let members = customers.of(Institution::Pension).filter_map(|customer| {
        let Records::Pension(years) = &customer.records else { return None };
        let paid = years.last().copied();
        Some(Member {
            number: customer.number.clone(),
            nm: customer.name.clone(),
            nm_kana: customer.kana.clone(),
            sx: customer.sex.clone(),
            dob: birth_at(customer, stage).to_owned(),
            adr: customer.address.clone(),
            protect: customer.shielded,
            paid_fy: paid.map(|(year, _)| year),
            paid_yen: paid.map(|(_, yen)| yen),
        })
    });
    let members: Vec<Member> = members.collect();
    // Whole or not at all: the service may be reading.
    let made = folder.join("members.json.new");
    fs::write(&made, serde_json::to_vec(&members)?)?;
    fs::rename(made, folder.join("members.json"))?;
    Ok(())
}

/// The members by number.
pub(crate) fn read(file: &Path) -> Result<BTreeMap<String, Member>, DemoError> {
    let members: Vec<Member> = serde_json::from_slice(&fs::read(file)?)?;
    Ok(members.into_iter().map(|member| (member.number.clone(), member)).collect())
}
