//! Ledgers of a running country: witnessed, verifiable from outside, and what tampering leads to.

use std::time::Duration;

use ledger::{Checkpoint, Note, TilePath};
use words::{PartyId, Reason};

use crate::ground::Ground;

const ROOMS: [&str; 9] =
    ["authority", "oversight", "linkage", "trustee", "registry", "portal", "town", "tax", "pension"];

/// The checkpoint a room serves, once at least `witnesses` have cosigned it.
async fn checkpoint(ground: &Ground, room: &str, witnesses: usize) -> (Checkpoint, Note) {
    let house = ground.house(room);
    let keys = ground.house("linkage").witnesses_of(&house.id);
    for _ in 0..200 {
        let note = house.road.checkpoint().await.unwrap();
        let cosigned = keys.iter().filter(|(_, key)| note.cosigned_by(key).is_some()).count();
        if cosigned >= witnesses {
            note.signed_by(&ground.house("linkage").note_key(&house.id).unwrap()).unwrap();
            return (Checkpoint::parse(&note.text).unwrap(), note);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{room}'s ledger was not seen by {witnesses} witnesses within 10 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_room_has_a_ledger_that_all_its_witnesses_see() {
    let ground = Ground::new(100).await;
    for room in ROOMS {
        let witnesses = if ["authority", "oversight", "linkage", "trustee"].contains(&room) { 3 } else { 4 };
        let (tree, _) = checkpoint(&ground, room, witnesses).await;
        assert_eq!(tree.origin, format!("musubi/{room}"));
        let house = ground.house(room);
        let mut entries = Vec::new();
        for path in TilePath::all(tree.size).filter(|path| path.level.is_none()) {
            let bundle = house.road.tile(path).await.unwrap().unwrap();
            entries.extend(bundle.chunks(34).map(|entry| <[u8; 32]>::try_from(&entry[2..]).unwrap()));
        }
        assert_eq!(
            ledger::root_of(&entries),
            tree.root,
            "{room}: the entries are not those of the checkpoint"
        );
        let leaves = house.road.leaves(None).await.unwrap();
        for (leaf, entry) in leaves.iter().zip(&entries) {
            assert_eq!(leaf.hash, entry);
        }
        assert!(leaves.len() >= entries.len() && (tree.size > 0 || leaves.is_empty()), "{room}");
    }
}
