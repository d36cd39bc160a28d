//! The handle a room holds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use crate::{
    Location, Migrations, Read, StoreError, Write,
    connection::Connection,
    figures::Figures,
    in_place::InPlace,
    migrate::migrate,
    queue::Queue,
    task::Call,
    worker::{ReadTask, WriteTask, read_all, read_group, write_all, write_beside},
};

/// Work waiting at most, per direction; beyond it callers get [`StoreError::Overloaded`].
const MOST_WAITING: usize = 65_536;
/// Stack of a store thread, bytes; touched only as far as used.
const STACK: usize = 1 << 20;

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads that look, each with a connection of its own once it is needed.
    pub readers: usize,
    /// PostgreSQL: threads for [`Db::write_beside`], each with a connection of its own once it is needed.
    pub beside: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { readers: 2, beside: 4 }
    }
}

/// A room's database. Cheap to clone; clones share threads and connections. When the last is dropped, what waits is
/// still done in the background; [`Db::close`] waits for it.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    writes: Arc<Queue<WriteTask>>,
    /// The same queue as `writes` on SQLite.
    beside: Arc<Queue<WriteTask>>,
    reads: Arc<Queue<ReadTask>>,
    /// SQLite: connections for [`Db::look`].
    in_place: Option<InPlace>,
    figures: Arc<Figures>,
    /// One per thread, answered when it has ended.
    ends: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        self.beside.close();
        self.reads.close();
        self.in_place.iter().for_each(InPlace::close);
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Db")
    }
}

impl Db {
    /// Opens or makes the database and brings it to these migrations; refuses one that does not fit them.
    pub async fn open(location: &Location, migrations: &[Migrations]) -> Result<Db, StoreError> {
        Db::open_with(location, migrations, Options::default()).await
    }

    /// As [`Db::open`], with other options.
    pub async fn open_with(
        location: &Location,
        migrations: &[Migrations],
        options: Options,
    ) -> Result<Db, StoreError> {
        let writes = Arc::new(Queue::with_limit(MOST_WAITING));
        let apart = matches!(location, Location::Postgres { .. });
        let inner = Inner {
            beside: if apart { Arc::new(Queue::with_limit(MOST_WAITING)) } else { writes.clone() },
            writes,
            reads: Arc::new(Queue::with_limit(MOST_WAITING)),
            in_place: (!apart).then(|| InPlace::new(location)),
            figures: Arc::default(),
            ends: Mutex::default(),
        };
        let (opened, ready) = oneshot::channel();
        inner.spawn("store-write", {
            let (location, migrations) = (location.clone(), migrations.to_vec());
            let (queue, figures) = (inner.writes.clone(), inner.figures.clone());
            move || match open_writer(&location, &migrations) {
                Ok(connection) => {
                    let _ = opened.send(Ok(()));
                    write_all(connection, &queue, &figures);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        })?;
        ready.await.unwrap_or(Err(StoreError::Closed))?;
        let readers = options.readers.max(1);
        for _ in 0..readers {
            let (location, queue, figures) = (location.clone(), inner.reads.clone(), inner.figures.clone());
            inner.spawn("store-read", move || read_all(&location, &queue, &figures, readers))?;
        }
        let writers = if apart { options.beside.max(1) } else { 0 };
        for _ in 0..writers {
            let (location, queue, figures) = (location.clone(), inner.beside.clone(), inner.figures.clone());
            inner.spawn("store-beside", move || write_beside(&location, &queue, &figures, writers))?;
        }
        Ok(Db { inner: Arc::new(inner) })
    }

    /// Runs `f` in a transaction that sees one state of the database and can change nothing. Sees every write that
    /// was answered before the call.
    pub async fn read<T, E, F>(&self, name: &'static str, f: F) -> Result<T, E>
    where
        F: FnOnce(&mut Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (call, answer) = Call::new(name, f);
        self.inner.reads.push(call)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// As [`Db::read`], for a few rows by their key: on SQLite it runs on the caller's own thread, where such a look is done
    /// sooner than another thread would be woken for it.
    pub async fn look<T, E, F>(&self, name: &'static str, f: F) -> Result<T, E>
    where
        F: FnOnce(&mut Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Some(in_place) = &self.inner.in_place else { return self.read(name, f).await };
        let mut connection = in_place.take()?;
        let (call, answer) = Call::new(name, f);
        read_group(&mut connection, vec![call], &self.inner.figures);
        in_place.put(connection);
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs `f` as if no other write ran at the time. `Ok` is returned when what it did is durable, `Err` after it was
    /// undone. Once queued it runs even if the caller stops waiting.
    pub async fn write<T, E, F>(&self, name: &'static str, f: F) -> Result<T, E>
    where
        F: FnOnce(&mut Write<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (call, answer) = Call::new(name, f);
        self.inner.writes.push(call)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// As [`Db::write`], but on PostgreSQL several run at the same time, which can be several times as fast under load.
    /// Only for a closure that stays right whatever others write meanwhile: it inserts rows of its own under unique
    /// keys, or changes rows by one statement each (`UPDATE … SET n = n + 1`), and does not decide by what it read.
    /// Two that wait for each other's rows are resolved by failing one with a temporary error. On SQLite the same as
    /// `write`.
    pub async fn write_beside<T, E, F>(&self, name: &'static str, f: F) -> Result<T, E>
    where
        F: FnOnce(&mut Write<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (call, answer) = Call::new(name, f);
        self.inner.beside.push(call)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Finishes what is queued, ends the connections and returns when the files are closed. Other clones get
    /// [`StoreError::Closed`] from then on.
    pub async fn close(self) {
        self.inner.writes.close();
        self.inner.beside.close();
        self.inner.reads.close();
        self.inner.in_place.iter().for_each(InPlace::close);
        let ends = std::mem::take(&mut *self.inner.ends.lock().unwrap_or_else(PoisonError::into_inner));
        for end in ends {
            let _ = end.await;
        }
    }

    /// Name, calls and total time in microseconds (inside the closure, without waiting and commit) of each named read
    /// and write.
    pub fn figures(&self) -> Vec<(&'static str, u64, u64)> {
        self.inner.figures.calls()
    }

    /// How many groups of writes had at most 1, 2, 4, 8, … writes (and more than the size before). The last counts
    /// all larger ones too.
    pub fn group_sizes(&self) -> Vec<(u64, u64)> {
        self.inner.figures.group_sizes()
    }
}

fn open_writer(location: &Location, migrations: &[Migrations]) -> Result<Connection, StoreError> {
    let mut connection = Connection::writer(location)?;
    migrate(&mut connection, migrations)?;
    Ok(connection)
}

impl Inner {
    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let (ended, end) = oneshot::channel();
        thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK)
            .spawn(move || {
                body();
                let _ = ended.send(());
            })
            .map_err(|error| StoreError::Unavailable { what: format!("no thread: {}", error.kind()) })?;
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).push(end);
        Ok(())
    }
}
