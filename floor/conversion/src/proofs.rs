//! A transcryptor's keeping of what it converted, and the proofs it gives of it.

use std::sync::Arc;

use house::House;
use protocol::proof::{ConversionProof, DemandProof, Target};
use road::RoomWrite;
use seal::{Commitments, Conversion, EncryptedCode, Jws, Position};
use store::params;
use words::{ActId, Domain, PartyId, Reason, SessionName};

use crate::{Conversions, KnownSession, Place};

/// How long conversions are kept, ms.
const KEPT_MS: i64 = 86_400_000;

/// One conversion that was made, to be kept with its act's decision.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The act, or the batch.
    pub id: ActId,
    /// Which of its conversions.
    pub target: Target,
    /// Whether these are the rows of a batch.
    pub batch: bool,
    /// From which session.
    pub from: SessionName,
    /// To which.
    pub to: SessionName,
    /// What went in.
    pub inputs: Vec<EncryptedCode>,
    /// What came out, in the same order.
    pub outputs: Vec<EncryptedCode>,
}

/// A conversion as this room kept it.
struct Kept {
    converted: Converted,
    /// Whether the outputs were kept too; rows of before that was done have none.
    with_outputs: bool,
}

fn bytes_of(codes: &[EncryptedCode]) -> Vec<u8> {
    codes.iter().flat_map(EncryptedCode::to_bytes).collect()
}

fn codes_of(bytes: &[u8]) -> Option<Vec<EncryptedCode>> {
    bytes.chunks(64).map(|code| EncryptedCode::from_bytes(code).ok()).collect()
}

/// The second sealed column of a row has a name of its own, so that the two cannot be exchanged.
fn outputs_name(target: Target) -> String {
    format!("{}/outputs", target.as_str())
}

impl Conversions {
    /// The rows to write with a decision: what went in and what came out, sealed; what is older than 24 hours is dropped.
    pub fn keep_conversions(&self, kept: Vec<Converted>) -> RoomWrite {
        let now = self.house.now();
        let rows: Vec<_> = kept
            .into_iter()
            .map(|one| {
                let seal = |name: &str, codes: &[EncryptedCode]| {
                    self.house.storage.seal("converted", one.id.bytes(), name, &bytes_of(codes))
                };
                params![
                    one.id.bytes(),
                    one.target.as_str(),
                    i64::from(one.batch),
                    one.from.as_str(),
                    one.to.as_str(),
                    seal(one.target.as_str(), &one.inputs),
                    now.0,
                    seal(&outputs_name(one.target), &one.outputs)
                ]
            })
            .collect();
        Box::new(move |write| {
            write.execute("DELETE FROM converted WHERE at < $1", &params![now.plus_ms(-KEPT_MS).0])?;
            for row in &rows {
                let sql = "INSERT INTO converted (act, target, batch, from_session, to_session, codes, at, outputs) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (act, target) DO NOTHING";
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
                let rows = self.kept(batch, demand.target).await?;
                rows.filter(|kept| kept.converted.batch).ok_or(Reason::NotFound)?
            }
        };
        if !self.house.country.scheme.is_blind() {
            // Under the other schemes there is nothing to be shown but the core's word.
            return Err(Reason::NotFound);
        }
        let Kept { converted: kept, with_outputs } = kept;
        if !sees_all && kept.to.party() != caller {
            return Err(Reason::NotFound);
        }
        let at = if kept.batch {
            (0..u32::try_from(kept.inputs.len()).unwrap_or(u32::MAX))
                .position(|row| kept.id.row(row) == demand.act)
                .ok_or(Reason::NotFound)?
        } else {
            0
        };
        let input = *kept.inputs.get(at).ok_or(Reason::NotFound)?;
        let given = kept.outputs.get(at).copied();
        let now = self.house.now();
        let (from, to) = (self.known(&kept.from, now).await?, self.known(&kept.to, now).await?);
        let conversion = Conversion {
            from_domain: Domain::new(from.party.clone(), from.epoch),
            from_session: from.name.clone(),
            to_domain: Domain::new(to.party.clone(), to.epoch),
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
        if with_outputs && given != Some(code.output) {
            // Nothing else can be shown of it: the secrets of today do not give what was given then.
            tracing::error!(act = %demand.act, "what was given then is not what these secrets give");
            return Err(Reason::BadConversion);
        }
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

    async fn kept(&self, id: ActId, target: Target) -> Result<Option<Kept>, Reason> {
        let key = Arc::clone(&self.house.storage);
        let row = self
            .house
            .road
            .db()
            .read("converted", move |read| {
                let sql = "SELECT batch, from_session, to_session, codes, outputs \
                           FROM converted WHERE act = $1 AND target = $2";
                read.row(sql, &params![id.bytes(), target.as_str()])
            })
            .await
            .map_err(|_: store::StoreError| Reason::Internal)?;
        let Some(row) = row else { return Ok(None) };
        let read = || {
            let sealed = row.bytes(3).ok()?;
            let inputs = codes_of(&key.open("converted", id.bytes(), target.as_str(), &sealed).ok()?)?;
            let outputs = match row.opt_bytes(4).ok()? {
                Some(sealed) => {
                    Some(codes_of(&key.open("converted", id.bytes(), &outputs_name(target), &sealed).ok()?)?)
                }
                None => None,
            };
            let converted = Converted {
                id,
                target,
                batch: row.int(0).ok()? == 1,
                from: SessionName::parse(&row.text(1).ok()?).ok()?,
                to: SessionName::parse(&row.text(2).ok()?).ok()?,
                inputs,
                outputs: outputs.clone().unwrap_or_default(),
            };
            Some(Kept { converted, with_outputs: outputs.is_some() })
        };
        read().map(Some).ok_or(Reason::Internal)
    }
}
