//! The road on both databases: its steps, the end of records, and a ledger that nobody sees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod erasure;
mod steps;
mod unwitnessed;

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
