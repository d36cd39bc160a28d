//! What the portal makes of index entries: pure.

use protocol::index::{IndexHop, hash_of};
use seal::EncryptedCode;
use words::ActId;

/// The first thing about two hops and their codes that does not fit.
pub(crate) fn first_mismatch(
    first: &IndexHop,
    last: &IndexHop,
    codes: &[EncryptedCode],
) -> Option<&'static str> {
    let checks = [
        ("hops", first.id == last.id && first.batch == last.batch && first.to_session == last.to_session),
        ("hops.to_epoch", first.to_epoch == last.to_epoch),
        ("hops.taken", last.taken == first.given),
        ("codes", last.given == hash_of(codes)),
        ("batch", last.batch || codes.len() == 1),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}

/// The act of the entry in row `row`.
pub(crate) fn act_of(hop: &IndexHop, row: usize) -> ActId {
    if hop.batch { hop.id.row(u32::try_from(row).unwrap_or(u32::MAX)) } else { hop.id }
}
