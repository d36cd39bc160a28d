//! Operators' cards: a desk and an operator's card authenticate each other, and what the operator may do follows the kinds
//! of work that the card shows. All of it is ours.

use crate::certificate::{Anchor, Certificate, KeyId, Role};
use crate::host::{Host, HostError, Link, Terminal};
use crate::key::{PublicKey, RsaKey, sha256};
use crate::layout::{OPERATOR, operator};
use crate::{Status, tlv};

/// A kind of work at a municipality's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Work {
    /// Issuing cards, setting PINs anew.
    Issue = 1,
    /// Writing changed addresses and names.
    Change = 2,
    /// Reading a holder's data at the counter.
    Read = 3,
    /// Installing and deleting areas.
    Areas = 4,
    /// Reading records of what operators did.
    Audit = 5,
}

impl Work {
    /// All kinds, with the word used on the command line.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Issue, "issue"),
        (Self::Change, "change"),
        (Self::Read, "read"),
        (Self::Areas, "areas"),
        (Self::Audit, "audit"),
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.iter().map(|(work, _)| *work).find(|work| *work as u8 == number)
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == word).map(|(work, _)| *work)
    }
}

/// What the card's file of work says: kinds, signed for this operator.
///
/// # Errors
/// `6F00` if the library could not sign.
pub fn work_file(operator: &KeyId, kinds: &[Work], issuer: &RsaKey) -> Result<Vec<u8>, Status> {
    let numbers: Vec<u8> = kinds.iter().map(|work| *work as u8).collect();
    let signature = issuer.sign(&work_message(operator, &numbers))?;
    Ok([tlv::object(0x80, &numbers), tlv::object(0x5F37, &signature)].concat())
}

fn work_message(operator: &KeyId, numbers: &[u8]) -> Vec<u8> {
    [&b"MUSUBI-OPERATOR-WORK-1"[..], operator.bytes(), numbers].concat()
}

/// Why an operator is not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The card said no, or did not answer.
    #[error(transparent)]
    Card(#[from] HostError),
    /// Certificate, work, or answer do not hold.
    #[error("the operator's card does not prove who it is: {0}")]
    NotProved(&'static str),
    /// The kind of work is not on the card.
    #[error("this operator's card is not for this kind of work")]
    OtherWork,
}

/// An operator who was admitted. An application that handles people's data asks for one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    operator: KeyId,
    kinds: Vec<Work>,
}

impl Admitted {
    /// Whose card it is.
    pub fn operator(&self) -> &KeyId {
        &self.operator
    }

    /// What the card is for.
    pub fn kinds(&self) -> &[Work] {
        &self.kinds
    }

    /// Goes on only if the card is for this work.
    pub fn may(&self, work: Work) -> Result<(), NotAdmitted> {
        if self.kinds.contains(&work) { Ok(()) } else { Err(NotAdmitted::OtherWork) }
    }
}

/// Admits an operator: the desk proves itself to the card, the operator presents the PIN, the card proves itself to the desk.
/// `challenge` must be fresh.
///
/// # Errors
/// If any of it fails; nothing is admitted by halves.
pub fn admit(
    link: &mut dyn Link,
    desk: &Terminal,
    anchor: &Anchor,
    pin: &[u8],
    challenge: [u8; 32],
) -> Result<Admitted, NotAdmitted> {
    let mut host = Host::new(link);
    let serial = host.serial()?;
    host.select(OPERATOR)?;
    let certificate = host.read(operator::CERTIFICATE)?;
    let certificate = Certificate::verify(&certificate, anchor)
        .ok()
        .filter(|certificate| certificate.subject.role() == Role::OPERATOR)
        .filter(|certificate| certificate.subject.generation().saturating_add(1) >= anchor.newest)
        .ok_or(NotAdmitted::NotProved("its certificate does not hold"))?;
    host.authenticate(desk, &serial)?;
    let kinds = host.read(operator::WORK)?;
    let kinds = checked_kinds(&kinds, &certificate.subject, &anchor.key)
        .ok_or(NotAdmitted::NotProved("its kinds of work are not signed for it"))?;
    host.verify(operator::PIN, pin)?;
    let message = sha256(&[&b"MUSUBI-OPERATOR-1"[..], &challenge].concat());
    let p2 = 0x80 | operator::KEY.to_be_bytes()[1];
    let answer = host.ask("answer a challenge", [0x00, 0x88, 0x00, p2], &message, Some(256))?;
    if !certificate.key.verifies(&message, &answer) {
        return Err(NotAdmitted::NotProved("its answer to the challenge is wrong"));
    }
    Ok(Admitted { operator: certificate.subject, kinds })
}

fn checked_kinds(file: &[u8], operator: &KeyId, issuer: &PublicKey) -> Option<Vec<Work>> {
    let numbers = tlv::find(file, 0x80)?;
    let signature = tlv::find(file, 0x5F37)?;
    issuer.verifies(&work_message(operator, numbers), signature).then_some(())?;
    numbers.iter().map(|number| Work::of(*number)).collect()
}
