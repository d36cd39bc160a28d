//! The configuration file: one TOML, one section for each party. The section's name is the party's id; `room` says
//! which room it is where the two differ (`[town] room = "gateway"`).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use house::{Room, Settings};

use crate::rooms;

/// One party of the file.
pub struct Section {
    /// The room that runs it.
    pub room: &'static dyn Room,
    /// What people call it, in Japanese.
    pub name: String,
    /// What people call it, in English.
    pub name_en: String,
    /// The section, read.
    pub settings: Settings,
}

/// A configuration file, read.
pub struct ConfigFile {
    /// Its sections, in the order of the file.
    pub sections: Vec<Section>,
}

/// Something wrong with a file, in words, with the line where it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

fn line_of_offset(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The line of a key in a section; the section's own line where the key is not named.
fn line_of(text: &str, section: &str, key: Option<&str>) -> Option<usize> {
    let header =
        |line: &str| line.trim().strip_prefix('[').map(|rest| rest.trim_end_matches(']').trim().to_owned());
    let mut here = None;
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = header(line) {
            let of_section = name == section || name.starts_with(&format!("{section}."));
            if of_section && here.is_none() {
                here = Some(at + 1);
            }
            inside = of_section;
            let sub_table = key.is_some() && name.strip_prefix(&format!("{section}.")) == key;
            if of_section && sub_table {
                return Some(at + 1);
            }
        } else if let (true, Some(key)) = (inside, key) {
            let named = line.split('=').next().map(|left| left.trim().trim_matches('"'));
            if named == Some(key) {
                return Some(at + 1);
            }
        }
    }
    here
}

fn section(name: &str, value: toml::Value, base: &Path) -> Result<Section, (Option<String>, String)> {
    let toml::Value::Table(mut table) = value else {
        return Err((None, "a section `[name]` is expected here".into()));
    };
    let take = |table: &mut toml::Table, key: &str| match table.remove(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text)),
        Some(_) => Err((Some(key.to_owned()), format!("`{key}` must be text"))),
    };
    let room_name = take(&mut table, "room")?.unwrap_or_else(|| name.to_owned());
    let shown = take(&mut table, "name")?.unwrap_or_else(|| name.to_owned());
    let shown_en = take(&mut table, "name_en")?.unwrap_or_else(|| name.to_owned());
    let known: Vec<_> = rooms::ROOMS.iter().map(|room| room.name()).collect();
    let room = rooms::room(&room_name).ok_or_else(|| {
        (Some("room".to_owned()), format!("there is no room `{room_name}`; the rooms are {}. An institution's section needs `room = \"gateway\"`", known.join(", ")))
    })?;
    let settings =
        Settings::read(name, table, base.to_owned()).map_err(|error| (error.key, error.message))?;
    Ok(Section { room, name: shown, name_en: shown_en, settings })
}

impl ConfigFile {
    /// Reads a file; the first fault ends it.
    pub fn read(path: &Path) -> Result<Self> {
        let (file, faults) = Self::examine(path)?;
        match faults.into_iter().next() {
            None => Ok(file),
            Some(fault) => Err(anyhow!("{}: {fault}", path.display())),
        }
    }

    /// Reads a file and names everything that is wrong in it, without starting anything.
    pub fn examine(path: &Path) -> Result<(Self, Vec<Fault>)> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut faults = Vec::new();
        let mut sections = Vec::new();
        match text.parse::<toml::Table>() {
            Err(error) => {
                let line = error.span().map(|span| line_of_offset(&text, span.start));
                faults.push(Fault { line, message: format!("not valid TOML: {}", error.message()) });
            }
            Ok(table) => {
                for (name, value) in table {
                    match section(&name, value, &base) {
                        Ok(section) => sections.push(section),
                        Err((key, message)) => {
                            let line = line_of(&text, &name, key.as_deref());
                            faults.push(Fault { line, message: format!("[{name}] {message}") });
                        }
                    }
                }
            }
        }
        faults.extend(shared_ports(&text, &sections));
        Ok((Self { sections }, faults))
    }

    /// What each room itself finds wrong with its section: own keys, files, columns.
    pub fn check_rooms(&self, path: &Path) -> Result<Vec<Fault>> {
        let text = std::fs::read_to_string(path)?;
        let check = |section: &Section| {
            let error = section.room.check(&section.settings).err()?;
            let id = section.settings.id.as_str();
            let line = line_of(&text, id, error.key.as_deref());
            Some(Fault { line, message: format!("[{id}] {}", error.message) })
        };
        Ok(self.sections.iter().filter_map(check).collect())
    }

    /// The section of a room that exists once, e.g. `oversight`; of a gateway by its institution.
    pub fn section(&self, room: &str, institution: Option<&str>) -> Result<&Section> {
        let mut of_room = self.sections.iter().filter(|section| section.room.name() == room);
        match institution {
            Some(id) => of_room
                .find(|section| section.settings.id.as_str() == id)
                .with_context(|| format!("the file has no {room} [{id}]")),
            None => {
                let first =
                    of_room.next().with_context(|| format!("the file has no section for the room {room}"))?;
                if of_room.next().is_some() {
                    bail!("the file has several sections for the room {room}: name one with --institution");
                }
                Ok(first)
            }
        }
    }
}

/// Two listeners on one address.
fn shared_ports(text: &str, sections: &[Section]) -> Vec<Fault> {
    let mut seen: Vec<(SocketAddr, &str, &str)> = Vec::new();
    let mut faults = Vec::new();
    for section in sections {
        let (id, common) = (section.settings.id.as_str(), &section.settings.common);
        let pages = common.pages.as_ref().map(|pages| ("pages", pages.listen));
        for (key, address) in [("outer", common.outer), ("inner", common.inner)].into_iter().chain(pages) {
            match seen.iter().find(|(taken, _, _)| *taken == address && address.port() != 0) {
                Some((_, other, other_key)) => faults.push(Fault {
                    line: line_of(text, id, Some(key)),
                    message: format!("[{id}] `{key}` is {address}, which `{other_key}` of [{other}] has already; give each its own port"),
                }),
                None => seen.push((address, id, key)),
            }
        }
    }
    faults
}

/// Everything that is wrong with a file: its own form, ports, and what each room finds.
pub fn check(path: &Path) -> Result<Vec<Fault>> {
    let (file, mut faults) = ConfigFile::examine(path)?;
    if faults.is_empty() {
        faults.extend(file.check_rooms(path)?);
    }
    Ok(faults)
}

/// The defaults of the house, as `check-config` shows them.
pub fn defaults() -> String {
    let d = rules::Defaults::house();
    let line = |name: &str, value: String| format!("  {name:<26} {value}\n");
    [
        line("replay window", format!("{} s", d.replay_window_ms / 1000)),
        line("clock tolerance", format!("± {} s", d.clock_tolerance_ms / 1000)),
        line("deadline", format!("{} s (at most {} s)", d.deadline_ms / 1000, d.longest_deadline_ms / 1000)),
        line(
            "rate per institution",
            format!(
                "{}/s and {}/h; issue {} rows/h",
                d.rate_per_second, d.rate_per_hour, d.issue_rows_per_hour
            ),
        ),
        line(
            "size classes of replies",
            format!("{:?} kB, then times 4", d.size_classes.map(|class| class >> 10)),
        ),
        line("largest answer", format!("{} MB", d.largest_answer >> 20)),
        line("time step of replies", format!("{} ms, then doubling", d.time_step_ms)),
        line(
            "session",
            format!(
                "{} h, the previous one {} h more",
                d.session_ms / 3_600_000,
                d.previous_session_ms / 3_600_000
            ),
        ),
        line("index entries wait for the portal", format!("{} days", d.index_patience_ms / 86_400_000)),
        line(
            "a ledger may go unwitnessed for",
            format!("{} s or {} leaves", d.unwitnessed_ms / 1000, d.unwitnessed_leaves),
        ),
        line("conversions to be shown", format!("{} % (`proofs = \"all\"` for all)", d.proofs_percent)),
        line("poll of documents", format!("{} s", d.poll_ms / 1000)),
        rules::RecordClass::ALL
            .map(|class| line("records kept", format!("{}: {} years", class.as_str(), class.months() / 12)))
            .concat(),
        line("documents valid for", format!("{} days", d.document_valid_ms / 86_400_000)),
        line("largest message", format!("{} kB, batch {} MB", d.body_bytes >> 10, d.batch_body_bytes >> 20)),
    ]
    .concat()
}

/// The folder a configuration file stands in.
pub fn base_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("musubi.toml");
        std::fs::write(&path, text).unwrap();
        check(&path).unwrap().iter().map(Fault::to_string).collect()
    }

    fn section(name: &str, outer: u16, inner: u16, more: &str) -> String {
        format!(
            "[{name}]\nouter = \"127.0.0.1:{outer}\"\ninner = \"127.0.0.1:{inner}\"\ndatabase = \"sqlite:{name}.db\"\n\
             keys = \"keys\"\ncountry = \"country.json\"\n{more}"
        )
    }

    fn one(text: &str, expected: &[&str]) {
        let faults = faults(text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        for part in expected {
            assert!(faults[0].contains(part), "{:?} does not say {part:?}", faults[0]);
        }
    }

    #[test]
    fn a_good_file_has_no_fault() {
        assert_eq!(
            faults(&[section("linkage", 1, 2, ""), section("trustee", 3, 4, "poll_ms = 5000\n")].concat()),
            [""; 0]
        );
    }

    #[test]
    fn each_fault_is_said_in_words_with_its_line() {
        one(&section("linkage", 1, 2, "surprise = 1\n"), &["line 7", "[linkage]", "surprise"]);
        one(
            &[section("linkage", 1, 2, ""), section("trustee", 1, 3, "")].concat(),
            &["line 8", "[trustee] `outer` is 127.0.0.1:1", "[linkage]"],
        );
        one(&section("linkage", 1, 1, ""), &["line 3", "`inner`"]);
        one("[linkage]\nouter = \n", &["line 2", "not valid TOML"]);
        one(&section("town", 1, 2, "room = \"castle\"\n"), &["line 7", "no room `castle`", "gateway"]);
        one("[linkage]\nouter = \"127.0.0.1:1\"\n", &["line 1", "missing field"]);
        one(&section("linkage", 1, 2, "").replace("sqlite:linkage.db", "oracle:x"), &["[linkage]"]);
        let oversight = "whitelist = \"nowhere.jws\"\naccreditations = \"nowhere.json\"\n";
        one(&section("oversight", 1, 2, oversight), &["line 7", "`whitelist`", "nowhere.jws"]);
        let connector = "room = \"gateway\"\ndepartment = \"x\"\n[town.connector]\nkind = \"csv\"\nfile = \"nowhere.csv\"\nitems = {}\n\
                         columns = { customer = \"a\", name = \"b\", sex = \"c\", birth = \"d\", address = \"e\", shielded = \"f\" }\n";
        one(&section("town", 1, 2, connector), &["line 9", "nowhere.csv"]);
    }
}
