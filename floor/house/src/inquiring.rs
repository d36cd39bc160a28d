//! What every inquirer does with an inquiry, an institution's gateway and a person's portal alike: send it, open the reply.

use std::time::Duration;

use protocol::inquiry::{self, ANSWER_INFO, Answer, Inquiry, PersonAsks, Reply, ReplyStatement, ToLinkage};
use road::Failure;
use seal::{Jws, SealingKey, Sha256};
use wire::{CallError, Problem};
use words::{B64, Reason, Right};

use crate::House;

/// What came back, opened and verified.
pub struct OpenedReply {
    /// Never [`Answer::NotAnswered`].
    pub answer: Answer,
    /// SHA-256 of the inquiry's JWS.
    pub inquiry_hash: Sha256,
    /// From the exporter of the reply's HPKE, for the commitment to item 11.
    pub salt: [u8; 32],
}

/// The reply that came back does not hold.
fn bad_reply(what: &str) -> Failure {
    Failure::with(Reason::BadReply, format!("`{what}` of the reply does not hold."))
}

impl House {
    /// Sends an inquiry to linkage; once more, the same bytes, if the connection broke: a repeat is the same act.
    pub async fn send_inquiry(
        &self,
        inquiry: &Inquiry,
        jws: &Jws,
        person: Option<PersonAsks>,
    ) -> Result<Reply, Failure> {
        let linkage = self.only("linkage").map_err(Failure::new)?;
        let message = ToLinkage { inquiry: jws.clone(), person };
        let mut tries = 0;
        loop {
            let left = inquiry.deadline.since_ms(self.now());
            let within = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            match self.post(&linkage, inquiry::PATH, &message, within).await {
                Ok(reply) => return Ok(reply),
                Err(CallError::Unreachable) if tries == 0 => tries += 1,
                Err(error) => return Err(Failure::with(error.reason(), "from linkage onward")),
            }
        }
    }

    /// Verifies the provider's signature over the sealed answer, then opens it.
    pub fn open_reply(
        &self,
        inquiry: &Inquiry,
        jws: &Jws,
        key: &SealingKey,
        reply: &Reply,
    ) -> Result<OpenedReply, Failure> {
        let statement: ReplyStatement =
            self.verify(&reply.statement, &inquiry.to).map_err(|_| bad_reply("statement"))?;
        let hash = jws.hash();
        if statement.id != inquiry.id || statement.inquiry != B64::from(hash) {
            return Err(bad_reply("statement.inquiry"));
        }
        if statement.sealed != B64::from(seal::sha256(&reply.sealed.0)) {
            return Err(bad_reply("statement.sealed"));
        }
        let info = [ANSWER_INFO, &hash].concat();
        let opened = key.open(&info, inquiry.id.bytes(), &reply.sealed.0).map_err(|_| bad_reply("sealed"))?;
        match Answer::unpad(&opened.plaintext) {
            Some(Answer::NotAnswered) => Err(Failure::new(Reason::NotAnswered)),
            Some(answer) => Ok(OpenedReply { answer, inquiry_hash: hash, salt: opened.salt }),
            None => Err(bad_reply("answer")),
        }
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
