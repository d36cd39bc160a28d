//! Whether a certificate is revoked, by the lists at hand (RFC 5280 §6.3).

use super::certificate::{Certificate, DistributionPoint, GeneralName, KeyUsage};
use super::crl::{Crl, Entry, RevocationReason};
use super::name::Name;
use super::path::{Invalid, RevocationCause, Work};

/// All reasons that lists can be divided by: the bits 1 to 8 of `ReasonFlags`.
const ALL: u16 = 0x7F80;

impl Work<'_> {
    /// Shows that a certificate is not revoked; `above` are the authorities of its own path, from the anchor down.
    pub(super) fn not_revoked(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        above: &[&Certificate],
    ) -> Result<(), Invalid> {
        // Without a point, the issuer's own lists count (§6.3.3, last paragraph).
        let implied = DistributionPoint::named(certificate.issuer());
        let points = match &certificate.extensions().points {
            Some(points) => points.clone(),
            None => vec![implied],
        };
        let mut covered = 0;
        for point in &points {
            covered |= self.at_point(certificate, issuer, above, point, covered)?;
        }
        if covered == ALL { Ok(()) } else { Err(Invalid::Undetermined) }
    }

    /// The reasons that lists of one point cover and for which the certificate stands on none.
    fn at_point(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        above: &[&Certificate],
        point: &DistributionPoint,
        mut covered: u16,
    ) -> Result<u16, Invalid> {
        let store = self.store;
        for list in store.lists.iter().filter(|list| list.base.is_none()) {
            let Some(reasons) = covers(list, certificate, point) else { continue };
            if reasons & !covered == 0 || !self.is_current(list) || list.unknown_critical {
                continue;
            }
            if !self.is_genuine(list, issuer, above) {
                continue;
            }
            // §6.3.3 (h): what a delta says counts before what its base says.
            let deltas = store.lists.iter().filter(|delta| changes(delta, list));
            let mut found = None;
            for delta in deltas {
                if self.is_current(delta) && !delta.unknown_critical && self.is_genuine(delta, issuer, above)
                {
                    found = found.or_else(|| entry_of(delta, certificate));
                }
            }
            match found.or_else(|| entry_of(list, certificate)) {
                Some(entry) if entry.reason != Some(RevocationReason::RemoveFromList) => {
                    let code = entry.reason.map_or(0, RevocationReason::code);
                    return Err(Invalid::Revoked(RevocationCause { at: entry.revoked_at, code }));
                }
                _ => covered |= reasons,
            }
        }
        Ok(covered)
    }

    fn is_current(&self, list: &Crl) -> bool {
        let (from, until) = list.updates();
        // RFC 5280 §5.1.2.5: a list without a next one says not for how long it counts.
        from <= self.rules.at && until.is_some_and(|until| self.rules.at <= until)
    }

    /// Whether the list's issuer signed it: an authority of the path, or one whose own path holds.
    fn is_genuine(&mut self, list: &Crl, issuer: &Certificate, above: &[&Certificate]) -> bool {
        let signs = |candidate: &Certificate| {
            candidate.subject() == list.issuer()
                && candidate.extensions().key_usage.is_none_or(|usage| usage.has(KeyUsage::LISTS))
                && match (&list.authority_key, &candidate.extensions().subject_key) {
                    (Some(wanted), Some(has)) => wanted == has,
                    _ => true,
                }
        };
        let mut here = above.iter().copied().chain([issuer]);
        if here.any(|candidate| signs(candidate) && list.verify(candidate.key()).is_ok()) {
            return true;
        }
        let store = self.store;
        let others = store.authorities.iter().filter(|candidate| signs(candidate));
        for candidate in others {
            if list.verify(candidate.key()).is_err() {
                continue;
            }
            // An issuer of lists may stand on its own list: then its path holds if everything else of it does.
            if self.judging.contains(candidate) {
                return true;
            }
            self.depth += 1;
            self.judging.push(candidate.clone());
            let held = self.validate(candidate);
            self.judging.pop();
            self.depth -= 1;
            // §6.3.3 (f): the path of the list's issuer starts at the same anchor.
            if held.is_ok_and(|valid| valid.above.last() == above.first().copied()) {
                return true;
            }
        }
        false
    }
}

/// The reasons for which a list speaks of a certificate at a point of it (§6.3.3 (b), (d), (e)); `None` if it does not.
fn covers(list: &Crl, certificate: &Certificate, point: &DistributionPoint) -> Option<u16> {
    let default = super::crl::IssuingPoint::default();
    let said = list.point.as_ref().unwrap_or(&default);
    let is_issuer =
        |name: &GeneralName| matches!(name, GeneralName::Directory(name) if name == list.issuer());
    let right_issuer = match point.issuers.is_empty() {
        true => list.issuer() == certificate.issuer(),
        false => point.issuers.iter().any(is_issuer) && said.indirect,
    };
    if !right_issuer || said.attributes_only {
        return None;
    }
    let is_authority = certificate.extensions().authority.is_some_and(|(is, _)| is);
    if (said.users_only && is_authority) || (said.authorities_only && !is_authority) {
        return None;
    }
    if let Some(name) = &said.name {
        let covered = name.names(list.issuer());
        // A relative name of the certificate's point stands under the list's issuer.
        let wanted = match &point.name {
            Some(name) => name.names(named_issuer(point).unwrap_or(certificate.issuer())),
            None => point.issuers.clone(),
        };
        if !wanted.iter().any(|name| covered.contains(name)) {
            return None;
        }
    }
    Some(point.reasons.unwrap_or(ALL) & said.reasons.unwrap_or(ALL) & ALL)
}

fn named_issuer(point: &DistributionPoint) -> Option<&Name> {
    point.issuers.iter().find_map(|name| match name {
        GeneralName::Directory(name) => Some(name),
        _ => None,
    })
}

/// Whether a delta changes this list: same issuer, scope and key, made for it or an older one, itself newer (§6.3.3 (c)).
fn changes(delta: &Crl, list: &Crl) -> bool {
    let (Some(base), Some(number), Some(newer)) = (&delta.base, &list.number, &delta.number) else {
        return false;
    };
    let order = |number: &[u8]| {
        let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        (digits.len(), digits)
    };
    delta.issuer() == list.issuer()
        && delta.point == list.point
        && delta.authority_key == list.authority_key
        && order(base) <= order(number)
        && order(number) < order(newer)
}

fn entry_of<'a>(list: &'a Crl, certificate: &Certificate) -> Option<&'a Entry> {
    let is_its = |entry: &&Entry| {
        let issued = match &entry.issuer {
            Some(names) => names
                .iter()
                .any(|name| matches!(name, GeneralName::Directory(name) if name == certificate.issuer())),
            None => list.issuer() == certificate.issuer(),
        };
        issued && entry.serial == certificate.serial()
    };
    list.entries.iter().find(is_its)
}
