//! The rooms of a demo, running: in this process, or each in its own.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use house::Running;
use protocol::desk::{HEALTH, Health};
use world::World;

use super::country::Folder;
use crate::config_file::{ConfigFile, Section};
use crate::desk;

/// How the rooms run.
enum How {
    Here(Vec<Running>),
    Apart(Vec<Child>),
}

/// A country that runs.
pub struct Stage {
    /// Its configuration.
    pub file: ConfigFile,
    how: How,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let How::Apart(children) = &mut self.how {
            for child in children {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

impl Stage {
    /// Starts every room of the folder's configuration.
    pub async fn start(folder: &Folder, processes: bool) -> Result<Self> {
        let file = ConfigFile::read(&folder.config())?;
        let mut stage =
            Self { how: if processes { How::Apart(Vec::new()) } else { How::Here(Vec::new()) }, file };
        if processes {
            let children = stage
                .file
                .sections
                .iter()
                .map(|section| spawn(folder, section))
                .collect::<Result<Vec<_>>>()?;
            stage.how = How::Apart(children);
            for section in &stage.file.sections {
                wait_until_up(section).await?;
            }
        } else {
            let mut running = Vec::new();
            for section in &stage.file.sections {
                let started = section.room.start(section.settings.clone(), section.settings.world()).await;
                running.push(started.with_context(|| format!("{} did not start", section.settings.id))?);
            }
            stage.how = How::Here(running);
        }
        Ok(stage)
    }

    /// The room of that party, where it runs in this process.
    pub fn running(&self, id: &str) -> Option<&Running> {
        match &self.how {
            How::Here(running) => running.iter().find(|running| running.id.as_str() == id),
            How::Apart(_) => None,
        }
    }

    /// Stops one room that runs in this process.
    pub async fn stop_room(&mut self, id: &str) -> Result<()> {
        let How::Here(running) = &mut self.how else { bail!("the rooms run in processes of their own") };
        let at = running.iter().position(|room| room.id.as_str() == id);
        running.remove(at.with_context(|| format!("{id} does not run"))?).stop().await;
        Ok(())
    }

    /// Starts one room in this process.
    pub async fn start_room(&mut self, id: &str) -> Result<()> {
        let world = self.section(id)?.settings.world();
        self.start_room_in(id, world).await
    }

    /// Starts one room in this process, in a world of the caller's.
    pub async fn start_room_in(&mut self, id: &str, world: World) -> Result<()> {
        let section = self.section(id)?;
        let started = section.room.start(section.settings.clone(), world).await;
        let started = started.with_context(|| format!("{id} did not start"))?;
        let How::Here(running) = &mut self.how else { bail!("the rooms run in processes of their own") };
        running.push(started);
        Ok(())
    }

    /// The section of a party.
    pub fn section(&self, id: &str) -> Result<&Section> {
        self.file
            .sections
            .iter()
            .find(|section| section.settings.id.as_str() == id)
            .with_context(|| format!("no section [{id}]"))
    }

    /// Stops every room; their databases are closed when this returns.
    pub async fn stop(mut self) {
        match std::mem::replace(&mut self.how, How::Here(Vec::new())) {
            How::Here(running) => {
                // The last first: nobody loses a neighbour while it still has something to say.
                for room in running.into_iter().rev() {
                    room.stop().await;
                }
            }
            How::Apart(mut children) => {
                for child in children.iter_mut().rev() {
                    terminate(child).await;
                }
            }
        }
    }

    /// The greatest resident memory so far, bytes: of this process and of every room's own.
    pub fn peak_rss(&self) -> u64 {
        let own = peak_of("self");
        match &self.how {
            How::Here(_) => own,
            How::Apart(children) => {
                children.iter().map(|child| peak_of(&child.id().to_string())).fold(own, u64::saturating_add)
            }
        }
    }
}

/// Asks a room to end, and makes it if it does not within five seconds.
async fn terminate(child: &mut Child) {
    let asked =
        Command::new("kill").arg(child.id().to_string()).status().is_ok_and(|status| status.success());
    for _ in 0..50 {
        if !asked || matches!(child.try_wait(), Ok(Some(_))) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// `VmHWM` of a process, bytes.
fn peak_of(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn spawn(folder: &Folder, section: &Section) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe().context("this program's own file")?);
    command.arg(section.room.name()).arg("--config").arg(folder.config());
    if ["gateway", "trustee"].contains(&section.room.name()) {
        command.arg("--party").arg(section.settings.id.as_str());
    }
    let log = std::fs::File::create(folder.path.join(section.settings.id.as_str()).join("room.log"))?;
    // Standard input is a pipe from here: when this process ends, however it ends, the room sees it close.
    command.arg("--until-stdin-closes").stdin(Stdio::piped());
    let child = command.stdout(log.try_clone()?).stderr(log).spawn();
    child.with_context(|| format!("starting {}", section.settings.id))
}

async fn wait_until_up(section: &Section) -> Result<()> {
    let client = desk::client(section, "operator")?;
    for _ in 0..300 {
        if client.get::<Health>(HEALTH, Duration::from_secs(2)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{} did not come up within 30 s; see its room.log", section.settings.id)
}
