//! Steps, named and timed; after the first failure the rest are left out.

use std::{process::ExitCode, time::Instant};

#[derive(Default)]
pub(crate) struct Steps {
    passed: u64,
    failed: u64,
    stopped: bool,
}

impl Steps {
    /// Runs one step unless an earlier one failed. Counts as one.
    pub(crate) fn step<T>(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> Option<T> {
        self.timed(name, || work().map(|value| (value, 1, 0)))
    }

    /// Runs a step that counts its own parts: passed, failed.
    pub(crate) fn tests(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<(u64, u64)>) {
        self.timed(name, || work().map(|(passed, failed)| ((), passed, failed)));
    }

    fn timed<T>(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<(T, u64, u64)>) -> Option<T> {
        if self.stopped {
            return None;
        }
        println!("== {name}");
        let start = Instant::now();
        let outcome = work();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok((value, passed, failed)) => {
                self.passed += passed;
                self.failed += failed;
                self.stopped = failed > 0;
                println!("== {name}: {} ({seconds:.1} s)", if failed > 0 { "FAILED" } else { "ok" });
                (failed == 0).then_some(value)
            }
            Err(error) => {
                self.failed += 1;
                self.stopped = true;
                println!("== {name}: FAILED ({seconds:.1} s): {error:#}");
                None
            }
        }
    }

    /// An earlier step failed: nothing more is done.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The last line, and how the process ends.
    pub(crate) fn finish(self) -> ExitCode {
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_the_rest() {
        let mut steps = Steps::default();
        assert_eq!(steps.step("good", || Ok(7)), Some(7));
        steps.tests("three and one", || Ok((3, 1)));
        assert_eq!(steps.step("left out", || Ok(())), None);
        assert_eq!((steps.passed, steps.failed, steps.is_stopped()), (4, 1, true));
    }
}
