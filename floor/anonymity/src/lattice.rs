//! The nodes of the lattice: a level for each attribute.

use crate::slot::at;

/// All combinations of levels, numbered.
pub(crate) struct Lattice {
    heights: Vec<u32>,
    strides: Vec<u32>,
    pub(crate) nodes: u32,
}

impl Lattice {
    /// `None` where there are more than `most` nodes.
    pub(crate) fn new(heights: &[usize], most: u32) -> Option<Lattice> {
        let mut nodes: u32 = 1;
        let mut strides = Vec::new();
        for height in heights {
            strides.push(nodes);
            nodes = nodes.checked_mul(u32::try_from(*height).ok()?).filter(|nodes| *nodes <= most)?;
        }
        let heights = heights.iter().map(|height| *height as u32).collect();
        Some(Lattice { heights, strides, nodes })
    }

    pub(crate) fn level(&self, node: u32, attribute: usize) -> u32 {
        node / at(&self.strides, attribute).max(1) % at(&self.heights, attribute).max(1)
    }

    pub(crate) fn levels(&self, node: u32) -> Vec<u8> {
        // Heights are few: a hierarchy with more than 255 levels is refused when the problem is taken in.
        (0..self.heights.len()).map(|attribute| self.level(node, attribute) as u8).collect()
    }

    pub(crate) fn attributes(&self) -> usize {
        self.heights.len()
    }

    /// The node one level up in an attribute.
    pub(crate) fn above(&self, node: u32, attribute: usize) -> Option<u32> {
        let is_top = self.level(node, attribute) + 1 >= at(&self.heights, attribute);
        (!is_top).then(|| node + at(&self.strides, attribute))
    }

    /// The node one level down in an attribute.
    pub(crate) fn below(&self, node: u32, attribute: usize) -> Option<u32> {
        (self.level(node, attribute) > 0).then(|| node - at(&self.strides, attribute))
    }

    pub(crate) fn top(&self) -> u32 {
        self.nodes - 1
    }

    /// For each node the sum of a value by attribute and level, in the order of nodes.
    pub(crate) fn sums(&self, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0];
        for (attribute, height) in self.heights.iter().enumerate() {
            let values: Vec<f64> = (0..*height as usize).map(|level| value(attribute, level)).collect();
            sums = values.iter().flat_map(|value| sums.iter().map(move |sum| sum + value)).collect();
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbered_and_found() {
        let lattice = Lattice::new(&[2, 3, 1], 100).unwrap();
        assert_eq!((lattice.nodes, lattice.top()), (6, 5));
        assert_eq!(lattice.levels(5), [1, 2, 0]);
        assert_eq!(lattice.above(1, 0), None);
        assert_eq!(lattice.above(1, 1).map(|node| lattice.levels(node)), Some(vec![1, 1, 0]));
        assert_eq!(lattice.below(1, 0), Some(0));
        assert_eq!(lattice.below(1, 2), None);
        let sums = lattice.sums(|attribute, level| (attribute * 10 + level) as f64);
        assert_eq!(sums, [20.0 - 10.0, 11.0, 11.0, 12.0, 12.0, 13.0].map(|sum: f64| sum + 20.0));
        assert!(Lattice::new(&[10; 12], 1 << 24).is_none());
    }
}
