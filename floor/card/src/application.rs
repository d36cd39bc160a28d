//! An application: its name, its files, and whose it is.

use crate::certificate::Anchor;
use crate::file::{FileId, Files};

/// An application identifier, 5 to 16 bytes (ISO/IEC 7816-4 §8.2.1.2).
pub type Aid = Vec<u8>;

/// An application of the card.
#[derive(Clone)]
pub struct Application {
    /// Its name.
    pub aid: Aid,
    /// Its files.
    pub files: Files,
    /// The key that `80 2A` with P2 = 00 means.
    pub default_key: Option<FileId>,
    /// The key that receives session keys.
    pub session_key: Option<FileId>,
    /// Whether a PIN is changed by `80 32`, as in the older applications, not by `00 24`.
    pub older_change: bool,
    /// Whether `GET DATA` answers here.
    pub has_objects: bool,
    /// An area of a municipality; the card's own applications are none.
    pub area: Option<Area>,
}

impl Application {
    /// An application of the card itself.
    pub fn new(aid: &[u8], files: Files) -> Self {
        Self {
            aid: aid.to_vec(),
            files,
            default_key: None,
            session_key: None,
            older_change: false,
            has_objects: false,
            area: None,
        }
    }
}

/// What makes an application a municipality's own area: its own anchor, its own room.
#[derive(Clone)]
pub struct Area {
    /// Seven digits; the area's name holds them too.
    pub owner: [u8; 7],
    /// Terminals of this area are certified under this key, not under the card's.
    pub anchor: Anchor,
    /// Bytes that its files may take together.
    pub room: usize,
}

/// How the name of every area begins: an unregistered name (ISO/IEC 7816-4 §8.2.1.2, category F), then `MUSUBI`.
pub const AREA_PREFIX: &[u8] = b"\xF0MUSUBI";

/// The name of a municipality's area: seven digits and a number.
pub fn area_aid(owner: &[u8; 7], number: u8) -> Aid {
    [AREA_PREFIX, owner, &[number]].concat()
}
