//! Issuers' keys in a PKCS#11 token: made there, never given out.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use seal::x509::{IssuerKey, PublicKeyInfo, X509Error};
use serde::Deserialize;
use yasna::models::ObjectIdentifier;
use zeroize::Zeroizing;

/// Which token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// A file with the user's PIN, readable by its owner alone.
    pub pin_file: PathBuf,
}

/// What is wrong with a token. Says nothing of PIN or keys.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The PIN's file cannot be read.
    #[error("the file with the token's PIN, {0}, cannot be read: {1}")]
    Pin(PathBuf, std::io::Error),
    /// The token refused, or its module did.
    #[error("the PKCS#11 token: {0}: {1}")]
    Token(&'static str, cryptoki::error::Error),
    /// There is no token of that label.
    #[error("the PKCS#11 module has no token labelled {0}: initialise one, or set `token.label` right")]
    NoToken(String),
    /// A key of that label is there twice, or only half of it.
    #[error("the token has not exactly one key pair labelled {0}")]
    NotOne(String),
    /// A key in the token is of no kind that is used here.
    #[error("the token's key {0} is not RSA of 2,048 bits")]
    OtherKey(String),
}

/// A token, logged in to.
pub struct Token(Arc<Mutex<Session>>);

impl Token {
    /// Loads the module, finds the token, logs in. Once in a process.
    ///
    /// # Errors
    /// If any of that fails.
    pub fn open(config: &TokenConfig, base: &Path) -> Result<Self, TokenError> {
        let path = base.join(&config.pin_file);
        let pin = std::fs::read_to_string(&path).map(Zeroizing::new);
        let pin = pin.map_err(|error| TokenError::Pin(path, error))?;
        let failed = |what| move |error| TokenError::Token(what, error);
        let module = Pkcs11::new(&config.module).map_err(failed("its module cannot be loaded"))?;
        let start = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        module.initialize(start).map_err(failed("its module does not start"))?;
        let slots = module.get_slots_with_token().map_err(failed("its slots cannot be listed"))?;
        let is_it = |slot: &cryptoki::slot::Slot| {
            module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == config.label)
        };
        let slot = slots.into_iter().find(is_it);
        let slot = slot.ok_or_else(|| TokenError::NoToken(config.label.clone()))?;
        let session = module.open_rw_session(slot).map_err(failed("no session opens"))?;
        let pin = AuthPin::new(pin.trim_end().to_owned().into());
        session.login(UserType::User, Some(&pin)).map_err(failed("it does not take the PIN"))?;
        Ok(Self(Arc::new(Mutex::new(session))))
    }

    /// The key of a label; made in the token if it is missing (RSA-2048: it signs, and cannot be taken out).
    ///
    /// # Errors
    /// If the token refuses, or has something else under that label.
    pub fn issuer(&self, label: &str) -> Result<IssuerKey, TokenError> {
        let session = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (public, private) = match (find(&session, label, true)?, find(&session, label, false)?) {
            (None, None) => make(&session, label)?,
            (Some(public), Some(private)) => (public, private),
            _ => return Err(TokenError::NotOne(label.to_owned())),
        };
        let public = public_half(&session, public, label)?;
        drop(session);
        let session = Arc::clone(&self.0);
        let sign = move |message: &[u8]| {
            let session = session.lock().unwrap_or_else(PoisonError::into_inner);
            let signed = session.sign(&Mechanism::Sha256RsaPkcs, private, message);
            signed.map_err(|error| {
                tracing::error!(%error, "the PKCS#11 token did not sign");
                X509Error::DoesNotSign("the token refused")
            })
        };
        IssuerKey::outside(public, sign).map_err(|_| TokenError::OtherKey(label.to_owned()))
    }
}

fn find(session: &Session, label: &str, public: bool) -> Result<Option<ObjectHandle>, TokenError> {
    let class = if public { ObjectClass::PUBLIC_KEY } else { ObjectClass::PRIVATE_KEY };
    let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    let found = session.find_objects(&wanted);
    let found = found.map_err(|error| TokenError::Token("its keys cannot be listed", error))?;
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(TokenError::NotOne(label.to_owned())),
    }
}

fn make(session: &Session, label: &str) -> Result<(ObjectHandle, ObjectHandle), TokenError> {
    let label = Attribute::Label(label.as_bytes().to_vec());
    let public = [
        label.clone(),
        Attribute::Token(true),
        Attribute::Verify(true),
        Attribute::ModulusBits(2_048.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
    ];
    let private = [
        label,
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ];
    let made = session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private);
    made.map_err(|error| TokenError::Token("no key could be made", error))
}

fn public_half(session: &Session, key: ObjectHandle, label: &str) -> Result<PublicKeyInfo, TokenError> {
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    let found = session.get_attributes(key, &wanted);
    let found = found.map_err(|error| TokenError::Token("a public key cannot be read", error))?;
    let (mut modulus, mut exponent) = (Vec::new(), Vec::new());
    for attribute in found {
        match attribute {
            Attribute::Modulus(bytes) => modulus = bytes,
            Attribute::PublicExponent(bytes) => exponent = bytes,
            _ => {}
        }
    }
    // RSAPublicKey (RFC 8017 A.1.1) in a SubjectPublicKeyInfo.
    let numbers = yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_bigint_bytes(&modulus, true);
            writer.next().write_bigint_bytes(&exponent, true);
        });
    });
    let der = yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_sequence(|writer| {
                let rsa = [1, 2, 840, 113_549, 1, 1, 1];
                writer.next().write_oid(&ObjectIdentifier::from_slice(&rsa));
                writer.next().write_null();
            });
            writer.next().write_bitvec_bytes(&numbers, numbers.len() * 8);
        });
    });
    PublicKeyInfo::parse(&der).map_err(|_| TokenError::OtherKey(label.to_owned()))
}
