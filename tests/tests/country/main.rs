//! A country of real rooms in one process: what must hold between them, and what a hostile member tries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "all of it is tests: failing loudly is their work"
)]

mod absent_portal;
mod backup;
mod bad_input;
mod certificates;
mod desk;
mod frauds;
mod ground;
mod hostile;
#[allow(dead_code, reason = "shared with the tests of the pages")]
#[path = "../../browser/http.rs"]
mod http;
mod large_answers;
mod leaks;
mod ledgers;
mod live_roles;
mod operator;
mod own_information;
mod refused_issue;
mod register;
mod rehearsal;
mod replicas;
mod research;
mod rotation;
mod runs;
mod schemes;
mod shares;
mod steal;
