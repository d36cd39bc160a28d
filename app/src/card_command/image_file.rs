//! A card's image in a file: sealed, replaced whole, flushed before the card goes on.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use card::{Image, ImageKey, Keep, NotKept};
use words::B64;
use world::World;
use zeroize::Zeroizing;

const KEY: &str = "musubi-card-image-key-v1";

/// A card's file, held by this process alone.
pub(crate) struct ImageFile {
    path: PathBuf,
    key: ImageKey,
    world: World,
    /// Held as long as the card is in use.
    _lock: File,
}

/// Where an image's key is, unless it is said: beside it.
pub(crate) fn key_path(image: &Path, key: Option<&Path>) -> PathBuf {
    key.map_or_else(|| beside(image, "", ".key"), Path::to_path_buf)
}

fn beside(path: &Path, before: &str, after: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{before}{name}{after}"))
}

impl ImageFile {
    /// Makes the file and its key. Neither may be there yet.
    pub(crate) fn create(path: &Path, key: &Path, world: &World) -> Result<Self> {
        for file in [path, key] {
            if file.exists() {
                bail!("{} is there already; a card is not overwritten", file.display());
            }
        }
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(world.random());
        let text =
            Zeroizing::new(format!("{KEY} {}\n", Zeroizing::new(B64::from(&secret[..]).text()).as_str()));
        write_whole(key, text.as_bytes()).with_context(|| format!("writing {}", key.display()))?;
        Self::held(path, ImageKey::new(*secret), world)
    }

    /// Opens a card.
    pub(crate) fn open(path: &Path, key: &Path, world: &World) -> Result<(Image, Self)> {
        let secret = read_key(key)?;
        let file = Self::held(path, ImageKey::new(*secret), world)?;
        let sealed = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let image = Image::open(&sealed, &file.key).with_context(|| path.display().to_string())?;
        Ok((image, file))
    }

    fn held(path: &Path, key: ImageKey, world: &World) -> Result<Self> {
        let lock = beside(path, ".", ".lock");
        let held = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .with_context(|| format!("cannot open {}", lock.display()))?;
        // Two processes with one card would each give it its tries.
        if held.try_lock().is_err() {
            bail!("{} is in use: another process has this card", path.display());
        }
        Ok(Self { path: path.to_path_buf(), key, world: world.clone(), _lock: held })
    }
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let wrong = || format!("{} is not the key of a card image", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the key {}", path.display()))?;
    let text = Zeroizing::new(text);
    let secret = text.trim_end().strip_prefix(KEY).map(str::trim_start).with_context(wrong)?;
    let bytes = Zeroizing::new(B64::parse(secret).ok().with_context(wrong)?.0);
    Ok(Zeroizing::new(bytes.as_slice().try_into().ok().with_context(wrong)?))
}

/// Writes a file so that after a loss of power the old content is there or the new, whole.
fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let half = beside(path, ".", ".new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&half)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    // The name, too, must be on the disk before the card goes on.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl Keep for ImageFile {
    fn keep(&mut self, image: &Image) -> Result<(), NotKept> {
        let sealed = image.seal(&self.key, self.world.random());
        write_whole(&self.path, &sealed).map_err(|error| {
            tracing::error!("{}: {error}", self.path.display());
            NotKept
        })
    }
}
