//! What a party that is given codes does with them: everything signed is checked, then the codes are opened.

use protocol::index::hash_of;
use protocol::issue::{IssueHop, Rows, ToInstitution};
use seal::{EncryptedCode, Jws, LinkCode};
use wire::Problem;
use words::{B64, Reason};

use crate::{House, Sessions};

fn mismatch(rows: &Rows, what: &str) -> Problem {
    Problem::with(Reason::HopMismatch, format!("`{what}` is not what the hop before signed.")).of(rows.id)
}

impl House {
    /// Checks the way of a batch's codes: the registry's rows, and both hops from them to the codes that arrived.
    pub(crate) fn check_codes(
        &self,
        rows: &Jws,
        hops: &[Jws],
        codes: &[EncryptedCode],
    ) -> Result<Rows, Problem> {
        let (registry, linkage) = (self.only("registry")?, self.only("linkage")?);
        let named = B64::from(rows.hash());
        let rows: Rows = self.verify(rows, &registry.id)?;
        let [first, last] = hops else { return Err(mismatch(&rows, "hops")) };
        let first: IssueHop = self.verify(first, &linkage.id)?;
        let (last, _): (IssueHop, _) = self.verify_trustee(last)?;
        let chain = first.id == rows.id && last.id == rows.id && first.rows == named && last.rows == named;
        if !chain || first.taken != rows.codes || last.taken != first.given {
            return Err(mismatch(&rows, "hops"));
        }
        if last.given != hash_of(codes) || usize::try_from(rows.rows).unwrap_or(usize::MAX) != codes.len() {
            return Err(mismatch(&rows, "codes"));
        }
        Ok(rows)
    }

    /// Checks a batch of an issue, from the registry's rows through both hops to the codes that arrived, and opens
    /// the codes. Row i of the result is row i of the batch.
    pub async fn receive_codes(
        &self,
        sessions: &Sessions,
        message: &ToInstitution,
    ) -> Result<(Rows, Vec<LinkCode>), Problem> {
        let rows = self.check_codes(&message.rows, &message.hops, &message.codes)?;
        if rows.to != self.id {
            return Err(mismatch(&rows, "hops"));
        }
        if rows.status != B64::from(seal::sha256(&message.status.0)) {
            return Err(mismatch(&rows, "status"));
        }
        let session = sessions.find(self, &rows.to_session).await?;
        let encrypted = message.codes.clone();
        let opened = Self::compute(move || {
            encrypted.iter().map(|code| session.secret.decrypt(code)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
        let codes =
            opened.map_err(|_| Problem::with(Reason::Malformed, "A code does not open.").of(rows.id))?;
        Ok((rows, codes))
    }
}
