//! Connections for looks that run on their caller's own thread.

use std::sync::{Mutex, PoisonError};

use crate::{Location, StoreError, connection::Connection};

/// Connections kept while nobody looks. More are in use only while more threads look at the same moment.
const KEPT: usize = 4;

/// Those nobody uses now; `None` once the store is closed.
pub(crate) struct InPlace {
    location: Location,
    idle: Mutex<Option<Vec<Connection>>>,
}

impl InPlace {
    pub(crate) fn new(location: &Location) -> InPlace {
        InPlace { location: location.clone(), idle: Mutex::new(Some(Vec::new())) }
    }

    /// A connection for one look; made now if none is idle.
    pub(crate) fn take(&self) -> Result<Connection, StoreError> {
        let idle = match self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(idle) => idle.pop(),
            None => return Err(StoreError::Closed),
        };
        idle.map_or_else(|| Connection::reader(&self.location), Ok)
    }

    /// Gives a connection back.
    pub(crate) fn put(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(idle) = idle.as_mut().filter(|idle| idle.len() < KEPT) {
            idle.push(connection);
        }
    }

    /// Lets no more look.
    pub(crate) fn close(&self) {
        drop(self.idle.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
