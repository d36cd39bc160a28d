//! Permits and refusals.

use std::marker::PhantomData;

use words::{Reason, Right};

/// A permit's place: a transcryptor may convert and pass on one inquiry.
pub enum Convert {}
/// A permit's place: a provider may answer one inquiry.
pub enum Answer {}
/// A permit's place: an inquirer may send one inquiry.
pub enum Ask {}
/// A permit's place: link codes may be issued for the rows of one batch.
pub enum Issue {}
/// A permit's place: an operator may do one thing in a room.
pub enum Operate {}

/// A permit's place: a person may look at the own records.
pub enum Look {}

/// On what a decision rests; goes into the record (item 3 of the law's twelve).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The right invoked.
    pub right: Right,
    /// The legal basis, e.g. an entry of the whitelist, or the rule of the house that applies.
    pub entry: String,
    /// The version of the list it was read from; 0 where no list is involved.
    pub version: u32,
}

/// Leave to do one act at place `P`.
///
/// INVARIANT: only the `decide_…` functions of this crate build one; it can be neither cloned nor serialised.
pub struct Permit<P> {
    basis: Basis,
    place: PhantomData<fn() -> P>,
}

impl<P> Permit<P> {
    pub(crate) const fn new(basis: Basis) -> Self {
        Self { basis, place: PhantomData }
    }

    /// On what it rests.
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }
}

/// A decision against. The reason is told to the caller where it does not depend on the person
/// (DESIGN §3, "Reply"); the room decides what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}
