//! Scheme 6: blind conversion, one body's half of it.

use std::sync::Arc;

use house::{BoxFuture, House};
use seal::{Conversion, EncryptedCode, Position, TranscryptorSecrets};
use words::{Domain, Reason, Scheme};

use super::{LinkCodeScheme, Passage, StorageStats};
use crate::Place;

/// The driver of one half.
pub struct Blind {
    secrets: Arc<TranscryptorSecrets>,
    place: Place,
}

impl Blind {
    /// The half of whoever holds these secrets, at that place of the route.
    pub const fn new(secrets: Arc<TranscryptorSecrets>, place: Place) -> Self {
        Self { secrets, place }
    }

    /// Rows that go at once: fewer are not worth a second thread.
    const ALONE: usize = 64;

    async fn half(&self, passage: Passage, codes: Vec<EncryptedCode>) -> Result<Vec<EncryptedCode>, Reason> {
        let conversion = Conversion {
            from_domain: passage.from.domain,
            from_session: passage.from.session,
            to_domain: passage.to.domain,
            to_session: passage.to.session,
        };
        let position = match self.place {
            Place::First => Position::First(passage.from.key),
            Place::Last => Position::Last(passage.to.key),
        };
        let (secrets, id, batch) = (Arc::clone(&self.secrets), passage.id, passage.batch);
        let work = move || {
            let convert = |first: usize, codes: &[EncryptedCode]| {
                let row = |place: usize| id.row(u32::try_from(first + place).unwrap_or(u32::MAX));
                let rows = codes.iter().enumerate();
                let rows = rows.map(|(place, code)| (if batch { row(place) } else { id }, code));
                secrets.convert_all(&conversion, position, rows)
            };
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let share = codes.len().div_ceil(cores).max(Self::ALONE);
            if codes.len() <= share {
                return convert(0, &codes);
            }
            // Rows of a batch do not depend on one another: each core takes as many, and they stay in order.
            let convert = &convert;
            std::thread::scope(|scope| {
                let parts: Vec<_> = codes
                    .chunks(share)
                    .enumerate()
                    .map(|(part, rows)| scope.spawn(move || convert(part * share, rows)))
                    .collect();
                parts
                    .into_iter()
                    .map(|part| part.join().unwrap_or(Err(seal::SealError::BadPoint)))
                    .collect::<Result<Vec<_>, _>>()
                    .map(|parts| parts.concat())
            })
        };
        // One code is done sooner than another thread would be woken for it.
        let done = if batch { House::compute(work).await? } else { work() };
        done.map_err(|_| Reason::Malformed)
    }
}

impl LinkCodeScheme for Blind {
    fn scheme(&self) -> Scheme {
        Scheme::Blind
    }

    fn issue(
        &self,
        passage: Passage,
        people: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>> {
        Box::pin(self.half(passage, people))
    }

    fn convert(
        &self,
        passage: Passage,
        codes: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>> {
        Box::pin(self.half(passage, codes))
    }

    fn retire(&self, _ended: Domain) -> BoxFuture<'_, Result<(), Reason>> {
        // Factors are derived from the epoch's name: nothing of it is kept.
        Box::pin(async { Ok(()) })
    }

    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, Reason>> {
        Box::pin(async { Ok(StorageStats { key_bytes: 128, ..StorageStats::default() }) })
    }
}
