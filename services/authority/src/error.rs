//! How this room's failures become problems. Reasons and their statuses stand in `words::Reason`.

use wire::Problem;
use words::Reason;

/// The own database failed.
pub(crate) fn own_database(error: &::store::StoreError) -> Problem {
    tracing::error!(%error, "the authority's database failed");
    Problem::new(Reason::Internal)
}
