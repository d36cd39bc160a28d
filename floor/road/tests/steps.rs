//! The steps of the road, on both databases: order, repeats, refusals, crashes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use road::*;
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::{Dice, StorageKey};
use words::*;
use world::World;

struct Knock {
    allowed: bool,
    fail: bool,
    shaped: bool,
    acted: Arc<AtomicUsize>,
}

impl Verb for Knock {
    const NAME: &'static str = "knock";
    type Permit = Permit<Operate>;
    type Acted = usize;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        let role = if self.allowed { Role::Officer } else { Role::Clerk };
        Ok(decide_operation(Operation::WorkOnCases, role)?)
    }
    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("what", "a knock");
        record
    }
    fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        vec![Parcel {
            destination: PartyId::parse("portal").unwrap(),
            path: "/index",
            body: b"{}".to_vec(),
            held: decided.is_ok(),
        }]
    }
    async fn act(&self, _permit: &Self::Permit) -> Result<usize, Failure> {
        let nth = self.acted.fetch_add(1, Ordering::SeqCst) + 1;
        if self.fail { Err(Failure::with(Reason::Unavailable, "nobody home")) } else { Ok(nth) }
    }
    fn protect(&self, _permit: &Self::Permit, acted: usize) -> Result<Protected, Failure> {
        Ok(Protected::reply(format!("{acted}").into_bytes()))
    }
    fn protect_refusal(&self, _refused: &Refused) -> Option<Result<Protected, Failure>> {
        self.shaped.then(|| Ok(Protected::reply(b"shaped".to_vec())))
    }
}

fn arrival(id: u8, body: &[u8]) -> Arrival {
    Arrival { id: ActId::new([id; 16]), caller: "town".into(), request_hash: seal::sha256(body) }
}

async fn each_engine<F: AsyncFn(Arc<Road>, store::Location, Arc<StorageKey>)>(name: &str, test: F) {
    let folder = tempfile::tempdir().unwrap();
    for location in store::testing::locations(folder.path(), name) {
        let world = World::real();
        let dice = {
            let world = world.clone();
            Dice::new(move |buffer| world.fill(buffer))
        };
        let key = Arc::new(StorageKey::generate(&dice));
        let db = store::Db::open(&location, &[MIGRATIONS]).await.unwrap();
        test(Arc::new(Road::new(db, Arc::clone(&key), world)), location, key).await;
    }
}

fn knock(acted: &Arc<AtomicUsize>) -> Knock {
    Knock { allowed: true, fail: false, shaped: false, acted: Arc::clone(acted) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_is_recorded_twice_and_a_repeat_gets_the_same_reply() {
    each_engine("road_repeat", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        assert_eq!(road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap(), b"1");
        assert_eq!(road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap(), b"1");
        assert_eq!(acted.load(Ordering::SeqCst), 1, "a repeat does not act again");
        let leaves = road.leaves(Some(ActId::new([1; 16]))).await.unwrap();
        assert_eq!(leaves.iter().map(|leaf| leaf.step.as_str()).collect::<Vec<_>>(), ["decision", "outcome"]);
        for leaf in &leaves {
            let salt: [u8; 32] = leaf.salt.clone().try_into().unwrap();
            assert_eq!(leaf_hash(&salt, &leaf.record.canonical()).to_vec(), leaf.hash);
        }
        assert_eq!(leaves[0].record.field("decision").unwrap(), "permitted");
        assert_eq!(road.parcels_waiting().await.unwrap(), 0, "the act delivered what was held");
        // Other bytes, or another caller, under the same id.
        assert_eq!(road.travel(arrival(1, b"b"), knock(&acted)).await.unwrap_err().reason, Reason::Replayed);
        let other = Arrival { caller: "tax".into(), ..arrival(1, b"a") };
        assert_eq!(road.travel(other, knock(&acted)).await.unwrap_err().reason, Reason::Replayed);
        let steps: Vec<_> = road.leaves(None).await.unwrap().into_iter().map(|leaf| leaf.step).collect();
        assert_eq!(steps, ["decision", "outcome", "replayed", "replayed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_act_at_the_same_time_acts_once() {
    each_engine("road_race", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (road, knock) = (Arc::clone(&road), knock(&acted));
            all.spawn(async move { road.travel(arrival(2, b"a"), knock).await.unwrap() });
        }
        while let Some(reply) = all.join_next().await {
            assert_eq!(reply.unwrap(), b"1");
        }
        assert_eq!(acted.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_recorded_and_their_parcels_go() {
    each_engine("road_refused", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        let refused = |shaped| Knock { allowed: false, shaped, ..knock(&acted) };
        assert_eq!(
            road.travel(arrival(3, b"a"), refused(false)).await.unwrap_err().reason,
            Reason::NotAllowed
        );
        assert_eq!(
            road.travel(arrival(3, b"a"), refused(false)).await.unwrap_err().reason,
            Reason::NotAllowed
        );
        assert_eq!(road.travel(arrival(4, b"a"), refused(true)).await.unwrap(), b"shaped");
        assert_eq!(acted.load(Ordering::SeqCst), 0);
        assert_eq!(road.parcels_waiting().await.unwrap(), 2);
        let counted: Vec<_> = road
            .summary()
            .await
            .unwrap()
            .into_iter()
            .map(|line| (line.state, line.reason, line.count))
            .collect();
        assert_eq!(counted, [("refused".into(), Some("not_allowed".into()), 2)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_again_and_releases_what_was_held() {
    each_engine("road_failed", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let stop =
                road.travel(arrival(5, b"a"), Knock { fail: true, ..knock(&acted) }).await.unwrap_err();
            assert_eq!((stop.reason, stop.detail.as_str()), (Reason::Unavailable, "nobody home"));
        }
        assert_eq!(acted.load(Ordering::SeqCst), 1);
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let carrier = tokio::spawn(Arc::clone(&road).carry_parcels(move |to, path, body| {
            // Refused once, taken the second time.
            let delivery =
                if count.fetch_add(1, Ordering::SeqCst) == 0 { Delivery::Later } else { Delivery::Taken };
            async move {
                assert_eq!((to.as_str(), path.as_str(), body.as_slice()), ("portal", "/index", &b"{}"[..]));
                delivery
            }
        }));
        for _ in 0..200 {
            if road.parcels_waiting().await.unwrap() == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(road.parcels_waiting().await.unwrap(), 0);
        assert_eq!(seen.load(Ordering::SeqCst), 2);
        carrier.abort();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_open_ends_as_unknown() {
    each_engine("road_crash", async |road, location, key| {
        struct Hang(Knock);
        impl Verb for Hang {
            const NAME: &'static str = "hang";
            type Permit = Permit<Operate>;
            type Acted = usize;
            fn decide(&self, pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
                self.0.decide(pace, now)
            }
            fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
                self.0.record(decided)
            }
            fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
                self.0.parcels(decided)
            }
            async fn act(&self, _permit: &Self::Permit) -> Result<usize, Failure> {
                std::future::pending().await
            }
            fn protect(&self, permit: &Self::Permit, acted: usize) -> Result<Protected, Failure> {
                self.0.protect(permit, acted)
            }
        }
        let acted = Arc::new(AtomicUsize::new(0));
        let hanging = tokio::spawn({
            let (road, verb) = (Arc::clone(&road), Hang(knock(&acted)));
            async move { road.travel(arrival(6, b"a"), verb).await }
        });
        while road.leaves(None).await.unwrap().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        hanging.abort();
        // The next run of the same room.
        let again =
            Arc::new(Road::new(store::Db::open(&location, &[MIGRATIONS]).await.unwrap(), key, World::real()));
        assert_eq!(again.recover().await.unwrap(), 1);
        assert_eq!(again.recover().await.unwrap(), 0);
        let leaves = again.leaves(Some(ActId::new([6; 16]))).await.unwrap();
        assert_eq!(leaves[1].record.field("outcome").unwrap(), "unknown");
        assert_eq!(again.summary().await.unwrap()[0].state, "unknown");
        // The same act again is told that it did not come through; it is not done a second time.
        assert_eq!(
            again.travel(arrival(6, b"a"), Hang(knock(&acted))).await.unwrap_err().reason,
            Reason::Unavailable
        );
    })
    .await;
}

/// Records at the end of their period: text and salt go, the key goes, entries and the others' proofs stay; a database
/// restored from before has them erased again before anybody reads it.
#[tokio::test(flavor = "multi_thread")]
async fn records_end_with_their_period_and_a_restore_does_not_bring_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::simulated(7, 1_795_316_700_000); // 2026-11-22
    let dice = {
        let world = world.clone();
        Dice::new(move |buffer| world.fill(buffer))
    };
    let key = Arc::new(StorageKey::generate(&dice));
    let keys = seal::KeyFolder::new(folder.path().join("keys"));
    let signing = Arc::new(seal::SigningKey::generate(&dice));
    let file = folder.path().join("room.db");
    let open = async || {
        let db = store::Db::open(&store::Location::Sqlite(file.clone()), &[MIGRATIONS]).await.unwrap();
        let road = Road::new(db, Arc::clone(&key), world.clone());
        let road = road.with_retention(keys.clone(), dice.clone()).await.unwrap();
        let defaults = rules::Defaults::house();
        Arc::new(road.with_ledger("musubi/test".into(), Arc::clone(&signing), &defaults).await.unwrap())
    };
    let readable = async |road: &Road| {
        let leaves = road.collect(0, Moment(0), 100).await.unwrap();
        leaves.iter().map(|leaf| leaf.opened.is_some()).collect::<Vec<_>>()
    };
    let day = |text: &str| Date::parse(text).unwrap();

    let road = open().await;
    let acted = Arc::new(AtomicUsize::new(0));
    // `knock` is how a room is run (ten years); what is turned away at the door is kept for one.
    road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap();
    road.note("door", Record::new()).await.unwrap();
    world.advance(40 * 86_400_000);
    road.note("door", Record::new()).await.unwrap();
    assert_eq!(readable(&road).await, [true; 4]);
    let before: Vec<_> =
        road.collect(0, Moment(0), 100).await.unwrap().iter().map(|leaf| leaf.entry).collect();
    let root = ledger::root_of(&before);
    Arc::try_unwrap(road).ok().unwrap().db().clone().close().await;
    std::fs::copy(&file, folder.path().join("backup.db")).unwrap();

    let road = open().await;
    assert!(road.erase(day("2027-11-30")).await.unwrap().is_empty(), "a day too early");
    let erased = road.erase(day("2027-12-01")).await.unwrap();
    assert_eq!(erased, [Erased { shelf: "door/2026-11".into(), records: 1, acts: 0 }]);
    assert!(road.erase(day("2027-12-01")).await.unwrap().is_empty(), "once");
    assert_eq!(readable(&road).await, [true, true, false, true, true], "and a note that it was erased");
    let after: Vec<_> =
        road.collect(0, Moment(0), 100).await.unwrap().iter().map(|leaf| leaf.entry).collect();
    assert_eq!(ledger::root_of(&after[..4]), root, "the ledger is what it was");
    assert_eq!(road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap(), b"1", "other acts are repeated");
    Arc::try_unwrap(road).ok().unwrap().db().clone().close().await;
    assert!(!keys.path().join("retention/door_2026-11.key").exists());

    // The backup of before, put back: its copy of the record cannot be read, and is erased at the start.
    std::fs::copy(folder.path().join("backup.db"), &file).unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("room.db{suffix}")));
    }
    let road = open().await;
    assert_eq!(readable(&road).await, [true, true, false, true, true]);
    // A clock set back does not bring the key back: nothing is recorded under it any more.
    world.advance(-40 * 86_400_000);
    assert!(road.note("door", Record::new()).await.is_err());
}
