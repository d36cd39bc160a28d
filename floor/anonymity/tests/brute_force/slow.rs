//! The slow, obvious model: every node, every row, by the definitions.

use std::collections::BTreeMap;

use anonymity::{Distance, Hierarchy, Metric, Model, Problem};

/// What a node comes to.
#[derive(Clone, Debug)]
pub struct Node {
    pub levels: Vec<usize>,
    pub suppressed: usize,
    pub classes: usize,
    pub score: f64,
}

/// Every node of the lattice.
pub fn nodes(problem: &Problem) -> Vec<Node> {
    let mut all = vec![Vec::new()];
    for attribute in &problem.attributes {
        all = all
            .iter()
            .flat_map(|levels: &Vec<usize>| {
                (0..attribute.hierarchy.height()).map(|level| [levels.as_slice(), &[level]].concat())
            })
            .collect();
    }
    all.into_iter().map(|levels| node(problem, levels)).collect()
}

fn codes(problem: &Problem, levels: &[usize], row: usize) -> Vec<u32> {
    let attributes = problem.attributes.iter().zip(levels);
    attributes.map(|(own, level)| own.hierarchy.codes_at(*level)[own.column[row] as usize]).collect()
}

fn node(problem: &Problem, levels: Vec<usize>) -> Node {
    let rows = problem.rows();
    let mut classes: BTreeMap<Vec<u32>, Vec<usize>> = BTreeMap::new();
    for row in 0..rows {
        classes.entry(codes(problem, &levels, row)).or_default().push(row);
    }
    let mut people: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    for person in 0..problem.population.first().map_or(0, Vec::len) {
        let codes = problem.attributes.iter().zip(&levels).zip(&problem.population);
        let key = codes.map(|((own, level), codes)| own.hierarchy.codes_at(*level)[codes[person] as usize]);
        *people.entry(key.collect()).or_default() += 1;
    }
    let (mut kept, mut gone): (Vec<_>, Vec<_>) = classes.into_iter().partition(|(key, members)| {
        let people = people.get(key).copied().unwrap_or(0);
        problem.models.iter().all(|model| holds(problem, model, members, people))
    });
    for model in &problem.models {
        if let Model::AverageRisk { most } = model {
            // Smallest first; among equals in the order of their codes.
            kept.sort_by_key(|(key, members)| (members.len(), key.clone()));
            while kept.len() as f64
                > most * kept.iter().map(|(_, rows)| rows.len()).sum::<usize>() as f64 + 1e-9
            {
                gone.push(kept.remove(0));
            }
        }
    }
    let suppressed: Vec<usize> = gone.iter().flat_map(|(_, members)| members.clone()).collect();
    let sizes: Vec<usize> = kept.iter().map(|(_, members)| members.len()).collect();
    Node {
        score: score(problem, &levels, &sizes, &suppressed),
        suppressed: suppressed.len(),
        classes: kept.len(),
        levels,
    }
}

fn frequencies(column: &[u32], values: usize, rows: &[usize]) -> Vec<f64> {
    let mut counts = vec![0.0; values];
    rows.iter().for_each(|row| counts[column[*row] as usize] += 1.0);
    counts
}

/// Whether a model holds for a class.
pub fn holds(problem: &Problem, model: &Model, members: &[usize], people: usize) -> bool {
    let size = members.len() as f64;
    let counts = |place: &usize| {
        let sensitive = &problem.sensitive[*place];
        let mut counts = frequencies(&sensitive.column, sensitive.values, members);
        counts.retain(|count| *count > 0.0);
        counts.sort_by(|one, other| other.total_cmp(one));
        counts
    };
    match model {
        Model::KAnonymity { k } => members.len() >= *k as usize,
        Model::DistinctDiversity { sensitive, l } => counts(sensitive).len() >= *l as usize,
        Model::EntropyDiversity { sensitive, l } => {
            let entropy: f64 =
                counts(sensitive).iter().map(|count| -count / size * (count / size).ln()).sum();
            entropy + 1e-12 >= l.ln()
        }
        Model::RecursiveDiversity { sensitive, c, l } => {
            let counts = counts(sensitive);
            counts[0] < c * counts.iter().skip(*l as usize - 1).sum::<f64>()
        }
        Model::Closeness { sensitive, t, distance } => {
            let own = &problem.sensitive[*sensitive];
            let all: Vec<usize> = (0..problem.rows()).collect();
            let class: Vec<f64> =
                frequencies(&own.column, own.values, members).iter().map(|count| count / size).collect();
            let table: Vec<f64> = frequencies(&own.column, own.values, &all)
                .iter()
                .map(|count| count / all.len() as f64)
                .collect();
            moved(distance, &class, &table) <= t + 1e-12
        }
        Model::Presence { least, most } => {
            let share = size / people as f64;
            *least <= share && share <= *most
        }
        Model::JournalistRisk { most } => 1.0 / people as f64 <= most + 1e-12,
        Model::AverageRisk { .. } => true,
    }
}

/// The earth mover's distance, as its authors define it for each ground distance.
fn moved(distance: &Distance, class: &[f64], table: &[f64]) -> f64 {
    let excess: Vec<f64> = class.iter().zip(table).map(|(class, table)| class - table).collect();
    match distance {
        Distance::Equal => excess.iter().map(|excess| excess.abs()).sum::<f64>() / 2.0,
        Distance::Ordered => {
            let mut before = 0.0;
            let mut sum = 0.0;
            for excess in &excess {
                before += excess;
                sum += f64::abs(before);
            }
            if excess.len() > 1 { sum / (excess.len() - 1) as f64 } else { 0.0 }
        }
        Distance::Hierarchical(hierarchy) => by_hierarchy(hierarchy, &excess),
    }
}

/// Σ over nodes of height / highest · the smaller of what their children have too much and too little.
fn by_hierarchy(hierarchy: &Hierarchy, excess: &[f64]) -> f64 {
    let highest = (0..hierarchy.height()).filter(|level| hierarchy.cardinality(*level) > 1).count();
    let mut cost = 0.0;
    let mut below: Vec<f64> = excess.to_vec();
    let mut codes_below = hierarchy.codes_at(0).to_vec();
    for height in 1..=highest {
        let everything = vec![0; hierarchy.leaves()];
        let codes: &[u32] = if height == highest { &everything } else { hierarchy.codes_at(height) };
        let groups = codes.iter().max().map_or(0, |most| *most as usize + 1);
        let (mut more, mut less, mut sums) = (vec![0.0; groups], vec![0.0; groups], vec![0.0; groups]);
        let mut seen = vec![false; below.len()];
        for leaf in 0..codes.len() {
            let child = codes_below[leaf] as usize;
            if !std::mem::replace(&mut seen[child], true) {
                let group = codes[leaf] as usize;
                more[group] += below[child].max(0.0);
                less[group] += (-below[child]).max(0.0);
                sums[group] += below[child];
            }
        }
        let moved: f64 = more.iter().zip(&less).map(|(more, less): (&f64, &f64)| more.min(*less)).sum();
        cost += height as f64 / highest as f64 * moved;
        below = sums;
        codes_below = codes.to_vec();
    }
    cost
}

fn score(problem: &Problem, levels: &[usize], sizes: &[usize], suppressed: &[usize]) -> f64 {
    let rows = problem.rows();
    let n = rows as f64;
    let weights: f64 = problem.attributes.iter().map(|own| own.weight).sum();
    let gone = |row: usize| suppressed.contains(&row);
    let own = || problem.attributes.iter().zip(levels);
    match problem.metric {
        Metric::Loss => {
            let mut product = 1.0;
            for (own, level) in own() {
                let leaves = own.hierarchy.leaves() as f64;
                if leaves > 1.0 {
                    let share = |row: usize| match gone(row) {
                        true => 1.0,
                        false => {
                            let code = own.hierarchy.codes_at(*level)[own.column[row] as usize];
                            f64::from(own.hierarchy.widths(*level)[code as usize]) / leaves
                        }
                    };
                    let sum: f64 = (0..rows).map(share).sum();
                    let loss = (sum - n / leaves) / (n - n / leaves);
                    product *= (1.0 + loss).powf(own.weight / weights);
                }
            }
            product - 1.0
        }
        Metric::NonUniformEntropy => own()
            .map(|(own, level)| {
                let code = |row: usize| own.hierarchy.codes_at(*level)[own.column[row] as usize];
                let count = |test: &dyn Fn(usize) -> bool| (0..rows).filter(|row| test(*row)).count() as f64;
                let cell = |row: usize| {
                    let same = count(&|other| own.column[other] == own.column[row]);
                    let alike = count(&|other| code(other) == code(row));
                    let mut bits = -(same / alike).log2();
                    if gone(row) {
                        let alike = count(&|other| gone(other) && code(other) == code(row));
                        bits -= (alike / suppressed.len() as f64).log2();
                    }
                    bits
                };
                own.weight * (0..rows).map(cell).sum::<f64>()
            })
            .sum(),
        Metric::Discernibility => {
            sizes.iter().map(|size| (size * size) as f64).sum::<f64>() + n * suppressed.len() as f64
        }
        Metric::AverageClassSize => n / (sizes.len() + usize::from(!suppressed.is_empty())) as f64,
        Metric::Precision => own()
            .map(|(own, level)| {
                let share = *level as f64 / (own.hierarchy.height() - 1).max(1) as f64;
                let cells: f64 = (0..rows).map(|row| if gone(row) { 1.0 } else { share }).sum();
                own.weight / weights * cells / n
            })
            .sum(),
        Metric::Divergence => divergence(problem, levels, suppressed),
    }
}

fn divergence(problem: &Problem, levels: &[usize], suppressed: &[usize]) -> f64 {
    let rows = problem.rows();
    let bottom = vec![0; levels.len()];
    let count = |levels: &[usize], row: usize| {
        (0..rows).filter(|other| codes(problem, levels, *other) == codes(problem, levels, row)).count() as f64
    };
    let cells = |row: usize| -> f64 {
        let of = problem.attributes.iter().zip(levels).map(|(own, level)| {
            let code = own.hierarchy.codes_at(*level)[own.column[row] as usize];
            f64::from(own.hierarchy.widths(*level)[code as usize])
        });
        of.product()
    };
    let everything: f64 = problem.attributes.iter().map(|own| own.hierarchy.leaves() as f64).product();
    let row = |row: usize| {
        let said = match suppressed.contains(&row) {
            true => suppressed.len() as f64 / everything,
            false => count(levels, row) / cells(row),
        };
        (count(&bottom, row) / said).log2() / rows as f64
    };
    (0..rows).map(row).sum::<f64>().max(0.0)
}
