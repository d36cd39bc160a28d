//! Certificates of parties: the second hierarchy. The country's root certifies an authority for organisations, which certifies
//! keys of parties and of their operators for a day. Whoever leaves is out of the signed directory, or named in it; no list is kept of certificates that end so soon
//! (RFC 9608).

use words::{Moment, PartyId};
use yasna::Tag;

use super::certificate::{
    Certificate, Content, KeyUsage, write_authority_key, write_extended_key_usages, write_key_usage,
    write_subject_key,
};
use super::key::{IssuerKey, PublicKeyInfo};
use super::name::Name;
use super::{X509Error, der, oid};

/// The name of the authority for organisations.
pub const AUTHORITY: &str = "Musubi organisation authority";

/// What a party's certificate says.
pub struct PartyCertificate<'a> {
    /// Whose it is.
    pub party: &'a PartyId,
    /// The party's key.
    pub key: &'a PublicKeyInfo,
    /// 16 random bytes: the serial number.
    pub serial: [u8; 16],
    /// From when.
    pub not_before: Moment,
    /// Until when.
    pub not_after: Moment,
}

impl PartyCertificate<'_> {
    /// Signs it, for both ends of TLS under the name `<party>.musubi`; DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn sign(&self, (authority, with): (&Certificate, &IssuerKey)) -> Result<Vec<u8>, X509Error> {
        let subject = Name::of(&[(oid::COMMON_NAME, self.party.as_str())]);
        let Self { key, serial, not_before, not_after, .. } = *self;
        let content =
            Content { serial, issuer: authority.subject(), not_before, not_after, subject: &subject, key };
        content.sign(with, |writer| {
            write_key_usage(writer.next(), KeyUsage::DIGITAL_SIGNATURE);
            write_extended_key_usages(writer.next(), &[oid::SERVER_AUTH, oid::CLIENT_AUTH]);
            der::write_extension(writer.next(), oid::SUBJECT_ALT_NAME, false, |writer| {
                writer.write_sequence(|writer| {
                    let name = format!("{}.musubi", self.party);
                    writer
                        .next()
                        .write_tagged_implicit(Tag::context(2), |writer| writer.write_ia5_string(&name));
                });
            });
            der::write_extension(writer.next(), oid::NO_REVOCATION, false, |writer| writer.write_null());
            write_authority_key(writer.next(), with.public(), None);
            write_subject_key(writer.next(), key);
        })
    }
}

/// What a certificate of somebody inside a party says: an operator, a clerk, a system.
pub struct OperatorCertificate<'a> {
    /// Whose house it is.
    pub party: &'a PartyId,
    /// What the party calls them, as [`is_operator_name`] has it.
    pub name: &'a str,
    /// Their key.
    pub key: &'a PublicKeyInfo,
    /// 16 random bytes: the serial number.
    pub serial: [u8; 16],
    /// From when.
    pub not_before: Moment,
    /// Until when.
    pub not_after: Moment,
}

impl OperatorCertificate<'_> {
    /// Signs it, for clients of TLS alone: it has no name of a server, and no party's; DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn sign(&self, (authority, with): (&Certificate, &IssuerKey)) -> Result<Vec<u8>, X509Error> {
        let subject = Name::of(&[(oid::ORGANISATION, self.party.as_str()), (oid::COMMON_NAME, self.name)]);
        let Self { key, serial, not_before, not_after, .. } = *self;
        let content =
            Content { serial, issuer: authority.subject(), not_before, not_after, subject: &subject, key };
        content.sign(with, |writer| {
            write_key_usage(writer.next(), KeyUsage::DIGITAL_SIGNATURE);
            write_extended_key_usages(writer.next(), &[oid::CLIENT_AUTH]);
            der::write_extension(writer.next(), oid::NO_REVOCATION, false, |writer| writer.write_null());
            write_authority_key(writer.next(), with.public(), None);
            write_subject_key(writer.next(), key);
        })
    }
}

/// Whether a certificate can name an operator so: `a-z`, `0-9`, `-`, 1 to 64 of them. Names in certificates are compared without
/// regard to case (RFC 5280 §7.1).
pub fn is_operator_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// The party and the name in an operator's certificate; `None` for any other certificate. Says nothing of who signed it.
pub fn operator_of(certificate: &Certificate) -> Option<(PartyId, String)> {
    let one = |kind| {
        let mut texts = certificate.subject().texts(kind);
        texts.next().filter(|_| texts.next().is_none())
    };
    let (party, name) = (one(oid::ORGANISATION)?, one(oid::COMMON_NAME)?);
    let other = certificate.may(oid::SERVER_AUTH) || !certificate.alternative_names().is_empty();
    if other || !certificate.may(oid::CLIENT_AUTH) || !is_operator_name(name) {
        return None;
    }
    Some((PartyId::parse(party).ok()?, name.to_owned()))
}
