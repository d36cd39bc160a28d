//! Texts of ledgers: notes, checkpoints, receipts, witnesses' requests, paths of tiles.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use fuzz::{corpus, fuzz};
use ledger::{AddCheckpoint, Checkpoint, Note, NoteKey, Proof, TilePath, WitnessRefusal, judge};
use seal::{Dice, SigningKey};

/// What is read is written the same, and nothing that was not signed verifies.
#[test]
fn ledger() {
    let key = SigningKey::generate(&Dice::new(|buffer| buffer.fill(7)));
    let known = NoteKey::new("musubi/town", key.verify_key()).unwrap();
    let good: Vec<String> =
        corpus("ledger").into_iter().map(|(_, text)| String::from_utf8(text).unwrap()).collect();
    let readable = |text: &str| {
        Note::parse(text).is_ok()
            || Proof::parse(text).is_ok()
            || AddCheckpoint::parse(text).is_ok()
            || TilePath::parse(text.trim_end()).is_ok()
    };
    assert!(good.iter().all(|text| readable(text)), "a file of corpus/ledger is read as nothing");
    fuzz("ledger", |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Ok(note) = Note::parse(text) {
            assert_eq!(Note::parse(&note.to_string()).as_ref(), Ok(&note));
            assert!(note.signed_by(&known).is_err() && note.cosigned_by(&known).is_none());
            if let Ok(checkpoint) = Checkpoint::parse(&note.text) {
                assert_eq!(checkpoint.text(), note.text);
            }
        }
        if let Ok(proof) = Proof::parse(text) {
            assert_eq!(Proof::parse(&proof.to_string()).as_ref(), Ok(&proof));
            assert!(proof.check(&[0; 32], &known, &[]).is_err());
        }
        if let Ok(request) = AddCheckpoint::parse(text) {
            assert_eq!(AddCheckpoint::parse(&request.to_string()).as_ref(), Ok(&request));
            let judged = judge(&request, &known, Some((3, [0; 32])));
            assert!(matches!(
                judged,
                Err(WitnessRefusal::Malformed | WitnessRefusal::UnknownOrigin | WitnessRefusal::BadSignature)
            ));
        }
        if let Ok(path) = TilePath::parse(text.trim_end_matches('\n')) {
            assert_eq!(format!("{path}"), text.trim_end_matches('\n'));
        }
    });
}
