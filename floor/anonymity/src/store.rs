//! Tuples at nodes of the lattice from which further nodes are looked at, and the order in which a wave of nodes is
//! looked at so that each needs few of them.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::check::{Checked, Room, Task};
use crate::tuples::Tuples;

/// Tuples made so far.
pub(crate) struct Store {
    kept: Vec<Arc<Tuples>>,
    tuples: usize,
}

/// Most sets of tuples that are kept.
const MOST_SETS: usize = 400;

impl Store {
    pub(crate) fn new(base: Tuples) -> Store {
        let tuples = base.len();
        Store { kept: vec![Arc::new(base)], tuples }
    }

    /// The fewest tuples that are nowhere above the levels.
    fn below(&self, levels: &[u8]) -> Option<Arc<Tuples>> {
        let is_below =
            |tuples: &&Arc<Tuples>| tuples.levels.iter().zip(levels).all(|(own, wanted)| own <= wanted);
        self.kept.iter().filter(is_below).min_by_key(|tuples| tuples.len()).cloned()
    }

    pub(crate) fn keep(&mut self, more: Vec<Arc<Tuples>>) {
        let base = self.kept.first().map_or(0, |base| base.len());
        for tuples in more {
            // Six times the table, or a little more of a small one: then it begins anew.
            if self.kept.len() >= MOST_SETS || self.tuples + tuples.len() > base * 6 + 500_000 {
                self.kept.truncate(1);
                self.tuples = base;
            }
            if self.kept.iter().all(|kept| kept.levels != tuples.levels) {
                self.tuples += tuples.len();
                self.kept.push(tuples);
            }
        }
    }
}

/// A node to look at, and what was found.
pub(crate) type Look = (u32, Vec<u8>);

/// Looks at nodes, with a thread for each room. Gives what was found, in the order of nodes, and tuples worth keeping.
pub(crate) fn look_at(
    task: &Task<'_>,
    store: &Store,
    mut nodes: Vec<Look>,
    rooms: &mut [Room],
) -> (Vec<(u32, Checked)>, Vec<Arc<Tuples>>) {
    alike_together(task, &mut nodes);
    let is_shared = rooms.len() > 1;
    let queue = Queue::default();
    let (mut found, mut made) = (Vec::new(), Vec::new());
    let all: Vec<&Look> = nodes.iter().collect();
    let source = store.below(&meet(&all)).filter(|source| is_shared && source.len() >= WORTH_ALL);
    if let Some(mut source) = source {
        // What every node waits for is done by all threads together.
        let meet = meet(&all);
        if is_worth_rolling(task, &source, &meet) {
            let mut groupings: Vec<_> = rooms.iter_mut().map(|room| &mut room.grouping).collect();
            source = Arc::new(source.rolled_up_by(task.problem, &meet, &mut groupings));
            made.push(source.clone());
        }
        let mut parts = parts(task, &all, &meet);
        // The largest is begun first.
        parts.sort_by_key(Vec::len);
        parts.into_iter().for_each(|nodes| queue.push(Part { nodes, source: source.clone(), depth: 1 }));
    } else {
        for part in nodes.chunks(nodes.len().div_ceil(rooms.len().max(1)).max(1)) {
            let nodes: Vec<&Look> = part.iter().collect();
            if let Some(source) = store.below(&meet(&nodes)) {
                queue.push(Part { nodes, source, depth: 0 });
            }
        }
    }
    let work = |room: &mut Room| {
        let mut wave =
            Wave { task, store, room, found: Vec::new(), made: Vec::new(), queue: &queue, is_shared };
        while let Some(part) = queue.next() {
            let _working = Working(&queue);
            wave.look(part);
        }
        (wave.found, wave.made)
    };
    let work = &work;
    if let [room] = rooms {
        (found, made) = work(room);
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = rooms.iter_mut().map(|room| scope.spawn(move || work(room))).collect();
            for thread in threads {
                // A panic is a bug of ours; it goes on unchanged.
                let (more, tuples) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                found.extend(more);
                made.extend(tuples);
            }
        });
    }
    found.sort_by_key(|(node, _)| *node);
    (found, made)
}

/// Nodes to look at from tuples that are nowhere above them.
struct Part<'a> {
    nodes: Vec<&'a Look>,
    source: Arc<Tuples>,
    depth: usize,
}

/// Parts that no thread has begun, last first: its tuples are still near.
#[derive(Default)]
struct Queue<'a> {
    /// And how many are worked on, from which more may come.
    waiting: Mutex<(Vec<Part<'a>>, usize)>,
    changed: Condvar,
}

impl<'a> Queue<'a> {
    fn push(&self, part: Part<'a>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).0.push(part);
        self.changed.notify_one();
    }

    /// The next part; waits as long as one may still come.
    fn next(&self) -> Option<Part<'a>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(part) = waiting.0.pop() {
                waiting.1 += 1;
                return Some(part);
            }
            if waiting.1 == 0 {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A part being worked on; a thread that panics lets the others go home, too.
struct Working<'q, 'a>(&'q Queue<'a>);

impl Drop for Working<'_, '_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.1 -= 1;
        if waiting.1 == 0 {
            self.0.changed.notify_all();
        }
    }
}

struct Wave<'a, 'b, 'c> {
    task: &'a Task<'b>,
    store: &'a Store,
    room: &'a mut Room,
    found: Vec<(u32, Checked)>,
    made: Vec<Arc<Tuples>>,
    queue: &'a Queue<'c>,
    is_shared: bool,
}

/// So many bits fewer make it worth rolling up before going on.
const WORTH_BITS: f64 = 0.8;
/// And so small a share of them being left.
const WORTH_SHARE: f64 = 0.6;
/// Sets made deeper than this serve too few nodes to be kept.
const KEPT_DEPTH: usize = 3;
/// Parts with less work than this (tuples times nodes) are not worth another thread's attention.
const WORTH_SHARING: usize = 30_000;
/// From so many tuples on, the first step of a wave is taken by all threads together.
const WORTH_ALL: usize = 100_000;

impl<'c> Wave<'_, '_, 'c> {
    fn look(&mut self, part: Part<'c>) {
        let Part { nodes, mut source, depth } = part;
        if nodes.len() > 2 && source.len() > 200 {
            let meet = meet(&nodes);
            if let Some(other) = self.store.below(&meet).filter(|other| other.len() < source.len()) {
                source = other;
            }
            if is_worth_rolling(self.task, &source, &meet) {
                source = Arc::new(source.rolled_up(self.task.problem, &meet, &mut self.room.grouping));
                if depth < KEPT_DEPTH {
                    self.made.push(source.clone());
                }
            }
            let parts = parts(self.task, &nodes, &meet);
            if parts.len() > 1 {
                for nodes in parts {
                    let worth = self.is_shared && nodes.len() * source.len() > WORTH_SHARING;
                    let part = Part { nodes, source: source.clone(), depth: depth + 1 };
                    if worth { self.queue.push(part) } else { self.look(part) }
                }
                return;
            }
        }
        for look in nodes {
            self.found.push((look.0, self.task.check(&source, &look.1, self.room)));
        }
    }
}

/// Whether tuples at other levels would be so much fewer that it is worth making them.
fn is_worth_rolling(task: &Task<'_>, source: &Tuples, to: &[u8]) -> bool {
    let of = |levels: &[u8]| -> f64 {
        let bits = levels.iter().enumerate();
        bits.map(|(attribute, level)| task.measure.entropy(attribute, usize::from(*level))).sum()
    };
    let bits = of(&source.levels) - of(to);
    bits > WORTH_BITS && left_of(source.len() as f64, task.problem.rows() as f64, bits) < WORTH_SHARE
}

/// What share of so many different tuples among so many rows is left when so many bits are gone. As if rows fell evenly on
/// cells: `cells`·(1 − e^(−rows / cells)) of them are hit.
fn left_of(tuples: f64, rows: f64, bits: f64) -> f64 {
    let hit = |cells: f64| -cells * (-rows / cells).exp_m1();
    // Between as many cells as tuples, and so many that hardly any is hit twice.
    let (mut low, mut high) = (tuples, rows * 1e6);
    for _ in 0..40 {
        let middle = (low * high).sqrt();
        if hit(middle) < tuples { low = middle } else { high = middle }
    }
    hit(low * (-bits).exp2()) / tuples
}

/// Nodes apart by their level of the attribute that tells most about how few tuples are needed; all of them, where none
/// tells them apart.
fn parts<'c>(task: &Task<'_>, nodes: &[&'c Look], meet: &[u8]) -> Vec<Vec<&'c Look>> {
    let mut sorted = nodes.to_vec();
    let Some(attribute) = split(task, nodes, meet) else { return vec![sorted] };
    let level = |look: &&Look| look.1.get(attribute).copied().unwrap_or(0);
    sorted.sort_by_key(level);
    sorted.chunk_by(|one, other| level(one) == level(other)).map(<[_]>::to_vec).collect()
}

/// The attribute whose levels differ, and tell most about how few tuples are needed.
fn split(task: &Task<'_>, nodes: &[&Look], meet: &[u8]) -> Option<usize> {
    let gain = |attribute: usize| gain(task, nodes, meet, attribute);
    let differs = |attribute: &usize| {
        let mut levels = nodes.iter().map(|look| look.1.get(*attribute));
        let first = levels.next();
        levels.any(|level| Some(level) != first)
    };
    (0..meet.len()).filter(differs).max_by(|one, other| gain(*one).total_cmp(&gain(*other)))
}

/// Puts nodes side by side that are looked at from the same tuples.
fn alike_together(task: &Task<'_>, nodes: &mut [Look]) {
    let all: Vec<&Look> = nodes.iter().collect();
    let meet = meet(&all);
    let mut attributes: Vec<(f64, usize)> =
        (0..meet.len()).map(|attribute| (gain(task, &all, &meet, attribute), attribute)).collect();
    attributes.sort_by(|one, other| other.0.total_cmp(&one.0));
    let key = |look: &Look| -> Vec<u8> {
        attributes.iter().filter_map(|(_, attribute)| look.1.get(*attribute).copied()).collect()
    };
    nodes.sort_by_key(key);
}

/// Bits that tuples of an attribute have less at the levels of nodes than where all of them meet.
fn gain(task: &Task<'_>, nodes: &[&Look], meet: &[u8], attribute: usize) -> f64 {
    let bits = |level: &u8| task.measure.entropy(attribute, usize::from(*level));
    let least = meet.get(attribute).map_or(0.0, bits);
    nodes.iter().filter_map(|look| look.1.get(attribute)).map(|level| least - bits(level)).sum()
}

/// The highest node below all.
fn meet(nodes: &[&Look]) -> Vec<u8> {
    let mut levels = nodes.first().map(|look| look.1.clone()).unwrap_or_default();
    for look in nodes {
        levels.iter_mut().zip(&look.1).for_each(|(least, level)| *least = (*least).min(*level));
    }
    levels
}
