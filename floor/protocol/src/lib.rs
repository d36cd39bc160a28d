//! What the rooms say to one another: one file for each conversation.
//!
//! JSON inside compact JWS where a statement must hold later (exact bytes signed, no canonicalisation), plain
//! JSON where the connection is proof enough. Unknown fields are refused everywhere.

pub mod audit;
pub mod certificates;
pub mod country;
pub mod desk;
pub mod directory;
pub mod index;
pub mod inquiry;
pub mod issue;
pub mod ledger;
pub mod message;
pub mod oversight;
pub mod own;
mod payloads;
pub mod proof;
pub mod register;
pub mod research;
pub mod rotation;
pub mod session;
pub mod sign_in;

pub use message::{Message, sign, verify};
pub use payloads::payloads;
