//! `musubi backup-key`, `musubi backup` and `musubi restore`: a room's database, copied out while the room runs, sealed to its
//! operator's key, and put back.
//!
//! A backup holds the database alone. Keys are no part of it: the irreplaceable ones are kept as shares
//! (`musubi shares`), the others the ceremony makes again, and retention keys no copy may be taken of.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ledger::Hash;
use protocol::desk::{HEALTH, Health};
use road::{Record, Road};
use seal::{Dice, KeyFolder, SealingPublic, Suite};
use store::{Db, Location, StoreError, copy_in, copy_out, params};
use words::Moment;
use world::World;

use crate::backup_file::{self, Head, Reader, Writer};
use crate::config_file::{ConfigFile, Section};
use crate::{desk, verify_log};

/// What `musubi backup-key` takes.
#[derive(Debug, clap::Args)]
pub struct BackupKeyArgs {
    /// The folder to make it in; keep it away from the machines whose backups it opens.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// What `musubi backup` takes.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Whose database.
    #[arg(long, value_name = "ID")]
    pub party: String,
    /// The public half of the operator's backup key, `backup.pub`.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Where to write it; a file that is there is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What `musubi restore` takes.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Whose database.
    #[arg(long, value_name = "ID")]
    pub party: String,
    /// The folder with the operator's backup key.
    #[arg(long, value_name = "DIR")]
    pub key: PathBuf,
    /// The backup.
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// A copy of the room's ledger that `verify-log --keep` made: entries that came after the backup are filled up from it.
    #[arg(long, value_name = "DIR")]
    pub entries: Option<PathBuf>,
}

const PUBLIC: &str = "backup.pub";

fn real_dice() -> Dice {
    let world = World::real();
    Dice::new(move |buffer| world.fill(buffer))
}

/// Makes an operator's backup key.
pub fn make_key(args: &BackupKeyArgs) -> Result<()> {
    let folder = KeyFolder::new(&args.folder);
    ensure!(
        !folder.has("sealing.key"),
        "{} に鍵がすでにあります。別のフォルダを指定してください。\nThere is a key in {} already: name another folder.",
        args.folder.display(),
        args.folder.display()
    );
    let key = folder.sealing(Suite::default(), Some(&real_dice()))?;
    folder.write(PUBLIC, &serde_json::to_vec(&key.public())?)?;
    println!(
        "鍵を作りました。{0} は部屋の機械に置き、フォルダ全体は別の場所に保管してください。\n\
         The key is made. Put {0} on the room's machine, and keep the folder itself elsewhere.",
        args.folder.join(PUBLIC).display()
    );
    Ok(())
}

/// Runs `musubi backup`.
pub async fn backup(args: &BackupArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let section = section(&file, &args.party)?;
    let public = std::fs::read(&args.to).with_context(|| format!("cannot read {}", args.to.display()))?;
    let public: SealingPublic = serde_json::from_slice(&public).with_context(|| {
        format!("{} は公開鍵 (backup.pub) ではありません。 / It is no backup.pub.", args.to.display())
    })?;
    let head = Head { party: section.settings.id.clone(), at: Moment(World::real().now()) };
    let signing = keys_of(section).signing(None)?;
    // Written beside its place and renamed, so that a backup is whole or not there.
    ensure!(!args.out.exists(), "{} はすでにあります。 / It is there already.", args.out.display());
    let half = beside(&args.out, "half");
    let location = section.settings.location();
    let into = half.clone();
    let copied = tokio::task::spawn_blocking(move || -> Result<u64> {
        use std::os::unix::fs::OpenOptionsExt;
        let options = File::options().write(true).create(true).truncate(true).mode(0o600).open(&into);
        let file = options.with_context(|| format!("cannot write {}", into.display()))?;
        let mut writer = Writer::begin(std::io::BufWriter::new(file), head, public, real_dice())?;
        copy_out(&location, |piece| writer.take(&piece).map_err(Stopped::Ours)).map_err(told)?;
        let (file, rows) = writer.end(&signing)?;
        file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        Ok(rows)
    });
    let rows = copied.await?.inspect_err(|_| {
        let _ = std::fs::remove_file(&half);
    })?;
    std::fs::rename(&half, &args.out)?;
    sync_folder_of(&args.out)?;
    println!(
        "{}: {rows} 行を {} に写しました。 / {rows} rows copied to {}.",
        args.party,
        args.out.display(),
        args.out.display()
    );
    Ok(())
}

/// Why a copy stopped: on account of the database, or of the file.
enum Stopped {
    Store(StoreError),
    Ours(anyhow::Error),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn told(stopped: Stopped) -> anyhow::Error {
    match stopped {
        Stopped::Store(error) => anyhow!(error).context("データベース / the database"),
        Stopped::Ours(error) => error,
    }
}

fn section<'a>(file: &'a ConfigFile, party: &str) -> Result<&'a Section> {
    let found = file.sections.iter().find(|section| section.settings.id.as_str() == party);
    found
        .with_context(|| format!("設定に [{party}] がありません。 / The configuration has no party {party}."))
}

fn keys_of(section: &Section) -> KeyFolder {
    KeyFolder::new(section.settings.base.join(&section.settings.common.keys))
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    path.with_file_name(name)
}

fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

/// Runs `musubi restore`. Until everything of the backup has been verified and opened nothing is changed.
pub async fn restore(args: &RestoreArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let section = section(&file, &args.party)?;
    let operator = desk::client(section, "operator");
    if let Ok(operator) = operator
        && operator.get::<Health>(HEALTH, Duration::from_secs(2)).await.is_ok()
    {
        bail!("{0} が動いています。先に止めてください。\n{0} is running: stop it first.", args.party);
    }
    let place = section.settings.location();
    if let Location::Sqlite(path) = &place {
        let left =
            ["", "-wal", "-shm"].map(|end| beside_plain(path, end)).into_iter().find(|left| left.exists());
        if let Some(left) = left {
            bail!(
                "{0} がすでにあります。失わないよう、先に別の場所へ移してください。\n\
                 {0} is there already: move it away first, so that nothing is lost.",
                left.display()
            );
        }
    }
    let keys = keys_of(section);
    let verifying = keys.signing(None)?.verify_key();
    let head = backup_file::verified(&args.from, &section.settings.id, &verifying)?;
    // Read before anything is written: a copy of the ledger that does not hold is said now.
    let entries = match &args.entries {
        Some(folder) => Some(kept_entries(folder, &args.config, &args.party).await?),
        None => None,
    };
    let key = KeyFolder::new(&args.key).sealing(Suite::default(), None)?;
    let making = match &place {
        Location::Sqlite(path) => Location::Sqlite(beside(path, "restoring")),
        other => other.clone(),
    };
    clear(&making);
    let (into, from) = (making.clone(), args.from.clone());
    let migrations = [road::MIGRATIONS, section.room.migrations()];
    let copied = tokio::task::spawn_blocking(move || -> Result<u64> {
        let mut reader = Reader::open(&from, key)?;
        copy_in(&into, &migrations, || reader.next().map_err(Stopped::Ours)).map_err(told)
    });
    let filled = match copied.await? {
        Ok(rows) => match &entries {
            Some(entries) => fill_up(section, &making, entries, head.at).await.map(|lost| (rows, lost)),
            None => Ok((rows, 0)),
        },
        Err(error) => Err(error),
    };
    let (rows, lost) = filled.inspect_err(|_| clear(&making))?;
    if let (Location::Sqlite(path), Location::Sqlite(made)) = (&place, &making) {
        File::open(made)?.sync_all()?;
        std::fs::rename(made, path)?;
        sync_folder_of(path)?;
    }
    let day = head.at.date_in_japan();
    println!(
        "{0}: {day} の控えから {rows} 行を戻しました。 / {rows} rows restored from the backup of {day}.",
        args.party
    );
    if lost > 0 {
        println!(
            "  控えより後の {lost} 件は項目だけを記録簿に戻しました。内容は失われています。第三者機関に知らせてください。\n  \
             Of {lost} records that came after the backup the entries alone are back in the ledger; what they said is lost. Tell oversight."
        );
    } else {
        println!(
            "  起動すると、記録簿が証人の見た記録簿に続くかを確かめます。続かないあいだは何も処理しません。\n  \
             At its start the room holds its ledger against what its witnesses have seen; while it falls short it answers nothing, and its log says what to do."
        );
    }
    Ok(())
}

fn beside_plain(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Removes what an attempt that did not come to its end left behind.
fn clear(making: &Location) {
    if let Location::Sqlite(path) = making {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(beside_plain(path, end));
        }
    }
}

/// The entries of a ledger as somebody kept it, verified as `verify-log` does.
async fn kept_entries(folder: &Path, config: &Path, party: &str) -> Result<Vec<Hash>> {
    let args = verify_log::VerifyLogArgs {
        source: folder.display().to_string(),
        country: None,
        config: Some(config.to_owned()),
        keep: None,
        json: false,
    };
    let (verified, entries) = verify_log::verify_entries(&args).await?;
    ensure!(
        verified.origin == format!("musubi/{party}"),
        "{} は {} の記録簿です。 / It is the ledger of {}.",
        folder.display(),
        verified.origin,
        verified.origin
    );
    Ok(entries)
}

/// Appends the entries that the database lacks, as entries of records that are gone, and a record of that. Gives how many.
async fn fill_up(section: &Section, making: &Location, entries: &[Hash], backup_of: Moment) -> Result<u64> {
    let db = Db::open(making, &[road::MIGRATIONS, section.room.migrations()]).await?;
    let keys = keys_of(section);
    let dice = real_dice();
    let filled = async {
        let all = entries.to_vec();
        let lost = db.write("fill_up", move |write| append(write, &all)).await?;
        let lost = lost.context(
            "記録簿の写しは控えの続きではありません。 / The copy of the ledger does not go on from the backup.",
        )?;
        if lost > 0 {
            let storage = std::sync::Arc::new(keys.storage(&dice, false)?);
            let road = Road::new(db.clone(), storage, World::real());
            let road = road.with_retention(keys.clone(), dice.clone()).await?;
            let mut record = Record::new();
            record.set("entries", lost).set("backup_of", backup_of);
            record.set("why", "restored from a backup; what these records said is lost");
            road.note("restore", record).await?;
        }
        Ok(lost)
    };
    let filled: Result<u64> = filled.await;
    db.close().await;
    filled
}

/// `None` if the rows that are there are not the first of these entries.
fn append(write: &mut store::Write<'_>, entries: &[Hash]) -> Result<Option<u64>, StoreError> {
    let rows = write.rows("SELECT hash FROM leaf ORDER BY seq", &[])?;
    for (row, entry) in rows.iter().zip(entries) {
        if row.array::<32>(0)? != *entry {
            return Ok(None);
        }
    }
    let at = write.row("SELECT COALESCE(MAX(at), 0) FROM leaf", &[])?.map_or(Ok(0), |row| row.int(0))?;
    let (mut lost, empty) = (0, Vec::<u8>::new());
    for (place, entry) in entries.iter().enumerate().skip(rows.len()) {
        let seq = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1);
        let sql = "INSERT INTO leaf (seq, act, verb, step, at, salt, record, hash, shelf) \
                   VALUES ($1, $2, 'lost', 'note', $3, $4, $4, $5, '')";
        write.execute(sql, &params![seq, None::<Vec<u8>>, at, empty.clone(), *entry])?;
        lost += 1;
    }
    Ok(Some(lost))
}

/// Flushes and gives up a writer: here so that a full disk is an error and no panic.
pub(crate) fn flushed<W: Write>(mut file: W) -> Result<W> {
    file.flush()?;
    Ok(file)
}
