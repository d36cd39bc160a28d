//! Certificates in the form of 公的個人認証, by a test authority: another organisation's name, the test arc of policies.

use card::personalise::{Purpose, key_of_info, public_key_info};
use card::records::{Holder, Sex};
use card::{PublicKey, RsaKey};
use seal::x509::jpki::{self, Attributes, Authority, Holders, Place, Services};
use seal::x509::{Certificate, IssuerKey, PublicKeyInfo, Rules, Store, X509Error, oid};
use words::Moment;

/// The purpose, as the profile of certificates has it.
fn purpose(of: Purpose) -> jpki::Purpose {
    match of {
        Purpose::Signature => jpki::Purpose::Signature,
        Purpose::Authentication => jpki::Purpose::Authentication,
    }
}

/// The municipality of the test authority's window.
fn place(holder: &Holder) -> Place {
    Place {
        prefecture: "Musubi-to".into(),
        municipality: "Musubi-shi".into(),
        code: holder.municipality.clone(),
    }
}

fn words(error: X509Error) -> String {
    error.to_string()
}

/// The authority's own certificate, for ten years.
pub(crate) fn authority(of: Purpose, key: &RsaKey, serial: [u8; 16], now: Moment) -> Result<Vec<u8>, String> {
    let key = IssuerKey::from_pkcs8(key.pkcs8()).map_err(words)?;
    jpki::authority(purpose(of), &key, serial, now).map_err(words)
}

/// A holder's certificate, issued by the authority with this key and certificate.
pub(crate) fn holders(
    of: Purpose,
    holder: &Holder,
    key: &PublicKey,
    (issuer, certificate): (&RsaKey, &[u8]),
    serial: [u8; 16],
    now: Moment,
) -> Result<Vec<u8>, String> {
    let authority = Authority {
        purpose: purpose(of),
        certificate: Certificate::parse(certificate).map_err(words)?,
        key: IssuerKey::from_pkcs8(issuer.pkcs8()).map_err(words)?,
    };
    let sex = if holder.sex == Sex::Male { jpki::Sex::Male } else { jpki::Sex::Female };
    let key = PublicKeyInfo::parse(&public_key_info(key)).map_err(words)?;
    let holders = Holders {
        key: &key,
        place: &place(holder),
        attributes: &Attributes::as_they_are(&holder.name, &holder.address, holder.birth, sex),
        serial,
        now,
        services: &Services::default(),
    };
    authority.issue(&holders).map_err(words)
}

/// What a login needs of a certificate.
pub struct Checked {
    /// The holder's key.
    pub key: PublicKey,
    /// The random name in it.
    pub name: String,
}

/// Checks a certificate for authentication against the authority's: name, signature, time, policy, use; revocation is
/// asked of the authority's room, not here. `None` if anything does not hold.
pub fn check(certificate: &[u8], authority: &[u8], now: Moment) -> Option<Checked> {
    let certificate = Certificate::parse(certificate).ok()?;
    let anchors = vec![Certificate::parse(authority).ok()?];
    let store = Store { anchors, ..Store::default() };
    let mut rules = Rules::at(now).for_policy(jpki::Purpose::Authentication.policy());
    rules.revocation = false;
    store.validate(&certificate, &rules).ok()?;
    certificate.may(oid::CLIENT_AUTH).then_some(())?;
    let name = certificate.common_name()?.to_uppercase();
    Some(Checked { key: key_of_info(certificate.key().der())?, name })
}
