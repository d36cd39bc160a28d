//! A country of real rooms in one process: what must hold between them, and what a hostile member tries.

mod bad_input;
mod frauds;
mod ground;
mod leaks;
mod live_roles;
mod register;
mod runs;
