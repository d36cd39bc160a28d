//! Files that an operator brings from elsewhere: backups and shares of keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use fuzz::{corpus, fuzz};
use musubi::backup_file::{check_bytes, read_pieces, write_pieces};
use seal::{Dice, KeyShare, SigningKey, combine};
use words::PartyId;

/// What is inside a chunk is read as it was written, or not at all; no bytes are a backup that nobody signed.
#[test]
fn backup() {
    let key = SigningKey::generate(&Dice::new(|buffer| buffer.fill(7))).verify_key();
    let party = PartyId::parse("town").unwrap();
    assert!(corpus("backup").iter().any(|(_, bytes)| read_pieces(bytes).is_ok_and(|read| read.len() > 2)));
    fuzz("backup", |bytes| {
        if let Ok(pieces) = read_pieces(bytes) {
            assert_eq!(write_pieces(&pieces).unwrap(), bytes);
        }
        assert!(check_bytes(bytes, &party, &key).is_err());
    });
}

/// One share, however it was changed, is never enough.
#[test]
fn share() {
    let good =
        corpus("share").into_iter().all(|(_, bytes)| serde_json::from_slice::<KeyShare>(&bytes).is_ok());
    assert!(good, "a file of corpus/share is no share");
    fuzz("share", |bytes| {
        let Ok(share) = serde_json::from_slice::<KeyShare>(bytes) else { return };
        assert!(combine(&[share.clone(), share]).is_err());
    });
}
