//! How this room's refusals become problems. Reasons and their statuses stand in `words::Reason`.

use wire::Problem;
use words::{ActId, Reason};

/// What the trustee signed is not what arrived.
pub(crate) fn not_what_was_signed(id: ActId, what: &str) -> Problem {
    Problem::with(Reason::HopMismatch, format!("`{what}` is not what the hop before signed.")).of(id)
}
