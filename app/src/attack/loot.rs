//! A stolen room: its database opened with the keys that lay beside it, and what is seen in it at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail};
use gateway::rehearsal::OwnSystem;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use seal::{Dice, KeyFolder, StorageKey};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use world::World;

use super::factors::{self, Seeds};
use super::techniques::{Values, values};
use crate::config_file::Section;

/// Somebody, as one room calls them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Handle {
    /// A customer number of an institution.
    Number(String, String),
    /// An entry of the register.
    Resident(Vec<u8>),
    /// A code of the portal, by its index there.
    Portal(Vec<u8>),
    /// An act, or a row of an issue, which is an act for one person.
    Act(Vec<u8>),
}

/// One row of a stolen database, opened.
pub(super) struct Row {
    /// Of which table.
    pub(super) table: String,
    /// By column. Sealed values are opened.
    pub(super) cells: BTreeMap<String, Vec<u8>>,
    /// How long each value is as it lay there.
    pub(super) sizes: Vec<usize>,
    /// Who it is about.
    pub(super) about: Vec<Handle>,
}

/// A customer at an institution.
pub(super) struct Customer {
    /// The number.
    pub(super) number: String,
    /// The link code, where there is one.
    pub(super) code: Option<Vec<u8>>,
    /// When the row was written.
    pub(super) at: Vec<u8>,
    /// Sizes of the row's values.
    pub(super) sizes: Vec<usize>,
}

/// What was stolen of one room.
pub(super) struct Loot {
    pub(super) id: String,
    pub(super) room: &'static str,
    pub(super) rows: Vec<Row>,
    /// Of a gateway, in the order of its table.
    pub(super) customers: Vec<Customer>,
    /// Of a gateway: name and birth date of each number, as its own system has them.
    pub(super) names: Vec<(String, String)>,
    /// Of the registry: each resident's anchor, point, name and birth date, in the order of its table.
    pub(super) residents: Vec<(Vec<u8>, Option<Vec<u8>>, String)>,
    pub(super) seeds: Option<Seeds>,
    /// Each value of rows about one person: where it stands, and of whom.
    pub(super) values: Values,
    /// The ceremony's blinded key: everybody has it.
    pub(super) blinded: Vec<u8>,
    pub(super) unopened: usize,
}

fn dice() -> Dice {
    let world = World::real();
    Dice::new(move |buffer| world.fill(buffer))
}

/// The institutions' own services, if they do not run already: the demo's baseline needs what they hold.
pub(super) async fn own_services(data: &Path) -> Result<Vec<demo::OwnService>> {
    let memory: Value = serde_json::from_slice(&std::fs::read(data.join("demo.json"))?)?;
    let port = |id: &str| memory.pointer(&format!("/services/{id}")).and_then(Value::as_u64);
    let mut running = Vec::new();
    for institution in demo::Institution::ALL {
        let Some(port) = port(institution.as_str()).and_then(|port| u16::try_from(port).ok()) else {
            continue;
        };
        // Taken: the country runs, and answers itself.
        running
            .extend(demo::OwnService::start(institution, &data.join("sources"), port).await.ok().flatten());
    }
    Ok(running)
}

/// A name and a birth date as a thief would compare them.
fn name_and_birth(name: &str, birth: &str) -> String {
    let name: String = name.nfkc().filter(|char| !char.is_whitespace()).collect();
    format!(
        "{name} {}",
        matching::normalise_birth(birth).map_or_else(|| birth.to_owned(), |one| format!("{one:?}"))
    )
}

impl Loot {
    /// Takes a room's files.
    pub(super) async fn take(section: &Section) -> Result<Self> {
        let settings = &section.settings;
        let store::Location::Sqlite(database) = settings.location() else {
            bail!("its database is on a server: the attack reads SQLite files");
        };
        let folder = KeyFolder::new(settings.base.join(&settings.common.keys));
        let mut loot = Self {
            id: settings.id.to_string(),
            room: section.room.name(),
            rows: Vec::new(),
            customers: Vec::new(),
            names: Vec::new(),
            residents: Vec::new(),
            seeds: std::fs::read_to_string(folder.path().join("transcryptor.key"))
                .ok()
                .and_then(|text| Seeds::read(&text)),
            values: Values::new(),
            blinded: blinded(&settings.base.join(&settings.common.country))?,
            unopened: 0,
        };
        loot.open(&database, &folder)?;
        loot.say_whom();
        loot.values = values(&loot.rows);
        match loot.room {
            "gateway" => {
                loot.customers = customers(&loot.rows);
                // Where the own system does not answer, the baseline lacks its names; nothing else needs them.
                for one in OwnSystem::held(settings).await.unwrap_or_default() {
                    loot.names
                        .push((one.number, name_and_birth(&one.attributes.name, &one.attributes.birth)));
                }
            }
            "registry" => loot.residents = residents(&loot.rows, &folder),
            _ => {}
        }
        Ok(loot)
    }

    /// Whether it is an institution's gateway.
    pub(super) fn is_institution(&self) -> bool {
        self.room == "gateway"
    }

    /// Rows of one table, in their order.
    pub(super) fn table<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.table == name)
    }

    fn open(&mut self, database: &Path, folder: &KeyFolder) -> Result<()> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .with_context(|| format!("opening {}", database.display()))?;
        let dice = dice();
        let own = folder.storage(&dice, false)?;
        let mut shelves: HashMap<String, Option<StorageKey>> = HashMap::new();
        let tables: Vec<String> = connection
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for table in tables {
            let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\" ORDER BY rowid"))?;
            let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let mut cells = BTreeMap::new();
                for (at, column) in columns.iter().enumerate() {
                    let bytes = match row.get_ref(at)? {
                        ValueRef::Null => continue,
                        ValueRef::Integer(number) => number.to_string().into_bytes(),
                        ValueRef::Real(number) => number.to_string().into_bytes(),
                        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
                    };
                    cells.insert(column.clone(), bytes);
                }
                let shelf = cells.get("shelf").map(|shelf| String::from_utf8_lossy(shelf).into_owned());
                let shelved = shelf.filter(|shelf| !shelf.is_empty()).map(|shelf| {
                    shelves
                        .entry(shelf.clone())
                        .or_insert_with(|| folder.retention(&shelf, &dice, false).ok())
                        .as_ref()
                });
                let key = shelved.flatten().unwrap_or(&own);
                let sizes = cells.values().map(Vec::len).collect();
                let (opened, unopened) = unseal(key, &table, cells);
                self.unopened += unopened;
                self.rows.push(Row { table: table.clone(), cells: opened, sizes, about: Vec::new() });
            }
        }
        Ok(())
    }

    /// Says of each row whom it is about, as far as the room's own tables do.
    fn say_whom(&mut self) {
        let id = self.id.clone();
        let number = |text: &[u8]| Handle::Number(id.clone(), String::from_utf8_lossy(text).into_owned());
        let by_index: HashMap<Vec<u8>, Handle> = self
            .table("customer")
            .filter_map(|row| {
                Some((row.cells.get("customer_index")?.clone(), number(row.cells.get("number")?)))
            })
            .collect();
        for row in &mut self.rows {
            let cell = |name: &str| row.cells.get(name);
            let mut about = Vec::new();
            match row.table.as_str() {
                "customer" => about.extend(cell("number").map(|text| number(text))),
                "shield" => {
                    about.extend(cell("customer_index").and_then(|index| by_index.get(index)).cloned());
                }
                "asked" => {
                    let wanted: Option<Value> =
                        cell("wanted").and_then(|json| serde_json::from_slice(json).ok());
                    let customer = wanted.as_ref().and_then(|wanted| wanted.get("customer")?.as_str());
                    about.extend(customer.map(|text| number(text.as_bytes())));
                }
                "awaiting" => about.extend(cell("customer").map(|text| number(text))),
                "resident" | "change" | "issued" | "number_given" => {
                    about.extend(cell("anchor").cloned().map(Handle::Resident));
                }
                "resident_code" | "entry" => {
                    about.extend(cell("code_index").cloned().map(Handle::Portal));
                }
                _ => {}
            }
            // The act of a batch is about many: `batch` and `issued.batch` tie nobody.
            let act = match row.table.as_str() {
                "act" | "case_file" | "alarm" => cell("act").or_else(|| cell("id")),
                _ => cell("act"),
            };
            about.extend(act.filter(|act| act.len() == 16).cloned().map(Handle::Act));
            row.about = about;
        }
    }
}

fn blinded(country: &Path) -> Result<Vec<u8>> {
    let country: Value = serde_json::from_slice(
        &std::fs::read(country).with_context(|| format!("reading {}", country.display()))?,
    )?;
    let text = country.pointer("/global/blinded").and_then(Value::as_str).context("no blinded key")?;
    Ok(words::B64::parse(text)?.0)
}

/// Opens what is sealed, wherever the row's key and the column's name may have come from; says how many values stayed shut.
fn unseal(
    key: &StorageKey,
    table: &str,
    cells: BTreeMap<String, Vec<u8>>,
) -> (BTreeMap<String, Vec<u8>>, usize) {
    let rows: BTreeSet<&Vec<u8>> = cells.values().filter(|cell| (1..=64).contains(&cell.len())).collect();
    let texts: Vec<String> = cells.values().filter_map(|cell| String::from_utf8(cell.clone()).ok()).collect();
    let mut shut = 0;
    let mut opened = BTreeMap::new();
    for (column, cell) in &cells {
        if cell.len() < 40 || std::str::from_utf8(cell).is_ok() {
            opened.insert(column.clone(), cell.clone());
            continue;
        }
        let names = [column.clone()]
            .into_iter()
            .chain(texts.iter().flat_map(|text| [text.clone(), format!("{text}/outputs")]))
            .chain(["IndividualNumber".to_owned(), "ResidentCode".to_owned()]);
        let found = names
            .flat_map(|name| rows.iter().map(move |row| (name.clone(), *row)))
            .find_map(|(name, row)| key.open(table, row, &name, cell).ok());
        if found.is_none() {
            shut += 1;
        }
        opened.insert(column.clone(), found.unwrap_or_else(|| cell.clone()));
    }
    (opened, shut)
}

fn customers(rows: &[Row]) -> Vec<Customer> {
    let of = |row: &Row| {
        Some(Customer {
            number: String::from_utf8(row.cells.get("number")?.clone()).ok()?,
            code: row.cells.get("code").cloned(),
            at: row.cells.get("at")?.clone(),
            sizes: row.sizes.clone(),
        })
    };
    rows.iter().filter(|row| row.table == "customer").filter_map(of).collect()
}

fn residents(rows: &[Row], folder: &KeyFolder) -> Vec<(Vec<u8>, Option<Vec<u8>>, String)> {
    let (key, dice) = (folder.person(None).ok(), dice());
    let of = |row: &Row| {
        let anchor = row.cells.get("anchor")?.clone();
        let attributes: Value = serde_json::from_slice(row.cells.get("attributes")?).ok()?;
        let text = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
        let point = key.as_ref().and_then(|key| {
            let point = factors::person(key, &anchor.as_slice().try_into().ok()?, &dice)?;
            Some(point.compress().to_bytes().to_vec())
        });
        Some((anchor, point, name_and_birth(text("name"), text("birth"))))
    };
    rows.iter().filter(|row| row.table == "resident").filter_map(of).collect()
}
