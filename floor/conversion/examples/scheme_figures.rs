//! What conversions cost beside their peers, as ratios within one run: `cargo xtask bench schemes`.
//!
//! CPU time of this process, medians of five alternating turns. Scheme 2 beside the bare AES-SIV crate doing the same two
//! operations, scheme 3 beside the bare prepared statement on the same file, scheme 6 beside libpep's `transcrypt` with the
//! same 64 bytes read and written; then an issue over all cores, and codes held against one another.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use clap::Parser;
use conversion::scheme::{Blind, End, Grain, OpenScheme, Passage, Reversible, Tables};
use conversion::{LinkCodeScheme, MIGRATIONS, Place};
use libpep::contexts::{EncryptionContext, PseudonymizationDomain};
use libpep::data::elgamal::ElGamalEncrypted;
use libpep::factors::{PseudonymizationSecret, RekeyingSecret};
use libpep::keys::PseudonymSessionPublicKey;
use libpep::keys::traits::PublicKey;
use libpep::prelude::{EncryptedPseudonym, Transcryptor};
use seal::{Conversion, CoreKey, Dice, EncryptedCode, KeyFolder, OpenCode, PersonPoint, Position, deal};
use store::{Db, Location};
use words::{ActId, Date, Domain, Epoch, PartyId, SessionName};
use world::{CpuStopwatch, Stopwatch};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
/// Median, least and most.
type Figures = (f64, f64, f64);

#[derive(Parser)]
struct Args {
    /// Rows of the table of scheme 3: two for each person, so that either institution has half as many codes.
    #[arg(long, default_value_t = 20_000_000)]
    rows: u32,
    /// Codes of the issue over all cores.
    #[arg(long, default_value_t = 1_000_000)]
    codes: usize,
    /// Codes of scheme 2 held against one another.
    #[arg(long, default_value_t = 10_000_000)]
    distinct: usize,
    /// Only this scheme's figures.
    #[arg(long)]
    scheme: Option<u8>,
}

const TURNS: usize = 5;

fn figures(mut each: Vec<f64>) -> Figures {
    each.sort_by(f64::total_cmp);
    let at = |place: usize| each.get(place).copied().unwrap_or_default();
    (at(each.len() / 2), at(0), at(each.len().saturating_sub(1)))
}

fn line(what: &str, unit: &str, (median, least, most): Figures) {
    println!("{what:<60} {median:>9.3} {unit} ({least:.3} to {most:.3})");
}

fn bound(ratio: Figures, bound: f64, at_least: bool) {
    let kept = if at_least { ratio.0 >= bound } else { ratio.0 <= bound };
    line("   ratio", "×", ratio);
    let sign = if at_least { "≥" } else { "≤" };
    println!("   bound {sign} {bound}: {}", if kept { "kept" } else { "MISSED" });
}

/// Alternating turns of both: microseconds of CPU for each, and their ratios turn by turn.
fn beside(
    times: usize,
    mut ours: impl FnMut() -> Result<()>,
    mut theirs: impl FnMut() -> Result<()>,
) -> Result<[Figures; 3]> {
    let turn = |work: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        let watch = CpuStopwatch::start();
        work()?;
        Ok(watch.elapsed().as_secs_f64() * 1e6 / times as f64)
    };
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    for at in 0..=TURNS {
        let (one, other) = (turn(&mut ours)?, turn(&mut theirs)?);
        // The first turn warms both.
        if at > 0 {
            all.iter_mut().zip([one, other, one / other]).for_each(|(list, figure)| list.push(figure));
        }
    }
    Ok(all.map(figures))
}

fn domain(party: &str) -> Result<Domain> {
    Ok(Domain::new(PartyId::parse(party)?, Epoch(0)))
}

fn session(party: &str) -> Result<SessionName> {
    Ok(SessionName::new(&PartyId::parse(party)?, Date::new(2026, 11, 22)?, 0))
}

fn reversible(dice: &Dice) -> Result<()> {
    const TIMES: usize = 200_000;
    let core = Arc::new(CoreKey::generate(dice));
    let scheme = Reversible::new(Arc::clone(&core));
    let (town, tax) = (domain("town")?, domain("tax")?);
    let mut key = core.reversible(&town);
    let issue = |_| core.issue(&PersonPoint::nobody(dice).dangerous_code(), &mut key);
    let codes: Vec<OpenCode> = (0..500).map(issue).collect::<std::result::Result<_, _>>()?;
    let mut from = Aes256Siv::new(&dice.bytes::<64>().into());
    let mut to = Aes256Siv::new(&dice.bytes::<64>().into());
    let none: [&[u8]; 0] = [];
    let mut sealed = Vec::new();
    for _ in 0..500 {
        sealed.push(from.encrypt(none, &dice.bytes::<14>()).map_err(|_| "aes-siv")?);
    }
    let mut theirs = || -> Result<()> {
        for code in sealed.iter().cycle().take(TIMES) {
            let internal = from.decrypt(none, code).map_err(|_| "aes-siv")?;
            black_box(to.encrypt(none, &internal).map_err(|_| "aes-siv")?);
        }
        Ok(())
    };
    for batch in [1, 500] {
        let ours = || -> Result<()> {
            for codes in codes.chunks(batch).cycle().take(TIMES / batch) {
                black_box(scheme.convert_now(codes, &town, &tax)?);
            }
            Ok(())
        };
        let [ours, peer, ratio] = beside(TIMES, ours, &mut theirs)?;
        line(&format!("2: a conversion, {batch} to a call"), "µs", ours);
        line("   bare aes-siv: the same decryption and encryption", "µs", peer);
        bound(ratio, 3.0, false);
    }
    Ok(())
}

fn blind(dice: &Dice) -> Result<()> {
    const TIMES: usize = 3_000;
    let dealt = deal(2, dice)?;
    let first = dealt.transcryptors.first().ok_or("a half")?;
    let (town, tax) = (session("town")?, session("tax")?);
    let key = first.extend_session_key(&town, &dealt.global.public, dice)?.key;
    let conversion = Conversion {
        from_domain: domain("town")?,
        from_session: town.clone(),
        to_domain: domain("tax")?,
        to_session: tax.clone(),
    };
    let wire: Vec<[u8; 64]> =
        (0..100).map(|_| PersonPoint::nobody(dice).encrypt(&key, dice).to_bytes()).collect();
    let id = ActId::new(dice.bytes());
    let peer = Transcryptor::new(
        PseudonymizationSecret::from(dice.bytes::<32>().to_vec()),
        RekeyingSecret::from(dice.bytes::<32>().to_vec()),
    );
    let info = peer.transcryption_info(
        &PseudonymizationDomain::from("lc/v1/town/0"),
        &PseudonymizationDomain::from("lc/v1/tax/0"),
        &EncryptionContext::from(town.as_str()),
        &EncryptionContext::from(tax.as_str()),
    );
    let public: PseudonymSessionPublicKey = PublicKey::from_slice(&key.to_bytes()).ok_or("a key")?;
    let mut rng = rand::rng();
    let mut theirs = || -> Result<()> {
        for bytes in wire.iter().cycle().take(TIMES) {
            let code: EncryptedPseudonym = ElGamalEncrypted::from_slice(bytes).ok_or("bytes")?;
            black_box(peer.transcrypt(&code, &info, &public, &mut rng).to_bytes());
        }
        Ok(())
    };
    for batch in [1, 100] {
        let ours = || -> Result<()> {
            for wire in wire.chunks(batch).cycle().take(TIMES / batch) {
                let codes = wire.iter().map(|bytes| EncryptedCode::from_bytes(bytes));
                let codes: Vec<EncryptedCode> = codes.collect::<std::result::Result<_, _>>()?;
                let rows = codes.iter().map(|code| (id, code));
                for code in first.convert_all(&conversion, Position::First(key), rows)? {
                    black_box(code.to_bytes());
                }
            }
            Ok(())
        };
        let [ours, theirs, ratio] = beside(TIMES, ours, &mut theirs)?;
        line(&format!("6: one half of a conversion, {batch} to a call, 64 bytes in and out"), "µs", ours);
        line("   libpep: transcrypt, the same bytes read and written", "µs", theirs);
        bound(ratio, 0.7, false);
    }
    Ok(())
}

/// The issue of many codes by one body, in the batches in which they travel.
async fn issue(dice: &Dice, codes: usize) -> Result<()> {
    let dealt = deal(2, dice)?;
    let folder = tempfile::tempdir()?;
    let keys = KeyFolder::new(folder.path());
    keys.write_transcryptor(dealt.transcryptors.first().ok_or("a half")?)?;
    let secrets = Arc::new(keys.transcryptor()?);
    let end = |party: &str| -> Result<End> {
        let session = session(party)?;
        let key = secrets.extend_session_key(&session, &dealt.global.public, dice)?.key;
        Ok(End { domain: domain(party)?, session, key })
    };
    let (registry, town) = (end("registry")?, end("town")?);
    let people: Vec<EncryptedCode> =
        (0..500).map(|_| PersonPoint::nobody(dice).encrypt(&registry.key, dice)).collect();
    let driver = Blind::new(Arc::clone(&secrets), Place::First);
    let (watch, cpu) = (Stopwatch::start(), CpuStopwatch::start());
    for _ in 0..codes.div_ceil(500) {
        let id = ActId::batch(dice.bytes());
        let passage = Passage { id, batch: true, from: registry.clone(), to: town.clone() };
        black_box(driver.issue(passage, people.clone()).await.map_err(|reason| reason.to_string())?);
    }
    let (spent, took) = (cpu.elapsed().as_secs_f64(), watch.elapsed().as_secs_f64());
    println!("6: issue of {codes} codes by one body: {took:.1} s, {spent:.1} s of CPU; cores used:");
    bound((spent / took, spent / took, spent / took), 1.8, true);
    Ok(())
}

/// Codes of scheme 2 of as many people: no two are the same.
fn distinct(dice: &Dice, count: usize) -> Result<()> {
    let core = CoreKey::generate(dice);
    let town = domain("town")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let part = || -> std::result::Result<Vec<u128>, seal::SealError> {
        let mut key = core.reversible(&town);
        let one = |_| {
            let code = core.issue(&PersonPoint::nobody(dice).dangerous_code(), &mut key)?;
            // The first 16 of 30 bytes: where they differ, codes differ.
            let bytes = code.dangerous_bytes().first_chunk::<16>().copied().unwrap_or_default();
            Ok(u128::from_be_bytes(bytes))
        };
        (0..count / cores).map(one).collect()
    };
    let mut all = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..cores).map(|_| scope.spawn(part)).collect();
        let parts = parts.into_iter().map(|part| part.join().unwrap_or(Err(seal::SealError::BadCode)));
        parts.collect::<std::result::Result<Vec<_>, _>>().map(|parts| parts.concat())
    })?;
    let issued = all.len();
    all.sort_unstable();
    all.dedup();
    println!("2: {issued} codes of one institution, different ones: {}", all.len());
    if all.len() == issued { Ok(()) } else { Err("two people have one code".into()) }
}

/// Fills the tables of scheme 3 for two institutions: `rows` codes in all. Their key refuses a code that is there.
fn fill(path: &Path, rows: u32) -> Result<()> {
    let database = rusqlite::Connection::open(path)?;
    database.execute_batch(&format!(
        "PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -400000;
         INSERT INTO code_holder (holder, name) VALUES (1, 'lc/v1/town/0'), (2, 'lc/v1/tax/0');
         DROP INDEX link_code_person;
         INSERT INTO link_code (holder, code, person)
         SELECT holder, code, person FROM (
             WITH RECURSIVE n(person) AS (SELECT 1 UNION ALL SELECT person + 1 FROM n WHERE person < {})
             SELECT holder, randomblob(16) AS code, person FROM n, code_holder
         ) ORDER BY holder, code;
         CREATE UNIQUE INDEX link_code_person ON link_code (person, holder);
         PRAGMA wal_checkpoint(TRUNCATE);",
        rows / 2
    ))?;
    Ok(())
}

const STATEMENT: &str = "SELECT there.code FROM link_code here JOIN link_code there \
    ON there.person = here.person AND there.holder = ?3 WHERE here.holder = ?1 AND here.code = ?2";

async fn table(dice: &Dice, rows: u32) -> Result<()> {
    const TIMES: usize = 10_000;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("linkage.db");
    Db::open(&Location::Sqlite(path.clone()), &[MIGRATIONS]).await?.close().await;
    let watch = Stopwatch::start();
    fill(&path, rows)?;
    println!("3: {rows} rows made in {:.0} s", watch.elapsed().as_secs_f64());
    let bare = rusqlite::Connection::open(&path)?;
    let distinct = "SELECT COUNT(*), COUNT(DISTINCT code) FROM link_code WHERE holder = 1";
    let (all, different): (u32, u32) = bare.query_row(distinct, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    println!("3, 4: {all} codes of one holder, different ones: {different}");
    let mut picked: Vec<Vec<u8>> = Vec::new();
    for _ in 0..TIMES {
        let sql = "SELECT code FROM link_code WHERE holder = 1 AND code <= ?1 ORDER BY code DESC LIMIT 1";
        let mut start: [u8; 16] = dice.bytes();
        // There is always one below.
        if let Some(first) = start.first_mut() {
            *first |= 0x10;
        }
        picked.push(bare.query_row(sql, [start.as_slice()], |row| row.get(0))?);
    }
    let db = Db::open(&Location::Sqlite(path), &[MIGRATIONS]).await?;
    let core = Arc::new(CoreKey::generate(dice));
    let tables = Tables::new(db.clone(), core, dice.clone(), Grain::EachInstitution);
    let open: Vec<OpenCode> =
        picked.iter().map(|code| OpenCode::from_drawn(code)).collect::<std::result::Result<_, _>>()?;
    let (town, tax) = (domain("town")?, domain("tax")?);
    let mut statement = bare.prepare(STATEMENT)?;
    for batch in [500, 1] {
        let mut all = [Vec::new(), Vec::new(), Vec::new()];
        for turn in 0..=TURNS {
            let watch = CpuStopwatch::start();
            for codes in open.chunks(batch) {
                black_box(tables.convert(codes.to_vec(), town.clone(), tax.clone()).await?);
            }
            let ours = watch.elapsed().as_secs_f64() * 1e6 / TIMES as f64;
            let watch = CpuStopwatch::start();
            for codes in picked.chunks(batch) {
                bare.execute_batch("BEGIN")?;
                for code in codes {
                    let row = rusqlite::params![1, code, 2];
                    black_box(statement.query_row(row, |row| row.get::<_, Vec<u8>>(0))?);
                }
                bare.execute_batch("COMMIT")?;
            }
            let theirs = watch.elapsed().as_secs_f64() * 1e6 / TIMES as f64;
            // The first turn warms both.
            if turn > 0 {
                all.iter_mut().zip([ours, theirs, ours / theirs]).for_each(|(list, one)| list.push(one));
            }
        }
        let [ours, theirs, ratio] = all.map(figures);
        line(&format!("3: a conversion, {batch} to a call"), "µs", ours);
        line("   the bare prepared statement, as many to a transaction", "µs", theirs);
        bound(ratio, 1.5, false);
    }
    drop(statement);
    db.close().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let dice = Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer));
    let wanted = |scheme: u8| args.scheme.is_none_or(|only| only == scheme);
    if wanted(2) {
        reversible(&dice)?;
        distinct(&dice, args.distinct)?;
    }
    if wanted(6) {
        blind(&dice)?;
        issue(&dice, args.codes).await?;
    }
    if wanted(3) {
        table(&dice, args.rows).await?;
    }
    Ok(())
}
