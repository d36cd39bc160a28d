//! Audit (A5): collects records from the places where they lie, holds them against their ledgers, joins the sides of
//! each act, and raises alarms.

mod collect;
mod join;
mod reconcile;
mod watch;

pub(crate) use reconcile::reconcile;
