//! Scheme 2: an institution's code is the person's internal code, encrypted under the institution's key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use house::{BoxFuture, House};
use seal::{CoreKey, LinkCode, OpenCode, ReversibleKey};
use words::{Domain, Scheme};

use super::{OpenError, OpenScheme, StorageStats};

/// The driver: one key; those of institutions are derived from it and kept in memory.
pub struct Reversible {
    inner: Arc<Keys>,
}

struct Keys {
    core: Arc<CoreKey>,
    held: Mutex<HashMap<Domain, Arc<Mutex<ReversibleKey>>>>,
}

/// Above this many domains the keys in memory are dropped.
const MOST_HELD: usize = 10_000;

impl Keys {
    fn key(&self, domain: &Domain) -> Arc<Mutex<ReversibleKey>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = held.get(domain) {
            return Arc::clone(key);
        }
        if held.len() >= MOST_HELD {
            held.clear();
        }
        let key = Arc::new(Mutex::new(self.core.reversible(domain)));
        held.insert(domain.clone(), Arc::clone(&key));
        key
    }
}

impl Reversible {
    /// The scheme under a core's key.
    pub fn new(core: Arc<CoreKey>) -> Self {
        Self { inner: Arc::new(Keys { core, held: Mutex::default() }) }
    }

    /// Converts where it stands: no more than some hundred nanoseconds a code.
    pub fn convert_now(
        &self,
        codes: &[OpenCode],
        from: &Domain,
        to: &Domain,
    ) -> Result<Vec<OpenCode>, OpenError> {
        let (from_key, to_key) = (self.inner.key(from), self.inner.key(to));
        if from == to {
            // One key cannot be borrowed twice.
            let mut again = self.inner.core.reversible(to);
            let mut key = from_key.lock().unwrap_or_else(PoisonError::into_inner);
            return codes.iter().map(|code| Ok(key.convert(code, &mut again)?)).collect();
        }
        // Locked in the order of their names, whichever way is converted: two conversions never wait for each other.
        let (first, second) = if from < to { (&from_key, &to_key) } else { (&to_key, &from_key) };
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        let mut second = second.lock().unwrap_or_else(PoisonError::into_inner);
        let (from_key, to_key) =
            if from < to { (&mut *first, &mut *second) } else { (&mut *second, &mut *first) };
        codes.iter().map(|code| Ok(from_key.convert(code, to_key)?)).collect()
    }
}

impl OpenScheme for Reversible {
    fn scheme(&self) -> Scheme {
        Scheme::Reversible
    }

    fn issue(&self, people: Vec<LinkCode>, to: Domain) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>> {
        let keys = Arc::clone(&self.inner);
        Box::pin(async move {
            let issued = House::compute(move || {
                let key = keys.key(&to);
                let mut key = key.lock().unwrap_or_else(PoisonError::into_inner);
                people.iter().map(|person| Ok(keys.core.issue(person, &mut key)?)).collect()
            });
            issued.await.map_err(|_| OpenError::Store(store::StoreError::Closed))?
        })
    }

    fn convert(
        &self,
        codes: Vec<OpenCode>,
        from: Domain,
        to: Domain,
    ) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>> {
        Box::pin(async move { self.convert_now(&codes, &from, &to) })
    }

    fn retire(&self, ended: Domain) -> BoxFuture<'_, Result<(), OpenError>> {
        self.inner.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&ended);
        Box::pin(async { Ok(()) })
    }

    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, OpenError>> {
        Box::pin(async { Ok(StorageStats { key_bytes: 32, ..StorageStats::default() }) })
    }
}
