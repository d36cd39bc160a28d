//! Object identifiers, by their arcs.

use yasna::models::ObjectIdentifier;

/// An object identifier by its arcs.
pub type Arcs = &'static [u64];

/// The identifier of these arcs, e.g. a policy that a caller wants.
pub fn oid(arcs: &[u64]) -> ObjectIdentifier {
    ObjectIdentifier::from_slice(arcs)
}

/// `sha256WithRSAEncryption` (RFC 8017 A.2.4); 12 and 13 are SHA-384 and SHA-512.
pub(super) const RSA_SHA256: Arcs = &[1, 2, 840, 113_549, 1, 1, 11];
pub(super) const RSA_SHA384: Arcs = &[1, 2, 840, 113_549, 1, 1, 12];
pub(super) const RSA_SHA512: Arcs = &[1, 2, 840, 113_549, 1, 1, 13];
pub(super) const RSA: Arcs = &[1, 2, 840, 113_549, 1, 1, 1];
/// `ecdsa-with-SHA256` (RFC 5758 §3.2), `id-ecPublicKey` and P-256 (RFC 5480 §2.1).
pub(super) const ECDSA_SHA256: Arcs = &[1, 2, 840, 10_045, 4, 3, 2];
pub(super) const EC: Arcs = &[1, 2, 840, 10_045, 2, 1];
pub(super) const P256: Arcs = &[1, 2, 840, 10_045, 3, 1, 7];
pub(super) const SHA1: Arcs = &[1, 3, 14, 3, 2, 26];
pub(super) const SHA256: Arcs = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
pub(super) const SHA384: Arcs = &[2, 16, 840, 1, 101, 3, 4, 2, 2];
pub(super) const SHA512: Arcs = &[2, 16, 840, 1, 101, 3, 4, 2, 3];

// Signed messages and time-stamps (RFC 5652 §5, §11; RFC 5035 §3; RFC 3161 §2.4.2).
pub(super) const SIGNED_DATA: Arcs = &[1, 2, 840, 113_549, 1, 7, 2];
pub(super) const CONTENT_TYPE: Arcs = &[1, 2, 840, 113_549, 1, 9, 3];
pub(super) const MESSAGE_DIGEST: Arcs = &[1, 2, 840, 113_549, 1, 9, 4];
pub(super) const SIGNING_CERTIFICATE: Arcs = &[1, 2, 840, 113_549, 1, 9, 16, 2, 47];
pub(super) const TST_INFO: Arcs = &[1, 2, 840, 113_549, 1, 9, 16, 1, 4];

// Attributes of names (RFC 5280 appendix A.1).
pub(super) const COMMON_NAME: Arcs = &[2, 5, 4, 3];
pub(super) const COUNTRY: Arcs = &[2, 5, 4, 6];
pub(super) const LOCALITY: Arcs = &[2, 5, 4, 7];
pub(super) const ORGANISATION: Arcs = &[2, 5, 4, 10];
pub(super) const UNIT: Arcs = &[2, 5, 4, 11];
pub(super) const EMAIL: Arcs = &[1, 2, 840, 113_549, 1, 9, 1];

// Extensions (RFC 5280 §4.2, §5.2, §5.3; RFC 6960 §4).
pub(super) const SUBJECT_KEY_ID: Arcs = &[2, 5, 29, 14];
pub(super) const KEY_USAGE: Arcs = &[2, 5, 29, 15];
pub(super) const SUBJECT_ALT_NAME: Arcs = &[2, 5, 29, 17];
pub(super) const ISSUER_ALT_NAME: Arcs = &[2, 5, 29, 18];
pub(super) const BASIC_CONSTRAINTS: Arcs = &[2, 5, 29, 19];
pub(super) const CRL_NUMBER: Arcs = &[2, 5, 29, 20];
pub(super) const REASON_CODE: Arcs = &[2, 5, 29, 21];
pub(super) const INVALIDITY_DATE: Arcs = &[2, 5, 29, 24];
pub(super) const DELTA_CRL: Arcs = &[2, 5, 29, 27];
pub(super) const ISSUING_POINT: Arcs = &[2, 5, 29, 28];
pub(super) const CERTIFICATE_ISSUER: Arcs = &[2, 5, 29, 29];
pub(super) const NAME_CONSTRAINTS: Arcs = &[2, 5, 29, 30];
pub(super) const CRL_POINTS: Arcs = &[2, 5, 29, 31];
pub(super) const POLICIES: Arcs = &[2, 5, 29, 32];
pub(super) const POLICY_MAPPINGS: Arcs = &[2, 5, 29, 33];
pub(super) const AUTHORITY_KEY_ID: Arcs = &[2, 5, 29, 35];
pub(super) const POLICY_CONSTRAINTS: Arcs = &[2, 5, 29, 36];
pub(super) const EXTENDED_KEY_USAGE: Arcs = &[2, 5, 29, 37];
pub(super) const INHIBIT_ANY: Arcs = &[2, 5, 29, 54];
pub(super) const AUTHORITY_INFO: Arcs = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
pub(super) const OCSP: Arcs = &[1, 3, 6, 1, 5, 5, 7, 48, 1];
pub(super) const OCSP_BASIC: Arcs = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
pub(super) const OCSP_NONCE: Arcs = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 2];
pub(super) const OCSP_NO_CHECK: Arcs = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
/// `id-ce-noRevAvail` (RFC 9608 §2).
pub(super) const NO_REVOCATION: Arcs = &[2, 5, 29, 56];
pub(super) const CPS: Arcs = &[1, 3, 6, 1, 5, 5, 7, 2, 1];
pub(super) const ANY_POLICY: Arcs = &[2, 5, 29, 32, 0];

/// `id-kp-serverAuth` (RFC 5280 §4.2.1.12).
pub const SERVER_AUTH: Arcs = &[1, 3, 6, 1, 5, 5, 7, 3, 1];
/// `id-kp-clientAuth` (RFC 5280 §4.2.1.12).
pub const CLIENT_AUTH: Arcs = &[1, 3, 6, 1, 5, 5, 7, 3, 2];
/// `id-kp-timeStamping` (RFC 3161 §2.3).
pub const TIME_STAMPING: Arcs = &[1, 3, 6, 1, 5, 5, 7, 3, 8];
/// `id-kp-OCSPSigning` (RFC 6960 §4.2.2.2).
pub const OCSP_SIGNING: Arcs = &[1, 3, 6, 1, 5, 5, 7, 3, 9];

/// The policy of test certificates for signatures: the test arc, so that nobody takes them for real ones.
pub const TEST_SIGNATURE_POLICY: Arcs = &[1, 2, 392, 200_149, 8, 5, 1, 0, 20];
/// The policy of test certificates for user authentication.
pub const TEST_AUTHENTICATION_POLICY: Arcs = &[1, 2, 392, 200_149, 8, 5, 1, 0, 30];
/// The policy of test time-stamps.
pub const TIME_STAMP_POLICY: Arcs = &[1, 2, 392, 200_149, 8, 5, 1, 0, 99];
/// Under this arc stand the attributes in signature certificates.
pub(super) const JPKI_ATTRIBUTES: Arcs = &[1, 2, 392, 200_149, 8, 5, 5];
