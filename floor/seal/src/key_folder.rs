//! Keys as files: one folder for each room, mode 0600, one key a file, each with a line that says what it is.

use std::path::{Path, PathBuf};

use words::B64;
use zeroize::{Zeroize, Zeroizing};

use crate::codes::PersonKey;
use crate::open_code::CoreKey;
use crate::secret::Secret;
use crate::x509::{IssuerKey, KeyKind};
use crate::{Dice, SealingKey, SigningKey, StorageKey, Suite, TranscryptorSecrets};

/// Why a key could not be read or written. Names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file could not be read or written.
    #[error("key file {path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is no key of that kind.
    #[error("key file {path} is not a {expected}: was it changed, or is it another key?")]
    NotThatKey {
        /// Which file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
}

/// A room's folder of keys.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    path: PathBuf,
}

const SIGNING: &str = "musubi-signing-key-v1";
const SEALING: &str = "musubi-sealing-key-v1";
const STORAGE: &str = "musubi-storage-key-v1";
const PERSON: &str = "musubi-person-key-v1";
const ISSUER: &str = "musubi-issuer-key-v1";
const TRANSCRYPTOR: &str = "musubi-transcryptor-secrets-v1";
const CORE: &str = "musubi-core-key-v1";
/// The other body's secrets, where one operator holds both: schemes 1 to 5.
const SECOND: &str = "second-transcryptor.key";

/// What a party cannot make anew without losing what was made with it.
const IRREPLACEABLE: [&str; 11] = [
    "signing.key",
    "sealing.key",
    "storage.key",
    "person.key",
    "transcryptor.key",
    "second-transcryptor.key",
    "core.key",
    "signature-ca.key",
    "authentication-ca.key",
    "organisation-ca.key",
    "time-stamps.key",
];

fn retention_name(shelf: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    format!("{}.key", shelf.chars().map(plain).collect::<String>())
}

/// Makes the names in a folder durable.
fn sync(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

impl KeyFolder {
    /// A folder at `path`; made when the first key is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `content` to `name` so that it is whole or not there, readable by its owner alone.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let io = |error| FolderError::Io { path: path.clone(), error };
        let new = !self.path.is_dir();
        std::fs::create_dir_all(&self.path).map_err(io)?;
        // Names too must outlast a loss of power: what is sealed under a key is durable a moment later.
        if let Some(above) = self.path.parent().filter(|above| new && !above.as_os_str().is_empty()) {
            sync(above).map_err(io)?;
        }
        let half = self.path.join(format!(".{name}.new"));
        {
            use std::io::Write;
            use std::os::unix::fs::OpenOptionsExt;
            let mut file = std::fs::OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&half)
                .map_err(io)?;
            file.write_all(content).and_then(|()| file.sync_all()).map_err(io)?;
        }
        std::fs::rename(&half, &path).map_err(io)?;
        sync(&self.path).map_err(io)
    }

    /// The secrets that nobody can make anew, as one text for [`crate::split`]: each of those that are there, with its name.
    /// Certificates and inner keys are not among them: the ceremony makes them again. Retention keys neither: no copy may be
    /// taken of what is to be destroyed one day.
    pub fn irreplaceable(&self) -> Result<Zeroizing<String>, FolderError> {
        let mut text = Zeroizing::new(String::new());
        for name in IRREPLACEABLE.into_iter().filter(|name| self.has(name)) {
            let content = self.read(name)?;
            let wrong =
                FolderError::NotThatKey { path: self.path.join(name), expected: "key file of one line" };
            let line = std::str::from_utf8(&content).ok().and_then(|line| line.strip_suffix('\n'));
            let line = line.filter(|line| !line.contains('\n')).ok_or(wrong)?;
            // Room for all of it before, so that no half of it stays behind in memory that was given back.
            text.reserve(4096);
            text.push_str(name);
            text.push(' ');
            text.push_str(line);
            text.push('\n');
        }
        Ok(text)
    }

    /// Writes the keys of such a text; gives their names. Nothing is written where one of them is there already.
    pub fn put_back(&self, text: &str) -> Result<Vec<&'static str>, FolderError> {
        let mut found = Vec::new();
        for line in text.lines() {
            let name = IRREPLACEABLE.into_iter().find(|name| line.split(' ').next() == Some(*name));
            let refuse = |what: &str, name: &str| FolderError::Io {
                path: self.path.join(name),
                error: std::io::Error::other(what.to_owned()),
            };
            let name = name.ok_or_else(|| refuse("the shares hold no such key", ""))?;
            if self.has(name) {
                return Err(refuse("there is such a key already; move it away first", name));
            }
            let key = line.get(name.len() + 1..).unwrap_or_default();
            found.push((name, Zeroizing::new(format!("{key}\n"))));
        }
        for (name, content) in &found {
            self.write(name, content.as_bytes())?;
        }
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    /// Reads the file `name`.
    pub fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, FolderError> {
        let path = self.path.join(name);
        std::fs::read(&path).map(Zeroizing::new).map_err(|error| FolderError::Io { path, error })
    }

    /// Whether the file `name` is there.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    fn write_key(&self, name: &str, kind: &'static str, secret: &[u8]) -> Result<(), FolderError> {
        let text = Zeroizing::new(format!("{kind} {}\n", Zeroizing::new(B64::from(secret).text()).as_str()));
        self.write(name, text.as_bytes())
    }

    fn read_key(&self, name: &str, kind: &'static str) -> Result<Zeroizing<Vec<u8>>, FolderError> {
        let wrong = || FolderError::NotThatKey { path: self.path.join(name), expected: kind };
        let content = self.read(name)?;
        let text = std::str::from_utf8(&content).map_err(|_| wrong())?;
        let secret =
            text.trim_end().strip_prefix(kind).and_then(|rest| rest.strip_prefix(' ')).ok_or_else(wrong)?;
        B64::parse(secret).map(|bytes| Zeroizing::new(bytes.0)).map_err(|_| wrong())
    }

    fn read_32(&self, name: &str, kind: &'static str) -> Result<Secret<32>, FolderError> {
        let bytes = self.read_key(name, kind)?;
        let mut array: [u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| FolderError::NotThatKey { path: self.path.join(name), expected: kind })?;
        let secret = Secret::new(array);
        array.zeroize();
        Ok(secret)
    }

    /// The signing key; made if it is missing and `dice` are given.
    pub fn signing(&self, dice: Option<&Dice>) -> Result<SigningKey, FolderError> {
        if let (Some(dice), false) = (dice, self.has("signing.key")) {
            self.write_key("signing.key", SIGNING, SigningKey::generate(dice).secret().bytes())?;
        }
        self.read_32("signing.key", SIGNING).map(|bytes| SigningKey::from_bytes(&bytes))
    }

    /// The sealing key; made if it is missing and `dice` are given.
    pub fn sealing(&self, suite: Suite, dice: Option<&Dice>) -> Result<SealingKey, FolderError> {
        if let (Some(dice), false) = (dice, self.has("sealing.key")) {
            self.write_key("sealing.key", SEALING, SealingKey::generate(suite, dice).seed().bytes())?;
        }
        self.read_32("sealing.key", SEALING).map(|seed| SealingKey::from_seed(suite, seed))
    }

    /// The storage key; made if it is missing and `make` is true.
    pub fn storage(&self, dice: &Dice, make: bool) -> Result<StorageKey, FolderError> {
        if make && !self.has("storage.key") {
            self.write_key("storage.key", STORAGE, StorageKey::generate(dice).root().bytes())?;
        }
        self.read_32("storage.key", STORAGE).map(|root| StorageKey::from_bytes(root, dice.clone()))
    }

    /// An issuer's key of certificates, `<name>.key`, sealed under the storage key besides; made of this kind if it is missing.
    pub fn issuer(&self, name: &str, kind: KeyKind, storage: &StorageKey) -> Result<IssuerKey, FolderError> {
        let file = format!("{name}.key");
        let wrong = || FolderError::NotThatKey { path: self.path.join(&file), expected: ISSUER };
        if !self.has(&file) {
            let pkcs8 = IssuerKey::generate(kind).map_err(|_| wrong())?;
            self.write_key(&file, ISSUER, &storage.seal("keys", name.as_bytes(), "issuer", &pkcs8))?;
        }
        let sealed = self.read_key(&file, ISSUER)?;
        let pkcs8 = storage.open("keys", name.as_bytes(), "issuer", &sealed).map_err(|_| wrong())?;
        IssuerKey::from_pkcs8(&Zeroizing::new(pkcs8)).map_err(|_| wrong())
    }

    /// A retention key, in the folder `retention`, which no backup takes; made if it is missing and `make` is true. One
    /// that was destroyed is never made again.
    pub fn retention(&self, shelf: &str, dice: &Dice, make: bool) -> Result<StorageKey, FolderError> {
        let (folder, name) = (self.retention_folder(), retention_name(shelf));
        if make && !folder.has(&name) {
            if self.destroyed_retention()?.iter().any(|destroyed| destroyed == shelf) {
                let error = std::io::Error::other("the key was destroyed at the end of its period");
                return Err(FolderError::Io { path: folder.path.join(name), error });
            }
            folder.write_key(&name, STORAGE, StorageKey::generate(dice).root().bytes())?;
        }
        folder.read_32(&name, STORAGE).map(|root| StorageKey::from_bytes(root, dice.clone()))
    }

    /// Destroys a retention key: noted in the folder's list first, then overwritten and removed.
    pub fn destroy_retention(&self, shelf: &str) -> Result<(), FolderError> {
        let (folder, name) = (self.retention_folder(), retention_name(shelf));
        let mut destroyed = self.destroyed_retention()?;
        if !destroyed.iter().any(|one| one == shelf) {
            destroyed.push(shelf.to_owned());
            folder.write("destroyed", (destroyed.join("\n") + "\n").as_bytes())?;
        }
        if folder.has(&name) {
            let path = folder.path.join(&name);
            let length = folder.read(&name)?.len();
            let io = |error| FolderError::Io { path: path.clone(), error };
            {
                use std::io::Write;
                let mut file = std::fs::OpenOptions::new().write(true).open(&path).map_err(io)?;
                file.write_all(&vec![b'0'; length]).and_then(|()| file.sync_all()).map_err(io)?;
            }
            std::fs::remove_file(&path).map_err(io)?;
        }
        Ok(())
    }

    /// The shelves whose keys were destroyed.
    pub fn destroyed_retention(&self) -> Result<Vec<String>, FolderError> {
        let folder = self.retention_folder();
        if !folder.has("destroyed") {
            return Ok(Vec::new());
        }
        let text = folder.read("destroyed")?;
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }

    fn retention_folder(&self) -> Self {
        Self::new(self.path.join("retention"))
    }

    /// The registry's person key; made if it is missing and `dice` are given.
    pub fn person(&self, dice: Option<&Dice>) -> Result<PersonKey, FolderError> {
        if let (Some(dice), false) = (dice, self.has("person.key")) {
            self.write_key("person.key", PERSON, &dice.bytes::<32>())?;
        }
        self.read_32("person.key", PERSON).map(PersonKey::from_bytes)
    }

    /// Writes what the dealer gave a transcryptor.
    pub fn write_transcryptor(&self, secrets: &TranscryptorSecrets) -> Result<(), FolderError> {
        self.write_key("transcryptor.key", TRANSCRYPTOR, &secrets.to_stored())
    }

    /// A transcryptor's secrets.
    pub fn transcryptor(&self) -> Result<TranscryptorSecrets, FolderError> {
        self.transcryptor_named("transcryptor.key")
    }

    fn transcryptor_named(&self, name: &str) -> Result<TranscryptorSecrets, FolderError> {
        let stored = self.read_key(name, TRANSCRYPTOR)?;
        TranscryptorSecrets::from_stored(&stored)
            .map_err(|_| FolderError::NotThatKey { path: self.path.join(name), expected: TRANSCRYPTOR })
    }

    /// Writes the other body's secrets beside the own: one operator then sees every code (schemes 1 to 5).
    pub fn write_second_transcryptor(&self, secrets: &TranscryptorSecrets) -> Result<(), FolderError> {
        self.write_key(SECOND, TRANSCRYPTOR, &secrets.to_stored())
    }

    /// The other body's secrets, where one operator holds both.
    pub fn second_transcryptor(&self) -> Result<TranscryptorSecrets, FolderError> {
        self.transcryptor_named(SECOND)
    }

    /// Whether the other body's secrets are here too.
    pub fn has_second_transcryptor(&self) -> bool {
        self.has(SECOND)
    }

    /// The key of a core that sees codes; made if it is missing and `dice` are given.
    pub fn core(&self, dice: Option<&Dice>) -> Result<CoreKey, FolderError> {
        if let (Some(dice), false) = (dice, self.has("core.key")) {
            self.write_key("core.key", CORE, &dice.bytes::<32>())?;
        }
        self.read_32("core.key", CORE).map(CoreKey::from_bytes)
    }
}
