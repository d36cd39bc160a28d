//! Sets of rows about people, made so that nobody can be singled out, and as little as possible is lost.
//!
//! Columns in, columns and a report out. Pure: no I/O, no clock, no randomness.

mod check;
mod climb;
mod closeness;
mod grouping;
mod hierarchy;
mod lattice;
mod measure;
mod problem;
mod rules;
mod search;
mod slot;
mod store;
mod tuples;

pub use closeness::Distance;
pub use hierarchy::{Hierarchy, HierarchyFault};
pub use problem::{Attribute, Metric, Model, Problem, ProblemFault, Sensitive};
pub use search::{Outcome, Settings, Solution, evaluate, search};
