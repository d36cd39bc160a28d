//! A wire between two rooms that can be cut, stopped or slowed, and that remembers what was said over it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It carries.
    Pass,
    /// Whatever comes next is carried by half, then the connection is cut.
    Cut,
    /// Each piece waits this long.
    Slow(Duration),
}

/// What one connection's caller said, up to [`MOST_KEPT`] bytes.
type Said = Arc<Mutex<Vec<u8>>>;

const MOST_KEPT: usize = 64 << 10;

/// The wire to one listener.
pub struct Proxy {
    mode: watch::Sender<Mode>,
    said: Said,
    target: SocketAddr,
}

impl Proxy {
    /// Listens at `at` and carries to `target`.
    pub async fn start(at: SocketAddr, target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(at).await.with_context(|| format!("listening at {at}"))?;
        let (mode, said) = (watch::Sender::new(Mode::Pass), Said::default());
        let (modes, keep) = (mode.clone(), Arc::clone(&said));
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let (modes, keep) = (modes.clone(), Arc::clone(&keep));
                tokio::spawn(async move {
                    // Nobody there: the caller's connection ends with `caller`.
                    let Ok(callee) = TcpStream::connect(target).await else { return };
                    let _ = (caller.set_nodelay(true), callee.set_nodelay(true));
                    keep.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    let ((from, to), (back_from, back_to)) = (caller.into_split(), callee.into_split());
                    tokio::select! {
                        () = carry(from, back_to, modes.subscribe(), Some(keep)) => {}
                        () = carry(back_from, to, modes.subscribe(), None) => {}
                    }
                });
            }
        });
        Ok(Self { mode, said, target })
    }

    /// What it does from now on, to open connections too.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Says once more, on a connection of its own, byte for byte what the last caller said. Gives how many bytes.
    pub async fn say_again(&self) -> Result<usize> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut again = TcpStream::connect(self.target).await?;
        again.write_all(&said).await?;
        // Whatever the room answers to it.
        let _ =
            tokio::time::timeout(Duration::from_secs(2), again.read_to_end(&mut Vec::with_capacity(4096)))
                .await;
        Ok(said.len())
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    keep: Option<Said>,
) {
    let mut piece = vec![0; 16 << 10];
    loop {
        let Ok(length) = from.read(&mut piece).await else { return };
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { return };
        let now = *mode.borrow_and_update();
        let carried = match now {
            Mode::Pass => to.write_all(read).await,
            Mode::Slow(wait) => {
                tokio::time::sleep(wait).await;
                to.write_all(read).await
            }
            Mode::Cut => {
                let _ = to.write_all(read.get(..length / 2).unwrap_or_default()).await;
                return;
            }
        };
        if carried.is_err() {
            return;
        }
        if let Some(keep) = &keep {
            let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MOST_KEPT.saturating_sub(kept.len()).min(length);
            kept.extend_from_slice(read.get(..room).unwrap_or_default());
        }
    }
}
