//! The demo's country with every room in a process of its own and a wire before every room: built, started, broken, mended.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use demo::{Expected, Institution, OwnService, Plan, PlannedInquiry, Sending, Unanswered};
use musubi::config_file::ConfigFile;
use musubi::demo_run::{DemoArgs, build, country};
use musubi::desk;
use protocol::desk::{HEALTH, Health, HealthState};
use tempfile::TempDir;
use world::Stopwatch;

use crate::proxy::Proxy;

/// How long a room may take to come up.
const UP_WITHIN: Duration = Duration::from_secs(60);

/// The country.
pub struct Country {
    /// Its folder.
    pub folder: TempDir,
    /// The configuration that the rooms run on now.
    pub file: ConfigFile,
    /// What its institutions ask, with what must come of it.
    pub inquiries: Vec<PlannedInquiry>,
    /// The wires before the rooms' outer sides, by party.
    pub wires: BTreeMap<String, Proxy>,
    /// The wires between gateways and their institution's own service, by institution.
    pub own_systems: BTreeMap<String, Proxy>,
    program: PathBuf,
    /// The configuration as it is when nothing is broken.
    whole: String,
    processes: BTreeMap<String, Child>,
    _services: Vec<OwnService>,
}

impl Drop for Country {
    fn drop(&mut self) {
        for child in self.processes.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn args(folder: &Path, residents: u32, seed: u64) -> DemoArgs {
    DemoArgs {
        residents,
        seed,
        inquiries: None,
        data: folder.to_path_buf(),
        once: true,
        processes: false,
        json: None,
        postgres: None,
        otlp: None,
        scheme: 6,
        lab: false,
        // One may be lost.
        trustees: 2,
    }
}

/// Inquiries as a clerk sends them, whose outcome depends on nothing but the data.
fn plan(truth: &demo::Truth, seed: u64) -> Vec<PlannedInquiry> {
    let plain = |inquiry: &PlannedInquiry| {
        inquiry.sending == Sending::Normal
            && match &inquiry.expected {
                Expected::Answered { .. } => true,
                // Slips that would make guards differ are not written into this country's data.
                Expected::NotAnswered { why } => *why != Unanswered::GuardMismatch,
                Expected::Refused { .. } => false,
            }
    };
    Plan::make(truth, seed, 400).inquiries.into_iter().filter(plain).collect()
}

impl Country {
    /// Builds the country in this process, ends it, puts the wires in, and starts every room as `program`.
    pub async fn build(program: PathBuf, residents: u32, seed: u64) -> Result<Self> {
        ensure!(program.is_file(), "{} is not there: build the program first", program.display());
        let folder = tempfile::Builder::new().prefix("musubi-faults-").tempdir()?;
        let ready = build(&args(folder.path(), residents, seed), &Stopwatch::start()).await?;
        let (stage, services) = (ready.stage, ready.services);
        let inquiries = plan(&ready.truth, seed);
        ensure!(inquiries.len() > 50, "too few inquiries to ask");
        stage.stop().await;

        let config = folder.path().join("musubi.toml");
        let mut whole = std::fs::read_to_string(&config)?;
        let file = ConfigFile::read(&config)?;
        let mut ports = country::free_ports(file.sections.len() + services.len())?.into_iter();
        let mut behind =
            || ports.next().map(|port| SocketAddr::from(([127, 0, 0, 1], port))).context("a port");
        let (mut wires, mut own_systems) = (BTreeMap::new(), BTreeMap::new());
        for section in &file.sections {
            let (known, own) = (section.settings.common.outer, behind()?);
            whole = whole.replace(&format!("outer = \"{known}\""), &format!("outer = \"{own}\""));
            wires.insert(section.settings.id.to_string(), Proxy::start(known, own).await?);
        }
        for service in &services {
            let (address, before) = (service.address(), behind()?);
            let named =
                Institution::ALL.iter().find(|one| section_names(&whole, one.as_str(), address.port()));
            let id = named.context("whose service this is")?.as_str().to_owned();
            whole = whole.replace(&address.to_string(), &before.to_string());
            own_systems.insert(id, Proxy::start(before, address).await?);
        }
        std::fs::write(&config, &whole)?;
        let file = ConfigFile::read(&config)?;
        let mut country = Self {
            folder,
            file,
            inquiries,
            wires,
            own_systems,
            program,
            whole,
            processes: BTreeMap::new(),
            _services: services,
        };
        let all: Vec<String> = country.rooms();
        for id in &all {
            country.spawn(id, false)?;
        }
        for id in &all {
            country.wait_until_up(id).await?;
        }
        Ok(country)
    }

    /// Every room, in the order they start.
    pub fn rooms(&self) -> Vec<String> {
        self.file.sections.iter().map(|section| section.settings.id.to_string()).collect()
    }

    /// The trustee's replicas.
    pub fn trustees(&self) -> impl Iterator<Item = &str> {
        let of = self.file.sections.iter().filter(|section| section.room.name() == "trustee");
        of.map(|section| section.settings.id.as_str())
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("musubi.toml")
    }

    /// A room's folder.
    pub fn folder_of(&self, id: &str) -> PathBuf {
        self.folder.path().join(id)
    }

    /// A room's database.
    pub fn database(&self, id: &str) -> PathBuf {
        self.folder_of(id).join(format!("{id}.db"))
    }

    /// The section of a party.
    pub fn section(&self, id: &str) -> Result<&musubi::config_file::Section> {
        let found = self.file.sections.iter().find(|section| section.settings.id.as_str() == id);
        found.with_context(|| format!("no section [{id}]"))
    }

    /// The process of a room.
    pub fn pid(&self, id: &str) -> Result<u32> {
        self.processes.get(id).map(Child::id).with_context(|| format!("{id} does not run"))
    }

    fn spawn(&mut self, id: &str, held: bool) -> Result<()> {
        let section = self.section(id)?;
        let mut command = Command::new(if held { Path::new("sh") } else { &self.program });
        if held {
            // The shell stops itself; told to go on it becomes the room, under the same number.
            command.args(["-c", "kill -s STOP $$; exec \"$0\" \"$@\""]).arg(&self.program);
        }
        command.arg(section.room.name()).arg("--config").arg(self.config()).arg("--until-stdin-closes");
        if ["gateway", "trustee"].contains(&section.room.name()) {
            command.args(["--party", id]);
        }
        let log = File::options().create(true).append(true).open(self.folder_of(id).join("room.log"))?;
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("starting {id}"))?;
        self.processes.insert(id.to_owned(), child);
        Ok(())
    }

    /// Starts a room; returns when it says that it is there, whether or not all is well with it.
    pub async fn start(&mut self, id: &str) -> Result<()> {
        self.spawn(id, false)?;
        self.wait_until_up(id).await
    }

    /// Starts a room that need not come up.
    pub fn start_unwatched(&mut self, id: &str) -> Result<()> {
        self.spawn(id, false)
    }

    /// Makes a room's process, which stands still before its first step until it is told to go on (SIGCONT).
    pub fn hold(&mut self, id: &str) -> Result<()> {
        self.spawn(id, true)
    }

    /// Waits until a room that was made says that it is there.
    pub async fn wait_until_up(&mut self, id: &str) -> Result<()> {
        let watch = Stopwatch::start();
        while self.health(id).await.is_none() {
            let child = self.processes.get_mut(id).context("a process")?;
            if let Some(status) = child.try_wait()? {
                bail!("{id} ended with {status}: {}", self.last_words(id));
            }
            ensure!(
                watch.elapsed() < UP_WITHIN,
                "{id} did not come up within a minute: {}",
                self.last_words(id)
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What a room says of itself; `None` where it says nothing.
    pub async fn health(&self, id: &str) -> Option<Health> {
        let client = desk::client(self.section(id).ok()?, "operator").ok()?;
        client.get::<Health>(HEALTH, Duration::from_secs(2)).await.ok()
    }

    /// Whether every room says that all is well with it.
    pub async fn all_well(&self) -> bool {
        let rooms = self.rooms();
        let healths = futures_util::future::join_all(rooms.iter().map(|id| self.health(id))).await;
        healths.iter().all(|health| health.as_ref().is_some_and(|health| health.state == HealthState::Up))
    }

    /// Ends a room at once: SIGKILL.
    pub fn kill(&mut self, id: &str) -> Result<()> {
        if let Some(mut child) = self.processes.remove(id) {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks a room to end, and waits for it.
    pub async fn stop(&mut self, id: &str) -> Result<()> {
        let Some(mut child) = self.processes.remove(id) else { return Ok(()) };
        signal(child.id(), "TERM")?;
        for _ in 0..100 {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        child.kill()?;
        child.wait()?;
        bail!("{id} did not end within 10 s of being asked to")
    }

    /// Lets a room stand still (SIGSTOP), or go on.
    pub fn freeze(&self, id: &str, frozen: bool) -> Result<()> {
        signal(self.pid(id)?, if frozen { "STOP" } else { "CONT" })
    }

    /// Writes further keys into a room's section; none puts the file back as it was. The room reads it at its next start.
    pub fn set_section(&mut self, id: &str, keys: &str) -> Result<()> {
        let head = format!("\n[{id}]\n");
        let plain = self.whole.replace(&head, &format!("{head}{keys}"));
        let text = match keys.contains("demo = true") {
            true => without_second_demo(&plain, id),
            false => plain,
        };
        std::fs::write(self.config(), text)?;
        self.file = ConfigFile::read(&self.config())?;
        Ok(())
    }

    /// The last lines of a room's log.
    pub fn last_words(&self, id: &str) -> String {
        let text = std::fs::read_to_string(self.folder_of(id).join("room.log")).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().rev().take(3).collect();
        lines.reverse();
        lines.join(" | ")
    }
}

/// Rooms of the demo that say `demo = true` already say it once.
fn without_second_demo(text: &str, id: &str) -> String {
    let head = format!("\n[{id}]\n");
    let Some((before, after)) = text.split_once(&head) else { return text.to_owned() };
    let (own, rest) = after.split_once("\n[").map_or((after, None), |(own, rest)| (own, Some(rest)));
    let mut seen = false;
    let own: Vec<&str> =
        own.lines().filter(|line| *line != "demo = true" || !std::mem::replace(&mut seen, true)).collect();
    let rest = rest.map(|rest| format!("\n[{rest}")).unwrap_or_default();
    format!("{before}{head}{}\n{rest}", own.join("\n"))
}

/// Whether the section of `id` names this port.
fn section_names(text: &str, id: &str, port: u16) -> bool {
    let Some((_, after)) = text.split_once(&format!("\n[{id}]\n")) else { return false };
    let lines =
        after.lines().take_while(|line| !line.starts_with('[') || line.starts_with(&format!("[{id}.")));
    lines.into_iter().any(|line| line.contains(&format!("127.0.0.1:{port}")))
}

/// Sends a signal to a process that this program started.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    let status =
        Command::new("kill").args(["-s", name, &pid.to_string()]).status().context("running kill")?;
    ensure!(status.success(), "kill -s {name} {pid}: {status}");
    Ok(())
}
