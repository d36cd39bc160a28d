//! How this room's refusals and failures become problems. Reasons and their statuses stand in `words::Reason`.

use wire::Problem;
use words::{ActId, Reason};

use crate::connector::SourceError;

/// What an earlier hop signed is not what arrived.
pub(crate) fn not_what_was_signed(id: ActId, what: &str) -> Problem {
    Problem::with(Reason::HopMismatch, format!("`{what}` is not what the hop before signed.")).of(id)
}

/// The institution's own system does not answer.
pub(crate) fn own_system(error: &SourceError) -> Problem {
    tracing::error!(%error, "a connector failed");
    Problem::with(Reason::Unavailable, "The institution's own system cannot be read.")
}

/// The own database failed.
pub(crate) fn own_database(error: &::store::StoreError) -> Problem {
    tracing::error!(%error, "the gateway's database failed");
    Problem::new(Reason::Internal)
}
