//! X.509: one writer and one reader of certificates, revocation lists, requests and OCSP messages (RFC 5280, RFC 2986,
//! RFC 6960, RFC 3161), the profile of 公的個人認証, and the one validation of paths.
//!
//! The profile marks `certificatePolicies` critical, names distribution points by directory names and divides its
//! revocation lists: no library in the tree decides on that. ASN.1 itself is left to `yasna`, arithmetic to aws-lc.

mod certificate;
mod constraints;
mod crl;
mod der;
pub mod jpki;
mod key;
mod name;
pub mod ocsp;
pub mod oid;
pub mod party;
mod path;
mod policy;
mod request;
mod revocation;
pub mod serials;
pub mod timestamp;

pub use certificate::{Certificate, Content, DistributionPoint, Extensions, GeneralName, KeyUsage};
pub use crl::{Crl, CrlContent, Entries, RevocationReason, Scope};
pub use key::{IssuerKey, KeyKind, PublicKeyInfo};
pub use name::Name;
pub use path::{Invalid, Rules, Store, Valid};
pub use request::CertificationRequest;

/// What is wrong with an X.509 object, or why none could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// The bytes are not the DER of what was expected.
    #[error("these bytes are not the DER of {0}")]
    NotDer(&'static str),
    /// The key is of a kind or size that is not used here.
    #[error("the key is neither RSA of 2,048 to 4,096 bits nor ECDSA P-256")]
    OtherKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// The key did not sign.
    #[error("the key did not sign: {0}")]
    DoesNotSign(&'static str),
}
