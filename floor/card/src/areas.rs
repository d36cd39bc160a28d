//! Areas of municipalities: an application with its own files, its own keys, its own anchor, that comes and goes without
//! touching another. The commands are ours; on real cards they are not public.

use crate::apdu::{Command, Outcome, Status};
use crate::application::{AREA_PREFIX, Application, Area, area_aid};
use crate::card::{Card, Session};
use crate::certificate::{Anchor, KeyId, Role};
use crate::file::{Credential, File, FileId, Files, KeyUse, Rule};
use crate::key::PublicKey;
use crate::pin::{Pin, PinFormat};
use crate::tlv;

/// Most areas on one card.
const MOST_AREAS: usize = 8;
/// Most bytes for one area.
const MOST_ROOM: usize = 16_384;

/// What an area is installed with.
#[derive(Clone, Debug)]
pub struct NewArea {
    /// Which of the municipality's areas.
    pub number: u8,
    /// Bytes for its files.
    pub room: u16,
    /// The key that its terminals are certified under.
    pub anchor_id: KeyId,
    /// That key.
    pub anchor: PublicKey,
}

impl NewArea {
    /// The data of `80 E6`.
    pub fn data(&self) -> Vec<u8> {
        [
            tlv::object(0x80, &[self.number]),
            tlv::object(0x81, &self.room.to_be_bytes()),
            tlv::object(0x82, self.anchor_id.bytes()),
            tlv::object(0x83, self.anchor.modulus()),
        ]
        .concat()
    }

    fn parse(data: &[u8]) -> Option<Self> {
        let &[number] = tlv::find(data, 0x80)? else { return None };
        Some(Self {
            number,
            room: u16::from_be_bytes(tlv::find(data, 0x81)?.try_into().ok()?),
            anchor_id: KeyId::parse(tlv::find(data, 0x82)?)?,
            anchor: PublicKey::from_modulus(tlv::find(data, 0x83)?)?,
        })
    }
}

/// A file for an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its id.
    pub id: FileId,
    /// What it will hold.
    pub kind: NewBody,
    /// Reading, or using the key. Its owner always writes it, nobody else.
    pub read: Rule,
}

/// What a new file will hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewBody {
    /// Bytes.
    Transparent,
    /// Records.
    Records,
    /// A PIN of so many digits, with so many tries.
    Pin {
        /// Digits.
        digits: u8,
        /// Tries.
        limit: u8,
    },
    /// A key that answers challenges.
    Key,
}

impl NewFile {
    /// The data of `80 E0`.
    pub fn data(&self) -> Vec<u8> {
        let kind = match self.kind {
            NewBody::Transparent => vec![1],
            NewBody::Records => vec![2],
            NewBody::Pin { digits, limit } => vec![3, digits, limit],
            NewBody::Key => vec![4],
        };
        let rule = match &self.read {
            Rule::Free => vec![0xFF],
            Rule::Any(of) => of
                .iter()
                .flat_map(|one| {
                    let (kind, number) = match one {
                        Credential::Pin(file) => (1, *file),
                        Credential::Terminal(role) => (2, role.0),
                    };
                    [[kind].as_slice(), &number.to_be_bytes()].concat()
                })
                .collect(),
        };
        [tlv::object(0x80, &self.id.to_be_bytes()), tlv::object(0x81, &kind), tlv::object(0x82, &rule)]
            .concat()
    }

    fn parse(data: &[u8]) -> Option<Self> {
        let id = FileId::from_be_bytes(tlv::find(data, 0x80)?.try_into().ok()?);
        let kind = match *tlv::find(data, 0x81)? {
            [1] => NewBody::Transparent,
            [2] => NewBody::Records,
            [3, digits @ 4..=12, limit @ 1..=10] => NewBody::Pin { digits, limit },
            [4] => NewBody::Key,
            _ => return None,
        };
        let read = match tlv::find(data, 0x82)? {
            [0xFF] => Rule::Free,
            rule => {
                let (of, rest) = rule.as_chunks::<3>();
                let credential = |one: &[u8; 3]| match *one {
                    [1, high, low] => Some(Credential::Pin(FileId::from_be_bytes([high, low]))),
                    [2, high, low] => Some(Credential::Terminal(Role(u16::from_be_bytes([high, low])))),
                    _ => None,
                };
                rest.is_empty().then_some(())?;
                Rule::Any(of.iter().map(credential).collect::<Option<_>>()?)
            }
        };
        ((1..=0x1E).contains(&id)).then_some(Self { id, kind, read })
    }

    fn file(&self) -> File {
        let write = Rule::role(Role::OWNER);
        match self.kind {
            NewBody::Transparent => File::transparent([], self.read.clone(), write),
            NewBody::Records => File::records(Vec::new(), self.read.clone(), write),
            NewBody::Pin { digits, limit } => {
                File::pin(Pin::unset(PinFormat::Digits(digits), limit, true), write)
            }
            NewBody::Key => File::key(KeyUse::Authenticate, None, self.read.clone(), write, false),
        }
    }
}

impl Card {
    /// `80 E6` at the card manager: a municipality installs an area of its own.
    pub(crate) fn install_area(&mut self, command: &Command<'_>) -> Outcome {
        if self.session.application != 0 {
            return Err(Status::CONDITIONS);
        }
        let owner = self.has_role(Role::AREAS)?.institution();
        let new = NewArea::parse(command.data).ok_or(Status::DATA)?;
        // INVARIANT: an area's name holds its owner's code, and the code is what the certificate says.
        let aid = area_aid(&owner, new.number);
        if self.image.applications.iter().any(|application| application.aid == aid) {
            return Err(Status::EXISTS);
        }
        let areas = self.image.applications.iter().filter(|application| application.area.is_some()).count();
        if areas >= MOST_AREAS || usize::from(new.room) > MOST_ROOM {
            return Err(Status::FULL);
        }
        let anchor = Anchor { id: new.anchor_id, key: new.anchor, newest: 0 };
        let area = Area { owner, anchor, room: usize::from(new.room) };
        let application = Application { area: Some(area), ..Application::new(&aid, Files::new()) };
        self.change(|card| {
            card.image.applications.push(application);
            Ok(())
        })
    }

    /// `80 E4` at the card manager: the area's municipality, or the issuer, deletes it with its files and keys.
    pub(crate) fn delete_area(&mut self, command: &Command<'_>) -> Outcome {
        if self.session.application != 0 {
            return Err(Status::CONDITIONS);
        }
        let by_owner = self.has_role(Role::AREAS).map(|terminal| terminal.institution());
        if by_owner.is_err() {
            self.has_role(Role::ISSUER)?;
        }
        if !command.data.starts_with(AREA_PREFIX) {
            return Err(Status::DATA);
        }
        let found = self.image.applications.iter().position(|application| application.aid == command.data);
        let at = found.ok_or(Status::NOT_FOUND)?;
        let area = self.image.applications.get(at).and_then(|application| application.area.as_ref());
        let area = area.ok_or(Status::DATA)?;
        if by_owner.is_ok_and(|owner| owner != area.owner) {
            return Err(Status::SECURITY);
        }
        self.change(|card| {
            card.image.applications.remove(at);
            Ok(())
        })?;
        // The terminal stays authenticated; places after the area's have moved, the manager's has not.
        let terminal = self.session.terminal;
        let presented = std::mem::take(&mut self.session.presented);
        self.session = Session { terminal, presented, ..Session::at(0) };
        Ok(Vec::new())
    }

    /// `80 E0` in an area: its owner makes a file.
    pub(crate) fn create_file(&mut self, command: &Command<'_>) -> Outcome {
        if self.application()?.area.is_none() {
            return Err(Status::CONDITIONS);
        }
        self.has_role(Role::OWNER)?;
        let new = NewFile::parse(command.data).ok_or(Status::DATA)?;
        if self.application()?.files.contains_key(&new.id) {
            return Err(Status::EXISTS);
        }
        self.change(|card| {
            card.application_mut()?.files.insert(new.id, new.file());
            card.has_room()
        })?;
        self.session.file = Some(new.id);
        Ok(Vec::new())
    }

    /// Areas on the card: name, owner, bytes taken.
    pub fn areas(&self) -> Vec<(Vec<u8>, [u8; 7], usize)> {
        let taken = |application: &Application| application.files.values().map(File::size).sum();
        let areas = self.image.applications.iter();
        areas.filter_map(|one| Some((one.aid.clone(), one.area.as_ref()?.owner, taken(one)))).collect()
    }
}
