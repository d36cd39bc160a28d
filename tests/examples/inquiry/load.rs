//! Callers that call again and again for a time, and how long each call took.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;

/// What a run measured.
#[derive(Default)]
pub struct Measured {
    /// How long each call took, s.
    pub took: Vec<f64>,
    /// Calls that did not end as they must.
    pub failed: usize,
    /// How long the run was, s.
    pub seconds: f64,
    /// CPU of the servers, s, by name.
    pub rooms: BTreeMap<String, f64>,
}

impl Measured {
    /// Calls that ended.
    pub fn done(&self) -> usize {
        self.took.len().max(1)
    }

    /// Calls a second.
    pub fn per_second(&self) -> f64 {
        self.done() as f64 / self.seconds
    }

    /// Server CPU for each call, µs.
    pub fn cpu_us(&self) -> f64 {
        self.rooms.values().sum::<f64>() * 1e6 / self.done() as f64
    }

    /// In milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        let mut all = self.took.clone();
        all.sort_by(f64::total_cmp);
        let at = (percent / 100.0 * (all.len().saturating_sub(1)) as f64).round() as usize;
        all.get(at).copied().unwrap_or(f64::NAN) * 1e3
    }
}

/// A load that can be run once.
pub trait Load {
    /// Runs it.
    fn run(self) -> impl Future<Output = Result<Measured>> + Send;
}

/// One caller: how a call is made; whether it ended as it must.
pub trait Caller: Send + 'static {
    /// Calls once.
    fn call(&mut self) -> impl Future<Output = bool> + Send;
}

/// Several callers for a time.
pub struct Callers<C> {
    /// The callers.
    pub callers: Vec<C>,
    /// For how long.
    pub within: Duration,
}

impl<C: Caller> Load for Callers<C> {
    async fn run(self) -> Result<Measured> {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for mut caller in self.callers {
            let within = self.within;
            tasks.spawn(async move {
                let (mut took, mut failed) = (Vec::new(), 0);
                while start.elapsed() < within {
                    let begun = Instant::now();
                    if caller.call().await {
                        took.push(begun.elapsed().as_secs_f64());
                    } else {
                        failed += 1;
                    }
                }
                (took, failed)
            });
        }
        let mut measured = Measured::default();
        for (took, failed) in tasks.join_all().await {
            measured.took.extend(took);
            measured.failed += failed;
        }
        measured.seconds = start.elapsed().as_secs_f64();
        Ok(measured)
    }
}
