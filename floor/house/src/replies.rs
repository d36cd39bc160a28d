//! A reply on its way back. What is small stands in its JSON. What is large follows its head and flows through: each
//! transcryptor verifies and records the head, then passes on what arrives while it arrives, and holds none of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::response::Response;
use protocol::directory::Entry;
use protocol::inquiry::{self, Again, Inquiry, REPLIES, Reply, ReplyStatement};
use road::{Failure, Protected, Record};
use seal::{Hasher, Jws, Sha256};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use wire::{CallError, Onward, Problem, Tail};
use words::{B64, Moment, PartyId, Reason};

use crate::{House, json_bytes};

/// A reply that came: its JSON, and what of it is still to come.
pub struct Arrived {
    /// The JSON.
    pub reply: Reply,
    /// The sealed answer, where it follows.
    pub tail: Option<Tail>,
}

/// An inquiry as it was sent.
pub struct Sent {
    /// What was signed.
    pub inquiry: Inquiry,
    /// The inquirer's JWS.
    pub jws: Jws,
}

/// What says of a reply whether something follows it.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    follows: Option<u64>,
}

/// A sealed answer that flows through a transcryptor, left by the act for whoever sends its reply.
#[derive(Clone, Default)]
pub struct Passage(Arc<Mutex<Option<(Tail, Sha256)>>>);

/// The reply that came back does not hold.
pub(crate) fn bad_reply(what: &str) -> Failure {
    Failure::with(Reason::BadReply, format!("`{what}` of the reply does not hold."))
}

impl House {
    /// Posts an inquiry's message to the next hop. The head comes before `deadline`, or nothing does.
    pub async fn post_inquiry(
        &self,
        to: &Entry,
        message: &impl Serialize,
        deadline: Moment,
    ) -> Result<Arrived, CallError> {
        self.post_for_reply(to, inquiry::PATH, message, deadline).await
    }

    async fn post_for_reply(
        &self,
        to: &Entry,
        path: &str,
        message: &impl Serialize,
        deadline: Moment,
    ) -> Result<Arrived, CallError> {
        let left = deadline.since_ms(self.now());
        let within = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let most = self.largest_sealed();
        let length = |reply: &Reply| reply.tail().filter(|length| *length <= most);
        let posted = self.peers.post_for_tail(&to.id, &to.address, path, message, within, length).await;
        let (reply, tail) = posted?;
        if tail.is_none() && reply.follows.is_some() {
            return Err(CallError::NotOfProtocol);
        }
        Ok(Arrived { reply, tail })
    }

    /// The largest sealed answer there is: the class of the largest answer, with what sealing adds to it.
    fn largest_sealed(&self) -> u64 {
        let class = self.defaults.size_class(self.defaults.largest_answer);
        u64::try_from(class + class / seal::PART * 16).unwrap_or(u64::MAX).saturating_add(4096)
    }

    /// The provider's word about the sealed answer.
    ///
    /// # Errors
    /// `bad_reply`: it is not the provider's, or of another inquiry.
    pub(crate) fn reply_statement(
        &self,
        provider: &PartyId,
        (inquiry, jws): (&Inquiry, &Jws),
        reply: &Reply,
    ) -> Result<ReplyStatement, Failure> {
        let statement: ReplyStatement =
            self.verify(&reply.statement, provider).map_err(|_| bad_reply("statement"))?;
        if statement.id != inquiry.id || statement.inquiry != B64::from(jws.hash()) {
            return Err(bad_reply("statement.inquiry"));
        }
        Ok(statement)
    }

    /// What a transcryptor keeps and records of a reply. A sealed answer that stands in the JSON is seen as it is, by its size
    /// and its hash; of one that follows the hash is what the provider signed, and nothing else passes.
    pub fn protect_passing(
        &self,
        inquiry: &Inquiry,
        jws: &Jws,
        arrived: Arrived,
        passage: &Passage,
    ) -> Result<Protected, Failure> {
        let Arrived { reply, tail } = arrived;
        let mut record = Record::new();
        record.set("size_class", reply.length());
        match tail {
            None => {
                record.set("sealed", words::hex(&seal::sha256(&reply.sealed.0)));
            }
            Some(tail) => {
                let expected = self.signed_hash((inquiry, jws), &reply)?;
                record.set("sealed", words::hex(&expected));
                *passage.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((tail, expected));
            }
        }
        let reply = serde_json::to_vec(&reply).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record, writes: None, keep: true })
    }

    fn signed_hash(&self, asked: (&Inquiry, &Jws), reply: &Reply) -> Result<Sha256, Failure> {
        let statement = self.reply_statement(&asked.0.to, asked, reply)?;
        statement.sealed.fixed("sealed").map_err(|_| bad_reply("statement.sealed"))
    }

    /// A provider's reply as it is kept and sent: JSON, and where the answer is of a class beyond those that stand in it, the
    /// sealed bytes after it.
    pub fn reply_to_keep(&self, statement: Jws, sealed: Vec<u8>) -> Result<Vec<u8>, Failure> {
        // What sealing adds is little, and the next class four times as large.
        let large = sealed.len() > 2 * self.defaults.largest_in_json();
        let follows = large.then(|| u64::try_from(sealed.len()).unwrap_or(u64::MAX));
        let (in_json, after) = if large { (Vec::new(), sealed) } else { (sealed, Vec::new()) };
        let reply = Reply { statement, sealed: in_json.into(), follows };
        let head = serde_json::to_vec(&reply).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(if large { wire::joined(&head, &after) } else { head })
    }

    /// Sends what an act of passing on ended in. Where the act was over before this call, what followed its reply has gone:
    /// one of `next` keeps it, and is asked for it once more.
    pub async fn pass_on(
        &self,
        asked: &Sent,
        spoken: Vec<u8>,
        passage: &Passage,
        next: &[Entry],
    ) -> Result<Response, Problem> {
        let held = passage.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let problem = |reason| Problem::new(reason).of(asked.inquiry.id);
        let (tail, expected) = match held {
            Some(held) => held,
            None => {
                // Most replies are whole: they are not read again for this.
                let head: Head = serde_json::from_slice(&spoken).map_err(|_| problem(Reason::Internal))?;
                if head.follows.is_none() {
                    return Ok(json_bytes(spoken));
                }
                let kept: Reply = serde_json::from_slice(&spoken).map_err(|_| problem(Reason::Internal))?;
                let again = Again { inquiry: asked.jws.clone() };
                let deadline = self.now().plus_ms(self.defaults.deadline_ms);
                let mut arrived = Err(CallError::Unreachable);
                for next in next {
                    arrived = self.post_for_reply(next, REPLIES, &again, deadline).await;
                    if arrived.is_ok() {
                        break;
                    }
                }
                let Arrived { reply, tail } = arrived.map_err(|error| problem(error.reason()))?;
                let same = reply.statement.hash() == kept.statement.hash() && reply.follows == kept.follows;
                let tail = tail.filter(|_| same).ok_or_else(|| problem(Reason::BadReply))?;
                let expected = self.signed_hash((&asked.inquiry, &asked.jws), &kept);
                (tail, expected.map_err(|failure| problem(failure.reason))?)
            }
        };
        let (response, onward) = wire::response_with_tail(&spoken, tail.left());
        tokio::spawn(flow(tail, onward, expected));
        Ok(response)
    }
}

/// Sends what [`House::reply_to_keep`] made; `place` is held until it is sent.
pub fn kept_reply(spoken: Vec<u8>, place: Option<OwnedSemaphorePermit>) -> Response {
    // JSON begins with a brace, a length with a zero: no head has 16 MB.
    if spoken.first() != Some(&0) {
        return json_bytes(spoken);
    }
    let spoken = Bytes::from(spoken);
    let (response, mut onward) = wire::response_of_joined(&spoken);
    tokio::spawn(async move {
        // Who does not read to the end asks again.
        let _ = onward.send(spoken).await;
        drop(place);
    });
    response
}

/// Passes a tail on. The last piece goes only if the whole is what the provider signed.
async fn flow(mut tail: Tail, mut onward: Onward, expected: Sha256) {
    let (mut hasher, mut last) = (Hasher::default(), Bytes::new());
    loop {
        match tail.next().await {
            Ok(Some(piece)) => {
                hasher.update(&piece);
                if onward.send(std::mem::replace(&mut last, piece)).await.is_err() {
                    return;
                }
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "an answer broke off on its way");
                return onward.break_off();
            }
        }
    }
    if hasher.end() == expected {
        // Nobody reads: as above.
        let _ = onward.send(last).await;
    } else {
        tracing::error!("an answer was not what its provider signed; it was not passed on to its end");
        onward.break_off();
    }
}
