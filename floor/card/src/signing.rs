//! Keys at work: signatures, answers to challenges, making keys.

use crate::apdu::{Command, Outcome, Status};
use crate::card::Card;
use crate::certificate::Role;
use crate::file::{Body, Credential, FileId, KeyUse};
use crate::key::{RsaKey, sha256};
use crate::tlv;

/// What a signature without PIN is over: this, the terminal's key id with the institution's code in it, the data.
pub const BOUND_LABEL: &[u8; 16] = b"MUSUBI-PINLESS-1";

/// The bytes that a card signs for an institution without PIN.
pub fn bound_message(terminal: &crate::KeyId, data: &[u8]) -> Vec<u8> {
    [&BOUND_LABEL[..], terminal.bytes(), data].concat()
}

impl Card {
    fn key(&self, id: FileId, wanted: KeyUse) -> Result<&RsaKey, Status> {
        match &self.file(id)?.body {
            Body::Key { does, pair, .. } if *does == wanted => pair.as_ref().ok_or(Status::NO_KEY),
            Body::Key { .. } => Err(Status::CONDITIONS),
            _ => Err(Status::STRUCTURE),
        }
    }

    /// `80 2A`: signs. P1 says how, P2 with which key.
    pub(crate) fn sign(&mut self, command: &Command<'_>) -> Outcome {
        let id = match command.p2 {
            0x00 => self.application()?.default_key.ok_or(Status::NO_KEY)?,
            p2 => self.pointed(p2)?,
        };
        let key = self.key(id, KeyUse::Sign)?.clone();
        match command.p1 {
            6 => return self.sign_bound(id, &key, command.data),
            7 => return self.sign_request(id, &key, command.data),
            _ => {}
        }
        let file = self.file(id)?;
        let met = self.opened_by(&file.read)?;
        // INVARIANT: a terminal alone never has a signature that could be taken for the holder's.
        if !met.is_empty() && !met.iter().any(|one| matches!(one, Credential::Pin(_))) {
            return Err(Status::SECURITY);
        }
        let each_time = matches!(file.body, Body::Key { each_time: true, .. });
        let message =
            || if (1..=255).contains(&command.data.len()) { Ok(command.data) } else { Err(Status::LENGTH) };
        let hash = || command.data.try_into().map_err(|_| Status::LENGTH);
        let signature = match command.p1 {
            0 => key.sign_as_it_is(command.data),
            1 => key.sign_as_it_is(&sha256(message()?)),
            2 => key.sign_hash(hash()?),
            3 => key.sign(message()?),
            4 => key.sign_pss(hash()?),
            5 => key.sign_pss(&sha256(message()?)),
            _ => Err(Status::PARAMETERS),
        }?;
        if each_time {
            self.session.presented.retain(|one| !met.contains(one));
        }
        Ok(signature)
    }

    /// P1 = 06, ours: without PIN, for the institution that authenticated itself, once. Its code is in what is signed.
    fn sign_bound(&mut self, id: FileId, key: &RsaKey, data: &[u8]) -> Outcome {
        let met = self.opened_by(&self.file(id)?.read)?;
        let role = met.iter().find(|one| matches!(one, Credential::Terminal(_))).ok_or(Status::SECURITY)?;
        let terminal = self.session.terminal.ok_or(Status::SECURITY)?;
        if !(1..=255).contains(&data.len()) {
            return Err(Status::LENGTH);
        }
        let signature = key.sign(&bound_message(&terminal, data))?;
        self.session.presented.retain(|one| one != role);
        self.session.terminal = None;
        Ok(signature)
    }

    /// P1 = 07, ours: signs a request for a certificate of this very key, for the issuer, until the certificate is
    /// written. Nothing else can be signed so.
    fn sign_request(&mut self, id: FileId, key: &RsaKey, data: &[u8]) -> Outcome {
        let file = self.file(id)?;
        self.opened_by(&file.write)?;
        if !matches!(file.body, Body::Key { requesting: true, .. }) {
            return Err(Status::CONDITIONS);
        }
        // CertificationRequestInfo (RFC 2986 §4.1): SEQUENCE { version 0, subject, this key, … }.
        let (tag, fields, rest) = tlv::first(data).ok_or(Status::DATA)?;
        let version = fields.starts_with(&[0x02, 0x01, 0x00]);
        let own = fields.windows(256).any(|window| window == key.public().modulus());
        if tag != 0x30 || !rest.is_empty() || !version || !own {
            return Err(Status::DATA);
        }
        key.sign(data)
    }

    /// `INTERNAL AUTHENTICATE`: the card signs a challenge with a key that does nothing else.
    pub(crate) fn internal_authenticate(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0 {
            return Err(Status::PARAMETERS);
        }
        let id = self.pointed(command.p2)?;
        let key = self.key(id, KeyUse::Authenticate)?;
        self.opened_by(&self.file(id)?.read)?;
        if !(1..=255).contains(&command.data.len()) {
            return Err(Status::LENGTH);
        }
        key.sign(command.data)
    }

    /// `80 46`, ours: makes a key in the card and gives its public half.
    pub(crate) fn generate_key(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0 || !command.data.is_empty() {
            return Err(Status::PARAMETERS);
        }
        let id = self.pointed(command.p2)?;
        let file = self.file(id)?;
        if !matches!(file.body, Body::Key { .. }) {
            return Err(Status::STRUCTURE);
        }
        self.opened_by(&file.write)?;
        let made = RsaKey::generate()?;
        let public = made.public().tlv();
        self.change(|card| {
            if let Body::Key { pair, requesting, .. } = card.body_mut(id)? {
                (*pair, *requesting) = (Some(made), true);
            }
            Ok(())
        })?;
        Ok(public)
    }

    pub(crate) fn session_key(&self) -> Result<&RsaKey, Status> {
        let id = self.application()?.session_key.ok_or(Status::NO_SESSION_KEY)?;
        self.opened_by(&self.file(id)?.read)?;
        self.key(id, KeyUse::SessionKey)
    }

    pub(crate) fn has_role(&self, role: Role) -> Result<crate::KeyId, Status> {
        self.session.terminal.filter(|terminal| terminal.role() == role).ok_or(Status::SECURITY)
    }
}
