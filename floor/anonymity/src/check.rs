//! What one node of the lattice comes to: its classes, which of them hold, what it scores.

use crate::grouping::Grouping;
use crate::measure::{Measure, Sums, x_log_x};
use crate::problem::{Metric, Problem};
use crate::rules::{Class, Rules, Values};
use crate::slot::{add, at, real, up};
use crate::tuples::{KeyPlan, Tuples};

/// What a look at a node found.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) suppressed: u64,
    pub(crate) kept_classes: u64,
    /// Where no more is suppressed than may be.
    pub(crate) score: Option<f64>,
    /// No node at or above scores less.
    pub(crate) least_above: f64,
    /// No node at or below scores less; infinite where none of them can hold.
    pub(crate) least_below: f64,
    /// What suppressed rows add at least to the term of each attribute, here and in every node below.
    pub(crate) extra: Vec<f64>,
}

/// Everything a look needs to know that is the same for all nodes.
pub(crate) struct Task<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) rules: Rules,
    pub(crate) measure: Measure,
    pub(crate) most_suppressed: u64,
}

/// Room to look in, used again and again.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) grouping: Grouping,
    starts: Vec<u32>,
    order: Vec<u32>,
    people: Vec<u32>,
    masks: Vec<u64>,
    values: Values,
    /// Of each class: whether it holds.
    pub(crate) holds: Vec<bool>,
    /// Rows of each class that are suppressed in every node below.
    must: Vec<u32>,
    /// Each class of which rows are suppressed, and how many.
    suppressed: Vec<(u32, u32)>,
    by_code: Vec<u32>,
}

impl<'a> Task<'a> {
    pub(crate) fn new(problem: &'a Problem, base: &Tuples) -> Task<'a> {
        let rules = Rules::of(problem);
        // Different tuples of quasi-identifiers alone.
        let measure = Measure::of(problem, &base.counts_of_tuples(problem), rules.least_rows);
        Task { problem, rules, measure, most_suppressed: problem.most_suppressed() }
    }

    /// Groups tuples at a node's levels and judges the classes.
    pub(crate) fn judge(
        &self,
        source: &Tuples,
        levels: &[u8],
        plan: &KeyPlan,
        room: &mut Room,
    ) -> (Sums, u64) {
        let parts = source.parts(self.problem, plan, levels);
        let with_values = !self.rules.sensitive.is_empty();
        if with_values || !source.population.is_empty() || plan.is_wide() {
            room.grouping.group(&parts, &source.counts);
        } else {
            room.grouping.count(&parts, &source.counts);
        }
        self.judge_groups(source, levels, plan, room)
    }

    /// Judges the classes of tuples; afterwards the room says which class each tuple is in, and which classes hold.
    pub(crate) fn judge_each(&self, source: &Tuples, levels: &[u8], room: &mut Room) -> (Sums, u64) {
        let plan = KeyPlan::new(self.problem, levels, false);
        room.grouping.group(&source.parts(self.problem, &plan, levels), &source.counts);
        self.judge_groups(source, levels, &plan, room)
    }

    fn judge_groups(&self, source: &Tuples, levels: &[u8], plan: &KeyPlan, room: &mut Room) -> (Sums, u64) {
        self.judge_counts(source, room);
        if !self.rules.sensitive.is_empty() {
            if self.rules.only_masks() {
                self.judge_masks(source, room);
            } else {
                self.judge_values(source, room);
            }
        }
        let mut sums = self.sums(room);
        if let Some(most) = self.rules.average {
            self.suppress_smallest(source, levels, plan, most, &mut sums, room);
        }
        let must = room.must.iter().map(|rows| u64::from(*rows)).sum();
        (sums, must)
    }

    /// Looks at a node from tuples that are nowhere above it.
    pub(crate) fn check(&self, source: &Tuples, levels: &[u8], room: &mut Room) -> Checked {
        let plan = KeyPlan::new(self.problem, levels, false);
        let (sums, must) = self.judge(source, levels, &plan, room);
        let is_valid = sums.suppressed <= self.most_suppressed;
        let can_hold_below = must <= self.most_suppressed;
        let least_below = if can_hold_below { self.measure.least_below(must) } else { f64::INFINITY };
        let term = |attribute: usize, extra: f64| {
            self.measure.term(attribute, usize::from(at(levels, attribute)), extra)
        };
        let plain: f64 = (0..levels.len()).map(|attribute| term(attribute, 0.0)).sum();
        let (mut extra, mut terms) = (Vec::new(), plain);
        if self.measure.uses_extra() && can_hold_below {
            room.note_suppressed(true);
            extra = self.extras(source, levels, &plan, room);
            let mut own = extra.clone();
            if is_valid && must != sums.suppressed {
                room.note_suppressed(false);
                own = self.extras(source, levels, &plan, room);
            }
            terms = own.iter().enumerate().map(|(attribute, extra)| term(attribute, *extra)).sum();
        }
        Checked {
            suppressed: sums.suppressed,
            kept_classes: sums.kept_classes,
            score: is_valid.then(|| self.measure.score(&sums, terms)),
            least_above: self.measure.least_above(&sums, plain),
            least_below,
            extra,
        }
    }

    /// What a table scores at some levels when just these rows stay; all of them of classes that hold. Each row stands for
    /// itself.
    pub(crate) fn rate(&self, levels: &[u8], class_of: &[u32], kept: &[bool]) -> f64 {
        let mut sizes = vec![0; class_of.iter().max().map_or(0, |most| up(*most) + 1)];
        let rows = class_of.iter().zip(kept);
        rows.filter(|(_, kept)| **kept).for_each(|(class, _)| add(&mut sizes, up(*class), 1));
        // In the order of sizes, as everywhere.
        sizes.sort_unstable();
        let mut sums = Sums::default();
        for rows in sizes.into_iter().map(u64::from).filter(|rows| *rows > 0) {
            sums.kept_classes += 1;
            sums.squares += real(rows) * real(rows);
            sums.logarithms += x_log_x(rows);
        }
        sums.suppressed = kept.iter().filter(|kept| !**kept).count() as u64;
        let term = |(attribute, own): (usize, &crate::problem::Attribute)| {
            let level = usize::from(at(levels, attribute));
            let mut counts = vec![0; own.hierarchy.cardinality(level)];
            let codes = own.hierarchy.codes_at(level);
            let gone = own.column.iter().zip(kept).filter(|(_, kept)| !**kept);
            gone.for_each(|(code, _)| add(&mut counts, up(at(codes, up(*code))), 1));
            let is_used = self.measure.uses_extra() && sums.suppressed > 0;
            let extra =
                if is_used { self.measure.extra(attribute, level, &counts, sums.suppressed) } else { 0.0 };
            self.measure.term(attribute, level, extra)
        };
        self.measure.score(&sums, self.problem.attributes.iter().enumerate().map(term).sum())
    }

    fn judge_counts(&self, source: &Tuples, room: &mut Room) {
        let classes = room.grouping.sizes.len();
        room.people.clear();
        if !source.population.is_empty() {
            room.people.resize(classes, 0);
            for (class, people) in room.grouping.class_of.iter().zip(&source.population) {
                add(&mut room.people, up(*class), *people);
            }
        }
        room.holds.clear();
        room.must.clear();
        for (class, rows) in room.grouping.sizes.iter().enumerate() {
            let class = Class { rows: u64::from(*rows), people: u64::from(at(&room.people, class)) };
            room.holds.push(self.rules.counts_hold(class));
            let kept = self.rules.most_kept_by_counts(class);
            room.must.push(rows.saturating_sub(kept as u32));
        }
    }

    fn judge_masks(&self, source: &Tuples, room: &mut Room) {
        for own in &self.rules.sensitive {
            let Some(column) = source.sensitive.get(own.place) else { continue };
            room.masks.clear();
            room.masks.resize(room.grouping.sizes.len(), 0);
            let with_rows = source.counts.iter().map(|count| u64::from(*count > 0));
            for ((class, value), counts) in room.grouping.class_of.iter().zip(column).zip(with_rows) {
                if let Some(mask) = room.masks.get_mut(up(*class)) {
                    *mask |= counts << value;
                }
            }
            let classes =
                room.holds.iter_mut().zip(&mut room.must).zip(&room.grouping.sizes).zip(&room.masks);
            for (((holds, must), rows), mask) in classes {
                if mask.count_ones() < own.least_values {
                    (*holds, *must) = (false, *rows);
                }
            }
        }
    }

    fn judge_values(&self, source: &Tuples, room: &mut Room) {
        let mut must: u64 = room.must.iter().map(|rows| u64::from(*rows)).sum();
        if must > self.most_suppressed {
            return;
        }
        room.grouping.members(&mut room.starts, &mut room.order);
        for own in &self.rules.sensitive {
            let Some(column) = source.sensitive.get(own.place) else { continue };
            room.values.prepare(own.values);
            let classes = room.holds.iter_mut().zip(&mut room.must).zip(&room.grouping.sizes);
            for (((holds, gone), rows), bounds) in classes.zip(room.starts.array_windows()) {
                // Nothing more can be said of a class of which nothing stays, nor of a node that suppresses too much.
                if *gone == *rows || must > self.most_suppressed {
                    continue;
                }
                let [start, end] = bounds.map(up);
                for tuple in room.order.get(start..end).unwrap_or_default() {
                    let count = at(&source.counts, up(*tuple));
                    if count > 0 {
                        room.values.add(at(column, up(*tuple)), count);
                    }
                }
                if !self.rules.values_hold(own, u64::from(*rows), &mut room.values) {
                    *holds = false;
                    let kept = self.rules.most_kept_by_values(own, u64::from(*rows), &mut room.values);
                    let more = rows.saturating_sub(kept as u32).saturating_sub(*gone);
                    *gone += more;
                    must += u64::from(more);
                }
                room.values.clear();
            }
        }
    }

    fn sums(&self, room: &Room) -> Sums {
        let mut sums = Sums::default();
        for (rows, holds) in room.grouping.sizes.iter().zip(&room.holds) {
            let rows = u64::from(*rows);
            if rows == 0 {
                continue;
            }
            let square = real(rows) * real(rows);
            sums.classes += 1;
            // A row of a class that does not hold is in a larger one, or suppressed, wherever it is coarser.
            sums.least_squares +=
                if *holds { square } else { square.max(real(rows * self.rules.least_rows)) };
            if *holds {
                sums.kept_classes += 1;
                sums.squares += square;
            } else {
                sums.suppressed += rows;
            }
        }
        if self.measure.metric == Metric::Divergence {
            self.add_logarithms(room, &mut sums);
        }
        sums
    }

    /// In the order of sizes, so that the sums do not depend on where the classes came from.
    fn add_logarithms(&self, room: &Room, sums: &mut Sums) {
        let mut classes: Vec<(&u32, &bool)> = room.grouping.sizes.iter().zip(&room.holds).collect();
        classes.sort_unstable();
        for (rows, holds) in classes {
            let logarithm = x_log_x(u64::from(*rows));
            sums.all_logarithms += logarithm;
            if *holds {
                sums.logarithms += logarithm;
            }
        }
    }

    /// Suppresses the smallest classes, until the mean of 1 / size over the rows that are kept is low enough. Among
    /// classes of one size, those whose codes come first.
    fn suppress_smallest(
        &self,
        source: &Tuples,
        levels: &[u8],
        plan: &KeyPlan,
        most: f64,
        sums: &mut Sums,
        room: &mut Room,
    ) {
        let rows = real(self.problem.rows() as u64);
        let is_low = |sums: &Sums| real(sums.kept_classes) <= most * (rows - real(sums.suppressed)) + 1e-9;
        if is_low(sums) {
            return;
        }
        let codes = |class: usize| -> Vec<u32> {
            (0..levels.len())
                .map(|attribute| self.code(source, levels, plan, &room.grouping, class, attribute))
                .collect()
        };
        let kept = (0..room.holds.len()).filter(|class| at(&room.holds, *class));
        let mut kept: Vec<(u32, Vec<u32>, usize)> =
            kept.map(|class| (at(&room.grouping.sizes, class), codes(class), class)).collect();
        kept.sort_unstable();
        for (size, _, class) in kept {
            if is_low(sums) {
                return;
            }
            if let Some(holds) = room.holds.get_mut(class) {
                *holds = false;
            }
            let size = u64::from(size);
            sums.kept_classes -= 1;
            sums.suppressed += size;
            sums.squares -= real(size) * real(size);
            if self.measure.metric == Metric::Divergence {
                sums.logarithms -= x_log_x(size);
            }
        }
    }

    /// The code that an attribute has in a class.
    fn code(
        &self,
        source: &Tuples,
        levels: &[u8],
        plan: &KeyPlan,
        grouping: &Grouping,
        class: usize,
        attribute: usize,
    ) -> u32 {
        plan.code(at(&grouping.keys, class), attribute)
            .unwrap_or_else(|| source.code_at(self.problem, at(&grouping.first, class), attribute, levels))
    }

    /// What the rows of `room.suppressed` add to each attribute's term.
    fn extras(&self, source: &Tuples, levels: &[u8], plan: &KeyPlan, room: &mut Room) -> Vec<f64> {
        let all = room.suppressed.iter().map(|(_, rows)| u64::from(*rows)).sum();
        if all == 0 {
            return vec![0.0; levels.len()];
        }
        let own = self.problem.attributes.iter().zip(levels);
        let cardinalities: Vec<usize> =
            own.map(|(own, level)| own.hierarchy.cardinality(usize::from(*level))).collect();
        let Room { by_code, suppressed, grouping, .. } = room;
        by_code.clear();
        by_code.resize(cardinalities.iter().sum(), 0);
        for (class, rows) in suppressed.iter() {
            let class = up(*class);
            if plan.is_wide() {
                let mut start = 0;
                for (attribute, cardinality) in cardinalities.iter().enumerate() {
                    let code = self.code(source, levels, plan, grouping, class, attribute);
                    add(by_code, start + up(code), *rows);
                    start += cardinality;
                }
            } else {
                count_codes(at(&grouping.keys, class), &cardinalities, *rows, by_code);
            }
        }
        let mut rest = by_code.as_slice();
        let mut extras = Vec::with_capacity(levels.len());
        for (attribute, (cardinality, level)) in cardinalities.iter().zip(levels).enumerate() {
            let (own, others) = rest.split_at_checked(*cardinality).unwrap_or_default();
            extras.push(self.measure.extra(attribute, usize::from(*level), own, all));
            rest = others;
        }
        extras
    }
}

/// Adds rows to the code of each attribute in a key. Small keys are taken apart faster.
fn count_codes(key: u64, cardinalities: &[usize], rows: u32, by_code: &mut [u32]) {
    let mut start = 0;
    if let Ok(mut rest) = u32::try_from(key) {
        for cardinality in cardinalities {
            let own = (*cardinality).max(1) as u32;
            add(by_code, start + up(rest % own), rows);
            rest /= own;
            start += cardinality;
        }
    } else {
        let mut rest = key;
        for cardinality in cardinalities {
            let own = (*cardinality).max(1) as u64;
            add(by_code, start + (rest % own) as usize, rows);
            rest /= own;
            start += cardinality;
        }
    }
}

impl Room {
    /// Notes the rows of classes that do not hold; `in_all_below`: those that no node below can keep.
    fn note_suppressed(&mut self, in_all_below: bool) {
        self.suppressed.clear();
        let classes = (0..).zip(&self.grouping.sizes).zip(&self.holds).zip(&self.must);
        for (((class, rows), holds), must) in classes {
            let rows = match (in_all_below, holds) {
                (true, _) => *must,
                (false, true) => 0,
                (false, false) => *rows,
            };
            if rows > 0 {
                self.suppressed.push((class, rows));
            }
        }
    }
}
