//! Keys of a room's inner side: one for each clerk, operator or system.
//!
//! The file `inner.keys` has a line `name role sha256-of-key`; the keys themselves are with their owners.

use std::path::Path;

use axum::http::{HeaderMap, header};
use rules::Role;
use seal::{Dice, FolderError, KeyFolder, sha256};
use words::{B64, hex};

use crate::Caller;

/// One key as its owner holds it: `Authorization: Bearer <text>`.
pub struct InnerKey {
    /// The owner's name.
    pub name: String,
    text: String,
}

impl InnerKey {
    /// The header's value.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.text)
    }

    /// Reads a key file as [`InnerKeys::make`] writes it.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?.trim().to_owned();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        Ok(Self { name, text })
    }
}

/// The hashes of all keys of one room.
#[derive(Default)]
pub struct InnerKeys(Vec<(String, Role, String)>);

impl InnerKeys {
    /// Reads `inner.keys` of a key folder; a folder without it lets nobody in.
    pub fn read(folder: &KeyFolder) -> Result<Self, FolderError> {
        if !folder.has("inner.keys") {
            return Ok(Self::default());
        }
        let content = folder.read("inner.keys")?;
        let text = String::from_utf8_lossy(&content).into_owned();
        let line = |line: &str| {
            let mut parts = line.split_whitespace();
            let (name, role, hash) = (parts.next()?, parts.next()?, parts.next()?);
            let role = Role::ALL.iter().copied().find(|known| known.as_str() == role)?;
            Some((name.to_owned(), role, hash.to_owned()))
        };
        Ok(Self(text.lines().filter_map(line).collect()))
    }

    /// Makes a key for `name` in `role`, writes it to `<name>.key` beside the list, and adds its hash to the list.
    pub fn make(folder: &KeyFolder, name: &str, role: Role, dice: &Dice) -> Result<(), FolderError> {
        let key = B64::from(dice.bytes::<24>()).text();
        let mut list = match folder.has("inner.keys") {
            true => folder.read("inner.keys")?.to_vec(),
            false => Vec::new(),
        };
        list.extend(format!("{name} {} {}\n", role.as_str(), hex(&sha256(key.as_bytes()))).into_bytes());
        folder.write(&format!("{name}.key"), format!("{key}\n").as_bytes())?;
        folder.write("inner.keys", &list)
    }

    /// What the owner of the key of this name may do; `None` if there is none.
    pub fn role(&self, name: &str) -> Option<Role> {
        self.0.iter().find(|(known, _, _)| known == name).map(|(_, role, _)| *role)
    }

    /// Whose key this is.
    pub fn owner(&self, key: &str) -> Caller {
        // Compared by hash: how long the comparison takes says nothing of the key.
        let hash = hex(&sha256(key.as_bytes()));
        match self.0.iter().find(|(_, _, known)| *known == hash) {
            Some((name, role, _)) => Caller::Inner { name: name.clone(), role: *role },
            None => Caller::Nobody,
        }
    }

    /// Who sent these headers, with a key in them.
    pub fn sender(&self, headers: &HeaderMap) -> Caller {
        let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        key.and_then(|value| value.strip_prefix("Bearer ")).map_or(Caller::Nobody, |key| self.owner(key))
    }
}
