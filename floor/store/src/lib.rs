//! Where a room keeps what must survive: one small database per room, on SQLite (embedded, the default) or PostgreSQL
//! (for scale), with one SQL text for both.
//!
//! A read or a write is one named synchronous closure that runs on a thread of the store's own; nothing inside can
//! await. Writes that wait are gathered into one transaction with one flush, each behind a savepoint: an error or a
//! panic undoes that closure alone, and `Ok` is returned only when the commit is on disk.
//!
//! INVARIANT: writes of one database run one after the other, on both engines and across processes. A write may
//! therefore read, decide and insert without fear of another write in between. [`Db::write_beside`] gives that up for
//! speed on PostgreSQL, where the closure allows it.
//!
//! SQL that runs on both: `$1` placeholders; `BIGINT`, `TEXT`, `BYTEA`; flags as `BIGINT` 0/1; `CAST(SUM(x) AS BIGINT)`;
//! `ON CONFLICT` in place of catching an error (a failed statement fails its closure); ids and times come from the
//! program. SQL text is never built from data.

mod connection;
mod copy;
mod db;
mod error;
mod figures;
mod in_place;
mod location;
mod migrate;
mod postgres_engine;
mod queue;
mod sqlite_engine;
mod task;
pub mod testing;
mod transaction;
mod value;
mod worker;

pub use copy::{Piece, copy_in, copy_out};
pub use db::{Db, Options};
pub use error::StoreError;
pub use location::{Location, LocationError};
pub use migrate::Migrations;
pub use transaction::{Read, Write};
pub use value::{Row, Value};
