//! The attempts. Each gives claims; whether a claim is right, only the judge knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use curve25519_dalek::ristretto::RistrettoPoint;
use serde_json::Value;

use super::factors::{self, Seeds};
use super::loot::{Customer, Handle, Loot, Row};

/// What the attack says it knows.
#[derive(Default)]
pub(super) struct Claims {
    /// Tied by what two rooms note on purpose: the id of an act, a code of the index.
    pub(super) by_act: BTreeSet<(Handle, Handle)>,
    /// Tied by an attempt, each under its name.
    pub(super) guesses: BTreeMap<String, BTreeSet<(Handle, Handle)>>,
    /// How many are right by chance of an attempt that holds one group against another, such as the rows of a batch: one for each
    /// group whose order says nothing.
    pub(super) expected: BTreeMap<String, f64>,
    /// Of a point that linkage's and trustee's secrets showed: at which institutions rows of issues are of that person.
    pub(super) unnamed: BTreeMap<Vec<u8>, BTreeSet<String>>,
    /// Such a point, and the register entry it is.
    pub(super) named: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Claims {
    fn guess(&mut self, how: impl Into<String>, one: Handle, other: Handle) {
        let pair = if one <= other { (one, other) } else { (other, one) };
        self.guesses.entry(how.into()).or_default().insert(pair);
    }

    /// Holds the rows of a batch against its entries, in the order of both.
    fn guess_in_order(&mut self, how: &str, rows: &[Handle], entries: &[(&[u8], Handle)]) {
        for (who, (_, found)) in rows.iter().zip(entries) {
            self.guess(how, who.clone(), found.clone());
        }
        let (fewer, more) = (rows.len().min(entries.len()), rows.len().max(entries.len()));
        *self.expected.entry(how.to_owned()).or_default() += fewer as f64 / more.max(1) as f64;
    }
}

/// Everything there is to try with the rooms of one set.
pub(super) fn attack(set: &[&Loot]) -> Claims {
    let mut claims = Claims { by_act: by_act(set), ..Claims::default() };
    for (at, one) in set.iter().enumerate() {
        for other in set.iter().skip(at + 1) {
            equal_values(one, other, &mut claims);
            if one.is_institution() && other.is_institution() {
                same_sizes(one, other, &mut claims);
                same_order(one, other, &mut claims);
                same_time(one, other, &mut claims);
                same_difference(one, other, &mut claims);
            }
            for (one, other) in [(one, other), (other, one)] {
                if other.room == "portal" {
                    order_at_the_portal(one, other, &mut claims);
                }
            }
        }
    }
    let seeds: Vec<Seeds> = set.iter().filter_map(|one| one.seeds.clone()).collect();
    if !seeds.is_empty() {
        stolen_factors(set, &seeds, &mut claims);
    }
    claims
}

/// Who is one person by the ids of acts and the portal's codes. An act noted of several people at one room, an issue, ties
/// nobody.
fn by_act(set: &[&Loot]) -> BTreeSet<(Handle, Handle)> {
    let mut group: HashMap<Handle, usize> = HashMap::new();
    let mut groups: Vec<Vec<Handle>> = Vec::new();
    let is_act = |handle: &Handle| matches!(handle, Handle::Act(_));
    for loot in set {
        let mut people: HashMap<&Handle, BTreeSet<&Handle>> = HashMap::new();
        for row in &loot.rows {
            for act in row.about.iter().filter(|one| is_act(one)) {
                people.entry(act).or_default().extend(row.about.iter().filter(|one| !is_act(one)));
            }
        }
        for (act, people) in people {
            let (Some(person), 1) = (people.first(), people.len()) else { continue };
            let mut merged = vec![act.clone(), (*person).clone()];
            let before: BTreeSet<usize> = merged.iter().filter_map(|one| group.get(one).copied()).collect();
            for old in before {
                merged.extend(groups.get_mut(old).map(std::mem::take).unwrap_or_default());
            }
            for one in &merged {
                group.insert(one.clone(), groups.len());
            }
            groups.push(merged);
        }
    }
    let mut ties = BTreeSet::new();
    for one in groups {
        let people: BTreeSet<Handle> = one.into_iter().filter(|one| !is_act(one)).collect();
        for one in &people {
            let after = people.iter().filter(|other| *other > one && !same_place(one, other));
            ties.extend(after.map(|other| (one.clone(), other.clone())));
        }
    }
    ties
}

fn same_place(one: &Handle, other: &Handle) -> bool {
    match (one, other) {
        (Handle::Number(one, _), Handle::Number(other, _)) => one == other,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// The shortest value that is looked for: shorter ones are equal by chance.
const SHORTEST: usize = 6;

fn leaves(bytes: &[u8], into: &mut Vec<Vec<u8>>) {
    fn walk(value: &Value, into: &mut Vec<Vec<u8>>) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| walk(one, into)),
            Value::Object(all) => all.values().for_each(|one| walk(one, into)),
            Value::String(text) => into.push(text.clone().into_bytes()),
            Value::Number(number) => into.push(number.to_string().into_bytes()),
            Value::Null | Value::Bool(_) => {}
        }
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value @ (Value::Array(_) | Value::Object(_))) => walk(&value, into),
        _ => into.push(bytes.to_vec()),
    }
}

/// Where a value stands, and of whom it is; nobody where it is of several.
pub(super) type Values = HashMap<Vec<u8>, (String, Option<Handle>)>;

/// Each value of rows about one person, as it stands and hashed.
pub(super) fn values(rows: &[Row]) -> Values {
    let mut all = Values::new();
    for row in rows {
        let Some(who) = row.about.iter().find(|one| !matches!(one, Handle::Act(_))) else { continue };
        for (column, cell) in &row.cells {
            let mut found = Vec::new();
            leaves(cell, &mut found);
            for value in found.into_iter().filter(|value| value.len() >= SHORTEST) {
                let hashed = seal::sha256(&value).to_vec();
                for value in [words::hex(&hashed).into_bytes(), hashed, value] {
                    let place = || (format!("{}.{column}", row.table), Some(who.clone()));
                    let kept = all.entry(value).or_insert_with(place);
                    if kept.1.as_ref() != Some(who) {
                        kept.1 = None;
                    }
                }
            }
        }
    }
    all
}

fn equal_values(one: &Loot, other: &Loot, claims: &mut Claims) {
    for (value, (place, who)) in &one.values {
        let (Some(who), Some((other_place, Some(other)))) = (who, other.values.get(value)) else { continue };
        if !same_place(who, other) {
            claims.guess(format!("equal {place} = {other_place}"), who.clone(), other.clone());
        }
    }
}

fn number(loot: &Loot, customer: &Customer) -> Handle {
    Handle::Number(loot.id.clone(), customer.number.clone())
}

fn linked(loot: &Loot) -> Vec<&Customer> {
    loot.customers.iter().filter(|customer| customer.code.is_some()).collect()
}

/// Rows whose sizes no other row of the same institution has.
fn same_sizes(one: &Loot, other: &Loot, claims: &mut Claims) {
    let unique = |loot: &Loot| {
        let mut by_size: HashMap<Vec<usize>, Option<Handle>> = HashMap::new();
        for customer in &loot.customers {
            let of = Some(number(loot, customer));
            by_size.entry(customer.sizes.clone()).and_modify(|one| *one = None).or_insert(of);
        }
        by_size
    };
    let there = unique(other);
    for (size, who) in unique(one) {
        if let (Some(who), Some(Some(other))) = (who, there.get(&size)) {
            claims.guess("sizes", who, other.clone());
        }
    }
}

/// The order in which rows were written, stretched from one length to the other, and between people whom acts tie already.
fn same_order(one: &Loot, other: &Loot, claims: &mut Claims) {
    let (here, there) = (linked(one), linked(other));
    let place = |loot: &Loot, rows: &[&Customer]| -> HashMap<Handle, usize> {
        rows.iter().enumerate().map(|(at, row)| (number(loot, row), at)).collect()
    };
    let (places, other_places) = (place(one, &here), place(other, &there));
    let mut known: Vec<(usize, usize)> = claims
        .by_act
        .iter()
        .flat_map(|(a, b)| [(a, b), (b, a)])
        .filter_map(|(a, b)| Some((*places.get(a)?, *other_places.get(b)?)))
        .chain([(0, 0), (here.len(), there.len())])
        .collect();
    known.sort_unstable();
    for (at, who) in here.iter().enumerate() {
        let stretched = at * there.len() / here.len().max(1);
        let before = known.iter().rev().find(|(place, _)| *place <= at).copied().unwrap_or_default();
        let after = known.iter().find(|(place, _)| *place > at).copied().unwrap_or((here.len(), there.len()));
        let between = before.1
            + (at - before.0) * after.1.saturating_sub(before.1) / after.0.saturating_sub(before.0).max(1);
        for (how, place) in [("order", stretched), ("order between acts", between), ("row number", at)] {
            if let Some(found) = there.get(place) {
                claims.guess(how, number(one, who), number(other, found));
            }
        }
    }
}

/// Who was asked about at the same moment.
fn same_time(one: &Loot, other: &Loot, claims: &mut Claims) {
    let times = |loot: &Loot| -> Vec<(i64, Handle)> {
        let time = |row: &Row| {
            let at: i64 = std::str::from_utf8(row.cells.get("at")?).ok()?.parse().ok()?;
            let who = row.about.iter().find(|one| matches!(one, Handle::Number(..)))?;
            Some((at, who.clone()))
        };
        let rows =
            loot.rows.iter().filter(|row| ["asked", "awaiting", "shield"].contains(&row.table.as_str()));
        rows.filter_map(time).collect()
    };
    let there = times(other);
    for (at, who) in times(one) {
        if let Some((_, found)) = there.iter().min_by_key(|(time, _)| (time - at).abs()) {
            claims.guess("time", who, found.clone());
        }
    }
}

/// How many codes of each institution are held against one another: what is found among so many is found among all.
const DIFFERENCES: usize = 48;

/// Codes that were moved by one and the same point from institution to institution would show the same difference twice.
fn same_difference(one: &Loot, other: &Loot, claims: &mut Claims) {
    let codes = |loot: &Loot| -> Vec<(Handle, RistrettoPoint)> {
        let of = |row: &&Customer| Some((number(loot, row), factors::point(row.code.as_ref()?)?));
        linked(loot).iter().filter_map(of).take(DIFFERENCES).collect()
    };
    let there = codes(other);
    let mut by_difference: HashMap<[u8; 32], Vec<(Handle, Handle)>> = HashMap::new();
    for (who, code) in codes(one) {
        for (found, theirs) in &there {
            let difference = (code - theirs).compress().to_bytes();
            by_difference.entry(difference).or_default().push((who.clone(), found.clone()));
        }
    }
    for (one, other) in by_difference.into_values().filter(|pairs| pairs.len() > 1).flatten() {
        claims.guess("difference of codes", one, other);
    }
}

/// A row of an issue has an id of its own in the index, and a number in it. Whoever knows the order of a batch knows whose.
fn order_at_the_portal(one: &Loot, portal: &Loot, claims: &mut Claims) {
    let mut batches: BTreeMap<&[u8], Vec<(&[u8], Handle)>> = BTreeMap::new();
    for row in portal.table("entry") {
        let (Some(act), Some(who)) = (row.cells.get("act"), row.about.first()) else { continue };
        if let Some((batch, row)) = act.split_at_checked(12) {
            batches.entry(batch).or_default().push((row, who.clone()));
        }
    }
    batches.values_mut().for_each(|rows| rows.sort());
    let mut orders: Vec<(String, Vec<Handle>)> = Vec::new();
    if one.is_institution() {
        let mut by_moment: BTreeMap<&[u8], Vec<Handle>> = BTreeMap::new();
        for customer in linked(one) {
            by_moment.entry(&customer.at).or_default().push(number(one, customer));
        }
        orders.extend(by_moment.into_values().map(|rows| ("order of an issue".to_owned(), rows)));
        // The order in which a gateway could have put its customers: by birth date and number, or by number.
        let born: HashMap<&str, &str> = one
            .names
            .iter()
            .filter_map(|(number, name)| Some((number.as_str(), name.split_once(' ')?.1)))
            .collect();
        let mut rows = linked(one);
        rows.sort_by_key(|row| (born.get(row.number.as_str()), &row.number));
        orders.push(("birth dates in an issue".into(), rows.iter().map(|row| number(one, row)).collect()));
        rows.sort_by_key(|row| &row.number);
        orders.push(("numbers in an issue".into(), rows.iter().map(|row| number(one, row)).collect()));
    }
    if one.room == "registry" {
        let mut by_batch: BTreeMap<&[u8], Vec<Handle>> = BTreeMap::new();
        for row in one.table("issued") {
            if let (Some(batch), Some(who)) = (row.cells.get("batch"), row.about.first()) {
                by_batch.entry(batch).or_default().push(who.clone());
            }
        }
        for (batch, rows) in by_batch {
            let there = batch.get(..12).and_then(|batch| batches.get(batch)).map_or(&[][..], Vec::as_slice);
            claims.guess_in_order("order of an issue", &rows, there);
        }
        // The portal's own codes: the order of its table and the orders in which the registry could have sent them.
        let mut residents: Vec<Handle> =
            one.residents.iter().map(|(anchor, _, _)| Handle::Resident(anchor.clone())).collect();
        let rows: Vec<Handle> =
            portal.table("resident_code").filter_map(|row| row.about.first().cloned()).collect();
        for how in ["order of the register", "order of the anchors"] {
            for (who, found) in residents.iter().zip(&rows) {
                claims.guess(how, who.clone(), found.clone());
            }
            residents.sort();
        }
    }
    for (how, order) in orders {
        for rows in batches.values().filter(|rows| rows.len() == order.len()) {
            claims.guess_in_order(&how, &order, rows);
        }
    }
}

/// Codes converted, and conversions opened, with the secrets of as many transcryptors as were stolen.
fn stolen_factors(set: &[&Loot], seeds: &[Seeds], claims: &mut Claims) {
    let mut holders: HashMap<[u8; 32], Vec<Handle>> = HashMap::new();
    let mut to_registry: HashMap<String, curve25519_dalek::scalar::Scalar> = HashMap::new();
    let mut bare = |party: &str, point: RistrettoPoint| -> Option<[u8; 32]> {
        let known = to_registry.get(party).copied();
        let factor = match known {
            Some(factor) => factor,
            None => {
                let factor = factors::to_registry(seeds, party)?;
                to_registry.insert(party.to_owned(), factor);
                factor
            }
        };
        Some((factor * point).compress().to_bytes())
    };
    for loot in set.iter().filter(|one| one.is_institution()) {
        for customer in linked(loot) {
            let code = customer.code.as_deref().and_then(factors::point);
            if let Some(point) = code.and_then(|code| bare(&loot.id, code)) {
                holders.entry(point).or_default().push(number(loot, customer));
            }
        }
    }
    for (anchor, point, _) in set.iter().flat_map(|one| &one.residents) {
        if let Some(point) = point.as_deref().and_then(|point| point.try_into().ok()) {
            holders.entry(point).or_default().push(Handle::Resident(anchor.clone()));
        }
    }
    for people in holders.values() {
        for (at, one) in people.iter().enumerate() {
            for other in people.iter().skip(at + 1).filter(|other| !same_place(one, other)) {
                claims.guess("stolen factors", one.clone(), other.clone());
            }
        }
    }
    let party = |session: &str| session.split('/').nth(2).map(str::to_owned);
    for loot in set {
        for row in loot.table("converted") {
            let text = |name: &str| row.cells.get(name).and_then(|cell| std::str::from_utf8(cell).ok());
            let (Some(from), Some(to)) = (text("from_session"), text("to_session")) else { continue };
            let (Some(from_party), Some(to_party)) = (party(from), party(to)) else { continue };
            // Inquiries tie two institutions by what they are; issues tie nobody, unless they are opened.
            if from_party != "registry" || to_party == "portal" {
                continue;
            }
            for (column, session, domain) in [("codes", from, &from_party), ("outputs", to, &to_party)] {
                let Some(key) = factors::session_key(seeds, &loot.blinded, session) else { continue };
                for code in row.cells.get(column).map_or(&[][..], Vec::as_slice).chunks(64) {
                    let point = factors::decrypt(code, &key).and_then(|point| bare(domain, point));
                    let Some(point) = point else { continue };
                    claims.unnamed.entry(point.to_vec()).or_default().insert(to_party.clone());
                    let resident = holders.get(&point).into_iter().flatten().find_map(|one| match one {
                        Handle::Resident(anchor) => Some(anchor.clone()),
                        _ => None,
                    });
                    if let Some(anchor) = resident {
                        claims.named.insert(point.to_vec(), anchor);
                    }
                }
            }
        }
    }
}
