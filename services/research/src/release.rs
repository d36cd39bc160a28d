//! Making a set: the engine under the joint constraint of all earlier releases of the domain, the ledger, the numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anonymity::{Further, Joint, Passed, Problem, Refused, Release, Settings, next_release};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::{House, json_bytes};
use protocol::research::{LeastChange, MadeSet, SetLine, SetState};
use road::{Failure, Protected, Record};
use rules::Operation;
use seal::{Locked, PurposeKey, lock};
use wire::Caller;
use words::{ActId, Reason};
use world::Stopwatch;
use zeroize::Zeroizing;

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::domains::{Domain, classes_as_bytes};
use crate::error::own_content;
use crate::judgement::NEEDED;
use crate::{Here, Research, store, table};

/// After so long the best so far is taken: it is as safe, and that it is not proved to be the best is told.
const LONGEST_SEARCH: Duration = Duration::from_secs(40);

/// The column of the numbers of a linkable set.
pub(crate) const NUMBER: &str = "number";

pub(crate) async fn release(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, wire::Problem> {
    here.0.release_set(&Insider::of(&caller)?, ActId::parse(&id)?).await.map(json_bytes)
}

impl Research {
    /// Has an approved set made; or says the least change that would let it be.
    pub(crate) async fn release_set(
        self: &Arc<Self>,
        who: &Insider,
        id: ActId,
    ) -> Result<Vec<u8>, wire::Problem> {
        let turn = self.turn().await;
        let set = self.set(id).await?;
        let hash = hash_of(&id);
        let deed = ReleaseSet { research: Arc::clone(self), set };
        self.take(who, self.fresh(), hash, turn, deed).await
    }
}

struct ReleaseSet {
    research: Arc<Research>,
    set: SetLine,
}

/// What the engine came to.
enum Worked {
    Made(Box<Made>),
    Refused(LeastChange),
}

struct Made {
    told: MadeSet,
    release: Release,
    csv: Vec<u8>,
    /// `number,person` lines, where the set is linkable.
    numbers: Option<Zeroizing<Vec<u8>>>,
    people: u64,
}

/// Searches, applies, and checks once more what must hold.
fn work(
    known: &Domain,
    history: &[Release],
    set: &SetLine,
    purpose: Option<&PurposeKey>,
) -> Result<Worked, Failure> {
    let internal = |what: &'static str| own_content(what);
    let content = &known.content;
    let problem = table::problem(&known.about, content, &set.ask).map_err(|fault| {
        Failure::with(Reason::WrongState, format!("The domain's table has changed: {fault}."))
    })?;
    let mut joint = Joint::of(content.people.len(), history);
    let sensitive: Vec<usize> = (0..problem.sensitive.len()).collect();
    let started = Stopwatch::start();
    let settings =
        Settings { threads: 1, go_on: &|| started.elapsed() < LONGEST_SEARCH, ..Settings::default() };
    let bounds = known.bounds();
    let further =
        Further { problem: &problem, people: &content.rows, joint: &joint, bounds, sensitive: &sensitive };
    let passed = match next_release(further, &settings).map_err(|_| internal("a problem"))? {
        Ok(passed) => passed,
        Err(refused) => return Ok(Worked::Refused(least_change(&problem, &refused))),
    };
    joint.add(&passed.release);
    let exposed = joint.exposed(bounds);
    // The engine says so already; nothing leaves on one word alone.
    if exposed.below_k > 0 || exposed.below_l > 0 {
        return Err(internal("a release that would expose somebody"));
    }
    let numbers: Option<Vec<String>> = purpose.map(|purpose| {
        let domain = known.about.id.as_str();
        (0..content.rows.len()).map(|row| purpose.number(domain, content.person(row))).collect()
    });
    let csv =
        written(known, set, &problem, &passed, numbers.as_deref()).ok_or_else(|| internal("a table"))?;
    let told = MadeSet {
        levels: named(&problem, &passed.applied.levels),
        rows: problem.rows() as u64,
        left_out: passed.applied.solution.suppressed,
        withheld: passed.withheld,
        classes: passed.applied.solution.classes,
        loss: loss(&problem, &passed),
        is_optimal: passed.is_optimal(),
        smallest_joint_class: exposed.smallest,
        sha256: words::hex(&seal::sha256(&csv)),
    };
    let numbers = numbers.map(|numbers| {
        let mut lines = Zeroizing::new(Vec::with_capacity(numbers.len() * 48));
        for (row, number) in numbers.iter().enumerate() {
            if passed.applied.kept.get(row) == Some(&true) {
                let line = Zeroizing::new(format!("{number} {}\n", content.person(row)));
                lines.extend_from_slice(line.as_bytes());
            }
        }
        lines
    });
    let people = passed.release.class_of.iter().filter(|class| **class > 0).count() as u64;
    Ok(Worked::Made(Box::new(Made { told, release: passed.release, csv, numbers, people })))
}

fn named(problem: &Problem, levels: &[usize]) -> BTreeMap<String, usize> {
    problem.attributes.iter().zip(levels).map(|(own, level)| (own.name.clone(), *level)).collect()
}

fn least_change(problem: &Problem, refused: &Refused) -> LeastChange {
    let rows = problem.rows() as u64;
    // Up: the limit is rounded down to whole rows.
    let permille = (refused.needed * 1000).div_ceil(rows.max(1));
    LeastChange {
        needed: refused.needed,
        allowed: refused.allowed,
        suppression_permille: u32::try_from(permille).unwrap_or(u32::MAX),
        levels: named(problem, &refused.levels),
        is_least: refused.is_least,
    }
}

/// Mean share of the domain that a cell no longer tells apart; all of it in a row that is left out.
fn loss(problem: &Problem, passed: &Passed) -> f64 {
    let (mut lost, rows) = (0.0, problem.rows());
    for (own, level) in problem.attributes.iter().zip(&passed.applied.levels) {
        let (codes, widths) = (own.hierarchy.codes_at(*level), own.hierarchy.widths(*level));
        let leaves = own.hierarchy.leaves().saturating_sub(1).max(1) as f64;
        for (row, code) in own.column.iter().enumerate() {
            let width = codes.get(*code as usize).and_then(|code| widths.get(*code as usize));
            let kept = passed.applied.kept.get(row) == Some(&true);
            let width = width.filter(|_| kept).map_or(leaves, |width| f64::from(width.saturating_sub(1)));
            lost += width / leaves;
        }
    }
    lost / (rows * problem.attributes.len()).max(1) as f64
}

/// The set as CSV, its rows in the order of what they say.
fn written(
    known: &Domain,
    set: &SetLine,
    problem: &Problem,
    passed: &Passed,
    numbers: Option<&[String]>,
) -> Option<Vec<u8>> {
    let content = &known.content;
    // All of them or none.
    let named = known.about.sensitive.iter().zip(&content.sensitive);
    let sensitive: Vec<(&String, &table::Column)> = named.filter(|_| set.ask.with_sensitive).collect();
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for row in (0..problem.rows()).filter(|row| passed.applied.kept.get(*row) == Some(&true)) {
        let mut cells: Vec<&str> =
            numbers.and_then(|numbers| numbers.get(row)).map(String::as_str).into_iter().collect();
        cells.extend((0..problem.attributes.len()).map(|own| passed.applied.label(problem, row, own)));
        cells.extend(sensitive.iter().map(|(_, column)| column.value(row)));
        rows.push(cells);
    }
    rows.sort_unstable();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = numbers.map(|_| NUMBER).into_iter();
    let header = header.chain(problem.attributes.iter().map(|own| own.name.as_str()));
    writer.write_record(header.chain(sensitive.iter().map(|(name, _)| name.as_str()))).ok()?;
    rows.iter().try_for_each(|row| writer.write_record(row)).ok()?;
    writer.into_inner().ok()
}

impl Deed for ReleaseSet {
    const NAME: &'static str = "release_set";
    const OPERATION: Operation = Operation::KeepDomain;

    fn refused(&self) -> Option<Reason> {
        let approvals = self.set.judgements.iter().filter(|judgement| judgement.approves).count();
        (self.set.state != SetState::Approved || approvals < NEEDED).then_some(Reason::WrongState)
    }

    fn record(&self, record: &mut Record) {
        record.set("set", self.set.id).set("domain", &self.set.ask.domain);
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let (research, set) = (&self.research, self.set.clone());
        let house = &research.house;
        let failed = |problem: wire::Problem| Failure::with(problem.reason, problem.detail);
        let known = research.domain(&set.ask.domain).await.map_err(failed)?;
        let history = research.history(&set.ask.domain, known.content.people.len()).await.map_err(failed)?;
        let number = history.len() as i64 + 1;
        // Used here and nowhere again: gone when this has ended.
        let purpose = set.ask.linkable.then(|| PurposeKey::generate(&house.dice));
        let domain = set.ask.domain.clone();
        let work = move || work(&known, &history, &set, purpose.as_ref());
        let worked = House::compute(work).await.map_err(Failure::new)??;
        let (mut after, mut record) = (self.set.clone(), Record::new());
        let id = self.set.id;
        let made = match worked {
            Worked::Made(made) => made,
            Worked::Refused(least) => {
                record.set("released", false).set("needed", least.needed).set("allowed", least.allowed);
                (after.state, after.least_change) = (SetState::Refused, Some(least.clone()));
                let writes: road::RoomWrite = Box::new(move |write| store::put_refused(write, &id, &least));
                return replied(&after, record, Some(writes));
            }
        };
        let Made { told, release, csv, numbers, people } = *made;
        let numbers = match numbers {
            Some(lines) => Some(self.locked(&lines).await?),
            None => None,
        };
        record.set("released", true).set("number", number).set("people", people).set("levels", &told.levels);
        record.set("left_out", told.left_out).set("classes", told.classes).set("sha256", &told.sha256);
        record.set("smallest_joint_class", told.smallest_joint_class);
        record.set("ledger", words::hex(&seal::sha256(&classes_as_bytes(&release))));
        (after.state, after.made) = (SetState::Made, Some(told.clone()));
        let stored = store::StoredRelease {
            number,
            set: id,
            at: house.now(),
            people: i64::try_from(people).unwrap_or(i64::MAX),
            classes: house.storage.seal("released", id.bytes(), "classes", &classes_as_bytes(&release)),
        };
        let content = house.storage.seal("asked_set", id.bytes(), "content", &csv);
        let writes: road::RoomWrite = Box::new(move |write| -> Result<(), ::store::StoreError> {
            store::add_release(write, &domain, &stored)?;
            store::put_made(write, &id, &told, &content, numbers.as_ref())
        });
        replied(&after, record, Some(writes))
    }
}

impl ReleaseSet {
    /// The table of numbers, locked for the officers who approved, and sealed once more as everything here.
    async fn locked(&self, lines: &[u8]) -> Result<Vec<u8>, Failure> {
        let house = &self.research.house;
        let openers = store::openers(house.road.db(), self.set.id).await?;
        let people: Vec<_> = openers.into_iter().map(|(_, public)| public).collect();
        let locked: Locked = lock(self.set.id.bytes(), lines, &people, &house.dice)
            .map_err(|_| own_content("the officers' keys"))?;
        let bytes = serde_json::to_vec(&locked).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(house.storage.seal("asked_set", self.set.id.bytes(), "numbers", &bytes))
    }
}
