//! Statistics tables: counts with cell-key noise, the same wherever the same people are counted; or with discrete Laplace
//! noise that is paid for from the domain's budget.

use std::collections::BTreeMap;
use std::sync::Arc;

use anonymity::{
    Attribute, CellRules, Further, Hierarchy, Joint, Metric, Model, Problem as Question, Release, cell_key,
    discrete_laplace, release_at,
};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, json_bytes};
use protocol::research::{Cell, Count, CountBy, StatisticsTable, TableLine};
use road::{Failure, Protected, Record};
use rules::Operation;
use wire::{Caller, Problem};
use words::{ActId, Reason};

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::domains::{Domain, classes_as_bytes};
use crate::error::{asked_wrongly, check_range, check_text, own_content};
use crate::table::coarser;
use crate::{Here, Research, store};

const MOST_COLUMNS: usize = 5;
const MOST_CELLS: usize = 100_000;
/// What is no label of a column that is counted with a budget.
const OTHER: &str = "*";

pub(crate) async fn count(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: wire::Json<Count>,
) -> Result<Response, Problem> {
    here.0.count(&Insider::of(&caller)?, body.message).await.map(json_bytes)
}

/// Rows of each cell, by the labels of its columns.
type Cells = BTreeMap<Vec<String>, Vec<usize>>;

/// The label of each row in one column. A sensitive column can be counted too, as it is.
fn labels(known: &Domain, by: &CountBy) -> Result<Vec<String>, String> {
    let content = &known.content;
    let plain = |codes: &[u32], values: &[String]| -> Vec<String> {
        codes.iter().map(|code| values.get(*code as usize).cloned().unwrap_or_default()).collect()
    };
    let place = known.about.sensitive.iter().position(|name| *name == by.name);
    if let Some(column) = place.and_then(|place| content.sensitive.get(place)) {
        return match by.coarser {
            None => Ok(plain(&column.codes, &column.values)),
            Some(_) => Err(format!("`{}` is counted as it is", by.name)),
        };
    }
    let column = content.column(&by.name)?;
    let Some(how) = &by.coarser else { return Ok(plain(&column.codes, &column.values)) };
    let (hierarchy, codes) = coarser(how, column)?;
    if by.level >= hierarchy.height() {
        return Err(format!("`{}` has levels 0 to {}", by.name, hierarchy.height() - 1));
    }
    Ok(codes.iter().map(|code| hierarchy.label(by.level, *code).to_owned()).collect())
}

fn cells(known: &Domain, by: &[CountBy]) -> Result<Cells, String> {
    let columns: Vec<Vec<String>> = by.iter().map(|one| labels(known, one)).collect::<Result<_, _>>()?;
    let mut cells = Cells::new();
    for row in 0..known.content.rows.len() {
        let fixed = |(labels, one): (&Vec<String>, &CountBy)| {
            let label = labels.get(row).cloned().unwrap_or_default();
            if one.labels.is_empty() || one.labels.contains(&label) { label } else { OTHER.to_owned() }
        };
        cells.entry(columns.iter().zip(by).map(fixed).collect()).or_default().push(row);
    }
    Ok(cells)
}

/// What a table says of groups of people: whoever has the same labels in its other columns is in one group, whose sensitive
/// values it tells. So it is a release, and its groups are classes. Rows that could then be told apart beside earlier
/// releases are counted in no cell. Nothing, where no sensitive column is counted: everything else the attacker knows.
fn as_release(
    known: &Domain,
    by: &[CountBy],
    cells: &mut Cells,
    history: &[Release],
) -> Result<Option<Release>, String> {
    let is_sensitive = |one: &CountBy| known.about.sensitive.contains(&one.name);
    if !by.iter().any(is_sensitive) {
        return Ok(None);
    }
    let (content, bounds) = (&known.content, known.bounds());
    let mut groups: BTreeMap<Vec<&String>, u32> = BTreeMap::new();
    let mut column = vec![0; content.rows.len()];
    for (labels, rows) in cells.iter() {
        let group = labels.iter().zip(by).filter(|(_, one)| !is_sensitive(one)).map(|(label, _)| label);
        let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        let group = *groups.entry(group.collect()).or_insert(next);
        for row in rows {
            if let Some(own) = column.get_mut(*row) {
                *own = group;
            }
        }
    }
    let names: Vec<Vec<String>> = (0..groups.len()).map(|group| vec![group.to_string()]).collect();
    let hierarchy = Hierarchy::from_rows(&names).map_err(|fault| fault.to_string())?;
    let (sensitive, mut models) = content.sensitive(&known.about, bounds.l);
    models.push(Model::KAnonymity { k: bounds.k });
    let places: Vec<usize> = (0..sensitive.len()).collect();
    let question = Question {
        attributes: vec![Attribute { name: "group".into(), hierarchy, column, weight: 1.0 }],
        sensitive,
        models,
        suppression_limit: 1.0,
        metric: Metric::Loss,
        population: Vec::new(),
        counts: Vec::new(),
    };
    let joint = Joint::of(content.people.len(), history);
    let further =
        Further { problem: &question, people: &content.rows, joint: &joint, bounds, sensitive: &places };
    let made = release_at(further, &[0]).map_err(|fault| fault.to_string())?;
    let kept = |row: &usize| made.applied.kept.get(*row) == Some(&true);
    for rows in cells.values_mut() {
        rows.retain(kept);
    }
    cells.retain(|_, rows| !rows.is_empty());
    // A release of nobody says nothing.
    Ok((!cells.is_empty()).then_some(made.release))
}

/// Every combination of labels, whether or not anybody has it: which there are must not depend on the data.
fn all_cells(by: &[CountBy]) -> Result<Vec<Vec<String>>, String> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for one in by {
        let mut labels = one.labels.clone();
        labels.push(OTHER.to_owned());
        labels.sort_unstable();
        labels.dedup();
        if all.len().saturating_mul(labels.len()) > MOST_CELLS {
            return Err(format!("the table has more than {MOST_CELLS} cells"));
        }
        all = all
            .iter()
            .flat_map(|cell| {
                labels.iter().map(|label| [cell.as_slice(), std::slice::from_ref(label)].concat())
            })
            .collect();
    }
    Ok(all)
}

impl Research {
    /// Makes a table.
    pub(crate) async fn count(self: &Arc<Self>, who: &Insider, count: Count) -> Result<Vec<u8>, Problem> {
        check_text("purpose", &count.purpose, 10, 1000)?;
        if count.by.is_empty() || count.by.len() > MOST_COLUMNS {
            return Err(asked_wrongly(format!("`by` must name 1 to {MOST_COLUMNS} columns.")));
        }
        let twice = count
            .by
            .iter()
            .enumerate()
            .any(|(at, one)| count.by.iter().take(at).any(|two| two.name == one.name));
        if twice {
            return Err(asked_wrongly("`by` names a column twice."));
        }
        if let Some(spent) = count.milli_epsilon {
            check_range("milli_epsilon", spent, 1..=1_000_000)?;
            if count.by.iter().any(|one| one.labels.is_empty()) {
                return Err(asked_wrongly(
                    "With a budget each column of `by` needs `labels`: which cells there are must not depend on the data.",
                ));
            }
        }
        let turn = self.turn().await;
        let known = self.domain(&count.domain).await?;
        if known.content.rows.is_empty() {
            return Err(asked_wrongly("The domain has no table yet; ask its keeper."));
        }
        let history = self.history(&count.domain, known.content.people.len()).await?;
        let number = history.len() as i64 + 1;
        let (asked, spent) = (count.clone(), known.spent);
        let work = move || {
            let mut found = cells(&known, &asked.by)?;
            // Noise that is paid for is not counted by classes: what it says of one person is bounded by itself.
            let release = match asked.milli_epsilon {
                None => as_release(&known, &asked.by, &mut found, &history)?,
                Some(_) => None,
            };
            Ok::<_, String>((found, release, history, known))
        };
        let worked = House::compute(work).await?;
        let (cells, release, mut history, known) =
            worked.map_err(|fault| asked_wrongly(format!("{fault}.")))?;
        if let Some(release) = &release {
            // The engine says so already; nothing leaves on one word alone.
            history.push(release.clone());
            let exposed = Joint::of(known.content.people.len(), &history).exposed(known.bounds());
            if exposed.below_k + exposed.below_l > 0 {
                return Err(Problem::new(own_content("a table that would expose somebody").reason));
            }
        }
        let wrong = |fault: String| asked_wrongly(format!("{fault}."));
        let all = count.milli_epsilon.map(|_| all_cells(&count.by)).transpose().map_err(wrong)?;
        if cells.len() > MOST_CELLS {
            return Err(asked_wrongly(format!(
                "The table has more than {MOST_CELLS} cells; count at coarser levels."
            )));
        }
        let left = i64::from(known.about.budget_milli_epsilon) - spent;
        let (id, hash) = (self.fresh(), hash_of(&count));
        let release = release.map(|release| (number, release));
        let deed = CountCells { research: Arc::clone(self), id, known, count, cells, all, left, release };
        self.take(who, id, hash, turn, deed).await
    }

    /// The key by which a person counts in cells: the same in every table of the domain, and known here alone.
    fn record_key(&self, domain: &str, person: &str) -> u64 {
        let index = self
            .house
            .storage
            .index("record-key", seal::sha256_parts(&[domain.as_bytes(), person.as_bytes()]).as_slice());
        index.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

struct CountCells {
    research: Arc<Research>,
    id: ActId,
    known: Domain,
    count: Count,
    cells: Cells,
    /// The cells that are shown, where they were fixed before.
    all: Option<Vec<Vec<String>>>,
    left: i64,
    /// Its number and what it is in the ledger of releases, where it is one.
    release: Option<(i64, Release)>,
}

impl CountCells {
    fn with_cell_keys(&self) -> Vec<Cell> {
        let (content, about) = (&self.known.content, &self.known.about);
        let rules = CellRules { minimum: about.minimum_cell };
        let cell = |(labels, rows): (&Vec<String>, &Vec<usize>)| {
            let keys =
                rows.iter().map(|row| self.research.record_key(about.id.as_str(), content.person(*row)));
            let count = rules.published(rows.len() as u64, cell_key(keys));
            // A cell of none is not shown: which labels there are says nothing of one that is small.
            (count > 0)
                .then(|| Cell { labels: labels.clone(), count: i64::try_from(count).unwrap_or(i64::MAX) })
        };
        self.cells.iter().filter_map(cell).collect()
    }

    /// A person is in one cell, so all cells together spend what one does: the scale is 1 / ε.
    fn with_budget(&self, all: &[Vec<String>], milli_epsilon: u32) -> Vec<Cell> {
        let world = self.research.house.world.clone();
        let mut bits = || u64::from_le_bytes(world.random());
        let cell = |labels: &Vec<String>| {
            let count = self.cells.get(labels).map_or(0, |rows| rows.len() as i64);
            let noise = discrete_laplace(1000, milli_epsilon, &mut bits);
            Cell { labels: labels.clone(), count: count.saturating_add(noise) }
        };
        all.iter().map(cell).collect()
    }
}

impl Deed for CountCells {
    const NAME: &'static str = "count";
    const OPERATION: Operation = Operation::DoResearch;

    fn refused(&self) -> Option<Reason> {
        let asked = i64::from(self.count.milli_epsilon.unwrap_or(0));
        (asked > self.left).then_some(Reason::BudgetSpent)
    }

    fn record(&self, record: &mut Record) {
        let columns: Vec<&String> = self.count.by.iter().map(|one| &one.name).collect();
        record.set("domain", &self.count.domain).set("purpose", &self.count.purpose).set("columns", columns);
        record.set("milli_epsilon", self.count.milli_epsilon);
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let cells = match (&self.all, self.count.milli_epsilon) {
            (Some(all), Some(milli_epsilon)) => self.with_budget(all, milli_epsilon),
            _ => self.with_cell_keys(),
        };
        let asked = self.count.milli_epsilon;
        let left = asked.map(|asked| u64::try_from(self.left - i64::from(asked)).unwrap_or(0));
        let table = StatisticsTable {
            act: self.id,
            columns: self.count.by.iter().map(|one| one.name.clone()).collect(),
            cells,
            left_out: (self.known.content.rows.len() - self.cells.values().map(Vec::len).sum::<usize>())
                as u64,
            left_milli_epsilon: left,
        };
        let mut record = Record::new();
        record.set("cells", table.cells.len()).set("left_milli_epsilon", left);
        record.set("left_out", table.left_out);
        let (id, house, domain) = (self.id, &self.research.house, self.count.domain.clone());
        let line = TableLine {
            act: id,
            at: house.now(),
            columns: table.columns.clone(),
            milli_epsilon: asked,
            release: None,
        };
        let stored = self.release.as_ref().map(|(number, release)| {
            let classes = classes_as_bytes(release);
            record.set("number", number).set("ledger", words::hex(&seal::sha256(&classes)));
            let people = release.class_of.iter().filter(|class| **class > 0).count();
            store::StoredRelease {
                number: *number,
                set: id,
                at: line.at,
                people: i64::try_from(people).unwrap_or(i64::MAX),
                classes: house.storage.seal("released", id.bytes(), "classes", &classes),
            }
        });
        let writes: road::RoomWrite = Box::new(move |write| -> Result<(), ::store::StoreError> {
            store::add_table(write, &domain, &line)?;
            if let Some(stored) = &stored {
                store::add_release(write, &domain, stored)?;
            }
            asked.map_or(Ok(()), |asked| store::spend(write, &domain, asked))
        });
        replied(&table, record, Some(writes))
    }
}
