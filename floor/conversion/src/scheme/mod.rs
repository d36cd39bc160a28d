//! The schemes behind one trait: what differs between them, and nothing of who calls.
//!
//! Under every scheme a code travels as a point under the session key of the room it comes from and arrives under that of
//! the room it goes to, so that messages, road, records and index entries are the same. Under 1 to 5 one core holds both
//! halves of every session key, opens each code, finds the other code and encrypts it again; the second body decides and
//! records, and passes the code on. Under 6 neither sees one.

mod blind;
mod open;
mod reversible;
mod same_number;
mod tables;

use std::sync::Arc;

use house::BoxFuture;
use seal::{EncryptedCode, LinkCode, OpenCode, PublicPoint, SealError};
use store::StoreError;
use words::{ActId, Domain, Reason, Scheme, SessionName};

pub use blind::Blind;
pub use open::{OpenCore, PassOn};
pub use reversible::Reversible;
pub use same_number::SameNumber;
pub use tables::{Grain, HoldsNumber, Tables};

/// A room's side of a conversion: its domain, and the session a code stands under there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Whose code, of which epoch.
    pub domain: Domain,
    /// Under which session.
    pub session: SessionName,
    /// The session's public key, as the transcryptors stored it.
    pub key: PublicPoint,
}

/// From where to where codes are converted, and for which act.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The act, or the batch.
    pub id: ActId,
    /// Whether the codes are the rows of a batch: code `i` then belongs to act `id ‖ i`.
    pub batch: bool,
    /// Where they come from.
    pub from: End,
    /// Where they go.
    pub to: End,
}

/// What a scheme keeps where it converts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StorageStats {
    /// Secret key material that must not be lost, bytes.
    pub key_bytes: u64,
    /// People in its tables.
    pub people: u64,
    /// Codes in its tables.
    pub codes: u64,
}

/// One scheme, as one body runs it.
pub trait LinkCodeScheme: Send + Sync {
    /// Which.
    fn scheme(&self) -> Scheme;

    /// The first code in `passage.to` for each person, as the registry names them: row i of the result is row i.
    fn issue(
        &self,
        passage: Passage,
        people: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>>;

    /// The code in `passage.to` for each code in `passage.from`. From an institution's epoch to its next one this is the
    /// rotation of its codes. A code that is none of `passage.from` is refused where that can be seen.
    fn convert(
        &self,
        passage: Passage,
        codes: Vec<EncryptedCode>,
    ) -> BoxFuture<'_, Result<Vec<EncryptedCode>, Reason>>;

    /// The end of an epoch: forgets what was kept for its codes. Harmless when called again.
    fn retire(&self, ended: Domain) -> BoxFuture<'_, Result<(), Reason>>;

    /// What is kept.
    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, Reason>>;
}

/// Why an open scheme does not convert.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The code is none of the domain it is said to be of.
    #[error("not a code of this institution")]
    UnknownCode,
    /// The table cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SealError> for OpenError {
    fn from(_: SealError) -> Self {
        Self::UnknownCode
    }
}

impl From<OpenError> for Reason {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::UnknownCode => Self::UnknownCode,
            OpenError::Store(error) => {
                tracing::error!(%error, "the table of codes");
                Self::Internal
            }
        }
    }
}

/// A scheme whose core sees the codes: 1 to 5.
pub trait OpenScheme: Send + Sync + 'static {
    /// Which.
    fn scheme(&self) -> Scheme;

    /// Codes in `to` for people as the registry names them.
    fn issue(&self, people: Vec<LinkCode>, to: Domain) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>>;

    /// Codes of the same people in `to`.
    fn convert(
        &self,
        codes: Vec<OpenCode>,
        from: Domain,
        to: Domain,
    ) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>>;

    /// Forgets an epoch that has ended.
    fn retire(&self, _ended: Domain) -> BoxFuture<'_, Result<(), OpenError>> {
        Box::pin(async { Ok(()) })
    }

    /// What is kept.
    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, OpenError>>;
}

/// A scheme with a core, for a room's own key and database.
pub fn open_scheme(
    scheme: Scheme,
    core: &Arc<seal::CoreKey>,
    db: &store::Db,
    dice: &seal::Dice,
    holds_number: HoldsNumber,
) -> Option<Arc<dyn OpenScheme>> {
    let tables = |grain| Tables::new(db.clone(), Arc::clone(core), dice.clone(), grain);
    Some(match scheme {
        Scheme::Number => Arc::new(SameNumber),
        Scheme::Reversible => Arc::new(Reversible::new(Arc::clone(core))),
        Scheme::Table => Arc::new(tables(Grain::EachInstitution)),
        Scheme::TableOfTwo => Arc::new(tables(Grain::ByNumber(holds_number))),
        Scheme::Single => Arc::new(tables(Grain::OneForAll)),
        Scheme::Blind => return None,
    })
}
