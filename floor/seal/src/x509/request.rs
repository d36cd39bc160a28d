//! Certification requests (RFC 2986): a key, and the proof that whoever asks has its private half.

use yasna::Tag;

use super::key::{IssuerKey, KeyKind, PublicKeyInfo, Signed};
use super::name::Name;
use super::{X509Error, der};

/// A request whose signature was checked with the key in it.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    key: PublicKeyInfo,
    kind: KeyKind,
    subject: Name,
}

impl CertificationRequest {
    /// A request for this key, which signs it, and for no name; DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn of(key: &IssuerKey) -> Result<Vec<u8>, X509Error> {
        let content = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(0);
                writer.next().write_der(Name::of(&[]).der());
                writer.next().write_der(key.public().der());
                writer.next().write_tagged_implicit(Tag::context(0), |writer| writer.write_set(|_| ()));
            });
        });
        key.signed(&content)
    }

    /// Reads a request and checks the proof of possession.
    ///
    /// # Errors
    /// If it is none, its key is of no kind used here, or it is not signed with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        let signed = der::parse(bytes, "a certification request", Signed::read)?;
        let (subject, key) = der::parse(&signed.content, "a certification request", |reader| {
            reader.read_sequence(|reader| {
                if reader.next().read_u8()? != 0 {
                    return der::invalid();
                }
                let subject = Name::read(reader.next())?;
                let key = PublicKeyInfo::read(reader.next())?;
                // Attributes ask for extensions: what a certificate says is the authority's to decide.
                reader.next().read_tagged_implicit(Tag::context(0), |reader| {
                    reader.read_set_of(|reader| reader.read_der().map(|_| ()))
                })?;
                Ok((subject, key))
            })
        })?;
        let kind = key.kind().ok_or(X509Error::OtherKey)?;
        signed.verify(&key)?;
        Ok(Self { key, kind, subject })
    }

    /// The key.
    pub fn key(&self) -> &PublicKeyInfo {
        &self.key
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The subject that was asked for: to be compared, never to be copied unseen.
    pub fn subject(&self) -> &Name {
        &self.subject
    }
}
