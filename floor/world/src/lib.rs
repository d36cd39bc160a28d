//! The world a room lives in: what time it is, where randomness comes from, and when to stop.
//!
//! This is the only crate that asks the real clock and the real source of entropy (`cargo xtask tidy` checks it).
//! Everything else is given a [`World`], so that a test can give it another one: a clock that stands still until it
//! is moved, and entropy that follows from a seed.

mod clock;
mod entropy;
mod shutdown;

use std::{sync::Arc, time::Duration};

pub use clock::{CpuStopwatch, Stopwatch};
pub use shutdown::Shutdown;

use clock::{Clock, RealClock, SimulatedClock, SleeplessClock};
use entropy::{Entropy, RealEntropy, SeededEntropy};

/// A future in a box: what is inside is compiled where the box is made, and not where it is awaited.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Clock, entropy and shutdown of one process or one test. Cheap to clone; clones share all three.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Asks everything that runs in this world to finish.
    pub shutdown: Shutdown,
}

impl World {
    /// The machine's clock and the operating system's entropy. Sleeping needs a running tokio runtime.
    pub fn real() -> World {
        World::real_off_by(0)
    }

    /// The same with a clock that is wrong by `off_ms` milliseconds (ahead if positive): for rehearsing what a wrong clock
    /// leads to.
    pub fn real_off_by(off_ms: i64) -> World {
        World {
            clock: Arc::new(RealClock { off_ms }),
            entropy: Arc::new(RealEntropy),
            shutdown: Shutdown::new(),
        }
    }

    /// The real world, but sleeping on its clock for up to ten seconds ends at once: what should leave at a time step leaves
    /// when it is ready. For a test that must see what the step hides.
    pub fn sleepless() -> World {
        World { clock: Arc::new(SleeplessClock), ..World::real() }
    }

    /// A world for tests: the clock starts at `start_ms` (Unix milliseconds) and moves only by [`World::advance`];
    /// entropy follows from `seed`. Never for secrets that matter.
    pub fn simulated(seed: u64, start_ms: i64) -> World {
        World {
            clock: Arc::new(SimulatedClock::starting_at(start_ms)),
            entropy: Arc::new(SeededEntropy::from_seed(seed)),
            shutdown: Shutdown::new(),
        }
    }

    /// Unix time in milliseconds.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Moves a simulated clock forward by `ms` (backward if negative) and wakes who slept until then. The real clock
    /// cannot be moved: there the call does nothing.
    pub fn advance(&self, ms: i64) {
        self.clock.advance(ms);
    }

    /// Waits until the clock shows `at_ms` (Unix milliseconds) or later.
    pub async fn sleep_until(&self, at_ms: i64) {
        self.clock.sleep_until(at_ms).await;
    }

    /// Waits for `time` on this world's clock. Durations under a millisecond are rounded up.
    pub async fn sleep(&self, time: Duration) {
        let ms = i64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i64::MAX);
        self.sleep_until(self.now().saturating_add(ms)).await;
    }

    /// Fills `bytes` with fresh entropy. The process ends if the operating system has none to give: nothing here is
    /// safe without, and a caught panic would let it go on.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// `N` fresh random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now_ms", &self.now()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_worlds_with_one_seed_give_the_same_bytes() {
        let (a, b, c) = (World::simulated(7, 0), World::simulated(7, 0), World::simulated(8, 0));
        let first: [u8; 32] = a.random();
        assert_eq!(first, b.random());
        assert_ne!(first, c.random());
        assert_ne!(first, a.random(), "a world never repeats itself");
    }

    #[test]
    fn real_entropy_differs_from_call_to_call() {
        let world = World::real();
        assert_ne!(world.random::<32>(), world.random::<32>());
    }

    #[test]
    fn real_clock_is_after_2024_and_cannot_be_moved() {
        let world = World::real();
        let before = world.now();
        assert!(before > 1_704_067_200_000);
        world.advance(86_400_000);
        assert!(world.now() - before < 3_600_000);
    }

    #[test]
    fn a_wrong_clock_is_wrong_by_what_was_said() {
        let (right, wrong) = (World::real(), World::real_off_by(-300_000));
        let behind = right.now() - wrong.now();
        assert!((295_000..=300_000).contains(&behind), "{behind}");
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_simulated_clock_reaches_them() {
        let world = World::simulated(1, 1_000);
        let sleeper = tokio::spawn({
            let world = world.clone();
            async move {
                world.sleep(Duration::from_millis(500)).await;
                world.now()
            }
        });
        tokio::task::yield_now().await;
        world.advance(499);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        world.advance(1);
        assert_eq!(sleeper.await.unwrap(), 1_500);
    }

    #[tokio::test]
    async fn a_real_sleep_ends_not_before_its_time() {
        let world = World::real();
        let until = world.now() + 20;
        world.sleep_until(until).await;
        assert!(world.now() >= until);
        world.sleep_until(0).await;
    }

    #[tokio::test]
    async fn a_sleepless_world_skips_a_moment_and_lets_others_go_on() {
        let world = World::sleepless();
        let began = world.now();
        world.sleep_until(began + 9_000).await;
        assert!(world.now() < began + 8_000, "a moment is skipped");
        // On this one thread, a job that looks every minute and one that only ever skips moments: both let go of it.
        let jobs = [Duration::from_secs(60), Duration::from_secs(1)].map(|pause| {
            let world = world.clone();
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        () = world.sleep(pause) => {}
                        () = world.shutdown.wait() => return,
                    }
                }
            })
        });
        tokio::task::yield_now().await;
        world.shutdown.trigger();
        for job in jobs {
            job.await.unwrap();
        }
    }

    #[tokio::test]
    async fn shutdown_reaches_every_clone_and_those_who_ask_late() {
        let world = World::simulated(1, 0);
        let waiter = tokio::spawn({
            let world = world.clone();
            async move { world.shutdown.wait().await }
        });
        tokio::task::yield_now().await;
        assert!(!world.shutdown.requested());
        assert!(!waiter.is_finished());
        world.clone().shutdown.trigger();
        waiter.await.unwrap();
        assert!(world.shutdown.requested());
        world.shutdown.wait().await;
    }
}
