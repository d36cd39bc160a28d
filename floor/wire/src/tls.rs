//! TLS 1.3 with certificates both ways and hybrid key exchange (X25519MLKEM768 first), by rustls and aws-lc-rs.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::{ClientConfig, ResolvesClientCert};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use seal::{Sha256, sha256};

/// Why a TLS identity could not be used. Never says anything of the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file is not what it should be.
    #[error("{0} is not a PEM file of that kind")]
    Pem(&'static str),
    /// rustls refused key or certificate.
    #[error("certificate and key do not fit: {0}")]
    Refused(#[from] rustls::Error),
    /// The root certificate cannot be used to verify peers.
    #[error("the country's root certificate cannot be used to verify peers")]
    Root,
}

/// What is shown in the next handshake, on both ends.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A party's certificate and key, which may be replaced while it serves, and the root that certifies its neighbours. Clones
/// share both.
#[derive(Clone)]
pub struct TlsIdentity {
    shown: Arc<Shown>,
    roots: Arc<RootCertStore>,
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    Ok(CertifiedKey::from_der(chain, key, &provider())?)
}

fn certified_der(chain: &[&[u8]], pkcs8: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain = chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    certified(chain, PrivateKeyDer::Pkcs8(pkcs8.to_vec().into()))
}

/// The certificate and key under which browsers find a room's pages.
#[derive(Clone)]
pub struct PagesTls(Arc<ServerConfig>);

impl PagesTls {
    /// From PEM texts: the certificate with its chain, and the key. TLS 1.3 only, no client certificate.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::Pem("the pages' certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Pem("the pages' key"))?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

impl TlsIdentity {
    /// From PEM texts: own certificate, own key, the country's root.
    pub fn from_pem(certificate: &[u8], key: &[u8], root: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::Pem("the certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Pem("the key"))?;
        if chain.is_empty() {
            return Err(TlsError::Pem("the certificate"));
        }
        Self::of(certified(chain, key)?, root)
    }

    /// From a certificate (DER, its chain after it) and key (PKCS#8), and the country's root (PEM).
    ///
    /// # Errors
    /// If certificate and key do not fit, or the root is none.
    pub fn from_der(chain: &[&[u8]], pkcs8: &[u8], root: &[u8]) -> Result<Self, TlsError> {
        Self::of(certified_der(chain, pkcs8)?, root)
    }

    fn of(shown: CertifiedKey, root: &[u8]) -> Result<Self, TlsError> {
        let root = CertificateDer::from_pem_slice(root)
            .map_err(|_| TlsError::Pem("the country's root certificate"))?;
        let mut roots = RootCertStore::empty();
        roots.add(root).map_err(|_| TlsError::Root)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::new(shown))));
        Ok(Self { shown, roots: Arc::new(roots) })
    }

    /// Shows another certificate (DER, its chain after it) and key (PKCS#8) in every handshake from now on. Connections that
    /// are open stay.
    ///
    /// # Errors
    /// If certificate and key do not fit; the present ones stay then.
    pub fn replace(&self, chain: &[&[u8]], pkcs8: &[u8]) -> Result<(), TlsError> {
        let new = Arc::new(certified_der(chain, pkcs8)?);
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The SHA-256 of the own certificate: how the directory names it.
    pub fn fingerprint(&self) -> Sha256 {
        self.shown.now().cert.first().map(|certificate| sha256(certificate)).unwrap_or_default()
    }

    pub(crate) fn server(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&self.roots), provider())
            .build()
            .map_err(|_| TlsError::Root)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(&self.shown) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    pub(crate) fn client(&self) -> Result<ClientConfig, TlsError> {
        Ok(ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_client_cert_resolver(Arc::clone(&self.shown) as _))
    }
}
