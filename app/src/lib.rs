//! The one binary: command line, configuration, wiring, demo. It knows every room; no room knows it.

pub mod ceremony;
pub mod config_file;
pub mod demo_run;
pub mod desk;
pub mod rooms;
pub mod whitelist_command;

#[path = "matching_command.rs"]
mod matching_command;

pub use matching_command::{MatchArgs, run as run_match};
