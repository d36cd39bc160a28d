//! The demo country: fictitious people, institutions with data of their own, and what should come of asking.
//!
//! Everything follows from a seed and the tables in `data/`. Nothing here depends on the platform, and the platform's rooms
//! do not know this: what is expected is derived from how each row was made, never from the code under test. Each
//! institution's connector configuration lies beside the code that writes its data, as text.

mod address;
mod customers;
mod date;
mod draw;
mod files;
mod institution;
mod institutions;
mod kana;
mod kinds;
mod law;
mod office;
mod own_service;
mod patients;
mod plan;
mod planner;
mod population;
mod spelling;
mod tables;
mod truth;

pub use address::Address;
pub use customers::{Customer, Customers, Link};
pub use date::{Date, TODAY};
pub use institution::{Accreditation, Institution, Profile, Records, Service};
pub use kinds::{Family, Field, Kind};
pub use law::{LawRow, whitelist};
pub use own_service::OwnService;
pub use patients::{PATIENT, patients};
pub use plan::{Expected, Plan, PlannedInquiry, Refusal, Sending, Unanswered};
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
    /// A CSV file.
    #[error("demo data, a table: {0}")]
    Csv(#[from] csv::Error),
    /// An SQLite database.
    #[error("demo data, a database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A service's file, or the truth.
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

/// Writes each institution's own data into its folder in `folder`. Replaces what is there.
pub fn write_sources(customers: &Customers, folder: &Path, stage: Stage) -> Result<(), DemoError> {
    for institution in Institution::ALL {
        let own: Vec<&Customer> = customers.of(institution).collect();
        (institution.profile().write)(&own, &folder.join(institution.as_str()), stage)?;
    }
    Ok(())
}
