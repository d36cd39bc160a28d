//! RSA-2048 keys of the card, and the public keys it checks with.
//!
//! Everything that aws-lc does is left to it: making keys, signatures over SHA-256, PSS, OAEP, verification. It does
//! not pad and sign bytes as they come (`80 2A 00`), which cards of this family do; for that the private operation is
//! computed on crypto-bigint, in constant time in the exponent, and checked with the public key before it leaves.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
    PublicKeyComponents,
};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaParameters,
};
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U2048};
use zeroize::{Zeroize, Zeroizing};

use crate::Status;

/// Bytes of a modulus and of a signature.
pub const MODULUS: usize = 256;

/// The public exponent of every key here: 65,537.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// `DigestInfo` of SHA-256 up to the hash (RFC 8017 §9.2, note 1).
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// `DigestInfo` of a SHA-256 hash.
pub fn sha256_info(hash: &[u8; 32]) -> Vec<u8> {
    [&SHA256_INFO[..], hash].concat()
}

/// A public key: modulus of 2,048 bits, exponent 65,537.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    modulus: Box<[u8; MODULUS]>,
}

impl PublicKey {
    /// A key with this modulus. `None` unless it is odd and has all 2,048 bits.
    pub fn from_modulus(modulus: &[u8]) -> Option<Self> {
        let modulus: [u8; MODULUS] = modulus.try_into().ok()?;
        let whole = modulus.first().is_some_and(|first| first & 0x80 != 0)
            && modulus.last().is_some_and(|last| last & 1 != 0);
        whole.then(|| Self { modulus: Box::new(modulus) })
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8; MODULUS] {
        &self.modulus
    }

    /// As the card's files and certificates have it: `90` exponent, `91` modulus.
    pub fn tlv(&self) -> Vec<u8> {
        [crate::tlv::object(0x90, &EXPONENT), crate::tlv::object(0x91, self.modulus())].concat()
    }

    /// Reads the form of [`PublicKey::tlv`].
    pub fn from_tlv(bytes: &[u8]) -> Option<Self> {
        (crate::tlv::find(bytes, 0x90)? == EXPONENT).then_some(())?;
        Self::from_modulus(crate::tlv::find(bytes, 0x91)?)
    }

    /// Whether `signature` is RSASSA-PKCS1-v1_5 with SHA-256 over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifies_as(&RSA_PKCS1_2048_8192_SHA256, message, signature)
    }

    fn verifies_as(&self, scheme: &RsaParameters, message: &[u8], signature: &[u8]) -> bool {
        let components = PublicKeyComponents { n: &self.modulus[..], e: &EXPONENT[..] };
        components.verify(scheme, message, signature).is_ok()
    }
}

/// A private key that was made in the card. It has no form outside but the sealed image.
#[derive(Clone)]
pub struct RsaKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl RsaKey {
    /// Makes a key.
    ///
    /// # Errors
    /// `6F00` if the library could not.
    pub fn generate() -> Result<Self, Status> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Status::FAULT)?;
        let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| Status::FAULT)?;
        Self::from_pkcs8(der.as_ref()).ok_or(Status::FAULT)
    }

    /// Takes a key out of an opened image, or of an authority's folder. `None` if it is not RSA-2048 with 65,537.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(pkcs8).ok()?;
        // RSAPublicKey (RFC 8017 A.1.1): n, e.
        let (_, fields, _) = crate::tlv::first(pair.public_key().as_ref())?;
        let (_, modulus, rest) = crate::tlv::first(fields)?;
        let (_, exponent, _) = crate::tlv::first(rest)?;
        if exponent != EXPONENT {
            return None;
        }
        let public = PublicKey::from_modulus(modulus.strip_prefix(&[0])?)?;
        Some(Self { pkcs8: Zeroizing::new(pkcs8.to_vec()), public })
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key for the image that is about to be sealed, or for an authority's own folder.
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }

    fn pair(&self) -> Result<KeyPair, Status> {
        KeyPair::from_pkcs8(&self.pkcs8).map_err(|_| Status::FAULT)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over a hash.
    pub fn sign_hash(&self, hash: &[u8; 32]) -> Result<Vec<u8>, Status> {
        let hash = Digest::import_less_safe(hash, &SHA256).map_err(|_| Status::FAULT)?;
        let mut signature = vec![0; MODULUS];
        self.pair()?.sign_digest(&RSA_PKCS1_SHA256, &hash, &mut signature).map_err(|_| Status::FAULT)?;
        Ok(signature)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over a message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Status> {
        self.sign_hash(&sha256(message))
    }

    /// RSASSA-PSS with SHA-256 over a hash, the salt as long as the hash.
    pub fn sign_pss(&self, hash: &[u8; 32]) -> Result<Vec<u8>, Status> {
        let hash = Digest::import_less_safe(hash, &SHA256).map_err(|_| Status::FAULT)?;
        let mut signature = vec![0; MODULUS];
        self.pair()?.sign_digest(&RSA_PSS_SHA256, &hash, &mut signature).map_err(|_| Status::FAULT)?;
        Ok(signature)
    }

    /// Pads `data` (1 to 245 bytes) by EMSA-PKCS1-v1_5 without looking at it, and signs (RFC 8017 §8.2.1, steps 2, 3).
    ///
    /// # Errors
    /// `6700` for another length.
    pub fn sign_as_it_is(&self, data: &[u8]) -> Result<Vec<u8>, Status> {
        if !(1..=MODULUS - 11).contains(&data.len()) {
            return Err(Status::LENGTH);
        }
        if let Some(hash) = data.strip_prefix(&SHA256_INFO).and_then(|hash| hash.try_into().ok()) {
            return self.sign_hash(hash);
        }
        let mut padded = vec![0, 1];
        padded.resize(MODULUS - data.len() - 1, 0xFF);
        padded.push(0);
        padded.extend_from_slice(data);
        self.private_operation(&padded)
    }

    /// `padded`^d mod n. The exponent's bits do not show in the time it takes; a wrong result, as a fault might give,
    /// does not leave.
    fn private_operation(&self, padded: &[u8]) -> Result<Vec<u8>, Status> {
        let exponent = private_exponent(&self.pkcs8).ok_or(Status::FAULT)?;
        let mut exponent = number(&exponent).ok_or(Status::FAULT)?;
        let modulus = number(self.public.modulus()).ok_or(Status::FAULT)?;
        let modulus = Option::<Odd<U2048>>::from(Odd::new(modulus)).ok_or(Status::FAULT)?;
        let message = number(padded).ok_or(Status::FAULT)?;
        let field = FixedMontyParams::new_vartime(modulus);
        let signature = FixedMontyForm::new(&message, &field).pow(&exponent);
        exponent.zeroize();
        if signature.pow_vartime(&U2048::from_u32(65_537)).retrieve() != message {
            return Err(Status::FAULT);
        }
        Ok(signature.retrieve().to_be_bytes().as_ref().to_vec())
    }

    /// RSAES-OAEP with SHA-256: what was sent under the public half. `None` for anything else.
    pub(crate) fn open_oaep(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = PrivateDecryptingKey::from_pkcs8(&self.pkcs8).ok()?;
        let key = OaepPrivateDecryptingKey::new(key).ok()?;
        let mut opened = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key.decrypt(&OAEP_SHA256_MGF1SHA256, sealed, &mut opened, None).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

fn number(bytes: &[u8]) -> Option<U2048> {
    (bytes.len() == MODULUS).then(|| U2048::from_be_slice(bytes))
}

/// d out of a PKCS#8 `PrivateKeyInfo` (RFC 5208 §5, RFC 8017 A.1.2), as 256 bytes.
fn private_exponent(pkcs8: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let inside = |bytes| crate::tlv::first(bytes).filter(|(tag, ..)| *tag == 0x30).map(|(_, value, _)| value);
    let after = |bytes| crate::tlv::first(bytes).map(|(_, _, rest)| rest);
    // PrivateKeyInfo: version, algorithm, OCTET STRING of RSAPrivateKey: version, n, e, d, …
    let info = after(after(inside(pkcs8)?)?)?;
    let (_, key, _) = crate::tlv::first(info).filter(|(tag, ..)| *tag == 0x04)?;
    let fields = after(after(after(inside(key)?)?)?)?;
    let (_, mut exponent, _) = crate::tlv::first(fields)?;
    while let Some(rest) = exponent.strip_prefix(&[0]) {
        exponent = rest;
    }
    let mut whole = Zeroizing::new(vec![0; MODULUS.checked_sub(exponent.len())?]);
    whole.extend_from_slice(exponent);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;
    use std::sync::LazyLock;

    static KEY: LazyLock<RsaKey> = LazyLock::new(|| RsaKey::generate().unwrap());

    #[test]
    fn our_private_operation_is_the_librarys() {
        let hash = sha256(b"message");
        let ours = {
            let info = sha256_info(&hash);
            let mut padded = vec![0, 1];
            padded.resize(MODULUS - info.len() - 1, 0xFF);
            padded.push(0);
            padded.extend_from_slice(&info);
            KEY.private_operation(&padded).unwrap()
        };
        assert_eq!(ours, KEY.sign_hash(&hash).unwrap());
        assert!(KEY.public().verifies(b"message", &ours));
        assert!(!KEY.public().verifies(b"massage", &ours));
    }

    #[test]
    fn every_scheme_verifies() {
        let hash = sha256(b"message");
        let pss = KEY.sign_pss(&hash).unwrap();
        assert!(KEY.public().verifies_as(&RSA_PSS_2048_8192_SHA256, b"message", &pss));
        assert!(KEY.public().verifies(b"message", &KEY.sign_as_it_is(&sha256_info(&hash)).unwrap()));
        for length in [0, 246, 300] {
            assert_eq!(KEY.sign_as_it_is(&vec![7; length]), Err(Status::LENGTH));
        }
        // A message of another form than a DigestInfo goes through our own operation.
        let odd = KEY.sign_as_it_is(b"bare").unwrap();
        let modulus = Odd::new(number(KEY.public().modulus()).unwrap()).unwrap();
        let field = FixedMontyParams::new_vartime(modulus);
        let raised =
            FixedMontyForm::new(&number(&odd).unwrap(), &field).pow(&U2048::from_u32(65_537)).retrieve();
        let raised = raised.to_be_bytes();
        assert!(raised.as_ref().starts_with(&[0, 1, 0xFF]) && raised.as_ref().ends_with(b"\xFF\0bare"));
    }

    #[test]
    fn keys_of_another_size_or_exponent_are_refused() {
        assert!(PublicKey::from_modulus(&[0xFF; 255]).is_none());
        assert!(PublicKey::from_modulus(&[0x7F; 256]).is_none());
        let mut even = [0xFF; 256];
        even[255] = 0xFE;
        assert!(PublicKey::from_modulus(&even).is_none());
        assert!(RsaKey::from_pkcs8(b"no key").is_none());
    }
}
