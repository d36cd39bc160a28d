//! A transcryptor's keeping of what it converted, and the proofs it gives of it.

use std::sync::Arc;

use house::House;
use protocol::issue::Rows;
use protocol::proof::{ConversionProof, DemandProof, Target};
use road::RoomWrite;
use seal::{Commitments, Conversion, EncryptedCode, Jws, Position};
use store::params;
use words::{ActId, Domain, PartyId, Reason, SessionName};

use crate::{Conversions, KnownSession, Place};

/// How long inputs are kept, ms.
const KEPT_MS: i64 = 86_400_000;

/// One conversion to be kept with its act's decision.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The act, or the batch.
    pub id: ActId,
    /// Which of its conversions.
    pub target: Target,
    /// Whether `codes` are the rows of a batch.
    pub batch: bool,
    /// From which session.
    pub from: SessionName,
    /// To which.
    pub to: SessionName,
    /// What goes in.
    pub codes: Vec<EncryptedCode>,
}

impl Converted {
    /// The rows of an issue on their way to the institution.
    pub fn of_rows(rows: &Rows, codes: Vec<EncryptedCode>) -> Self {
        let (from, to) = (rows.from_session.clone(), rows.to_session.clone());
        Self { id: rows.id, target: Target::To, batch: true, from, to, codes }
    }
}

impl Conversions {
    /// The rows to write with a decision: what goes in, sealed; and what is older than 24 hours is dropped.
    pub fn keep_inputs(&self, kept: Vec<Converted>) -> RoomWrite {
        let now = self.house.now();
        let rows: Vec<_> = kept
            .into_iter()
            .map(|one| {
                let codes: Vec<u8> = one.codes.iter().flat_map(EncryptedCode::to_bytes).collect();
                let sealed =
                    self.house.storage.seal("converted", one.id.bytes(), one.target.as_str(), &codes);
                params![
                    one.id.bytes(),
                    one.target.as_str(),
                    i64::from(one.batch),
                    one.from.as_str(),
                    one.to.as_str(),
                    sealed,
                    now.0
                ]
            })
            .collect();
        Box::new(move |write| {
            write.execute("DELETE FROM converted WHERE at < $1", &params![now.plus_ms(-KEPT_MS).0])?;
            for row in &rows {
                let sql = "INSERT INTO converted (act, target, batch, from_session, to_session, codes, at) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (act, target) DO NOTHING";
                write.execute(sql, row)?;
            }
            Ok(())
        })
    }

    /// Shows one conversion to whom it concerns: the other transcryptor and oversight any; the receiver its own.
    pub async fn prove(
        &self,
        demand: DemandProof,
        caller: &PartyId,
        sees_all: bool,
    ) -> Result<ConversionProof, Reason> {
        let kept = match self.kept(demand.act, demand.target).await? {
            Some(kept) => kept,
            // The row of a batch.
            None => {
                let batch = ActId::batch(*demand.act.bytes());
                self.kept(batch, demand.target).await?.filter(|kept| kept.batch).ok_or(Reason::NotFound)?
            }
        };
        if !sees_all && kept.to.party() != caller {
            return Err(Reason::NotFound);
        }
        let at = if kept.batch {
            (0..u32::try_from(kept.codes.len()).unwrap_or(u32::MAX))
                .position(|row| kept.id.row(row) == demand.act)
                .ok_or(Reason::NotFound)?
        } else {
            0
        };
        let input = *kept.codes.get(at).ok_or(Reason::NotFound)?;
        let now = self.house.now();
        let (from, to) = (self.known(&kept.from, now).await?, self.known(&kept.to, now).await?);
        let conversion = Conversion {
            from_domain: Domain::new(from.party.clone(), self.epoch(&from.party)),
            from_session: from.name.clone(),
            to_domain: Domain::new(to.party.clone(), self.epoch(&to.party)),
            to_session: to.name.clone(),
        };
        let position = match self.place {
            Place::First => Position::First(from.public),
            Place::Last => Position::Last(to.public),
        };
        let commitments = self.commitments(&from, &to)?;
        let (secrets, dice) = (Arc::clone(&self.secrets), self.house.dice.clone());
        let code = House::compute(move || {
            secrets.prove(&conversion, position, &demand.act, &input, &commitments, &dice)
        })
        .await?
        .map_err(|_| Reason::Internal)?;
        let statements = |session: &KnownSession| -> Vec<Jws> {
            let (own, other) = (session.own.clone(), session.other.clone());
            if self.place == Place::First { vec![own, other] } else { vec![other, own] }
        };
        Ok(ConversionProof {
            act: demand.act,
            target: demand.target,
            from: statements(&from),
            to: statements(&to),
            code,
        })
    }

    /// What this transcryptor published itself.
    fn commitments(&self, from: &KnownSession, to: &KnownSession) -> Result<Commitments, Reason> {
        let own = |session: &KnownSession| -> Result<protocol::session::SessionKey, Reason> {
            protocol::verify(&session.own, &self.house.id, &self.house.signing.verify_key())
        };
        let (from, to) = (own(from)?, own(to)?);
        Ok(Commitments {
            from_domain: from.domain,
            to_domain: to.domain,
            from_session: from.key.commitment,
            to_session: to.key.commitment,
        })
    }

    async fn kept(&self, id: ActId, target: Target) -> Result<Option<Converted>, Reason> {
        let key = Arc::clone(&self.house.storage);
        let row = self
            .house
            .road
            .db()
            .read("converted", move |read| {
                let sql = "SELECT batch, from_session, to_session, codes FROM converted WHERE act = $1 AND target = $2";
                read.row(sql, &params![id.bytes(), target.as_str()])
            })
            .await
            .map_err(|_: store::StoreError| Reason::Internal)?;
        let Some(row) = row else { return Ok(None) };
        let read = || {
            let sealed = row.bytes(3).ok()?;
            let codes = key.open("converted", id.bytes(), target.as_str(), &sealed).ok()?;
            let codes: Option<Vec<_>> =
                codes.chunks(64).map(|code| EncryptedCode::from_bytes(code).ok()).collect();
            Some(Converted {
                id,
                target,
                batch: row.int(0).ok()? == 1,
                from: SessionName::parse(&row.text(1).ok()?).ok()?,
                to: SessionName::parse(&row.text(2).ok()?).ok()?,
                codes: codes?,
            })
        };
        read().map(Some).ok_or(Reason::Internal)
    }
}
