//! Statistics tables: counts with cell-key noise, the same wherever the same people are counted; or with discrete Laplace
//! noise that is paid for from the domain's budget.

use std::collections::BTreeMap;
use std::sync::Arc;

use anonymity::{CellRules, cell_key, discrete_laplace};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, json_bytes};
use protocol::research::{Cell, Count, CountBy, StatisticsTable};
use road::{Failure, Protected, Record};
use rules::Operation;
use wire::{Caller, Problem};
use words::{ActId, Reason};

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::domains::Domain;
use crate::error::{asked_wrongly, check_range, check_text};
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

/// The label of each row in one column. The sensitive column can be counted too, as it is.
fn labels(known: &Domain, by: &CountBy) -> Result<Vec<String>, String> {
    let content = &known.content;
    let plain = |codes: &[u32], values: &[String]| -> Vec<String> {
        codes.iter().map(|code| values.get(*code as usize).cloned().unwrap_or_default()).collect()
    };
    if known.about.sensitive.as_ref() == Some(&by.name) {
        return match by.coarser {
            None => Ok(plain(&content.sensitive, &content.values)),
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
        let (by, spent) = (count.by.clone(), known.spent);
        let (found, known) = House::compute(move || (cells(&known, &by), known)).await?;
        let cells = found.map_err(|fault| asked_wrongly(format!("{fault}.")))?;
        let wrong = |fault: String| asked_wrongly(format!("{fault}."));
        let all = count.milli_epsilon.map(|_| all_cells(&count.by)).transpose().map_err(wrong)?;
        if cells.len() > MOST_CELLS {
            return Err(asked_wrongly(format!(
                "The table has more than {MOST_CELLS} cells; count at coarser levels."
            )));
        }
        let left = i64::from(known.about.budget_milli_epsilon) - spent;
        let (id, hash) = (self.fresh(), hash_of(&count));
        let deed = CountCells { research: Arc::clone(self), id, known, count, cells, all, left };
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
            left_milli_epsilon: left,
        };
        let mut record = Record::new();
        record.set("cells", table.cells.len()).set("left_milli_epsilon", left);
        let domain = self.count.domain.clone();
        let writes: Option<road::RoomWrite> = asked.map(|asked| {
            let writes: road::RoomWrite = Box::new(move |write| store::spend(write, &domain, asked));
            writes
        });
        replied(&table, record, writes)
    }
}
