//! The table as its different tuples, each with how often it stands there, at some level of each attribute.

use std::ops::Range;

use crate::grouping::{Grouping, Part, Parts, group_shared};
use crate::problem::Problem;
use crate::slot::{add, at, up};

/// Different tuples of quasi-identifiers and sensitive values.
pub(crate) struct Tuples {
    /// Level of each quasi-identifier.
    pub(crate) levels: Vec<u8>,
    /// The quasi-identifiers, several in one column where their product is small: fewer columns are faster grouped.
    bundles: Vec<Bundle>,
    /// A column for each sensitive attribute.
    pub(crate) sensitive: Vec<Vec<u32>>,
    /// Rows of each tuple; none for people of the population alone.
    pub(crate) counts: Vec<u32>,
    /// People of the population with each tuple's quasi-identifiers; empty where no population was given.
    pub(crate) population: Vec<u32>,
}

/// Neighbouring attributes as one column: code = Σ code of attribute · product of the cardinalities before it.
struct Bundle {
    attributes: Range<usize>,
    codes: Vec<u32>,
}

/// Keys of classes at a node: what each attribute's code is multiplied with.
pub(crate) struct KeyPlan {
    scales: Vec<u64>,
    cardinalities: Vec<u64>,
    radix: Option<u64>,
}

/// Largest product of a bundle: what it adds to keys stays in the first cache.
const MOST_PRODUCT: usize = 2_048;
/// Fewer tuples than this are rolled up by one thread.
const WORTH_THREADS: usize = 50_000;

impl Tuples {
    /// The different tuples of a table as it came, by so many threads.
    pub(crate) fn of(problem: &Problem, threads: usize) -> Tuples {
        let rows = Tuples::rows(problem);
        let mut groupings: Vec<Grouping> = (0..threads).map(|_| Grouping::default()).collect();
        rows.rolled_up_by(problem, &rows.levels, &mut groupings.iter_mut().collect::<Vec<_>>())
    }

    /// The rows of a table, none of them joined; people of the population after them.
    pub(crate) fn rows(problem: &Problem) -> Tuples {
        let rows = problem.lines();
        let people = problem.population.first().map_or(0, Vec::len);
        let levels = vec![0; problem.attributes.len()];
        // The population stands under the rows; what is sensitive about it is not known, and not asked.
        let bundle = |attributes: Range<usize>| {
            let mut codes = vec![0; rows + people];
            let mut scale = 1;
            for place in attributes.clone() {
                let Some(attribute) = problem.attributes.get(place) else { continue };
                let more = problem.population.get(place).map_or(&[][..], Vec::as_slice);
                for (code, own) in codes.iter_mut().zip(attribute.column.iter().chain(more)) {
                    *code += *own * scale;
                }
                scale *= attribute.hierarchy.leaves() as u32;
            }
            Bundle { attributes, codes }
        };
        let mut all = Tuples {
            bundles: bundles(problem, &levels, rows).into_iter().map(bundle).collect(),
            sensitive: Vec::new(),
            counts: (0..rows).map(|line| problem.count(line)).collect(),
            population: Vec::new(),
            levels,
        };
        for sensitive in &problem.sensitive {
            let mut column = sensitive.column.clone();
            column.resize(rows + people, 0);
            all.sensitive.push(column);
        }
        if people > 0 {
            all.counts.resize(rows + people, 0);
            all.population = vec![0; rows];
            all.population.resize(rows + people, 1);
        }
        all
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Rows of each different tuple of quasi-identifiers alone.
    pub(crate) fn counts_of_tuples(&self, problem: &Problem) -> Vec<u32> {
        if self.sensitive.is_empty() && self.population.is_empty() {
            return self.counts.clone();
        }
        let mut grouping = Grouping::default();
        let plan = KeyPlan::new(problem, &self.levels, false);
        grouping.group(&self.parts(problem, &plan, &self.levels), &self.counts);
        grouping.sizes
    }

    /// What to group by at other levels, none of them lower.
    pub(crate) fn parts(&self, problem: &Problem, plan: &KeyPlan, levels: &[u8]) -> Parts<'_> {
        let Some(radix) = plan.radix else {
            // An attribute that the plan leaves out has one value.
            let wanted = (0..levels.len()).filter(|attribute| at(&plan.cardinalities, *attribute) > 1);
            let columns = wanted.map(|attribute| {
                let steps = self.steps(problem, attribute, levels);
                let codes = (0..self.len()).map(|tuple| at(&steps, self.code(problem, tuple, attribute)));
                (codes.collect(), at(&plan.cardinalities, attribute))
            });
            return Parts::Wide(columns.collect());
        };
        let adds =
            |bundle: &Bundle| self.by_code(problem, bundle, levels, |attribute| at(&plan.scales, attribute));
        let parts = self.bundles.iter().map(|bundle| Part { codes: &bundle.codes, adds: adds(bundle) });
        Parts::Narrow(parts.filter(|part| part.adds.iter().any(|add| *add > 0)).collect(), radix)
    }

    /// For each code of a bundle the sum over its attributes of the code at other levels times a scale.
    fn by_code(
        &self,
        problem: &Problem,
        bundle: &Bundle,
        levels: &[u8],
        scale: impl Fn(usize) -> u64,
    ) -> Vec<u64> {
        let mut sums = vec![0];
        for attribute in bundle.attributes.clone() {
            let scale = scale(attribute);
            let steps = self.steps(problem, attribute, levels);
            sums = steps
                .iter()
                .flat_map(|to| {
                    let more = u64::from(*to) * scale;
                    sums.iter().map(move |sum| sum + more)
                })
                .collect();
        }
        sums
    }

    /// What the codes of an attribute become at other levels.
    fn steps(&self, problem: &Problem, attribute: usize, levels: &[u8]) -> Vec<u32> {
        let (from, to) = (usize::from(at(&self.levels, attribute)), usize::from(at(levels, attribute)));
        problem.attributes.get(attribute).map(|own| own.hierarchy.steps(from, to)).unwrap_or_default()
    }

    /// The code of an attribute in a tuple.
    fn code(&self, problem: &Problem, tuple: usize, attribute: usize) -> usize {
        let Some(bundle) = self.bundles.iter().find(|bundle| bundle.attributes.contains(&attribute)) else {
            return 0;
        };
        let mut rest = up(at(&bundle.codes, tuple));
        for before in bundle.attributes.start..attribute {
            rest /= cardinality(problem, before, &self.levels).max(1);
        }
        rest % cardinality(problem, attribute, &self.levels).max(1)
    }

    /// The code that an attribute has at other levels in a tuple.
    pub(crate) fn code_at(&self, problem: &Problem, tuple: u32, attribute: usize, levels: &[u8]) -> u32 {
        at(&self.steps(problem, attribute, levels), self.code(problem, up(tuple), attribute))
    }

    /// What to group by at other levels so that sensitive values stay apart.
    fn parts_with_sensitive(&self, problem: &Problem, levels: &[u8]) -> Parts<'_> {
        let plan = KeyPlan::new(problem, levels, true);
        let mut parts = self.parts(problem, &plan, levels);
        for (place, (codes, sensitive)) in self.sensitive.iter().zip(&problem.sensitive).enumerate() {
            let scale = at(&plan.scales, levels.len() + place);
            match &mut parts {
                Parts::Narrow(parts, _) => {
                    let adds = (0..sensitive.values as u64).map(|value| value * scale).collect();
                    parts.push(Part { codes, adds });
                }
                Parts::Wide(parts) => parts.push((codes.clone(), sensitive.values as u64)),
            }
        }
        parts
    }

    /// The tuples at coarser levels, by a thread for each grouping where they are many. In which order they are depends on
    /// how many threads there are; nothing that is counted from them does.
    pub(crate) fn rolled_up_by(
        &self,
        problem: &Problem,
        levels: &[u8],
        groupings: &mut [&mut Grouping],
    ) -> Tuples {
        let is_shared = groupings.len() > 1 && self.len() >= WORTH_THREADS && self.population.is_empty();
        if is_shared && let Parts::Narrow(parts, radix) = &self.parts_with_sensitive(problem, levels) {
            group_shared(parts, *radix, &self.counts, groupings);
            return self.put_together(problem, levels, groupings);
        }
        match groupings {
            [grouping, ..] => self.rolled_up(problem, levels, grouping),
            [] => self.rolled_up(problem, levels, &mut Grouping::default()),
        }
    }

    /// The tuples that several groupings found, one after the other.
    fn put_together(&self, problem: &Problem, levels: &[u8], groupings: &[&mut Grouping]) -> Tuples {
        let found = groupings.iter().map(|grouping| grouping.first.len()).sum();
        let bundles = bundles(problem, levels, found);
        let of_share = |grouping: &Grouping| {
            let codes = bundles.iter().map(|bundle| self.rebundled(problem, levels, bundle, &grouping.first));
            let sensitive = self.sensitive.iter();
            let sensitive =
                sensitive.map(|codes| grouping.first.iter().map(|tuple| at(codes, up(*tuple))).collect());
            codes.chain(sensitive).collect::<Vec<Vec<u32>>>()
        };
        let of_share = &of_share;
        let shares: Vec<Vec<Vec<u32>>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                groupings.iter().map(|grouping| scope.spawn(move || of_share(grouping))).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            // A panic is a bug of ours; it goes on unchanged.
            joined.map(|codes| codes.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let mut columns = vec![Vec::with_capacity(found); bundles.len() + self.sensitive.len()];
        for share in shares {
            columns.iter_mut().zip(share).for_each(|(column, more)| column.extend(more));
        }
        let mut counts = Vec::with_capacity(found);
        groupings.iter().for_each(|grouping| counts.extend_from_slice(&grouping.sizes));
        let sensitive = columns.split_off(bundles.len());
        let bundles = bundles.into_iter().zip(columns);
        Tuples {
            levels: levels.to_vec(),
            bundles: bundles.map(|(attributes, codes)| Bundle { attributes, codes }).collect(),
            sensitive,
            counts,
            population: Vec::new(),
        }
    }

    /// The tuples at coarser levels.
    pub(crate) fn rolled_up(&self, problem: &Problem, levels: &[u8], grouping: &mut Grouping) -> Tuples {
        grouping.group(&self.parts_with_sensitive(problem, levels), &self.counts);
        let first = &grouping.first;
        let bundles = bundles(problem, levels, first.len()).into_iter().map(|attributes| Bundle {
            codes: self.rebundled(problem, levels, &attributes, first),
            attributes,
        });
        let of_first = |codes: &Vec<u32>| first.iter().map(|tuple| at(codes, up(*tuple))).collect();
        let mut population = Vec::new();
        if !self.population.is_empty() {
            population.resize(first.len(), 0);
            for (class, people) in grouping.class_of.iter().zip(&self.population) {
                add(&mut population, up(*class), *people);
            }
        }
        Tuples {
            levels: levels.to_vec(),
            bundles: bundles.collect(),
            sensitive: self.sensitive.iter().map(of_first).collect(),
            counts: grouping.sizes.clone(),
            population,
        }
    }

    /// The codes that some attributes, as one bundle, have in some tuples at other levels.
    fn rebundled(&self, problem: &Problem, levels: &[u8], wanted: &Range<usize>, tuples: &[u32]) -> Vec<u32> {
        let mut codes = vec![0; tuples.len()];
        for bundle in &self.bundles {
            if bundle.attributes.end <= wanted.start || wanted.end <= bundle.attributes.start {
                continue;
            }
            let scale = |attribute: usize| {
                if !wanted.contains(&attribute) {
                    return 0;
                }
                let before =
                    (wanted.start..attribute).map(|before| cardinality(problem, before, levels) as u64);
                before.product()
            };
            let adds = self.by_code(problem, bundle, levels, scale);
            for (code, tuple) in codes.iter_mut().zip(tuples) {
                *code += at(&adds, up(at(&bundle.codes, up(*tuple)))) as u32;
            }
        }
        codes
    }
}

fn cardinality(problem: &Problem, attribute: usize, levels: &[u8]) -> usize {
    let level = usize::from(at(levels, attribute));
    problem.attributes.get(attribute).map_or(1, |own| own.hierarchy.cardinality(level))
}

/// Neighbouring attributes as long as their product is small, also beside the tuples.
fn bundles(problem: &Problem, levels: &[u8], tuples: usize) -> Vec<Range<usize>> {
    let most = tuples.clamp(16, MOST_PRODUCT);
    let mut bundles: Vec<Range<usize>> = Vec::new();
    let mut product = 1;
    for attribute in 0..levels.len() {
        let own = cardinality(problem, attribute, levels);
        match bundles.last_mut() {
            Some(last) if product * own <= most => {
                last.end = attribute + 1;
                product *= own;
            }
            _ => {
                bundles.push(attribute..attribute + 1);
                product = own;
            }
        }
    }
    bundles
}

impl KeyPlan {
    /// Keys over the quasi-identifiers at some levels, and over the sensitive attributes if wanted.
    pub(crate) fn new(problem: &Problem, levels: &[u8], with_sensitive: bool) -> KeyPlan {
        let quasi = (0..levels.len()).map(|attribute| cardinality(problem, attribute, levels));
        let mut cardinalities: Vec<u64> = quasi.map(|cardinality| cardinality as u64).collect();
        if with_sensitive {
            cardinalities.extend(problem.sensitive.iter().map(|sensitive| sensitive.values as u64));
        }
        KeyPlan::of(cardinalities)
    }

    fn of(cardinalities: Vec<u64>) -> KeyPlan {
        let mut scales = Vec::with_capacity(cardinalities.len());
        let mut radix: Option<u64> = Some(1);
        for cardinality in &cardinalities {
            scales.push(radix.unwrap_or(0));
            radix = radix.and_then(|radix| radix.checked_mul(*cardinality));
        }
        KeyPlan { scales, cardinalities, radix }
    }

    /// Keys over some of the quasi-identifiers; the others add nothing.
    pub(crate) fn over(problem: &Problem, levels: &[u8], attributes: &[usize]) -> KeyPlan {
        let own = |attribute| {
            if attributes.contains(&attribute) { cardinality(problem, attribute, levels) } else { 1 }
        };
        let mut plan = KeyPlan::of((0..levels.len()).map(|attribute| own(attribute) as u64).collect());
        for (attribute, scale) in plan.scales.iter_mut().enumerate() {
            if !attributes.contains(&attribute) {
                *scale = 0;
            }
        }
        plan
    }

    /// The code of an attribute in a key; nothing where keys are wide.
    pub(crate) fn code(&self, key: u64, attribute: usize) -> Option<u32> {
        self.radix?;
        let code = key / at(&self.scales, attribute).max(1) % at(&self.cardinalities, attribute).max(1);
        u32::try_from(code).ok()
    }

    /// Whether keys do not fit a word.
    pub(crate) fn is_wide(&self) -> bool {
        self.radix.is_none()
    }
}
