//! An answer with a tail: a head in JSON, then bytes that are passed on while they arrive and are nowhere held whole.
//!
//! Body: the head's length (4 bytes, big endian), the head, the tail. How long the tail is says the head; whoever reads it
//! says so to [`Tail::of`]. A connection that breaks before its end is an error, never a shorter tail.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Frame, Incoming};

use crate::client::CallError;

/// The media type of a head with a tail.
pub const HEAD_AND_TAIL: &str = "application/vnd.musubi.head-and-tail";

/// The largest head, in bytes.
const LARGEST_HEAD: usize = 64 << 10;
/// How long a tail may stand still.
const STANDSTILL: Duration = Duration::from_secs(10);
/// How many pieces wait for a reader that is slower than the writer.
const PIECES: usize = 4;
/// The largest piece that is sent at once, in bytes.
const PIECE: usize = 64 << 10;

/// The rest of an answer whose head has been read.
pub struct Tail {
    /// What came with the head's last piece.
    first: Bytes,
    body: Incoming,
    left: u64,
}

impl Tail {
    /// Bytes that are still to come.
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `Unreachable`: it broke off. `TimedOut`: nothing came for ten seconds. `NotOfProtocol`: it is longer than was said.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            let piece = if self.first.is_empty() {
                match next_piece(&mut self.body).await? {
                    Some(piece) => piece,
                    None if self.left == 0 => return Ok(None),
                    None => return Err(CallError::Unreachable),
                }
            } else {
                std::mem::take(&mut self.first)
            };
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.left = self.left.checked_sub(length).ok_or(CallError::NotOfProtocol)?;
            if length > 0 {
                return Ok(Some(piece));
            }
        }
    }
}

async fn next_piece(body: &mut Incoming) -> Result<Option<Bytes>, CallError> {
    loop {
        let frame = tokio::time::timeout(STANDSTILL, body.frame()).await.map_err(|_| CallError::TimedOut)?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(CallError::Unreachable),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Reads the head of such a body. `length` says how long the tail is that a head announces.
pub(crate) async fn read_head<A: serde::de::DeserializeOwned>(
    mut body: Incoming,
    length: impl FnOnce(&A) -> Option<u64>,
) -> Result<(A, Tail), CallError> {
    let mut read = Vec::new();
    let (head, first) = loop {
        let piece = next_piece(&mut body).await?.ok_or(CallError::Unreachable)?;
        read.extend_from_slice(&piece);
        if let Some((head, first)) = split_head(&read)? {
            break (serde_json::from_slice(head), Bytes::copy_from_slice(first));
        }
    };
    let head: A = head.map_err(|_| CallError::NotOfProtocol)?;
    let left = length(&head).ok_or(CallError::NotOfProtocol)?;
    Ok((head, Tail { first, body, left }))
}

/// A head, and what stands after it.
pub type Split<'a> = (&'a [u8], &'a [u8]);

/// The head at the beginning of what was read, and what stands after it; `None` while it is not all there.
///
/// # Errors
/// `NotOfProtocol`: it says that it is larger than a head may be.
pub fn split_head(read: &[u8]) -> Result<Option<Split<'_>>, CallError> {
    let Some((size, rest)) = read.split_first_chunk::<4>() else { return Ok(None) };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    if size > LARGEST_HEAD { Err(CallError::NotOfProtocol) } else { Ok(rest.split_at_checked(size)) }
}

/// A head with its tail, as they are kept and sent.
pub fn joined(head: &[u8], tail: &[u8]) -> Vec<u8> {
    [&prefix(head), head, tail].concat()
}

fn prefix(head: &[u8]) -> [u8; 4] {
    u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// Where the pieces of a tail go that is passed on.
pub struct Onward(Sender<Bytes, std::io::Error>);

impl Onward {
    /// Passes a piece on, as fast as it is taken.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub async fn send(&mut self, mut piece: Bytes) -> Result<(), CallError> {
        while !piece.is_empty() {
            let now = piece.split_to(piece.len().min(PIECE));
            self.0.send_data(now).await.map_err(|_| CallError::Unreachable)?;
        }
        Ok(())
    }

    /// Breaks off: the reader sees a connection that ended before its time.
    pub fn break_off(self) {
        self.0.abort(std::io::Error::other("the answer broke off"));
    }
}

/// An answer with this head and a tail of `length` bytes that is still to be sent.
pub fn response_with_tail(head: &[u8], length: u64) -> (Response, Onward) {
    let start = Bytes::from(joined(head, &[]));
    let (response, mut onward) = response_of(length.saturating_add(u64::try_from(start.len()).unwrap_or(0)));
    // The channel is empty: there is room for the head.
    let _ = onward.0.try_send(Frame::data(start));
    (response, onward)
}

/// An answer whose bytes were [`joined`], all of which are still to be sent.
pub fn response_of_joined(bytes: &[u8]) -> (Response, Onward) {
    response_of(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}

fn response_of(whole: u64) -> (Response, Onward) {
    let (sender, channel) = Channel::<Bytes, std::io::Error>::new(PIECES);
    let mut response = Response::new(Body::new(channel));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(HEAD_AND_TAIL));
    // Said beforehand: a reader tells a whole answer from one that broke off.
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole));
    (response, Onward(sender))
}
