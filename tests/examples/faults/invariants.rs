//! What must hold whatever happened: told acts are recorded on every side, once; ledgers go on from every checkpoint that was
//! ever seen; what clerks were told is right, and in time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use demo::{Expected, PlannedInquiry};
use ledger::{Checkpoint, Note};
use musubi::desk;
use musubi::verify_log::{VerifyLogArgs, verify};
use protocol::audit::{Finding, RECONCILIATIONS, Reconcile, Reconciliation};
use rusqlite::Connection;
use words::{ActId, Reason};
use world::{Stopwatch, World};

use crate::asking::{Call, End, Told, as_planned};
use crate::country::Country;
use crate::kinds::Done;

/// How long an inquirer waits for its reply (DESIGN §7), ms.
const DEADLINE_MS: i64 = 10_000;
/// How long a repeat waits for the first arrival, ms.
const REPEAT_MS: i64 = 12_000;
/// How long a room that just started waits for a witness, ms.
const FIRST_SIGHT_MS: i64 = 10_000;
/// What a busy machine may take on top, ms.
const SLACK_MS: i64 = 5_000;

/// States of an act in a room's own table.
const DECIDED: i64 = 0;
const DONE: i64 = 1;
const REFUSED: i64 = 2;
const FAILED: i64 = 3;
const UNKNOWN: i64 = 4;

/// What a fault may look at besides the country.
pub struct Around<'a> {
    /// What clerks were told so far.
    pub told: &'a Told,
    /// Checkpoints seen so far.
    pub checkpoints: &'a Checkpoints,
    /// How long oversight stays away.
    pub away: Duration,
}

/// Judges the calls of a round.
pub fn calls(calls: &[Call], inquiries: &[PlannedInquiry], done: &Done, begun: i64) -> Vec<String> {
    let by_n: HashMap<usize, &PlannedInquiry> = inquiries.iter().map(|one| (one.n, one)).collect();
    let mut faults = Vec::new();
    let mut contents: HashMap<ActId, &serde_json::Value> = HashMap::new();
    for call in calls {
        let Some(inquiry) = by_n.get(&call.inquiry) else { continue };
        let of_victim = inquiry.inquirer.as_str() == done.victim;
        // A room that stands still tells nobody anything.
        let excused = of_victim && done.stood_still;
        let wait = if call.again { REPEAT_MS.max(DEADLINE_MS) } else { DEADLINE_MS };
        let started = if of_victim { FIRST_SIGHT_MS } else { 0 };
        if call.took_ms > wait + started + SLACK_MS && !excused {
            faults.push(format!(
                "act {} at {}: told after {} ms: {:?}",
                call.id,
                inquiry.inquirer.as_str(),
                call.took_ms,
                short(&call.end)
            ));
        }
        let right = match (&call.end, &inquiry.expected) {
            (End::Content(got), Expected::Answered { content }) => got == content,
            (End::Content(_), _) | (End::Nonsense, _) => false,
            (End::Hung, _) => excused,
            (End::Gone, _) => of_victim,
            (End::Problem(_), _) => true,
        };
        if !right {
            faults.push(format!(
                "act {} ({} → {}, {}) {} ms after the round began: {}",
                call.id,
                inquiry.inquirer.as_str(),
                inquiry.provider.as_str(),
                inquiry.item,
                call.sent - begun,
                short(&call.end)
            ));
        }
        if done.served_from.is_some_and(|from| call.sent >= from) && !as_planned(inquiry, &call.end) {
            faults.push(format!(
                "act {} was told {} {} ms after the round began, though a replica was there",
                call.id,
                short(&call.end),
                call.sent - begun
            ));
        }
        if let End::Content(content) = &call.end
            && *contents.entry(call.id).or_insert(content) != content
        {
            faults.push(format!("act {}: one id, two answers", call.id));
        }
    }
    faults
}

/// An end without its content.
pub fn short(end: &End) -> String {
    match end {
        End::Content(_) => "answered".into(),
        End::Problem(reason) => reason.as_str().into(),
        End::Gone => "broke off".into(),
        End::Hung => "no word".into(),
        End::Nonsense => "nonsense".into(),
    }
}

/// How one room stands with its acts.
pub struct Acts {
    /// State by verb and id.
    states: HashMap<(String, [u8; 16]), i64>,
}

impl Acts {
    /// An act's state under a verb.
    pub fn state(&self, verb: &str, act: &ActId) -> Option<i64> {
        self.states.get(&(verb.to_owned(), *act.bytes())).copied()
    }
}

/// How often a step of one act and verb is recorded.
#[derive(Clone, Copy, Default)]
struct Steps {
    decisions: usize,
    outcomes: usize,
}

fn open(country: &Country, id: &str) -> Result<Connection> {
    let database = Connection::open(country.database(id))?;
    database.busy_timeout(Duration::from_secs(10))?;
    Ok(database)
}

/// Reads a room's acts, and says what is doubled or missing among its own records.
pub fn acts(database: &Connection, id: &str, faults: &mut Vec<String>) -> Result<Acts> {
    let mut acts = Acts { states: HashMap::new() };
    // One state of the database for all that follows.
    let database = database.unchecked_transaction()?;
    // Once through the records in their order: looked up act by act they would be read from all over the file.
    let mut steps: HashMap<([u8; 16], String), Steps> = HashMap::new();
    let mut recovered: HashMap<[u8; 16], usize> = HashMap::new();
    let mut statement = database.prepare("SELECT act, verb, step FROM leaf")?;
    let mut rows = statement.query([])?;
    let mut loose = 0;
    while let Some(row) = rows.next()? {
        let (act, verb, step): (Option<[u8; 16]>, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let Some(act) = act else {
            loose += usize::from(step == "decision");
            continue;
        };
        if verb == "recover" && step == "outcome" {
            *recovered.entry(act).or_default() += 1;
        }
        let of = steps.entry((act, verb)).or_default();
        of.decisions += usize::from(step == "decision");
        of.outcomes += usize::from(step == "outcome");
    }
    let mut statement = database.prepare("SELECT id, verb, state FROM act")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (act, verb, state): ([u8; 16], String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = (act, verb);
        let Steps { decisions, outcomes } = steps.remove(&key).unwrap_or_default();
        let recovered = recovered.get(&act).copied().unwrap_or_default();
        let right = match state {
            DECIDED => outcomes == 0,
            DONE | FAILED => outcomes == 1,
            REFUSED => outcomes <= 1,
            UNKNOWN => outcomes == 0 && recovered >= 1,
            _ => false,
        };
        let (act, verb) = key;
        if decisions != 1 || !right {
            let act = ActId::new(act);
            faults.push(format!("{id}: act {act} ({verb}, state {state}) has {decisions} decisions, {outcomes} outcomes, {recovered} closed after a crash"));
        }
        acts.states.insert((verb, act), state);
    }
    // What is left belongs to no act.
    loose += steps.values().map(|of| of.decisions).sum::<usize>();
    let (leaves, last): (i64, i64) =
        database.query_row("SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM leaf", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if loose > 0 || leaves != last {
        faults.push(format!(
            "{id}: {loose} decisions without their act; {leaves} records, numbered up to {last}"
        ));
    }
    Ok(acts)
}

/// What must stand where after a call.
pub struct Must<'a> {
    /// In one of these rooms: one alone, but for the trustee's replicas.
    pub rooms: Vec<&'a str>,
    /// Under which verb.
    pub verb: &'static str,
    /// In which state.
    pub state: i64,
}

/// What must stand where after a call.
pub fn must<'a>(country: &'a Country, call: &Call) -> Vec<Must<'a>> {
    let Some(inquiry) = country.inquiries.iter().find(|one| one.n == call.inquiry) else { return Vec::new() };
    let (asked, answered) = match &call.end {
        End::Content(_) => (DONE, DONE),
        End::Problem(Reason::NotAnswered) => (FAILED, REFUSED),
        _ => return Vec::new(),
    };
    let must = |rooms, verb, state| Must { rooms, verb, state };
    vec![
        must(vec![inquiry.inquirer.as_str()], "ask", asked),
        must(vec!["linkage"], "inquire", DONE),
        must(country.trustees().collect(), "inquire", DONE),
        must(vec![inquiry.provider.as_str()], "answer", answered),
    ]
}

/// The acts that the trustee's replicas besides `id` brought to their end; none where `id` is no replica.
pub fn taken_elsewhere(country: &Country, id: &str) -> Result<HashSet<[u8; 16]>> {
    let mut taken = HashSet::new();
    let is_one = country.trustees().any(|replica| replica == id);
    for other in country.trustees().filter(|other| is_one && *other != id) {
        let others = acts(&open(country, other)?, other, &mut Vec::new())?;
        taken.extend(others.states.iter().filter(|(_, state)| **state == DONE).map(|((_, act), _)| *act));
    }
    Ok(taken)
}

/// Holds every call ever made against the records of every room.
pub fn records(country: &Country, calls: &[Call]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut rooms = BTreeMap::new();
    for id in country.rooms() {
        let database = open(country, &id)?;
        let of = acts(&database, &id, &mut faults).with_context(|| format!("reading the records of {id}"))?;
        rooms.insert(id, of);
    }
    for call in calls {
        for Must { rooms: any, verb, state } in must(country, call) {
            let is = |room: &&str| rooms.get(*room).and_then(|acts| acts.state(verb, &call.id));
            let are: Vec<_> = any.iter().map(is).collect();
            if !are.contains(&Some(state)) {
                let (end, any) = (short(&call.end), any.join(", "));
                faults.push(format!(
                    "act {} was told ({end}), but {any} has it as {are:?} under {verb}",
                    call.id
                ));
            }
        }
    }
    Ok(faults)
}

/// How long parcels may take to arrive after the last fault: the longest wait for a next try, and a second one.
const DELIVERED_WITHIN: Duration = Duration::from_secs(70);

/// How long oversight may take until it can judge the last act.
const JUDGED_WITHIN: Duration = Duration::from_secs(180);

/// What must hold once everything has arrived: each answered act is in a person's index once, oversight finds nothing wrong
/// with it, and no act stays open. Gives how many answered acts were held against it.
pub async fn at_end(country: &Country, calls: &[Call], faults: &mut Vec<String>) -> Result<usize> {
    let answered: HashSet<[u8; 16]> = calls
        .iter()
        .filter(|call| matches!(call.end, End::Content(_)))
        .map(|call| *call.id.bytes())
        .collect();
    let watch = Stopwatch::start();
    loop {
        let missing = indexed(country, &answered)?;
        if missing.is_empty() {
            break;
        }
        if watch.elapsed() > DELIVERED_WITHIN {
            faults.extend(missing);
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    for id in country.rooms() {
        let left: i64 = open(country, &id)?.query_row(
            "SELECT COUNT(*) FROM act WHERE state = 0 AND decided_at < ?1",
            [World::real().now() - 60_000],
            |row| row.get(0),
        )?;
        if left > 0 {
            faults.push(format!("{id}: {left} acts stay open"));
        }
    }
    let officer = desk::client(country.section("oversight")?, "officer")?;
    let found = loop {
        let found: Reconciliation = officer
            .post(RECONCILIATIONS, &Reconcile::default(), Duration::from_secs(120))
            .await
            .map_err(|error| anyhow::anyhow!("reconciliation: {error}"))?;
        // Young acts are still under way to oversight.
        if found.not_judged == 0 || watch.elapsed() > JUDGED_WITHIN {
            break found;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    };
    if found.not_judged > 0 || found.agreed < answered.len() {
        faults.push(format!("oversight judged all but {} acts; {} agree", found.not_judged, found.agreed));
    }
    let of_answered = |finding: &&Finding| finding.act.is_some_and(|act| answered.contains(act.bytes()));
    for finding in found.findings.iter().filter(of_answered) {
        faults.push(format!("oversight finds {finding:?}"));
    }
    for ledger in found.ledgers.iter().filter(|ledger| ledger.verified != Some(true)) {
        faults.push(format!("oversight cannot verify the ledger of {}", ledger.party));
    }
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for finding in found.findings.iter().filter(|finding| !of_answered(finding)) {
        *others.entry(format!("{:?}", finding.kind)).or_default() += 1;
    }
    println!(
        "at the end: {} acts reconciled, {} agree; {} answered acts; findings about others: {others:?}",
        found.acts,
        found.agreed,
        answered.len()
    );
    Ok(answered.len())
}

/// Answered acts that are in no index, or in several.
fn indexed(country: &Country, answered: &HashSet<[u8; 16]>) -> Result<Vec<String>> {
    let database = open(country, "portal")?;
    let mut statement = database.prepare("SELECT act, COUNT(*) FROM entry GROUP BY act")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?)))?;
    let entries: HashMap<[u8; 16], i64> = rows.collect::<Result<_, _>>()?;
    let wrong = answered.iter().filter(|act| entries.get(*act) != Some(&1));
    Ok(wrong
        .map(|act| {
            format!(
                "act {} is answered and {} times in an index",
                ActId::new(*act),
                entries.get(act).unwrap_or(&0)
            )
        })
        .collect())
}

/// Every checkpoint that anybody has seen, by party and size.
#[derive(Clone, Default)]
pub struct Checkpoints(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// The root, and when it was seen first, ms since 1970.
    roots: BTreeMap<(String, u64), (ledger::Hash, i64)>,
    faults: Vec<String>,
}

impl Checkpoints {
    fn note(&self, country: &std::path::Path, text: &str) -> Result<()> {
        let note = Note::parse(text)?;
        let head = Checkpoint::parse(&note.text)?;
        let party = head.origin.strip_prefix("musubi/").context("a party's ledger")?.to_owned();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.roots.get(&(party.clone(), head.size)) {
            Some((before, _)) if *before != head.root => {
                seen.faults.push(format!("{party}: two checkpoints of {} entries", head.size));
            }
            Some(_) => {}
            None => {
                seen.roots.insert((party.clone(), head.size), (head.root, World::real().now()));
                let folder = country.join("kept").join(&party).join("checkpoints");
                std::fs::create_dir_all(&folder)?;
                std::fs::write(folder.join(head.size.to_string()), text)?;
            }
        }
        Ok(())
    }

    /// Those of one party that had been seen by that moment, ms since 1970: size and root.
    pub fn seen_before(&self, party: &str, at: i64) -> Vec<(u64, ledger::Hash)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = seen.roots.iter().filter(|((of, _), (_, when))| of == party && *when < at);
        of.map(|((_, size), (root, _))| (*size, *root)).collect()
    }

    /// Looks at every room's published checkpoint, twice a second, from now on.
    pub fn watch(&self, country: &Country) -> tokio::task::JoinHandle<()> {
        let (own, folder) = (self.clone(), country.folder.path().to_owned());
        let rooms: Vec<_> =
            country.file.sections.iter().map(|section| section.settings.common.inner).collect();
        tokio::spawn(async move {
            loop {
                for address in &rooms {
                    let url = format!("http://{address}/ledger/checkpoint");
                    if let Ok((200, body)) = wire::get_plain(&url, Duration::from_millis(300)).await
                        && let Ok(text) = String::from_utf8(body)
                    {
                        let _ = own.note(&folder, &text);
                    }
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        })
    }

    /// Takes what each witness says it cosigned last.
    fn ask_witnesses(&self, country: &Country) -> Result<()> {
        for id in ["oversight", "authority", "linkage"].into_iter().chain(country.trustees()) {
            let database = open(country, id)?;
            let mut statement = database.prepare("SELECT note FROM witnessed")?;
            for note in statement.query_map([], |row| row.get::<_, String>(0))? {
                self.note(country.folder.path(), &note?)?;
            }
        }
        Ok(())
    }

    /// Verifies every ledger as anybody can, from every checkpoint seen so far. Gives how many checkpoints were held against
    /// the ledgers.
    pub async fn verify(&self, country: &Country, faults: &mut Vec<String>) -> Result<usize> {
        self.ask_witnesses(country)?;
        let mut held = 0;
        for id in country.rooms() {
            let args = VerifyLogArgs {
                source: id.clone(),
                country: None,
                config: Some(country.config()),
                keep: Some(country.folder.path().join("kept").join(&id)),
                json: false,
            };
            // A checkpoint may be seen, or cosigned, between two steps of this: what is wrong with a ledger lasts.
            let mut verified = verify(&args).await;
            for _ in 0..3 {
                if verified.is_err() {
                    tokio::time::sleep(Duration::from_millis(1_500)).await;
                    verified = verify(&args).await;
                }
            }
            match verified {
                Ok(verified) => {
                    held += verified.goes_on_from.len();
                    // A ledger that goes on from here goes on from all of them: the next time this one is enough.
                    let kept = country.folder.path().join("kept").join(&id).join("checkpoints");
                    for size in verified.goes_on_from.iter().filter(|size| **size < verified.size) {
                        std::fs::remove_file(kept.join(size.to_string()))?;
                    }
                }
                Err(error) => faults.push(format!("the ledger of {id}: {error:#}")),
            }
        }
        faults.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).faults);
        Ok(held)
    }
}
