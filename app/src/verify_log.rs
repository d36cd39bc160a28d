//! `musubi verify-log`: a ledger verified from outside, as anybody can: from a room's address or from a folder.
//!
//! What is checked: the directory under the authority's key, the checkpoint under the ledger's key, who cosigned it,
//! every entry (root worked out anew), every tile, and that the ledger goes on from every checkpoint seen before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ledger::{Checkpoint, Hash, Note, NoteKey, TilePath, Tree};
use protocol::country::Country;
use protocol::directory::{Directory, Signed};
use protocol::ledger::{origin_of, party_of, witnesses};

use crate::config_file::ConfigFile;
use crate::picker::directory_of;

/// What `musubi verify-log` takes.
#[derive(Debug, clap::Args)]
pub struct VerifyLogArgs {
    /// Where the ledger is: `http://host:port/ledger`, a folder, or, with --config, a party's id.
    #[arg(value_name = "PATH|URL|ID")]
    pub source: String,
    /// The trust anchor, `country.json`.
    #[arg(long, value_name = "FILE")]
    pub country: Option<PathBuf>,
    /// A configuration file: names the trust anchor and the parties' addresses.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Keep what was fetched in this folder; the next time the ledger must go on from there.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Write the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What was verified.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Verified {
    /// The ledger.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// The root hash, hex.
    pub root: String,
    /// Everything below held. (A ledger that does not verify gives an error instead.)
    pub verified: bool,
    /// Who cosigned the checkpoint, and when, seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
    /// Sizes of earlier checkpoints it goes on from.
    pub goes_on_from: Vec<u64>,
    /// Tiles and bundles checked.
    pub tiles: usize,
    /// The ledger's key, as a verifier key of C2SP signed-note.
    pub key: String,
    /// The keys of those who may cosign it.
    pub witness_keys: Vec<String>,
}

enum Source {
    Url(String),
    Folder(PathBuf),
}

impl Source {
    async fn get(&self, path: &str) -> Result<Vec<u8>> {
        match self {
            Self::Url(base) => {
                let url = format!("{base}/{path}");
                let (status, body) = wire::get_plain(&url, Duration::from_secs(20))
                    .await
                    .with_context(|| format!("{url} cannot be read"))?;
                ensure!(status == 200, "{url} answered {status}");
                Ok(body)
            }
            Self::Folder(folder) => {
                let file = folder.join(path);
                // A tile that was partial when it was kept may have been completed since, and the other way round.
                match std::fs::read(&file) {
                    Ok(bytes) => Ok(bytes),
                    Err(error) => bail!("{}: {error}", file.display()),
                }
            }
        }
    }
}

/// Runs the command.
pub async fn run(args: &VerifyLogArgs) -> Result<()> {
    let verified = verify(args).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&verified)?);
        return Ok(());
    }
    println!(
        "{}: {} 件の記録、署名と全項目を確認しました / {} entries; signature and every entry verified",
        verified.origin, verified.size, verified.size
    );
    println!("  root {}", verified.root);
    for (name, _) in &verified.witnesses {
        println!("  立会い / witnessed by {name}");
    }
    if verified.witnesses.is_empty() {
        println!("  立会いはまだありません / no witness yet");
    }
    for size in &verified.goes_on_from {
        println!("  以前の {size} 件から続いています / goes on from {size} entries seen before");
    }
    Ok(())
}

/// Verifies; every fault is an error that says what does not hold.
pub async fn verify(args: &VerifyLogArgs) -> Result<Verified> {
    verify_entries(args).await.map(|(verified, _)| verified)
}

/// The same; gives the entries too.
pub async fn verify_entries(args: &VerifyLogArgs) -> Result<(Verified, Vec<Hash>)> {
    let (source, country) = source_of(args)?;
    let signed = source.get("directory").await.context("the directory with the keys")?;
    let signed: Signed = serde_json::from_slice(&signed).context("the directory is not JSON")?;
    let directory = directory_of(&country, &signed)?;
    let text = String::from_utf8(source.get("checkpoint").await?).context("the checkpoint is not a text")?;
    let (head, note, key) = checked_head(&text, &directory)?;
    let party = party_of(&head.origin).context("the ledger's party")?;
    let around: Vec<NoteKey> = witnesses(&directory, &party)
        .into_iter()
        .map(|(entry, key)| Ok(NoteKey::new(&origin_of(&entry.id), key)?))
        .collect::<Result<_>>()?;

    let entries = all_entries(&source, head.size).await?;
    let mut tree = Tree::default();
    entries.iter().for_each(|entry| tree.push(entry));
    ensure!(
        tree.root() == head.root,
        "the {} entries do not lead to the root of the checkpoint: entries were changed",
        head.size
    );
    let mut tiles = 0;
    for path in TilePath::all(head.size) {
        tiles += 1;
        if path.level.is_some() {
            let served = source.get(&path.to_string()).await?;
            ensure!(
                served == tree.tile(&path, entries.as_slice())?,
                "{path} is not the tile of these entries"
            );
        }
    }
    let goes_on_from = match &args.keep {
        Some(folder) => earlier(folder, &directory, &tree, &entries)?,
        None => match &source {
            Source::Folder(folder) => earlier(folder, &directory, &tree, &entries)?,
            Source::Url(_) => Vec::new(),
        },
    };
    if let (Some(folder), Source::Url(_)) = (&args.keep, &source) {
        keep(folder, &source, &head, &text, &signed).await?;
    }
    let cosigned = |key: &NoteKey| Some((key.name().to_owned(), note.cosigned_by(key)?));
    let verified = Verified {
        origin: head.origin.clone(),
        size: head.size,
        root: words::hex(&head.root),
        verified: true,
        witnesses: around.iter().filter_map(cosigned).collect(),
        goes_on_from,
        tiles,
        key: key.as_log(),
        witness_keys: around.iter().map(NoteKey::as_cosigner).collect(),
    };
    Ok((verified, entries))
}

fn source_of(args: &VerifyLogArgs) -> Result<(Source, Country)> {
    let file = args.config.as_deref().map(ConfigFile::read).transpose()?;
    let country = match (&args.country, &file) {
        (Some(path), _) => serde_json::from_slice(&std::fs::read(path)?)
            .with_context(|| format!("{} is not a trust anchor", path.display()))?,
        (None, Some(file)) => crate::picker::country_of(file)?,
        (None, None) => bail!("--country FILE or --config FILE must say whom to trust"),
    };
    if args.source.starts_with("http://") {
        return Ok((Source::Url(args.source.trim_end_matches('/').to_owned()), country));
    }
    let section = file
        .as_ref()
        .and_then(|file| file.sections.iter().find(|section| section.settings.id.as_str() == args.source));
    if let Some(section) = section {
        return Ok((Source::Url(format!("http://{}/ledger", section.settings.common.inner)), country));
    }
    let folder = PathBuf::from(&args.source);
    ensure!(
        folder.is_dir(),
        "{} is neither an address (http://…/ledger), nor a folder, nor a party of the configuration",
        args.source
    );
    Ok((Source::Folder(folder), country))
}

fn checked_head(text: &str, directory: &Directory) -> Result<(Checkpoint, Note, NoteKey)> {
    let note = Note::parse(text)?;
    let head = Checkpoint::parse(&note.text)?;
    let entry = party_of(&head.origin).and_then(|party| directory.entry(&party).cloned());
    let entry = entry.with_context(|| format!("{} is no ledger of a party in the directory", head.origin))?;
    let key = NoteKey::new(&head.origin, entry.signing)?;
    note.signed_by(&key).context("the checkpoint is not signed with the ledger's key")?;
    Ok((head, note, key))
}

async fn all_entries(source: &Source, size: u64) -> Result<Vec<Hash>> {
    let mut entries = Vec::new();
    for path in TilePath::all(size).filter(|path| path.level.is_none()) {
        let bundle = source.get(&path.to_string()).await?;
        let width = usize::try_from(path.width)?;
        ensure!(bundle.len() == width * 34, "{path} has not {width} entries of 32 bytes");
        for entry in bundle.chunks(34) {
            let entry = entry.strip_prefix(&[0, 32]).and_then(|entry| Hash::try_from(entry).ok());
            entries.push(entry.with_context(|| format!("{path} has an entry that is not 32 bytes long"))?);
        }
    }
    Ok(entries)
}

/// The checkpoints kept before: each must be signed, and the tree must begin with it.
fn earlier(folder: &Path, directory: &Directory, tree: &Tree, entries: &[Hash]) -> Result<Vec<u64>> {
    let mut sizes = Vec::new();
    let Ok(kept) = std::fs::read_dir(folder.join("checkpoints")) else { return Ok(sizes) };
    for file in kept {
        let path = file?.path();
        let (before, _, _) = checked_head(&std::fs::read_to_string(&path)?, directory)
            .with_context(|| path.display().to_string())?;
        let root = tree.root_at(before.size, entries).with_context(|| {
            format!("the ledger has become shorter: {} entries were seen before", before.size)
        })?;
        ensure!(
            root == before.root,
            "the ledger does not go on from the {} entries that were seen before: its past was changed",
            before.size
        );
        sizes.push(before.size);
    }
    sizes.sort_unstable();
    Ok(sizes)
}

async fn keep(
    folder: &Path,
    source: &Source,
    head: &Checkpoint,
    text: &str,
    directory: &Signed,
) -> Result<()> {
    for path in TilePath::all(head.size) {
        let file = folder.join(path.to_string());
        if path.width == ledger::TILE_WIDTH && file.exists() {
            continue;
        }
        std::fs::create_dir_all(file.parent().context("a tile's folder")?)?;
        std::fs::write(&file, source.get(&path.to_string()).await?)?;
    }
    std::fs::create_dir_all(folder.join("checkpoints"))?;
    std::fs::write(folder.join("directory"), serde_json::to_vec(directory)?)?;
    std::fs::write(folder.join("checkpoints").join(head.size.to_string()), text)?;
    std::fs::write(folder.join("checkpoint"), text)?;
    Ok(())
}
