//! The words everybody uses: identifiers, kinds, dates, moments and reasons.
//!
//! Pure types: no I/O, no async, no clock, and nothing of ours underneath. Names follow the official
//! English of the Number Use Act (information inquirer, information provider, affair, item).

mod bytes;
mod date;
mod domain;
mod ids;
mod reason;
mod right;
mod schema;
mod scheme;

pub use bytes::{B64, hex};
pub use date::{Date, Moment};
pub use domain::{Domain, Epoch, SessionName};
pub use ids::{ActId, AffairId, DataDomain, ItemId, Kind, PartyId, StaffId};
pub use reason::{Blame, Reason};
pub use right::Right;
pub use scheme::Scheme;

/// A text or byte string that is not what it should be; says what was wrong and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not valid: {expected}")]
pub struct Malformed {
    /// What was being read, e.g. `party`.
    pub what: &'static str,
    /// What it must look like.
    pub expected: &'static str,
}

impl Malformed {
    /// A malformed `what`, with what was expected instead.
    pub const fn new(what: &'static str, expected: &'static str) -> Self {
        Self { what, expected }
    }
}
