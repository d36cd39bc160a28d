//! How this room's refusals and failures become problems. Reasons and their statuses stand in `words::Reason`.

use road::Failure;
use wire::Problem;
use words::Reason;

/// The own database failed.
pub(crate) fn own_database(error: &::store::StoreError) -> Problem {
    tracing::error!(%error, "the database of research failed");
    Problem::new(Reason::Internal)
}

/// What is stored does not open, or is not what it was written as.
pub(crate) fn own_content(what: &'static str) -> Failure {
    tracing::error!(what, "what is stored does not open");
    Failure::new(Reason::Internal)
}

/// Something that was asked for in a wrong way: where, what is wrong, what to do.
pub(crate) fn asked_wrongly(detail: impl Into<String>) -> Problem {
    Problem::with(Reason::Malformed, detail)
}

/// Text that must have between `least` and `most` characters.
pub(crate) fn check_text(name: &str, text: &str, least: usize, most: usize) -> Result<(), Problem> {
    let length = text.trim().chars().count();
    if (least..=most).contains(&length) {
        Ok(())
    } else {
        Err(asked_wrongly(format!("`{name}` must have {least} to {most} characters; it has {length}.")))
    }
}

/// A number that must be within a range.
pub(crate) fn check_range(
    name: &str,
    found: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<(), Problem> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(asked_wrongly(format!("`{name}` is {found}; it must be {} to {}.", range.start(), range.end())))
}
