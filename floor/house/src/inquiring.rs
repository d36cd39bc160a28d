//! What every inquirer does with an inquiry, an institution's gateway and a person's portal alike: send it, open the reply.

use std::sync::Arc;
use std::time::Duration;

use protocol::inquiry::{ANSWER_INFO, Answer, Inquiry, PersonAsks, Reply, ReplyStatement, ToLinkage};
use road::Failure;
use seal::{Hasher, Jws, Opening, SealingKey, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use wire::{CallError, Problem};
use words::{B64, Reason, Right};
use world::BoxFuture;

use crate::House;
use crate::replies::{Arrived, bad_reply};

/// What came back, opened and verified.
pub struct OpenedReply {
    /// Never [`Answer::NotAnswered`].
    pub answer: Answer,
    /// SHA-256 of the inquiry's JWS.
    pub inquiry_hash: Sha256,
    /// From the exporter of the reply's HPKE, for the commitment to item 11.
    pub salt: [u8; 32],
    /// A large answer's place among those held at once.
    place: Option<OwnedSemaphorePermit>,
}

/// Why an inquiry brought no answer.
enum Broken {
    /// Nothing, or not all of it, came.
    Off(CallError),
    /// It came, and says or shows why.
    Bad(Failure),
}

/// A sealed answer that is hashed and opened while it comes.
struct Unsealing<'a> {
    opening: Opening<'a>,
    hasher: Hasher,
    inquiry_hash: Sha256,
    /// The answer, as far as it says it goes: what it was padded with is dropped.
    plain: Vec<u8>,
    opens: bool,
}

impl<'a> Unsealing<'a> {
    fn begin((inquiry, jws): (&Inquiry, &Jws), key: &'a SealingKey) -> Self {
        let inquiry_hash = jws.hash();
        let opening = key.opening(&[ANSWER_INFO, &inquiry_hash].concat(), inquiry.id.bytes());
        Self { opening, hasher: Hasher::default(), inquiry_hash, plain: Vec::new(), opens: true }
    }

    fn take(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        // What does not open is told at the end, after what was signed: who altered it cannot learn from the order.
        self.opens = self.opens && self.opening.take(piece, |part| keep(&mut self.plain, part)).is_ok();
    }

    fn end(mut self, statement: &ReplyStatement) -> Result<OpenedReply, Failure> {
        if statement.sealed != B64::from(self.hasher.end()) {
            return Err(bad_reply("statement.sealed"));
        }
        let salt = self.opening.end(|part| keep(&mut self.plain, part));
        let salt = salt.ok().filter(|_| self.opens).ok_or_else(|| bad_reply("sealed"))?;
        match Answer::unpad(&self.plain) {
            Some(Answer::NotAnswered) => Err(Failure::new(Reason::NotAnswered)),
            Some(answer) => Ok(OpenedReply { answer, inquiry_hash: self.inquiry_hash, salt, place: None }),
            None => Err(bad_reply("answer")),
        }
    }
}

/// Appends a part of a padded answer, up to the length that stands at its beginning.
fn keep(plain: &mut Vec<u8>, part: &[u8]) {
    let length = plain.first_chunk::<4>().or_else(|| part.first_chunk::<4>().filter(|_| plain.is_empty()));
    let whole = length.map_or(0, |length| u32::from_be_bytes(*length));
    let wanted = usize::try_from(whole).unwrap_or(usize::MAX).saturating_add(4).saturating_sub(plain.len());
    plain.extend_from_slice(part.get(..wanted).unwrap_or(part));
}

impl House {
    /// Sends an inquiry to linkage and opens the reply; once more, the same bytes, if the connection broke: a repeat is the same
    /// act.
    ///
    /// # Errors
    /// `bad_reply`: what came back is not what the provider signed. `not_answered`: it does not answer. What the next hop said.
    pub fn inquire<'a>(
        &'a self,
        inquiry: &'a Inquiry,
        jws: &'a Jws,
        key: &'a SealingKey,
        person: Option<PersonAsks>,
    ) -> BoxFuture<'a, Result<OpenedReply, Failure>> {
        Box::pin(async move {
            let linkage = self.only("linkage").map_err(Failure::new)?;
            let message = ToLinkage { inquiry: jws.clone(), person };
            let mut tries = 0;
            loop {
                let brought = match self.post_inquiry(&linkage, &message, inquiry.deadline).await {
                    Ok(arrived) => self.open_arrived((inquiry, jws), key, arrived).await,
                    Err(error) => Err(Broken::Off(error)),
                };
                match brought {
                    Ok(opened) => return Ok(opened),
                    Err(Broken::Off(CallError::Unreachable)) if tries == 0 => tries += 1,
                    Err(Broken::Off(error)) => {
                        return Err(Failure::with(error.reason(), "from linkage onward"));
                    }
                    Err(Broken::Bad(failure)) => return Err(failure),
                }
            }
        })
    }

    /// Opens a reply while it arrives: of a large one no more is held than the answer itself.
    async fn open_arrived(
        &self,
        asked: (&Inquiry, &Jws),
        key: &SealingKey,
        arrived: Arrived,
    ) -> Result<OpenedReply, Broken> {
        let Some(mut tail) = arrived.tail else {
            return self.open_reply(asked.0, asked.1, key, &arrived.reply).map_err(Broken::Bad);
        };
        let statement = self.reply_statement(&asked.0.to, asked, &arrived.reply).map_err(Broken::Bad)?;
        let left = Duration::from_millis(u64::try_from(asked.0.deadline.since_ms(self.now())).unwrap_or(0));
        let place = tokio::time::timeout(left, Arc::clone(&self.large_taken).acquire_owned()).await;
        let place = place.map_err(|_| Broken::Off(CallError::TimedOut))?.ok();
        let mut unsealing = Unsealing::begin(asked, key);
        while let Some(piece) = tail.next().await.map_err(Broken::Off)? {
            unsealing.take(&piece);
        }
        let mut opened = unsealing.end(&statement).map_err(Broken::Bad)?;
        opened.place = place;
        Ok(opened)
    }

    /// Verifies the provider's signature over the sealed answer, then opens it.
    pub fn open_reply(
        &self,
        inquiry: &Inquiry,
        jws: &Jws,
        key: &SealingKey,
        reply: &Reply,
    ) -> Result<OpenedReply, Failure> {
        let statement = self.reply_statement(&inquiry.to, (inquiry, jws), reply)?;
        let mut unsealing = Unsealing::begin((inquiry, jws), key);
        unsealing.take(&reply.sealed.0);
        unsealing.end(&statement)
    }

    /// Whether what came with an inquiry shows that the person asks: the registry's word that the first row of a batch is
    /// somebody who was asserted to it and still is, both hops' words that these codes came of that row, the portal as the
    /// receiver, and the inquiry made with that very code. Whoever decides on the inquiry checks this for itself.
    pub fn person_asks(&self, inquiry: &Inquiry, shown: Option<&PersonAsks>) -> Result<bool, Problem> {
        let (Right::Person, Some(shown)) = (inquiry.right, shown) else { return Ok(false) };
        let rows = self.check_codes(&shown.rows, &shown.hops, &shown.codes)?;
        let portal = self.only("portal")?;
        let code = shown.codes.first().map(seal::EncryptedCode::hash);
        Ok(rows.to == portal.id
            && inquiry.from == portal.id
            && rows.asserted_until.is_some_and(|until| self.now() < until)
            && inquiry.subject.session == rows.to_session
            && inquiry.subject.epoch == rows.to_epoch
            && code == Some(inquiry.subject.code.hash()))
    }
}
