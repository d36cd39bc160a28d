//! The road every act takes, written once:
//! **parse → decide → record the decision → act → protect the reply → record the outcome → send.**
//!
//! A room's verb implements [`Verb`]: its facts, its acting step, what its records say. [`Road::travel`] does the
//! rest in this one order. INVARIANT: a reply leaves [`Road::travel`] only after its outcome is durable, and an
//! act begins only after its decision is; a refusal is recorded like an answer.

mod documents;
mod ledger;
mod migrations;
mod outbox;
mod pace;
mod record;
mod recovery;
mod shelves;
mod store;
mod trace;
mod travel;
mod verb;
mod witness;

pub use crate::ledger::{LedgerFault, WitnessAnswer};
pub use documents::StoredDocument;
pub use migrations::MIGRATIONS;
pub use outbox::{Delivery, Parcel};
pub use record::{Record, leaf_hash};
pub use shelves::Erased;
pub use store::{ActLeaf, ActLine, CollectedLeaf, LeafLine, Summary};
pub use trace::{Span, Spans};
pub use travel::{Arrival, Road, Stop};
pub use verb::{Failure, Protected, Refused, RoomWrite, Verb};
pub use witness::Conflict;
