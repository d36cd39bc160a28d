//! A disk that loses power: what a room wrote and flushed, as the system saw it (strace), put together again without what was
//! not flushed, or with some of it, in another order and torn.
//!
//! The rule is the strict one: bytes are durable after fsync or fdatasync of their file, names after fsync of their folder;
//! anything else may be there or not, each sector by itself, in any order.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rand::seq::SliceRandom;
use rand::{RngExt, rngs::ChaCha20Rng};

/// What a disk writes as a whole, bytes.
const SECTOR: usize = 512;

/// Attaches to a process that is held at its start, and writes down what it does with files. Ends with the process.
pub fn record(pid: u32, into: &Path) -> Result<Child> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-ttt", "-y", "-xx", "-s", "100000000", "-p", &pid.to_string()]);
    command.args(["-e", "trace=openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir"]);
    command.arg("-o").arg(into).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("running strace (a Debian package)")
}

/// A change that is not durable yet.
#[derive(Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Default)]
struct File {
    durable: Vec<u8>,
    /// With the step at which it began.
    pending: Vec<(usize, Change)>,
}

#[derive(Clone)]
enum Naming {
    Link(PathBuf, usize),
    Unlink(PathBuf),
}

/// The disk under a room's folder.
#[derive(Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    pending_names: Vec<Naming>,
    /// Where the next `write` goes, by descriptor.
    offsets: HashMap<String, usize>,
    /// Whether flushes do what they say; a disk that lies is the control.
    honest: bool,
}

/// One line of the record.
struct Step {
    /// Microseconds since 1970.
    at: i64,
    what: Event,
}

enum Event {
    Open { fd: String, path: PathBuf, truncate: bool, create: bool },
    Write { fd: String, path: PathBuf, bytes: Vec<u8>, at: Option<usize> },
    Length { path: PathBuf, length: usize },
    Flushed { path: PathBuf, begun: usize },
    Rename { from: PathBuf, to: PathBuf },
    Unlink(PathBuf),
}

/// What a room did, read from a record.
pub struct Trace {
    steps: Vec<Step>,
    folder: PathBuf,
}

/// `\x61\x62` as bytes.
fn unescaped(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).filter_map(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok()).collect()
}

/// `12</a/b>`, in hex where it is: descriptor and path.
fn descriptor(text: &str) -> Option<(String, PathBuf)> {
    let (fd, rest) = text.split_once('<')?;
    let path = rest.rsplit_once('>')?.0;
    let path =
        if path.starts_with("\\x") { String::from_utf8(unescaped(path)).ok()? } else { path.to_owned() };
    Some((fd.trim().to_owned(), PathBuf::from(path)))
}

fn quoted(text: &str) -> Option<PathBuf> {
    let inner = text.trim().trim_end_matches("...").strip_prefix('"')?.strip_suffix('"')?;
    String::from_utf8(unescaped(inner)).ok().map(PathBuf::from)
}

impl Trace {
    /// Reads a record; only what lies in `folder` counts.
    pub fn read(record: &Path, folder: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(record).with_context(|| record.display().to_string())?;
        let mut steps: Vec<Step> = Vec::new();
        // Calls that began and have not come back yet, by thread: when and with what.
        let mut open: HashMap<&str, (usize, String)> = HashMap::new();
        for line in text.lines() {
            // Numbers of processes are padded: a young machine has short ones, with two spaces after them.
            let columns = line.split_once(' ').and_then(|(thread, rest)| {
                let (time, call) = rest.trim_start().split_once(' ')?;
                Some((thread, time, call.trim()))
            });
            let Some((thread, time, call)) = columns else { continue };
            let Some(at) = time.replace('.', "").parse::<i64>().ok() else { continue };
            if let Some(begun) = call.strip_suffix("<unfinished ...>") {
                open.insert(thread, (steps.len(), begun.trim().to_owned()));
                continue;
            }
            let (begun, whole) = match call.strip_prefix("<... ") {
                Some(rest) => {
                    let Some((begun, before)) = open.remove(thread) else { continue };
                    let after = rest.split_once("resumed>").map_or("", |(_, after)| after);
                    (begun, format!("{before}{after}"))
                }
                None => (steps.len(), call.to_owned()),
            };
            if let Some(what) = event(&whole, begun, folder) {
                steps.push(Step { at, what });
            }
        }
        Ok(Self { steps, folder: folder.to_owned() })
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// When a step was seen, ms since 1970.
    pub fn at_ms(&self, step: usize) -> i64 {
        self.steps.get(step.min(self.steps.len().saturating_sub(1))).map_or(0, |step| step.at / 1000)
    }

    /// The disk as it was before step `until`, on which `before` lay durable at the start.
    pub fn disk(&self, before: &Path, until: usize, honest: bool) -> Result<Disk> {
        let mut disk = Disk { honest, ..Disk::default() };
        disk.lay(before, &self.folder)?;
        for (number, step) in self.steps.iter().enumerate().take(until) {
            disk.take(number, &step.what);
        }
        Ok(disk)
    }
}

fn event(call: &str, begun: usize, folder: &Path) -> Option<Event> {
    let (call, result) = call.rsplit_once(" = ")?;
    let failed = result.trim().starts_with("-1");
    let (name, arguments) = call.split_once('(')?;
    let arguments = arguments.trim_end().strip_suffix(')').unwrap_or(arguments);
    let parts: Vec<&str> = arguments.split(", ").collect();
    let part = |at: usize| parts.get(at).copied();
    let inside = |path: PathBuf| path.starts_with(folder).then_some(path);
    if failed {
        return None;
    }
    match name {
        "openat" => {
            let flags = part(2)?;
            let (fd, path) = descriptor(result.trim())?;
            let create = flags.contains("O_CREAT");
            Some(Event::Open { fd, path: inside(path)?, truncate: flags.contains("O_TRUNC"), create })
        }
        "write" | "pwrite64" => {
            let (fd, path) = descriptor(part(0)?)?;
            let bytes = unescaped(part(1)?);
            let written: usize = result.split_whitespace().next()?.parse().ok()?;
            let at = if name == "pwrite64" { Some(part(3)?.parse().ok()?) } else { None };
            let bytes = bytes.get(..written)?.to_vec();
            Some(Event::Write { fd, path: inside(path)?, bytes, at })
        }
        "ftruncate" => {
            let (_, path) = descriptor(part(0)?)?;
            Some(Event::Length { path: inside(path)?, length: part(1)?.parse().ok()? })
        }
        "fsync" | "fdatasync" => {
            let (_, path) = descriptor(part(0)?)?;
            Some(Event::Flushed { path: inside(path)?, begun })
        }
        "rename" => Some(Event::Rename { from: inside(quoted(part(0)?)?)?, to: inside(quoted(part(1)?)?)? }),
        "renameat" | "renameat2" => {
            Some(Event::Rename { from: inside(quoted(part(1)?)?)?, to: inside(quoted(part(3)?)?)? })
        }
        "unlink" => Some(Event::Unlink(inside(quoted(part(0)?)?)?)),
        "unlinkat" => Some(Event::Unlink(inside(quoted(part(1)?)?)?)),
        _ => None,
    }
}

fn is_kept(path: &Path) -> bool {
    // Shared memory of SQLite is made anew after a loss of power; logs are nobody's record.
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    !name.ends_with("-shm") && !name.ends_with(".log")
}

impl Disk {
    fn lay(&mut self, from: &Path, as_folder: &Path) -> Result<()> {
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            let path = as_folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.lay(&entry.path(), &path)?;
            } else if is_kept(&path) {
                self.files.push(File { durable: std::fs::read(entry.path())?, pending: Vec::new() });
                self.names.insert(path.clone(), self.files.len() - 1);
                self.durable_names.insert(path, self.files.len() - 1);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Option<&mut File> {
        let file = *self.names.get(path)?;
        self.files.get_mut(file)
    }

    fn take(&mut self, number: usize, event: &Event) {
        match event {
            Event::Open { fd, path, truncate, create } if is_kept(path) => {
                self.offsets.insert(fd.clone(), 0);
                if *create && !self.names.contains_key(path) {
                    self.files.push(File::default());
                    self.names.insert(path.clone(), self.files.len() - 1);
                    self.pending_names.push(Naming::Link(path.clone(), self.files.len() - 1));
                } else if *truncate && let Some(file) = self.file(path) {
                    file.pending.push((number, Change::Length(0)));
                }
            }
            Event::Write { fd, path, bytes, at } => {
                let offset = self.offsets.get(fd).copied().unwrap_or(0);
                let place = at.unwrap_or(offset);
                if at.is_none() {
                    self.offsets.insert(fd.clone(), offset + bytes.len());
                }
                if let Some(file) = self.file(path) {
                    file.pending.push((number, Change::Write { at: place, bytes: bytes.clone() }));
                }
            }
            Event::Length { path, length } => {
                if let Some(file) = self.file(path) {
                    file.pending.push((number, Change::Length(*length)));
                }
            }
            Event::Flushed { path, begun } if self.honest => {
                if let Some(file) = self.file(path) {
                    let (flushed, rest): (Vec<_>, Vec<_>) =
                        std::mem::take(&mut file.pending).into_iter().partition(|(step, _)| step < begun);
                    flushed.iter().for_each(|(_, change)| apply(&mut file.durable, change));
                    file.pending = rest;
                } else {
                    self.flush_folder(path);
                }
            }
            Event::Rename { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                    self.pending_names.push(Naming::Link(to.clone(), file));
                    self.pending_names.push(Naming::Unlink(from.clone()));
                }
            }
            Event::Unlink(path) => {
                if self.names.remove(path).is_some() {
                    self.pending_names.push(Naming::Unlink(path.clone()));
                }
            }
            Event::Open { .. } | Event::Flushed { .. } => {}
        }
    }

    fn flush_folder(&mut self, folder: &Path) {
        let of = |naming: &Naming| match naming {
            Naming::Link(path, _) | Naming::Unlink(path) => path.parent() == Some(folder),
        };
        let (flushed, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending_names).into_iter().partition(of);
        self.pending_names = rest;
        flushed.iter().for_each(|naming| name(&mut self.durable_names, naming));
    }

    /// Writes what is left after the power was lost, as drawn, into an empty folder in place of `folder`. Gives how many
    /// changes were pending.
    pub fn lose_power(&self, folder: &Path, into: &Path, dice: &mut ChaCha20Rng) -> Result<usize> {
        let mut names = self.durable_names.clone();
        // A folder's own changes keep their order: file systems journal them.
        let some = dice.random_range(0..=self.pending_names.len());
        self.pending_names.iter().take(some).for_each(|naming| name(&mut names, naming));
        let mut pending = self.pending_names.len();
        for (path, file) in names {
            let Some(file) = self.files.get(file) else { continue };
            let mut bytes = file.durable.clone();
            let mut changes: Vec<&Change> = file.pending.iter().map(|(_, change)| change).collect();
            pending += changes.len();
            changes.shuffle(dice);
            let share = dice.random_range(0..=4_u32);
            for change in changes {
                match change {
                    Change::Write { at, bytes: written } => {
                        for (number, sector) in written.chunks(SECTOR).enumerate() {
                            if dice.random_range(0..4_u32) < share {
                                let sector =
                                    Change::Write { at: at + number * SECTOR, bytes: sector.to_vec() };
                                apply(&mut bytes, &sector);
                            }
                        }
                    }
                    Change::Length(_) if dice.random() => apply(&mut bytes, change),
                    Change::Length(_) => {}
                }
            }
            let target = into.join(path.strip_prefix(folder)?);
            if let Some(above) = target.parent() {
                std::fs::create_dir_all(above)?;
            }
            std::fs::write(target, bytes)?;
        }
        Ok(pending)
    }
}

fn name(names: &mut BTreeMap<PathBuf, usize>, naming: &Naming) {
    match naming {
        Naming::Link(path, file) => {
            names.insert(path.clone(), *file);
        }
        Naming::Unlink(path) => {
            names.remove(path);
        }
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes: written } => {
            if bytes.len() < at + written.len() {
                bytes.resize(at + written.len(), 0);
            }
            if let Some(place) = bytes.get_mut(*at..at + written.len()) {
                place.copy_from_slice(written);
            }
        }
        Change::Length(length) => bytes.resize(*length, 0),
    }
}
