//! Certificates of parties: the second hierarchy. The country's root certifies an authority for organisations, which certifies
//! keys of parties for a day. Whoever leaves is out of the signed directory; no list is kept of certificates that end so soon
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
