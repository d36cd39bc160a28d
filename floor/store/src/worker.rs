//! The store's threads: one that gathers writes, a few that look, on PostgreSQL a few that write beside.

use world::Stopwatch;

use crate::{
    Location, Read, StoreError, Write, connection::Connection, figures::Figures, queue::Queue, task::Task,
};

/// Writes are types with a lifetime; a closure must take any.
pub(crate) type WriteTask = Box<dyn for<'a> Task<Write<'a>>>;
/// As [`WriteTask`], for looks.
pub(crate) type ReadTask = Box<dyn for<'a> Task<Read<'a>>>;

/// Most writes in one commit: bounds how long the first waits for the last.
const MOST_WRITES: usize = 256;
/// Most reads in one transaction: fewer round trips when busy, no long wait behind a slow one.
const MOST_READS: usize = 16;

/// Carries out writes one after the other until the queue is closed and empty.
pub(crate) fn write_all(mut connection: Connection, queue: &Queue<WriteTask>, figures: &Figures) {
    while queue.wait() {
        // On a busy machine those who are about to write go first and share this commit; on an idle one nobody does.
        std::thread::yield_now();
        let Some(group) = queue.take(1, MOST_WRITES) else { break };
        write_group(&mut connection, group, figures, false);
    }
    connection.close();
}

/// Carries out a share of the writes that may run beside others. Connects when first needed.
pub(crate) fn write_beside(location: &Location, queue: &Queue<WriteTask>, figures: &Figures, threads: usize) {
    let mut connection = None;
    while let Some(group) = queue.take(threads, MOST_WRITES) {
        match made(&mut connection, || Connection::writer(location)) {
            Ok(connection) => write_group(connection, group, figures, true),
            Err(error) => group.into_iter().for_each(|task| task.deliver(Err(error.clone()))),
        }
    }
    if let Some(connection) = connection {
        connection.close();
    }
}

/// The connection, made now if there is none yet.
fn made(
    slot: &mut Option<Connection>,
    make: impl FnOnce() -> Result<Connection, StoreError>,
) -> Result<&mut Connection, StoreError> {
    match slot {
        Some(connection) => Ok(connection),
        None => {
            let connection = make().inspect_err(|error| tracing::error!(%error, "no connection"))?;
            Ok(slot.insert(connection))
        }
    }
}

fn write_group(connection: &mut Connection, mut group: Vec<WriteTask>, figures: &Figures, beside: bool) {
    figures.grouped(group.len());
    let outcome = run_group(connection, &mut group, figures, beside);
    if let Err(error) = &outcome {
        connection.rollback();
        tracing::error!(%error, writes = group.len(), "a group of writes was not kept");
    }
    // Only now, refusals too: a closure may have refused because of what another of the group wrote.
    for task in group {
        task.deliver(outcome.clone());
    }
}

fn run_group(
    connection: &mut Connection,
    group: &mut [WriteTask],
    figures: &Figures,
    beside: bool,
) -> Result<(), StoreError> {
    connection.begin_write(beside)?;
    let last = group.len().saturating_sub(1);
    for (place, task) in group.iter_mut().enumerate() {
        let watch = Stopwatch::start();
        let mut write = Write::on(connection);
        let mut keep = task.run(&mut write);
        if keep && write.failed() {
            task.void(StoreError::Aborted);
            keep = false;
        }
        figures.ran(task.name(), watch.elapsed_us());
        if !connection.in_transaction() {
            let what = "the database ended the transaction".to_owned();
            return Err(StoreError::Unavailable { what });
        }
        match keep {
            false => connection.undo()?,
            true if place < last => connection.keep()?,
            true => (),
        }
    }
    connection.commit()
}

/// Carries out reads until the queue is closed and empty. Connects when first needed: an idle room holds no more than
/// its one writing connection.
pub(crate) fn read_all(location: &Location, queue: &Queue<ReadTask>, figures: &Figures, threads: usize) {
    let mut connection = None;
    while let Some(group) = queue.take(threads, MOST_READS) {
        match made(&mut connection, || Connection::reader(location)) {
            Ok(connection) => read_group(connection, group, figures),
            Err(error) => group.into_iter().for_each(|task| task.deliver(Err(error.clone()))),
        }
    }
    if let Some(connection) = connection {
        connection.close();
    }
}

pub(crate) fn read_group(connection: &mut Connection, group: Vec<ReadTask>, figures: &Figures) {
    let mut begun = false;
    for mut task in group {
        if !task.is_awaited() {
            continue;
        }
        if !begun && let Err(error) = connection.begin_read() {
            connection.rollback();
            task.deliver(Err(error));
            continue;
        }
        begun = true;
        let watch = Stopwatch::start();
        let mut read = Read::on(connection);
        let ok = task.run(&mut read);
        let failed = read.failed();
        if ok && failed {
            task.void(StoreError::Aborted);
        }
        figures.ran(task.name(), watch.elapsed_us());
        task.deliver(Ok(()));
        if failed {
            // The others get a fresh transaction.
            connection.rollback();
            begun = false;
        }
    }
    if begun {
        connection.rollback();
    }
}
