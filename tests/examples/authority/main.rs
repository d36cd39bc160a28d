//! The authority between processes, on the machine's own clock: how long after a revocation the other rooms refuse, and how long
//! the authority takes to read how every certificate stands when it starts. Run by `cargo xtask bench authority`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use musubi::config_file::{ConfigFile, Section};
use musubi::demo_run::{DemoArgs, build};
use musubi::desk;
use protocol::country::Country;
use protocol::desk::{HEALTH, Health, SUMMARY};
use protocol::index::Taken;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use seal::x509::serials::Serials;
use seal::{Dice, KeyFolder};
use serde_json::{Value, json};
use store::params;
use wire::{Peers, TlsIdentity};
use words::{PartyId, Reason};

#[derive(Parser)]
struct Arguments {
    /// The program `musubi`.
    #[arg(long)]
    program: PathBuf,
    /// Rows of certificates for the start.
    #[arg(long, default_value_t = 2_000_000)]
    rows: u32,
}

const WITHIN: Duration = Duration::from_secs(20);
/// The bound of the house.
const BOUND: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// A room as a process of its own; killed when dropped.
struct Room(Child);

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Room {
    fn start(program: &Path, config: &Path, section: &Section) -> Self {
        let mut command = Command::new(program);
        command.arg(section.room.name()).arg("--config").arg(config).arg("--until-stdin-closes");
        if section.room.name() == "gateway" {
            command.args(["--institution", section.settings.id.as_str()]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().expect("a room"))
    }

    /// The greatest resident memory so far, bytes.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }
}

async fn up(section: &Section, within: Duration) -> Duration {
    let client = desk::client(section, "operator").unwrap();
    let start = Instant::now();
    while client.get::<Health>(HEALTH, Duration::from_secs(2)).await.is_err() {
        assert!(start.elapsed() < within, "{} did not come up", section.settings.id);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    start.elapsed()
}

fn seconds(name: &str, all: &mut [Duration]) {
    all.sort();
    let [least, middle, most] = [all[0], all[all.len() / 2], all[all.len() - 1]];
    println!("{name}: {} times, {least:.1?} to {most:.1?}, median {middle:.1?}", all.len());
    assert!(most <= BOUND, "{name}: {most:?} is more than the house's bound");
}

/// How long after a revocation each room refuses; the rooms poll the directory as a house does.
async fn revocations(program: &Path, folder: &Path) {
    let config = folder.join("musubi.toml");
    // A demo polls more often than a house does.
    let text = std::fs::read_to_string(&config).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("poll_ms"));
    std::fs::write(&config, lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let file = ConfigFile::read(&config).unwrap();
    let rooms: Vec<Room> =
        file.sections.iter().map(|section| Room::start(program, &config, section)).collect();
    for section in &file.sections {
        up(section, Duration::from_secs(60)).await;
    }
    let country: Country =
        serde_json::from_slice(&std::fs::read(folder.join("country.json")).unwrap()).unwrap();
    let authority = desk::certified(file.section("authority", None).unwrap(), "operator").await.unwrap();
    let gateways: Vec<&Section> = file.sections.iter().filter(|one| one.room.name() == "gateway").collect();
    let none = json!({});

    let mut operators = Vec::new();
    for section in &gateways {
        let party = &section.settings.id;
        let operator = desk::certified(section, "operator").await.unwrap();
        operator.get::<Value>(SUMMARY, WITHIN).await.unwrap();
        let path = format!("/parties/{party}/operators/operator/revoke");
        authority.post::<Taken>(&path, &none, WITHIN).await.unwrap();
        let start = Instant::now();
        loop {
            match operator.get::<Value>(SUMMARY, WITHIN).await {
                Ok(_) => assert!(start.elapsed() < BOUND, "{party}: still let in"),
                Err(error) => break assert_eq!(error.reason(), Reason::Unauthenticated),
            }
            tokio::time::sleep(LOOK).await;
        }
        operators.push(start.elapsed());
    }
    seconds("an operator revoked at the authority, refused by the own room after", &mut operators);

    let (mut parties, mut revoked) = (Vec::new(), Vec::<PartyId>::new());
    for section in gateways.iter().take(3) {
        let party = &section.settings.id;
        let keys = section.settings.base.join(&section.settings.common.keys);
        let pem = |name: &str| std::fs::read(keys.join(name)).unwrap();
        let root = country.root_certificate.as_bytes();
        let identity = TlsIdentity::from_pem(&pem("tls.crt"), &pem("tls.key"), root).unwrap();
        let current =
            house::KeptCertificate::read(&KeyFolder::new(&keys), "tls-current.json", words::Moment(0));
        if let Some(current) = current {
            current.show(|chain, key| identity.replace(chain, key)).unwrap();
        }
        let peers = Peers::new(identity);
        // Whoever was revoked before hears of nobody's end any more.
        let others: Vec<&Section> = file
            .sections
            .iter()
            .filter(|other| other.settings.id != *party && !revoked.contains(&other.settings.id))
            .collect();
        let ask = async |other: &Section| {
            let (id, address) = (&other.settings.id, other.settings.common.outer.to_string());
            peers.get_bytes(id, &address, "/ledger/checkpoint", WITHIN).await.map_err(|error| error.reason())
        };
        for other in &others {
            ask(other).await.unwrap();
        }
        authority.post::<Taken>(&format!("/parties/{party}/revoke"), &none, WITHIN).await.unwrap();
        let start = Instant::now();
        let mut waiting = others;
        while !waiting.is_empty() {
            assert!(start.elapsed() < BOUND, "{party} is still let in by {}", waiting[0].settings.id);
            let mut left = Vec::new();
            for other in waiting {
                match ask(other).await {
                    Ok(_) => left.push(other),
                    Err(reason) => {
                        assert_eq!(reason, Reason::Unauthenticated, "{}", other.settings.id);
                        parties.push(start.elapsed());
                    }
                }
            }
            waiting = left;
            tokio::time::sleep(LOOK).await;
        }
        revoked.push(party.clone());
    }
    seconds("a party revoked at the authority, refused by each other room after", &mut parties);
    drop(rooms);
}

/// How long the authority takes to start over so many certificates, and the memory it has had by then.
async fn start(program: &Path, folder: &Path, rows: u32) {
    let config = folder.join("musubi.toml");
    let file = ConfigFile::read(&config).unwrap();
    let section = file.section("authority", None).unwrap();
    let timed = async || {
        let room = Room::start(program, &config, section);
        (up(section, Duration::from_secs(600)).await, room.peak())
    };
    let (empty, empty_peak) = timed().await;
    let keys = KeyFolder::new(section.settings.base.join(&section.settings.common.keys));
    let mut random = StdRng::seed_from_u64(5);
    let storage = keys.storage(&Dice::new(|buffer| buffer.fill(0)), false).unwrap();
    let serials = Serials::new(&storage).unwrap();
    let db = store::Db::open(&section.settings.location(), &[road::MIGRATIONS, section.room.migrations()])
        .await
        .unwrap();
    let filling = Instant::now();
    for first in (1..=rows).step_by(50_000) {
        let page: Vec<[u8; 16]> = (first..(first + 50_000).min(rows + 1))
            .map(|number| serials.serial(number, || random.random()).unwrap())
            .collect();
        db.write("fill", move |write| {
            // As long as a certificate of a person is when it is sealed.
            let der = vec![7_u8; 1_900];
            page.iter().enumerate().try_for_each(|(at, serial)| {
                let (state, reason) = if at % 4 == 0 { ("ended", 3) } else { ("valid", 0) };
                let sql = "INSERT INTO certificate (serial, holder, purpose, place, der, not_after, state, reason, since) \
                           VALUES ($1, $2, 'signature', '13221', $3, 1900000000000, $4, $5, 1790000000000)";
                let holder = seal::sha256(serial);
                write.execute(sql, &params![*serial, holder, der.as_slice(), state, reason]).map(|_| ())
            })
        })
        .await
        .unwrap_or_else(|error: store::StoreError| panic!("{error}"));
        print!(".");
        std::io::stdout().flush().unwrap();
    }
    db.close().await;
    println!("\n{rows} rows written in {:.0?}", filling.elapsed());
    let (full, peak) = timed().await;
    println!(
        "start of the authority over {rows} certificates: {full:.2?} (over none: {empty:.2?}), that is {:.2} µs for each; \
         peak of memory {} MB (over none: {} MB)",
        full.saturating_sub(empty).as_secs_f64() * 1e6 / f64::from(rows),
        peak >> 20,
        empty_peak >> 20
    );
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_path_buf();
    let demo = DemoArgs {
        residents: 60,
        seed: 7,
        inquiries: Some(1),
        data: data.clone(),
        once: true,
        processes: false,
        json: None,
        postgres: None,
        otlp: None,
        scheme: 6,
        lab: false,
        trustees: 1,
    };
    build(&demo, &world::Stopwatch::start()).await.unwrap().stage.stop().await;
    revocations(&arguments.program, &data).await;
    start(&arguments.program, &data, arguments.rows).await;
}
