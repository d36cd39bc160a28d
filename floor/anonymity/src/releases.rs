//! A further release: the best that may be added to those there were.

use std::collections::HashMap;

use crate::applied::{Applied, apply};
use crate::hierarchy::Hierarchy;
use crate::joint::{Bounds, Joint, Release};
use crate::problem::{Attribute, Problem, ProblemFault};
use crate::search::{Settings, search};
use crate::slot::{at, up};

/// A release that may be added.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Levels, and the rows that stay. Rows withheld for the sake of earlier releases do not.
    pub applied: Applied,
    /// Rows that stay out for the sake of earlier releases alone.
    pub withheld: u64,
    /// The release, by person.
    pub release: Release,
}

/// Why a release may not be added, and the least that would let it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Rows that would have to be left out.
    pub needed: u64,
    /// Rows that may be.
    pub allowed: u64,
    /// At these levels.
    pub levels: Vec<usize>,
}

/// Searches the best release that may be added. `people`: the person of each row. The models of the problem hold for its
/// classes, the bounds for all joint classes; `sensitive`: the attribute whose values count for l.
///
/// The joint class is one more attribute, never made coarser: what the models ask of a class they then ask of its part
/// in each joint class, so the search itself looks for levels that go with those of earlier releases. What cannot be
/// kept of a joint class stays out of this release; if that would leave out so few that they could be told apart, more
/// of the same joint class stay out.
///
/// # Errors
/// A problem that cannot be worked on.
pub fn next_release(
    problem: &Problem,
    people: &[u32],
    joint: &Joint,
    bounds: Bounds,
    sensitive: Option<usize>,
    settings: &Settings<'_>,
) -> Result<Result<Passed, Refused>, ProblemFault> {
    problem.check()?;
    if !problem.counts.is_empty() {
        return Err(ProblemFault::Model(
            "人ごとの行が要ります / people are told apart: rows of a release cannot be joined before",
        ));
    }
    let with_joint = joined(problem, people, joint, bounds, sensitive);
    let allowed = problem.most_suppressed();
    // What mending costs is known only afterwards: the search is then told to leave room for it.
    let mut room = 0;
    let mut least: Option<Refused> = None;
    for _ in 0..6 {
        let share = allowed.saturating_sub(room) as f64 / problem.rows() as f64;
        let tried = Problem { suppression_limit: share, ..with_joint.clone() };
        let Some(best) = search(&tried, settings)?.best else { break };
        let (applied, mended) = mended(&tried, &best.levels, people, joint, bounds, sensitive)?;
        let needed = applied.solution.suppressed + mended;
        if needed <= allowed {
            return Ok(Ok(passed(problem, applied, mended, people, joint, sensitive)));
        }
        least = smaller(least, Refused { needed, allowed, levels: levels_of(&best.levels) });
        room += needed - allowed;
        if room > allowed {
            break;
        }
    }
    let anything = Problem { suppression_limit: 1.0, ..with_joint };
    if let Some(best) = search(&anything, settings)?.best {
        let (applied, mended) = mended(&anything, &best.levels, people, joint, bounds, sensitive)?;
        let needed = applied.solution.suppressed + mended;
        least = smaller(least, Refused { needed, allowed, levels: levels_of(&best.levels) });
    }
    let nothing = Refused { needed: problem.rows() as u64, allowed, levels: Vec::new() };
    Ok(Err(least.unwrap_or(nothing)))
}

fn levels_of(levels: &[usize]) -> Vec<usize> {
    levels.split_last().map(|(_, own)| own.to_vec()).unwrap_or_default()
}

fn smaller(one: Option<Refused>, other: Refused) -> Option<Refused> {
    Some(one.filter(|one| one.needed <= other.needed).unwrap_or(other))
}

/// The problem with the joint class as one more attribute, and the bounds as models.
fn joined(
    problem: &Problem,
    people: &[u32],
    joint: &Joint,
    bounds: Bounds,
    sensitive: Option<usize>,
) -> Problem {
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut rows = Vec::new();
    let mut column = Vec::with_capacity(people.len());
    for person in people {
        let class = at(&joint.class_of, up(*person));
        let next = numbers.len() as u32;
        let code = *numbers.entry(class).or_insert(next);
        if code == next {
            rows.push(vec![class.to_string()]);
        }
        column.push(code);
    }
    let mut with_joint = problem.clone();
    // Each joint class has a row of its own, and there is at least one row: nothing can be wrong with it.
    if let Ok(hierarchy) = Hierarchy::from_rows(&rows) {
        with_joint.attributes.push(Attribute { name: JOINT.into(), hierarchy, column, weight: 0.0 });
    }
    with_joint.models.push(crate::Model::KAnonymity { k: bounds.k });
    if let Some(sensitive) = sensitive {
        with_joint.models.push(crate::Model::DistinctDiversity { sensitive, l: bounds.l });
    }
    with_joint
}

/// Brings the table to levels, and withholds rows until no joint class is left out in a part that is too small or too
/// uniform. Gives what stays, and how many rows were withheld beyond those that the models suppress.
fn mended(
    problem: &Problem,
    levels: &[usize],
    people: &[u32],
    joint: &Joint,
    bounds: Bounds,
    sensitive: Option<usize>,
) -> Result<(Applied, u64), ProblemFault> {
    let mut applied = apply(problem, levels)?;
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); joint.left.len()];
    for (person, class) in (0_u32..).zip(&joint.class_of) {
        if let Some(own) = members.get_mut(up(*class)).filter(|_| *class > 0) {
            own.push(person);
        }
    }
    let mut row_of = vec![u32::MAX; joint.class_of.len()];
    for (row, person) in (0..).zip(people) {
        if let Some(own) = row_of.get_mut(up(*person)) {
            *own = row;
        }
    }
    let mut withheld = 0;
    for members in members.iter().skip(1) {
        let kept = |person: &u32| {
            let row = at(&row_of, up(*person));
            (row != u32::MAX && at(&applied.kept, up(row))).then_some(row)
        };
        let inside: Vec<u32> = members.iter().filter_map(kept).collect();
        if inside.is_empty() || inside.len() == members.len() {
            continue;
        }
        let outside: Vec<u32> = members.iter().filter(|person| kept(person).is_none()).copied().collect();
        let more = to_withhold(&inside, &outside, &applied, problem, joint, bounds, sensitive);
        withheld += more.len() as u64;
        for row in more {
            if let Some(kept) = applied.kept.get_mut(up(row)) {
                *kept = false;
            }
        }
    }
    withheld += settled(problem, &mut applied, people, joint, bounds, sensitive);
    Ok((applied, withheld))
}

/// Withholds whole joint classes from the release as long as one would be too well known: what changed between releases
/// can leave too little when values are intersected. Where nobody of a joint class is released, it stays as it was.
fn settled(
    problem: &Problem,
    applied: &mut Applied,
    people: &[u32],
    joint: &Joint,
    bounds: Bounds,
    sensitive: Option<usize>,
) -> u64 {
    let mut withheld = 0;
    loop {
        let mut after = joint.clone();
        after.add(&released(problem, applied, people, joint, sensitive));
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
            return withheld;
        }
        withheld += more;
    }
}

/// Rows of a joint class that must stay out with those that are out: none, as few as make these safe, or all.
fn to_withhold(
    inside: &[u32],
    outside: &[u32],
    applied: &Applied,
    problem: &Problem,
    joint: &Joint,
    bounds: Bounds,
    sensitive: Option<usize>,
) -> Vec<u32> {
    let column = sensitive.and_then(|place| problem.sensitive.get(place)).map(|own| own.column.as_slice());
    let mut values: Vec<u32> = outside.iter().map(|person| at(&joint.last_value, up(*person))).collect();
    values.sort_unstable();
    values.dedup();
    let is_safe = |count: usize, values: &[u32]| {
        count >= up(bounds.k) && (column.is_none() || values.len() >= up(bounds.l))
    };
    if is_safe(outside.len(), &values) {
        return Vec::new();
    }
    // Parts of it by class of this release, the largest first: those can give some and still hold.
    let mut parts: HashMap<u32, Vec<u32>> = HashMap::new();
    inside.iter().for_each(|row| parts.entry(at(&applied.class_of, up(*row))).or_default().push(*row));
    let mut parts: Vec<(u32, Vec<u32>)> = parts.into_iter().collect();
    parts.sort_by_key(|(class, rows)| (std::cmp::Reverse(rows.len()), *class));
    let mut out = Vec::new();
    for (_, rows) in &parts {
        let mut left = rows.clone();
        let mut position = 0;
        while position < left.len() && !is_safe(outside.len() + out.len(), &values) {
            let row = at(&left, position);
            let value = column.map_or(0, |column| at(column, up(row)));
            let helps = outside.len() + out.len() < up(bounds.k) || !values.contains(&value);
            let mut rest = left.clone();
            rest.swap_remove(position);
            let mut kinds: Vec<u32> =
                rest.iter().map(|row| column.map_or(0, |column| at(column, up(*row)))).collect();
            kinds.sort_unstable();
            kinds.dedup();
            if helps && is_safe(rest.len(), &kinds) {
                out.push(row);
                if let Err(place) = values.binary_search(&value) {
                    values.insert(place, value);
                }
                left = rest;
            } else {
                position += 1;
            }
        }
    }
    if is_safe(outside.len() + out.len(), &values) { out } else { inside.to_vec() }
}

fn passed(
    problem: &Problem,
    mut applied: Applied,
    withheld: u64,
    people: &[u32],
    joint: &Joint,
    sensitive: Option<usize>,
) -> Passed {
    applied.levels = levels_of(&applied.levels);
    applied.solution.levels = applied.levels.clone();
    applied.solution.suppressed += withheld;
    let release = released(problem, &applied, people, joint, sensitive);
    applied.solution.classes = u64::from(release.class_of.iter().max().copied().unwrap_or(0));
    Passed { applied, withheld, release }
}

/// Who is in which class of what is published: the joint class, where it is among the attributes, is not.
fn released(
    problem: &Problem,
    applied: &Applied,
    people: &[u32],
    joint: &Joint,
    sensitive: Option<usize>,
) -> Release {
    let own = problem.attributes.iter().zip(&applied.levels).filter(|(own, _)| own.name != JOINT);
    let own: Vec<(&[u32], &[u32])> =
        own.map(|(own, level)| (own.hierarchy.codes_at(*level), own.column.as_slice())).collect();
    let mut numbers: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut release = Release { class_of: vec![0; joint.class_of.len()], values: Vec::new() };
    let column = sensitive.and_then(|place| problem.sensitive.get(place)).map(|own| own.column.as_slice());
    if column.is_some() {
        release.values = vec![0; joint.class_of.len()];
    }
    for (row, person) in people.iter().enumerate().filter(|(row, _)| at(&applied.kept, *row)) {
        let codes = own.iter().map(|(codes, column)| at(codes, up(at(column, row)))).collect();
        let next = numbers.len() as u32 + 1;
        let class = *numbers.entry(codes).or_insert(next);
        if let Some(own) = release.class_of.get_mut(up(*person)) {
            *own = class;
        }
        if let (Some(own), Some(column)) = (release.values.get_mut(up(*person)), column) {
            *own = at(column, row);
        }
    }
    release
}

/// The name of the attribute that stands for the joint class: no column can have it, as a header has no line breaks.
const JOINT: &str = "joint\nclass";
