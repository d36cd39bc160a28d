//! Secure messaging as the text application of real cards has it: confidentiality without integrity, AES-128-CBC, a
//! counter from 1 as the source of the initial vector.

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use crate::apdu::{Command, Outcome, Status};
use crate::card::Card;
use crate::tlv;

/// Where secure messaging stands.
pub(crate) enum Messaging {
    /// Not begun.
    Plain,
    /// A key was agreed.
    Open(Channel),
    /// Something was wrong; only a new selection begins anew.
    Dead,
}

pub(crate) struct Channel {
    key: Zeroizing<[u8; 16]>,
    /// Number of the command that comes next.
    next: u32,
}

/// Objects of secure messaging (ISO/IEC 7816-4 §10.2).
const CRYPTOGRAM: u16 = 0x86;
const EXPECTED: u16 = 0x96;

impl Channel {
    fn cipher(&self) -> Result<UnboundCipherKey, Status> {
        UnboundCipherKey::new(&AES_128, &self.key[..]).map_err(|_| Status::FAULT)
    }

    /// The initial vector of command `number`, and of its response: the number, enciphered.
    fn vector(&self, number: u32) -> Result<FixedLength<16>, Status> {
        let mut block = u128::from(number).to_be_bytes();
        let key = EncryptingKey::ecb(self.cipher()?).map_err(|_| Status::FAULT)?;
        key.less_safe_encrypt(&mut block, EncryptionContext::None).map_err(|_| Status::FAULT)?;
        Ok(FixedLength::from(block))
    }

    fn encipher(&self, number: u32, plain: &[u8]) -> Result<Vec<u8>, Status> {
        let mut padded = plain.to_vec();
        padded.push(0x80);
        padded.resize(padded.len().next_multiple_of(16), 0);
        let key = EncryptingKey::cbc(self.cipher()?).map_err(|_| Status::FAULT)?;
        key.less_safe_encrypt(&mut padded, EncryptionContext::Iv128(self.vector(number)?))
            .map_err(|_| Status::FAULT)?;
        Ok(padded)
    }

    fn decipher(&self, number: u32, cryptogram: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
        let mut plain = Zeroizing::new(cryptogram.to_vec());
        if plain.is_empty() || !plain.len().is_multiple_of(16) {
            return Err(Status::SM_WRONG);
        }
        let key = DecryptingKey::cbc(self.cipher()?).map_err(|_| Status::FAULT)?;
        key.decrypt(&mut plain, DecryptionContext::Iv128(self.vector(number)?))
            .map_err(|_| Status::SM_WRONG)?;
        let end = plain.iter().rposition(|byte| *byte != 0).ok_or(Status::SM_WRONG)?;
        if plain.get(end) != Some(&0x80) || plain.len() - end > 16 {
            return Err(Status::SM_WRONG);
        }
        plain.truncate(end);
        Ok(plain)
    }
}

impl Card {
    /// `SET SESSION KEY`: 32 bytes under the card's key; the first 16 are the channel's. Like everything of that key it
    /// needs the PIN first.
    pub(crate) fn set_session_key(&mut self, command: &Command<'_>) -> Outcome {
        if command.parameters() != 0 {
            return Err(Status::PARAMETERS);
        }
        let opened = self.session_key()?.open_oaep(command.data).ok_or(Status::DATA)?;
        let seed =
            tlv::find(&opened, 0xA0).and_then(|delivery| tlv::find(delivery, 0x80)).ok_or(Status::DATA)?;
        let (key, rest) = seed.split_first_chunk::<16>().ok_or(Status::DATA)?;
        if rest.len() != 16 {
            return Err(Status::DATA);
        }
        self.session.messaging = Messaging::Open(Channel { key: Zeroizing::new(*key), next: 1 });
        Ok(Vec::new())
    }

    /// A command of class 08.
    pub(crate) fn secure(&mut self, command: &Command<'_>) -> Outcome {
        let mut channel = match std::mem::replace(&mut self.session.messaging, Messaging::Dead) {
            Messaging::Open(channel) if channel.next < u32::MAX => channel,
            Messaging::Plain => {
                self.session.messaging = Messaging::Plain;
                return Err(Status::CONDITIONS);
            }
            _ => return Err(Status::SM_DEAD),
        };
        let number = channel.next;
        channel.next += 1;
        let (data, wanted) = unwrap(&channel, number, command)?;
        let inner = Command { class: 0, data: &data, wanted, ..command.clone() };
        let outcome = match (inner.instruction, inner.p1) {
            (0x20, _) => self.verify(&inner),
            (0xA4, 0x02) => self.select(&inner),
            (0xB0, _) => self.read_binary(&inner),
            _ => Err(Status::INSTRUCTION),
        };
        let answer = outcome.and_then(|plain| {
            if plain.is_empty() {
                return Ok(plain);
            }
            let cryptogram = channel.encipher(number, &plain)?;
            Ok(tlv::object(CRYPTOGRAM, &[&[0x01][..], &cryptogram].concat()))
        });
        self.session.messaging = Messaging::Open(channel);
        answer
    }
}

/// What a command of class 08 holds: data, and how much is wanted.
fn unwrap(
    channel: &Channel,
    number: u32,
    command: &Command<'_>,
) -> Result<(Zeroizing<Vec<u8>>, Option<usize>), Status> {
    let data = match tlv::find(command.data, CRYPTOGRAM) {
        Some([0x01, cryptogram @ ..]) => channel.decipher(number, cryptogram)?,
        Some(_) => return Err(Status::SM_WRONG),
        None => Zeroizing::new(Vec::new()),
    };
    let wanted = match tlv::find(command.data, EXPECTED) {
        Some(bytes) if (1..=3).contains(&bytes.len()) => {
            let number = bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
            Some(if number == 0 { 65_536 } else { number.min(65_536) })
        }
        Some(_) => return Err(Status::SM_WRONG),
        None => None,
    };
    if data.is_empty() && wanted.is_none() {
        return Err(Status::SM_MISSING);
    }
    Ok((data, wanted))
}
