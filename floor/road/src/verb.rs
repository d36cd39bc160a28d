//! What a room says of one of its verbs.

use rules::Pace;
use store::{StoreError, Write};
use words::{Moment, Reason};

use crate::outbox::Parcel;
use crate::record::Record;

/// Rows a room writes in the same transaction as a record.
pub type RoomWrite = Box<dyn FnOnce(&mut Write<'_>) -> Result<(), StoreError> + Send>;

/// A decision against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the caller is told.
    pub reason: Reason,
    /// What the record says, where it differs (the provider's true reason).
    pub truth: Option<&'static str>,
}

impl From<rules::Refusal> for Refused {
    fn from(refusal: rules::Refusal) -> Self {
        Self { reason: refusal.reason, truth: None }
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, truth: None }
    }
}

/// An acting step that did not succeed: a peer refused or was not there, or something broke here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// Where and what, without personal data.
    pub detail: String,
}

impl Failure {
    /// A failure with the reason's own words alone.
    pub const fn new(reason: Reason) -> Self {
        Self { reason, detail: String::new() }
    }

    /// A failure that says where and what.
    pub fn with(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(Reason::Internal)
    }
}

/// A reply ready to be recorded and sent.
pub struct Protected {
    /// The JSON that will be sent.
    pub reply: Vec<u8>,
    /// What the outcome's record says besides the common fields.
    pub record: Record,
    /// Rows the room writes with the outcome.
    pub writes: Option<RoomWrite>,
    /// Whether the reply is kept, sealed, for a repeat. A reply this room must not hold is not kept; a repeat of its
    /// act is told so.
    pub keep: bool,
}

impl Protected {
    /// A reply without further records.
    pub fn reply(reply: Vec<u8>) -> Self {
        Self { reply, record: Record::new(), writes: None, keep: true }
    }
}

/// One verb of one room. The order of the methods is the order of the road.
pub trait Verb: Send + Sync + 'static {
    /// The verb's word: the route, the file and the function carry the same.
    const NAME: &'static str;
    /// What a decision for it yields; built by `rules` alone.
    type Permit: Send + Sync + 'static;
    /// What acting yields, not yet protected.
    type Acted: Send + 'static;

    /// What the act is counted under, e.g. the affair. Never personal.
    fn label(&self) -> String {
        String::new()
    }

    /// How much it counts against the caller's rate.
    fn weight(&self) -> u32 {
        1
    }

    /// Against whose rate it counts: the caller's, unless the caller passes on what others sent.
    fn paced<'a>(&'a self, caller: &'a str) -> &'a str {
        caller
    }

    /// Decides, by `rules`, over facts this value holds.
    fn decide(&self, pace: Pace, now: Moment) -> Result<Self::Permit, Refused>;

    /// What the decision's record says besides the common fields.
    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record;

    /// Messages that must go out because of this decision, whatever happens then.
    fn parcels(&self, _decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
        Vec::new()
    }

    /// Messages that must go out because the act was done: written with its outcome, and not at all if that fails.
    fn parcels_when_done(&self) -> Vec<Parcel> {
        Vec::new()
    }

    /// Rows the room writes with the decision.
    fn on_decision(&self, _decided: Result<&Self::Permit, &Refused>) -> Option<RoomWrite> {
        None
    }

    /// Acts.
    fn act(&self, permit: &Self::Permit) -> impl Future<Output = Result<Self::Acted, Failure>> + Send;

    /// Protects the reply.
    fn protect(&self, permit: &Self::Permit, acted: Self::Acted) -> Result<Protected, Failure>;

    /// Where a refusal must look like an answer, the reply that does; `None` tells the reason plainly.
    fn protect_refusal(&self, _refused: &Refused) -> Option<Result<Protected, Failure>> {
        None
    }
}
