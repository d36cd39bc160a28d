//! How common a surname or a given name is in the register: agreeing on a rare one tells more.

use crate::hash::{Hash, QuickMap};
use crate::name::Name;

/// Counts of surnames and given names, written and read.
#[derive(Default)]
pub(crate) struct Frequencies {
    counts: QuickMap<u64, u32>,
    names: u32,
}

/// Which list of names is meant.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    SurnameWritten = 1,
    SurnameRead = 2,
    GivenWritten = 3,
    GivenRead = 4,
}

impl Frequencies {
    /// Counts a name whose keys are at hand already.
    pub(crate) fn add(&mut self, keys: Keys) {
        self.names = self.names.saturating_add(1);
        for key in keys.into_iter().flatten() {
            let count = self.counts.entry(key).or_default();
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn remove(&mut self, name: &Name) {
        self.names = self.names.saturating_sub(1);
        for (of, text) in parts(name) {
            if let Some(count) = self.counts.get_mut(&key(of, text)) {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// Share of residents with this surname or given name. Small registers know little, so a name is taken as
    /// a moderately common one, one in 1,000 for a surname and one in 2,500 for a given name, weighed as 500
    /// further residents.
    pub(crate) fn share(&self, of: Of, text: &str) -> f64 {
        const PRIOR_RESIDENTS: f64 = 500.0;
        let prior = match of {
            Of::SurnameWritten | Of::SurnameRead => 1.0 / 1_000.0,
            Of::GivenWritten | Of::GivenRead => 1.0 / 2_500.0,
        };
        let count = self.counts.get(&key(of, text)).copied().unwrap_or(0);
        (f64::from(count) + PRIOR_RESIDENTS * prior) / (f64::from(self.names) + PRIOR_RESIDENTS)
    }
}

/// Keys of surname and given name, written and read, as far as the name has them.
pub(crate) type Keys = [Option<u64>; 4];

/// The keys under which a name is counted.
pub(crate) fn keys(name: &Name) -> Keys {
    let mut keys = [None; 4];
    for (place, (of, text)) in keys.iter_mut().zip(parts(name)) {
        *place = Some(key(of, text));
    }
    keys
}

fn key(of: Of, text: &str) -> u64 {
    Hash::of(of as u8).text(text).end()
}

fn parts(name: &Name) -> impl Iterator<Item = (Of, &str)> {
    let written = name
        .written()
        .parts()
        .map(|(surname, given)| [(Of::SurnameWritten, surname), (Of::GivenWritten, given)]);
    let read =
        name.read().parts().map(|(surname, given)| [(Of::SurnameRead, surname), (Of::GivenRead, given)]);
    written.into_iter().flatten().chain(read.into_iter().flatten())
}
