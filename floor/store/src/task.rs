//! One closure on its way through a store thread and back to its caller.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::StoreError;

/// A closure of unknown types over a transaction of type `X` (Read or Write).
pub(crate) trait Task<X>: Send {
    fn name(&self) -> &'static str;
    /// Whether the caller still waits for the answer.
    fn is_awaited(&self) -> bool;
    /// Runs the closure; says whether what it did is to be kept.
    fn run(&mut self, transaction: &mut X) -> bool;
    /// The closure went on after a failed statement: its Ok does not count.
    fn void(&mut self, error: StoreError);
    /// Answers the caller with the closure's result, or with the error if the transaction as a whole failed.
    fn deliver(self: Box<Self>, outcome: Result<(), StoreError>);
}

pub(crate) struct Call<F, T, E> {
    name: &'static str,
    closure: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Call<F, T, E> {
    pub(crate) fn new(name: &'static str, closure: F) -> (Box<Self>, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Call { name, closure: Some(closure), result: None, reply }), answer)
    }
}

impl<X, F, T, E> Task<X> for Call<F, T, E>
where
    F: FnOnce(&mut X) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, transaction: &mut X) -> bool {
        let Some(closure) = self.closure.take() else { return false };
        // The transaction is undone after a panic, and the closure's captures are gone with it: nothing half-changed
        // is seen again.
        let result = catch_unwind(AssertUnwindSafe(|| closure(transaction)))
            .unwrap_or_else(|_| Err(StoreError::Panicked { name: self.name }.into()));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn void(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    fn deliver(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (outcome, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        // A caller that went away does not hear; what was committed stays.
        let _ = self.reply.send(answer);
    }
}
