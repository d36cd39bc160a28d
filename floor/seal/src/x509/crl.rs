//! Certificate revocation lists (RFC 5280 §5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::Moment;
use yasna::{ASN1Result, BERReader, Tag};

use super::certificate::{GeneralName, PointName, read_general_names, write_authority_key, write_point_name};
use super::key::{IssuerKey, PublicKeyInfo, Signed};
use super::name::Name;
use super::oid;
use super::{X509Error, der};

/// Why a certificate ended (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// Nothing is said.
    Unspecified,
    /// The holder's key is no longer the holder's alone.
    KeyCompromise,
    /// The authority's key is no longer its alone.
    AuthorityCompromise,
    /// What the certificate says of its holder is no longer so.
    AffiliationChanged,
    /// A newer certificate stands in its place.
    Superseded,
    /// It is no longer needed: the holder died, or gave it back.
    CessationOfOperation,
    /// It is suspended, and may come back.
    CertificateHold,
    /// On a delta list: it is back, or its time is over.
    RemoveFromList,
    /// What it allowed is withdrawn.
    PrivilegeWithdrawn,
    /// The key of an attribute authority is no longer its alone.
    AttributeAuthorityCompromise,
}

impl RevocationReason {
    const CODES: [(u8, Self); 10] = [
        (0, Self::Unspecified),
        (1, Self::KeyCompromise),
        (2, Self::AuthorityCompromise),
        (3, Self::AffiliationChanged),
        (4, Self::Superseded),
        (5, Self::CessationOfOperation),
        (6, Self::CertificateHold),
        (8, Self::RemoveFromList),
        (9, Self::PrivilegeWithdrawn),
        (10, Self::AttributeAuthorityCompromise),
    ];

    /// The code in lists and answers.
    pub fn code(self) -> u8 {
        Self::CODES.iter().find(|(_, reason)| *reason == self).map_or(0, |(code, _)| *code)
    }

    /// The reason of a code.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::CODES.iter().find(|(known, _)| *known == code).map(|(_, reason)| *reason)
    }
}

/// One entry, read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) serial: Vec<u8>,
    /// Whose certificate, where it is not the list's issuer's.
    pub(super) issuer: Option<Vec<GeneralName>>,
    pub(super) revoked_at: Moment,
    pub(super) reason: Option<RevocationReason>,
}

/// `issuingDistributionPoint` (RFC 5280 §5.2.5): what a list covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IssuingPoint {
    pub(super) name: Option<PointName>,
    pub(super) users_only: bool,
    pub(super) authorities_only: bool,
    pub(super) reasons: Option<u16>,
    pub(super) indirect: bool,
    pub(super) attributes_only: bool,
}

impl IssuingPoint {
    fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        reader.read_sequence(|reader| {
            let name = reader.read_optional(|reader| reader.read_tagged(Tag::context(0), PointName::read))?;
            let mut flag = |at| {
                reader.read_default(false, |reader| {
                    reader.read_tagged_implicit(Tag::context(at), |reader| reader.read_bool())
                })
            };
            let (users_only, authorities_only) = (flag(1)?, flag(2)?);
            let reasons = reader
                .read_optional(|reader| reader.read_tagged_implicit(Tag::context(3), der::read_bits))?;
            let mut flag = |at| {
                reader.read_default(false, |reader| {
                    reader.read_tagged_implicit(Tag::context(at), |reader| reader.read_bool())
                })
            };
            let (indirect, attributes_only) = (flag(4)?, flag(5)?);
            Ok(Self { name, users_only, authorities_only, reasons, indirect, attributes_only })
        })
    }
}

/// A list, read.
#[derive(Clone, Debug)]
pub struct Crl {
    signed: Signed,
    issuer: Name,
    this_update: Moment,
    next_update: Option<Moment>,
    pub(super) entries: Vec<Entry>,
    pub(super) point: Option<IssuingPoint>,
    pub(super) number: Option<Vec<u8>>,
    /// The number of the list this one changes, if it is a delta.
    pub(super) base: Option<Vec<u8>>,
    pub(super) authority_key: Option<Vec<u8>>,
    /// A critical extension of the list or of an entry is not known: it must not be relied on.
    pub(super) unknown_critical: bool,
}

/// What a list's extensions say: issuing point, number, base, key of its issuer, and whether one is unknown and critical.
type Said = (Option<IssuingPoint>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, bool);

fn read_said(reader: BERReader<'_, '_>) -> ASN1Result<Said> {
    let (mut point, mut number, mut base, mut key, mut unknown) = (None, None, None, None, false);
    for extension in der::read_extensions(reader)? {
        let value = extension.value.as_slice();
        match extension.id.components().as_slice() {
            oid::ISSUING_POINT => point = Some(yasna::parse_der(value, IssuingPoint::read)?),
            oid::CRL_NUMBER => number = Some(yasna::parse_der(value, der::read_integer)?),
            oid::DELTA_CRL => base = Some(yasna::parse_der(value, der::read_integer)?),
            oid::AUTHORITY_KEY_ID => {
                key = yasna::parse_der(value, |reader| {
                    reader.read_sequence(|reader| {
                        let key = reader.read_optional(|reader| {
                            reader.read_tagged_implicit(Tag::context(0), |reader| reader.read_bytes())
                        })?;
                        while reader.read_optional(|reader| reader.read_der())?.is_some() {}
                        Ok(key)
                    })
                })?;
            }
            oid::ISSUER_ALT_NAME => {}
            _ => unknown |= extension.critical,
        }
    }
    Ok((point, number, base, key, unknown))
}

fn read_entry(reader: BERReader<'_, '_>) -> ASN1Result<(Entry, bool)> {
    reader.read_sequence(|reader| {
        let serial = der::read_integer(reader.next())?;
        let revoked_at = der::read_time(reader.next())?;
        let extensions = reader.read_optional(der::read_extensions)?.unwrap_or_default();
        let mut entry = Entry { serial, issuer: None, revoked_at, reason: None };
        let mut unknown = false;
        for extension in extensions {
            let value = extension.value.as_slice();
            match extension.id.components().as_slice() {
                oid::REASON_CODE => {
                    let code = yasna::parse_der(value, |reader| reader.read_enum())?;
                    entry.reason = u8::try_from(code).ok().and_then(RevocationReason::of_code);
                }
                oid::CERTIFICATE_ISSUER => {
                    entry.issuer = Some(yasna::parse_der(value, read_general_names)?);
                }
                oid::INVALIDITY_DATE => {}
                _ => unknown |= extension.critical,
            }
        }
        Ok((entry, unknown))
    })
}

impl Crl {
    /// Reads a list. Nothing in it is believed yet.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        let signed = der::parse(bytes, "a revocation list", Signed::read)?;
        let (inner, issuer, this_update, next_update, entries, said) =
            der::parse(&signed.content, "a revocation list", |reader| {
                reader.read_sequence(|reader| {
                    let version = reader.read_default(0, |reader| reader.read_u8())?;
                    let inner = reader.next().read_der()?;
                    let issuer = Name::read(reader.next())?;
                    let this_update = der::read_time(reader.next())?;
                    let next_update = reader.read_optional(der::read_time)?;
                    let entries = reader.read_optional(|reader| reader.collect_sequence_of(read_entry))?;
                    let said =
                        reader.read_optional(|reader| reader.read_tagged(Tag::context(0), read_said))?;
                    if version > 1 {
                        return der::invalid();
                    }
                    let entries = entries.unwrap_or_default();
                    Ok((inner, issuer, this_update, next_update, entries, said.unwrap_or_default()))
                })
            })?;
        if inner != signed.algorithm {
            return Err(X509Error::NotDer("a revocation list"));
        }
        let (point, number, base, authority_key, unknown) = said;
        let unknown_critical = unknown || entries.iter().any(|(_, unknown)| *unknown);
        // An entry's issuer holds for those after it, too (RFC 5280 §5.3.3).
        let mut current = None;
        let entries = entries.into_iter().map(|(mut entry, _)| {
            current = entry.issuer.take().or_else(|| current.take());
            Entry { issuer: current.clone(), ..entry }
        });
        let entries = entries.collect();
        Ok(Self {
            signed,
            issuer,
            this_update,
            next_update,
            entries,
            point,
            number,
            base,
            authority_key,
            unknown_critical,
        })
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made, and when the next will be.
    pub fn updates(&self) -> (Moment, Option<Moment>) {
        (self.this_update, self.next_update)
    }

    /// How many certificates are on it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether this key signed it.
    ///
    /// # Errors
    /// If it did not.
    pub fn verify(&self, key: &PublicKeyInfo) -> Result<(), X509Error> {
        self.signed.verify(key)
    }

    /// The entry of a serial number on a list of its issuer's own certificates: when and why it ended.
    pub fn entry(&self, serial: &[u8]) -> Option<(Moment, RevocationReason)> {
        let found = self.entries.iter().find(|entry| entry.serial == serial)?;
        Some((found.revoked_at, found.reason.unwrap_or(RevocationReason::Unspecified)))
    }
}

/// The entries of a list that is being made, already in DER: one million of them take some 40 MB.
#[derive(Default)]
pub struct Entries(Vec<u8>);

impl Entries {
    /// Adds a certificate.
    pub fn add(&mut self, serial: &[u8], revoked_at: Moment, reason: RevocationReason) {
        let entry = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_bigint_bytes(serial, true);
                der::write_time(writer.next(), revoked_at);
                // RFC 5280 §5.3.1: left out rather than unspecified.
                if reason != RevocationReason::Unspecified {
                    writer.next().write_sequence(|writer| {
                        der::write_extension(writer.next(), oid::REASON_CODE, false, |writer| {
                            writer.write_enum(i64::from(reason.code()));
                        });
                    });
                }
            });
        });
        self.0.extend_from_slice(&entry);
    }
}

/// What a list covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Certificates of authorities alone.
    Authorities,
    /// End users' certificates of this distribution point.
    Users(&'a Name),
}

/// A list that is to be made.
pub struct CrlContent<'a> {
    /// Who issues it.
    pub issuer: &'a Name,
    /// When it is made.
    pub this_update: Moment,
    /// When the next will be.
    pub next_update: Moment,
    /// Grows with every list of the same scope.
    pub number: u64,
    /// What it covers.
    pub scope: Scope<'a>,
}

impl CrlContent<'_> {
    /// Signs a list of these entries; gives its DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn sign(&self, with: &IssuerKey, entries: &Entries) -> Result<Vec<u8>, X509Error> {
        with.signed(&yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(1);
                with.kind().write_algorithm(writer.next());
                writer.next().write_der(self.issuer.der());
                der::write_time(writer.next(), self.this_update);
                der::write_time(writer.next(), self.next_update);
                // RFC 5280 §5.1.2.6: where nothing is revoked the list is absent.
                if !entries.0.is_empty() {
                    writer.next().write_sequence(|writer| writer.next().write_der(&entries.0));
                }
                writer.next().write_tagged(Tag::context(0), |writer| {
                    writer.write_sequence(|writer| {
                        write_authority_key(writer.next(), with.public(), None);
                        der::write_extension(writer.next(), oid::CRL_NUMBER, false, |writer| {
                            writer.write_u64(self.number);
                        });
                        der::write_extension(writer.next(), oid::ISSUING_POINT, true, |writer| {
                            writer.write_sequence(|writer| {
                                let only = match self.scope {
                                    Scope::Users(point) => {
                                        write_point_name(writer.next(), point);
                                        1
                                    }
                                    Scope::Authorities => 2,
                                };
                                writer.next().write_tagged_implicit(Tag::context(only), |writer| {
                                    writer.write_bool(true);
                                });
                            });
                        });
                    });
                });
            });
        }))
    }
}
