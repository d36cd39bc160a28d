//! What stays of a further release at given levels, and what is withheld for the sake of earlier ones.

use std::collections::HashMap;

use crate::applied::{Applied, Applier};
use crate::joint::Release;
use crate::problem::{Model, Problem};
use crate::releases::Further;
use crate::slot::{at, up};

/// A release at some levels, that of the joint class (the last) among them.
pub(crate) struct Made {
    pub(crate) applied: Applied,
    /// Rows withheld beyond those that the models suppress.
    pub(crate) withheld: u64,
    pub(crate) release: Release,
}

impl Made {
    /// Rows that are not in it.
    pub(crate) fn left_out(&self) -> u64 {
        self.applied.solution.suppressed + self.withheld
    }
}

/// Makes a release at one levels after another.
pub(crate) struct Maker<'a> {
    further: Further<'a>,
    applier: Applier<'a>,
    /// Who is in each joint class; nobody in that of those who were in no release.
    members: Vec<Vec<u32>>,
    /// The row of each person; `NONE` for those who have none.
    row_of: Vec<u32>,
    parts: PartBounds,
}

const NONE: u32 = u32::MAX;

/// What a part of a joint class must have when single rows of it are withheld.
struct PartBounds {
    k: usize,
    l: Vec<usize>,
    /// Whether the models ask for nothing else; if they do, parts are not broken.
    is_all: bool,
}

impl<'a> Maker<'a> {
    /// `problem`: with the joint class as its last attribute.
    pub(crate) fn new(problem: &'a Problem, further: Further<'a>) -> Maker<'a> {
        let Further { people, joint, sensitive, .. } = further;
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); joint.classes];
        for (person, class) in (0_u32..).zip(&joint.class_of) {
            if let Some(own) = members.get_mut(up(*class)).filter(|_| *class > 0) {
                own.push(person);
            }
        }
        let mut row_of = vec![NONE; joint.class_of.len()];
        for (row, person) in (0..).zip(people) {
            if let Some(own) = row_of.get_mut(up(*person)) {
                *own = row;
            }
        }
        let mut parts = PartBounds { k: 1, l: vec![1; sensitive.len()], is_all: true };
        for model in &problem.models {
            match model {
                Model::KAnonymity { k } => parts.k = parts.k.max(up(*k)),
                Model::DistinctDiversity { sensitive: own, l } => {
                    match sensitive.iter().position(|place| place == own).and_then(|at| parts.l.get_mut(at)) {
                        Some(least) => *least = (*least).max(up(*l)),
                        None => parts.is_all = false,
                    }
                }
                _ => parts.is_all = false,
            }
        }
        Maker { further, applier: Applier::new(problem), members, row_of, parts }
    }

    /// Brings the table to levels, and withholds rows until no joint class is left out in a part that is too small or too
    /// uniform.
    pub(crate) fn at(&mut self, levels: &[u8]) -> Made {
        let mut applied = self.applier.at(levels);
        let mut withheld = 0;
        for members in self.members.iter().skip(1) {
            let kept = |person: &u32| {
                let row = at(&self.row_of, up(*person));
                (row != NONE && at(&applied.kept, up(row))).then_some(row)
            };
            let inside: Vec<u32> = members.iter().filter_map(kept).collect();
            if inside.is_empty() || inside.len() == members.len() {
                continue;
            }
            let outside: Vec<u32> = members.iter().filter(|person| kept(person).is_none()).copied().collect();
            let more = self.to_withhold(&inside, &outside, &applied);
            withheld += more.len() as u64;
            for row in more {
                if let Some(kept) = applied.kept.get_mut(up(row)) {
                    *kept = false;
                }
            }
        }
        let (more, release) = self.settled(&mut applied);
        withheld += more;
        let rated = self.applier.task.rate(levels, &applied.class_of, &applied.kept);
        applied.solution.score = rated;
        Made { applied, withheld, release }
    }

    /// Withholds whole joint classes from the release as long as one would be too well known: what changed between releases
    /// can leave too little when values are intersected. Where nobody of a joint class is released, it stays as it was.
    fn settled(&self, applied: &mut Applied) -> (u64, Release) {
        let Further { joint, bounds, people, .. } = self.further;
        let mut withheld = 0;
        loop {
            let release = self.released(applied);
            let mut after = joint.clone();
            after.add(&release);
            let verdicts = after.verdicts(bounds);
            let is_exposed = |person: usize| {
                let class = up(at(&after.class_of, person));
                class > 0 && verdicts.get(class).is_some_and(|class| class.is_small || class.is_uniform)
            };
            let mut before: Vec<u32> = Vec::new();
            let mut new_ones = Vec::new();
            for person in (0..after.class_of.len()).filter(|person| is_exposed(*person)) {
                match at(&joint.class_of, person) {
                    0 => new_ones.push(person),
                    class => before.push(class),
                }
            }
            before.sort_unstable();
            before.dedup();
            new_ones.sort_unstable();
            let mut more = 0;
            for (kept, person) in applied.kept.iter_mut().zip(people).filter(|(kept, _)| **kept) {
                let is_before = before.binary_search(&at(&joint.class_of, up(*person))).is_ok();
                if is_before || new_ones.binary_search(&up(*person)).is_ok() {
                    *kept = false;
                    more += 1;
                }
            }
            if more == 0 {
                return (withheld, release);
            }
            withheld += more;
        }
    }

    /// The column of each sensitive attribute that counts.
    fn columns(&self) -> Vec<&'a [u32]> {
        let Further { problem, sensitive, .. } = self.further;
        let column = |place: &usize| problem.sensitive.get(*place).map_or(&[][..], |own| &own.column);
        sensitive.iter().map(column).collect()
    }

    /// Rows of a joint class that must stay out with those that are out: none, as few as make these safe, or all.
    fn to_withhold(&self, inside: &[u32], outside: &[u32], applied: &Applied) -> Vec<u32> {
        let Further { joint, bounds, .. } = self.further;
        let columns = self.columns();
        let mut out = Kinds::new(columns.len());
        for person in outside {
            // A release before this attribute counted has no value of it: then it is none that helps.
            out.add(|place| joint.known.get(place).map(|known| at(&known.last, up(*person))));
        }
        let l = vec![up(bounds.l); columns.len()];
        if out.hold(up(bounds.k), &l) {
            return Vec::new();
        }
        if !self.parts.is_all {
            return inside.to_vec();
        }
        // Parts of it by class of this release, the largest first: those can give some and still hold.
        let mut parts: HashMap<u32, Vec<u32>> = HashMap::new();
        inside.iter().for_each(|row| parts.entry(at(&applied.class_of, up(*row))).or_default().push(*row));
        let mut parts: Vec<(u32, Vec<u32>)> = parts.into_iter().collect();
        parts.sort_by_key(|(class, rows)| (std::cmp::Reverse(rows.len()), *class));
        let value = |row: u32, place: usize| columns.get(place).map(|column| at(column, up(row)));
        let mut given = Vec::new();
        for (_, mut left) in parts {
            let mut stay = Kinds::new(columns.len());
            left.iter().for_each(|row| stay.add(|place| value(*row, place)));
            let mut position = 0;
            while position < left.len() && !out.hold(up(bounds.k), &l) {
                let row = at(&left, position);
                let helps = out.rows < up(bounds.k) || out.lacks(&l, |place| value(row, place));
                stay.remove(|place| value(row, place));
                if helps && stay.hold(self.parts.k, &self.parts.l) {
                    given.push(row);
                    out.add(|place| value(row, place));
                    left.swap_remove(position);
                } else {
                    stay.add(|place| value(row, place));
                    position += 1;
                }
            }
        }
        if out.hold(up(bounds.k), &l) { given } else { inside.to_vec() }
    }

    /// Who is in which class of what is published: the joint class is not.
    fn released(&self, applied: &Applied) -> Release {
        let Further { problem, people, joint, .. } = self.further;
        let own = problem.attributes.iter().zip(&applied.levels);
        let own: Vec<(&[u32], &[u32])> =
            own.map(|(own, level)| (own.hierarchy.codes_at(*level), own.column.as_slice())).collect();
        let columns = self.columns();
        let everybody = joint.class_of.len();
        let mut numbers: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut release =
            Release { class_of: vec![0; everybody], values: vec![vec![0; everybody]; columns.len()] };
        for (row, person) in people.iter().enumerate().filter(|(row, _)| at(&applied.kept, *row)) {
            let codes = own.iter().map(|(codes, column)| at(codes, up(at(column, row)))).collect();
            let next = numbers.len() as u32 + 1;
            let class = *numbers.entry(codes).or_insert(next);
            if let Some(own) = release.class_of.get_mut(up(*person)) {
                *own = class;
            }
            for (values, column) in release.values.iter_mut().zip(&columns) {
                if let Some(own) = values.get_mut(up(*person)) {
                    *own = at(column, row);
                }
            }
        }
        release
    }
}

/// How many rows there are, and how many of them have each value of each sensitive attribute.
struct Kinds {
    rows: usize,
    values: Vec<HashMap<u32, usize>>,
}

impl Kinds {
    fn new(attributes: usize) -> Kinds {
        Kinds { rows: 0, values: vec![HashMap::new(); attributes] }
    }

    fn add(&mut self, value: impl Fn(usize) -> Option<u32>) {
        self.rows += 1;
        for (place, counts) in self.values.iter_mut().enumerate() {
            if let Some(value) = value(place) {
                *counts.entry(value).or_default() += 1;
            }
        }
    }

    fn remove(&mut self, value: impl Fn(usize) -> Option<u32>) {
        self.rows = self.rows.saturating_sub(1);
        for (place, counts) in self.values.iter_mut().enumerate() {
            let Some(value) = value(place) else { continue };
            match counts.get_mut(&value) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    counts.remove(&value);
                }
            }
        }
    }

    fn hold(&self, k: usize, l: &[usize]) -> bool {
        self.rows >= k && self.values.iter().zip(l).all(|(counts, l)| counts.len() >= *l)
    }

    /// Whether a value is missing of an attribute that has too few.
    fn lacks(&self, l: &[usize], value: impl Fn(usize) -> Option<u32>) -> bool {
        self.values.iter().zip(l).enumerate().any(|(place, (counts, l))| {
            counts.len() < *l && value(place).is_some_and(|value| !counts.contains_key(&value))
        })
    }
}
