//! Demanding and checking proofs of conversion.

use std::time::Duration;

use protocol::directory::Entry;
use protocol::proof::{CONVERSION_PROOFS, ConversionProof, DemandProof};
use protocol::session::SessionKey;
use seal::{Commitments, EncryptedCode, Jws, KnownKey, PublicPoint};
use words::{Reason, Right, SessionName};

use crate::House;

/// What is known of a conversion by who demands its proof.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The session the code came from.
    pub from_session: SessionName,
    /// The session it was converted to.
    pub to_session: SessionName,
    /// What went in.
    pub input: Option<EncryptedCode>,
    /// SHA-256 of what went in.
    pub taken: seal::Sha256,
    /// SHA-256 of what came out.
    pub given: seal::Sha256,
}

const WITHIN: Duration = Duration::from_secs(5);

/// What both transcryptors stated of one session.
struct Stated {
    domains: [PublicPoint; 2],
    sessions: [PublicPoint; 2],
    public: PublicPoint,
}

impl House {
    /// Whether this act's conversions are to be shown: all of those by a right that no list bounds, a secret random share
    /// of the others.
    /// None where the country's scheme is not the blind one: then there is only the core's word.
    pub fn wants_proof(&self, right: Right) -> bool {
        if !self.country.scheme.is_blind() {
            return false;
        }
        if matches!(right, Right::Emergency | Right::Disaster | Right::Person) {
            return true;
        }
        let [one, two]: [u8; 2] = self.world.random();
        u32::from(u16::from_be_bytes([one, two])) * 100 < u32::from(self.defaults.proofs_percent) * 65_536
    }

    /// Has a transcryptor show a conversion and checks it against what both published. `Err` tells why the conversion
    /// is not to be trusted: the proof does not hold, is about something else, or was not given.
    pub async fn demand_proof(
        &self,
        transcryptor: &Entry,
        demand: DemandProof,
        expected: Option<&Expected>,
    ) -> Result<ConversionProof, Reason> {
        let proof: ConversionProof = self
            .post(transcryptor, CONVERSION_PROOFS, &demand, WITHIN)
            .await
            .map_err(|error| error.reason())?;
        self.check_proof(transcryptor, &demand, &proof, expected)?;
        Ok(proof)
    }

    fn check_proof(
        &self,
        transcryptor: &Entry,
        demand: &DemandProof,
        proof: &ConversionProof,
        expected: Option<&Expected>,
    ) -> Result<(), Reason> {
        let wrong = Reason::BadConversion;
        if proof.act != demand.act || proof.target != demand.target {
            return Err(wrong);
        }
        let first = self.only("linkage")?.id == transcryptor.id;
        let ((from_name, from), (to_name, to)) = (self.stated(&proof.from)?, self.stated(&proof.to)?);
        if let Some(expected) = expected {
            let sessions = from_name == expected.from_session && to_name == expected.to_session;
            let hashes =
                proof.code.input.hash() == expected.taken && proof.code.output.hash() == expected.given;
            let input = expected.input.is_none_or(|input| input == proof.code.input);
            if !(sessions && hashes && input) {
                return Err(wrong);
            }
        }
        let own = usize::from(!first);
        let pick = |points: &[PublicPoint; 2]| points.get(own).copied().ok_or(wrong);
        let commitments = Commitments {
            from_domain: pick(&from.domains)?,
            to_domain: pick(&to.domains)?,
            from_session: pick(&from.sessions)?,
            to_session: pick(&to.sessions)?,
        };
        let known = if first { KnownKey::First(from.public) } else { KnownKey::Last(to.public) };
        proof.code.verify(&commitments, known).map_err(|_| wrong)
    }

    /// Both transcryptors' statements of one session, signatures and the chain of keys checked.
    fn stated(&self, statements: &[Jws]) -> Result<(SessionName, Stated), Reason> {
        let wrong = Reason::BadConversion;
        let linkage = self.only("linkage")?;
        let [first, last] = statements else { return Err(wrong) };
        let first: SessionKey = protocol::verify(first, &linkage.id, &linkage.signing)?;
        let (last, _): (SessionKey, _) = self.verify_trustee(last)?;
        let chain =
            first.key.verify(&self.country.global.public).and_then(|()| last.key.verify(&first.key.key));
        if chain.is_err() || first.session != last.session {
            return Err(wrong);
        }
        let stated = Stated {
            domains: [first.domain, last.domain],
            sessions: [first.key.commitment, last.key.commitment],
            public: last.key.key,
        };
        Ok((first.session, stated))
    }
}
