//! The faults: what is done to whom, and how it is taken back. Each leaves the country as it was before; whether it is well
//! again is judged elsewhere.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use authority::{PartyKey, Root};
use clap::ValueEnum;
use protocol::directory::Entry;
use rand::{RngExt, rngs::ChaCha20Rng};
use seal::{KeyFolder, Suite};
use words::{B64, Date, Kind as PartyKind, Moment, PartyId};
use world::World;

use crate::country::{Country, signal};
use crate::invariants::Around;
use crate::power;
use crate::proxy::Mode;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// SIGKILL to any room at any moment, started again after a while.
    Kill,
    /// An institution's own system answers slowly.
    SlowProvider,
    /// An institution's gateway stands still (SIGSTOP), then goes on.
    SilentProvider,
    /// Connections to a room break half-way through what they carry.
    ConnectionLost,
    /// Every inquiry is sent twice at once and a third time, and a room is sent the same bytes of a connection again.
    Duplicate,
    /// A room's clock is five minutes off.
    Clock,
    /// A room comes back with another certificate, or with one that has run out.
    Certificate,
    /// A room's disk is full (a file system of its own, filled up).
    FullDisk,
    /// The disk fails: a room's writes and flushes come back with EIO (injected at the system call).
    DiskError,
    /// The power is lost: what was not flushed is there or not, in any order, torn. Looked at at many moments.
    PowerLoss,
    /// One replica of the trustee is killed, or stands still, for a while: another serves.
    ReplicaLost,
    /// Every replica of the trustee is away for a while.
    TrusteesLost,
    /// Oversight is away for long.
    OversightAway,
}

/// What was done.
pub struct Done {
    /// In words.
    pub what: String,
    /// To whom.
    pub victim: String,
    /// How long the cause lasted, ms.
    pub lasted_ms: i64,
    /// Whether the victim stood still meanwhile: whoever asked it then could be told nothing.
    pub stood_still: bool,
    /// From when on every call must end as it does where nothing is broken, ms since 1970.
    pub served_from: Option<i64>,
    /// What was found not to hold on the way.
    pub faults: Vec<String>,
}

/// Takes an element by lot.
pub fn draw<'a, T>(dice: &mut ChaCha20Rng, of: &'a [T]) -> Result<&'a T> {
    ensure!(!of.is_empty(), "nothing to draw from");
    of.get(dice.random_range(0..of.len())).context("a lot")
}

async fn pause(dice: &mut ChaCha20Rng, ms: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(dice.random_range(ms))).await;
}

impl Kind {
    /// How long the country may take to be well again after the cause is gone.
    pub const fn heals_within(self) -> Duration {
        match self {
            // Parcels wait up to 30 s for their next try; nothing else may take that long.
            Self::Certificate | Self::OversightAway => Duration::from_secs(60),
            _ => Duration::from_secs(45),
        }
    }

    /// Does it.
    pub async fn act(
        self,
        country: &mut Country,
        dice: &mut ChaCha20Rng,
        around: &Around<'_>,
    ) -> Result<Done> {
        let victims = self.victims(country);
        let victim = draw(dice, &victims)?.clone();
        let begun = World::real().now();
        let mut faults = Vec::new();
        let mut served_from = None;
        let what = match self {
            Self::Kill => kill(country, &victim, dice).await?,
            Self::SlowProvider => slow(country, &victim, dice).await?,
            Self::SilentProvider => silent(country, &victim, dice).await?,
            Self::ConnectionLost => lost(country, &victim, dice).await?,
            Self::Duplicate => twice(country, &victim).await?,
            Self::Clock => clock(country, &victim, dice).await?,
            Self::Certificate => certificate(country, &victim, dice).await?,
            Self::FullDisk => full_disk(country, &victim, dice).await?,
            Self::DiskError => disk_error(country, &victim, dice).await?,
            Self::PowerLoss => {
                let (what, found) = power::lose(country, &victim, dice, around).await?;
                faults = found;
                what
            }
            Self::ReplicaLost => {
                let (what, from) = replica(country, &victim, dice).await?;
                served_from = Some(from);
                what
            }
            Self::TrusteesLost => {
                let time = Duration::from_millis(dice.random_range(2_000..15_000));
                all_away(country, time).await?
            }
            Self::OversightAway => away(country, &victim, around.away).await?,
        };
        let lasted_ms = World::real().now() - begun;
        Ok(Done { what, victim, lasted_ms, stood_still: self == Self::SilentProvider, served_from, faults })
    }

    fn victims(self, country: &Country) -> Vec<String> {
        let mut providers: Vec<String> =
            country.inquiries.iter().map(|inquiry| inquiry.provider.as_str().to_owned()).collect();
        providers.sort_unstable();
        providers.dedup();
        match self {
            Self::SlowProvider => {
                providers.into_iter().filter(|id| country.own_systems.contains_key(id)).collect()
            }
            Self::SilentProvider => providers,
            // Those that every inquiry passes, and institutions that ask and are asked.
            Self::PowerLoss => vec!["linkage".into(), "trustee".into(), "town".into(), "tax".into()],
            Self::ReplicaLost => country.trustees().map(str::to_owned).collect(),
            Self::TrusteesLost => vec!["trustee".into()],
            Self::OversightAway => vec!["oversight".into()],
            _ => country.rooms(),
        }
    }
}

async fn kill(country: &mut Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    pause(dice, 0..1_500).await;
    country.kill(victim)?;
    let away = dice.random_range(0..3_000);
    tokio::time::sleep(Duration::from_millis(away)).await;
    country.start(victim).await?;
    Ok(format!("killed, started again after {away} ms"))
}

async fn slow(country: &Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    let wire = country.own_systems.get(victim).context("a wire to its own system")?;
    let each = Duration::from_millis(dice.random_range(300..4_000));
    wire.set(Mode::Slow(each));
    pause(dice, 4_000..8_000).await;
    wire.set(Mode::Pass);
    Ok(format!("its own system took {} ms for each piece", each.as_millis()))
}

async fn silent(country: &mut Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    country.freeze(victim, true)?;
    pause(dice, 3_000..14_000).await;
    country.freeze(victim, false)?;
    Ok("its gateway stood still".into())
}

async fn lost(country: &Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    let wire = country.wires.get(victim).context("a wire")?;
    wire.set(Mode::Cut);
    pause(dice, 1_500..6_000).await;
    wire.set(Mode::Pass);
    Ok("every connection to it was cut half-way".into())
}

async fn twice(country: &Country, victim: &str) -> Result<String> {
    let wire = country.wires.get(victim).context("a wire")?;
    let mut bytes = 0;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bytes += wire.say_again().await?;
    }
    Ok(format!("every inquiry sent three times; {bytes} bytes of connections to it said again"))
}

async fn clock(country: &mut Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    let off = if dice.random() { 300_000 } else { -300_000 };
    country.stop(victim).await?;
    country.set_section(victim, &format!("demo = true\nclock_off_ms = {off}\n"))?;
    country.start(victim).await?;
    pause(dice, 3_000..8_000).await;
    country.stop(victim).await?;
    country.set_section(victim, "")?;
    country.start(victim).await?;
    Ok(format!("its clock was {} s off", off / 1_000))
}

/// What the authority is told of a party: as it is, with another certificate.
fn entry(country: &Country, id: &str, der: &[u8]) -> Result<Entry> {
    let section = country.section(id)?;
    let keys = keys_of(country, id)?;
    // The address that everybody knows is the wire's.
    let known = authority_has(country, id)?;
    Ok(Entry {
        id: section.settings.id.clone(),
        kind: PartyKind::parse(section.room.name())?,
        certificate: B64::from(seal::sha256(der)),
        signing: keys.signing(None)?.verify_key(),
        sealing: keys.sealing(Suite::default(), None)?.public(),
        ..known
    })
}

fn authority_has(country: &Country, id: &str) -> Result<Entry> {
    let database = rusqlite::Connection::open(country.database("authority"))?;
    database.busy_timeout(Duration::from_secs(10))?;
    let text: String = database.query_row("SELECT entry FROM party WHERE id = ?1", [id], |row| row.get(0))?;
    Ok(serde_json::from_str(&text)?)
}

fn keys_of(country: &Country, id: &str) -> Result<KeyFolder> {
    let settings = &country.section(id)?.settings;
    Ok(KeyFolder::new(settings.base.join(&settings.common.keys)))
}

async fn certificate(country: &mut Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    let keys = keys_of(country, victim)?;
    let safe = KeyFolder::new(country.folder.path().join("ceremony"));
    let root = Root::from_pem(std::str::from_utf8(&safe.read("root.key")?)?)?;
    let party = PartyId::parse(victim)?;
    let today = Moment(World::real().now()).date_in_japan();
    let expired = dice.random();
    let key = PartyKey::generate()?;
    let day = if expired { Date::from_days(today.days() - 3 * 366) } else { today };
    let (pem, der) = root.certify(&party, &key.public(), day)?;
    let files = ["tls.key", "tls.crt", "tls.der"];
    let before = files.iter().map(|name| keys.read(name)).collect::<Result<Vec<_>, _>>()?;
    let location = country.section("authority")?.settings.location();
    country.stop(victim).await?;
    // What it was enrolled with is what changes: the certificate for a day goes.
    let _ = std::fs::remove_file(keys.path().join("tls-current.json"));
    for (name, content) in files.iter().zip([key.pem().as_bytes(), pem.as_bytes(), der.as_slice()]) {
        keys.write(name, content)?;
    }
    if expired {
        // Enrolled, so that its age is all that is wrong with it.
        let old = authority_has(country, victim)?;
        authority::enrol(&location, vec![entry(country, victim, &der)?]).await?;
        country.start_unwatched(victim)?;
        pause(dice, 4_000..7_000).await;
        country.kill(victim)?;
        for (name, content) in files.iter().zip(&before) {
            keys.write(name, content)?;
        }
        authority::enrol(&location, vec![old]).await?;
        country.start(victim).await?;
        return Ok("its certificate had run out; then the one it had before".into());
    }
    // First the party comes back, then the authority is told: what comes between must be refused plainly.
    country.start_unwatched(victim)?;
    pause(dice, 1_000..3_000).await;
    authority::enrol(&location, vec![entry(country, victim, &der)?]).await?;
    Ok("another certificate, enrolled a moment after its start".into())
}

async fn away(country: &mut Country, victim: &str, time: Duration) -> Result<String> {
    country.kill(victim)?;
    tokio::time::sleep(time).await;
    country.start(victim).await?;
    Ok(format!("away for {} s", time.as_secs()))
}

/// A replica that stands still is noticed by now, ms: acts brought to it before that wait for it until their deadline.
const NOTICED_MS: i64 = 5_000;

/// Kills a replica, or has it stand still; gives from when on everything must be served by another.
async fn replica(country: &mut Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<(String, i64)> {
    pause(dice, 0..1_500).await;
    let now = World::real().now();
    let time = Duration::from_millis(dice.random_range(8_000..15_000));
    if dice.random() {
        // Its calls break off at once, and are made at another: nobody is told anything of it.
        return Ok((format!("one replica {}", away(country, victim, time).await?), now - 60_000));
    }
    country.freeze(victim, true)?;
    tokio::time::sleep(time).await;
    country.freeze(victim, false)?;
    Ok((format!("one replica stood still for {} s", time.as_secs()), now + NOTICED_MS))
}

async fn all_away(country: &mut Country, time: Duration) -> Result<String> {
    let all: Vec<String> = country.trustees().map(str::to_owned).collect();
    for id in &all {
        country.kill(id)?;
    }
    tokio::time::sleep(time).await;
    for id in &all {
        country.start(id).await?;
    }
    Ok(format!("all {} replicas away for {} s", all.len(), time.as_secs()))
}

/// A file system of its own of this size, mounted over a room's folder.
const DISK: &str = "size=48m";

async fn full_disk(country: &mut Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    country.stop(victim).await?;
    let folder = country.folder_of(victim);
    let disk = Disk::over(&folder)?;
    country.start(victim).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ballast = disk.fill()?;
    pause(dice, 3_000..8_000).await;
    std::fs::remove_file(&ballast)?;
    // Well again on the same disk, without a restart, before the room goes back to its own.
    let mut tries = 0;
    while !country.all_well().await {
        tries += 1;
        ensure!(tries < 200, "{victim} is not well 20 s after its disk had room again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    country.stop(victim).await?;
    disk.take_back()?;
    country.start(victim).await?;
    Ok("its disk was full".into())
}

/// A small file system over a room's folder, with the room's files in it.
struct Disk {
    folder: std::path::PathBuf,
    mounted: bool,
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<()> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("running {program}"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

impl Disk {
    fn over(folder: &std::path::Path) -> Result<Self> {
        let copy = folder.with_extension("copy");
        run("cp", &["-a".as_ref(), folder.as_os_str(), copy.as_os_str()])?;
        let arguments = ["-t", "tmpfs", "-o", DISK, "tmpfs"].map(std::ffi::OsStr::new);
        run("mount", &[&arguments[..], &[folder.as_os_str()]].concat())
            .context("a full disk needs a mount, and so the right to one (root)")?;
        let disk = Self { folder: folder.to_owned(), mounted: true };
        run("cp", &["-a".as_ref(), copy.join(".").as_os_str(), folder.as_os_str()])?;
        std::fs::remove_dir_all(copy)?;
        Ok(disk)
    }

    /// Writes a file until nothing more fits.
    fn fill(&self) -> Result<std::path::PathBuf> {
        use std::io::Write;
        let path = self.folder.join("ballast");
        let mut file = std::fs::File::create(&path)?;
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0_u8; size]).is_ok() {}
        }
        Ok(path)
    }

    fn take_back(mut self) -> Result<()> {
        let copy = self.folder.with_extension("copy");
        run("cp", &["-a".as_ref(), self.folder.as_os_str(), copy.as_os_str()])?;
        run("umount", &[self.folder.as_os_str()])?;
        self.mounted = false;
        std::fs::remove_dir_all(&self.folder)?;
        std::fs::rename(copy, &self.folder)?;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = run("umount", &["-l".as_ref(), self.folder.as_os_str()]);
        }
    }
}

async fn disk_error(country: &mut Country, victim: &str, dice: &mut ChaCha20Rng) -> Result<String> {
    let calls = *draw(dice, &["pwrite64", "fdatasync,fsync", "pwrite64,fdatasync,fsync", "pread64"])?;
    let every = dice.random_range(1..4_u32);
    let mut tracer = inject(country.pid(victim)?, calls, every)?;
    pause(dice, 3_000..7_000).await;
    // Asked to end it lets go of the room, which runs on.
    signal(tracer.id(), "INT")?;
    tracer.wait()?;
    Ok(format!("EIO from every {every}. {calls}"))
}

/// Lets every `every`th of these calls of a process, and of all its threads, come back with EIO.
fn inject(pid: u32, calls: &str, every: u32) -> Result<Child> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-p", &pid.to_string()]);
    command.args(["-e", &format!("trace={calls}"), "-e"]);
    command.arg(format!("inject={calls}:error=EIO:when=1+{every}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("running strace (a Debian package)")
}
