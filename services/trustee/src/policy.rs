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

#[cfg(test)]
mod tests {
    use super::*;
    use words::{ActId, Epoch, PartyId};

    #[test]
    fn an_index_entry_begins_with_what_was_signed() {
        let vector: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/protocol/vectors/link-code.json")).unwrap();
        let code = |field: &str| serde_json::from_value(vector["conversions"][0][field].clone()).unwrap();
        let (signed, given, other): (_, _, seal::EncryptedCode) =
            (code("input"), code("after_first"), code("after_last"));
        let session = |party: &str| {
            words::SessionName::new(
                &PartyId::parse(party).unwrap(),
                words::Date::new(2026, 11, 22).unwrap(),
                0,
            )
        };
        let hop = |taken: &seal::EncryptedCode| IndexHop {
            id: ActId::new([1; 16]),
            batch: false,
            to_session: session("portal"),
            to_epoch: Epoch(0),
            taken: hash_of(&[*taken]),
            given: hash_of(&[given]),
        };
        let half = |codes: &[seal::EncryptedCode]| HalfIndex {
            hop: serde_json::from_value("a.b.c".into()).unwrap(),
            from_session: session("town"),
            from_epoch: Epoch(0),
            codes: codes.to_vec(),
        };
        let sent = hash_of(&[signed]);
        assert_eq!(sent, B64::from(signed.hash()), "one code hashes alike alone and in a row");
        assert_eq!(first_index_mismatch(&half(&[given]), &hop(&signed), Some(&sent)), None);
        assert_eq!(first_index_mismatch(&half(&[given]), &hop(&other), Some(&sent)), Some("index.taken"));
        assert_eq!(first_index_mismatch(&half(&[given]), &hop(&other), None), None);
        assert_eq!(first_index_mismatch(&half(&[other]), &hop(&signed), Some(&sent)), Some("index.codes"));
        assert!(first_index_mismatch(&half(&[given, given]), &hop(&signed), Some(&sent)).is_some());
    }
}
