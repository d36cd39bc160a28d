//! A country in small: the core's database and keys, each institution's database and key, and the truth of who is who.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use conversion::scheme::{Blind, End, HoldsNumber, OpenCore, OpenScheme, PassOn, Passage, open_scheme};
use conversion::{LinkCodeScheme, MIGRATIONS, Place};
use seal::{
    Dice, EncryptedCode, GlobalKeys, IndividualNumber, KeyFolder, LinkCode, OpenCode, PersonPoint,
    SessionSecret, StorageKey, TranscryptorSecrets,
};
use store::{Db, Location, params};
use words::{ActId, Date, Domain, Epoch, PartyId, Reason, Scheme, SessionName};
use world::World;

/// Institutions that hold the Individual Number, then those that do not.
pub(super) const HOLDERS: [&str; 3] = ["town", "tax", "pension"];
pub(super) const OTHERS: [&str; 2] = ["bank", "hospital"];

/// An institution's own table: number, sealed code, keyed index of the code. As the gateway's, with nothing else in it.
const CUSTOMERS: store::Migrations = store::Migrations {
    owner: "lab",
    steps: &[(
        1,
        "customer",
        "CREATE TABLE customer (customer_index BYTEA NOT NULL PRIMARY KEY, number BYTEA NOT NULL, \
         code_index BYTEA UNIQUE, code BYTEA)",
    )],
};

/// What passes a core: kept sealed for a day, as the room keeps it.
const PASSED: store::Migrations = store::Migrations {
    owner: "passed",
    steps: &[(
        1,
        "passed",
        "CREATE TABLE passed (act BYTEA NOT NULL PRIMARY KEY, from_session TEXT NOT NULL, to_session TEXT NOT NULL, \
         code_in BYTEA NOT NULL, code_out BYTEA NOT NULL)",
    )],
};

pub(super) struct Lab {
    pub(super) scheme: Scheme,
    pub(super) folder: PathBuf,
    pub(super) dice: Dice,
    pub(super) persons: u32,
    pub(super) global: GlobalKeys,
    pub(super) core: Db,
    pub(super) drivers: [Box<dyn LinkCodeScheme>; 2],
    halves: [Arc<TranscryptorSecrets>; 2],
    sessions: BTreeMap<(String, u32), Arc<(End, SessionSecret)>>,
    people: Vec<EncryptedCode>,
}

pub(super) fn refused(reason: Reason) -> anyhow::Error {
    anyhow!("{} ({reason})", reason.in_english())
}

pub(super) fn dice() -> Dice {
    let world = World::real();
    Dice::new(move |buffer| world.fill(buffer))
}

/// Who is a customer where: four in five, drawn by number so that every scheme has the same people.
pub(super) fn is_customer(person: u32, institution: &str) -> bool {
    let hash = seal::sha256_parts(&[&person.to_be_bytes(), institution.as_bytes()]);
    hash.first().is_some_and(|byte| byte % 5 != 0)
}

/// The number of a person at an institution: nothing in it says who.
pub(super) fn customer_number(person: u32, institution: &str) -> String {
    let hash = seal::sha256_parts(&[b"customer", institution.as_bytes(), &person.to_be_bytes()]);
    words::hex(hash.get(..8).unwrap_or_default())
}

/// Both bodies' drivers, and the secrets they rest on.
type Bodies = ([Box<dyn LinkCodeScheme>; 2], [Arc<TranscryptorSecrets>; 2]);

/// The drivers of both bodies, from what lies in their folders.
pub(super) fn drivers(
    scheme: Scheme,
    folder: &Path,
    core: &Db,
    global: &GlobalKeys,
    dice: &Dice,
) -> Result<Bodies> {
    let keys = |room: &str| KeyFolder::new(folder.join(room).join("keys"));
    let halves = [Arc::new(keys("linkage").transcryptor()?), Arc::new(keys("trustee").transcryptor()?)];
    let [first, last] = halves.clone();
    if scheme.is_blind() {
        let drivers: [Box<dyn LinkCodeScheme>; 2] =
            [Box::new(Blind::new(first, Place::First)), Box::new(Blind::new(last, Place::Last))];
        return Ok((drivers, halves));
    }
    let open = own_scheme(scheme, folder, core, dice)?;
    let core: Box<dyn LinkCodeScheme> =
        Box::new(OpenCore::new([first, last], global.clone(), dice.clone(), open));
    Ok(([core, Box::new(PassOn(scheme))], halves))
}

fn own_scheme(scheme: Scheme, folder: &Path, core: &Db, dice: &Dice) -> Result<Arc<dyn OpenScheme>> {
    let key = Arc::new(KeyFolder::new(folder.join("linkage/keys")).core(Some(dice))?);
    let holds: HoldsNumber = Arc::new(|party: &PartyId| HOLDERS.contains(&party.as_str()));
    open_scheme(scheme, &key, core, dice, holds).context("the scheme's driver")
}

impl Lab {
    pub(super) async fn make(scheme: Scheme, folder: &Path, persons: u32) -> Result<Self> {
        let dice = dice();
        let dealt = seal::deal(2, &dice)?;
        let keys = |room: &str| KeyFolder::new(folder.join(room).join("keys"));
        for (room, secrets) in ["linkage", "trustee"].into_iter().zip(&dealt.transcryptors) {
            keys(room).write_transcryptor(secrets)?;
            keys(room).storage(&dice, true)?;
        }
        if let (false, [_, second]) = (scheme.is_blind(), dealt.transcryptors.as_slice()) {
            keys("linkage").write_second_transcryptor(second)?;
        }
        // What everybody may know.
        std::fs::write(folder.join("global.json"), serde_json::to_vec(&dealt.global)?)?;
        let core = Self::open_core(folder).await?;
        let (drivers, halves) = drivers(scheme, folder, &core, &dealt.global, &dice)?;
        let mut lab = Self {
            scheme,
            folder: folder.to_owned(),
            dice,
            persons,
            global: dealt.global,
            core,
            drivers,
            halves,
            sessions: BTreeMap::new(),
            people: Vec::new(),
        };
        lab.people = lab.registered()?;
        Ok(lab)
    }

    /// The scheme's own step, where a core sees codes.
    pub(super) fn open_scheme(&self) -> Result<Option<Arc<dyn OpenScheme>>> {
        if self.scheme.is_blind() {
            return Ok(None);
        }
        own_scheme(self.scheme, &self.folder, &self.core, &self.dice).map(Some)
    }

    pub(super) async fn open_core(folder: &Path) -> Result<Db> {
        let path = folder.join("linkage/linkage.db");
        Ok(Db::open(&Location::Sqlite(path), &[MIGRATIONS, PASSED]).await?)
    }

    /// How the registry names each person: an encrypted point, or under scheme 1 the encrypted number.
    fn registered(&mut self) -> Result<Vec<EncryptedCode>> {
        let registry = self.session("registry", 0)?;
        let key = KeyFolder::new(self.folder.join("registry/keys")).person(Some(&self.dice))?;
        let mut numbers = std::collections::HashSet::new();
        let mut people = Vec::new();
        for person in 0..self.persons {
            let point = if self.scheme == Scheme::Number {
                // A number is never given twice.
                loop {
                    let code = OpenCode::of_number(&IndividualNumber::draw(&self.dice));
                    if numbers.insert(code.clone()) {
                        break PersonPoint::from(code.to_link_code()?);
                    }
                }
            } else {
                key.person(&seal::sha256(&person.to_be_bytes()))
            };
            people.push(point.encrypt(&registry.0.key, &self.dice));
        }
        Ok(people)
    }

    /// A party's session in an epoch.
    pub(super) fn session(&mut self, party: &str, epoch: u32) -> Result<Arc<(End, SessionSecret)>> {
        if let Some(session) = self.sessions.get(&(party.to_owned(), epoch)) {
            return Ok(Arc::clone(session));
        }
        let id = PartyId::parse(party)?;
        let name = SessionName::new(&id, Date::new(2026, 11, 22)?, epoch);
        let mut key = self.global.public;
        for half in &self.halves {
            key = half.extend_session_key(&name, &key, &self.dice)?.key;
        }
        let shares = self.halves.iter().map(|half| half.share(&name)).collect::<Result<Vec<_>, _>>()?;
        let secret = SessionSecret::assemble(&self.global, &shares, &key)?;
        let end = End { domain: Domain::new(id, Epoch(epoch)), session: name, key };
        let session = Arc::new((end, secret));
        self.sessions.insert((party.to_owned(), epoch), Arc::clone(&session));
        Ok(session)
    }

    /// Codes of people for an institution, the whole way: in as the registry names them, out as it opens them.
    pub(super) async fn issue(&mut self, people: &[u32], to: &str) -> Result<Vec<LinkCode>> {
        let (from, to) = (self.session("registry", 0)?, self.session(to, 0)?);
        let mut codes: Vec<EncryptedCode> =
            people.iter().filter_map(|person| self.people.get(*person as usize).copied()).collect();
        for driver in &self.drivers {
            codes = driver.issue(self.passage(&from.0, &to.0), codes).await.map_err(refused)?;
        }
        Ok(codes.iter().map(|code| to.1.decrypt(code)).collect::<Result<_, _>>()?)
    }

    pub(super) fn passage(&self, from: &End, to: &End) -> Passage {
        Passage { id: ActId::batch(self.dice.bytes()), batch: true, from: from.clone(), to: to.clone() }
    }

    /// Codes converted the whole way; what went in and came out of the first body, too.
    pub(super) async fn convert(
        &mut self,
        codes: &[LinkCode],
        from: (&str, u32),
        to: (&str, u32),
    ) -> Result<Result<Vec<LinkCode>, Reason>> {
        let (from, to) = (self.session(from.0, from.1)?, self.session(to.0, to.1)?);
        let mut encrypted: Vec<EncryptedCode> =
            codes.iter().map(|code| code.encrypt(&from.0.key, &self.dice)).collect();
        for driver in &self.drivers {
            encrypted = match driver.convert(self.passage(&from.0, &to.0), encrypted).await {
                Ok(codes) => codes,
                Err(reason) => return Ok(Err(reason)),
            };
        }
        Ok(Ok(encrypted.iter().map(|code| to.1.decrypt(code)).collect::<Result<_, _>>()?))
    }

    /// One conversion after another as inquiries make them, kept by the first body as its room keeps them for a day.
    pub(super) async fn convert_and_keep(
        &mut self,
        code: &LinkCode,
        from: &str,
        to: &str,
    ) -> Result<LinkCode> {
        let (from, to) = (self.session(from, 0)?, self.session(to, 0)?);
        let given_in = code.encrypt(&from.0.key, &self.dice);
        let mut codes = vec![given_in];
        let mut first = None;
        for driver in &self.drivers {
            codes = driver.convert(self.passage(&from.0, &to.0), codes).await.map_err(refused)?;
            first = first.or(codes.first().copied());
        }
        let out = codes.first().context("a code")?;
        let key = KeyFolder::new(self.folder.join("linkage/keys")).storage(&self.dice, false)?;
        let act: [u8; 16] = self.dice.bytes();
        let seal = |column: &str, code: &EncryptedCode| key.seal("passed", &act, column, &code.to_bytes());
        let row = params![
            act,
            from.0.session.as_str(),
            to.0.session.as_str(),
            seal("code_in", &given_in),
            seal("code_out", &first.context("a half")?)
        ];
        self.core
            .write("passed", move |write| {
                let sql = "INSERT INTO passed (act, from_session, to_session, code_in, code_out) VALUES ($1, $2, $3, $4, $5)";
                write.execute(sql, &row)
            })
            .await
            .map_err(|error: store::StoreError| anyhow!(error))?;
        Ok(to.1.decrypt(out)?)
    }

    /// Gives an institution codes of its customers and writes its database.
    pub(super) async fn furnish(&mut self, institution: &str) -> Result<Vec<(u32, LinkCode)>> {
        let customers: Vec<u32> =
            (0..self.persons).filter(|person| is_customer(*person, institution)).collect();
        let codes = self.issue(&customers, institution).await?;
        let key = KeyFolder::new(self.folder.join(institution).join("keys")).storage(&self.dice, true)?;
        let held: Vec<(u32, LinkCode)> = customers.into_iter().zip(codes).collect();
        let mut rows: Vec<_> =
            held.iter().map(|(person, code)| row(&key, institution, *person, code)).collect();
        // Not in the order of the people.
        rows.sort_by_key(|one| one.0);
        let path = self.folder.join(institution).join(format!("{institution}.db"));
        let db = Db::open(&Location::Sqlite(path), &[CUSTOMERS]).await?;
        db.write("customers", move |write| {
            rows.iter().try_for_each(|(index, number, code_index, code)| {
                let sql =
                    "INSERT INTO customer (customer_index, number, code_index, code) VALUES ($1, $2, $3, $4)";
                write
                    .execute(sql, &params![index, number.as_slice(), code_index, code.as_slice()])
                    .map(|_| ())
            })
        })
        .await
        .map_err(|error: store::StoreError| anyhow!(error))?;
        db.close().await;
        Ok(held)
    }

    /// The bytes of a database's file, with its log.
    pub(super) fn bytes_of(&self, room: &str) -> u64 {
        let file = |end: &str| {
            let path = self.folder.join(room).join(format!("{room}.db{end}"));
            std::fs::metadata(path).map_or(0, |file| file.len())
        };
        file("") + file("-wal")
    }

    /// Closes and opens the core's database, so that its file is what it holds.
    pub(super) async fn settle_core(&mut self) -> Result<()> {
        self.core.clone().close().await;
        self.core = Self::open_core(&self.folder).await?;
        (self.drivers, self.halves) =
            drivers(self.scheme, &self.folder, &self.core, &self.global, &self.dice)?;
        Ok(())
    }
}

type Customer = ([u8; 32], Vec<u8>, [u8; 32], Vec<u8>);

fn row(key: &StorageKey, institution: &str, person: u32, code: &LinkCode) -> Customer {
    let number = customer_number(person, institution);
    let index = key.index("customer", number.as_bytes());
    let sealed = key.seal("customer", &index, "number", number.as_bytes());
    (index, sealed, key.index_code(code), key.seal_code("customer", &index, code))
}
