//! One scheme, measured: what it costs, what a newcomer costs, what stops when a part is gone, and what a thief finds.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use conversion::scheme::{Blind, HoldsNumber, OpenCore, Passage, open_scheme};
use conversion::{LinkCodeScheme, Place};
use seal::{CoreKey, EncryptedCode, KeyFolder, LinkCode, OpenCode};
use words::{ActId, PartyId, Scheme};
use world::{CpuStopwatch, Stopwatch};

use super::lab::{HOLDERS, Lab, OTHERS, drivers, is_customer, refused};
use super::report::{Compared, Cost, Extensibility, Newcomer, Stability};
use super::thief::{Codes, thefts};

/// How many codes the trials of faults take.
const TRIED: usize = 50;

type Held = Vec<(u32, LinkCode)>;

fn micros(spent: std::time::Duration, of: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / of.max(1) as f64
}

/// Measures one scheme.
pub(super) async fn measure(mut lab: Lab, pairs: u32) -> Result<Compared> {
    let scheme = lab.scheme;
    lab.settle_core().await?;
    let empty = lab.bytes_of("linkage");
    let mut held: HashMap<&str, Held> = HashMap::new();
    // Sessions first: they are opened once a day and belong to no conversion.
    for party in HOLDERS.into_iter().chain(OTHERS) {
        lab.session(party, 0)?;
    }
    // The hospital comes last, as a newcomer that holds no number; the pension office before it, as one that does.
    let watch = CpuStopwatch::start();
    for institution in ["town", "tax", "bank"] {
        held.insert(institution, lab.furnish(institution).await?);
    }
    let issued: usize = held.values().map(Vec::len).sum();
    let cpu_us_per_issue = micros(watch.elapsed(), issued);
    let with_number = newcomer(&mut lab, "pension", &mut held).await?;
    let without_number = newcomer(&mut lab, "hospital", &mut held).await?;
    lab.settle_core().await?;
    let core_bytes = lab.bytes_of("linkage").saturating_sub(empty);
    let codes: usize = held.values().map(Vec::len).sum();
    let town = held.get("town").context("the town")?;
    let institution_bytes = lab.bytes_of("town") as f64 / town.len().max(1) as f64;
    let stats = lab.drivers[0].storage_stats().await.map_err(refused)?;
    let both: Vec<LinkCode> = known_at_both(town, "tax");
    let (single, bulk) = conversions(&mut lab, &both, pairs).await?;
    let own_step = own_step(&mut lab, &both, pairs).await?;
    let stability = stability(&mut lab, &both).await?;
    let by_bytes: Codes = held
        .iter()
        .map(|(institution, held)| {
            let codes = held.iter().map(|(person, code)| (code.dangerous_bytes().to_vec(), *person));
            ((*institution).to_owned(), codes.collect())
        })
        .collect();
    let security = thefts(scheme, &lab.folder, lab.persons, &by_bytes)?;
    Ok(Compared {
        scheme,
        name_ja: scheme.in_japanese(),
        name_en: scheme.in_english(),
        codes_per_person: codes as f64 / f64::from(lab.persons),
        cost: Cost {
            cpu_us_per_conversion: single,
            cpu_us_per_conversion_in_bulk: bulk,
            cpu_us_own_step: own_step,
            cpu_us_per_issue,
            core_bytes,
            core_bytes_per_code: core_bytes as f64 / codes.max(1) as f64,
            core_key_bytes: stats.key_bytes,
            institution_bytes_per_customer: institution_bytes,
        },
        extensibility: Extensibility { with_number, without_number },
        stability,
        security,
    })
}

/// A code again: in rooms a code is never copied, here it is the truth that results are held against.
fn copy(code: &LinkCode) -> LinkCode {
    code.dangerous_copy()
}

/// Codes of a town's customers who are customers there too.
fn known_at_both(town: &Held, there: &str) -> Vec<LinkCode> {
    town.iter().filter(|(person, _)| is_customer(*person, there)).map(|(_, code)| copy(code)).collect()
}

/// An institution joins.
async fn newcomer(
    lab: &mut Lab,
    institution: &'static str,
    held: &mut HashMap<&str, Held>,
) -> Result<Newcomer> {
    lab.settle_core().await?;
    let before = lab.bytes_of("linkage");
    let watch = CpuStopwatch::start();
    let codes = lab.furnish(institution).await?;
    let cpu_ms = watch.elapsed().as_secs_f64() * 1e3;
    lab.settle_core().await?;
    let new = Newcomer {
        customers: codes.len(),
        cpu_ms,
        core_new_bytes: lab.bytes_of("linkage").saturating_sub(before),
        // Under scheme 1 it is given the number, which it may not hold.
        receives_the_number: lab.scheme == Scheme::Number && OTHERS.contains(&institution),
    };
    held.insert(institution, codes);
    Ok(new)
}

/// CPU of the whole way of a code, from one institution's session to another's: one at a time, and in batches of 500.
async fn conversions(lab: &mut Lab, codes: &[LinkCode], pairs: u32) -> Result<(f64, f64)> {
    let pairs = pairs as usize;
    let mut done = 0;
    let watch = CpuStopwatch::start();
    while done < pairs {
        for code in codes.iter().take(pairs - done) {
            lab.convert(std::slice::from_ref(code), ("town", 0), ("tax", 0)).await?.map_err(refused)?;
            done += 1;
        }
    }
    let single = micros(watch.elapsed(), done);
    let (mut in_bulk, watch) = (0, CpuStopwatch::start());
    while in_bulk < pairs {
        for batch in codes.chunks(500.min(pairs - in_bulk).max(1)) {
            if in_bulk < pairs {
                lab.convert(batch, ("town", 0), ("tax", 0)).await?.map_err(refused)?;
                in_bulk += batch.len();
            }
        }
    }
    let bulk = micros(watch.elapsed(), in_bulk);
    // Some of them as inquiries make them: the core keeps what passed for a day, and a thief may find it.
    for code in codes.iter().take(pairs.min(200)) {
        lab.convert_and_keep(code, "town", "tax").await?;
    }
    Ok((single, bulk))
}

/// CPU of the scheme's own step without the seals around it: what the published schemes would cost on lines of their own.
async fn own_step(lab: &mut Lab, codes: &[LinkCode], pairs: u32) -> Result<f64> {
    let (from, to) = (lab.session("town", 0)?, lab.session("tax", 0)?);
    let (mut spent, mut done) = (std::time::Duration::ZERO, 0);
    let open = lab.open_scheme()?;
    let chosen = codes.iter().cycle().take(pairs as usize).map(copy).collect::<Vec<_>>();
    for batch in chosen.chunks(500) {
        match &open {
            Some(scheme) => {
                let opened = batch.iter().map(OpenCode::from_link_code).collect::<Result<Vec<_>, _>>()?;
                let (from, to) = (from.0.domain.clone(), to.0.domain.clone());
                let watch = CpuStopwatch::start();
                scheme.convert(opened, from, to).await.map_err(|error| refused(error.into()))?;
                spent += watch.elapsed();
            }
            None => {
                let mut moved: Vec<_> =
                    batch.iter().map(|code| code.encrypt(&from.0.key, &lab.dice)).collect();
                let watch = CpuStopwatch::start();
                for driver in &lab.drivers {
                    moved = driver.convert(lab.passage(&from.0, &to.0), moved).await.map_err(refused)?;
                }
                spent += watch.elapsed();
            }
        }
        done += batch.len();
    }
    Ok(micros(spent, done))
}

/// Codes through these drivers alone; how many arrive as `expected`.
async fn right(
    lab: &mut Lab,
    drivers: &[&dyn LinkCodeScheme],
    codes: &[LinkCode],
    expected: &[LinkCode],
) -> Result<usize> {
    let (from, to) = (lab.session("town", 0)?, lab.session("tax", 0)?);
    let mut moved: Vec<EncryptedCode> =
        codes.iter().map(|code| code.encrypt(&from.0.key, &lab.dice)).collect();
    for driver in drivers {
        let passage = Passage {
            id: ActId::batch(lab.dice.bytes()),
            batch: true,
            from: from.0.clone(),
            to: to.0.clone(),
        };
        match driver.convert(passage, moved).await {
            Ok(codes) => moved = codes,
            Err(_) => return Ok(0),
        }
    }
    let arrived = moved.iter().map(|code| to.1.decrypt(code));
    Ok(arrived.zip(expected).filter(|(one, other)| one.as_ref().is_ok_and(|one| one.same_as(other))).count())
}

async fn stability(lab: &mut Lab, both: &[LinkCode]) -> Result<Stability> {
    let scheme = lab.scheme;
    let codes: Vec<LinkCode> = both.iter().take(TRIED).map(copy).collect();
    let expected = lab.convert(&codes, ("town", 0), ("tax", 0)).await?.map_err(refused)?;
    let (folder, global, dice) = (lab.folder.clone(), lab.global.clone(), lab.dice.clone());
    let (fresh, halves) = drivers(scheme, &folder, &lab.core, &global, &dice)?;
    let [first, last] = &fresh;
    let without_core = right(lab, &[last.as_ref()], &codes, &expected).await?;
    let without_second = right(lab, &[first.as_ref()], &codes, &expected).await?;

    // A key is lost: the part goes on with another.
    let other = seal::deal(2, &dice)?;
    let other_keys = tempfile::tempdir()?;
    let keys = KeyFolder::new(other_keys.path());
    keys.write_transcryptor(other.transcryptors.first().context("a half")?)?;
    let lost: Box<dyn LinkCodeScheme> = if scheme.is_blind() {
        Box::new(Blind::new(Arc::new(keys.transcryptor()?), Place::First))
    } else {
        let holds: HoldsNumber = Arc::new(|party: &PartyId| HOLDERS.contains(&party.as_str()));
        let open = open_scheme(scheme, &Arc::new(CoreKey::generate(&dice)), &lab.core, &dice, holds);
        let open = open.context("a driver")?;
        Box::new(OpenCore::new(halves, global.clone(), dice.clone(), open))
    };
    let after_loss = right(lab, &[lost.as_ref(), last.as_ref()], &codes, &expected).await?;

    // Restored from a copy of the folder.
    lab.settle_core().await?;
    let copy_folder = tempfile::tempdir()?;
    let watch = Stopwatch::start();
    for room in ["linkage", "trustee"] {
        copy_all(&folder.join(room), &copy_folder.path().join(room))?;
    }
    let core = Lab::open_core(copy_folder.path()).await?;
    let (restored, _) = drivers(scheme, copy_folder.path(), &core, &global, &dice)?;
    let [first, last] = &restored;
    let after_restore = right(lab, &[first.as_ref(), last.as_ref()], &codes, &expected).await?;
    let restore_ms = watch.elapsed().as_secs_f64() * 1e3;
    drop(restored);
    core.close().await;

    let rotation = if scheme.rotates() { Some(rotation(lab, both).await?) } else { None };
    Ok(Stability {
        tried: codes.len(),
        right_without_core: without_core,
        right_without_second: without_second,
        right_after_loss_of_key: after_loss,
        right_after_restore: after_restore,
        restore_ms,
        rotation_cpu_us_per_code: rotation,
    })
}

/// CPU for each code of the town's that is taken to its next epoch, and back again the same number of people.
async fn rotation(lab: &mut Lab, codes: &[LinkCode]) -> Result<f64> {
    lab.session("town", 1)?;
    let watch = CpuStopwatch::start();
    for batch in codes.chunks(500) {
        let new = lab.convert(batch, ("town", 0), ("town", 1)).await?.map_err(refused)?;
        anyhow::ensure!(
            new.iter().zip(batch).all(|(new, old)| !new.same_as(old)),
            "a code survived its rotation"
        );
    }
    Ok(micros(watch.elapsed(), codes.len()))
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().context("a name")?);
        if path.is_dir() { copy_all(&path, &to)? } else { std::fs::copy(&path, &to).map(|_| ())? }
    }
    Ok(())
}
