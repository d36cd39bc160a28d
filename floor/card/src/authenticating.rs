//! Terminals: a certificate, a challenge, a signature. What real cards do after `80 A2` is not public; this is ours.

use crate::apdu::{Command, Outcome, Status};
use crate::card::Card;
use crate::certificate::Certificate;
use crate::file::Credential;
use crate::tlv;

/// What a terminal signs to authenticate itself: a label, so that it is taken for nothing else, the card's challenge, and the
/// card's number, so that it holds at one card once.
pub fn external_message(challenge: &[u8], serial: &[u8]) -> Vec<u8> {
    [&b"MUSUBI-TERMINAL-1"[..], challenge, serial].concat()
}

impl Card {
    /// `80 A2`: a terminal's certificate, whole or in two parts, the first without the signature.
    pub(crate) fn take_certificate(&mut self, command: &Command<'_>) -> Outcome {
        if command.parameters() != 0 {
            return Err(Status::PARAMETERS);
        }
        let half = self.session.half.take();
        self.session.claimed = None;
        let whole = match command.data {
            [0x5F, 0x37, ..] => [half.ok_or(Status::CONDITIONS)?, command.data.to_vec()].concat(),
            [0x7F, 0x21, ..] if tlv::first(command.data).is_none() => {
                self.session.half = Some(command.data.to_vec());
                return Ok(Vec::new());
            }
            whole => whole.to_vec(),
        };
        let anchor = self.anchor_mut()?.clone();
        let certificate = Certificate::verify(&whole, &anchor)?;
        let generation = certificate.subject.generation();
        if generation.saturating_add(1) < anchor.newest {
            return Err(Status::SECURITY);
        }
        if generation > anchor.newest {
            self.change(|card| {
                card.anchor_mut()?.newest = generation;
                Ok(())
            })?;
        }
        self.session.claimed = Some((certificate.subject, certificate.key));
        Ok(Vec::new())
    }

    pub(crate) fn get_challenge(&mut self, command: &Command<'_>) -> Outcome {
        if command.parameters() != 0 {
            return Err(Status::PARAMETERS);
        }
        let wanted = command.wanted.filter(|wanted| *wanted <= 256 && command.data.is_empty());
        let mut challenge = vec![0; wanted.ok_or(Status::LENGTH)?];
        (self.dice)(&mut challenge);
        // A short one could be met again.
        self.session.challenge = (challenge.len() >= 16).then(|| challenge.clone());
        Ok(challenge)
    }

    /// `EXTERNAL AUTHENTICATE`: the terminal's signature over challenge and card number. A challenge serves once.
    pub(crate) fn external_authenticate(&mut self, command: &Command<'_>) -> Outcome {
        if command.parameters() != 0x0080 {
            return Err(Status::PARAMETERS);
        }
        let challenge = self.session.challenge.take().ok_or(Status::CONDITIONS)?;
        let (terminal, key) = self.session.claimed.take().ok_or(Status::CONDITIONS)?;
        self.session.presented.retain(|one| !matches!(one, Credential::Terminal(_)));
        self.session.terminal = None;
        if !key.verifies(&external_message(&challenge, &self.image.serial), command.data) {
            return Err(Status::SECURITY);
        }
        self.session.terminal = Some(terminal);
        self.session.presented.push(Credential::Terminal(terminal.role()));
        Ok(Vec::new())
    }
}
