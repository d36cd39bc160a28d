//! Schemes 3, 4 and 5: conversion tables. They differ in who shares a code.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use house::BoxFuture;
use seal::{CoreKey, Dice, LinkCode, OpenCode};
use store::{Db, Read, StoreError, Write, params};
use words::{Domain, PartyId, Scheme};

use super::{OpenError, OpenScheme, StorageStats};

/// Whether an institution holds the Individual Number, as the law's documents of the core have it.
pub type HoldsNumber = Arc<dyn Fn(&PartyId) -> bool + Send + Sync>;

/// Who shares a code.
#[derive(Clone)]
pub enum Grain {
    /// 3: every institution has its own, of each epoch.
    EachInstitution,
    /// 4: those that hold the Individual Number have one, the others the other.
    ByNumber(HoldsNumber),
    /// 5: everybody has the same.
    OneForAll,
}

impl Grain {
    /// The table's name for who shares the codes of `domain`.
    fn holders(&self, domain: &Domain) -> String {
        match self {
            Self::EachInstitution => domain.to_string(),
            Self::ByNumber(holds) if holds(&domain.party) => "with-number".into(),
            Self::ByNumber(_) => "without-number".into(),
            Self::OneForAll => "everybody".into(),
        }
    }

    const fn scheme(&self) -> Scheme {
        match self {
            Self::EachInstitution => Scheme::Table,
            Self::ByNumber(_) => Scheme::TableOfTwo,
            Self::OneForAll => Scheme::Single,
        }
    }
}

/// The driver: its tables in the core's database.
pub struct Tables {
    db: Db,
    core: Arc<CoreKey>,
    dice: Dice,
    grain: Grain,
    /// Holders' numbers, which never change.
    holders: Arc<RwLock<HashMap<String, i64>>>,
}

/// The code that the holder of another code of the same person has.
const OTHER: &str = "SELECT there.code FROM link_code here JOIN link_code there ON there.person = here.person AND there.holder = $3 \
                     WHERE here.holder = $1 AND here.code = $2";
const PERSON: &str = "SELECT person FROM link_code WHERE holder = $1 AND code = $2";
/// So many codes are looked up where the caller stands.
const FEW: usize = 8;
const HOLDER: &str = "SELECT holder FROM code_holder WHERE name = $1";

impl Tables {
    /// Tables in `db`, which has [`crate::MIGRATIONS`].
    pub fn new(db: Db, core: Arc<CoreKey>, dice: Dice, grain: Grain) -> Self {
        Self { db, core, dice, grain, holders: Arc::default() }
    }

    /// A holder's number where it is known already: a look-up saved for each conversion.
    fn known_holder(&self, name: &str) -> Option<i64> {
        self.holders.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    async fn look(
        &self,
        codes: &Arc<Vec<OpenCode>>,
        from: &str,
        to: &str,
    ) -> Result<Vec<Option<OpenCode>>, OpenError> {
        let codes = Arc::clone(codes);
        if let (Some(here), Some(there)) = (self.known_holder(from), self.known_holder(to)) {
            return match codes.len() {
                ..=FEW => self.db.look("convert", move |read| look(read, &codes, here, Some(there))).await,
                _ => self.db.read("convert", move |read| look(read, &codes, here, Some(there))).await,
            };
        }
        let (from, to, known) = (from.to_owned(), to.to_owned(), Arc::clone(&self.holders));
        self.db
            .read("convert", move |read| {
                let mut named = |name: &String| -> Result<Option<i64>, StoreError> {
                    let number = read.row(HOLDER, &params![name])?.map(|row| row.int(0)).transpose()?;
                    let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
                    known.extend(number.map(|number| (name.clone(), number)));
                    Ok(number)
                };
                let (here, there) = (named(&from)?, named(&to)?);
                look(read, &codes, here.ok_or(OpenError::UnknownCode)?, there)
            })
            .await
    }

    async fn convert_batch(
        &self,
        codes: Vec<OpenCode>,
        from: Domain,
        to: Domain,
    ) -> Result<Vec<OpenCode>, OpenError> {
        let (from, to) = (self.grain.holders(&from), self.grain.holders(&to));
        let codes = Arc::new(codes);
        let found = self.look(&codes, &from, &to).await?;
        if found.iter().all(Option::is_some) {
            return Ok(found.into_iter().flatten().collect());
        }
        // Somebody was never given a code there: the table gives one now, as it would at the issue.
        let dice = self.dice.clone();
        self.db
            .write("convert_anew", move |write| {
                let (here, there) = (holder(write, &from)?, holder(write, &to)?);
                let convert = |code: &OpenCode| -> Result<OpenCode, OpenError> {
                    let row = write.row(PERSON, &params![here, code.drawn()?])?;
                    let person = row.ok_or(OpenError::UnknownCode)?.int(0)?;
                    Ok(code_of(write, person, there, &dice)?)
                };
                codes.iter().map(convert).collect()
            })
            .await
    }
}

/// The other codes, where there are some; refuses a code that `here` was not given.
fn look(
    read: &mut Read<'_>,
    codes: &[OpenCode],
    here: i64,
    there: Option<i64>,
) -> Result<Vec<Option<OpenCode>>, OpenError> {
    let mut convert = |code: &OpenCode| -> Result<Option<OpenCode>, OpenError> {
        let code = code.drawn()?;
        if let Some(there) = there
            && let Some(row) = read.row(OTHER, &params![here, code, there])?
        {
            return Ok(Some(OpenCode::from_drawn(&row.array::<16>(0)?)?));
        }
        let known = read.row(PERSON, &params![here, code])?.is_some();
        if known { Ok(None) } else { Err(OpenError::UnknownCode) }
    };
    codes.iter().map(&mut convert).collect()
}

/// The number of a holder's name; made at its first use.
fn holder(write: &mut Write<'_>, name: &str) -> Result<i64, StoreError> {
    if let Some(row) = write.row(HOLDER, &params![name])? {
        return row.int(0);
    }
    let next =
        "INSERT INTO code_holder (holder, name) SELECT COALESCE(MAX(holder), 0) + 1, $1 FROM code_holder";
    write.execute(next, &params![name])?;
    write.row(HOLDER, &params![name])?.ok_or(StoreError::Closed)?.int(0)
}

/// The person of a handle, entered at the first use; whether it was entered now.
fn person(write: &mut Write<'_>, handle: &[u8; 16]) -> Result<(i64, bool), StoreError> {
    if let Some(row) = write.row("SELECT person FROM code_person WHERE handle = $1", &params![handle])? {
        return Ok((row.int(0)?, false));
    }
    let next = "INSERT INTO code_person (person, handle) SELECT COALESCE(MAX(person), 0) + 1, $1 FROM code_person \
                RETURNING person";
    Ok((write.row(next, &params![handle])?.ok_or(StoreError::Closed)?.int(0)?, true))
}

/// The code of a person at a holder; drawn at its first use.
fn code_of(write: &mut Write<'_>, person: i64, holder: i64, dice: &Dice) -> Result<OpenCode, StoreError> {
    const SELECT: &str = "SELECT code FROM link_code WHERE person = $1 AND holder = $2";
    match write.row(SELECT, &params![person, holder])? {
        Some(row) => OpenCode::from_drawn(&row.bytes(0)?).map_err(not_drawn),
        None => draw_code(write, person, holder, dice),
    }
}

fn not_drawn(_: seal::SealError) -> StoreError {
    StoreError::Constraint { what: "a code of the table is not 16 bytes".into() }
}

/// Draws a code for a person who has none at this holder. The key of the table makes codes of one holder differ: one that
/// was drawn before, for whomever, is drawn again.
fn draw_code(write: &mut Write<'_>, person: i64, holder: i64, dice: &Dice) -> Result<OpenCode, StoreError> {
    const INSERT: &str = "INSERT INTO link_code (holder, code, person) VALUES ($1, $2, $3) ON CONFLICT (holder, code) DO NOTHING";
    loop {
        let code = OpenCode::draw(dice);
        let drawn = code.drawn().map_err(not_drawn)?;
        if write.execute(INSERT, &params![holder, drawn, person])? == 1 {
            return Ok(code);
        }
    }
}

impl OpenScheme for Tables {
    fn scheme(&self) -> Scheme {
        self.grain.scheme()
    }

    fn issue(&self, people: Vec<LinkCode>, to: Domain) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>> {
        let handles: Vec<[u8; 16]> = people.iter().map(|one| self.core.handle(one)).collect();
        let (name, dice) = (self.grain.holders(&to), self.dice.clone());
        Box::pin(async move {
            self.db
                .write("issue_codes", move |write| {
                    let holder = holder(write, &name)?;
                    let issue = |handle: &[u8; 16]| match person(write, handle)? {
                        (person, true) => draw_code(write, person, holder, &dice),
                        (person, false) => code_of(write, person, holder, &dice),
                    };
                    handles.iter().map(issue).collect::<Result<Vec<_>, StoreError>>()
                })
                .await
                .map_err(OpenError::from)
        })
    }

    fn convert(
        &self,
        codes: Vec<OpenCode>,
        from: Domain,
        to: Domain,
    ) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>> {
        Box::pin(self.convert_batch(codes, from, to))
    }

    fn retire(&self, ended: Domain) -> BoxFuture<'_, Result<(), OpenError>> {
        let name = self.grain.holders(&ended);
        let own = matches!(self.grain, Grain::EachInstitution);
        Box::pin(async move {
            // What others share does not end with one institution's epoch.
            if !own {
                return Ok(());
            }
            self.db
                .write("retire_codes", move |write| {
                    let sql =
                        "DELETE FROM link_code WHERE holder = (SELECT holder FROM code_holder WHERE name = $1)";
                    write.execute(sql, &params![name]).map(|_| ())
                })
                .await
                .map_err(|error: StoreError| OpenError::Store(error))
        })
    }

    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, OpenError>> {
        Box::pin(async move {
            let [people, codes] = self
                .db
                .read("code_counts", |read| {
                    let mut count = |sql: &str| -> Result<u64, StoreError> {
                        let row = read.row(sql, &[])?.ok_or(StoreError::Closed)?;
                        Ok(u64::try_from(row.int(0)?).unwrap_or(0))
                    };
                    Ok::<_, StoreError>([
                        count("SELECT COUNT(*) FROM code_person")?,
                        count("SELECT COUNT(*) FROM link_code")?,
                    ])
                })
                .await?;
            // The key behind the handles: without it new issues find nobody's row, while conversions go on.
            Ok(StorageStats { key_bytes: 32, people, codes })
        })
    }
}
