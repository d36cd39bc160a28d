//! Which claims are right. The judge has what the thief has not: the demo's truth, and every room's keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Outcome;
use super::factors::{self, Seeds};
use super::loot::{Handle, Loot};
use super::techniques::Claims;

/// One who knows who everybody is.
pub(super) struct Judge {
    /// Which resident each handle is.
    who: HashMap<Handle, u32>,
    /// Of each institution: residents whose customer rows carry a code.
    at: BTreeMap<String, BTreeSet<u32>>,
    /// Subjects of acts between two institutions.
    subjects: HashMap<(String, String), BTreeSet<u32>>,
    /// Which institution a customer number is of.
    numbers: HashMap<String, BTreeSet<String>>,
    seeds: Vec<Seeds>,
    /// How many there are at the register, and at the portal.
    sizes: HashMap<String, usize>,
    /// Customers by institution and code.
    codes: HashMap<(String, Vec<u8>), u32>,
}

/// Claims no better than this are chance.
const CHANCE: f64 = 1e-5;

/// How likely `right` or more of rare events are where `expected` are.
fn tail(right: usize, expected: f64) -> f64 {
    let mut term = (-expected).exp();
    let mut below = 0.0;
    for k in 0..right {
        below += term;
        term *= expected / (k as f64 + 1.0);
    }
    // Far out, the sum's own rounding would hide the tail: its first term bounds it well.
    if 1.0 - below > 1e-12 { 1.0 - below } else { term }
}

fn pair(one: &str, other: &str) -> (String, String) {
    let (one, other) = if one <= other { (one, other) } else { (other, one) };
    (one.to_owned(), other.to_owned())
}

impl Judge {
    /// Reads the truth.
    pub(super) fn new(data: &Path, all: &[Loot]) -> Result<Self> {
        let truth: Value = serde_json::from_slice(&std::fs::read(data.join("truth.json"))?)
            .context("truth.json is not the demo's")?;
        let mut judge = Self {
            who: HashMap::new(),
            at: BTreeMap::new(),
            subjects: HashMap::new(),
            numbers: HashMap::new(),
            seeds: all.iter().filter_map(|one| one.seeds.clone()).collect(),
            codes: HashMap::new(),
            sizes: HashMap::new(),
        };
        for row in truth.get("rows").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
            let (Some(institution), Some(number)) = (text("institution"), text("number")) else { continue };
            let resident =
                row.get("resident").and_then(Value::as_u64).and_then(|one| u32::try_from(one).ok());
            judge.numbers.entry(number.clone()).or_default().insert(institution.clone());
            if let Some(resident) = resident {
                judge.who.insert(Handle::Number(institution, number), resident);
            }
        }
        judge.know_codes(all);
        judge.know_residents(data, all)?;
        judge.know_acts(all);
        for handle in judge.who.keys() {
            *judge.sizes.entry(place(handle)).or_default() += 1;
        }
        Ok(judge)
    }

    fn know_codes(&mut self, all: &[Loot]) {
        for loot in all.iter().filter(|one| one.is_institution()) {
            for customer in &loot.customers {
                let handle = Handle::Number(loot.id.clone(), customer.number.clone());
                if let (Some(code), Some(resident)) = (&customer.code, self.who.get(&handle)) {
                    self.at.entry(loot.id.clone()).or_default().insert(*resident);
                    self.codes.insert((loot.id.clone(), code.clone()), *resident);
                }
            }
        }
    }

    /// Who each register entry is, and with all secrets, who each code of the portal is.
    fn know_residents(&mut self, data: &Path, all: &[Loot]) -> Result<()> {
        let world = world::World::real();
        let dice = seal::Dice::new(move |buffer| world.fill(buffer));
        let key = seal::KeyFolder::new(data.join("registry/keys")).storage(&dice, false)?;
        let people = self.who.values().max().map_or(0, |most| most + 1);
        let entries: HashMap<[u8; 32], u32> = (0..people)
            .map(|resident| (key.index("entry", format!("{resident:07}").as_bytes()), resident))
            .collect();
        let mut by_point: HashMap<[u8; 32], u32> = HashMap::new();
        for registry in all.iter().filter(|one| one.room == "registry") {
            for row in registry.table("resident") {
                let index: Option<[u8; 32]> =
                    row.cells.get("entry_index").and_then(|cell| cell.as_slice().try_into().ok());
                if let (Some(resident), Some(who)) =
                    (index.and_then(|index| entries.get(&index)), row.about.first())
                {
                    self.who.insert(who.clone(), *resident);
                }
            }
            for (anchor, point, _) in &registry.residents {
                let point = point.as_deref().and_then(|point| point.try_into().ok());
                let who = self.who.get(&Handle::Resident(anchor.clone()));
                if let (Some(point), Some(who)) = (point, who) {
                    by_point.insert(point, *who);
                }
            }
        }
        anyhow::ensure!(!by_point.is_empty(), "the registry's entries are not those of the demo");
        for portal in all.iter().filter(|one| one.room == "portal") {
            let factor = factors::to_registry(&self.seeds, &portal.id).context("the transcryptors' keys")?;
            for row in portal.table("resident_code") {
                let code = row.cells.get("code").and_then(|code| factors::point(code));
                let who = code.and_then(|code| by_point.get(&(factor * code).compress().to_bytes()));
                if let (Some(who), Some(handle)) = (who, row.about.first()) {
                    self.who.insert(handle.clone(), *who);
                }
            }
        }
        Ok(())
    }

    fn know_acts(&mut self, all: &[Loot]) {
        for loot in all.iter().filter(|one| one.is_institution()) {
            for row in loot.table("asked") {
                let wanted: Option<Value> =
                    row.cells.get("wanted").and_then(|json| serde_json::from_slice(json).ok());
                let provider = wanted.as_ref().and_then(|wanted| wanted.get("provider")?.as_str());
                let who = row.about.first().and_then(|who| self.who.get(who));
                if let (Some(provider), Some(who)) = (provider, who) {
                    self.subjects.entry(pair(&loot.id, provider)).or_default().insert(*who);
                }
            }
        }
    }

    /// People with codes at both who are the subject of no act between the two.
    fn both(&self, one: &str, other: &str) -> usize {
        match (self.at.get(one), self.at.get(other)) {
            (Some(here), Some(there)) => {
                let subjects = self.subjects.get(&pair(one, other));
                let beyond = |who: &&u32| !subjects.is_some_and(|subjects| subjects.contains(who));
                here.intersection(there).filter(beyond).count()
            }
            _ => 0,
        }
    }

    /// Whether they are one person, and who.
    fn right(&self, one: &Handle, other: &Handle) -> Option<u32> {
        let (one, other) = (self.who.get(one)?, self.who.get(other)?);
        (one == other).then_some(*one)
    }

    fn is_subject(&self, one: &Handle, other: &Handle, who: u32) -> bool {
        match (one, other) {
            (Handle::Number(one, _), Handle::Number(other, _)) => {
                self.subjects.get(&pair(one, other)).is_some_and(|subjects| subjects.contains(&who))
            }
            _ => false,
        }
    }

    /// What the claims of a set come to.
    pub(super) fn outcome(&self, set: &[&Loot], claims: Claims) -> Outcome {
        let mut outcome = Outcome {
            stolen: set.iter().map(|one| one.id.clone()).collect(),
            unopened: set.iter().map(|one| one.unopened).sum(),
            by_name_and_birth: names_in_common(set),
            foreign_numbers: self.foreign_numbers(set),
            ..Outcome::default()
        };
        let ids: Vec<&str> =
            set.iter().filter(|one| one.is_institution()).map(|one| one.id.as_str()).collect();
        for (at, one) in ids.iter().enumerate() {
            outcome.possible += ids.iter().skip(at + 1).map(|other| self.both(one, other)).sum::<usize>();
        }
        let mut by_act = BTreeSet::new();
        let mut named_by_act = BTreeSet::new();
        for (one, other) in &claims.by_act {
            let Some(who) = self.right(one, other) else { continue };
            match (one, other) {
                (Handle::Number(..), Handle::Number(..)) => by_act.insert((place(one), place(other), who)),
                _ => named_by_act.insert(other.clone().max(one.clone())),
            };
        }
        outcome.by_act = by_act.len();
        self.judge_guesses(set, &claims, &named_by_act, &mut outcome);
        self.judge_points(&claims, &mut outcome);
        outcome
    }

    fn judge_guesses(&self, set: &[&Loot], claims: &Claims, known: &BTreeSet<Handle>, outcome: &mut Outcome) {
        let mut linked = BTreeSet::new();
        let mut named = BTreeSet::new();
        for (how, pairs) in &claims.guesses {
            // Chance differs from pair to pair of places.
            let mut by_places: BTreeMap<(String, String), Vec<&(Handle, Handle)>> = BTreeMap::new();
            for pair in pairs {
                by_places.entry((place(&pair.0), place(&pair.1))).or_default().push(pair);
            }
            for pairs in by_places.values() {
                let right: Vec<_> = pairs
                    .iter()
                    .filter_map(|(one, other)| Some((one, other, self.right(one, other)?)))
                    .collect();
                let expected = pairs
                    .first()
                    .map_or(0.0, |(one, other)| pairs.len() as f64 * self.by_chance(set, one, other));
                let expected = expected.max(claims.expected.get(how).copied().unwrap_or_default());
                if right.is_empty() || tail(right.len(), expected) > CHANCE {
                    let chance = outcome.by_chance.entry(technique(how)).or_default();
                    chance.claims += pairs.len();
                    chance.right += right.len();
                    chance.expected += expected;
                    continue;
                }
                for (one, other, who) in right {
                    let new = match (one, other) {
                        (Handle::Number(..), Handle::Number(..)) => {
                            !self.is_subject(one, other, who)
                                && linked.insert((place(one), place(other), who))
                        }
                        (Handle::Portal(_), _) | (_, Handle::Portal(_)) => {
                            let handle = one.clone().max(other.clone());
                            !known.contains(&handle) && named.insert(handle)
                        }
                        _ => false,
                    };
                    if new {
                        *outcome.how.entry(how.clone()).or_default() += 1;
                    }
                }
            }
        }
        outcome.linked = linked.len();
        outcome.unnamed_named = named.len();
    }

    /// How likely one claim is right that is drawn at random.
    fn by_chance(&self, set: &[&Loot], one: &Handle, other: &Handle) -> f64 {
        let size = |handle: &Handle| -> usize {
            match handle {
                Handle::Number(id, _) => {
                    set.iter().find(|loot| loot.id == *id).map_or(0, |loot| loot.customers.len())
                }
                _ => self.sizes.get(&place(handle)).copied().unwrap_or_default(),
            }
        };
        let (here, there) = (size(one), size(other));
        here.min(there) as f64 / ((here * there).max(1)) as f64
    }

    /// What was opened with both transcryptors' secrets: true if the institutions' own codes say the same.
    fn judge_points(&self, claims: &Claims, outcome: &mut Outcome) {
        let mut pairs = BTreeSet::new();
        for (point, parties) in &claims.unnamed {
            let Some(point) = factors::point(point) else { continue };
            let who = |party: &String| {
                let factor = factors::to_registry(&self.seeds, party)?.invert();
                let code = (factor * point).compress().to_bytes().to_vec();
                self.codes.get(&(party.clone(), code)).copied()
            };
            let people: Vec<u32> = parties.iter().filter_map(who).collect();
            if let (Some(first), true) = (people.first(), people.len() > 1)
                && people.iter().all(|one| one == first)
            {
                pairs.insert(*first);
            }
            let anchor = claims.named.get(point.compress().to_bytes().as_slice());
            let named = anchor.and_then(|anchor| self.who.get(&Handle::Resident(anchor.clone())));
            outcome.codes_named += people.iter().filter(|one| Some(*one) == named).count();
        }
        outcome.unnamed_at_two = pairs.len();
    }

    /// Customer numbers in rows that are opened, at a room that is not the customer's institution.
    fn foreign_numbers(&self, set: &[&Loot]) -> usize {
        let mut found = BTreeSet::new();
        for loot in set {
            for row in &loot.rows {
                for cell in row.cells.values() {
                    let Ok(text) = std::str::from_utf8(cell) else { continue };
                    for word in text.split(|char: char| !char.is_ascii_alphanumeric() && char != '-') {
                        let Some(of) = self.numbers.get(word) else { continue };
                        // A short number is also a sum, a count or a moment.
                        if word.len() >= 8 && !of.contains(&loot.id) {
                            found.insert(word);
                        }
                    }
                }
            }
        }
        found.len()
    }

    /// Residents of whom the registry noted at two institutions or more that they are customers.
    pub(super) fn registry_knows_at_two(&self, all: &[Loot]) -> usize {
        let mut at: HashMap<&Handle, usize> = HashMap::new();
        for registry in all.iter().filter(|one| one.room == "registry") {
            for row in registry.table("issued").filter_map(|row| row.about.first()) {
                *at.entry(row).or_default() += 1;
            }
        }
        at.values().filter(|many| **many > 1).count()
    }

    /// Codes of the portal with two acts or more.
    pub(super) fn portal_knows_acts_of_one(&self, all: &[Loot]) -> usize {
        let mut of: HashMap<&Handle, usize> = HashMap::new();
        for portal in all.iter().filter(|one| one.room == "portal") {
            for row in portal.table("entry").filter_map(|row| row.about.first()) {
                *of.entry(row).or_default() += 1;
            }
        }
        of.values().filter(|many| **many > 1).count()
    }
}

fn place(handle: &Handle) -> String {
    match handle {
        Handle::Number(institution, _) => institution.clone(),
        Handle::Resident(_) => "the register".into(),
        Handle::Portal(_) => "the portal".into(),
        Handle::Act(_) => "acts".into(),
    }
}

fn technique(how: &str) -> &'static str {
    match how.split(' ').next() {
        Some("equal") => "equal values",
        Some("sizes") => "sizes",
        Some("time") => "times",
        Some("difference") => "differences of codes",
        Some("stolen") => "stolen factors",
        _ => "order",
    }
}

/// People whose name and birth date stand at two rooms of the set in the same words, and at each of them once.
fn names_in_common(set: &[&Loot]) -> usize {
    let names = |loot: &Loot| -> BTreeSet<String> {
        let mut once: BTreeMap<String, usize> = BTreeMap::new();
        let own = loot.names.iter().map(|(_, name)| name);
        for name in own.chain(loot.residents.iter().map(|(_, _, name)| name)) {
            *once.entry(name.clone()).or_default() += 1;
        }
        once.into_iter().filter(|(_, many)| *many == 1).map(|(name, _)| name).collect()
    };
    let all: Vec<_> = set.iter().map(|loot| names(loot)).collect();
    let mut found = BTreeSet::new();
    for (at, one) in all.iter().enumerate() {
        for other in all.iter().skip(at + 1) {
            found.extend(one.intersection(other));
        }
    }
    found.len()
}
