//! The other end: what a terminal says to a card, over whatever carries it.

use zeroize::Zeroizing;

use crate::apdu::Status;
use crate::authenticating::external_message;
use crate::file::FileId;
use crate::key::{PublicKey, RsaKey};
use crate::layout;
use crate::tlv;

/// Carries a command to a card and brings its answer.
pub trait Link {
    /// Sends one command, brings the whole answer with its status word.
    ///
    /// # Errors
    /// What broke, in words for the person at the terminal.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String>;
}

impl Link for crate::Card {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.apdu(command))
    }
}

/// Why a card did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The way to the card broke.
    #[error("the card cannot be reached: {0}")]
    Link(String),
    /// The card answered no.
    #[error("the card refused to {doing} (status {:04X})", status.0)]
    Refused {
        /// What it was asked.
        doing: &'static str,
        /// Its answer.
        status: Status,
    },
    /// A PIN was wrong.
    #[error("wrong PIN; tries left: {left}")]
    WrongPin {
        /// Tries that are left.
        left: u8,
    },
    /// A PIN is blocked.
    #[error("this PIN is blocked; a municipality's counter can set it anew")]
    Blocked,
    /// The card's answer makes no sense.
    #[error("the card's answer to {0} is not in the form it must have")]
    Answer(&'static str),
}

/// A terminal's key and certificate.
pub struct Terminal {
    /// The certificate, 568 bytes.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: RsaKey,
}

/// A command's bytes; extended where the short form is too small. `wanted` up to 65,536.
pub fn command(header: [u8; 4], data: &[u8], wanted: Option<usize>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(header.to_vec());
    let extended = data.len() > 255 || wanted.is_some_and(|wanted| wanted > 256);
    let two = |number: usize| (number % 65_536).to_be_bytes().last_chunk::<2>().copied().unwrap_or_default();
    if extended {
        bytes.push(0);
        if !data.is_empty() {
            bytes.extend(two(data.len()));
        }
    } else if !data.is_empty() {
        bytes.push(data.len() as u8);
    }
    bytes.extend_from_slice(data);
    match wanted {
        Some(wanted) if extended => bytes.extend(two(wanted)),
        Some(wanted) => bytes.push((wanted % 256) as u8),
        None => {}
    }
    bytes
}

/// A terminal's side of a conversation.
pub struct Host<'a> {
    link: &'a mut dyn Link,
}

impl<'a> Host<'a> {
    /// Talks over `link`.
    pub fn new(link: &'a mut dyn Link) -> Self {
        Self { link }
    }

    /// Sends a command; the answer without status, if that is `9000`.
    pub fn ask(
        &mut self,
        doing: &'static str,
        header: [u8; 4],
        data: &[u8],
        wanted: Option<usize>,
    ) -> Result<Vec<u8>, HostError> {
        match self.try_ask(header, data, wanted)? {
            (answer, Status::OK) => Ok(answer),
            (_, status) => Err(HostError::Refused { doing, status }),
        }
    }

    fn try_ask(
        &mut self,
        header: [u8; 4],
        data: &[u8],
        wanted: Option<usize>,
    ) -> Result<(Vec<u8>, Status), HostError> {
        let command = command(header, data, wanted);
        let mut answer = self.link.transmit(&command).map_err(HostError::Link)?;
        let status = answer.split_off(answer.len().saturating_sub(2));
        let status: [u8; 2] = status.try_into().map_err(|_| HostError::Answer("a command"))?;
        Ok((answer, Status(u16::from_be_bytes(status))))
    }

    /// Selects an application.
    pub fn select(&mut self, aid: &[u8]) -> Result<(), HostError> {
        self.ask("select an application", [0x00, 0xA4, 0x04, 0x0C], aid, None).map(drop)
    }

    /// Selects a file.
    pub fn select_file(&mut self, file: FileId) -> Result<(), HostError> {
        self.ask("select a file", [0x00, 0xA4, 0x02, 0x0C], &file.to_be_bytes(), None).map(drop)
    }

    /// Reads a whole transparent file.
    pub fn read(&mut self, file: FileId) -> Result<Vec<u8>, HostError> {
        self.select_file(file)?;
        let mut content = Vec::new();
        loop {
            let [.., high, low] = content.len().to_be_bytes();
            match self.try_ask([0x00, 0xB0, high, low], &[], Some(256))? {
                (part, Status::OK) if part.is_empty() => return Ok(content),
                (part, Status::OK) => {
                    content.extend_from_slice(&part);
                    if part.len() < 256 {
                        return Ok(content);
                    }
                }
                (_, Status::OFFSET) => return Ok(content),
                (_, status) => return Err(HostError::Refused { doing: "read a file", status }),
            }
        }
    }

    /// Reads a record.
    pub fn read_record(&mut self, file: FileId, record: u8) -> Result<Vec<u8>, HostError> {
        self.select_file(file)?;
        self.ask("read a record", [0x00, 0xB2, record, 0x04], &[], Some(256))
    }

    /// How many tries a PIN has left; costs none.
    pub fn tries(&mut self, pin: FileId) -> Result<u8, HostError> {
        self.select_file(pin)?;
        match self.try_ask([0x00, 0x20, 0x00, 0x80], &[], None)? {
            (_, Status(status @ 0x63C0..=0x63CF)) => Ok((status & 0x0F) as u8),
            (_, Status::BLOCKED) => Ok(0),
            (_, status) => Err(HostError::Refused { doing: "tell the tries that are left", status }),
        }
    }

    /// Presents a PIN.
    pub fn verify(&mut self, pin: FileId, value: &[u8]) -> Result<(), HostError> {
        self.select_file(pin)?;
        match self.try_ask([0x00, 0x20, 0x00, 0x80], value, None)? {
            (_, Status::OK) => Ok(()),
            (_, Status(status @ 0x63C0..=0x63CF)) => Err(HostError::WrongPin { left: (status & 0x0F) as u8 }),
            (_, Status::BLOCKED | Status(0x6983)) => Err(HostError::Blocked),
            (_, status) => Err(HostError::Refused { doing: "check a PIN", status }),
        }
    }

    /// Changes a PIN; `older` for 共通カードAP and 住基AP.
    pub fn change_pin(&mut self, pin: FileId, old: &[u8], new: &[u8], older: bool) -> Result<(), HostError> {
        self.verify(pin, old)?;
        let header = if older { [0x80, 0x32, 0x00, 0x80] } else { [0x00, 0x24, 0x01, 0x80] };
        self.ask("change a PIN", header, new, None).map(drop)
    }

    /// Sets a PIN and its tries anew; the terminal must be the issuer's.
    pub fn set_pin(&mut self, pin: FileId, new: &[u8]) -> Result<(), HostError> {
        self.select_file(pin)?;
        self.ask("set a PIN", [0x00, 0x2C, 0x02, 0x80], new, None).map(drop)
    }

    /// Signs with a key; `how` is P1 of `80 2A`.
    pub fn sign(&mut self, key: FileId, how: u8, data: &[u8]) -> Result<Vec<u8>, HostError> {
        self.select_file(key)?;
        self.ask("sign", [0x80, 0x2A, how, 0x80], data, Some(256))
    }

    /// The card's number; selects the card manager.
    pub fn serial(&mut self) -> Result<Vec<u8>, HostError> {
        self.select(layout::MANAGER)?;
        self.ask("tell its number", [0x00, 0xCA, 0x00, 0x45], &[], Some(256))
    }

    /// Authenticates the terminal in the application that is selected.
    pub fn authenticate(&mut self, terminal: &Terminal, serial: &[u8]) -> Result<(), HostError> {
        self.ask("take a terminal's certificate", [0x80, 0xA2, 0, 0], &terminal.certificate, None)?;
        let challenge = self.ask("give a challenge", [0x00, 0x84, 0, 0], &[], Some(16))?;
        let message = external_message(&challenge, serial);
        let signature = terminal.key.sign(&message).map_err(|_| HostError::Answer("signing here"))?;
        self.ask("accept this terminal", [0x00, 0x82, 0x00, 0x80], &signature, None).map(drop)
    }

    /// Writes a whole transparent file.
    pub fn write(&mut self, file: FileId, content: &[u8]) -> Result<(), HostError> {
        self.select_file(file)?;
        self.ask("write a file", [0x00, 0xD6, 0, 0], content, None).map(drop)
    }

    /// Writes a record, or adds it at the end.
    pub fn write_record(&mut self, file: FileId, record: u8, content: &[u8]) -> Result<(), HostError> {
        self.select_file(file)?;
        self.ask("write a record", [0x00, 0xDC, record, 0x04], content, None).map(drop)
    }

    /// Has a key made in the card; its public half.
    pub fn generate(&mut self, key: FileId) -> Result<PublicKey, HostError> {
        self.select_file(key)?;
        let public = self.ask("make a key", [0x80, 0x46, 0x00, 0x80], &[], Some(512))?;
        PublicKey::from_tlv(&public).ok_or(HostError::Answer("making a key"))
    }
}

/// The modulus in a file that holds a public key under `90` and `91`, wherever it stands among the objects of `tag`.
pub fn public_key_in(content: &[u8], outer: u16, inner: u16) -> Option<PublicKey> {
    PublicKey::from_tlv(tlv::find(tlv::find(content, outer)?, inner)?)
}
