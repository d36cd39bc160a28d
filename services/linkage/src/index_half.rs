//! Linkage's half of index entries: towards the portal, whether or not the portal is there.

use std::sync::Arc;

use conversion::{Asked, Converted, KnownSession, Source};
use protocol::index::{HalfIndex, IndexHop, hash_of};
use protocol::proof::Target;
use seal::EncryptedCode;
use wire::Problem;
use words::{ActId, Moment, Reason};

use crate::Linkage;

/// The portal's session is renewed when less than this is left of it, ms: well before its end, so that the trustee
/// may be away for hours and entries still have where to go.
const RENEW_MS: i64 = 12 * 3_600_000;

impl Linkage {
    /// Half-converted codes for the portal, signed, and what is kept of them to be shown. Row `i` of a batch is entered under `id ‖ i`.
    pub(crate) async fn half_index(
        &self,
        source: &Source,
        id: ActId,
        codes: Vec<EncryptedCode>,
        batch: bool,
    ) -> Result<(HalfIndex, Converted), Reason> {
        let (house, service) = (&self.house, &self.conversions);
        let portal = self.portal_session(house.now()).await?;
        let taken = hash_of(&codes);
        let asked = Asked { id, target: Target::Index, batch, codes };
        let kept = service.convert(source, &portal, asked).await?;
        let codes = kept.outputs.clone();
        let hop = IndexHop {
            id,
            batch,
            to_epoch: portal.epoch,
            to_session: portal.name.clone(),
            taken,
            given: hash_of(&codes),
        };
        let half = HalfIndex {
            hop: house.sign(&hop),
            from_session: source.session.name.clone(),
            from_epoch: source.epoch,
            codes,
        };
        Ok((half, kept))
    }

    /// The session index entries are converted to. Where the portal has none, the transcryptors open one in its
    /// name, and the portal fetches its shares when it is back; where the trustee is away too, the last one
    /// serves, ended or not. An act never goes without its entry because the portal is not there.
    pub(crate) async fn portal_session(&self, now: Moment) -> Result<Arc<KnownSession>, Reason> {
        let portal = self.house.only("portal")?.id;
        if let Some(session) = self.conversions.current(&portal, now) {
            return Ok(session);
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(session) = self.conversions.current(&portal, now) {
            return Ok(session);
        }
        match self.open(&portal, now).await {
            Ok(session) => Ok(session),
            Err(problem) => self.conversions.newest(&portal).await?.ok_or(problem.reason),
        }
    }

    /// Renews the portal's session in time. To be called now and then.
    pub(crate) async fn renew_portal_session(&self) -> Result<(), Problem> {
        let (portal, now) = (self.house.only("portal")?.id, self.house.now());
        let _one_at_a_time = self.opening.lock().await;
        let fresh = |session: Arc<KnownSession>| session.ends_at.since_ms(now) > RENEW_MS;
        if !self.conversions.current(&portal, now).is_some_and(fresh) {
            self.open(&portal, now).await?;
        }
        Ok(())
    }
}
