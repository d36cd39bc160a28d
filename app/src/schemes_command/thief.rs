//! What a thief of databases and keys links: the attack reads what was stolen and nothing else, and is judged afterwards by
//! the truth.
//!
//! Its one move: turn each code into something that does not depend on the institution, with whatever was stolen, and hold
//! the results of different institutions against one another.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use seal::{CoreKey, KeyFolder, LinkCode, OpenCode};
use serde::Serialize;
use words::{Domain, Epoch, PartyId, Scheme};

use super::lab::{HOLDERS, OTHERS, customer_number, dice, is_customer};
use crate::attack::factors::{self, Seeds};

/// What one theft comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Theft {
    /// Whose databases and keys.
    pub stolen: Vec<String>,
    /// Pairs of customers of two institutions that are one person, found and right.
    pub linked: u64,
    /// Found and wrong.
    pub wrong: u64,
    /// Pairs that are one person, between the institutions that were stolen; of a core alone, of all institutions.
    pub possible: u64,
    /// People whose Individual Number the thief reads.
    pub numbers_read: u64,
}

/// A customer out of a stolen database, opened with the stolen key.
struct Customer {
    institution: String,
    number: String,
    code: LinkCode,
}

/// What the thief holds.
#[derive(Default)]
struct Loot {
    customers: Vec<Customer>,
    core: Option<CoreKey>,
    /// (name of the holder, code) → person, out of a table.
    table: HashMap<(String, Vec<u8>), i64>,
    seeds: Vec<Seeds>,
    /// Opened conversions of the last day: an institution's code and another's, of one person.
    passed: Vec<[(String, Vec<u8>); 2]>,
}

fn read_only(path: &Path) -> Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("opening {}", path.display()))
}

fn customers(folder: &Path, institution: &str) -> Result<Vec<Customer>> {
    let key = KeyFolder::new(folder.join(institution).join("keys")).storage(&dice(), false)?;
    let database = read_only(&folder.join(institution).join(format!("{institution}.db")))?;
    let mut select = database.prepare("SELECT customer_index, number, code FROM customer")?;
    let rows = select.query_map([], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (index, number, code) = row?;
        found.push(Customer {
            institution: institution.into(),
            number: String::from_utf8(key.open("customer", &index, "number", &number)?)?,
            code: key.open_code("customer", &index, &code)?,
        });
    }
    Ok(found)
}

impl Loot {
    /// Steals the folders named.
    fn steal(folder: &Path, stolen: &[&str]) -> Result<Self> {
        let mut loot = Self::default();
        for room in stolen {
            match *room {
                "linkage" | "trustee" => loot.take_transcryptor(folder, room)?,
                institution => loot.customers.extend(customers(folder, institution)?),
            }
        }
        if stolen.contains(&"linkage") {
            loot.take_passed(folder)?;
        }
        Ok(loot)
    }

    fn take_transcryptor(&mut self, folder: &Path, room: &str) -> Result<()> {
        let keys = folder.join(room).join("keys");
        for name in ["transcryptor.key", "second-transcryptor.key"] {
            if let Ok(text) = std::fs::read_to_string(keys.join(name)) {
                self.seeds.push(Seeds::read(&text).context("a transcryptor's key")?);
            }
        }
        if room == "linkage" {
            self.core = KeyFolder::new(keys).core(None).ok();
            let database = read_only(&folder.join("linkage/linkage.db"))?;
            let sql = "SELECT name, code, person FROM link_code JOIN code_holder USING (holder)";
            let mut select = database.prepare(sql)?;
            let rows = select.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
            self.table = rows.collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Opens the conversions of the last day with as many halves as were stolen.
    fn take_passed(&mut self, folder: &Path) -> Result<()> {
        let global: seal::GlobalKeys = serde_json::from_slice(&std::fs::read(folder.join("global.json"))?)?;
        let key = KeyFolder::new(folder.join("linkage/keys")).storage(&dice(), false)?;
        let database = read_only(&folder.join("linkage/linkage.db"))?;
        let mut select =
            database.prepare("SELECT act, from_session, to_session, code_in, code_out FROM passed")?;
        let rows = select.query_map([], |row| {
            let sealed = (row.get::<_, Vec<u8>>(3)?, row.get::<_, Vec<u8>>(4)?);
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, sealed))
        })?;
        for row in rows {
            let (act, from, to, (code_in, code_out)) = row?;
            let open = |session: &str, column: &str, sealed: &[u8]| -> Option<(String, Vec<u8>)> {
                let code = key.open("passed", &act, column, sealed).ok()?;
                let secret = factors::session_key(&self.seeds, &global.blinded.0, session)?;
                let point = factors::decrypt(&code, &secret)?;
                Some((session.split('/').nth(2)?.to_owned(), point.compress().to_bytes().to_vec()))
            };
            let one = open(&from, "code_in", &code_in);
            if let (Some(one), Some(other)) = (one, open(&to, "code_out", &code_out)) {
                self.passed.push([one, other]);
            }
        }
        Ok(())
    }

    /// What does not depend on the institution, as far as the loot goes; without any, the code as it is.
    fn bare(&self, scheme: Scheme, institution: &str, code: &LinkCode) -> Result<Vec<u8>> {
        let own = code.dangerous_bytes().to_vec();
        let domain = Domain::new(PartyId::parse(institution)?, Epoch(0));
        Ok(match (scheme, &self.core) {
            (Scheme::Reversible, Some(core)) => {
                let thiefs = Domain::new(PartyId::parse("thief")?, Epoch(0));
                let open = OpenCode::from_link_code(code)?;
                core.reversible(&domain)
                    .convert(&open, &mut core.reversible(&thiefs))
                    .map_or(own, |code| code.dangerous_bytes().to_vec())
            }
            (Scheme::Table | Scheme::TableOfTwo, Some(_)) => {
                let holder = match scheme {
                    Scheme::Table => domain.to_string(),
                    _ if HOLDERS.contains(&institution) => "with-number".into(),
                    _ => "without-number".into(),
                };
                let drawn = OpenCode::from_link_code(code)?.drawn()?.to_vec();
                self.table.get(&(holder, drawn)).map_or(own, |person| person.to_be_bytes().to_vec())
            }
            (Scheme::Blind, _) if !self.seeds.is_empty() => {
                let factor = factors::to_registry(&self.seeds, institution).context("the stolen factors")?;
                let point = factors::point(&own).context("a code")?;
                (factor * point).compress().to_bytes().to_vec()
            }
            _ => own,
        })
    }
}

/// The truth, for the judge: who a customer number is.
fn truth(persons: u32) -> HashMap<(&'static str, String), u32> {
    let everybody = HOLDERS.into_iter().chain(OTHERS);
    everybody
        .flat_map(|institution| {
            (0..persons)
                .filter(move |person| is_customer(*person, institution))
                .map(move |person| ((institution, customer_number(person, institution)), person))
        })
        .collect()
}

/// Pairs of customers that are one person, among these institutions.
fn possible(persons: u32, institutions: &[&str]) -> u64 {
    let of = |person: u32| institutions.iter().filter(|one| is_customer(person, one)).count() as u64;
    (0..persons).map(|person| of(person) * of(person).saturating_sub(1) / 2).sum()
}

/// Commits one theft and judges it.
fn theft(scheme: Scheme, folder: &Path, persons: u32, stolen: &[&str], codes: &Codes) -> Result<Theft> {
    let loot = Loot::steal(folder, stolen)?;
    let truth = truth(persons);
    let institutions: Vec<&str> =
        stolen.iter().copied().filter(|one| !["linkage", "trustee"].contains(one)).collect();
    let mut result = Theft {
        stolen: stolen.iter().map(|one| (*one).to_owned()).collect(),
        linked: 0,
        wrong: 0,
        possible: possible(persons, &institutions),
        numbers_read: 0,
    };
    if institutions.len() < 2 {
        from_the_core(&loot, persons, &institutions, codes, &mut result)?;
    }
    let mut by_bare: HashMap<Vec<u8>, Vec<&Customer>> = HashMap::new();
    let mut numbers = HashSet::new();
    for customer in &loot.customers {
        by_bare.entry(loot.bare(scheme, &customer.institution, &customer.code)?).or_default().push(customer);
        if let Ok(number) = OpenCode::from_link_code(&customer.code).and_then(|code| code.number()) {
            drop(number);
            numbers.insert(customer.code.dangerous_bytes());
        }
    }
    result.numbers_read = numbers.len() as u64;
    for group in by_bare.values() {
        for (at, one) in group.iter().enumerate() {
            for other in group.iter().skip(at + 1).filter(|other| other.institution != one.institution) {
                let who = |customer: &Customer| {
                    let institution = institutions.iter().find(|one| **one == customer.institution)?;
                    let known = HOLDERS.into_iter().chain(OTHERS).find(|one| one == institution)?;
                    truth.get(&(known, customer.number.clone())).copied()
                };
                match (who(one), who(other)) {
                    (Some(one), Some(other)) if one == other => result.linked += 1,
                    _ => result.wrong += 1,
                }
            }
        }
    }
    Ok(result)
}

/// Every institution's codes by their bytes, for the judge of a core that was stolen without institutions.
pub(super) type Codes = BTreeMap<String, HashMap<Vec<u8>, u32>>;

/// What a core's own database and keys link without two institutions' databases: codes of one person at two institutions.
fn from_the_core(
    loot: &Loot,
    persons: u32,
    institutions: &[&str],
    codes: &Codes,
    result: &mut Theft,
) -> Result<()> {
    if loot.core.is_none() && loot.seeds.is_empty() {
        return Ok(());
    }
    let everywhere: Vec<&str> = HOLDERS.into_iter().chain(OTHERS).collect();
    result.possible = match institutions {
        [] => possible(persons, &everywhere),
        [one] => everywhere
            .iter()
            .filter(|other| *other != one)
            .map(|other| possible(persons, &[one, other]))
            .sum(),
        _ => result.possible,
    };
    let mut found: HashSet<[(String, Vec<u8>); 2]> = HashSet::new();
    // A table says it outright: one person's codes at different holders, and whoever shares a holder shares the code.
    let mut of_person: HashMap<i64, Vec<(&str, LinkCode)>> = HashMap::new();
    for ((holder, code), person) in &loot.table {
        let code = OpenCode::from_drawn(code)?.to_link_code()?;
        for institution in &everywhere {
            let domain = Domain::new(PartyId::parse(institution)?, Epoch(0)).to_string();
            let holds = HOLDERS.contains(institution);
            let shares = *holder == domain
                || holder == "everybody"
                || (holder == "with-number" && holds)
                || (holder == "without-number" && !holds);
            if shares {
                let code = OpenCode::from_link_code(&code)?.to_link_code()?;
                of_person.entry(*person).or_default().push((institution, code));
            }
        }
    }
    let bytes = |code: &LinkCode| code.dangerous_bytes().to_vec();
    let mut claim = |one: (&str, Vec<u8>), other: (&str, Vec<u8>)| {
        let mut pair = [(one.0.to_owned(), one.1), (other.0.to_owned(), other.1)];
        pair.sort();
        found.insert(pair);
    };
    for held in of_person.values() {
        for (at, one) in held.iter().enumerate() {
            for other in held.iter().skip(at + 1) {
                claim((one.0, bytes(&one.1)), (other.0, bytes(&other.1)));
            }
        }
    }
    // A key computes from one institution's codes those of every other.
    if let (Some(core), true) = (&loot.core, loot.table.is_empty()) {
        for customer in &loot.customers {
            let from = Domain::new(PartyId::parse(&customer.institution)?, Epoch(0));
            let Ok(open) = OpenCode::from_link_code(&customer.code) else { continue };
            for other in everywhere.iter().filter(|other| **other != customer.institution) {
                let to = Domain::new(PartyId::parse(other)?, Epoch(0));
                let there = match open.number() {
                    Ok(_) => Ok(open.clone()),
                    Err(_) => core.reversible(&from).convert(&open, &mut core.reversible(&to)),
                };
                if let Ok(there) = there.and_then(|code| code.to_link_code()) {
                    claim((&customer.institution, bytes(&customer.code)), (other, bytes(&there)));
                }
            }
        }
    }
    // Factors do the same: what both halves' factors make of a code.
    if loot.core.is_none() {
        for customer in &loot.customers {
            let point = factors::point(&bytes(&customer.code)).context("a code")?;
            let bare = factors::to_registry(&loot.seeds, &customer.institution).context("factors")? * point;
            for other in everywhere.iter().filter(|other| **other != customer.institution) {
                let there = factors::to_registry(&loot.seeds, other).context("factors")?.invert() * bare;
                let there = there.compress().to_bytes().to_vec();
                claim((&customer.institution, bytes(&customer.code)), (other, there));
            }
        }
    }
    for [one, other] in &loot.passed {
        claim((&one.0, one.1.clone()), (&other.0, other.1.clone()));
    }
    for [one, other] in found {
        let relevant = institutions.is_empty()
            || institutions.contains(&one.0.as_str())
            || institutions.contains(&other.0.as_str());
        if !relevant {
            continue;
        }
        let who = |(institution, code): &(String, Vec<u8>)| codes.get(institution)?.get(code).copied();
        match (who(&one), who(&other)) {
            (Some(one), Some(other)) if one == other => result.linked += 1,
            (Some(_), Some(_)) => result.wrong += 1,
            // A code nobody holds links nothing.
            _ => {}
        }
    }
    Ok(())
}

/// Every theft of the comparison.
pub(super) fn thefts(scheme: Scheme, folder: &Path, persons: u32, codes: &Codes) -> Result<Vec<Theft>> {
    let sets: [&[&str]; 9] = [
        &["town"],
        &["town", "tax"],
        &["town", "bank"],
        &["linkage"],
        &["trustee"],
        &["linkage", "town"],
        &["trustee", "town"],
        &["linkage", "trustee", "town"],
        &["linkage", "town", "bank"],
    ];
    sets.iter().map(|stolen| theft(scheme, folder, persons, stolen, codes)).collect()
}

/// For the page: what a theft's rooms are called.
pub(super) fn named(room: &str) -> (&'static str, &'static str) {
    match room {
        "linkage" => ("中核", "core"),
        "trustee" => ("第二の変換者", "second transcryptor"),
        "town" => ("町", "town"),
        "tax" => ("税務署", "tax agency"),
        _ => ("銀行", "bank"),
    }
}
