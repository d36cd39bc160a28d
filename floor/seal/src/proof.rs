//! Proofs that a transcryptor converted one code as it must (DESIGN §3, "Honest transcryptors").
//!
//! With `S_d = s_d·G` (a domain's commitment) and `K_c = k_c·G` (a session's), both published and signed at creation, and
//! `U` the key the code is encrypted under at this hop:
//!
//! | shown | statement, as a discrete-logarithm equality `(k; A, kA; C, kC)` |
//! |---|---|
//! | once for a pair: `R = (s_to/s_from)·G` | `(s_from; G, S_from; R, S_to)` |
//! | `M = (k_from/k_to)·G` | `(k_to; G, K_to; M, K_from)` |
//! | `W = s·(k_from/k_to)·G` | `(s; G, R; M, W)` |
//! | last hop: `U = (k_from/k_to)·Y_to` | `(k_from/k_to; G, M; Y_to, U)` |
//! | each code: `(B₁, C₁) = (B + rG, C + rU)` | `(r; G, B₁ − B; U, C₁ − C)` |
//! | `C′ = s·C₁` | `(s; G, R; C₁, C′)` |
//! | `B′ = s·(k_from/k_to)·B₁` | `(s·k_from/k_to; G, W; B₁, B′)` |
//!
//! The proofs are RFC 9497 §2.2 with `libpep`'s tags; their nonces come from fresh entropy, since a derived nonce would leak the
//! factor. What is shown says nothing of the person: the ciphertexts are known to both hops anyway.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use libpep::elgamal::arithmetic::Ristretto255Sha512;
use libpep::elgamal::arithmetic::group_elements::{G, GroupElement};
use libpep::elgamal::arithmetic::scalars::ScalarNonZero;
use libpep::elgamal::dleq;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::B64;

use crate::codes::{EncryptedCode, PublicPoint};
use crate::{Dice, SealError};

/// What a transcryptor published of the two domains and the two sessions of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitments {
    /// `S_from`.
    pub from_domain: PublicPoint,
    /// `S_to`.
    pub to_domain: PublicPoint,
    /// `K_from`.
    pub from_session: PublicPoint,
    /// `K_to`.
    pub to_session: PublicPoint,
}

/// What is shown once for a pair of domains and sessions, and cached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairProof {
    /// `R`.
    pub ratio: PublicPoint,
    /// `M`.
    pub back: PublicPoint,
    /// `W`.
    pub both: PublicPoint,
    /// `U`, the key at this hop.
    pub under: PublicPoint,
    /// The proofs of `R`, `M`, `W`, and of `U` where this is the last hop: 64 bytes each.
    pub proofs: Vec<B64>,
}

/// What is shown of one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeProof {
    /// The pair's part.
    pub pair: PairProof,
    /// `(B, C)`.
    pub input: EncryptedCode,
    /// `(B₁, C₁)`.
    pub middle: EncryptedCode,
    /// `(B′, C′)`.
    pub output: EncryptedCode,
    /// Three proofs, 64 bytes each.
    pub proofs: Vec<B64>,
}

/// The key a hop works under, as the verifier knows it.
#[derive(Clone, Copy, Debug)]
pub enum KnownKey {
    /// First hop: `U` is the sender's session key.
    First(PublicPoint),
    /// Last hop: `U` is `(k_from/k_to)·Y_to`.
    Last(PublicPoint),
}

fn element(point: &RistrettoPoint) -> Result<GroupElement, SealError> {
    GroupElement::from_bytes(&point.compress().to_bytes()).ok_or(SealError::BadPoint)
}

/// Shows that `k` takes `a` to `ka` and `c` to `kc`.
pub(crate) fn show(
    k: &Scalar,
    (a, ka): (&RistrettoPoint, &RistrettoPoint),
    (c, kc): (&RistrettoPoint, &RistrettoPoint),
    dice: &Dice,
) -> Result<B64, SealError> {
    let secret = ScalarNonZero::from_bytes(&k.to_bytes()).ok_or(SealError::BadProof)?;
    let (a, ka, c, kc) = (element(a)?, element(ka)?, element(c)?, element(kc)?);
    let mut fresh = dice.clone();
    let proof = dleq::generate_proof::<Ristretto255Sha512, _>(&secret, &a, &ka, &[c], &[kc], &mut fresh);
    proof.map(|proof| B64::from(proof.to_bytes())).map_err(|_| SealError::BadProof)
}

fn holds(
    proof: Option<&B64>,
    (a, ka): (&RistrettoPoint, &RistrettoPoint),
    (c, kc): (&RistrettoPoint, &RistrettoPoint),
) -> Result<(), SealError> {
    let proof = proof.and_then(|proof| dleq::Proof::from_slice(&proof.0)).ok_or(SealError::BadProof)?;
    let (a, ka, c, kc) = (element(a)?, element(ka)?, element(c)?, element(kc)?);
    if dleq::verify_proof::<Ristretto255Sha512>(&a, &ka, &[c], &[kc], &proof) {
        Ok(())
    } else {
        Err(SealError::BadProof)
    }
}

fn generator() -> RistrettoPoint {
    debug_assert_eq!(element(&RISTRETTO_BASEPOINT_TABLE.basepoint()).ok(), Some(G));
    RISTRETTO_BASEPOINT_TABLE.basepoint()
}

/// The secret factors of one pair, as [`crate::TranscryptorSecrets`] has them.
pub(crate) struct PairSecrets<'a> {
    pub(crate) s_from: Scalar,
    pub(crate) k_to: Scalar,
    pub(crate) s: &'a Scalar,
    pub(crate) back: &'a Scalar,
}

/// Shows a pair's part.
pub(crate) fn show_pair(
    secrets: &PairSecrets<'_>,
    commitments: &Commitments,
    known: KnownKey,
    dice: &Dice,
) -> Result<PairProof, SealError> {
    let g = generator();
    let (ratio, back) = (secrets.s * RISTRETTO_BASEPOINT_TABLE, secrets.back * RISTRETTO_BASEPOINT_TABLE);
    let both = secrets.s * back;
    let mut proofs = vec![
        show(&secrets.s_from, (&g, &commitments.from_domain.0), (&ratio, &commitments.to_domain.0), dice)?,
        show(&secrets.k_to, (&g, &commitments.to_session.0), (&back, &commitments.from_session.0), dice)?,
        show(secrets.s, (&g, &ratio), (&back, &both), dice)?,
    ];
    let under = match known {
        KnownKey::First(key) => key.0,
        KnownKey::Last(key) => {
            let under = secrets.back * key.0;
            proofs.push(show(secrets.back, (&g, &back), (&key.0, &under), dice)?);
            under
        }
    };
    let point = PublicPoint;
    Ok(PairProof { ratio: point(ratio), back: point(back), both: point(both), under: point(under), proofs })
}

impl PairProof {
    /// Checks the pair's part against what the transcryptor published.
    pub fn verify(&self, commitments: &Commitments, known: KnownKey) -> Result<(), SealError> {
        let g = generator();
        let nth = |n: usize| self.proofs.get(n);
        holds(nth(0), (&g, &commitments.from_domain.0), (&self.ratio.0, &commitments.to_domain.0))?;
        holds(nth(1), (&g, &commitments.to_session.0), (&self.back.0, &commitments.from_session.0))?;
        holds(nth(2), (&g, &self.ratio.0), (&self.back.0, &self.both.0))?;
        match known {
            KnownKey::First(key) if key == self.under => Ok(()),
            KnownKey::First(_) => Err(SealError::BadProof),
            KnownKey::Last(key) => holds(nth(3), (&g, &self.back.0), (&key.0, &self.under.0)),
        }
    }
}

/// Shows one code's part.
pub(crate) fn show_code(
    pair: PairProof,
    (s, back, r): (&Scalar, &Scalar, &Scalar),
    input: &EncryptedCode,
    output: &EncryptedCode,
    dice: &Dice,
) -> Result<CodeProof, SealError> {
    let g = generator();
    let moved = (r * RISTRETTO_BASEPOINT_TABLE, r * pair.under.0);
    let middle = EncryptedCode::of(input.b + moved.0, input.c + moved.1);
    let proofs = vec![
        show(r, (&g, &moved.0), (&pair.under.0, &moved.1), dice)?,
        show(s, (&g, &pair.ratio.0), (&middle.c, &output.c), dice)?,
        show(&(s * back), (&g, &pair.both.0), (&middle.b, &output.b), dice)?,
    ];
    Ok(CodeProof { pair, input: *input, middle, output: *output, proofs })
}

impl CodeProof {
    /// Checks the whole proof: that `output` is the one conversion of `input` that the published commitments allow,
    /// re-randomised.
    pub fn verify(&self, commitments: &Commitments, known: KnownKey) -> Result<(), SealError> {
        self.pair.verify(commitments, known)?;
        let g = generator();
        let nth = |n: usize| self.proofs.get(n);
        let moved = (self.middle.b - self.input.b, self.middle.c - self.input.c);
        holds(nth(0), (&g, &moved.0), (&self.pair.under.0, &moved.1))?;
        holds(nth(1), (&g, &self.pair.ratio.0), (&self.middle.c, &self.output.c))?;
        holds(nth(2), (&g, &self.pair.both.0), (&self.middle.b, &self.output.b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conversion, Position, TranscryptorSecrets};
    use words::{ActId, Domain, Epoch, PartyId, SessionName};

    fn dice() -> Dice {
        Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer))
    }

    fn conversion(from: &str, to: &str) -> Conversion {
        let party = |id: &str| PartyId::parse(id).unwrap();
        let day = words::Date::new(2026, 11, 22).unwrap();
        Conversion {
            from_domain: Domain::new(party(from), Epoch(0)),
            from_session: SessionName::new(&party(from), day, 0),
            to_domain: Domain::new(party(to), Epoch(0)),
            to_session: SessionName::new(&party(to), day, 0),
        }
    }

    fn commitments(secrets: &TranscryptorSecrets, conversion: &Conversion, dice: &Dice) -> Commitments {
        let session = |name: &SessionName| {
            let before = PublicPoint(generator());
            secrets.extend_session_key(name, &before, dice).unwrap().commitment
        };
        Commitments {
            from_domain: secrets.domain_commitment(&conversion.from_domain).unwrap(),
            to_domain: secrets.domain_commitment(&conversion.to_domain).unwrap(),
            from_session: session(&conversion.from_session),
            to_session: session(&conversion.to_session),
        }
    }

    #[test]
    fn an_honest_conversion_is_shown_and_every_dishonest_one_is_not() {
        let dice = dice();
        let dealt = crate::deal(2, &dice).unwrap();
        let conversion = conversion("town", "tax");
        let key = |name: &SessionName| {
            let first = dealt.transcryptors[0].extend_session_key(name, &dealt.global.public, &dice).unwrap();
            dealt.transcryptors[1].extend_session_key(name, &first.key, &dice).unwrap().key
        };
        let (from, to) = (key(&conversion.from_session), key(&conversion.to_session));
        let input = crate::PersonPoint::nobody(&dice).encrypt(&from, &dice);
        let id = ActId::new(dice.bytes());
        let places = [
            (Position::First(from), KnownKey::First(from), &dealt.transcryptors[0]),
            (Position::Last(to), KnownKey::Last(to), &dealt.transcryptors[1]),
        ];
        for (position, known, secrets) in places {
            let published = commitments(secrets, &conversion, &dice);
            let output = secrets.convert(&conversion, position, &id, &input).unwrap();
            let proof = secrets.prove(&conversion, position, &id, &input, &published, &dice).unwrap();
            assert_eq!((proof.input, proof.output), (input, output), "the very conversion that was made");
            proof.verify(&published, known).unwrap();
            let again = secrets.prove(&conversion, position, &id, &input, &published, &dice).unwrap();
            assert_ne!(again.proofs, proof.proofs, "fresh nonces");
            let text = serde_json::to_string(&proof).unwrap();
            serde_json::from_str::<CodeProof>(&text).unwrap().verify(&published, known).unwrap();

            // Another subject under the same proof, in either half; another input; a proof of another code.
            let other = crate::PersonPoint::nobody(&dice).encrypt(&from, &dice);
            let elsewhere = secrets.prove(&conversion, position, &id, &other, &published, &dice).unwrap();
            let half = |b, c| EncryptedCode::of(b, c);
            let mut wrong = vec![
                CodeProof { output: elsewhere.output, ..proof.clone() },
                CodeProof { output: half(elsewhere.output.b, output.c), ..proof.clone() },
                CodeProof { output: half(output.b, elsewhere.output.c), ..proof.clone() },
                CodeProof { output: output.dangerous_multiply(7), ..proof.clone() },
                CodeProof { input: other, ..proof.clone() },
                CodeProof { middle: elsewhere.middle, ..proof.clone() },
                CodeProof { proofs: elsewhere.proofs.clone(), ..proof.clone() },
            ];
            for dropped in 0..3 {
                let mut proofs = proof.proofs.clone();
                proofs.remove(dropped);
                wrong.push(CodeProof { proofs, ..proof.clone() });
            }
            for dropped in 0..proof.pair.proofs.len() {
                let mut pair = proof.pair.clone();
                pair.proofs.remove(dropped);
                wrong.push(CodeProof { pair, ..proof.clone() });
            }
            let pair = PairProof { under: PublicPoint(generator()), ..proof.pair.clone() };
            wrong.push(CodeProof { pair, ..proof.clone() });
            for (i, wrong) in wrong.iter().enumerate() {
                assert!(wrong.verify(&published, known).is_err(), "attempt {i} holds");
            }
            // Towards another domain than the one that was published for the target.
            let astray = super::tests::conversion("town", "pension");
            let wrong = secrets.prove(&astray, position, &id, &input, &published, &dice);
            assert!(wrong.is_err() || wrong.is_ok_and(|proof| proof.verify(&published, known).is_err()));
        }
    }
}
