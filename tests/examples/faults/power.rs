//! The power is lost: at many moments of what a room did, what a disk may then hold is put together and looked at; the last of
//! these disks is put in the room's place, and the room starts on it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ledger::{Hash, Tree};
use rand::{RngExt, rngs::ChaCha20Rng};
use rusqlite::Connection;

use crate::asking::Call;
use crate::country::{Country, signal};
use crate::disk::{Trace, record};
use crate::invariants::{Around, Must, acts, must, taken_elsewhere};

/// Moments looked at in one round, besides the last.
const MOMENTS: usize = 12;
/// How long the room works under the eye of the recorder.
const WORK_MS: std::ops::Range<u64> = 2_500..5_000;

/// Does it; gives what was done, and what did not hold.
pub async fn lose(
    country: &mut Country,
    victim: &str,
    dice: &mut ChaCha20Rng,
    around: &Around<'_>,
) -> Result<(String, Vec<String>)> {
    let folder = std::fs::canonicalize(country.folder_of(victim))?;
    let scratch = tempfile::Builder::new().prefix("power-").tempdir()?;
    let (before, trace) = (scratch.path().join("before"), scratch.path().join("trace"));
    country.stop(victim).await?;
    copy(&folder, &before)?;
    country.hold(victim)?;
    let mut recorder = record(country.pid(victim)?, &trace)?;
    // It says nothing when it has attached; the room is held until then by itself.
    tokio::time::sleep(Duration::from_millis(500)).await;
    signal(country.pid(victim)?, "CONT")?;
    country.wait_until_up(victim).await?;
    tokio::time::sleep(Duration::from_millis(dice.random_range(WORK_MS))).await;
    country.kill(victim)?;
    recorder.wait()?;

    let trace = Trace::read(&trace, &folder)?;
    ensure!(trace.len() > 20, "the record has {} steps: was the room watched at all?", trace.len());
    let calls = around.told.since(0);
    let elsewhere = taken_elsewhere(country, victim)?;
    let mut faults = Vec::new();
    let (mut lost_by_liar, mut pending) = (0, 0);
    for moment in 0..MOMENTS {
        let until = dice.random_range(1..=trace.len());
        let image = scratch.path().join(format!("image-{moment}"));
        pending += trace.disk(&before, until, true)?.lose_power(&folder, &image, dice)?;
        let at = trace.at_ms(until.saturating_sub(1));
        faults.extend(judge(country, victim, &image, (&calls, &elsewhere), at, around)?);
        // The control: the same on a disk that says it has flushed and has not.
        let image = scratch.path().join(format!("liar-{moment}"));
        trace.disk(&before, until, false)?.lose_power(&folder, &image, dice)?;
        lost_by_liar +=
            usize::from(!judge(country, victim, &image, (&calls, &elsewhere), at, around)?.is_empty());
    }
    if lost_by_liar == 0 && told_at(country, victim, &calls, trace.at_ms(0)) > 5 {
        faults.push("nothing was found lost where flushes were ignored: this check sees nothing".into());
    }
    let image = scratch.path().join("last");
    pending += trace.disk(&before, trace.len(), true)?.lose_power(&folder, &image, dice)?;
    faults.extend(judge(country, victim, &image, (&calls, &elsewhere), i64::MAX, around)?);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(PathBuf::from(format!("{}{end}", country.database(victim).display())));
    }
    let keys = folder.join("keys");
    std::fs::remove_dir_all(&keys)?;
    copy(&image, &folder)?;
    country.start(victim).await?;
    let steps = trace.len();
    Ok((
        format!(
            "lost its power: {} moments of {steps} steps, {pending} changes not flushed; {lost_by_liar} of {MOMENTS} control disks lost something",
            MOMENTS + 1
        ),
        faults,
    ))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status()?;
    ensure!(status.success(), "copying {}: {status}", from.display());
    Ok(())
}

/// How many acts that this room had a part in were told after that moment.
fn told_at(country: &Country, victim: &str, calls: &[Call], from: i64) -> usize {
    let after = calls.iter().filter(|call| call.sent > from);
    after.filter(|call| must(country, call).iter().any(|must| must.rooms.contains(&victim))).count()
}

/// Whether a disk holds everything that had been told by then and was not another replica's, once each, and the ledger that had been seen by then.
fn judge(
    country: &Country,
    victim: &str,
    image: &Path,
    told: (&[Call], &HashSet<[u8; 16]>),
    at: i64,
    around: &Around<'_>,
) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let looked = look(country, victim, image, told, at, around, &mut faults);
    if let Err(error) = looked {
        faults.push(format!("{victim}: its disk after a loss of power: {error:#}"));
    }
    Ok(faults)
}

fn look(
    country: &Country,
    victim: &str,
    image: &Path,
    (calls, elsewhere): (&[Call], &HashSet<[u8; 16]>),
    at: i64,
    around: &Around<'_>,
    faults: &mut Vec<String>,
) -> Result<()> {
    let database = Connection::open_with_flags(
        image.join(format!("{victim}.db")),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
    )?;
    let whole: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(whole == "ok", "the database is not whole: {whole}");
    let own = acts(&database, victim, faults)?;
    for call in calls.iter().filter(|call| call.sent + call.took_ms < at) {
        let own_part = must(country, call).into_iter().filter(|must| must.rooms.contains(&victim));
        for Must { verb, state, .. } in own_part.filter(|_| !elsewhere.contains(call.id.bytes())) {
            let is = own.state(verb, &call.id);
            if is != Some(state) {
                faults.push(format!(
                    "{victim}: act {} was told before the power was lost, and is {is:?} after",
                    call.id
                ));
            }
        }
    }
    let mut statement = database.prepare("SELECT hash FROM leaf ORDER BY seq")?;
    let entries: Vec<Hash> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut tree = Tree::default();
    entries.iter().for_each(|entry| tree.push(entry));
    for (size, root) in around.checkpoints.seen_before(victim, at) {
        let here = tree.root_at(size, entries.as_slice());
        if here.ok() != Some(root) {
            faults.push(format!(
                "{victim}: its ledger of {} does not go on from the {size} entries that were seen",
                entries.len()
            ));
        }
    }
    // Keys of records must have outlasted what is sealed under them.
    let mut statement =
        database.prepare("SELECT DISTINCT shelf FROM leaf WHERE shelf <> '' AND LENGTH(record) > 0")?;
    for shelf in statement.query_map([], |row| row.get::<_, String>(0))? {
        let file = format!("{}.key", shelf?.replace('/', "_"));
        let key = image.join("keys/retention").join(&file);
        let length = std::fs::metadata(&key).map(|file| file.len()).unwrap_or(0);
        if length < 40 {
            faults.push(format!("{victim}: records are sealed under {file}, which has {length} bytes"));
        }
    }
    statement.finalize().context("closing")?;
    Ok(())
}
