//! Rules of a gateway: pure.

use protocol::inquiry::{Hop, Inquiry, ToProvider};
use words::B64;

/// The first part of an inquiry's message that does not fit the signatures of the way it came.
pub(crate) fn first_mismatch(
    message: &ToProvider,
    inquiry: &Inquiry,
    first: &Hop,
    last: &Hop,
) -> Option<&'static str> {
    let named = B64::from(message.inquiry.hash());
    let checks = [
        ("hops.id", first.id == inquiry.id && last.id == inquiry.id),
        ("hops.inquiry", first.inquiry == named && last.inquiry == named),
        ("hops.taken", first.taken == B64::from(inquiry.subject.code.hash()) && last.taken == first.given),
        ("hops.to_session", first.to_session == last.to_session && first.to_epoch == last.to_epoch),
        ("code", last.given == B64::from(message.code.hash())),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}
