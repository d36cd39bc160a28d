//! The one binary: command line, configuration, wiring, demo. It knows every room; no room knows it.

pub mod ceremony;
pub mod config_file;
pub mod demo_run;
pub mod desk;
mod matching_command;
pub mod review_desk;
pub mod rooms;
pub mod whitelist_command;

pub use matching_command::{MatchAct, MatchArgs, MatchCommand, run as run_match};
