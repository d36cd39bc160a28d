//! What the directory says at a time: pure.

use protocol::directory::{DirectoryDocument, Entry};
use words::Moment;

/// The document of all entries, valid for `valid_ms`.
pub(crate) const fn document(
    version: i64,
    parties: Vec<Entry>,
    now: Moment,
    valid_ms: i64,
) -> DirectoryDocument {
    DirectoryDocument { version, issued_at: now, valid_until: now.plus_ms(valid_ms), parties }
}
