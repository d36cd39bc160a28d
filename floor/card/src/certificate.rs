//! Card-verifiable certificates: who a terminal is, in 568 bytes that a card can check.
//!
//! The form is that of real cards (`7F21 { 5F4E body ; 5F37 signature }`). What the last bytes of a key id mean on
//! them is not public: that a terminal's role and generation stand there is our own layout.

use crate::key::{PublicKey, RsaKey};
use crate::{Status, tlv};

/// What a terminal may do; three digits in its key id. The numbers are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role(pub u16);

impl Role {
    /// A counter that knows the holder by face: use without PIN (hospital, pharmacy).
    pub const COUNTER: Self = Self(1);
    /// A municipality's counter: writes what is on the card, sets PINs anew.
    pub const ISSUER: Self = Self(900);
    /// Installs and deletes its own municipality's areas.
    pub const AREAS: Self = Self(800);
    /// The owner of an area, under the area's own key.
    pub const OWNER: Self = Self(700);
    /// A terminal that only reads what an area shows it.
    pub const SERVICE: Self = Self(710);
    /// An operator's card; see [`crate::operator`].
    pub const OPERATOR: Self = Self(600);
    /// A terminal that an operator logs in at.
    pub const DESK: Self = Self(610);
}

/// Sixteen bytes that name a key: seven digits (an institution, or an authority), `08 05`, three digits (role), four bytes
/// (generation, serial).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// Puts one together; `institution` must be under 10,000,000, `role` under 1,000.
    pub fn new(institution: u32, role: Role, generation: u16, serial: u16) -> Option<Self> {
        (institution < 10_000_000 && role.0 < 1_000).then_some(())?;
        let mut bytes = format!("{institution:07}\x08\x05{:03}", role.0).into_bytes();
        bytes.extend_from_slice(&generation.to_be_bytes());
        bytes.extend_from_slice(&serial.to_be_bytes());
        Self::parse(&bytes)
    }

    /// Reads one; `None` if digits are not where they should be.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        let id = Self(bytes);
        (id.institution_digits()?.iter().chain(id.role_digits()?).all(u8::is_ascii_digit)).then_some(id)
    }

    fn institution_digits(&self) -> Option<&[u8]> {
        self.0.get(..7)
    }

    fn role_digits(&self) -> Option<&[u8]> {
        self.0.get(9..12)
    }

    /// The institution's code, seven digits.
    pub fn institution(&self) -> [u8; 7] {
        let [a, b, c, d, e, f, g, ..] = self.0;
        [a, b, c, d, e, f, g]
    }

    /// What the terminal may do.
    pub fn role(&self) -> Role {
        let digits = self.role_digits().unwrap_or_default();
        Role(digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit.wrapping_sub(b'0'))))
    }

    /// The generation: a card that has met a newer one refuses those before the last.
    pub fn generation(&self) -> u16 {
        let [.., high, low, _, _] = self.0;
        u16::from_be_bytes([high, low])
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A certificate whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose key signed it.
    pub issuer: KeyId,
    /// Whose key it certifies.
    pub subject: KeyId,
    /// That key.
    pub key: PublicKey,
}

/// Bytes of the body: two key ids and a public key.
const BODY: usize = 297;

impl Certificate {
    /// Signs a certificate; 568 bytes.
    ///
    /// # Errors
    /// `6F00` if the library could not sign.
    pub fn issue(issuer: &KeyId, with: &RsaKey, subject: &KeyId, key: &PublicKey) -> Result<Vec<u8>, Status> {
        let body = [&issuer.0[..], &subject.0, &key.tlv()].concat();
        let signature = with.sign(&body)?;
        Ok(tlv::object(0x7F21, &[tlv::object(0x5F4E, &body), tlv::object(0x5F37, &signature)].concat()))
    }

    /// Reads a certificate and checks it with the anchor's key.
    ///
    /// # Errors
    /// `6A80` if it is no certificate, `6A88` if another key than the anchor's signed it, `6982` if the signature is
    /// wrong.
    pub fn verify(bytes: &[u8], anchor: &Anchor) -> Result<Self, Status> {
        let (_, inside, rest) = tlv::first(bytes).filter(|(tag, ..)| *tag == 0x7F21).ok_or(Status::DATA)?;
        let (_, body, after) = tlv::first(inside).filter(|(tag, ..)| *tag == 0x5F4E).ok_or(Status::DATA)?;
        let (_, signature, end) = tlv::first(after).filter(|(tag, ..)| *tag == 0x5F37).ok_or(Status::DATA)?;
        if !rest.is_empty() || !end.is_empty() || body.len() != BODY {
            return Err(Status::DATA);
        }
        let (issuer, body_rest) = body.split_at_checked(16).ok_or(Status::DATA)?;
        let (subject, key) = body_rest.split_at_checked(16).ok_or(Status::DATA)?;
        let certificate = Self {
            issuer: KeyId::parse(issuer).ok_or(Status::DATA)?,
            subject: KeyId::parse(subject).ok_or(Status::DATA)?,
            key: PublicKey::from_tlv(key).ok_or(Status::DATA)?,
        };
        if certificate.issuer != anchor.id {
            return Err(Status::NO_KEY);
        }
        if !anchor.key.verifies(body, signature) {
            return Err(Status::SECURITY);
        }
        Ok(certificate)
    }
}

/// The key that terminals' certificates are checked with, and the newest generation it has met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The key's id.
    pub id: KeyId,
    /// The key.
    pub key: PublicKey,
    /// Newest generation met. A card has no clock: a certificate ends when it is two generations old.
    pub newest: u16,
}
