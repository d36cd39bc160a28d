//! Clocks: the machine's, and one for tests that stands still.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> i64;
    fn advance(&self, ms: i64);
    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clock, shown `off_ms` later than it is.
pub(crate) struct RealClock {
    pub(crate) off_ms: i64,
}

/// Longest sleep without looking at the clock again: a clock that was set forward meanwhile is noticed.
const NAP_MS: i64 = 60_000;

impl Clock for RealClock {
    fn now(&self) -> i64 {
        // A clock before 1970 is a broken clock; it is shown as 1970, and everything dated then is refused as expired.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(self.off_ms)
    }

    fn advance(&self, _ms: i64) {}

    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let left = at_ms.saturating_sub(self.now());
                if left <= 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left.min(NAP_MS).unsigned_abs())).await;
            }
        })
    }
}

/// Longer than any time step of a reply, shorter than what jobs in the background wait, ms.
const LONGEST_STEP_MS: i64 = 10_000;

/// The machine's clock, on which nobody sleeps for a moment.
pub(crate) struct SleeplessClock;

impl Clock for SleeplessClock {
    fn now(&self) -> i64 {
        RealClock { off_ms: 0 }.now()
    }

    fn advance(&self, _ms: i64) {}

    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let real = RealClock { off_ms: 0 };
        Box::pin(async move {
            // A job that looks every minute would look without end, and a task that never waits is never stopped either.
            match at_ms.saturating_sub(real.now()) > LONGEST_STEP_MS {
                true => real.sleep_until(at_ms).await,
                false => tokio::task::yield_now().await,
            }
        })
    }
}

pub(crate) struct SimulatedClock {
    now: watch::Sender<i64>,
}

impl SimulatedClock {
    pub(crate) fn starting_at(start_ms: i64) -> Self {
        SimulatedClock { now: watch::Sender::new(start_ms) }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> i64 {
        *self.now.borrow()
    }

    fn advance(&self, ms: i64) {
        self.now.send_modify(|now| *now = now.saturating_add(ms));
    }

    fn sleep_until(&self, at_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut watched = self.now.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so waiting ends only by the clock reaching the time.
            let _ = watched.wait_for(|now| *now >= at_ms).await;
        })
    }
}

/// Measures how long something took, for figures and reports only. Runs on the real monotonic clock in every world:
/// nothing may be decided by it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Whole microseconds since the start.
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
/// Measures how much time all threads of this process spent computing, for figures and reports only.
#[derive(Debug, Clone, Copy)]
pub struct CpuStopwatch(Duration);

impl CpuStopwatch {
    /// Starts now.
    pub fn start() -> CpuStopwatch {
        CpuStopwatch(spent())
    }

    /// Time spent computing since the start, user and system.
    pub fn elapsed(&self) -> Duration {
        spent().saturating_sub(self.0)
    }
}

fn spent() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}
