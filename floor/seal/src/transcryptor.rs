//! One transcryptor's half of a conversion (DESIGN §3).
//!
//! Conversion A→B of `(B, C)` under `Y_from`: re-randomise by `r`, multiply the plaintext by
//! `s = s_B / s_A`, move the key by `k = k_B / k_A`. Factors, shares and proofs come from `libpep`; the one
//! combined operation is ours, directly on curve25519-dalek, and judged by `libpep` in tests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use libpep::contexts::{EncryptionContext, PseudonymizationDomain};
use libpep::elgamal::arithmetic::Ristretto255Sha512;
use libpep::elgamal::arithmetic::group_elements::{G, GroupElement};
use libpep::elgamal::arithmetic::scalars::ScalarNonZero;
use libpep::elgamal::dleq;
use libpep::factors::{
    Factor, PseudonymizationSecret, RekeyingSecret, make_pseudonym_rekey_factor, make_pseudonymization_factor,
};
use libpep::keys::distribution::{BlindingFactor, SessionKeyShare, make_pseudonym_session_key_share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::{ActId, B64, Domain, SessionName};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::codes::{EncryptedCode, PublicPoint};
use crate::hash::hmac512;
use crate::proof::{CodeProof, Commitments, KnownKey, PairProof, PairSecrets, show_code, show_pair};
use crate::secret::Secret;
use crate::session::Share;
use crate::{Dice, SealError};

/// From where to where a code is converted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conversion {
    /// The domain the code belongs to.
    pub from_domain: Domain,
    /// The session it is encrypted under.
    pub from_session: SessionName,
    /// The domain it is wanted in.
    pub to_domain: Domain,
    /// The session it is wanted under.
    pub to_session: SessionName,
}

impl Conversion {
    fn names(&self) -> [String; 4] {
        [
            self.from_domain.to_string(),
            self.to_domain.to_string(),
            self.from_session.to_string(),
            self.to_session.to_string(),
        ]
    }
}

/// Where on the route a transcryptor stands. Two transcryptors: the first works under the sender's key, the
/// last under `(k_from / k_to)·Y_to`, which it derives alone; neither takes a key from a message.
#[derive(Clone, Copy, Debug)]
pub enum Position {
    /// First hop; holds the public key of the session the code comes from.
    First(PublicPoint),
    /// Last hop; holds the public key of the session the code goes to.
    Last(PublicPoint),
}

/// A transcryptor's part in the public key of a session, with its proof that the same factor made both
/// `commitment = k·G` and `key = k·before`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyProof {
    /// `k·G`.
    pub commitment: PublicPoint,
    /// The key so far, this transcryptor's factor included.
    pub key: PublicPoint,
    /// The DLEQ proof (RFC 9497 §2.2, with `libpep`'s tags): 64 bytes.
    pub proof: B64,
}

impl KeyProof {
    /// Checks the proof against the key `before` this transcryptor's turn.
    pub fn verify(&self, before: &PublicPoint) -> Result<(), SealError> {
        let proof = dleq::Proof::from_slice(&self.proof.0).ok_or(SealError::BadProof)?;
        let pairs = (element(&self.commitment)?, element(before)?, element(&self.key)?);
        let holds = dleq::verify_proof::<Ristretto255Sha512>(&G, &pairs.0, &[pairs.1], &[pairs.2], &proof);
        if holds { Ok(()) } else { Err(SealError::BadProof) }
    }
}

fn element(point: &PublicPoint) -> Result<GroupElement, SealError> {
    GroupElement::from_bytes(&point.to_bytes()).ok_or(SealError::BadPoint)
}

fn scalar_of(bytes: &[u8]) -> Result<Scalar, SealError> {
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| SealError::BadKey)?;
    Option::from(Scalar::from_canonical_bytes(bytes)).ok_or(SealError::BadKey)
}

/// The factors of one conversion, computed once and kept: two inversions and four hashes saved each time.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Factors {
    s: Scalar,
    /// `s / k`, k being `k_to / k_from`.
    s_over_k: Scalar,
    /// `k_from / k_to`: takes the target's key to the key the last hop works under.
    back: Scalar,
    /// The conversion's names, as they go into each re-randomiser.
    #[zeroize(skip)]
    names: [String; 4],
}

/// A session's public key. One that is used often gets a table of its multiples, 30 kB.
struct SessionKey {
    key: PublicPoint,
    uses: AtomicU32,
    table: OnceLock<Box<RistrettoBasepointTable>>,
}

impl SessionKey {
    /// From so many uses on a table is sooner made than done without: it costs 1 ms and saves 10 µs each time.
    const OFTEN: u32 = 128;

    const fn new(key: PublicPoint) -> Self {
        Self { key, uses: AtomicU32::new(0), table: OnceLock::new() }
    }

    /// Says that the key is about to be used.
    fn used(&self) {
        if self.table.get().is_none() && self.uses.fetch_add(1, Ordering::Relaxed) >= Self::OFTEN {
            self.table.get_or_init(|| Box::new(RistrettoBasepointTable::create(&self.key.0)));
        }
    }

    /// A multiple of the key. Constant time in the scalar.
    fn times(&self, scalar: &Scalar) -> RistrettoPoint {
        match self.table.get() {
            Some(table) => scalar * table.as_ref(),
            None => scalar * self.key.0,
        }
    }
}

/// The secrets of one transcryptor: two seeds, a seed for re-randomisers, and its blinding factor.
pub struct TranscryptorSecrets {
    pseudonymization: PseudonymizationSecret,
    rekeying: RekeyingSecret,
    rerandomizing: Secret<32>,
    blinding: Secret<32>,
    factors: Mutex<HashMap<Conversion, Arc<Factors>>>,
    pairs: Mutex<HashMap<Conversion, PairProof>>,
    keys: Mutex<HashMap<SessionName, Arc<SessionKey>>>,
}

/// Above this many keys those in memory are forgotten: with their tables they take 60 MB.
const HELD_KEYS: usize = 2_048;
/// Above this many pairs the cache starts anew; a pair takes about 400 bytes.
const CACHED_PAIRS: usize = 20_000;

impl TranscryptorSecrets {
    pub(crate) fn fresh(blinding: [u8; 32], dice: &Dice) -> Self {
        Self::from_parts(dice.bytes(), dice.bytes(), dice.bytes(), blinding)
    }

    fn from_parts(
        pseudonymization: [u8; 32],
        rekeying: [u8; 32],
        rerandomizing: [u8; 32],
        blinding: [u8; 32],
    ) -> Self {
        Self {
            pseudonymization: PseudonymizationSecret::from(pseudonymization.to_vec()),
            rekeying: RekeyingSecret::from(rekeying.to_vec()),
            rerandomizing: Secret::new(rerandomizing),
            blinding: Secret::new(blinding),
            factors: Mutex::new(HashMap::new()),
            pairs: Mutex::new(HashMap::new()),
            keys: Mutex::new(HashMap::new()),
        }
    }

    pub(crate) fn to_stored(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let parts = [
            self.pseudonymization.as_bytes(),
            self.rekeying.as_bytes(),
            self.rerandomizing.bytes(),
            self.blinding.bytes(),
        ];
        zeroize::Zeroizing::new(parts.concat())
    }

    pub(crate) fn from_stored(bytes: &[u8]) -> Result<Self, SealError> {
        let mut parts =
            bytes.chunks_exact(32).map(|part| <[u8; 32]>::try_from(part).map_err(|_| SealError::BadKey));
        let mut next = || parts.next().ok_or(SealError::BadKey)?;
        let secrets = Self::from_parts(next()?, next()?, next()?, next()?);
        if bytes.len() == 128 { Ok(secrets) } else { Err(SealError::BadKey) }
    }

    fn domain_factor(&self, domain: &Domain) -> Result<Scalar, SealError> {
        let domain = PseudonymizationDomain::from(domain.to_string().as_str());
        factor_bytes(make_pseudonymization_factor(&self.pseudonymization, &domain).scalar())
    }

    fn rekey_factor(&self, session: &SessionName) -> libpep::factors::PseudonymRekeyFactor {
        make_pseudonym_rekey_factor(&self.rekeying, &EncryptionContext::from(session.as_str()))
    }

    /// This transcryptor's turn in the opening of a session: multiplies its factor into the key so far (the
    /// global public key for the first) and proves that it did.
    pub fn extend_session_key(
        &self,
        session: &SessionName,
        before: &PublicPoint,
        dice: &Dice,
    ) -> Result<KeyProof, SealError> {
        let k = self.rekey_factor(session).scalar();
        let before = element(before)?;
        let (commitment, key) = (k * G, k * before);
        // Fresh entropy: a derived nonce would leak the factor (DESIGN §3, "Honest transcryptors").
        let proof = dleq::generate_proof::<Ristretto255Sha512, _>(
            &k,
            &G,
            &commitment,
            &[before],
            &[key],
            &mut dice.clone(),
        )
        .map_err(|_| SealError::BadProof)?;
        Ok(KeyProof {
            commitment: PublicPoint::from_bytes(&commitment.to_bytes())?,
            key: PublicPoint::from_bytes(&key.to_bytes())?,
            proof: B64::from(proof.to_bytes()),
        })
    }

    /// The commitment `s·G` to a domain's factor, published when the domain is created.
    pub fn domain_commitment(&self, domain: &Domain) -> Result<PublicPoint, SealError> {
        Ok(PublicPoint(&self.domain_factor(domain)? * RISTRETTO_BASEPOINT_TABLE))
    }

    /// This transcryptor's share of a session's secret key, to be sealed to the session's room.
    pub fn share(&self, session: &SessionName) -> Result<Share, SealError> {
        let blinding = BlindingFactor::from_slice(self.blinding.bytes()).ok_or(SealError::BadKey)?;
        let share = make_pseudonym_session_key_share(&self.rekey_factor(session), &blinding);
        Share::from_opened(share.to_bytes().as_ref())
    }

    fn factors(&self, conversion: &Conversion) -> Result<Arc<Factors>, SealError> {
        let mut cache = self.factors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(factors) = cache.get(conversion) {
            return Ok(Arc::clone(factors));
        }
        let s = self.domain_factor(&conversion.from_domain)?.invert()
            * self.domain_factor(&conversion.to_domain)?;
        let k_from = factor_bytes(self.rekey_factor(&conversion.from_session).scalar())?;
        let k_to = factor_bytes(self.rekey_factor(&conversion.to_session).scalar())?;
        let back = k_from * k_to.invert();
        let factors = Arc::new(Factors { s, s_over_k: s * back, back, names: conversion.names() });
        if cache.len() >= CACHED_PAIRS {
            cache.clear();
        }
        cache.insert(conversion.clone(), Arc::clone(&factors));
        Ok(factors)
    }

    fn session_key(&self, session: &SessionName, key: PublicPoint) -> Arc<SessionKey> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = keys.get(session).filter(|held| held.key == key) {
            return Arc::clone(held);
        }
        if keys.len() >= HELD_KEYS {
            keys.clear();
        }
        let held = Arc::new(SessionKey::new(key));
        keys.insert(session.clone(), Arc::clone(&held));
        held
    }

    /// Converts one code. The re-randomiser is `H(seed, id, conversion, H(in))`, so that any conversion can be
    /// demanded and proved afterwards; row and target differ by `id` and `conversion`.
    pub fn convert(
        &self,
        conversion: &Conversion,
        position: Position,
        id: &ActId,
        input: &EncryptedCode,
    ) -> Result<EncryptedCode, SealError> {
        let done = self.convert_all(conversion, position, [(*id, input)])?;
        done.into_iter().next().ok_or(SealError::BadPoint)
    }

    /// Converts several codes the same way, each as by [`Self::convert`] and in their order; cheaper together, because
    /// they are written with one inversion.
    pub fn convert_all<'a>(
        &self,
        conversion: &Conversion,
        position: Position,
        rows: impl IntoIterator<Item = (ActId, &'a EncryptedCode)>,
    ) -> Result<Vec<EncryptedCode>, SealError> {
        let factors = self.factors(conversion)?;
        let (under, factor) = match position {
            Position::First(key) => (self.session_key(&conversion.from_session, key), factors.s),
            Position::Last(key) => (self.session_key(&conversion.to_session, key), factors.s * factors.back),
        };
        let halves = rows.into_iter().map(|(id, input)| {
            let mut r = self.rerandomizer(&factors, &id, input);
            under.used();
            let rerandomized = |scalar: &Scalar| under.times(scalar);
            let half = combined(input, rerandomized, &r, [&factors.s, &factors.s_over_k, &factor]);
            r.zeroize();
            half
        });
        Ok(EncryptedCode::of_halves(&halves.collect::<Vec<_>>()))
    }

    /// Shows a conversion that was made, or would be made, of this input (DESIGN §3, "Honest transcryptors"). The pair's
    /// part is made once and kept.
    pub fn prove(
        &self,
        conversion: &Conversion,
        position: Position,
        id: &ActId,
        input: &EncryptedCode,
        commitments: &Commitments,
        dice: &Dice,
    ) -> Result<CodeProof, SealError> {
        let factors = self.factors(conversion)?;
        let kept = self.pairs.lock().unwrap_or_else(PoisonError::into_inner).get(conversion).cloned();
        let pair = match kept {
            Some(pair) => pair,
            None => {
                let secrets = PairSecrets {
                    s_from: self.domain_factor(&conversion.from_domain)?,
                    k_to: factor_bytes(self.rekey_factor(&conversion.to_session).scalar())?,
                    s: &factors.s,
                    back: &factors.back,
                };
                let known = match position {
                    Position::First(key) => KnownKey::First(key),
                    Position::Last(key) => KnownKey::Last(key),
                };
                let pair = show_pair(&secrets, commitments, known, dice)?;
                let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
                if pairs.len() >= CACHED_PAIRS {
                    pairs.clear();
                }
                pairs.insert(conversion.clone(), pair.clone());
                pair
            }
        };
        let output = self.convert(conversion, position, id, input)?;
        let mut r = self.rerandomizer(&factors, id, input);
        let proof = show_code(pair, (&factors.s, &factors.back, &r), input, &output, dice);
        r.zeroize();
        proof
    }

    fn rerandomizer(&self, factors: &Factors, id: &ActId, input: &EncryptedCode) -> Scalar {
        let [from_domain, to_domain, from_session, to_session] =
            factors.names.each_ref().map(String::as_bytes);
        let label: &[u8] = b"musubi/rerandomize/v1";
        let parts = [label, id.bytes(), from_domain, to_domain, from_session, to_session, &input.hash()];
        Scalar::from_bytes_mod_order_wide(&hmac512(self.rerandomizing.bytes(), &parts))
    }
}

fn factor_bytes(scalar: ScalarNonZero) -> Result<Scalar, SealError> {
    use libpep::elgamal::arithmetic::scalars::ScalarTraits;
    scalar_of(&scalar.to_bytes())
}

/// Re-randomise, reshuffle and rekey in one: half of `(s/k·B + s/k·r·G, s·C + y·r·Y)` for
/// [`EncryptedCode::of_halves`], from the factors `s`, `s/k` and `y`, which is `s` times what leads from the key `Y` of
/// which `times` gives multiples to the key the input is encrypted under. Constant time.
pub(crate) fn combined(
    input: &EncryptedCode,
    times: impl Fn(&Scalar) -> RistrettoPoint,
    r: &Scalar,
    factors: [&Scalar; 3],
) -> [RistrettoPoint; 2] {
    let [s, s_over_k, y] = factors.map(Scalar::div_by_2);
    let b = s_over_k * input.b + &(s_over_k * r) * RISTRETTO_BASEPOINT_TABLE;
    let c = s * input.c + times(&(y * r));
    [b, c]
}

#[cfg(test)]
mod tests {
    use super::*;
    use libpep::elgamal::ElGamal;
    use libpep::elgamal::primitives::{rerandomize, rrsk};
    use libpep::prelude::DistributedTranscryptor;
    use words::{Epoch, PartyId};

    fn dice() -> Dice {
        Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer))
    }

    fn theirs(scalar: &Scalar) -> ScalarNonZero {
        ScalarNonZero::from_bytes(&scalar.to_bytes()).unwrap()
    }

    fn elgamal(code: &EncryptedCode) -> ElGamal {
        ElGamal::from_slice(&code.to_bytes()).unwrap()
    }

    fn conversion() -> Conversion {
        let (a, b) = (PartyId::parse("town").unwrap(), PartyId::parse("tax-agency").unwrap());
        let day = words::Date::new(2026, 11, 22).unwrap();
        Conversion {
            from_domain: Domain::new(a.clone(), Epoch(0)),
            from_session: SessionName::new(&a, day, 0),
            to_domain: Domain::new(b.clone(), Epoch(0)),
            to_session: SessionName::new(&b, day, 0),
        }
    }

    /// The one operation that is ours gives, point for point, what libpep's own gives.
    #[test]
    fn the_combined_operation_is_libpeps() {
        let dice = dice();
        for _ in 0..50 {
            let scalar = || Scalar::from_bytes_mod_order_wide(&dice.bytes());
            let (r, s, k) = (scalar(), scalar(), scalar());
            let under = PublicPoint(RistrettoPoint::from_uniform_bytes(&dice.bytes()));
            let input = crate::PersonPoint::nobody(&dice).encrypt(&under, &dice);
            // As it is before a table was made, and after.
            let key = SessionKey::new(under);
            let half = || combined(&input, |scalar| key.times(scalar), &r, [&s, &(s * k.invert()), &s]);
            let without = half();
            (0..=SessionKey::OFTEN).for_each(|_| key.used());
            assert!(key.table.get().is_some());
            let [ours, with] = [without, half()].map(|half| EncryptedCode::of_halves(&[half])[0]);
            assert_eq!(ours, with);
            let judge =
                rrsk(&elgamal(&input), &element(&under).unwrap(), &theirs(&r), &theirs(&s), &theirs(&k));
            assert_eq!(ours.to_bytes().to_vec(), judge.to_bytes());
            // and with r = 0 left out of one side they differ, so the comparison can fail
            let other = rerandomize(&judge, &element(&under).unwrap(), &ScalarNonZero::one());
            assert_ne!(ours.to_bytes().to_vec(), other.to_bytes());
        }
    }

    /// A conversion through both transcryptors opens to the code that libpep's transcryptors, given the same
    /// secrets, lead to.
    #[test]
    fn a_conversion_through_two_transcryptors_is_libpeps() {
        let dice = dice();
        let dealt = crate::deal(2, &dice).unwrap();
        let conversion = conversion();
        let keys = |session: &SessionName| {
            let first =
                dealt.transcryptors[0].extend_session_key(session, &dealt.global.public, &dice).unwrap();
            first.verify(&dealt.global.public).unwrap();
            let last = dealt.transcryptors[1].extend_session_key(session, &first.key, &dice).unwrap();
            last.verify(&first.key).unwrap();
            let shares: Vec<_> = dealt.transcryptors.iter().map(|t| t.share(session).unwrap()).collect();
            crate::SessionSecret::assemble(&dealt.global, &shares, &last.key).unwrap()
        };
        let (from, to) = (keys(&conversion.from_session), keys(&conversion.to_session));
        let input = crate::PersonPoint::nobody(&dice).encrypt(from.public(), &dice);
        let id = ActId::new(dice.bytes());
        let half = dealt.transcryptors[0]
            .convert(&conversion, Position::First(*from.public()), &id, &input)
            .unwrap();
        let whole =
            dealt.transcryptors[1].convert(&conversion, Position::Last(*to.public()), &id, &half).unwrap();
        let ours = to.decrypt(&whole).unwrap();

        let mut judged = elgamal(&input);
        for t in &dealt.transcryptors {
            let judge = DistributedTranscryptor::new(
                PseudonymizationSecret::from(t.pseudonymization.as_bytes().to_vec()),
                RekeyingSecret::from(t.rekeying.as_bytes().to_vec()),
                BlindingFactor::from_slice(t.blinding.bytes()).unwrap(),
            );
            let info = judge.pseudonymization_info(
                &PseudonymizationDomain::from(conversion.from_domain.to_string().as_str()),
                &PseudonymizationDomain::from(conversion.to_domain.to_string().as_str()),
                &EncryptionContext::from(conversion.from_session.as_str()),
                &EncryptionContext::from(conversion.to_session.as_str()),
            );
            // Without re-randomising: the plaintext must not depend on it.
            judged = libpep::elgamal::primitives::rsk(&judged, &info.s.scalar(), &info.k.scalar());
        }
        let judged = EncryptedCode::from_bytes(&judged.to_bytes()).unwrap();
        assert!(to.decrypt(&judged).unwrap().same_as(&ours));
    }
}
