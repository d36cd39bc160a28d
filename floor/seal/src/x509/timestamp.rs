//! Time-stamps (RFC 3161, with RFC 5816's `signingCertificateV2`): that a document of this hash was there at this time. What a
//! person signed stays provable after the certificate's five years.

use words::Moment;
use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, Tag};

use super::certificate::{
    Certificate, Content, KeyUsage, write_authority_key, write_directory_name, write_key_usage,
    write_subject_key,
};
use super::key::{IssuerKey, PublicKeyInfo};
use super::name::Name;
use super::oid::{self, oid};
use super::{X509Error, der};
use crate::sha256;

/// The name of whoever stamps.
const NAME: &str = "Musubi time-stamps";
/// Bytes of a nonce at most: what its INTEGER has.
const NONCE: usize = 33;
/// How far the clock may be off, whole seconds.
const ACCURACY_S: i64 = 1;

/// The hashes that are taken, with their length: SHA-256, SHA-384, SHA-512 (RFC 5754).
const HASHES: [(oid::Arcs, usize); 3] = [(oid::SHA256, 32), (oid::SHA384, 48), (oid::SHA512, 64)];

/// Why there is no stamp (`PKIFailureInfo`, RFC 3161 §2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStamp {
    /// The hash is of a kind that is not taken.
    BadAlgorithm,
    /// The request cannot be read, or the hash is not as long as its kind.
    BadFormat,
    /// Another policy is wanted.
    OtherPolicy,
    /// An extension is wanted: none is known here.
    Extension,
    /// Something broke.
    Internal,
}

impl NoStamp {
    /// The bit of `PKIFailureInfo`.
    const fn bit(self) -> usize {
        match self {
            Self::BadAlgorithm => 0,
            Self::BadFormat => 5,
            Self::OtherPolicy => 15,
            Self::Extension => 16,
            Self::Internal => 25,
        }
    }

    /// The answer that says so; DER.
    pub fn der(self) -> Vec<u8> {
        let bit = self.bit();
        let mut bits = vec![0; bit / 8 + 1];
        if let Some(last) = bits.last_mut() {
            *last = 0x80 >> (bit % 8);
        }
        yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    // rejection
                    writer.next().write_i64(2);
                    writer.next().write_bitvec_bytes(&bits, bit + 1);
                });
            });
        })
    }
}

/// A request, read (RFC 3161 §2.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `MessageImprint`, as it came.
    imprint: Vec<u8>,
    /// The nonce's INTEGER, as it came.
    nonce: Option<Vec<u8>>,
    /// Whether certificates are wanted in the stamp.
    certificates: bool,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// What the answer is then to say.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoStamp> {
        type Read = (Vec<u8>, ObjectIdentifier, usize, Option<ObjectIdentifier>, Option<Vec<u8>>, bool, bool);
        let read = der::parse(bytes, "a time-stamp request", |reader| {
            reader.read_sequence(|reader| {
                if reader.next().read_u8()? != 1 {
                    return der::invalid();
                }
                let imprint = reader.next().read_der()?;
                let (hash, length) = yasna::parse_der(&imprint, |reader| {
                    reader.read_sequence(|reader| {
                        let hash = reader.next().read_sequence(|reader| {
                            let id = reader.next().read_oid()?;
                            reader.read_optional(|reader| reader.read_null())?;
                            Ok(id)
                        })?;
                        Ok((hash, reader.next().read_bytes()?.len()))
                    })
                })?;
                let policy = reader.read_optional(|reader| reader.read_oid())?;
                let nonce = reader.read_optional(|reader| reader.read_der())?;
                if let Some(nonce) = &nonce {
                    let integer = yasna::parse_der(nonce, der::read_integer)?;
                    if integer.len() > NONCE {
                        return der::invalid();
                    }
                }
                let certificates = reader.read_default(false, |reader| reader.read_bool())?;
                let extensions = reader
                    .read_optional(|reader| {
                        reader.read_tagged_implicit(Tag::context(0), der::read_extensions)
                    })?
                    .is_some();
                let read: Read = (imprint, hash, length, policy, nonce, certificates, extensions);
                Ok(read)
            })
        });
        let (imprint, hash, length, policy, nonce, certificates, extensions) =
            read.map_err(|_| NoStamp::BadFormat)?;
        let known = HASHES.iter().find(|(arcs, _)| oid(arcs) == hash).ok_or(NoStamp::BadAlgorithm)?;
        if known.1 != length {
            return Err(NoStamp::BadFormat);
        }
        if policy.is_some_and(|policy| policy != oid(oid::TIME_STAMP_POLICY)) {
            return Err(NoStamp::OtherPolicy);
        }
        if extensions {
            return Err(NoStamp::Extension);
        }
        Ok(Self { imprint, nonce, certificates })
    }
}

/// Who stamps: a key certified for this alone.
pub struct Stamper {
    key: IssuerKey,
    certificate: Certificate,
    /// Of whom certified it.
    above: Vec<Vec<u8>>,
}

impl Stamper {
    /// Certifies a key for stamping until the authority's own certificate ends.
    ///
    /// # Errors
    /// If the authority's key does not sign.
    pub fn certify(
        serial: [u8; 16],
        (authority, with): (&Certificate, &IssuerKey),
        key: IssuerKey,
        not_before: Moment,
    ) -> Result<Self, X509Error> {
        let subject = Name::of(&[(oid::COMMON_NAME, NAME)]);
        let public: &PublicKeyInfo = key.public();
        let not_after = authority.validity().1;
        let content = Content {
            serial,
            issuer: authority.subject(),
            not_before,
            not_after,
            subject: &subject,
            key: public,
        };
        let der = content.sign(with, |writer| {
            write_key_usage(writer.next(), KeyUsage::DIGITAL_SIGNATURE);
            // RFC 3161 §2.3: this purpose alone, and critical.
            der::write_extension(writer.next(), oid::EXTENDED_KEY_USAGE, true, |writer| {
                writer.write_sequence(|writer| writer.next().write_oid(&oid(oid::TIME_STAMPING)));
            });
            write_authority_key(writer.next(), with.public(), None);
            write_subject_key(writer.next(), public);
        })?;
        let above = vec![authority.der().to_vec()];
        Ok(Self { key, certificate: Certificate::parse(&der)?, above })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The answer with a stamp; DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn stamp(&self, request: &Request, serial: [u8; 16], at: Moment) -> Result<Vec<u8>, X509Error> {
        let info = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(1);
                writer.next().write_oid(&oid(oid::TIME_STAMP_POLICY));
                writer.next().write_der(&request.imprint);
                writer.next().write_bigint_bytes(&super::certificate::full_serial(serial), true);
                der::write_generalized(writer.next(), at);
                writer.next().write_sequence(|writer| writer.next().write_i64(ACCURACY_S));
                if let Some(nonce) = &request.nonce {
                    writer.next().write_der(nonce);
                }
                writer.next().write_tagged(Tag::context(0), |writer| {
                    write_directory_name(writer, self.certificate.subject());
                });
            });
        });
        let attributes = self.attributes(&info);
        // RFC 5652 §5.4: what is signed is the SET, not the [0] it stands under.
        let signature = self.key.sign(&yasna::construct_der(|writer| write_set(writer, &attributes)))?;
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                // granted
                writer.next().write_sequence(|writer| writer.next().write_i64(0));
                writer.next().write_sequence(|writer| {
                    writer.next().write_oid(&oid(oid::SIGNED_DATA));
                    writer.next().write_tagged(Tag::context(0), |writer| {
                        self.write_signed(writer, &info, &attributes, &signature, request.certificates);
                    });
                });
            });
        }))
    }

    /// Signed attributes (RFC 3161 §2.4.2): the content's type, its hash, which certificate.
    fn attributes(&self, info: &[u8]) -> Vec<Vec<u8>> {
        let attribute = |kind: oid::Arcs, value: &dyn Fn(DERWriter<'_>)| {
            yasna::construct_der(|writer| {
                writer.write_sequence(|writer| {
                    writer.next().write_oid(&oid(kind));
                    writer.next().write_set(|writer| value(writer.next()));
                });
            })
        };
        let (hash, certificate) = (sha256(info), sha256(self.certificate.der()));
        vec![
            attribute(oid::CONTENT_TYPE, &|writer| writer.write_oid(&oid(oid::TST_INFO))),
            attribute(oid::MESSAGE_DIGEST, &|writer| writer.write_bytes(&hash)),
            // ESSCertIDv2 (RFC 5035 §4): SHA-256 is the default and left out.
            attribute(oid::SIGNING_CERTIFICATE, &|writer| {
                writer.write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        writer.next().write_sequence(|writer| writer.next().write_bytes(&certificate));
                    });
                });
            }),
        ]
    }

    /// `SignedData` (RFC 5652 §5.1).
    fn write_signed(
        &self,
        writer: DERWriter<'_>,
        info: &[u8],
        attributes: &[Vec<u8>],
        signature: &[u8],
        certificates: bool,
    ) {
        let write_hash = |writer: DERWriter<'_>| {
            writer.write_sequence(|writer| writer.next().write_oid(&oid(oid::SHA256)));
        };
        writer.write_sequence(|writer| {
            writer.next().write_u8(3);
            writer.next().write_set(|writer| write_hash(writer.next()));
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(oid::TST_INFO));
                writer.next().write_tagged(Tag::context(0), |writer| writer.write_bytes(info));
            });
            if certificates {
                writer.next().write_tagged_implicit(Tag::context(0), |writer| {
                    let own = std::iter::once(self.certificate.der());
                    let all: Vec<Vec<u8>> =
                        own.map(<[u8]>::to_vec).chain(self.above.iter().cloned()).collect();
                    write_set(writer, &all);
                });
            }
            writer.next().write_set(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_u8(1);
                    writer.next().write_sequence(|writer| {
                        writer.next().write_der(self.certificate.issuer().der());
                        writer.next().write_bigint_bytes(self.certificate.serial(), true);
                    });
                    write_hash(writer.next());
                    writer
                        .next()
                        .write_tagged_implicit(Tag::context(0), |writer| write_set(writer, attributes));
                    self.key.kind().write_algorithm(writer.next());
                    writer.next().write_bytes(signature);
                });
            });
        });
    }
}

/// SET OF, in the order of DER.
fn write_set(writer: DERWriter<'_>, parts: &[Vec<u8>]) {
    writer.write_set_of(|writer| parts.iter().for_each(|part| writer.next().write_der(part)));
}
