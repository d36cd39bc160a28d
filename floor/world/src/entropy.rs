//! Sources of randomness: the operating system, and a seeded stream for tests.

use std::sync::{Mutex, PoisonError};

use rand::{Rng, SeedableRng, rngs::ChaCha20Rng};

pub(crate) trait Entropy: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

pub(crate) struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            eprintln!("no entropy from the operating system: {error}");
            std::process::abort();
        }
    }
}

pub(crate) struct SeededEntropy(Mutex<ChaCha20Rng>);

impl SeededEntropy {
    pub(crate) fn from_seed(seed: u64) -> Self {
        SeededEntropy(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}
