//! How this room's failures become problems. Reasons and their statuses stand in `words::Reason`.

use road::Failure;
use wire::Problem;
use words::Reason;

/// A sealed value of the own database does not open: the wrong storage key, or a changed file.
pub(crate) fn unreadable() -> Failure {
    tracing::error!("a sealed value of the register does not open");
    Failure::new(Reason::Internal)
}

/// The own database failed.
pub(crate) fn own_database(error: ::store::StoreError) -> Problem {
    tracing::error!(%error, "the register's database failed");
    Problem::new(Reason::Internal)
}
