//! What this room demands of what linkage passes on: pure checks.

use protocol::index::{HalfIndex, IndexHop, hash_of};
use protocol::inquiry::{Hop, Inquiry, ToTrustee};
use words::B64;

/// The first part of an inquiry's message that is not what linkage signed, or not what the inquirer sent.
pub(crate) fn first_mismatch(message: &ToTrustee, inquiry: &Inquiry, hop: &Hop) -> Option<&'static str> {
    let sent = B64::from(inquiry.subject.code.hash());
    let checks = [
        ("hop.id", hop.id == inquiry.id),
        ("hop.inquiry", hop.inquiry == message.inquiry.hash().into()),
        ("hop.to_session", *hop.to_session.party() == inquiry.to),
        ("hop.taken", hop.taken == sent),
        ("code", hop.given == B64::from(message.code.hash())),
        (
            "index.from_session",
            message.index.from_session == inquiry.subject.session
                && message.index.from_epoch == inquiry.subject.epoch,
        ),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}

/// The same for index entries; `sent` is the hash of the codes that were signed by who sent them, where that is known.
pub(crate) fn first_index_mismatch(
    half: &HalfIndex,
    hop: &IndexHop,
    sent: Option<&B64>,
) -> Option<&'static str> {
    let checks = [
        ("index.taken", sent.is_none_or(|sent| hop.taken == *sent)),
        ("index.codes", hash_of(&half.codes) == hop.given),
        ("index.batch", hop.batch || half.codes.len() == 1),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}
