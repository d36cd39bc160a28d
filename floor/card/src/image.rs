//! The image: everything a card keeps, and its sealed form in a file.
//!
//! `MUSUBI-CARD`, a version, a nonce of 24 bytes, then XChaCha20-Poly1305 over the content, with what stands before as
//! additional data. The same bytes open on any machine that has the key.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::application::{Application, Area};
use crate::certificate::{Anchor, KeyId, Role};
use crate::file::{Body, Credential, File, Files, KeyUse, Rule};
use crate::key::{PublicKey, RsaKey};
use crate::pin::{Pin, PinFormat};

/// How an image file begins.
const MAGIC: &[u8; 11] = b"MUSUBI-CARD";
/// The version written here. Others are refused, not guessed at.
const VERSION: u16 = 1;
const NONCE: usize = 24;

/// Why an image cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadImage {
    /// It is something else.
    #[error("this is not a card image")]
    NotAnImage,
    /// It was written by another version.
    #[error("this card image has version {0}; this program reads version {VERSION}")]
    Version(u16),
    /// Wrong key, or the file was changed or cut.
    #[error("this card image does not open: the key is another card's, or the file was changed or cut short")]
    Sealed,
}

/// The key that images are sealed with. It stands in for what protects a chip: whoever has both can copy the card.
pub struct ImageKey(Zeroizing<[u8; 32]>);

impl ImageKey {
    /// A key of 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Everything a card keeps.
#[derive(Clone)]
pub struct Image {
    /// The card's number: fifteen digits.
    pub serial: [u8; 15],
    /// The key that terminals are certified under.
    pub anchor: Anchor,
    /// What `GET DATA` gives.
    pub objects: BTreeMap<u16, Vec<u8>>,
    /// Its applications; the first is the card manager.
    pub applications: Vec<Application>,
}

impl Image {
    /// Seals the image. `nonce` must be fresh.
    pub fn seal(&self, key: &ImageKey, nonce: [u8; NONCE]) -> Vec<u8> {
        let mut sealed = [&MAGIC[..], &VERSION.to_be_bytes(), &nonce].concat();
        let mut writer = Writer(Zeroizing::new(Vec::new()));
        writer.image(self);
        let cipher = XChaCha20Poly1305::new((&*key.0).into());
        let payload = Payload { msg: &writer.0, aad: &sealed };
        // Fails only beyond 256 GiB; an empty file then opens nowhere.
        let content = cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        sealed.extend_from_slice(&content);
        sealed
    }

    /// Opens a sealed image.
    ///
    /// # Errors
    /// If it is none, of another version, changed, or sealed with another key.
    pub fn open(bytes: &[u8], key: &ImageKey) -> Result<Self, BadImage> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(BadImage::NotAnImage)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or(BadImage::NotAnImage)?;
        let version = u16::from_be_bytes(*version);
        if version != VERSION {
            return Err(BadImage::Version(version));
        }
        let (nonce, content) = rest.split_first_chunk::<NONCE>().ok_or(BadImage::Sealed)?;
        let head = bytes.get(..bytes.len() - content.len()).unwrap_or_default();
        let cipher = XChaCha20Poly1305::new((&*key.0).into());
        let payload = Payload { msg: content, aad: head };
        let content = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| BadImage::Sealed)?;
        let content = Zeroizing::new(content);
        let mut reader = Reader(&content);
        reader.image().filter(|_| reader.0.is_empty()).ok_or(BadImage::Sealed)
    }
}

/// Numbers big-endian; byte strings and lists with their length in four bytes.
struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn count(&mut self, count: usize) {
        self.raw(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    fn number(&mut self, number: u16) {
        self.raw(&number.to_be_bytes());
    }

    fn choice(&mut self, number: Option<u16>) {
        // File ids here are never zero.
        self.number(number.unwrap_or(0));
    }

    fn image(&mut self, image: &Image) {
        self.raw(&image.serial);
        self.anchor(&image.anchor);
        self.count(image.objects.len());
        for (tag, object) in &image.objects {
            self.number(*tag);
            self.bytes(object);
        }
        self.count(image.applications.len());
        image.applications.iter().for_each(|application| self.application(application));
    }

    fn anchor(&mut self, anchor: &Anchor) {
        self.raw(anchor.id.bytes());
        self.raw(anchor.key.modulus());
        self.number(anchor.newest);
    }

    fn application(&mut self, application: &Application) {
        self.bytes(&application.aid);
        self.choice(application.default_key);
        self.choice(application.session_key);
        self.raw(&[
            u8::from(application.older_change),
            u8::from(application.has_objects),
            u8::from(application.area.is_some()),
        ]);
        if let Some(area) = &application.area {
            self.raw(&area.owner);
            self.anchor(&area.anchor);
            self.count(area.room);
        }
        self.count(application.files.len());
        for (id, file) in &application.files {
            self.number(*id);
            self.rule(&file.read);
            self.rule(&file.write);
            self.body(&file.body);
        }
    }

    fn rule(&mut self, rule: &Rule) {
        let Rule::Any(of) = rule else { return self.raw(&[0xFF]) };
        self.raw(&[u8::try_from(of.len()).unwrap_or(0)]);
        for one in of {
            match one {
                Credential::Pin(file) => {
                    self.raw(&[1]);
                    self.number(*file);
                }
                Credential::Terminal(role) => {
                    self.raw(&[2]);
                    self.number(role.0);
                }
            }
        }
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Transparent(content) => {
                self.raw(&[1]);
                self.bytes(content);
            }
            Body::Records(records) => {
                self.raw(&[2]);
                self.count(records.len());
                records.iter().for_each(|record| self.bytes(record));
            }
            Body::Pin(pin) => {
                let format = match pin.format {
                    PinFormat::Digits(length) => length,
                    PinFormat::SignaturePassword => 0,
                };
                self.raw(&[3, format, pin.limit, pin.left, u8::from(pin.changeable)]);
                self.bytes(&pin.value);
            }
            Body::Key { does, pair, each_time, requesting } => {
                let does = match does {
                    KeyUse::Sign => 1,
                    KeyUse::Authenticate => 2,
                    KeyUse::SessionKey => 3,
                };
                self.raw(&[4, does, u8::from(*each_time), u8::from(*requesting)]);
                self.bytes(pair.as_ref().map_or(&[][..], |pair| pair.pkcs8()));
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn raw(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.raw(N)?.try_into().ok()
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        self.raw(length)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.array()?))
    }

    fn choice(&mut self) -> Option<Option<u16>> {
        Some(Some(self.number()?).filter(|number| *number != 0))
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.count()?).map(|_| one(self)).collect()
    }

    fn image(&mut self) -> Option<Image> {
        let serial = self.array()?;
        let anchor = self.anchor()?;
        let objects = self.list(|reader| Some((reader.number()?, reader.bytes()?.to_vec())))?;
        let applications = self.list(Self::application)?;
        Some(Image { serial, anchor, objects: objects.into_iter().collect(), applications })
    }

    fn anchor(&mut self) -> Option<Anchor> {
        let id = KeyId::parse(self.raw(16)?)?;
        let key = PublicKey::from_modulus(self.raw(256)?)?;
        Some(Anchor { id, key, newest: self.number()? })
    }

    fn application(&mut self) -> Option<Application> {
        let aid = self.bytes()?.to_vec();
        let (default_key, session_key) = (self.choice()?, self.choice()?);
        let (older_change, has_objects) = (self.flag()?, self.flag()?);
        let area = if self.flag()? {
            Some(Area { owner: self.array()?, anchor: self.anchor()?, room: self.count()? })
        } else {
            None
        };
        let files = self.list(|reader| {
            let id = reader.number()?;
            let (read, write) = (reader.rule()?, reader.rule()?);
            Some((id, File { read, write, body: reader.body()? }))
        })?;
        let files = files.into_iter().collect::<Files>();
        Some(Application { aid, files, default_key, session_key, older_change, has_objects, area })
    }

    fn rule(&mut self) -> Option<Rule> {
        let count = self.byte()?;
        if count == 0xFF {
            return Some(Rule::Free);
        }
        let one = |_| match self.byte()? {
            1 => Some(Credential::Pin(self.number()?)),
            2 => Some(Credential::Terminal(Role(self.number()?))),
            _ => None,
        };
        Some(Rule::Any((0..count).map(one).collect::<Option<_>>()?))
    }

    fn body(&mut self) -> Option<Body> {
        Some(match self.byte()? {
            1 => Body::Transparent(self.bytes()?.to_vec()),
            2 => Body::Records(self.list(|reader| Some(reader.bytes()?.to_vec()))?),
            3 => {
                let format = match self.byte()? {
                    0 => PinFormat::SignaturePassword,
                    length => PinFormat::Digits(length),
                };
                let (limit, left, changeable) = (self.byte()?, self.byte()?, self.flag()?);
                let value = Zeroizing::new(self.bytes()?.to_vec());
                Body::Pin(Pin { value, format, limit, left, changeable })
            }
            4 => {
                let does = match self.byte()? {
                    1 => KeyUse::Sign,
                    2 => KeyUse::Authenticate,
                    3 => KeyUse::SessionKey,
                    _ => return None,
                };
                let (each_time, requesting) = (self.flag()?, self.flag()?);
                let pair = match self.bytes()? {
                    [] => None,
                    pkcs8 => Some(RsaKey::from_pkcs8(pkcs8)?),
                };
                Body::Key { does, pair, each_time, requesting }
            }
            _ => return None,
        })
    }
}
