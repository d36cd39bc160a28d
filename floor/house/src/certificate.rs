//! The party's own TLS certificate: enrolled once, renewed by itself from then on. A new key each time, ordered at the authority
//! over the certificate before, shown only when every neighbour has had the time to hear of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::directory::{CERTIFICATES, OrderPartyCertificate, PartyCertificate};
use seal::KeyFolder;
use seal::x509::{Certificate, CertificationRequest, IssuerKey, KeyKind, PublicKeyInfo};
use serde::{Deserialize, Serialize};
use wire::TlsIdentity;
use words::{ActId, B64, Moment, Reason};
use world::World;
use zeroize::{Zeroize, Zeroizing};

use crate::House;

/// The file in the room's folder.
const FILE: &str = "tls-current.json";
/// How often the job looks.
const LOOK: Duration = Duration::from_secs(60);
/// A new one is ordered this long before the end: a third of its day.
const AHEAD_MS: i64 = 8 * 3_600_000;
/// How long the authority may take.
const WITHIN: Duration = Duration::from_secs(15);

/// A key that is to be certified.
pub struct NewKey(Zeroizing<Vec<u8>>, PublicKeyInfo, B64);

impl NewKey {
    /// A fresh one (ECDSA P-256).
    ///
    /// # Errors
    /// If none could be made.
    pub fn generate() -> Result<Self, Reason> {
        let pkcs8 = IssuerKey::generate(KeyKind::P256).map_err(|_| Reason::Internal)?;
        let key = IssuerKey::from_pkcs8(&pkcs8).map_err(|_| Reason::Internal)?;
        let request = CertificationRequest::of(&key).map_err(|_| Reason::Internal)?;
        Ok(Self(pkcs8, key.public().clone(), request.into()))
    }

    /// The request for its certificate, PKCS#10, DER.
    pub const fn request(&self) -> &B64 {
        &self.2
    }

    /// With the certificate that was given.
    ///
    /// # Errors
    /// If it is not for this key.
    pub fn with(self, given: PartyCertificate) -> Result<KeptCertificate, Reason> {
        let PartyCertificate { chain, not_after } = given;
        let own = chain.first().and_then(|der| Certificate::parse(&der.0).ok()).ok_or(Reason::BadReply)?;
        if own.key() != &self.1 {
            return Err(Reason::BadReply);
        }
        Ok(KeptCertificate { key: B64::from(self.0.as_slice()), chain, not_after })
    }
}

/// Key and short-lived certificate as they are kept in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCertificate {
    /// PKCS#8.
    key: B64,
    /// DER.
    chain: Vec<B64>,
    not_after: Moment,
}

impl Drop for KeptCertificate {
    fn drop(&mut self) {
        self.key.0.zeroize();
    }
}

impl KeptCertificate {
    /// Reads the file of that name, if there is one and its certificate still holds.
    pub fn read(keys: &KeyFolder, file: &str, now: Moment) -> Option<Self> {
        let kept = keys.read(file).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        kept.filter(|kept| kept.not_after > now)
    }

    /// Writes it.
    ///
    /// # Errors
    /// If the folder does not take it.
    pub fn write(&self, keys: &KeyFolder, file: &str) -> Result<(), Reason> {
        let text = Zeroizing::new(serde_json::to_vec(self).map_err(|_| Reason::Internal)?);
        keys.write(file, &text).map_err(|error| {
            tracing::error!(%error, "the new certificate could not be kept");
            Reason::CannotRecord
        })
    }

    /// Shows it.
    ///
    /// # Errors
    /// As `show`.
    pub fn show<T, E>(&self, show: impl FnOnce(&[&[u8]], &[u8]) -> Result<T, E>) -> Result<T, E> {
        let chain: Vec<&[u8]> = self.chain.iter().map(|der| der.0.as_slice()).collect();
        show(&chain, &self.key.0)
    }

    /// Whether it is time for another: two thirds of its day are over.
    pub fn is_late(&self, now: Moment) -> bool {
        is_late(self.not_after, now)
    }

    /// SHA-256 of the certificate.
    fn fingerprint(&self) -> Option<B64> {
        self.chain.first().map(|der| B64::from(seal::sha256(&der.0)))
    }
}

const fn is_late(ends: Moment, now: Moment) -> bool {
    ends.since_ms(now) < AHEAD_MS
}

/// Shows the short-lived certificate that is kept, if it still holds; gives until when it does, 0 if there is none.
pub(crate) fn take_kept(keys: &KeyFolder, identity: &TlsIdentity, world: &World) -> i64 {
    let kept = KeptCertificate::read(keys, FILE, Moment(world.now()));
    let shown = kept.filter(|kept| kept.show(|chain, key| identity.replace(chain, key)).is_ok());
    shown.map_or(0, |kept| kept.not_after.0)
}

impl House {
    /// Until when the short-lived certificate holds that this room shows; `None` while it shows that of its enrolment.
    pub fn certificate_ends(&self) -> Option<Moment> {
        let ends = self.certificate_ends.load(Ordering::Relaxed);
        (ends != 0).then_some(Moment(ends))
    }

    /// Orders, checks and shows a new certificate.
    ///
    /// # Errors
    /// If the authority does not give one, or not what was asked for; the present one stays then.
    pub async fn renew_certificate(&self) -> Result<(), Reason> {
        let key = NewKey::generate()?;
        let order =
            OrderPartyCertificate { id: ActId::new(self.world.random()), request: key.request().clone() };
        let authority = self.party(&self.country.authority)?;
        let given = self.post::<PartyCertificate>(&authority, CERTIFICATES, &order, WITHIN).await;
        let kept = key.with(given.map_err(|error| error.reason())?)?;
        self.until_known(&kept.fingerprint().ok_or(Reason::BadReply)?).await?;
        // Kept before it is shown: a start in between finds what the directory has.
        kept.write(&self.keys, FILE)?;
        kept.show(|chain, key| self.peers.replace_identity(chain, key)).map_err(|_| Reason::Internal)?;
        self.certificate_ends.store(kept.not_after.0, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until the directory has the new certificate and every neighbour has polled it, unless the present one opens
    /// nobody's door any more.
    async fn until_known(&self, hash: &B64) -> Result<(), Reason> {
        // The authority publishes by itself; everybody else asks it.
        if self.room != "authority" {
            self.fetch_directory().await?;
        }
        let directory = self.directory();
        let current = directory.entry(&self.id).map(|entry| entry.current.as_slice()).unwrap_or_default();
        if !current.contains(hash) {
            return Err(Reason::BadReply);
        }
        if current.contains(&B64::from(self.fingerprint())) {
            let polls = u64::try_from(self.defaults.poll_ms).unwrap_or(15_000).saturating_mul(2);
            tokio::time::sleep(Duration::from_millis(polls)).await;
        }
        Ok(())
    }

    /// Whether it is time for another certificate.
    fn wants_certificate(&self, started: Moment) -> bool {
        let now = self.now();
        match self.certificate_ends() {
            Some(ends) => is_late(ends, now),
            // Somebody who had one needs one at once; who has just been set up is given a minute to be seen to work.
            None => {
                let had = self.directory().entry(&self.id).is_some_and(|entry| !entry.current.is_empty());
                had || now.since_ms(started) >= LOOK.as_millis() as i64
            }
        }
    }

    /// Keeps the certificate new until the room stops.
    pub(crate) fn keep_certificate(self: &Arc<Self>) {
        let house = Arc::clone(self);
        tokio::spawn(async move {
            let started = house.now();
            loop {
                if house.wants_certificate(started) {
                    let renewed = tokio::select! {
                        renewed = house.renew_certificate() => renewed,
                        () = house.world.shutdown.wait() => return,
                    };
                    match renewed {
                        Ok(()) => tracing::info!(party = %house.id, "a new certificate is shown"),
                        Err(reason) => tracing::warn!(
                            party = %house.id, %reason,
                            "no new certificate; the present one stays, and it is tried again in a minute"
                        ),
                    }
                }
                tokio::select! {
                    () = house.world.sleep(LOOK) => {}
                    () = house.world.shutdown.wait() => return,
                }
            }
        });
    }
}
