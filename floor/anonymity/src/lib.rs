//! Sets of rows about people, made so that nobody can be singled out, and as little as possible is lost.
//!
//! Columns in, columns and a report out. Pure: no I/O, no clock, no randomness.

mod applied;
pub mod builders;
mod cell_key;
mod check;
mod climb;
mod closeness;
mod discrete_laplace;
mod grouping;
mod hierarchy;
mod joint;
mod lattice;
mod local;
mod measure;
mod problem;
mod releases;
mod risk;
mod rules;
mod search;
mod slot;
mod store;
mod tuples;
mod withheld;

pub use applied::{Applied, anonymise, apply};
pub use cell_key::{CellRules, MOST as MOST_NOISE, cell_key};
pub use closeness::Distance;
pub use discrete_laplace::{Bits, discrete_laplace};
pub use hierarchy::{Hierarchy, HierarchyFault};
pub use joint::{Bounds, Exposed, Joint, Release};
pub use local::{Local, recode_locally};
pub use problem::{Attribute, Metric, Model, Problem, ProblemFault, Sensitive};
pub use releases::{Further, Passed, Refused, next_release, release_at};
pub use risk::{Driver, Risk, Spread, risk};
pub use search::{Outcome, Settings, Solution, evaluate, search};
