//! The Online Certificate Status Protocol (RFC 6960), its nonce (RFC 9654) and what may be signed beforehand (RFC 5019).

use words::Moment;
use yasna::models::ObjectIdentifier;
use yasna::{ASN1Result, BERReader, DERWriter, Tag};

use super::certificate::{
    Certificate, Content, KeyUsage, write_authority_key, write_extended_key_usage, write_key_usage,
    write_subject_key,
};
use super::crl::RevocationReason;
use super::key::{IssuerKey, PublicKeyInfo, sha1};
use super::name::Name;
use super::oid::{self, oid};
use super::{X509Error, der};
use crate::sha256;

/// Certificates that one request may ask about.
pub const QUESTIONS: usize = 16;
/// Bytes of a nonce at most (RFC 9654 §2.1).
const NONCE: usize = 128;

/// Which certificate is asked about (`CertID`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertId {
    der: Vec<u8>,
    hash: ObjectIdentifier,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
    serial: Vec<u8>,
}

impl CertId {
    fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        let der = reader.read_der()?;
        let (hash, name_hash, key_hash, serial) = yasna::parse_der(&der, |reader| {
            reader.read_sequence(|reader| {
                let hash = reader.next().read_sequence(|reader| {
                    let id = reader.next().read_oid()?;
                    reader.read_optional(|reader| reader.read_null())?;
                    Ok(id)
                })?;
                let (name, key) = (reader.next().read_bytes()?, reader.next().read_bytes()?);
                Ok((hash, name, key, der::read_integer(reader.next())?))
            })
        })?;
        Ok(Self { der, hash, name_hash, key_hash, serial })
    }

    /// The id of a certificate, hashed with SHA-1: the form that RFC 5019 §2.1.1 has everybody ask in.
    pub fn of(issuer: &IssuerId, serial: &[u8]) -> Self {
        let der = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_oid(&oid(oid::SHA1));
                    writer.next().write_null();
                });
                writer.next().write_bytes(&issuer.sha1.0);
                writer.next().write_bytes(&issuer.sha1.1);
                writer.next().write_bigint_bytes(serial, true);
            });
        });
        let (name_hash, key_hash) = (issuer.sha1.0.to_vec(), issuer.sha1.1.to_vec());
        Self { der, hash: oid(oid::SHA1), name_hash, key_hash, serial: serial.to_vec() }
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The serial number, as its INTEGER has it.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }
}

/// An issuer as requests name it: hashes of its name and key.
pub struct IssuerId {
    sha1: ([u8; 20], [u8; 20]),
    sha256: ([u8; 32], [u8; 32]),
}

impl IssuerId {
    /// The issuer with this certificate.
    pub fn of(authority: &Certificate) -> Self {
        let (name, key) = (authority.subject().der(), authority.key().bits());
        Self { sha1: (sha1(name), sha1(key)), sha256: (sha256(name), sha256(key)) }
    }

    /// Whether a request asks about a certificate of this issuer.
    pub fn issued(&self, id: &CertId) -> bool {
        let is = |name: &[u8], key: &[u8]| id.name_hash == name && id.key_hash == key;
        (id.hash == oid(oid::SHA1) && is(&self.sha1.0, &self.sha1.1))
            || (id.hash == oid(oid::SHA256) && is(&self.sha256.0, &self.sha256.1))
    }
}

/// A request, read. A signature on it is not looked at: everybody may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which certificates are asked about: one to [`QUESTIONS`].
    pub about: Vec<CertId>,
    /// The nonce to be repeated, 1 to 128 bytes.
    pub nonce: Option<Vec<u8>>,
}

impl Request {
    /// A request about these certificates, unsigned; DER.
    pub fn with(about: &[CertId], nonce: Option<&[u8]>) -> Vec<u8> {
        yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        for id in about {
                            writer.next().write_sequence(|writer| writer.next().write_der(&id.der));
                        }
                    });
                    if let Some(nonce) = nonce {
                        writer.next().write_tagged(Tag::context(2), |writer| {
                            writer.write_sequence(|writer| {
                                der::write_extension(writer.next(), oid::OCSP_NONCE, false, |writer| {
                                    writer.write_bytes(nonce);
                                });
                            });
                        });
                    }
                });
            });
        })
    }

    /// Reads a request.
    ///
    /// # Errors
    /// If it is none, asks about too many certificates, or has a critical extension that is not known here.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        der::parse(bytes, "an OCSP request", |reader| {
            reader.read_sequence(|reader| {
                let request = reader.next().read_sequence(|reader| {
                    let version = reader.read_default(0, |reader| {
                        reader.read_tagged(Tag::context(0), |reader| reader.read_u8())
                    })?;
                    reader.read_optional(|reader| {
                        reader.read_tagged(Tag::context(1), |reader| reader.read_der())
                    })?;
                    let about = reader.next().collect_sequence_of(|reader| {
                        reader.read_sequence(|reader| {
                            let id = CertId::read(reader.next())?;
                            let said = reader.read_optional(|reader| {
                                reader.read_tagged(Tag::context(0), der::read_extensions)
                            })?;
                            let critical = said.into_iter().flatten().any(|one| one.critical);
                            if critical { der::invalid() } else { Ok(id) }
                        })
                    })?;
                    let said = reader
                        .read_optional(|reader| reader.read_tagged(Tag::context(2), der::read_extensions))?;
                    let nonce = nonce(said.unwrap_or_default())?;
                    if version != 0 || about.is_empty() || about.len() > QUESTIONS {
                        return der::invalid();
                    }
                    Ok(Self { about, nonce })
                })?;
                reader.read_optional(|reader| {
                    reader.read_tagged(Tag::context(0), |reader| reader.read_der())
                })?;
                Ok(request)
            })
        })
    }
}

fn nonce(said: Vec<der::RawExtension>) -> ASN1Result<Option<Vec<u8>>> {
    let mut nonce = None;
    for extension in said {
        if extension.id == oid(oid::OCSP_NONCE) {
            let value = yasna::parse_der(&extension.value, |reader| reader.read_bytes())?;
            if value.is_empty() || value.len() > NONCE {
                return der::invalid();
            }
            nonce = Some(value);
        } else if extension.critical {
            return der::invalid();
        }
    }
    Ok(nonce)
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was issued and is not revoked.
    Good,
    /// It is revoked, or suspended ([`RevocationReason::CertificateHold`]).
    Revoked(Moment, RevocationReason),
    /// This responder does not know it.
    Unknown,
}

impl Status {
    fn write(self, writer: DERWriter<'_>) {
        match self {
            Self::Good => writer.write_tagged_implicit(Tag::context(0), |writer| writer.write_null()),
            Self::Unknown => writer.write_tagged_implicit(Tag::context(2), |writer| writer.write_null()),
            Self::Revoked(at, reason) => writer.write_tagged_implicit(Tag::context(1), |writer| {
                writer.write_sequence(|writer| {
                    der::write_generalized(writer.next(), at);
                    if reason != RevocationReason::Unspecified {
                        writer.next().write_tagged(Tag::context(0), |writer| {
                            writer.write_enum(i64::from(reason.code()));
                        });
                    }
                });
            }),
        }
    }
}

/// Why there is no answer (`OCSPResponseStatus`, RFC 6960 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The request cannot be read.
    Malformed,
    /// Something broke.
    Internal,
    /// Not now.
    TryLater,
    /// This responder does not speak for the issuer that was asked about.
    Unauthorized,
}

impl NoAnswer {
    /// The answer that says so: unsigned, as it must be.
    pub fn der(self) -> Vec<u8> {
        let code = match self {
            Self::Malformed => 1,
            Self::Internal => 2,
            Self::TryLater => 3,
            Self::Unauthorized => 6,
        };
        yasna::construct_der(|writer| writer.write_sequence(|writer| writer.next().write_enum(code)))
    }
}

/// Who answers: a key that the issuer certified for this alone, with that certificate (RFC 6960 §4.2.2.2).
pub struct Responder {
    key: IssuerKey,
    certificate: Vec<u8>,
}

/// For when answers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When the answer is made.
    pub produced: Moment,
    /// As of when the state is known.
    pub this_update: Moment,
    /// When newer information will be there at the latest.
    pub next_update: Moment,
}

impl Responder {
    /// A responder with its key and its certificate's DER.
    pub fn new(key: IssuerKey, certificate: Vec<u8>) -> Self {
        Self { key, certificate }
    }

    /// Its certificate: for answers only, not to be asked about itself (`id-pkix-ocsp-nocheck`).
    ///
    /// # Errors
    /// If the issuer's key does not sign.
    pub fn certify(
        serial: [u8; 16],
        (authority, with): (&Certificate, &IssuerKey),
        subject: &Name,
        key: &PublicKeyInfo,
        (not_before, not_after): (Moment, Moment),
    ) -> Result<Vec<u8>, X509Error> {
        let issuer = authority.subject();
        Content { serial, issuer, not_before, not_after, subject, key }.sign(with, |writer| {
            write_key_usage(writer.next(), KeyUsage::DIGITAL_SIGNATURE);
            write_extended_key_usage(writer.next(), oid::OCSP_SIGNING);
            der::write_extension(writer.next(), oid::OCSP_NO_CHECK, false, |writer| writer.write_null());
            write_authority_key(writer.next(), with.public(), None);
            write_subject_key(writer.next(), key);
        })
    }

    /// Signs an answer.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn answer(
        &self,
        states: &[(CertId, Status)],
        times: Times,
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, X509Error> {
        let content = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                // ResponderID by key.
                writer.next().write_tagged(Tag::context(2), |writer| {
                    writer.write_bytes(&self.key.public().id());
                });
                der::write_generalized(writer.next(), times.produced);
                writer.next().write_sequence(|writer| {
                    for (id, status) in states {
                        writer.next().write_sequence(|writer| {
                            writer.next().write_der(&id.der);
                            status.write(writer.next());
                            der::write_generalized(writer.next(), times.this_update);
                            writer.next().write_tagged(Tag::context(0), |writer| {
                                der::write_generalized(writer, times.next_update);
                            });
                        });
                    }
                });
                if let Some(nonce) = nonce {
                    writer.next().write_tagged(Tag::context(1), |writer| {
                        writer.write_sequence(|writer| {
                            der::write_extension(writer.next(), oid::OCSP_NONCE, false, |writer| {
                                writer.write_bytes(nonce);
                            });
                        });
                    });
                }
            });
        });
        let signature = self.key.sign(&content)?;
        let basic = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_der(&content);
                self.key.kind().write_algorithm(writer.next());
                writer.next().write_bitvec_bytes(&signature, signature.len() * 8);
                writer.next().write_tagged(Tag::context(0), |writer| {
                    writer.write_sequence(|writer| writer.next().write_der(&self.certificate));
                });
            });
        });
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_enum(0);
                writer.next().write_tagged(Tag::context(0), |writer| {
                    writer.write_sequence(|writer| {
                        writer.next().write_oid(&oid(oid::OCSP_BASIC));
                        writer.next().write_bytes(&basic);
                    });
                });
            });
        }))
    }
}
