//! Validation of certification paths (RFC 5280 §6), with policies, name constraints and revocation lists.

use words::Moment;
use yasna::models::ObjectIdentifier;

use super::certificate::{Certificate, KeyUsage, Subtrees};
use super::constraints;
use super::crl::{Crl, RevocationReason};
use super::oid::{self, oid};
use super::policy::{Initial, Policies};

/// Certificates and lists that paths are built from. Nothing in it is believed but the anchors.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Self-signed certificates of authorities that are trusted.
    pub anchors: Vec<Certificate>,
    /// Certificates of other authorities.
    pub authorities: Vec<Certificate>,
    /// Revocation lists.
    pub lists: Vec<Crl>,
}

/// What a caller demands (RFC 5280 §6.1.1).
#[derive(Clone, Debug)]
pub struct Rules {
    /// At which moment.
    pub at: Moment,
    /// Policies, one of which the path must be valid for; any, if none is named.
    pub policies: Vec<ObjectIdentifier>,
    /// Whether there must be a policy at all.
    pub explicit_policy: bool,
    /// Whether mappings of policies count for nothing.
    pub inhibit_mapping: bool,
    /// Whether `anyPolicy` counts for nothing.
    pub inhibit_any: bool,
    /// Whether every certificate of the path must be shown not to be revoked.
    pub revocation: bool,
}

impl Rules {
    /// At this moment, with revocation, for any policy.
    pub fn at(at: Moment) -> Self {
        let (explicit_policy, inhibit_mapping, inhibit_any) = (false, false, false);
        Self { at, policies: Vec::new(), explicit_policy, inhibit_mapping, inhibit_any, revocation: true }
    }

    /// The same, for this policy alone, which must be there.
    pub fn for_policy(mut self, policy: oid::Arcs) -> Self {
        self.policies.push(oid(policy));
        self.explicit_policy = true;
        self
    }
}

/// Why a certificate is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Invalid {
    /// No chain of names and signatures leads to an anchor.
    #[error("no path leads to a trusted authority")]
    NoPath,
    /// There were more ways than are tried.
    #[error("too many paths were possible")]
    TooComplex,
    /// A certificate's time has not begun.
    #[error("a certificate is not valid yet")]
    NotYetValid,
    /// A certificate's time is over.
    #[error("a certificate has run out")]
    Expired,
    /// A certificate that issued another is no authority's.
    #[error("a certificate was issued by one that is no authority's")]
    NotAuthority,
    /// There are more authorities in the path than one of them allows.
    #[error("the path is longer than an authority allows")]
    TooLong,
    /// A key signed certificates and may not.
    #[error("a key that signed a certificate may not")]
    KeyUsage,
    /// A critical extension is not known here.
    #[error("a certificate has a critical extension that is not known")]
    UnknownCritical,
    /// A name is outside what an authority may name.
    #[error("a name is outside what an authority may name")]
    Name,
    /// No policy is left that is wanted.
    #[error("the path is not valid for a policy that is wanted")]
    Policy,
    /// Nothing shows whether a certificate is revoked.
    #[error("no current list shows whether a certificate is revoked")]
    Undetermined,
    /// A certificate is revoked.
    #[error("a certificate is revoked")]
    Revoked(RevocationCause),
}

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevocationCause {
    /// Since when.
    pub at: Moment,
    /// The reason's code (RFC 5280 §5.3.1).
    pub code: u8,
}

impl RevocationCause {
    /// The reason.
    pub fn reason(self) -> RevocationReason {
        RevocationReason::of_code(self.code).unwrap_or(RevocationReason::Unspecified)
    }
}

/// A certificate that is valid, by a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Valid {
    /// The certificates above it, the anchor last.
    pub above: Vec<Certificate>,
}

/// Certificates in a path at most, the anchor counted.
const LONGEST: usize = 12;
/// Signatures of certificates that are looked at for one validation at most.
const EFFORT: u32 = 256;
/// How deep paths of issuers of lists may hang on paths.
const DEPTH: u8 = 4;

/// What is left of the effort, and how deep paths of lists' issuers hang on one another.
pub(super) struct Work<'a> {
    pub(super) store: &'a Store,
    pub(super) rules: &'a Rules,
    pub(super) effort: u32,
    pub(super) depth: u8,
    /// Issuers of lists whose own paths are being looked at.
    pub(super) judging: Vec<Certificate>,
}

impl Store {
    /// Validates a certificate: the first path that holds, else what was wrong with the one that came farthest.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn validate(&self, certificate: &Certificate, rules: &Rules) -> Result<Valid, Invalid> {
        Work { store: self, rules, effort: EFFORT, depth: 0, judging: Vec::new() }.validate(certificate)
    }
}

impl Work<'_> {
    pub(super) fn validate(&mut self, certificate: &Certificate) -> Result<Valid, Invalid> {
        if self.depth > DEPTH {
            return Err(Invalid::TooComplex);
        }
        let mut path = vec![certificate.clone()];
        let mut farthest = Invalid::NoPath;
        self.extend(&mut path, &mut farthest).ok_or(farthest)
    }

    /// Tries every issuer of the last certificate.
    fn extend(&mut self, path: &mut Vec<Certificate>, farthest: &mut Invalid) -> Option<Valid> {
        let last = path.last()?.clone();
        let store = self.store;
        for anchor in store.anchors.iter().filter(|anchor| anchor.subject() == last.issuer()) {
            if !self.is_signed(&last, anchor, farthest) {
                continue;
            }
            path.push(anchor.clone());
            let held = self.hold(path);
            let above = path.get(1..).unwrap_or_default().to_vec();
            path.pop();
            match held {
                Ok(()) => return Some(Valid { above }),
                Err(error) => *farthest = error.max(*farthest),
            }
        }
        if path.len() >= LONGEST {
            return None;
        }
        for authority in store.authorities.iter().filter(|authority| authority.subject() == last.issuer()) {
            if path.contains(authority) || !self.is_signed(&last, authority, farthest) {
                continue;
            }
            path.push(authority.clone());
            let found = self.extend(path, farthest);
            path.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn is_signed(&mut self, certificate: &Certificate, by: &Certificate, farthest: &mut Invalid) -> bool {
        let Some(left) = self.effort.checked_sub(1) else {
            *farthest = Invalid::TooComplex;
            return false;
        };
        self.effort = left;
        certificate.verify(by.key()).is_ok()
    }

    /// RFC 5280 §6.1, over a path from the end user up to the anchor, whose signatures and names were seen to chain.
    fn hold(&mut self, path: &[Certificate]) -> Result<(), Invalid> {
        let Some((anchor, chain)) = path.split_last() else { return Err(Invalid::NoPath) };
        let rules = self.rules;
        let initial = Initial {
            policies: &rules.policies,
            explicit: rules.explicit_policy,
            inhibit_mapping: rules.inhibit_mapping,
            inhibit_any: rules.inhibit_any,
        };
        let mut policies = Policies::new(chain.len(), &initial);
        let mut trees: Vec<&Subtrees> = Vec::new();
        // The anchor's own certificate says how long a path may be below it (RFC 5280 §6.1.1 (d), RFC 5937).
        let mut room = anchor.extensions().authority.and_then(|(_, limit)| limit).unwrap_or(u32::MAX);
        let mut issuer = anchor;
        let mut above = vec![anchor];
        let count = chain.len();
        for (at, certificate) in chain.iter().rev().enumerate() {
            let is_last = at + 1 == count;
            let said = certificate.extensions();
            let (from, until) = certificate.validity();
            if rules.at < from {
                return Err(Invalid::NotYetValid);
            }
            // `notAfter` is the last second that counts.
            if rules.at.0.div_euclid(1_000) > until.0.div_euclid(1_000) {
                return Err(Invalid::Expired);
            }
            if rules.revocation {
                self.not_revoked(certificate, issuer, &above)?;
            }
            let exempt = certificate.is_self_issued() && !is_last;
            if !exempt && !constraints::allow(&trees, certificate) {
                return Err(Invalid::Name);
            }
            if !policies.take(certificate, is_last) {
                return Err(Invalid::Policy);
            }
            if said.unknown_critical {
                return Err(Invalid::UnknownCritical);
            }
            if !is_last {
                if !policies.prepare(certificate) {
                    return Err(Invalid::Policy);
                }
                trees.extend(&said.subtrees);
                let Some((true, limit)) = said.authority else { return Err(Invalid::NotAuthority) };
                if !certificate.is_self_issued() {
                    room = room.checked_sub(1).ok_or(Invalid::TooLong)?;
                }
                room = limit.map_or(room, |limit| limit.min(room));
                if said.key_usage.is_some_and(|usage| !usage.has(KeyUsage::CERTIFICATES)) {
                    return Err(Invalid::KeyUsage);
                }
                issuer = certificate;
                above.push(certificate);
            }
        }
        let last = chain.first().ok_or(Invalid::NoPath)?;
        if policies.wrap_up(last, initial.policies) { Ok(()) } else { Err(Invalid::Policy) }
    }
}
