//! Several releases together.
//!
//! Who attacks knows every person's quasi-identifiers and who is in which release; all recipients work together. People
//! who were in the same class, or in none, in each release cannot be told apart: they are a joint class. A release may
//! only be added if afterwards every joint class of people who were ever released has at least k members, and at least
//! l sensitive values: among its own people (what is left when releases are subtracted from one another), and after
//! intersecting the values of all classes they were in.

use std::collections::HashMap;

use crate::grouping::Places;
use crate::slot::{at, up};

/// One release: of each person of the domain the class, from 1 on; 0 for those who are not in it. And the sensitive values,
/// where there are any.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Class of each person, 0 for nobody's.
    pub class_of: Vec<u32>,
    /// Of each sensitive attribute the value of each person; looked at only for those who are in it. Empty where nothing is
    /// sensitive; the same attributes, in the same order, in all releases of a domain.
    pub values: Vec<Vec<u32>>,
}

/// What all releases so far say together.
#[derive(Clone, Debug)]
pub struct Joint {
    /// Joint class of each person; 0 for those who were in no release.
    pub(crate) class_of: Vec<u32>,
    /// How many there are, 0 included.
    pub(crate) classes: usize,
    /// What is known of each sensitive attribute.
    pub(crate) known: Vec<Known>,
}

/// What releases say of one sensitive attribute.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Value of each person when last released.
    pub(crate) last: Vec<u32>,
    /// Of each joint class the values that are left after intersecting: a number of a set.
    left: Vec<u32>,
    /// Sets of values, each once, in ascending order. The first stands for any value: no release had any.
    sets: Vec<Vec<u32>>,
}

/// How many people are too well known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposed {
    /// People who were ever released.
    pub people: u64,
    /// Of them, in a joint class of fewer than k.
    pub below_k: u64,
    /// Alone in theirs.
    pub alone: u64,
    /// With fewer than l values left.
    pub below_l: u64,
    /// The smallest joint class.
    pub smallest: u64,
}

/// What is asked of joint classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Least members.
    pub k: u32,
    /// Least values of each sensitive attribute; 1 where nothing is sensitive.
    pub l: u32,
}

impl Joint {
    /// No release yet.
    pub fn new(people: usize) -> Joint {
        Joint { class_of: vec![0; people], classes: 1, known: Vec::new() }
    }

    /// All releases of a domain, in order.
    pub fn of(people: usize, releases: &[Release]) -> Joint {
        let mut joint = Joint::new(people);
        releases.iter().for_each(|release| joint.add(release));
        joint
    }

    /// Joint class of each person; 0 for those who were in no release.
    pub fn class_of(&self) -> &[u32] {
        &self.class_of
    }

    /// Takes in a release.
    pub fn add(&mut self, release: &Release) {
        let (mut table, mut pairs) = (Vec::new(), Vec::new());
        let mut places = Places::new(&mut table);
        for (own, class) in self.class_of.iter_mut().zip(&release.class_of) {
            if *own == 0 && *class == 0 {
                continue;
            }
            *own = places.class(u64::from(*own) << 32 | u64::from(*class), &mut pairs) + 1;
        }
        while self.known.len() < release.values.len() {
            let (last, left) = (vec![0; self.class_of.len()], vec![ANY; self.classes]);
            self.known.push(Known { last, left, sets: vec![Vec::new()] });
        }
        self.classes = pairs.len() + 1;
        for (place, known) in self.known.iter_mut().enumerate() {
            known.add(&pairs, &release.class_of, release.values.get(place).map_or(&[], Vec::as_slice));
        }
    }

    /// Who is too well known by now.
    pub fn exposed(&self, bounds: Bounds) -> Exposed {
        let mut exposed = Exposed { smallest: u64::MAX, ..Exposed::default() };
        for class in self.verdicts(bounds).iter().skip(1) {
            let size = u64::from(class.size);
            exposed.people += size;
            exposed.smallest = exposed.smallest.min(size);
            exposed.below_k += if class.is_small { size } else { 0 };
            exposed.below_l += if class.is_uniform { size } else { 0 };
            exposed.alone += u64::from(size == 1);
        }
        if exposed.people == 0 {
            exposed.smallest = 0;
        }
        exposed
    }

    /// What is to be said of each joint class; of nobody's at place 0.
    pub(crate) fn verdicts(&self, bounds: Bounds) -> Vec<Verdict> {
        let mut sizes = vec![0_u32; self.classes];
        self.class_of.iter().for_each(|class| crate::slot::add(&mut sizes, up(*class), 1));
        let verdict = |size: u32| Verdict { size, is_small: size < bounds.k, is_uniform: false };
        let mut verdicts: Vec<Verdict> = sizes.into_iter().map(verdict).collect();
        for known in self.known.iter().filter(|_| bounds.l > 1) {
            let own_values = known.own_values(&self.class_of);
            for (class, verdict) in verdicts.iter_mut().enumerate() {
                let intersected = match at(&known.left, class) {
                    ANY => usize::MAX,
                    set => known.sets.get(up(set)).map_or(0, Vec::len),
                };
                verdict.is_uniform |= intersected.min(up(at(&own_values, class))) < up(bounds.l);
            }
        }
        verdicts
    }
}

impl Known {
    /// Takes in a release. `pairs`: of each joint class the one before and the class in the release.
    fn add(&mut self, pairs: &[u64], class_of: &[u32], values: &[u32]) {
        let mut sets = Sets::new(std::mem::take(&mut self.sets));
        let of_class: Vec<u32> =
            values_by_class(class_of, values).into_iter().map(|values| sets.number(values)).collect();
        let mut left = vec![ANY];
        for pair in pairs {
            let (before, class) = ((pair >> 32) as usize, *pair as u32);
            left.push(sets.intersected(at(&self.left, before), at(&of_class, up(class))));
        }
        self.left = left;
        self.sets = sets.all;
        let in_it = class_of.iter().zip(values).zip(&mut self.last);
        in_it.filter(|((class, _), _)| **class > 0).for_each(|((_, value), last)| *last = *value);
    }

    /// Different values among the people of each joint class themselves.
    fn own_values(&self, class_of: &[u32]) -> Vec<u32> {
        let people = class_of.iter().zip(&self.last);
        let mut pairs: Vec<u64> =
            people.map(|(class, value)| u64::from(*class) << 32 | u64::from(*value)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut counts = vec![0; self.left.len()];
        pairs.iter().for_each(|pair| crate::slot::add(&mut counts, (pair >> 32) as usize, 1));
        counts
    }
}

/// What is to be said of a joint class.
pub(crate) struct Verdict {
    size: u32,
    pub(crate) is_small: bool,
    pub(crate) is_uniform: bool,
}

/// The set that says nothing.
const ANY: u32 = 0;

/// Sets of values, each kept once, and what pairs of them have in common.
struct Sets {
    all: Vec<Vec<u32>>,
    numbers: HashMap<Vec<u32>, u32>,
    common: HashMap<(u32, u32), u32>,
    last: ((u32, u32), u32),
}

impl Sets {
    fn new(all: Vec<Vec<u32>>) -> Sets {
        let numbers = (0..).zip(&all).skip(1).map(|(number, set)| (set.clone(), number)).collect();
        Sets { all, numbers, common: HashMap::new(), last: ((ANY, ANY), ANY) }
    }

    /// The number of a set; no set at all is any value.
    fn number(&mut self, set: Option<Vec<u32>>) -> u32 {
        let Some(set) = set else { return ANY };
        let next = self.all.len() as u32;
        let number = *self.numbers.entry(set.clone()).or_insert(next);
        if number == next {
            self.all.push(set);
        }
        number
    }

    fn intersected(&mut self, one: u32, other: u32) -> u32 {
        if one == ANY || other == ANY || one == other {
            return one.max(other);
        }
        // Neighbours often ask the same.
        if self.last.0 == (one, other) {
            return self.last.1;
        }
        let found = match self.common.get(&(one, other)) {
            Some(known) => *known,
            None => {
                let [Some(first), Some(second)] = [one, other].map(|set| self.all.get(up(set))) else {
                    return ANY;
                };
                let both =
                    first.iter().copied().filter(|value| second.binary_search(value).is_ok()).collect();
                let number = self.number(Some(both));
                self.common.insert((one, other), number);
                number
            }
        };
        self.last = ((one, other), found);
        found
    }
}

/// The values of each class, ascending; of those who are not in it, and where nothing is sensitive, none are known.
fn values_by_class(class_of: &[u32], values: &[u32]) -> Vec<Option<Vec<u32>>> {
    let classes = class_of.iter().max().map_or(0, |most| up(*most));
    let mut by_class: Vec<Option<Vec<u32>>> = vec![None; classes + 1];
    let people = class_of.iter().zip(values).filter(|(class, _)| **class > 0);
    let mut pairs: Vec<u64> =
        people.map(|(class, value)| u64::from(*class) << 32 | u64::from(*value)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    for pair in pairs {
        if let Some(own) = by_class.get_mut((pair >> 32) as usize) {
            own.get_or_insert_default().push(pair as u32);
        }
    }
    by_class
}
