//! `musubi card run`: cards in virtual readers, over the protocol of vpcd (vsmartcard).
//!
//! Frames of a length in two bytes and a payload. One byte is control, anything longer a command.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::time::Duration;

use anyhow::{Context, Result};
use card::{ATR, Card};

/// How the reader and the card find each other.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// vpcd listens, the card connects; again and again until it is there.
    Connect(SocketAddr),
    /// The card listens, vpcd connects.
    Listen(SocketAddr),
}

/// Between two tries to reach vpcd.
const AGAIN: Duration = Duration::from_millis(200);

/// Keeps a card in its reader until the process ends. `ready` is called once, when the card waits for a reader or has
/// found one.
pub(crate) fn insert(card: &mut Card, way: Way, mut ready: impl FnMut(SocketAddr)) -> Result<()> {
    match way {
        Way::Listen(address) => {
            let listener =
                TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
            ready(listener.local_addr()?);
            loop {
                let (stream, _) = listener.accept()?;
                serve(card, stream);
            }
        }
        Way::Connect(address) => loop {
            if let Ok(stream) = TcpStream::connect(address) {
                ready(address);
                serve(card, stream);
            }
            std::thread::sleep(AGAIN);
        },
    }
}

/// Answers one reader until it goes away. The card then is as one that was pulled out.
fn serve(card: &mut Card, mut stream: TcpStream) {
    card.reset();
    if let Err(error) = converse(card, &mut stream)
        && !matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)
    {
        tracing::warn!("reader: {error}");
    }
    card.reset();
}

fn converse(card: &mut Card, stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let frame = frame(stream)?;
        let answer = match frame.as_slice() {
            [0x00..=0x02] => {
                card.reset();
                continue;
            }
            [0x04] => ATR.to_vec(),
            [_] | [] => continue,
            command => card.apdu(command),
        };
        let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
        // One write for length and answer.
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
    }
}

/// vpcd writes length and payload apart and waits for the first to be acknowledged: without quick acknowledgement, which
/// the kernel takes back after each read, every command takes 40 ms.
fn frame(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.set_quickack(true)?;
    stream.read_exact(&mut length)?;
    stream.set_quickack(true)?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}
