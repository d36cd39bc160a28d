//! Keys of issuers, and the public keys that signatures are checked with.

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    VerificationAlgorithm,
};
use yasna::models::ObjectIdentifier;
use yasna::{ASN1Result, BERReader, DERWriter};
use zeroize::Zeroizing;

use super::oid::{self, oid};
use super::{X509Error, der};

/// What keys issuers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA of 2,048 bits, signing PKCS#1 v1.5 with SHA-256, as 公的個人認証 does.
    Rsa2048,
    /// ECDSA on P-256 with SHA-256.
    P256,
}

impl KeyKind {
    fn signature(self) -> oid::Arcs {
        match self {
            Self::Rsa2048 => oid::RSA_SHA256,
            Self::P256 => oid::ECDSA_SHA256,
        }
    }

    /// The `AlgorithmIdentifier` of its signatures.
    pub(super) fn write_algorithm(self, writer: DERWriter<'_>) {
        writer.write_sequence(|writer| {
            writer.next().write_oid(&oid(self.signature()));
            // RFC 4055 §5: NULL for RSA; RFC 5758 §3.2: nothing for ECDSA.
            if self == Self::Rsa2048 {
                writer.next().write_null();
            }
        });
    }
}

/// A `SubjectPublicKeyInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeyInfo {
    der: Vec<u8>,
    algorithm: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    bits: Vec<u8>,
}

impl PublicKeyInfo {
    /// The key a DER holds.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        der::parse(bytes, "a public key", Self::read)
    }

    pub(super) fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        let der = reader.read_der()?;
        let (algorithm, curve, bits) = yasna::parse_der(&der, |reader| {
            reader.read_sequence(|reader| {
                let (algorithm, curve) = reader.next().read_sequence(|reader| {
                    let id = reader.next().read_oid()?;
                    // Parameters of other algorithms than these two are read over.
                    let curve = match id == oid(oid::EC) {
                        true => Some(reader.next().read_oid()?),
                        false => reader.read_optional(|reader| reader.read_der())?.and(None),
                    };
                    Ok((id, curve))
                })?;
                let (bits, length) = reader.next().read_bitvec_bytes()?;
                if length != bits.len() * 8 {
                    return der::invalid();
                }
                Ok((algorithm, curve, bits))
            })
        })?;
        Ok(Self { der, algorithm, curve, bits })
    }

    /// The key of a kind with these bits: `RSAPublicKey`, or an uncompressed point.
    ///
    /// # Errors
    /// If they are no bits of a key.
    pub fn of(kind: KeyKind, bits: &[u8]) -> Result<Self, X509Error> {
        let der = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_sequence(|writer| match kind {
                    KeyKind::Rsa2048 => {
                        writer.next().write_oid(&oid(oid::RSA));
                        writer.next().write_null();
                    }
                    KeyKind::P256 => {
                        writer.next().write_oid(&oid(oid::EC));
                        writer.next().write_oid(&oid(oid::P256));
                    }
                });
                writer.next().write_bitvec_bytes(bits, bits.len() * 8);
            });
        });
        Self::parse(&der)
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The key itself: `RSAPublicKey`, or an uncompressed point.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// SHA-1 of the key: what key identifiers are (RFC 5280 §4.2.1.2). No secret and no signature rests on it.
    pub fn id(&self) -> [u8; 20] {
        sha1(&self.bits)
    }

    /// The kind, if it is one that certificates are issued for.
    pub fn kind(&self) -> Option<KeyKind> {
        if self.curve == Some(oid(oid::P256)) {
            return Some(KeyKind::P256);
        }
        // RSAPublicKey (RFC 8017 A.1.1): a modulus of 2,048 bits, whose INTEGER has a zero before it, and 65,537.
        let numbers = der::parse(&self.bits, "an RSA key", |reader| {
            reader.read_sequence(|reader| {
                Ok((der::read_integer(reader.next())?, der::read_integer(reader.next())?))
            })
        });
        let (modulus, exponent) = numbers.ok()?;
        let fits = modulus.len() == 257 && modulus.first() == Some(&0) && exponent == [1, 0, 1];
        (self.algorithm == oid(oid::RSA) && fits).then_some(KeyKind::Rsa2048)
    }

    /// Checks a signature of the algorithm with this id over `message`.
    ///
    /// # Errors
    /// If it does not verify, or the algorithm is none that is taken here (SHA-1 and DSA are not).
    pub(super) fn verify(
        &self,
        algorithm: &ObjectIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), X509Error> {
        let known: [(oid::Arcs, &dyn VerificationAlgorithm); 4] = [
            (oid::RSA_SHA256, &RSA_PKCS1_2048_8192_SHA256),
            (oid::RSA_SHA384, &RSA_PKCS1_2048_8192_SHA384),
            (oid::RSA_SHA512, &RSA_PKCS1_2048_8192_SHA512),
            (oid::ECDSA_SHA256, &ECDSA_P256_SHA256_ASN1),
        ];
        let (id, scheme) = known.iter().find(|(id, _)| oid(id) == *algorithm).ok_or(X509Error::OtherKey)?;
        let fits = match *id == oid::ECDSA_SHA256 {
            true => self.algorithm == oid(oid::EC) && self.curve == Some(oid(oid::P256)),
            false => self.algorithm == oid(oid::RSA),
        };
        if !fits {
            return Err(X509Error::OtherKey);
        }
        // `VerificationAlgorithm` takes the key as the bit string holds it.
        scheme.verify_sig(&self.bits, message, signature).map_err(|_| X509Error::BadSignature)
    }
}

impl PublicKeyInfo {
    /// Checks a signature over what has this SHA-256: PKCS#1 v1.5 or ECDSA P-256, as the key is.
    ///
    /// # Errors
    /// If it does not verify.
    pub fn verify_hash(&self, hash: &crate::Sha256, signature: &[u8]) -> Result<(), X509Error> {
        let scheme: &dyn VerificationAlgorithm = match self.kind().ok_or(X509Error::OtherKey)? {
            KeyKind::Rsa2048 => &RSA_PKCS1_2048_8192_SHA256,
            KeyKind::P256 => &ECDSA_P256_SHA256_ASN1,
        };
        let hash = Digest::import_less_safe(hash, &SHA256).map_err(|_| X509Error::BadSignature)?;
        scheme.verify_digest_sig(&self.bits, &hash, signature).map_err(|_| X509Error::BadSignature)
    }
}

pub(super) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut hash = [0; 20];
    hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// What signs outside this process.
trait SignOutside: Fn(&[u8]) -> Result<Vec<u8>, X509Error> + Send + Sync {}

impl<F: Fn(&[u8]) -> Result<Vec<u8>, X509Error> + Send + Sync> SignOutside for F {}

/// Where a signature comes from.
enum Signer {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
    /// Something outside this process, such as a PKCS#11 token: takes the message, gives the signature as it stands in
    /// X.509.
    Outside(Box<dyn SignOutside>),
}

/// An issuer's private key, or the handle of one that is kept elsewhere.
pub struct IssuerKey {
    signer: Signer,
    kind: KeyKind,
    public: PublicKeyInfo,
}

impl IssuerKey {
    /// Makes a key.
    ///
    /// # Errors
    /// If the library could not.
    pub fn generate(kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, X509Error> {
        let none = |_| X509Error::OtherKey;
        Ok(Zeroizing::new(match kind {
            KeyKind::Rsa2048 => {
                let key = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(none)?;
                let der: Pkcs8V1Der<'static> = key.as_der().map_err(none)?;
                der.as_ref().to_vec()
            }
            KeyKind::P256 => {
                let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
                key.map_err(none)?.as_ref().to_vec()
            }
        }))
    }

    /// The key of a PKCS#8 document.
    ///
    /// # Errors
    /// If it is of no kind used here.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, X509Error> {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8) {
            let public = PublicKeyInfo::of(KeyKind::P256, pair.public_key().as_ref())?;
            return Ok(Self { signer: Signer::P256(pair), kind: KeyKind::P256, public });
        }
        let pair = rsa::KeyPair::from_pkcs8(pkcs8).map_err(|_| X509Error::OtherKey)?;
        let public = PublicKeyInfo::of(KeyKind::Rsa2048, pair.public_key().as_ref())?;
        if pair.public_modulus_len() != 256 {
            return Err(X509Error::OtherKey);
        }
        Ok(Self { signer: Signer::Rsa(pair), kind: KeyKind::Rsa2048, public })
    }

    /// A key that is kept outside: its public half, and what signs with it.
    ///
    /// # Errors
    /// If the public half is of no kind used here.
    pub fn outside(
        public: PublicKeyInfo,
        sign: impl Fn(&[u8]) -> Result<Vec<u8>, X509Error> + Send + Sync + 'static,
    ) -> Result<Self, X509Error> {
        let kind = public.kind().ok_or(X509Error::OtherKey)?;
        Ok(Self { signer: Signer::Outside(Box::new(sign)), kind, public })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKeyInfo {
        &self.public
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Signs a message: PKCS#1 v1.5 with SHA-256, or ECDSA with SHA-256 as DER.
    ///
    /// # Errors
    /// If the library or the token did not.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, X509Error> {
        let failed = |_| X509Error::DoesNotSign("the library refused");
        match &self.signer {
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Signer::P256(pair) => {
                Ok(pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec())
            }
            Signer::Outside(sign) => sign(message),
        }
    }

    /// What was signed, the algorithm, the signature: the form of certificates, lists and requests.
    ///
    /// # Errors
    /// If the key did not sign.
    pub(super) fn signed(&self, content: &[u8]) -> Result<Vec<u8>, X509Error> {
        let signature = self.sign(content)?;
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_der(content);
                self.kind.write_algorithm(writer.next());
                writer.next().write_bitvec_bytes(&signature, signature.len() * 8);
            });
        }))
    }
}

/// What was signed, by which algorithm, and the signature.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) content: Vec<u8>,
    pub(super) algorithm: Vec<u8>,
    pub(super) id: ObjectIdentifier,
    pub(super) signature: Vec<u8>,
}

impl Signed {
    pub(super) fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        reader.read_sequence(|reader| {
            let content = reader.next().read_der()?;
            let algorithm = reader.next().read_der()?;
            let (signature, length) = reader.next().read_bitvec_bytes()?;
            if length != signature.len() * 8 {
                return der::invalid();
            }
            let id = yasna::parse_der(&algorithm, |reader| {
                reader.read_sequence(|reader| {
                    let id = reader.next().read_oid()?;
                    reader.read_optional(|reader| reader.read_der())?;
                    Ok(id)
                })
            })?;
            Ok(Self { content, algorithm, id, signature })
        })
    }

    pub(super) fn verify(&self, key: &PublicKeyInfo) -> Result<(), X509Error> {
        key.verify(&self.id, &self.content, &self.signature)
    }
}
