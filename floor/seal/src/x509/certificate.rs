//! Certificates: reading all that a path's validation decides on, and writing (RFC 5280 §4).

use words::Moment;
use yasna::models::ObjectIdentifier;
use yasna::{ASN1Result, BERReader, BERReaderSeq, DERWriter, DERWriterSeq, Tag};

use super::key::{IssuerKey, PublicKeyInfo, Signed};
use super::name::{Name, read_attribute};
use super::oid::{self, oid};
use super::{X509Error, der};

/// Bits of `keyUsage`, the first highest (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// `digitalSignature`.
    pub const DIGITAL_SIGNATURE: Self = Self(1 << 15);
    /// `digitalSignature` and `nonRepudiation`.
    pub const SIGNATURE_THAT_STANDS: Self = Self(3 << 14);
    /// `keyCertSign`.
    pub const CERTIFICATES: Self = Self(1 << 10);
    /// `cRLSign`.
    pub const LISTS: Self = Self(1 << 9);
    /// What an authority's key does.
    pub const AUTHORITY: Self = Self(3 << 9);

    /// Whether it has all bits of `other`.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One `GeneralName` (RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    /// `otherName`: its type and the DER of its value.
    Other(ObjectIdentifier, Vec<u8>),
    /// `rfc822Name`.
    Email(String),
    /// `dNSName`.
    Dns(String),
    /// `directoryName`.
    Directory(Name),
    /// `uniformResourceIdentifier`.
    Uri(String),
    /// `iPAddress`: 4 or 16 bytes, twice as many in a constraint.
    Ip(Vec<u8>),
    /// Another form, by its tag.
    Unknown(u64),
}

impl GeneralName {
    pub(super) fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        let tag = reader.lookahead_tag()?;
        if tag.tag_class != yasna::TagClass::ContextSpecific {
            return der::invalid();
        }
        match tag.tag_number {
            0 => reader.read_tagged_implicit(tag, |reader| {
                reader.read_sequence(|reader| {
                    let id = reader.next().read_oid()?;
                    let value = reader.next().read_tagged(Tag::context(0), |reader| reader.read_der())?;
                    Ok(Self::Other(id, value))
                })
            }),
            1 => reader.read_tagged_implicit(tag, |reader| reader.read_ia5_string()).map(Self::Email),
            2 => reader.read_tagged_implicit(tag, |reader| reader.read_ia5_string()).map(Self::Dns),
            4 => reader.read_tagged(tag, Name::read).map(Self::Directory),
            6 => reader.read_tagged_implicit(tag, |reader| reader.read_ia5_string()).map(Self::Uri),
            7 => reader.read_tagged_implicit(tag, |reader| reader.read_bytes()).map(Self::Ip),
            3 | 5 | 8 => reader.read_der().map(|_| Self::Unknown(tag.tag_number)),
            _ => der::invalid(),
        }
    }
}

pub(super) fn read_general_names(reader: BERReader<'_, '_>) -> ASN1Result<Vec<GeneralName>> {
    let names = reader.collect_sequence_of(GeneralName::read)?;
    if names.is_empty() { der::invalid() } else { Ok(names) }
}

/// A name of a distribution point: in full, or relative to the list's issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PointName {
    Full(Vec<GeneralName>),
    /// One relative distinguished name, as a name of that part alone.
    Relative(Name),
}

impl PointName {
    /// `DistributionPointName`, inside its `[0]`.
    pub(super) fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        match reader.lookahead_tag()?.tag_number {
            0 => reader.read_tagged_implicit(Tag::context(0), read_general_names).map(Self::Full),
            _ => {
                let part = reader
                    .read_tagged_implicit(Tag::context(1), |reader| reader.collect_set_of(read_attribute))?;
                Ok(Self::Relative(Name::of_part(part)))
            }
        }
    }

    /// All full names, with `issuer` before a relative one.
    pub(super) fn names(&self, issuer: &Name) -> Vec<GeneralName> {
        match self {
            Self::Full(names) => names.clone(),
            Self::Relative(part) => vec![GeneralName::Directory(issuer.joined(part))],
        }
    }
}

/// One `DistributionPoint` (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    pub(super) name: Option<PointName>,
    /// The reasons it covers, as bits; `None` is all.
    pub(super) reasons: Option<u16>,
    /// Who issues its lists; empty where the certificate's issuer does.
    pub(super) issuers: Vec<GeneralName>,
}

impl DistributionPoint {
    /// A point with this directory name alone.
    pub fn named(name: &Name) -> Self {
        let name = PointName::Full(vec![GeneralName::Directory(name.clone())]);
        Self { name: Some(name), reasons: None, issuers: Vec::new() }
    }

    fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        reader.read_sequence(|reader| {
            let name = reader.read_optional(|reader| reader.read_tagged(Tag::context(0), PointName::read))?;
            let reasons = reader
                .read_optional(|reader| reader.read_tagged_implicit(Tag::context(1), der::read_bits))?;
            let issuers = reader
                .read_optional(|reader| reader.read_tagged_implicit(Tag::context(2), read_general_names))?;
            if name.is_none() && issuers.is_none() {
                return der::invalid();
            }
            Ok(Self { name, reasons, issuers: issuers.unwrap_or_default() })
        })
    }
}

/// One subtree of a name constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subtrees {
    pub(super) permitted: Vec<GeneralName>,
    pub(super) excluded: Vec<GeneralName>,
}

fn read_subtrees(reader: BERReader<'_, '_>) -> ASN1Result<Vec<GeneralName>> {
    let trees = reader.collect_sequence_of(|reader| {
        reader.read_sequence(|reader| {
            let base = GeneralName::read(reader.next())?;
            // RFC 5280 §4.2.1.10: the minimum is 0 and the maximum absent.
            let minimum = reader.read_default(0, |reader| {
                reader.read_tagged_implicit(Tag::context(0), |reader| reader.read_u32())
            })?;
            if minimum == 0 { Ok(base) } else { der::invalid() }
        })
    })?;
    if trees.is_empty() { der::invalid() } else { Ok(trees) }
}

/// The extensions that are known here, read.
#[derive(Clone, Debug, Default)]
pub struct Extensions {
    pub(super) authority: Option<(bool, Option<u32>)>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<Vec<ObjectIdentifier>>,
    pub(super) policies: Option<Vec<ObjectIdentifier>>,
    pub(super) mappings: Vec<(ObjectIdentifier, ObjectIdentifier)>,
    pub(super) require_explicit: Option<u32>,
    pub(super) inhibit_mapping: Option<u32>,
    pub(super) inhibit_any: Option<u32>,
    pub(super) subtrees: Option<Subtrees>,
    pub(super) alternative_names: Vec<GeneralName>,
    pub(super) points: Option<Vec<DistributionPoint>>,
    pub(super) authority_key: Option<Vec<u8>>,
    pub(super) subject_key: Option<Vec<u8>>,
    pub(super) unknown_critical: bool,
}

impl Extensions {
    fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        let mut known = Self::default();
        for extension in der::read_extensions(reader)? {
            known.take(&extension)?;
        }
        Ok(known)
    }

    fn take(&mut self, extension: &der::RawExtension) -> ASN1Result<()> {
        let value = extension.value.as_slice();
        let id = extension.id.components().as_slice();
        match id {
            oid::BASIC_CONSTRAINTS => {
                self.authority = Some(yasna::parse_der(value, |reader| {
                    reader.read_sequence(|reader| {
                        let is = reader.read_default(false, |reader| reader.read_bool())?;
                        Ok((is, reader.read_optional(|reader| reader.read_u32())?))
                    })
                })?);
            }
            oid::KEY_USAGE => self.key_usage = Some(KeyUsage(yasna::parse_der(value, der::read_bits)?)),
            oid::EXTENDED_KEY_USAGE => {
                let uses =
                    yasna::parse_der(value, |reader| reader.collect_sequence_of(|reader| reader.read_oid()))?;
                self.extended_key_usage = Some(uses);
            }
            oid::POLICIES => self.policies = Some(yasna::parse_der(value, read_policies)?),
            oid::POLICY_MAPPINGS => {
                self.mappings = yasna::parse_der(value, |reader| {
                    reader.collect_sequence_of(|reader| {
                        reader.read_sequence(|reader| {
                            Ok((reader.next().read_oid()?, reader.next().read_oid()?))
                        })
                    })
                })?;
            }
            oid::POLICY_CONSTRAINTS => {
                let number = |reader: &mut BERReaderSeq<'_, '_>, at| {
                    reader.read_optional(|reader| {
                        reader.read_tagged_implicit(Tag::context(at), |reader| reader.read_u32())
                    })
                };
                (self.require_explicit, self.inhibit_mapping) = yasna::parse_der(value, |reader| {
                    reader.read_sequence(|reader| Ok((number(reader, 0)?, number(reader, 1)?)))
                })?;
            }
            oid::INHIBIT_ANY => {
                self.inhibit_any = Some(yasna::parse_der(value, |reader| reader.read_u32())?);
            }
            oid::NAME_CONSTRAINTS => {
                let trees = |reader: &mut BERReaderSeq<'_, '_>, at| {
                    let found = reader.read_optional(|reader| {
                        reader.read_tagged_implicit(Tag::context(at), read_subtrees)
                    })?;
                    Ok(found.unwrap_or_default())
                };
                self.subtrees = Some(yasna::parse_der(value, |reader| {
                    reader.read_sequence(|reader| {
                        Ok(Subtrees { permitted: trees(reader, 0)?, excluded: trees(reader, 1)? })
                    })
                })?);
            }
            oid::SUBJECT_ALT_NAME => self.alternative_names = yasna::parse_der(value, read_general_names)?,
            oid::CRL_POINTS => {
                let points =
                    yasna::parse_der(value, |reader| reader.collect_sequence_of(DistributionPoint::read))?;
                self.points = Some(points);
            }
            oid::AUTHORITY_KEY_ID => {
                self.authority_key = yasna::parse_der(value, |reader| {
                    reader.read_sequence(|reader| {
                        let key = reader.read_optional(|reader| {
                            reader.read_tagged_implicit(Tag::context(0), |reader| reader.read_bytes())
                        })?;
                        while reader.read_optional(|reader| reader.read_der())?.is_some() {}
                        Ok(key)
                    })
                })?;
            }
            oid::SUBJECT_KEY_ID => {
                self.subject_key = Some(yasna::parse_der(value, |reader| reader.read_bytes())?);
            }
            // These say nothing that a validation decides on.
            oid::ISSUER_ALT_NAME | oid::AUTHORITY_INFO | oid::OCSP_NO_CHECK => {}
            _ => self.unknown_critical |= extension.critical,
        }
        Ok(())
    }
}

fn read_policies(reader: BERReader<'_, '_>) -> ASN1Result<Vec<ObjectIdentifier>> {
    let policies = reader.collect_sequence_of(|reader| {
        reader.read_sequence(|reader| {
            let id = reader.next().read_oid()?;
            reader.read_optional(|reader| reader.read_der())?;
            Ok(id)
        })
    })?;
    let mut sorted = policies.clone();
    sorted.sort();
    sorted.dedup();
    // RFC 5280 §4.2.1.4: no policy twice.
    if policies.is_empty() || sorted.len() != policies.len() { der::invalid() } else { Ok(policies) }
}

/// A certificate, read.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    signed: Signed,
    serial: Vec<u8>,
    issuer: Name,
    not_before: Moment,
    not_after: Moment,
    subject: Name,
    key: PublicKeyInfo,
    extensions: Extensions,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Certificate {
    /// Reads a certificate. Nothing in it is believed yet.
    ///
    /// # Errors
    /// If it is none, or an extension known here cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        let signed = der::parse(bytes, "a certificate", Signed::read)?;
        let (inner, serial, issuer, (not_before, not_after), subject, key, extensions) =
            der::parse(&signed.content, "a certificate", |reader| {
                reader.read_sequence(|reader| {
                    let version = reader.read_default(0, |reader| {
                        reader.read_tagged(Tag::context(0), |reader| reader.read_u8())
                    })?;
                    let serial = der::read_integer(reader.next())?;
                    let inner = reader.next().read_der()?;
                    let issuer = Name::read(reader.next())?;
                    let validity = reader.next().read_sequence(|reader| {
                        Ok((der::read_time(reader.next())?, der::read_time(reader.next())?))
                    })?;
                    let subject = Name::read(reader.next())?;
                    let key = PublicKeyInfo::read(reader.next())?;
                    for at in [1, 2] {
                        reader.read_optional(|reader| {
                            reader.read_tagged_implicit(Tag::context(at), |reader| reader.read_bitvec_bytes())
                        })?;
                    }
                    let extensions = reader
                        .read_optional(|reader| reader.read_tagged(Tag::context(3), Extensions::read))?;
                    if version > 2 || (extensions.is_some() && version != 2) {
                        return der::invalid();
                    }
                    let extensions = extensions.unwrap_or_default();
                    Ok((inner, serial, issuer, validity, subject, key, extensions))
                })
            })?;
        // RFC 5280 §4.1.1.2: the algorithm stands twice, the same.
        if inner != signed.algorithm {
            return Err(X509Error::NotDer("a certificate"));
        }
        let der = bytes.to_vec();
        Ok(Self { der, signed, serial, issuer, not_before, not_after, subject, key, extensions })
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The serial number, as its INTEGER has it.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Whose it is.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key it certifies.
    pub fn key(&self) -> &PublicKeyInfo {
        &self.key
    }

    /// From when to when it holds, both included.
    pub fn validity(&self) -> (Moment, Moment) {
        (self.not_before, self.not_after)
    }

    /// Its extensions.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether it names this policy.
    pub fn has_policy(&self, policy: oid::Arcs) -> bool {
        self.extensions.policies.as_ref().is_some_and(|all| all.contains(&oid(policy)))
    }

    /// The common name in its subject, lower case.
    pub fn common_name(&self) -> Option<&str> {
        self.subject.texts(oid::COMMON_NAME).next()
    }

    /// Whether it may be used for this, as its extended key usage says (absent: for anything).
    pub fn may(&self, purpose: oid::Arcs) -> bool {
        self.extensions.extended_key_usage.as_ref().is_none_or(|uses| uses.contains(&oid(purpose)))
    }

    /// Names that stand for its subject beside the subject's own.
    pub fn alternative_names(&self) -> &[GeneralName] {
        &self.extensions.alternative_names
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether this key signed it.
    ///
    /// # Errors
    /// If it did not.
    pub fn verify(&self, key: &PublicKeyInfo) -> Result<(), X509Error> {
        self.signed.verify(key)
    }
}

/// What a certificate is to say, apart from who signs it.
pub struct Content<'a> {
    /// 16 random bytes; made a positive number of full length (RFC 5280 §4.1.2.2).
    pub serial: [u8; 16],
    /// Who issues it.
    pub issuer: &'a Name,
    /// From when.
    pub not_before: Moment,
    /// Until when, included.
    pub not_after: Moment,
    /// Whose it is.
    pub subject: &'a Name,
    /// The key it certifies.
    pub key: &'a PublicKeyInfo,
}

/// Sixteen random bytes as a serial number: positive, never shorter.
pub(super) fn full_serial(mut serial: [u8; 16]) -> [u8; 16] {
    let [first, ..] = &mut serial;
    *first = *first & 0x3F | 0x40;
    serial
}

impl Content<'_> {
    /// Signs a certificate with these extensions; gives its DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn sign(
        &self,
        with: &IssuerKey,
        extensions: impl FnOnce(&mut DERWriterSeq<'_>),
    ) -> Result<Vec<u8>, X509Error> {
        with.signed(&yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_tagged(Tag::context(0), |writer| writer.write_u8(2));
                writer.next().write_bigint_bytes(&full_serial(self.serial), true);
                with.kind().write_algorithm(writer.next());
                writer.next().write_der(self.issuer.der());
                writer.next().write_sequence(|writer| {
                    der::write_time(writer.next(), self.not_before);
                    der::write_time(writer.next(), self.not_after);
                });
                writer.next().write_der(self.subject.der());
                writer.next().write_der(self.key.der());
                writer.next().write_tagged(Tag::context(3), |writer| writer.write_sequence(extensions));
            });
        }))
    }
}

// The extensions that are written here.

pub(super) fn write_key_usage(writer: DERWriter<'_>, usage: KeyUsage) {
    der::write_extension(writer, oid::KEY_USAGE, true, |writer| der::write_bits(writer, usage.0));
}

pub(super) fn write_extended_key_usage(writer: DERWriter<'_>, purpose: oid::Arcs) {
    write_extended_key_usages(writer, &[purpose]);
}

pub(super) fn write_extended_key_usages(writer: DERWriter<'_>, purposes: &[oid::Arcs]) {
    der::write_extension(writer, oid::EXTENDED_KEY_USAGE, false, |writer| {
        writer.write_sequence(|writer| {
            purposes.iter().for_each(|purpose| writer.next().write_oid(&oid(purpose)));
        });
    });
}

pub(super) fn write_authority(writer: DERWriter<'_>) {
    der::write_extension(writer, oid::BASIC_CONSTRAINTS, true, |writer| {
        writer.write_sequence(|writer| writer.next().write_bool(true));
    });
}

pub(super) fn write_directory_name(writer: DERWriter<'_>, name: &Name) {
    writer.write_tagged(Tag::context(4), |writer| writer.write_der(name.der()));
}

pub(super) fn write_directory_names(writer: DERWriter<'_>, id: oid::Arcs, name: &Name) {
    der::write_extension(writer, id, false, |writer| {
        writer.write_sequence(|writer| write_directory_name(writer.next(), name));
    });
}

pub(super) fn write_subject_key(writer: DERWriter<'_>, key: &PublicKeyInfo) {
    der::write_extension(writer, oid::SUBJECT_KEY_ID, false, |writer| writer.write_bytes(&key.id()));
}

/// The issuer's key by its id, and its certificate by issuer and serial where that is given.
pub(super) fn write_authority_key(
    writer: DERWriter<'_>,
    key: &PublicKeyInfo,
    certificate: Option<&Certificate>,
) {
    der::write_extension(writer, oid::AUTHORITY_KEY_ID, false, |writer| {
        writer.write_sequence(|writer| {
            writer.next().write_tagged_implicit(Tag::context(0), |writer| writer.write_bytes(&key.id()));
            if let Some(certificate) = certificate {
                writer.next().write_tagged_implicit(Tag::context(1), |writer| {
                    writer.write_sequence(|writer| {
                        write_directory_name(writer.next(), certificate.issuer());
                    });
                });
                writer.next().write_tagged_implicit(Tag::context(2), |writer| {
                    writer.write_bigint_bytes(certificate.serial(), true);
                });
            }
        });
    });
}

/// `[0] { [0] { directoryName } }`: a distribution point by its full name.
pub(super) fn write_point_name(writer: DERWriter<'_>, name: &Name) {
    writer.write_tagged(Tag::context(0), |writer| {
        writer.write_tagged_implicit(Tag::context(0), |writer| {
            writer.write_sequence(|writer| write_directory_name(writer.next(), name));
        });
    });
}
