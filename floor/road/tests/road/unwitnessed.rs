//! A ledger that no witness sees: the room answers for a minute more, then turns acts away until it is seen again.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ledger::{AddCheckpoint, NoteKey};
use seal::SigningKey;

use super::*;

async fn with_ledger(road: Road, origin: &str, key: &Arc<SigningKey>) -> Arc<Road> {
    let defaults = rules::Defaults::house();
    Arc::new(road.with_ledger(origin.into(), Arc::clone(key), &defaults).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_no_witness_sees_for_a_minute_turns_acts_away_and_takes_no_id() {
    let folder = tempfile::tempdir().unwrap();
    for location in store::testing::locations(folder.path(), "road_unwitnessed") {
        let world = World::simulated(7, 1_795_316_700_000); // 2026-11-22
        let dice = {
            let world = world.clone();
            Dice::new(move |buffer| world.fill(buffer))
        };
        let storage = Arc::new(StorageKey::generate(&dice));
        let keys = [Arc::new(SigningKey::generate(&dice)), Arc::new(SigningKey::generate(&dice))];
        let open = async |location: &store::Location| {
            let db = store::Db::open(location, &[MIGRATIONS]).await.unwrap();
            Road::new(db, Arc::clone(&storage), world.clone())
        };
        let room = with_ledger(open(&location).await, "musubi/town", &keys[0]).await;
        let other = store::testing::locations(folder.path(), "road_witness").remove(0);
        let witness = with_ledger(open(&other).await, "musubi/oversight", &keys[1]).await;
        let town = NoteKey::new("musubi/town", keys[0].verify_key()).unwrap();
        let seen_by = NoteKey::new("musubi/oversight", keys[1].verify_key()).unwrap();
        let there = Arc::new(AtomicBool::new(true));
        let ask = {
            let (witness, there) = (Arc::clone(&witness), Arc::clone(&there));
            move |_, request: String| {
                let (witness, town, there) = (Arc::clone(&witness), town.clone(), Arc::clone(&there));
                async move {
                    if !there.load(Ordering::SeqCst) {
                        return WitnessAnswer::Away;
                    }
                    let request = AddCheckpoint::parse(&request).unwrap();
                    match witness.witness(&request, &town).await.unwrap() {
                        Ok(line) => WitnessAnswer::Cosigned(line),
                        Err(ledger::WitnessRefusal::OtherSize(size)) => WitnessAnswer::OtherSize(size),
                        Err(_) => WitnessAnswer::Conflict,
                    }
                }
            }
        };
        let around = move || vec![(PartyId::parse("oversight").unwrap(), seen_by.clone())];
        let showing = tokio::spawn(Arc::clone(&room).keep_ledger(around, ask));

        let acted = Arc::new(AtomicUsize::new(0));
        assert_eq!(room.travel(arrival(1, b"a"), knock(&acted)).await.unwrap(), b"1");
        // The witness goes. A minute long that is borne: it need not be there at every act.
        there.store(false, Ordering::SeqCst);
        world.advance(50_000);
        assert_eq!(room.travel(arrival(2, b"a"), knock(&acted)).await.unwrap(), b"2");
        // Longer it is not, whether or not the ledger grew.
        world.advance(15_000);
        for id in [3, 3, 4] {
            let stop = room.travel(arrival(id, b"a"), knock(&acted)).await.unwrap_err();
            assert_eq!(stop.reason, Reason::Unwitnessed);
        }
        assert_eq!(acted.load(Ordering::SeqCst), 2, "turned away, and yet done");
        let turned_away = room.leaves(None).await.unwrap();
        let turned_away = turned_away.iter().filter(|leaf| {
            leaf.record.field("reason").and_then(|reason| reason.as_str()) == Some("unwitnessed")
        });
        assert_eq!(turned_away.count(), 3, "each is recorded");
        // Not even a reply of before is told again: nothing leaves unseen.
        assert!(room.travel(arrival(1, b"a"), knock(&acted)).await.is_err());

        // Seen again, it answers again, and the ids that were turned away are free.
        there.store(true, Ordering::SeqCst);
        let mut answered = Err(Reason::Unwitnessed);
        for _ in 0..100 {
            answered = room.travel(arrival(3, b"a"), knock(&acted)).await.map_err(|stop| stop.reason);
            if answered.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(answered.unwrap(), b"3");
        assert_eq!(room.travel(arrival(4, b"a"), knock(&acted)).await.unwrap(), b"4");
        world.shutdown.trigger();
        showing.await.unwrap();
    }
}
