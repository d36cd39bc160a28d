//! The demo country: fictitious people, three institutions with data of their own, and what should come of asking.
//!
//! Everything follows from a seed and the tables in `data/`. Nothing here knows the platform, and the platform's rooms
//! do not know this: what is expected is derived from how each row was made, never from the code under test.

mod address;
mod customers;
mod date;
mod draw;
mod kana;
mod office;
mod pension;
pub mod pension_service;
mod plan;
mod planner;
mod population;
mod spelling;
mod tables;
mod tax;
mod town;
mod truth;

pub use address::Address;
pub use customers::{Customer, Customers, Institution, Link, Records};
pub use date::{Date, TODAY};
pub use plan::{Expected, Kind, Plan, PlannedInquiry, Refusal, Sending, Unanswered};
pub use population::{Population, Relation, Resident, Sex};
pub use truth::{Truth, TruthRow};

use std::path::Path;

use thiserror::Error;

/// The demo's files could not be written or read.
#[derive(Debug, Error)]
pub enum DemoError {
    /// A file or folder.
    #[error("demo data: {0}")]
    Io(#[from] std::io::Error),
    /// A CSV file of the town.
    #[error("demo data of the town: {0}")]
    Csv(#[from] csv::Error),
    /// The tax agency's database.
    #[error("demo data of the tax agency: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The pension service's file, or the truth.
    #[error("demo data: {0}")]
    Json(#[from] serde_json::Error),
}

/// When the institutions' data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// As they stand when link codes are issued.
    AtIssue,
    /// Later: clerks have meanwhile changed some birth dates by mistake, so that the guard of an inquiry will not fit.
    AfterSlips,
}

/// Writes the three institutions' own data into `folder`: `town/jumin.csv`, `town/jido_teate.csv`, `tax/zeimu.db`,
/// `pension/members.json`. Replaces what is there.
pub fn write_sources(customers: &Customers, folder: &Path, stage: Stage) -> Result<(), DemoError> {
    town::write(customers, &folder.join("town"), stage)?;
    tax::write(customers, &folder.join("tax"), stage)?;
    pension::write(customers, &folder.join("pension"), stage)
}
