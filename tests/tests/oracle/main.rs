//! No oracle: why a provider does not answer cannot be told from how long it takes, nor from the size of what comes.
//! Inquiries of every cause, mixed, are timed at the inquirer; medians and the Mann-Whitney test say whether they differ. A
//! provider that does not wait for the time step is the positive control: the same statistics must find it.
//!
//! `MUSUBI_ORACLE_SAMPLES=2000` takes so many of each cause, for each of three seeds (`cargo xtask judge` does). Without it a few are
//! taken and no statistics made of them, which a busy machine would upset: sizes are alike, and no reply comes before the step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is tests: failing loudly is their work"
)]

#[allow(dead_code, reason = "shared with the tests of the country")]
#[path = "../country/ground.rs"]
mod ground;
mod statistics;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway::rehearsal::Member;
use ground::{Ground, town};
use protocol::desk::{SHIELDS, Shield};
use protocol::inquiry::Inquiry;
use seal::{PersonPoint, SealingKey};
use statistics::{mann_whitney, median};
use words::{PartyId, Reason};
use world::World;

/// Inquiries under way at once: two cores are not to be full, or the wait for them is all that is seen.
const AT_ONCE: usize = 6;

/// Why the provider does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    UnknownCode,
    NoRecord,
    GuardMismatch,
    Shielded,
}

impl Cause {
    const ALL: [Cause; 4] = [Self::UnknownCode, Self::NoRecord, Self::GuardMismatch, Self::Shielded];

    const fn truth(self) -> &'static str {
        match self {
            Self::UnknownCode => "unknown_code",
            Self::NoRecord => "no_record",
            Self::GuardMismatch => "guard_mismatch",
            Self::Shielded => "shielded",
        }
    }
}

/// Customers of the town, each with what is true of them at the tax agency.
struct People {
    answered: String,
    other: String,
    shielded: String,
    no_record: String,
}

impl People {
    async fn find(ground: &Ground) -> Self {
        let tax = demo::Institution::named("tax").unwrap();
        let truth = &ground.ready.truth;
        let of = |holds: bool, shielded: bool| {
            truth
                .rows
                .iter()
                .filter(|row| {
                    row.institution == town()
                        && row.certain
                        && row.expected == demo::Link::Linked
                        && !row.slips
                        && row.holds_sex
                })
                .filter_map(|row| Some((row.number.clone(), truth.linked(tax, row.resident?)?)))
                .filter(|(_, there)| {
                    there.certain
                        && !there.slips
                        && there.holds_sex
                        && there.shielded == shielded
                        && there.items.contains_key("income") == holds
                })
                .map(|(number, there)| (number, there.number.clone()))
                .collect::<Vec<_>>()
        };
        let good = of(true, false);
        let [(answered, _), (other, _), (shielded, at_tax)] =
            [0, good.len() / 2, good.len() - 1].map(|at| good[at].clone());
        // Shielded at the provider's own door.
        let section = ground.ready.stage.section("tax").unwrap();
        let clerk = musubi::desk::client(section, "clerk").unwrap();
        let shield = Shield { customer: at_tax, shielded: true };
        let _: serde_json::Value = clerk.post(SHIELDS, &shield, Duration::from_secs(10)).await.unwrap();
        let no_record = of(false, false).first().map(|(number, _)| number.clone());
        // Where everybody has an income, an item that the person does not have is asked for.
        Self { no_record: no_record.unwrap_or_else(|| answered.clone()), answered, other, shielded }
    }

    async fn inquiry(&self, member: &Member, cause: Cause) -> (Inquiry, SealingKey) {
        let tax = PartyId::parse("tax").unwrap();
        let compose =
            async |number: &str| member.compose(number, "child-allowance", "income", &tax).await.unwrap();
        let house = member.house();
        match cause {
            Cause::Shielded => compose(&self.shielded).await,
            Cause::NoRecord => compose(&self.no_record).await,
            Cause::GuardMismatch => {
                let (mut inquiry, key) = compose(&self.answered).await;
                inquiry.subject.code = compose(&self.other).await.0.subject.code;
                (inquiry, key)
            }
            Cause::UnknownCode => {
                let (mut inquiry, key) = compose(&self.answered).await;
                let code =
                    PersonPoint::nobody(&house.dice).encrypt(&house.country.global.public, &house.dice);
                inquiry.subject.code = code;
                (inquiry, key)
            }
        }
    }
}

/// What was seen of one inquiry.
struct Sample {
    cause: Cause,
    ms: f64,
    sizes: (usize, usize),
}

/// The tax agency's own system takes some milliseconds to find somebody, as real ones do: what the step has to hide.
fn slow_own_system(ground: &Ground) {
    let file = ground.folder.path().join("sources/tax/zeimu.db");
    let sql = "ALTER TABLE taxpayers RENAME TO taxpayer_rows;
        CREATE VIEW taxpayers AS SELECT * FROM taxpayer_rows WHERE
            (WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 60000)
             SELECT COUNT(*) FROM count) > 0;";
    rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

/// A small generator, so that the order follows from the seed alone.
fn shuffle<T>(all: &mut [T], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for at in (1..all.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all.swap(at, usize::try_from(state % (at as u64 + 1)).unwrap());
    }
}

async fn measure(member: &Arc<Member>, people: &Arc<People>, each: usize, seed: u64) -> Vec<Sample> {
    // In blocks, so that whatever the machine does meanwhile meets every cause alike.
    let mut order = Vec::new();
    for block in 0..each {
        let mut causes = Cause::ALL.to_vec();
        shuffle(&mut causes, seed.wrapping_mul(1_000_003).wrapping_add(block as u64 + 1));
        order.extend(causes);
    }
    let queue = Arc::new(Mutex::new(order));
    let mut workers = Vec::new();
    for _ in 0..AT_ONCE {
        let (member, people, queue) = (Arc::clone(member), Arc::clone(people), Arc::clone(&queue));
        workers.push(tokio::spawn(async move {
            let mut samples = Vec::new();
            loop {
                let Some(cause) = queue.lock().unwrap().pop() else { return samples };
                let (inquiry, key) = people.inquiry(&member, cause).await;
                let jws = member.sign(&inquiry);
                let start = Instant::now();
                let reply = member.send(&jws).await.unwrap();
                let ms = start.elapsed().as_secs_f64() * 1_000.0;
                assert_eq!(member.open_reply(&inquiry, &jws, &key, &reply), Err(Reason::NotAnswered));
                let sizes = (reply.sealed.0.len(), reply.statement.as_str().len());
                samples.push(Sample { cause, ms, sizes });
            }
        }));
    }
    let mut samples = Vec::new();
    for worker in workers {
        samples.extend(worker.await.unwrap());
    }
    samples
}

/// The first step at which a reply may leave, less what two clocks of one machine may differ.
const STEP_MS: f64 = 248.0;

fn soonest(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.ms).fold(f64::MAX, f64::min)
}

/// How far the medians are apart, as a share of the least, and the least p of any two causes, corrected for their number.
fn judge(samples: &[Sample]) -> (f64, f64) {
    let mut by_cause: BTreeMap<Cause, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        by_cause.entry(sample.cause).or_default().push(sample.ms);
    }
    let medians: Vec<f64> = by_cause.values().map(|times| median(times)).collect();
    let (least, most) =
        (medians.iter().copied().fold(f64::MAX, f64::min), medians.iter().copied().fold(0.0, f64::max));
    let all: Vec<_> = by_cause.iter().collect();
    let mut least_p: f64 = 1.0;
    let mut pairs = 0;
    for (at, (_, one)) in all.iter().enumerate() {
        for (_, other) in all.iter().skip(at + 1) {
            pairs += 1;
            least_p = least_p.min(mann_whitney(one, other));
        }
    }
    for (cause, times) in &by_cause {
        println!("    {:<14} n {} median {:.3} ms", cause.truth(), times.len(), median(times));
    }
    ((most - least) / least, (least_p * f64::from(pairs)).min(1.0))
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_provider_does_not_answer_is_seen_neither_in_time_nor_in_size() {
    let long: Option<usize> =
        std::env::var("MUSUBI_ORACLE_SAMPLES").ok().map(|text| text.parse().expect("a number of samples"));
    let (each, seeds) = (long.unwrap_or(12), if long.is_some() { 3 } else { 1 });
    let mut ground = Ground::new(300).await;
    slow_own_system(&ground);
    let people = Arc::new(People::find(&ground).await);
    let member = Arc::new(ground.member("town").await);

    // Each cause is that cause, in the provider's own record.
    for cause in Cause::ALL {
        let (inquiry, _) = people.inquiry(&member, cause).await;
        member.send(&member.sign(&inquiry)).await.unwrap();
        let leaves = ground.house("tax").road.leaves(Some(inquiry.id)).await.unwrap();
        let truths: Vec<_> = leaves
            .iter()
            .filter_map(|leaf| Some(leaf.record.field("reason")?.as_str()?.to_owned()))
            .collect();
        assert!(
            truths.contains(&cause.truth().to_owned()),
            "{cause:?}: the provider's record says {truths:?}"
        );
    }

    for seed in 1..=seeds {
        let samples = measure(&member, &people, each, seed).await;
        let sizes = samples[0].sizes;
        assert!(samples.iter().all(|sample| sample.sizes == sizes), "replies differ in size");
        let (apart, p) = judge(&samples);
        println!("  seed {seed}: medians apart {:.3} %, least p (corrected) {p:.4}", apart * 100.0);
        assert!(soonest(&samples) > STEP_MS, "a reply came before the step: {} ms", soonest(&samples));
        assert!(long.is_none() || apart < 0.02, "the medians are {apart} apart");
        assert!(long.is_none() || p > 0.01, "two causes take different times: p = {p}");
    }

    // The positive control: the same provider, answering when it is ready.
    ground.ready.stage.stop_room("tax").await.unwrap();
    ground.ready.stage.start_room_in("tax", World::sleepless()).await.unwrap();
    let samples = measure(&member, &people, each.min(1_000), 9).await;
    let (apart, p) = judge(&samples);
    println!("  without the time step: medians apart {:.1} %, least p (corrected) {p:.2e}", apart * 100.0);
    assert!(soonest(&samples) < STEP_MS, "the provider waits all the same");
    assert!(long.is_none() || p < 1e-3, "the statistics do not find a provider that does not wait");
    Arc::into_inner(member).unwrap().close().await;
}
