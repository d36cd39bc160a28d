//! How often each named read and write ran, how long its closures took, how large the groups of writes were.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Groups are counted by size: 1, 2, 3-4, 5-8, … up to more than 512.
const CLASSES: usize = 11;

#[derive(Default)]
pub(crate) struct Figures {
    calls: Mutex<HashMap<&'static str, (u64, u64)>>,
    groups: [AtomicU64; CLASSES],
}

impl Figures {
    pub(crate) fn ran(&self, name: &'static str, us: u64) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, total_us) = calls.entry(name).or_default();
        *count = count.saturating_add(1);
        *total_us = total_us.saturating_add(us);
    }

    pub(crate) fn grouped(&self, writes: usize) {
        let class = writes.next_power_of_two().trailing_zeros() as usize;
        if let Some(count) = self.groups.get(class.min(CLASSES - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn calls(&self) -> Vec<(&'static str, u64, u64)> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = calls.iter().map(|(name, (count, us))| (*name, *count, *us)).collect();
        all.sort_unstable();
        all
    }

    pub(crate) fn group_sizes(&self) -> Vec<(u64, u64)> {
        self.groups.iter().enumerate().map(|(class, n)| (1 << class, n.load(Ordering::Relaxed))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_fall_into_the_class_that_holds_them() {
        let figures = Figures::default();
        for size in [1, 2, 3, 4, 5, 5000] {
            figures.grouped(size);
        }
        let sizes = figures.group_sizes();
        assert_eq!(sizes[..4], [(1, 1), (2, 1), (4, 2), (8, 1)]);
        assert_eq!(sizes[CLASSES - 1], (1024, 1));
    }
}
