//! The best node of the lattice, with proof.
//!
//! Of each node it is known, or found out, whether it can be better than the best so far: by its term alone, by a node
//! above that suppresses too much or too dearly, by a node below that is too coarse already. A search ends when no node
//! is left that could be better. Nodes are looked at in waves; waves, and so the result, are the same for any number
//! of threads.

use crate::check::{Checked, Room, Task};
use crate::lattice::Lattice;
use crate::problem::{Problem, ProblemFault};
use crate::slot::at;
use crate::store::{Look, Store, look_at};
use crate::tuples::Tuples;

/// How to search.
pub struct Settings<'a> {
    /// Threads to use. The result does not depend on it.
    pub threads: usize,
    /// Asked before every wave: whether to go on. When it says no, the best so far is given, with the gap.
    pub go_on: &'a dyn Fn() -> bool,
    /// A larger lattice is searched without proof. Four bytes of memory a node and attribute, and some more.
    pub most_nodes: u32,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Settings { threads: 1, go_on: &|| true, most_nodes: 8_000_000 }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The best node, where one holds.
    pub best: Option<Solution>,
    /// Whether it is proved that none is better (or, without a best, that none holds).
    pub is_optimal: bool,
    /// No node scores less than this; the score itself where the best is proved.
    pub bound: f64,
    /// Nodes of the lattice; none where they are more than can be counted.
    pub nodes: Option<u64>,
    /// Nodes whose classes were looked at.
    pub checked: u64,
}

/// A node that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Level of each attribute.
    pub levels: Vec<usize>,
    /// What it scores.
    pub score: f64,
    /// Rows in classes that do not hold.
    pub suppressed: u64,
    /// Classes that do.
    pub classes: u64,
}

/// Searches the best full-domain generalisation.
///
/// # Errors
/// A problem that cannot be worked on.
pub fn search(problem: &Problem, settings: &Settings<'_>) -> Result<Outcome, ProblemFault> {
    search_judged(problem, settings, None)
}

/// What a node that holds comes to in the end: no less than what its classes say, or nothing where it may not be. Asked of
/// nodes that could be better than the best, in an order that does not depend on threads.
pub(crate) type Judge<'a> = &'a mut dyn FnMut(&[u8]) -> Option<f64>;

/// The same where more is asked of a node than its classes say.
pub(crate) fn search_judged(
    problem: &Problem,
    settings: &Settings<'_>,
    judge: Option<Judge<'_>>,
) -> Result<Outcome, ProblemFault> {
    problem.check()?;
    let base = Tuples::of(problem, settings.threads.clamp(1, MOST_THREADS));
    let task = Task::new(problem, &base);
    let heights: Vec<usize> =
        problem.attributes.iter().map(|attribute| attribute.hierarchy.height()).collect();
    match Lattice::new(&heights, settings.most_nodes) {
        Some(lattice) => Ok(Search::new(&task, lattice, base, settings, judge).run()),
        None => Ok(crate::climb::climb(&task, base, settings, judge)),
    }
}

/// What a node comes to: given levels instead of searched ones.
///
/// # Errors
/// A problem that cannot be worked on, or a level that an attribute does not have.
pub fn evaluate(problem: &Problem, levels: &[usize]) -> Result<Solution, ProblemFault> {
    problem.check()?;
    let levels = own_levels(problem, levels)?;
    let base = Tuples::of(problem, 1);
    let task = Task { most_suppressed: u64::MAX, ..Task::new(problem, &base) };
    let checked = task.check(&base, &levels, &mut Room::default());
    Ok(solution(&levels, &checked, checked.score.unwrap_or(f64::NAN)))
}

pub(crate) fn own_levels(problem: &Problem, levels: &[usize]) -> Result<Vec<u8>, ProblemFault> {
    let fits = |(attribute, level): (&crate::problem::Attribute, &usize)| {
        (*level < attribute.hierarchy.height()).then(|| u8::try_from(*level).ok()).flatten()
    };
    let own: Option<Vec<u8>> = problem.attributes.iter().zip(levels).map(fits).collect();
    let fault = ProblemFault::Model(
        "階層にない段階です / each quasi-identifier needs a level that its hierarchy has",
    );
    own.filter(|own| own.len() == problem.attributes.len() && own.len() == levels.len()).ok_or(fault)
}

pub(crate) fn solution(levels: &[u8], checked: &Checked, score: f64) -> Solution {
    Solution {
        levels: levels.iter().map(|level| usize::from(*level)).collect(),
        score,
        suppressed: checked.suppressed,
        classes: checked.kept_classes,
    }
}

/// Nothing is known of the node.
const OPEN: u8 = 0;
/// It was looked at.
const CHECKED: u8 = 1;
/// Neither it nor any below can be better.
const NOT_BELOW: u8 = 2;
/// Neither it nor any above can be better.
const NOT_ABOVE: u8 = 4;
/// It cannot be better.
const NOT_THIS: u8 = 8;

/// More threads than this are not started.
const MOST_THREADS: usize = 64;
/// Nodes looked at together while a first good one is sought.
const SEED_WAVE: usize = 8;
/// Nodes looked at together in the proof.
const PROOF_WAVE: usize = 48;
/// Less work than this (tuples times nodes) is done on one thread.
const ALONE: usize = 400_000;

struct Search<'a, 'b, 'j> {
    task: &'a Task<'b>,
    settings: &'a Settings<'a>,
    judge: Option<Judge<'j>>,
    lattice: Lattice,
    store: Store,
    base_len: usize,
    rooms: Vec<Room>,
    states: Vec<u8>,
    /// No node scores less than this.
    bounds: Vec<f64>,
    /// What suppressed rows add at least to each attribute's term, where something is known.
    extra: Vec<f32>,
    /// Nodes in order of how coarse they are.
    order: Vec<u32>,
    /// How coarse each of them is, in the same order; their bounds by terms alone, if terms bound the score.
    keys: Vec<f64>,
    /// Place of each node in that order.
    place: Vec<u32>,
    best: Option<(u32, Solution)>,
    checked: u64,
    is_stopped: bool,
}

impl<'a, 'b, 'j> Search<'a, 'b, 'j> {
    fn new(
        task: &'a Task<'b>,
        lattice: Lattice,
        base: Tuples,
        settings: &'a Settings<'a>,
        judge: Option<Judge<'j>>,
    ) -> Self {
        let measure = &task.measure;
        let mut bounds = lattice.sums(|attribute, level| measure.term(attribute, level, 0.0));
        let coarse = if measure.is_bounded() {
            bounds.iter_mut().for_each(|bound| *bound = measure.scaled(*bound));
            None
        } else {
            bounds.fill(0.0);
            Some(lattice.sums(|attribute, level| -measure.entropy(attribute, level)))
        };
        let key = coarse.as_ref().unwrap_or(&bounds);
        let mut order: Vec<u32> = (0..lattice.nodes).collect();
        order.sort_by(|one, other| at(key, *one as usize).total_cmp(&at(key, *other as usize)));
        let keys = order.iter().map(|node| at(key, *node as usize)).collect();
        let mut place = vec![0; order.len()];
        for (index, node) in (0..).zip(&order) {
            if let Some(place) = place.get_mut(*node as usize) {
                *place = index;
            }
        }
        let extras = if measure.is_bounded() { order.len() * lattice.attributes() } else { 0 };
        Search {
            task,
            settings,
            judge,
            base_len: base.len(),
            store: Store::new(base),
            rooms: (0..settings.threads.clamp(1, MOST_THREADS)).map(|_| Room::default()).collect(),
            states: vec![OPEN; order.len()],
            bounds,
            extra: vec![0.0; extras],
            order,
            keys,
            place,
            best: None,
            checked: 0,
            is_stopped: false,
            lattice,
        }
    }

    fn run(mut self) -> Outcome {
        self.wave(&[self.lattice.top()]);
        self.seed();
        self.improve();
        self.prove();
        let open = (0..self.lattice.nodes).filter(|node| self.is_open(*node));
        let open = open.map(|node| at(&self.bounds, node as usize)).fold(f64::INFINITY, f64::min);
        let score = self.best_score();
        Outcome {
            is_optimal: open == f64::INFINITY,
            bound: score.min(open),
            nodes: Some(u64::from(self.lattice.nodes)),
            checked: self.checked,
            best: self.best.map(|(_, solution)| solution),
        }
    }

    fn best_score(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |(_, solution)| solution.score)
    }

    fn is_open(&self, node: u32) -> bool {
        at(&self.states, node as usize) == OPEN && at(&self.bounds, node as usize) < self.best_score()
    }

    /// Halves the order by waves: where none of a wave holds, better look higher.
    fn seed(&mut self) {
        let (mut low, mut high) = (0, self.order.len());
        while high.saturating_sub(low) > SEED_WAVE && !self.is_stopped {
            let middle = low + (high - low) / 2;
            let around = self.order.get(middle.saturating_sub(SEED_WAVE * 2)..).unwrap_or_default();
            let wave: Vec<u32> =
                around.iter().copied().filter(|node| self.is_open(*node)).take(SEED_WAVE).collect();
            let before = self.best_score();
            self.wave(&wave);
            if self.best_score() < before { high = middle } else { low = middle + 1 }
        }
    }

    /// Goes on from the best node to neighbours as long as one is better.
    fn improve(&mut self) {
        while let Some(node) = self.best.as_ref().map(|(node, _)| *node).filter(|_| !self.is_stopped) {
            let attributes = 0..self.lattice.attributes();
            let mut near: Vec<u32> = Vec::new();
            for down in attributes.clone() {
                let Some(lower) = self.lattice.below(node, down) else { continue };
                near.push(lower);
                let others = attributes.clone().filter(|up| *up != down);
                near.extend(others.filter_map(|up| self.lattice.above(lower, up)));
            }
            if !self.task.measure.is_bounded() {
                near.extend(attributes.filter_map(|up| self.lattice.above(node, up)));
            }
            near.retain(|node| self.is_open(*node));
            near.sort_by_key(|node| at(&self.place, *node as usize));
            near.truncate(SEED_WAVE * 2);
            let before = self.best_score();
            self.wave(&near);
            if self.best_score() >= before {
                return;
            }
        }
    }

    /// Looks at what is left, nearest to the best first: there most is decided by one look.
    fn prove(&mut self) {
        let mut best = f64::NAN;
        let (mut below, mut above) = (0, 0);
        loop {
            if self.is_stopped {
                return;
            }
            if self.best_score() != best {
                best = self.best_score();
                let start = match &self.best {
                    None => self.order.len(),
                    Some(_) if self.task.measure.is_bounded() => self.keys.partition_point(|key| *key < best),
                    Some((node, _)) => at(&self.place, *node as usize) as usize,
                };
                (below, above) = (start, start);
            }
            let wave = self.next_wave(&mut below, &mut above);
            if wave.is_empty() {
                return;
            }
            self.wave(&wave);
            if self.best_score() < best {
                self.improve();
            }
        }
    }

    fn next_wave(&mut self, below: &mut usize, above: &mut usize) -> Vec<u32> {
        let mut wave = Vec::with_capacity(PROOF_WAVE);
        let with_above = !self.task.measure.is_bounded() || self.best.is_none();
        while wave.len() < PROOF_WAVE {
            let mut moved = false;
            if *below > 0 {
                *below -= 1;
                moved = true;
                let node = at(&self.order, *below);
                if self.is_open(node) && !self.is_dear(node) {
                    wave.push(node);
                }
            }
            if with_above && *above < self.order.len() {
                let node = at(&self.order, *above);
                *above += 1;
                moved = true;
                if self.is_open(node) && !self.is_dear(node) {
                    wave.push(node);
                }
            }
            if !moved {
                break;
            }
        }
        wave
    }

    /// Whether what must be suppressed makes a node too dear: at least what must be suppressed in the nodes above it.
    fn is_dear(&mut self, node: u32) -> bool {
        let attributes = self.lattice.attributes();
        if self.extra.is_empty() {
            return false;
        }
        let start = node as usize * attributes;
        let mut least: Vec<f32> = self.extra.get(start..start + attributes).unwrap_or_default().to_vec();
        for above in (0..attributes).filter_map(|attribute| self.lattice.above(node, attribute)) {
            let start = above as usize * attributes;
            let known = self.extra.get(start..start + attributes).unwrap_or_default();
            least.iter_mut().zip(known).for_each(|(least, known)| *least = least.max(*known));
        }
        let terms = least.iter().enumerate().map(|(attribute, extra)| {
            let level = self.lattice.level(node, attribute) as usize;
            self.task.measure.term(attribute, level, f64::from(*extra))
        });
        let bound = self.task.measure.scaled(terms.sum());
        if let Some(known) = self.extra.get_mut(start..start + attributes) {
            known.copy_from_slice(&least);
        }
        if let Some(known) = self.bounds.get_mut(node as usize) {
            *known = known.max(bound);
        }
        let is_dear = bound >= self.best_score();
        if is_dear && let Some(state) = self.states.get_mut(node as usize) {
            *state |= NOT_THIS;
        }
        is_dear
    }

    /// Looks at nodes, and draws what follows.
    fn wave(&mut self, nodes: &[u32]) {
        if nodes.is_empty() || self.is_stopped {
            return;
        }
        if !(self.settings.go_on)() {
            self.is_stopped = true;
            return;
        }
        let looks: Vec<Look> = nodes.iter().map(|node| (*node, self.lattice.levels(*node))).collect();
        let found = self.look(looks);
        self.checked += found.len() as u64;
        for (node, checked) in &found {
            if let Some(state) = self.states.get_mut(*node as usize) {
                *state |= CHECKED;
            }
            let attributes = self.lattice.attributes();
            let start = *node as usize * attributes;
            if let Some(known) = self.extra.get_mut(start..start + attributes) {
                // Rounded down: it is a lower bound.
                let rounded = checked.extra.iter().map(|extra| (extra * (1.0 - 1e-7)) as f32);
                known.iter_mut().zip(rounded).for_each(|(known, extra)| *known = known.max(extra));
            }
            let mut score = checked.score.filter(|score| *score < self.best_score());
            let levels = self.lattice.levels(*node);
            if let Some(judge) = self.judge.as_mut().filter(|_| score.is_some()) {
                score = judge(&levels).filter(|score| *score < self.best_score());
            }
            if let Some(score) = score {
                let solution = solution(&levels, checked, score);
                self.best = Some((*node, solution));
            }
        }
        let best = self.best_score();
        for (node, checked) in found {
            if checked.least_below >= best {
                self.mark(node, NOT_BELOW);
            }
            if checked.least_above >= best {
                self.mark(node, NOT_ABOVE);
            }
        }
    }

    /// Marks a node and all below (or above) it. Where the mark stands already it stands on all beyond.
    fn mark(&mut self, node: u32, mark: u8) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            let Some(state) = self.states.get_mut(node as usize) else { continue };
            if *state & mark != 0 {
                continue;
            }
            *state |= mark;
            let attributes = 0..self.lattice.attributes();
            if mark == NOT_BELOW {
                stack.extend(attributes.filter_map(|attribute| self.lattice.below(node, attribute)));
            } else {
                stack.extend(attributes.filter_map(|attribute| self.lattice.above(node, attribute)));
            }
        }
    }

    fn look(&mut self, looks: Vec<Look>) -> Vec<(u32, Checked)> {
        let threads = if self.base_len * looks.len() < ALONE { 1 } else { self.rooms.len() };
        let rooms = self.rooms.get_mut(..threads).unwrap_or_default();
        let (found, made) = look_at(self.task, &self.store, looks, rooms);
        self.store.keep(made);
        found
    }
}
