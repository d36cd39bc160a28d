//! Acts as spans, for the room's own operator: how long each step took. Off unless somebody listens.
//!
//! INVARIANT: a span names verb, step and reason, and nothing else: no act, no caller, no person. Trace ids are random,
//! made anew for each act in each room, and never leave it with a message; what joins the rooms of an act is its id, in
//! records.

use std::sync::Arc;
use std::time::Duration;

use words::Reason;
use world::{Stopwatch, World};

use crate::travel::Road;

/// A step that has ended, or the whole act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace: one act in this room.
    pub trace: [u8; 16],
    /// The span.
    pub id: [u8; 8],
    /// The act's span; `None` for the act itself.
    pub parent: Option<[u8; 8]>,
    /// The verb.
    pub verb: &'static str,
    /// `decide`, `record_decision`, `act`, `record_outcome`; `None` for the act itself.
    pub step: Option<&'static str>,
    /// When it began, ms since 1970.
    pub began_ms: i64,
    /// How long it took.
    pub took: Duration,
    /// Why the act was not done, where it was not.
    pub reason: Option<Reason>,
}

/// Whoever takes spans. Called on the road: must not wait.
pub trait Spans: Send + Sync {
    /// A span has ended.
    fn ended(&self, span: Span);
}

/// When a step began.
pub(crate) struct Mark {
    ms: i64,
    watch: Stopwatch,
}

/// One act being traced; does nothing where nobody listens.
pub(crate) struct Trace {
    to: Option<Arc<dyn Spans>>,
    world: World,
    trace: [u8; 16],
    act: [u8; 8],
    verb: &'static str,
    began: Mark,
}

impl Road {
    /// Has acts traced from now on. The first listener stays.
    pub fn trace_to(&self, spans: Arc<dyn Spans>) {
        let _ = self.spans.set(spans);
    }

    pub(crate) fn trace(&self, verb: &'static str) -> Trace {
        let to = self.spans.get().cloned();
        let ids = || (self.world.random(), self.world.random());
        let (trace, act) = if to.is_some() { ids() } else { ([0; 16], [0; 8]) };
        let began = Mark { ms: self.world.now(), watch: Stopwatch::start() };
        Trace { to, world: self.world.clone(), trace, act, verb, began }
    }
}

impl Trace {
    pub(crate) fn begin(&self) -> Mark {
        Mark { ms: self.world.now(), watch: Stopwatch::start() }
    }

    /// A step has ended.
    pub(crate) fn step(&self, step: &'static str, from: Mark) {
        let Some(to) = &self.to else { return };
        to.ended(self.span(self.world.random(), Some(step), &from, None));
    }

    /// The act has ended.
    pub(crate) fn end(self, reason: Option<Reason>) {
        let Some(to) = &self.to else { return };
        to.ended(self.span(self.act, None, &self.began, reason));
    }

    fn span(&self, id: [u8; 8], step: Option<&'static str>, from: &Mark, reason: Option<Reason>) -> Span {
        Span {
            trace: self.trace,
            id,
            parent: step.map(|_| self.act),
            verb: self.verb,
            step,
            began_ms: from.ms,
            took: from.watch.elapsed(),
            reason,
        }
    }
}
