//! Terms of the third-party body: pure.

use words::Moment;

/// How long a case may take, ms: thirty days.
const CASE_MS: i64 = 30 * 86_400_000;

/// Until when a case that was opened at `at` must be decided.
pub(crate) const fn due(at: Moment) -> Moment {
    at.plus_ms(CASE_MS)
}
