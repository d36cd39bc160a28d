//! Elementary files: what they hold, and what must have been presented to use them.

use std::collections::BTreeMap;

use crate::certificate::Role;
use crate::key::RsaKey;
use crate::pin::Pin;

/// A file's id within its application; 0001 to 001E also have a short id.
pub type FileId = u16;

/// Something that was presented in this application since it was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The PIN of this file.
    Pin(FileId),
    /// A terminal whose certificate names this role.
    Terminal(Role),
}

/// What opens a use of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing needs to be presented.
    Free,
    /// One of these; of none, nothing opens it.
    Any(Vec<Credential>),
}

impl Rule {
    /// No one, ever.
    pub const NEVER: Self = Self::Any(Vec::new());

    /// The PINs of these files, any of them.
    pub fn pins(files: &[FileId]) -> Self {
        Self::Any(files.iter().map(|file| Credential::Pin(*file)).collect())
    }

    /// A terminal of this role.
    pub fn role(role: Role) -> Self {
        Self::Any(vec![Credential::Terminal(role)])
    }
}

/// What a key does. A key of one use is never used for another: whoever may ask for one kind of signature must not
/// be able to have another made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Signs what it is given (`80 2A`).
    Sign,
    /// Answers challenges (`00 88`).
    Authenticate,
    /// Receives session keys (`80 AE`).
    SessionKey,
}

/// A file's content.
#[derive(Clone)]
pub enum Body {
    /// Bytes at offsets.
    Transparent(Vec<u8>),
    /// Numbered records.
    Records(Vec<Vec<u8>>),
    /// A PIN.
    Pin(Pin),
    /// A private key, or the place of one.
    Key {
        /// Its use.
        does: KeyUse,
        /// The key, once it was made.
        pair: Option<RsaKey>,
        /// Whether the PIN that opens it must be presented anew for each signature.
        each_time: bool,
        /// Whether a certificate request may still be signed with it: from its making until its certificate is
        /// written.
        requesting: bool,
    },
}

/// An elementary file.
#[derive(Clone)]
pub struct File {
    /// What it holds.
    pub body: Body,
    /// Reading; using a key.
    pub read: Rule,
    /// Writing; making a key; setting a PIN and its counter anew.
    pub write: Rule,
}

impl File {
    /// A transparent file.
    pub fn transparent(content: impl Into<Vec<u8>>, read: Rule, write: Rule) -> Self {
        Self { body: Body::Transparent(content.into()), read, write }
    }

    /// A file of records.
    pub fn records(records: Vec<Vec<u8>>, read: Rule, write: Rule) -> Self {
        Self { body: Body::Records(records), read, write }
    }

    /// A PIN; `write` may set it anew.
    pub fn pin(pin: Pin, write: Rule) -> Self {
        Self { body: Body::Pin(pin), read: Rule::NEVER, write }
    }

    /// A key's place; `write` may have the key made there.
    pub fn key(does: KeyUse, pair: Option<RsaKey>, read: Rule, write: Rule, each_time: bool) -> Self {
        Self { body: Body::Key { does, pair, each_time, requesting: false }, read, write }
    }

    /// Bytes it takes of an area's room.
    pub(crate) fn size(&self) -> usize {
        match &self.body {
            Body::Transparent(content) => content.len(),
            Body::Records(records) => records.iter().map(Vec::len).sum(),
            Body::Pin(_) => 32,
            Body::Key { .. } => 1_280,
        }
    }
}

/// The files of an application.
pub type Files = BTreeMap<FileId, File>;
