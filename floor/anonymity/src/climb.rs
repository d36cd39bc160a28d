//! The best node that can be found in a lattice too large to be written down: from the top downwards, without proof.

use std::collections::HashSet;

use crate::check::{Room, Task};
use crate::search::{Judge, Outcome, Settings, Solution, solution};
use crate::slot::at;
use crate::tuples::Tuples;

/// Goes down as long as a node holds and scores less; then to neighbours one down and one up.
pub(crate) fn climb(
    task: &Task<'_>,
    base: Tuples,
    settings: &Settings<'_>,
    judge: Option<Judge<'_>>,
) -> Outcome {
    let heights: Vec<u8> =
        task.problem.attributes.iter().map(|attribute| (attribute.hierarchy.height() - 1) as u8).collect();
    let mut climb = Climb {
        task,
        base,
        room: Room::default(),
        seen: HashSet::new(),
        best: None,
        heights: heights.clone(),
        settings,
        judge,
    };
    climb.look(heights.clone());
    while let Some((levels, before)) = climb.best.as_ref().map(|(levels, best)| (levels.clone(), best.score))
    {
        for near in climb.near(&levels) {
            climb.look(near);
        }
        if climb.best.as_ref().is_none_or(|(_, best)| best.score >= before) || !(settings.go_on)() {
            break;
        }
    }
    // With nothing made coarser and nothing suppressed: no node is below it.
    let terms = (0..heights.len()).map(|attribute| task.measure.term(attribute, 0, 0.0)).sum();
    let bound = if task.measure.is_bounded() { task.measure.scaled(terms) } else { 0.0 };
    Outcome {
        is_optimal: false,
        bound,
        nodes: None,
        checked: climb.seen.len() as u64,
        best: climb.best.map(|(_, solution)| solution),
    }
}

struct Climb<'a, 'b, 'j> {
    task: &'a Task<'b>,
    base: Tuples,
    room: Room,
    seen: HashSet<Vec<u8>>,
    best: Option<(Vec<u8>, Solution)>,
    heights: Vec<u8>,
    settings: &'a Settings<'a>,
    judge: Option<Judge<'j>>,
}

impl Climb<'_, '_, '_> {
    fn look(&mut self, levels: Vec<u8>) {
        // The first look is always taken, so that there is an answer.
        if (!self.seen.is_empty() && !(self.settings.go_on)()) || !self.seen.insert(levels.clone()) {
            return;
        }
        let checked = self.task.check(&self.base, &levels, &mut self.room);
        let best = self.best.as_ref().map_or(f64::INFINITY, |(_, best)| best.score);
        let mut score = checked.score.filter(|score| *score < best);
        if let Some(judge) = self.judge.as_mut().filter(|_| score.is_some()) {
            score = judge(&levels).filter(|score| *score < best);
        }
        if let Some(score) = score {
            let found = solution(&levels, &checked, score);
            self.best = Some((levels, found));
        }
    }

    fn near(&self, levels: &[u8]) -> Vec<Vec<u8>> {
        let with = |levels: &[u8], attribute: usize, level: u8| {
            let mut levels = levels.to_vec();
            if let Some(own) = levels.get_mut(attribute) {
                *own = level;
            }
            levels
        };
        let mut near = Vec::new();
        for down in (0..levels.len()).filter(|attribute| at(levels, *attribute) > 0) {
            let lower = with(levels, down, at(levels, down) - 1);
            let raised =
                (0..levels.len()).filter(|up| *up != down && at(levels, *up) < at(&self.heights, *up));
            near.extend(raised.map(|up| with(&lower, up, at(levels, up) + 1)));
            near.push(lower);
        }
        near
    }
}
