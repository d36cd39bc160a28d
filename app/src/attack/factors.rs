//! What stolen key files of transcryptors are good for: the thief's own arithmetic, on libpep's derivations.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use libpep::contexts::{EncryptionContext, PseudonymizationDomain};
use libpep::elgamal::arithmetic::scalars::ScalarTraits;
use libpep::factors::{
    Factor, PseudonymizationSecret, RekeyingSecret, make_pseudonym_rekey_factor, make_pseudonymization_factor,
};
use words::B64;

/// One transcryptor's seeds, out of its key file.
#[derive(Clone)]
pub(crate) struct Seeds {
    domains: Vec<u8>,
    sessions: Vec<u8>,
    blinding: Scalar,
}

impl Seeds {
    /// `musubi-transcryptor-secrets-v1 <base64url of four times 32 bytes>`.
    pub(crate) fn read(key_file: &str) -> Option<Self> {
        let bytes = B64::parse(key_file.trim().strip_prefix("musubi-transcryptor-secrets-v1 ")?).ok()?.0;
        let part = |at: usize| bytes.get(at * 32..(at + 1) * 32);
        Some(Self { domains: part(0)?.to_vec(), sessions: part(1)?.to_vec(), blinding: scalar(part(3)?)? })
    }

    fn of_domain(&self, party: &str) -> Option<Scalar> {
        let seed = PseudonymizationSecret::from(self.domains.clone());
        let domain = PseudonymizationDomain::from(format!("lc/v1/{party}/0").as_str());
        scalar(&make_pseudonymization_factor(&seed, &domain).scalar().to_bytes())
    }

    fn share(&self, session: &str) -> Option<Scalar> {
        let seed = RekeyingSecret::from(self.sessions.clone());
        let factor = make_pseudonym_rekey_factor(&seed, &EncryptionContext::from(session));
        Some(scalar(&factor.scalar().to_bytes())? * self.blinding)
    }
}

fn scalar(bytes: &[u8]) -> Option<Scalar> {
    Option::from(Scalar::from_canonical_bytes(bytes.try_into().ok()?))
}

/// Reads a point.
pub(crate) fn point(bytes: &[u8]) -> Option<RistrettoPoint> {
    CompressedRistretto::from_slice(bytes).ok()?.decompress()
}

/// What the stolen seeds take away of a party's factor: with every transcryptor's, a code becomes the registry's.
pub(crate) fn to_registry(seeds: &[Seeds], party: &str) -> Option<Scalar> {
    seeds.iter().try_fold(Scalar::ONE, |product, one| {
        Some(product * one.of_domain("registry")? * one.of_domain(party)?.invert())
    })
}

/// A session's secret key as far as the stolen seeds and the public, blinded key give it.
pub(crate) fn session_key(seeds: &[Seeds], blinded: &[u8], session: &str) -> Option<Scalar> {
    seeds.iter().try_fold(scalar(blinded)?, |key, one| Some(key * one.share(session)?))
}

/// What stands under an encrypted code, under that key.
pub(crate) fn decrypt(code: &[u8], key: &Scalar) -> Option<RistrettoPoint> {
    let (b, c) = code.split_at_checked(32)?;
    Some(point(c)? - key * point(b)?)
}

/// A person's point, shown by encrypting it under the key 1.
pub(crate) fn person(key: &seal::PersonKey, anchor: &[u8; 32], dice: &seal::Dice) -> Option<RistrettoPoint> {
    let one = seal::PublicPoint::from_bytes(&RISTRETTO_BASEPOINT_POINT.compress().to_bytes()).ok()?;
    decrypt(&key.person(anchor).encrypt(&one, dice).to_bytes(), &Scalar::ONE)
}
