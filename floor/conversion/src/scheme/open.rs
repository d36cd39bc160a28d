//! The two bodies under schemes 1 to 5: a core that opens every code, and one that decides, records and passes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use house::{BoxFuture, House};
use seal::{Dice, EncryptedCode, GlobalKeys, LinkCode, OpenCode, SessionSecret, TranscryptorSecrets};
use words::{Domain, Reason, Scheme, SessionName};

use super::{End, LinkCodeScheme, OpenScheme, Passage, StorageStats};

/// The core: both halves of every session key in one hand.
pub struct OpenCore {
    halves: [Arc<TranscryptorSecrets>; 2],
    global: GlobalKeys,
    dice: Dice,
    scheme: Arc<dyn OpenScheme>,
    sessions: Mutex<HashMap<SessionName, Arc<SessionSecret>>>,
}

/// Above this many sessions those in memory are dropped.
const MOST_HELD: usize = 10_000;

impl OpenCore {
    /// A core with both bodies' secrets.
    pub fn new(
        halves: [Arc<TranscryptorSecrets>; 2],
        global: GlobalKeys,
        dice: Dice,
        scheme: Arc<dyn OpenScheme>,
    ) -> Self {
        Self { halves, global, dice, scheme, sessions: Mutex::default() }
    }

    /// The secret of anybody's session.
    fn secret(&self, of: &End) -> Result<Arc<SessionSecret>, Reason> {
        if let Some(held) = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&of.session) {
            return Ok(Arc::clone(held));
        }
        let shares = self.halves.iter().map(|half| half.share(&of.session)).collect::<Result<Vec<_>, _>>();
        let secret = shares.and_then(|shares| SessionSecret::assemble(&self.global, &shares, &of.key));
        let secret = Arc::new(secret.map_err(|error| {
            tracing::error!(%error, "the halves of this core do not make the session's key");
            Reason::Internal
        })?);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST_HELD {
            sessions.clear();
        }
        sessions.insert(of.session.clone(), Arc::clone(&secret));
        Ok(secret)
    }

    async fn opened(&self, from: &End, codes: Vec<EncryptedCode>) -> Result<Vec<LinkCode>, Reason> {
        let secret = self.secret(from)?;
        let open = move || codes.iter().map(|code| secret.decrypt(code)).collect::<Result<_, _>>();
        House::compute(open).await?.map_err(|_| Reason::Malformed)
    }

    async fn sealed(&self, to: &End, codes: Vec<OpenCode>) -> Result<Vec<EncryptedCode>, Reason> {
        let (key, dice) = (to.key, self.dice.clone());
        let seal = move || {
            let one = |code: &OpenCode| Ok(code.to_link_code()?.encrypt(&key, &dice));
            codes.iter().map(one).collect::<Result<_, seal::SealError>>()
        };
        House::compute(seal).await?.map_err(|_| Reason::Internal)
    }
}

impl LinkCodeScheme for OpenCore {
    fn scheme(&self) -> Scheme {
        self.scheme.scheme()
    }

    fn issue(
        &self,
        passage: Passage,
        people: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>> {
        Box::pin(async move {
            let people = self.opened(&passage.from, people).await?;
            let codes = self.scheme.issue(people, passage.to.domain.clone()).await?;
            self.sealed(&passage.to, codes).await
        })
    }

    fn convert(
        &self,
        passage: Passage,
        codes: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>> {
        Box::pin(async move {
            let opened = self.opened(&passage.from, codes).await?;
            let codes = opened.iter().map(OpenCode::from_link_code).collect::<Result<Vec<_>, _>>();
            let codes = codes.map_err(|_| Reason::UnknownCode)?;
            let (from, to) = (passage.from.domain.clone(), passage.to.domain.clone());
            let converted = self.scheme.convert(codes, from, to).await?;
            self.sealed(&passage.to, converted).await
        })
    }

    fn retire(&self, ended: Domain) -> BoxFuture<'_, Result<(), Reason>> {
        Box::pin(async move { Ok(self.scheme.retire(ended).await?) })
    }

    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, Reason>> {
        Box::pin(async move { Ok(self.scheme.storage_stats().await?) })
    }
}

/// The second body where one operator converts: what it takes in it gives out.
pub struct PassOn(pub Scheme);

impl LinkCodeScheme for PassOn {
    fn scheme(&self) -> Scheme {
        self.0
    }

    fn issue(
        &self,
        _passage: Passage,
        people: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>> {
        Box::pin(async move { Ok(people) })
    }

    fn convert(
        &self,
        _passage: Passage,
        codes: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>> {
        Box::pin(async move { Ok(codes) })
    }

    fn retire(&self, _ended: Domain) -> BoxFuture<'_, Result<(), Reason>> {
        Box::pin(async { Ok(()) })
    }

    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, Reason>> {
        Box::pin(async { Ok(StorageStats::default()) })
    }
}
