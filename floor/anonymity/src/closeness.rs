//! How far the sensitive values of a class are from those of the table: the earth mover's distance of t-closeness (Li,
//! Li and Venkatasubramanian 2007, §5).
//!
//! All three distances are a weighted sum of variational distances over partitions of the values: the values themselves
//! (equal distance), the levels of a hierarchy (hierarchical), the cuts of an order (ordered). What follows from that
//! holds for all three.

use crate::hierarchy::Hierarchy;
use crate::slot::{at, real, up};

/// How far apart two sensitive values are.
#[derive(Clone, Debug)]
pub enum Distance {
    /// Any two are one apart.
    Equal,
    /// By the height at which they meet in a hierarchy whose leaves are the values, in the same order.
    Hierarchical(Hierarchy),
    /// By their places in the order in which they are numbered.
    Ordered,
}

impl PartialEq for Distance {
    fn eq(&self, other: &Distance) -> bool {
        use Distance::{Equal, Hierarchical, Ordered};
        match (self, other) {
            (Equal, Equal) | (Ordered, Ordered) => true,
            (Hierarchical(one), Hierarchical(two)) => {
                one.height() == two.height()
                    && (0..one.height()).all(|level| one.codes_at(level) == two.codes_at(level))
            }
            _ => false,
        }
    }
}

impl Distance {
    /// Whether the distance is defined between so many values.
    pub(crate) fn fits(&self, values: usize) -> bool {
        match self {
            Distance::Hierarchical(hierarchy) => hierarchy.leaves() == values,
            Distance::Equal | Distance::Ordered => true,
        }
    }
}

/// One model of t-closeness, ready to judge classes of one table.
pub(crate) struct Closeness {
    t: f64,
    kind: Kind,
}

enum Kind {
    /// Partitions of equal weight.
    Partitions(Vec<Partition>),
    /// Share of the table at or before each value; the last, which is everything, left out.
    Prefixes(Vec<f64>),
}

struct Partition {
    /// Group of each value.
    groups: Vec<u32>,
    /// Share of the table in each group.
    shares: Vec<f64>,
}

/// Room for counts by group.
#[derive(Default)]
pub(crate) struct Room {
    groups: Vec<u32>,
    pieces: Vec<(f64, f64)>,
}

impl Closeness {
    /// `counts`: rows of the whole table with each value.
    pub(crate) fn new(t: f64, distance: &Distance, counts: &[u64]) -> Closeness {
        let rows = real(counts.iter().sum());
        let share = |count: &u64| real(*count) / rows;
        let kind = match distance {
            Distance::Equal => {
                let groups = (0..counts.len() as u32).collect();
                Kind::Partitions(vec![Partition { groups, shares: counts.iter().map(share).collect() }])
            }
            Distance::Hierarchical(hierarchy) => {
                // Levels at which all is one add nothing; the height counts from the first of them.
                let levels = (0..hierarchy.height()).filter(|level| hierarchy.cardinality(*level) > 1);
                Kind::Partitions(
                    levels.map(|level| Partition::of_level(hierarchy, level, counts, rows)).collect(),
                )
            }
            Distance::Ordered => {
                let mut sum = 0;
                let prefixes = counts.iter().map(|count| {
                    sum += count;
                    real(sum) / rows
                });
                Kind::Prefixes(prefixes.take(counts.len().saturating_sub(1)).collect())
            }
        };
        Closeness { t, kind }
    }

    /// Whether a class is close enough. `counts`: its rows with each value; `present`: the values it has.
    pub(crate) fn holds(&self, counts: &[u32], present: &[u32], rows: u64, room: &mut Room) -> bool {
        self.distance(counts, present, rows, room) <= self.t
    }

    /// The earth mover's distance, 0 to 1.
    pub(crate) fn distance(&self, counts: &[u32], present: &[u32], rows: u64, room: &mut Room) -> f64 {
        let rows = real(rows);
        match &self.kind {
            Kind::Partitions(partitions) => {
                let mut sum = 0.0;
                for partition in partitions {
                    partition.count(counts, present, &mut room.groups);
                    // What is above its share is as much as what is below it.
                    let above = room.groups.iter().zip(&partition.shares);
                    sum +=
                        above.map(|(count, share)| (f64::from(*count) / rows - share).max(0.0)).sum::<f64>();
                }
                sum / partitions.len().max(1) as f64
            }
            Kind::Prefixes(prefixes) => {
                let (mut before, mut sum) = (0, 0.0);
                for (count, share) in counts.iter().zip(prefixes) {
                    before += u64::from(*count);
                    sum += (real(before) / rows - share).abs();
                }
                sum / prefixes.len().max(1) as f64
            }
        }
    }

    /// At most so many rows of a class can stay once it is split further: those of close parts together are close
    /// again, as the distance is convex. Of U rows with at most hᵢ of value i, each partition's distance is at least
    /// Σ max(0, qᵢ·U − hᵢ) / U.
    pub(crate) fn most_kept(&self, counts: &[u32], present: &[u32], rows: u64, room: &mut Room) -> u64 {
        let all = real(rows);
        let (weight, mut untouched) = self.pieces(counts, present, all, room);
        untouched -= self.t / weight;
        let over = |kept: f64| {
            let missing = |(share, count): &(f64, f64)| (share * kept - count).max(0.0);
            untouched * kept + room.pieces.iter().map(missing).sum::<f64>() > 1e-9 * all
        };
        if !over(all) {
            return rows;
        }
        let (mut least, mut most) = (0.0, all);
        for _ in 0..40 {
            let middle = (least + most) / 2.0;
            if over(middle) { most = middle } else { least = middle }
        }
        // Rounded up by more than the halving left open.
        (most + 1e-6).floor().min(all) as u64
    }

    /// Fills the room with (share of the table, rows of the class) of every group the class has. Returns the weight of a
    /// partition, and the share of the table in groups it has not, summed over partitions.
    fn pieces(&self, counts: &[u32], present: &[u32], rows: f64, room: &mut Room) -> (f64, f64) {
        room.pieces.clear();
        let mut untouched = 0.0;
        match &self.kind {
            Kind::Partitions(partitions) => {
                for partition in partitions {
                    partition.count(counts, present, &mut room.groups);
                    for (count, share) in room.groups.iter().zip(&partition.shares) {
                        if *count == 0 {
                            untouched += share;
                        } else {
                            room.pieces.push((*share, f64::from(*count)));
                        }
                    }
                }
                (1.0 / partitions.len().max(1) as f64, untouched)
            }
            Kind::Prefixes(prefixes) => {
                let mut before = 0;
                for (count, share) in counts.iter().zip(prefixes) {
                    before += u64::from(*count);
                    room.pieces.push((*share, real(before)));
                    room.pieces.push((1.0 - share, rows - real(before)));
                }
                (1.0 / prefixes.len().max(1) as f64, untouched)
            }
        }
    }

    /// A class needs at least so many values: those of the others are all missing in it.
    pub(crate) fn least_values(&self) -> u32 {
        let Kind::Partitions(partitions) = &self.kind else { return 1 };
        let [only] = partitions.as_slice() else { return 1 };
        let mut shares = only.shares.clone();
        shares.sort_by(|one, other| other.total_cmp(one));
        let mut missing = 1.0;
        for (values, share) in (1..).zip(shares) {
            missing -= share;
            if missing <= self.t + 1e-9 {
                return values;
            }
        }
        1
    }
}

impl Partition {
    fn of_level(hierarchy: &Hierarchy, level: usize, counts: &[u64], rows: f64) -> Partition {
        let groups = hierarchy.codes_at(level).to_vec();
        let mut shares = vec![0.0; hierarchy.cardinality(level)];
        for (group, count) in groups.iter().zip(counts) {
            if let Some(share) = shares.get_mut(up(*group)) {
                *share += real(*count) / rows;
            }
        }
        Partition { groups, shares }
    }

    fn count(&self, counts: &[u32], present: &[u32], by_group: &mut Vec<u32>) {
        by_group.clear();
        by_group.resize(self.shares.len(), 0);
        for value in present {
            let group = at(&self.groups, up(*value));
            crate::slot::add(by_group, up(group), at(counts, up(*value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(t: f64, distance: &Distance, table: &[u64], class: &[u32]) -> f64 {
        let present: Vec<u32> = (0..class.len() as u32).filter(|value| class[*value as usize] > 0).collect();
        let rows = class.iter().map(|count| u64::from(*count)).sum();
        Closeness::new(t, distance, table).distance(class, &present, rows, &mut Room::default())
    }

    /// The salaries of Li et al. 2007, §5.2: {3k,4k,5k} against {3k,…,11k} is 0.375 apart, {6k,8k,11k} is 0.167.
    #[test]
    fn the_ordered_distance_is_that_of_the_paper() {
        let table = [1; 9];
        assert!((of(0.5, &Distance::Ordered, &table, &[1, 1, 1, 0, 0, 0, 0, 0, 0]) - 0.375).abs() < 1e-12);
        let other = of(0.5, &Distance::Ordered, &table, &[0, 0, 0, 1, 0, 1, 0, 0, 1]);
        assert!((other - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_hierarchy_brings_values_of_one_branch_nearer() {
        let rows: Vec<Vec<String>> = ["a;x;*", "b;x;*", "c;y;*", "d;y;*"]
            .map(|row| row.split(';').map(str::to_owned).collect())
            .to_vec();
        let hierarchy = Distance::Hierarchical(Hierarchy::from_rows(&rows).unwrap());
        // Half of the rows have to move within a branch: half of a height of two.
        assert!((of(0.5, &hierarchy, &[1; 4], &[1, 0, 1, 0]) - 0.25).abs() < 1e-12);
        // Half across and a quarter of all within.
        assert!((of(0.5, &hierarchy, &[1; 4], &[1, 1, 0, 0]) - 0.5).abs() < 1e-12);
        assert!((of(0.5, &Distance::Equal, &[1; 4], &[1, 1, 0, 0]) - 0.5).abs() < 1e-12);
    }
}
