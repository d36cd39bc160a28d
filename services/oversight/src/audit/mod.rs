//! Audit (A5): collects records from the places where they lie, holds them against their ledgers, joins the sides of
//! each act, and raises alarms.

mod collect;
mod join;
mod prove;
mod reconcile;
mod watch;

pub(crate) use prove::prove;
pub(crate) use reconcile::reconcile;
