//! The tree against the definition of RFC 6962 §2.1, and a log with its witness that behave, and that do not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use ledger::*;
use proptest::prelude::*;
use seal::SigningKey;

/// MTH of RFC 6962 §2.1, word for word.
fn mth(entries: &[Hash]) -> Hash {
    match entries.len() {
        0 => seal::sha256(b""),
        1 => seal::sha256(&[&[0u8][..], &entries[0]].concat()),
        n => {
            let k = n.next_power_of_two() / 2;
            seal::sha256(&[&[1u8][..], &mth(&entries[..k]), &mth(&entries[k..])].concat())
        }
    }
}

fn entries(n: usize) -> Vec<Hash> {
    (0..n).map(|i| seal::sha256(&i.to_be_bytes())).collect()
}

fn tree(entries: &[Hash]) -> Tree {
    let mut tree = Tree::default();
    entries.iter().for_each(|entry| tree.push(entry));
    tree
}

fn key(seed: u8) -> SigningKey {
    SigningKey::generate(&seal::Dice::new(move |buffer| buffer.fill(seed)))
}

fn head(entries: &[Hash]) -> Checkpoint {
    Checkpoint { origin: "musubi/town".into(), size: entries.len() as u64, root: root_of(entries) }
}

fn signed(tree: &Checkpoint) -> Note {
    let text = tree.text();
    Note { signatures: vec![sign("musubi/town", &key(1), &text).unwrap()], text }
}

#[test]
fn roots_are_those_of_the_definition_around_every_boundary() {
    let all = entries(1100);
    let tree = tree(&all);
    for size in (0..20).chain([255, 256, 257, 511, 512, 513, 767, 768, 1023, 1024, 1025, 1099, 1100]) {
        assert_eq!(root_of(&all[..size]), mth(&all[..size]), "{size}");
        assert_eq!(tree.root_at(size as u64, all.as_slice()).unwrap(), mth(&all[..size]), "{size}");
    }
    assert!(tree.root_at(1101, all.as_slice()).is_err());
}

#[test]
fn tiles_are_the_hashes_of_the_definition() {
    let all = entries(70_000);
    let tree = tree(&all);
    for path in TilePath::all(70_000) {
        let bytes = tree.tile(&path, all.as_slice()).unwrap();
        let Some(level) = path.level else {
            assert_eq!(bytes.len() as u64, path.width * 34);
            continue;
        };
        assert_eq!(bytes.len() as u64, path.width * 32);
        let span = 256usize.pow(u32::from(level));
        let last = (path.number * 256 + path.width - 1) as usize;
        assert_eq!(bytes[bytes.len() - 32..], mth(&all[last * span..(last + 1) * span]), "{path}");
    }
    let beyond = TilePath { level: Some(0), number: 273, width: 113 };
    assert!(tree.tile(&beyond, all.as_slice()).is_err(), "no more than there is");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn proofs_hold_for_what_they_say_and_nothing_else(size in 1usize..900, index in 0usize..900, old in 0usize..900, change in 0usize..64) {
        let all = entries(900);
        let tree = tree(&all);
        let (index, old) = (index % size, old % (size + 1));
        let now = head(&all[..size]);

        let proof = tree.inclusion(index as u64, size as u64, all.as_slice()).unwrap();
        prop_assert!(check_inclusion(&proof, index as u64, &all[index], &now).is_ok());
        prop_assert!(check_inclusion(&proof, index as u64, &all[(index + 1) % 900], &now).is_err());
        let other = (index + 1) % size;
        prop_assert!(other == index || check_inclusion(&proof, other as u64, &all[index], &now).is_err());

        let consistency = tree.consistency(old as u64, size as u64, all.as_slice()).unwrap();
        let (before, after) = ((old as u64, mth(&all[..old])), (now.size, now.root));
        prop_assert!(check_consistency(&consistency, before, after).is_ok());
        if old > 0 {
            let mut forged = all[..size].to_vec();
            forged[old - 1] = [0; 32];
            prop_assert!(check_consistency(&consistency, before, (now.size, root_of(&forged))).is_err(), "an edited past");
        }
        for (proof, from) in [(&proof, None), (&consistency, Some(before))] {
            if proof.is_empty() { continue }
            let mut changed = proof.clone();
            let at = change % changed.len();
            changed[at][change % 32] ^= 1;
            let held = match from {
                None => check_inclusion(&changed, index as u64, &all[index], &now),
                Some(before) => check_consistency(&changed, before, after),
            };
            prop_assert!(held.is_err(), "a changed proof holds");
            let mut longer = proof.clone();
            longer.push([1; 32]);
            let held = match from {
                None => check_inclusion(&longer, index as u64, &all[index], &now),
                Some(before) => check_consistency(&longer, before, after),
            };
            prop_assert!(held.is_err(), "a longer proof holds");
        }
    }

    #[test]
    fn texts_read_back(old in 0u64..1 << 40, count in 0usize..63, index in 0u64..1 << 40, extra in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40))) {
        let checkpoint = signed(&head(&entries(3)));
        let hashes = entries(count);
        let request = AddCheckpoint { old, proof: hashes.clone(), checkpoint: checkpoint.clone() };
        prop_assert_eq!(AddCheckpoint::parse(&request.to_string()), Ok(request));
        let proof = Proof { extra, index, hashes, checkpoint };
        prop_assert_eq!(Proof::parse(&proof.to_string()), Ok(proof));
    }
}

#[test]
fn a_receipt_shows_who_witnessed() {
    let all = entries(300);
    let tree = tree(&all);
    let now = head(&all);
    let mut note = signed(&now);
    note.signatures.push(cosign("musubi/oversight", &key(2), 1_790_000_000, &note.text).unwrap());
    let proof = Proof {
        extra: None,
        index: 7,
        hashes: tree.inclusion(7, 300, all.as_slice()).unwrap(),
        checkpoint: note,
    };
    let log = NoteKey::new("musubi/town", key(1).verify_key()).unwrap();
    let witness = NoteKey::new("musubi/oversight", key(2).verify_key()).unwrap();
    let stranger = NoteKey::new("musubi/oversight", key(3).verify_key()).unwrap();
    let read = Proof::parse(&proof.to_string()).unwrap();
    let shown = read.check(&all[7], &log, std::slice::from_ref(&witness)).unwrap();
    assert_eq!(shown.by, [("musubi/oversight".to_owned(), 1_790_000_000)]);
    assert!(read.check(&all[7], &log, &[stranger]).unwrap().by.is_empty());
    assert_eq!(read.check(&all[8], &log, &[]), Err(LedgerError::BadProof));
    assert_eq!(read.check(&all[7], &witness, &[]), Err(LedgerError::BadSignature));
}

#[test]
fn a_witness_follows_one_history() {
    let all = entries(500);
    let tree = tree(&all);
    let log = NoteKey::new("musubi/town", key(1).verify_key()).unwrap();
    let ask = |old: u64, entries: &[Hash], proof: Vec<Hash>| AddCheckpoint {
        old,
        proof,
        checkpoint: signed(&head(entries)),
    };
    let last = |size: usize| Some((size as u64, root_of(&all[..size])));
    let proof = |old, size| tree.consistency(old, size, all.as_slice()).unwrap();

    assert_eq!(judge(&ask(0, &all[..10], vec![]), &log, None).unwrap().size, 10);
    assert_eq!(judge(&ask(0, &[], vec![]), &log, None).unwrap().size, 0);
    assert_eq!(judge(&ask(10, &all[..10], vec![]), &log, last(10)).unwrap().size, 10);
    assert_eq!(judge(&ask(10, &all[..300], proof(10, 300)), &log, last(10)).unwrap().size, 300);
    // It was elsewhere before: told where.
    assert_eq!(judge(&ask(0, &all[..300], vec![]), &log, last(10)), Err(WitnessRefusal::OtherSize(10)));
    assert_eq!(
        judge(&ask(10, &all[..300], proof(10, 300)), &log, last(400)),
        Err(WitnessRefusal::OtherSize(400))
    );
    // A row edited, a tail cut and regrown: no proof leads there.
    let mut edited = all.clone();
    edited[4] = [0; 32];
    let forged = self::tree(&edited);
    let lie = forged.consistency(10, 300, edited.as_slice()).unwrap();
    assert_eq!(judge(&ask(10, &edited[..300], lie), &log, last(10)), Err(WitnessRefusal::NotConsistent(10)));
    assert_eq!(judge(&ask(10, &edited[..10], vec![]), &log, last(10)), Err(WitnessRefusal::OtherTree(10)));
    assert!(WitnessRefusal::OtherTree(10).is_conflict() && !WitnessRefusal::OtherSize(10).is_conflict());
    // Signed by another, for another, malformed.
    let stranger = NoteKey::new("musubi/town", key(3).verify_key()).unwrap();
    assert_eq!(judge(&ask(0, &all[..10], vec![]), &stranger, None), Err(WitnessRefusal::BadSignature));
    let other = NoteKey::new("musubi/tax", key(1).verify_key()).unwrap();
    assert_eq!(judge(&ask(0, &all[..10], vec![]), &other, None), Err(WitnessRefusal::UnknownOrigin));
    assert_eq!(judge(&ask(11, &all[..10], vec![]), &log, last(11)), Err(WitnessRefusal::Malformed));
}
