//! Clerks of several institutions who go on asking, whatever happens around them; what each was told, and after how long.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use demo::{Expected, PlannedInquiry};
use musubi::desk;
use protocol::desk::{Ask, INQUIRIES, Told as Answer};
use rand::{RngExt, SeedableRng, rngs::ChaCha20Rng};
use serde_json::Value;
use wire::{CallError, InnerClient};
use words::{ActId, AffairId, ItemId, PartyId, Reason};
use world::{Stopwatch, World};

use crate::country::Country;

/// How long a clerk's own system waits before it gives up: longer than every deadline of the rooms, so that a room that
/// keeps it waiting is seen.
const PATIENCE: Duration = Duration::from_secs(40);

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// With this content.
    Content(Value),
    /// With a problem that says why.
    Problem(Reason),
    /// The room's own side broke off or was not there.
    Gone,
    /// Nothing came.
    Hung,
    /// With something that is neither.
    Nonsense,
}

/// One call of a clerk.
#[derive(Clone, Debug)]
pub struct Call {
    /// The act.
    pub id: ActId,
    /// Which inquiry of the plan.
    pub inquiry: usize,
    /// When it was sent, ms since 1970, and how long it took.
    pub sent: i64,
    /// How long it took, ms.
    pub took_ms: i64,
    /// Whether the same id had been sent before.
    pub again: bool,
    /// How it ended.
    pub end: End,
}

/// Everything that clerks were told.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<Call>>>);

impl Told {
    /// Notes a call.
    pub fn note(&self, call: Call) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }

    /// The calls noted from number `from` on.
    pub fn since(&self, from: usize) -> Vec<Call> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(from..).unwrap_or_default().to_vec()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A clerk's key at every institution that asks.
pub type Clerks = BTreeMap<String, Arc<InnerClient>>;

/// Opens them.
pub fn clerks(country: &Country) -> Result<Clerks> {
    let mut clerks = Clerks::new();
    for inquiry in &country.inquiries {
        let id = inquiry.inquirer.as_str();
        if !clerks.contains_key(id) {
            clerks.insert(id.to_owned(), Arc::new(desk::client(country.section(id)?, "clerk")?));
        }
    }
    Ok(clerks)
}

/// Asks once.
pub async fn ask(clerk: &InnerClient, id: ActId, inquiry: &PlannedInquiry, again: bool) -> Result<Call> {
    let ask = Ask {
        id: Some(id),
        customer: inquiry.number.clone(),
        affair: AffairId::parse(inquiry.affair)?,
        item: ItemId::parse(inquiry.item)?,
        provider: PartyId::parse(inquiry.provider.as_str())?,
    };
    let (sent, watch) = (World::real().now(), Stopwatch::start());
    let end = match clerk.post::<Answer>(INQUIRIES, &ask, PATIENCE).await {
        Ok(told) => serde_json::from_str(told.content.get()).map_or(End::Nonsense, End::Content),
        Err(CallError::Problem(problem)) => End::Problem(problem.reason),
        Err(CallError::Unreachable) => End::Gone,
        Err(CallError::TimedOut) => End::Hung,
        Err(CallError::NotOfProtocol) => End::Nonsense,
    };
    let took_ms = i64::try_from(watch.elapsed().as_millis())?;
    Ok(Call { id, inquiry: inquiry.n, sent, took_ms, again, end })
}

/// Whether an inquiry ended as it must where nothing is broken.
pub fn as_planned(inquiry: &PlannedInquiry, end: &End) -> bool {
    match (&inquiry.expected, end) {
        (Expected::Answered { content }, End::Content(got)) => got == content,
        (Expected::NotAnswered { .. }, End::Problem(reason)) => *reason == Reason::NotAnswered,
        _ => false,
    }
}

/// Clerks that ask until they are told to stop.
pub struct Askers {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Askers {
    /// `count` clerks, each at an institution drawn anew for each inquiry; a call that broke off is made again with the same
    /// id until it ends. `twice`: every inquiry is sent twice at once, and once more after.
    pub fn start(
        country: &Country,
        clerks: &Clerks,
        told: &Told,
        count: u64,
        seed: u64,
        twice: bool,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let one = |number: u64| {
            let (inquiries, clerks, told) = (country.inquiries.clone(), clerks.clone(), told.clone());
            let stop = Arc::clone(&stop);
            let mut dice = ChaCha20Rng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let drawn = inquiries.get(dice.random_range(0..inquiries.len()));
                    let clerk = drawn.and_then(|inquiry| clerks.get(inquiry.inquirer.as_str()));
                    let Some((inquiry, clerk)) = drawn.zip(clerk) else { continue };
                    let id = ActId::new(dice.random());
                    if twice {
                        let (first, second) =
                            tokio::join!(ask(clerk, id, inquiry, false), ask(clerk, id, inquiry, true));
                        told.note(first?);
                        told.note(second?);
                        told.note(ask(clerk, id, inquiry, true).await?);
                    } else {
                        through(clerk, id, inquiry, &told, &stop).await?;
                    }
                    tokio::time::sleep(Duration::from_millis(dice.random_range(10..150))).await;
                }
                Ok(())
            })
        };
        Self { tasks: (0..count).map(one).collect(), stop: Arc::clone(&stop) }
    }

    /// Stops them; every call under way has ended when this returns.
    pub async fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

/// One inquiry, made again with the same id where the connection broke, as a clerk's system does.
async fn through(
    clerk: &InnerClient,
    id: ActId,
    inquiry: &PlannedInquiry,
    told: &Told,
    stop: &AtomicBool,
) -> Result<()> {
    let mut again = false;
    loop {
        let call = ask(clerk, id, inquiry, again).await?;
        let over = !matches!(call.end, End::Gone | End::Hung | End::Problem(Reason::InProgress));
        told.note(call);
        if over || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        again = true;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}
