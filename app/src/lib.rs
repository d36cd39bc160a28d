//! The one binary: command line, configuration, wiring, demo. It knows every room; no room knows it.

mod anonymise_command;
pub mod attack;
pub mod audit_command;
pub mod backup_command;
pub mod backup_file;
pub mod batch_command;
pub mod card_command;
pub mod ceremony;
pub mod config_file;
pub mod demo_run;
pub mod desk;
pub mod keeping_command;
mod matching_command;
pub mod my_information_command;
pub mod my_records_command;
pub mod openapi_command;
pub mod picker;
pub mod research_command;
pub mod review_desk;
pub mod rooms;
pub mod root_ceremony;
pub mod rotate_command;
pub mod schemes_command;
pub mod shares_command;
pub mod sign_in_command;
pub mod start_page;
pub mod verify_log;
pub mod whitelist_command;

pub use anonymise_command::attack::{ReleasesArgs, run as run_attack_releases};
pub use anonymise_command::{AnonymiseArgs, run as run_anonymise};
pub use matching_command::{MatchAct, MatchArgs, MatchCommand, run as run_match};
