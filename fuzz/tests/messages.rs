//! Messages of the protocol: what is read is written, read again, and written the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use fuzz::{corpus, fuzz};
use protocol::inquiry::Answer;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads `bytes` as `T`; what was read must survive being written. Says whether it was read.
fn settles<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> bool {
    let read: T = match wire::read_json(bytes) {
        Ok(read) => read,
        Err(problem) => {
            let body = serde_json::to_vec(&problem.body()).unwrap();
            assert!(body.len() < 2_000, "a problem repeats what was sent");
            return false;
        }
    };
    let written = serde_json::to_vec(&read).unwrap();
    let again: T = wire::read_json(&written).expect("what was written is read");
    assert_eq!(serde_json::to_vec(&again).unwrap(), written);
    true
}

/// Each message of the corpus is one of the conversation's types; each changed message is tried as all of them.
fn conversation(target: &str, types: &[fn(&[u8]) -> bool]) {
    for (name, message) in corpus(target).iter().filter(|(name, _)| name.ends_with(".json")) {
        assert!(types.iter().any(|settles| settles(message)), "corpus/{target}/{name} is read as nothing");
    }
    fuzz(target, |bytes| {
        for settles in types {
            settles(bytes);
        }
    });
}

#[test]
fn inquiry() {
    use protocol::inquiry::*;
    conversation(
        "inquiry",
        &[
            settles::<Inquiry>,
            settles::<ToLinkage>,
            settles::<ToTrustee>,
            settles::<ToProvider>,
            settles::<Again>,
            settles::<Hop>,
            settles::<Reply>,
            settles::<ReplyStatement>,
            settles::<wire::ProblemBody>,
        ],
    );
}

#[test]
fn issue() {
    use protocol::issue::*;
    conversation(
        "issue",
        &[
            settles::<Order>,
            settles::<Rows>,
            settles::<IssueHop>,
            settles::<ToRegistry>,
            settles::<ToLinkage>,
            settles::<ToTrustee>,
            settles::<ToInstitution>,
            settles::<Stored>,
            settles::<Vec<Attributes>>,
            settles::<Vec<RowStatus>>,
        ],
    );
}

#[test]
fn rotation() {
    use protocol::rotation::*;
    conversation(
        "rotation",
        &[
            settles::<Rotate>,
            settles::<Rotation>,
            settles::<EpochChange>,
            settles::<NoticeOfEpoch>,
            settles::<AskChanges>,
            settles::<Changes>,
            settles::<TakenOver>,
            settles::<RotationRows>,
            settles::<ToLinkage>,
            settles::<ToTrustee>,
            settles::<ToInstitution>,
        ],
    );
}

#[test]
fn session() {
    use protocol::session::*;
    conversation(
        "session",
        &[
            settles::<SessionKey>,
            settles::<Open>,
            settles::<Opened>,
            settles::<Extend>,
            settles::<Extended>,
            settles::<AskShare>,
            settles::<AskStatement>,
            settles::<ShareAnswer>,
            settles::<Current>,
        ],
    );
}

#[test]
fn index() {
    use protocol::index::*;
    conversation(
        "index",
        &[settles::<IndexHop>, settles::<HalfIndex>, settles::<IndexEntries>, settles::<Taken>],
    );
}

#[test]
fn documents() {
    use protocol::directory::{Directory, DirectoryDocument, Signed};
    use protocol::oversight::{Accreditations, WhitelistDocument};
    let indexed = |bytes: &[u8]| {
        if let Ok(document) = wire::read_json::<DirectoryDocument>(bytes) {
            let revoked: Vec<_> = document.parties.iter().filter(|entry| entry.revoked).cloned().collect();
            let directory = Directory::new(document);
            assert!(directory.of_kind("gateway").iter().all(|entry| !entry.revoked));
            for entry in revoked {
                assert!(directory.entry(&entry.id).is_none_or(|shown| !shown.revoked));
            }
        }
        settles::<DirectoryDocument>(bytes)
    };
    conversation(
        "documents",
        &[
            indexed,
            settles::<Accreditations>,
            settles::<WhitelistDocument>,
            settles::<Signed>,
            settles::<protocol::country::Country>,
        ],
    );
}

#[test]
fn oversight() {
    use protocol::oversight::*;
    conversation(
        "oversight",
        &[
            settles::<Alarm>,
            settles::<AlarmLine>,
            settles::<OpenCase>,
            settles::<CaseLine>,
            settles::<MoveCase>,
            settles::<ActParties>,
            settles::<ChangeStanding>,
        ],
    );
}

#[test]
fn inner() {
    use protocol::desk::*;
    use protocol::register::*;
    conversation(
        "inner",
        &[
            settles::<Ask>,
            settles::<Told>,
            settles::<Issued>,
            settles::<EnterResidents>,
            settles::<Change>,
            settles::<FindNumber>,
        ],
    );
}

#[test]
fn answer() {
    for (name, message) in corpus("answer") {
        assert!(Answer::unpad(&message).is_some(), "corpus/answer/{name}");
    }
    fuzz("answer", |bytes| {
        let Some(answer) = Answer::unpad(bytes) else { return };
        let prefixed = answer.prefixed();
        let again = Answer::unpad(&[prefixed.as_slice(), &[0; 9]].concat()).expect("what was padded is read");
        assert_eq!(again.prefixed(), prefixed);
    });
}

/// The head of a reply that is too large for its JSON: what is found is what was joined, however little of it has come.
#[test]
fn head_and_tail() {
    use protocol::inquiry::Reply;
    let announced = |bytes: &[u8]| {
        let (head, rest) = wire::split_head(bytes).ok().flatten()?;
        let reply: Reply = serde_json::from_slice(head).ok()?;
        assert_eq!(wire::joined(head, rest), bytes);
        (1..bytes.len() - rest.len()).for_each(|most| {
            assert!(matches!(wire::split_head(&bytes[..most]), Ok(None)), "a part of a head is no head");
        });
        reply.tail()
    };
    for (name, message) in corpus("head_and_tail") {
        assert!(announced(&message).is_some(), "corpus/head_and_tail/{name}");
    }
    fuzz("head_and_tail", |bytes| {
        announced(bytes);
    });
}

#[test]
fn audit() {
    use protocol::audit::*;
    use protocol::own::*;
    use protocol::proof::*;
    conversation(
        "audit",
        &[
            settles::<Vec<RecordLine>>,
            settles::<WhichRecords>,
            settles::<Reconcile>,
            settles::<Reconciliation>,
            settles::<Replayed>,
            settles::<DemandProof>,
            settles::<ConversionProof>,
            settles::<Vec<Proved>>,
            settles::<AskMyRecords>,
            settles::<AskOwnRecords>,
            settles::<Vec<OwnAct>>,
            settles::<DemoAssertion>,
            settles::<DemoLook>,
            settles::<DemoPerson>,
            settles::<protocol::desk::Erase>,
            settles::<Vec<protocol::desk::ErasedShelf>>,
        ],
    );
}
