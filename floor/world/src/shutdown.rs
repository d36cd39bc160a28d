//! One signal for "finish what you are doing and stop".

use std::sync::Arc;

use tokio::sync::watch;

/// A shutdown signal. Clones share it; once triggered it stays so.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Shutdown {
    /// A signal of its own, not yet triggered.
    pub fn new() -> Shutdown {
        Shutdown(Arc::new(watch::Sender::new(false)))
    }

    /// Asks everyone who holds a clone to stop.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether the stop was asked for.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the stop is asked for; at once if it was.
    pub async fn wait(&self) {
        // The sender is held by `self`, so waiting cannot end by its loss.
        let _ = self.0.subscribe().wait_for(|requested| *requested).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}
