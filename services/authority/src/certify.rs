//! The country's root: certificates of enrolment for the TLS keys of parties, and the authority for organisations below it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData,
    SignatureAlgorithm, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use seal::x509::{Certificate, IssuerKey, KeyKind, PublicKeyInfo, X509Error};
use words::{Date, PartyId};
use zeroize::Zeroizing;

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertifyError {
    /// The library said so.
    #[error("a certificate could not be made: {0}")]
    NotMade(#[from] rcgen::Error),
    /// A root's key is put beside another root's certificate.
    #[error("the root's key is not that of its certificate")]
    OtherKey,
}

/// How long a certificate of a party holds, in days; the root ten times as long.
const DAYS: i64 = 366;

/// The country's root: the key that certifies parties.
pub struct Root {
    key: KeyPair,
    /// Its certificate, DER, where one was made before.
    own: Option<Vec<u8>>,
}

/// A party's own TLS key, made by the party.
pub struct PartyKey(KeyPair);

impl PartyKey {
    /// A fresh key (ECDSA P-256).
    pub fn generate() -> Result<Self, CertifyError> {
        Ok(Self(KeyPair::generate()?))
    }

    /// The private key, PEM, for the party's own folder.
    pub fn pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// The public key: what the authority is shown (an uncompressed P-256 point, 65 bytes).
    pub fn public(&self) -> Vec<u8> {
        self.0.public_key_raw().to_vec()
    }
}

/// A public key somebody shows, and the algorithm of its signatures.
struct Shown(Vec<u8>, &'static SignatureAlgorithm);

impl PublicKeyData for Shown {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.1
    }
}

/// A certificate as RFC 7468 §5.1 has it.
fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut lines = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        lines.extend([line, "\n"]);
        rest = after;
    }
    lines + "-----END CERTIFICATE-----\n"
}

fn root_params(today: Date) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Musubi country root");
    params.distinguished_name = name;
    // Parties, and one authority for organisations below.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, today, DAYS * 10);
    params
}

fn validity(params: &mut CertificateParams, today: Date, days: i64) {
    let day = |date: Date| {
        let (year, month, day) = date.parts();
        date_time_ymd(i32::from(year), month, day)
    };
    // From yesterday, so that a neighbour whose clock is behind accepts it.
    params.not_before = day(Date::from_days(today.days() - 1));
    params.not_after = day(Date::from_days(today.days() + days));
}

impl Root {
    /// A fresh root key.
    pub fn generate() -> Result<Self, CertifyError> {
        Ok(Self { key: KeyPair::generate()?, own: None })
    }

    /// From the root key, PEM.
    pub fn from_pem(pem: &str) -> Result<Self, CertifyError> {
        Ok(Self { key: KeyPair::from_pem(pem)?, own: None })
    }

    /// The same with the certificate that was made with the key.
    ///
    /// # Errors
    /// If the certificate is of another key.
    pub fn with(self, certificate: &Certificate) -> Result<Self, CertifyError> {
        match self.is_key_of(certificate) {
            true => Ok(Self { own: Some(certificate.der().to_vec()), ..self }),
            false => Err(CertifyError::OtherKey),
        }
    }

    /// Whether a trust anchor's certificate, PEM, is of this root's key.
    pub fn is_anchor(&self, pem: &str) -> bool {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok();
        let certificate = der.and_then(|der| Certificate::parse(&der).ok());
        certificate.is_some_and(|certificate| self.is_key_of(&certificate))
    }

    /// Whether a certificate is of this root's key.
    fn is_key_of(&self, certificate: &Certificate) -> bool {
        certificate.key().bits() == self.key.public_key_raw()
    }

    /// The root key, PEM, for the ceremony's safe.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The root's own certificate, PEM and DER: part of the trust anchor. Made now, unless one was made before.
    pub fn certificate(&self, today: Date) -> Result<(String, Vec<u8>), CertifyError> {
        if let Some(der) = &self.own {
            return Ok((pem(der), der.clone()));
        }
        let certificate = root_params(today).self_signed(&self.key)?;
        Ok((certificate.pem(), certificate.der().to_vec()))
    }

    /// Signs a text, such as a ceremony's transcript: ECDSA with SHA-256, DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>, X509Error> {
        IssuerKey::from_pkcs8(&Zeroizing::new(self.key.serialize_der()))?.sign(text)
    }

    /// Certifies a party's public key under the name `<party>.musubi`, for both ends of TLS.
    /// Returns the certificate as PEM and as DER.
    pub fn certify(
        &self,
        party: &PartyId,
        public: &[u8],
        today: Date,
    ) -> Result<(String, Vec<u8>), CertifyError> {
        let mut params = CertificateParams::new(vec![format!("{party}.musubi")])?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, party.as_str());
        params.distinguished_name = name;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, today, DAYS);
        let certificate = params.signed_by(
            &Shown(public.to_vec(), &PKCS_ECDSA_P256_SHA256),
            &Issuer::new(root_params(today), &self.key),
        )?;
        Ok((certificate.pem(), certificate.der().to_vec()))
    }

    /// Certifies the authority for organisations, which certifies parties for a day each; DER.
    pub fn certify_organisations(&self, key: &PublicKeyInfo, today: Date) -> Result<Vec<u8>, CertifyError> {
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, seal::x509::party::AUTHORITY);
        params.distinguished_name = name;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.use_authority_key_identifier_extension = true;
        // As our own writer names it in what this key signs.
        params.key_identifier_method = KeyIdMethod::PreSpecified(key.id().to_vec());
        validity(&mut params, today, DAYS * 5);
        let algorithm = match key.kind() {
            Some(KeyKind::Rsa2048) => &PKCS_RSA_SHA256,
            _ => &PKCS_ECDSA_P256_SHA256,
        };
        let shown = Shown(key.bits().to_vec(), algorithm);
        let certificate = params.signed_by(&shown, &Issuer::new(root_params(today), &self.key))?;
        Ok(certificate.der().to_vec())
    }
}
