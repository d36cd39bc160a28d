//! Which policies a path is valid for: the graph of RFC 9618 §5, which grows no faster than the path where the tree of
//! RFC 5280 could grow without bound.

use std::collections::{BTreeMap, BTreeSet};

use yasna::models::ObjectIdentifier;

use super::certificate::Certificate;
use super::oid::{self, oid};

#[derive(Clone, Debug)]
struct Node {
    expected: BTreeSet<ObjectIdentifier>,
    /// Policies of the level above.
    parents: BTreeSet<ObjectIdentifier>,
}

type Level = BTreeMap<ObjectIdentifier, Node>;

/// The state between two certificates (RFC 5280 §6.1.2 (d) to (g)).
pub(super) struct Policies {
    /// One for each certificate so far, and the root; `None` once no policy is left.
    levels: Option<Vec<Level>>,
    explicit: u32,
    mapping: u32,
    inhibit_any: u32,
}

/// What the caller sets (RFC 5280 §6.1.1 (c), (e), (f), (g)).
pub(super) struct Initial<'a> {
    pub(super) policies: &'a [ObjectIdentifier],
    pub(super) explicit: bool,
    pub(super) inhibit_mapping: bool,
    pub(super) inhibit_any: bool,
}

impl Policies {
    pub(super) fn new(length: usize, initial: &Initial<'_>) -> Self {
        let all = u32::try_from(length).unwrap_or(u32::MAX).saturating_add(1);
        let unless = |set: bool| if set { 0 } else { all };
        let any = oid(oid::ANY_POLICY);
        let root = Node { expected: BTreeSet::from([any.clone()]), parents: BTreeSet::new() };
        Self {
            levels: Some(vec![Level::from([(any, root)])]),
            explicit: unless(initial.explicit),
            mapping: unless(initial.inhibit_mapping),
            inhibit_any: unless(initial.inhibit_any),
        }
    }

    /// RFC 5280 §6.1.3 (d) to (f). `false` if no policy is left and one must be.
    #[must_use]
    pub(super) fn take(&mut self, certificate: &Certificate, is_last: bool) -> bool {
        let Some(policies) = &certificate.extensions().policies else {
            self.levels = None;
            return self.explicit > 0;
        };
        let any_counts = self.inhibit_any > 0 || (!is_last && certificate.is_self_issued());
        if let Some(levels) = &mut self.levels {
            let next = levels.last().map_or_else(Level::new, |above| below(above, policies, any_counts));
            levels.push(next);
            self.prune();
        }
        self.explicit > 0 || self.levels.is_some()
    }

    /// RFC 5280 §6.1.4 (a), (b), (h) to (j). `false` if a mapping is from or to any policy.
    #[must_use]
    pub(super) fn prepare(&mut self, certificate: &Certificate) -> bool {
        let said = certificate.extensions();
        let any = oid(oid::ANY_POLICY);
        if said.mappings.iter().any(|(from, to)| *from == any || *to == any) {
            return false;
        }
        let mut mapped: BTreeMap<&ObjectIdentifier, BTreeSet<ObjectIdentifier>> = BTreeMap::new();
        for (from, to) in &said.mappings {
            mapped.entry(from).or_default().insert(to.clone());
        }
        if let Some(level) = self.levels.as_mut().and_then(|levels| levels.last_mut()) {
            for (from, expected) in mapped {
                if self.mapping == 0 {
                    level.remove(from);
                } else if let Some(node) = level.get_mut(from) {
                    node.expected = expected;
                } else if level.contains_key(&any) {
                    let parents = BTreeSet::from([any.clone()]);
                    level.insert(from.clone(), Node { expected, parents });
                }
            }
        }
        self.prune();
        if !certificate.is_self_issued() {
            for count in [&mut self.explicit, &mut self.mapping, &mut self.inhibit_any] {
                *count = count.saturating_sub(1);
            }
        }
        self.explicit = said.require_explicit.map_or(self.explicit, |limit| limit.min(self.explicit));
        self.mapping = said.inhibit_mapping.map_or(self.mapping, |limit| limit.min(self.mapping));
        self.inhibit_any = said.inhibit_any.map_or(self.inhibit_any, |limit| limit.min(self.inhibit_any));
        true
    }

    /// RFC 5280 §6.1.5 (a), (b), (g): whether a policy is left that the caller takes, or none need be.
    pub(super) fn wrap_up(mut self, last: &Certificate, wanted: &[ObjectIdentifier]) -> bool {
        if !last.is_self_issued() {
            self.explicit = self.explicit.saturating_sub(1);
        }
        if last.extensions().require_explicit == Some(0) {
            self.explicit = 0;
        }
        self.explicit > 0 || self.levels.is_some_and(|levels| is_wanted(&levels, wanted))
    }

    /// Takes out nodes under which nothing stands; the whole graph, if that reaches the root.
    fn prune(&mut self) {
        let Some(levels) = &mut self.levels else { return };
        let mut below: Option<BTreeSet<ObjectIdentifier>> = None;
        for level in levels.iter_mut().rev() {
            if let Some(below) = &below {
                level.retain(|policy, _| below.contains(policy));
            }
            below = Some(level.values().flat_map(|node| node.parents.iter().cloned()).collect());
        }
        if levels.iter().any(Level::is_empty) {
            self.levels = None;
        }
    }
}

/// The level under `above` for a certificate's policies (RFC 9618 §5.3).
fn below(above: &Level, policies: &[ObjectIdentifier], any_counts: bool) -> Level {
    let any = oid(oid::ANY_POLICY);
    let expecting = |policy: &ObjectIdentifier| -> BTreeSet<ObjectIdentifier> {
        above.iter().filter(|(_, node)| node.expected.contains(policy)).map(|(id, _)| id.clone()).collect()
    };
    let node =
        |policy: &ObjectIdentifier, parents| Node { expected: BTreeSet::from([policy.clone()]), parents };
    let mut level = Level::new();
    for policy in policies.iter().filter(|policy| **policy != any) {
        let mut parents = expecting(policy);
        if parents.is_empty() && above.contains_key(&any) {
            parents.insert(any.clone());
        }
        if !parents.is_empty() {
            level.insert(policy.clone(), node(policy, parents));
        }
    }
    if any_counts && policies.contains(&any) {
        let expected: BTreeSet<_> = above.values().flat_map(|node| node.expected.iter()).collect();
        for policy in expected {
            if !level.contains_key(policy) {
                level.insert(policy.clone(), node(policy, expecting(policy)));
            }
        }
    }
    level
}

/// Whether a policy of the first authority that chose one is among those wanted (all, if none are named).
fn is_wanted(levels: &[Level], wanted: &[ObjectIdentifier]) -> bool {
    let any = oid(oid::ANY_POLICY);
    let ends_in_any = levels.last().is_some_and(|last| last.contains_key(&any));
    let chosen =
        levels.iter().flatten().filter(|(policy, node)| **policy != any && node.parents.contains(&any));
    wanted.is_empty()
        || wanted.contains(&any)
        || ends_in_any
        || chosen.into_iter().any(|(policy, _)| wanted.contains(policy))
}
