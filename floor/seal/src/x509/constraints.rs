//! Name constraints (RFC 5280 §4.2.1.10, §6.1.3 (b), (c)).

use super::certificate::{Certificate, GeneralName, Subtrees};
use super::oid;

/// Whether all names of a certificate stand within these constraints.
pub(super) fn allow(constraints: &[&Subtrees], certificate: &Certificate) -> bool {
    let mut names = certificate.alternative_names().to_vec();
    if !certificate.subject().is_empty() {
        names.push(GeneralName::Directory(certificate.subject().clone()));
    }
    // §4.2.1.10: an address in the subject counts where none stands among the alternative names.
    if !names.iter().any(|name| matches!(name, GeneralName::Email(_))) {
        names.extend(certificate.subject().texts(oid::EMAIL).map(|text| GeneralName::Email(text.to_owned())));
    }
    names.iter().all(|name| constraints.iter().all(|trees| allows(trees, name)))
}

fn allows(trees: &Subtrees, name: &GeneralName) -> bool {
    let mut permitted = trees.permitted.iter().filter(|base| is_same_form(base, name)).peekable();
    let inside = permitted.peek().is_none() || permitted.any(|base| is_in(base, name) == Some(true));
    let mut excluded = trees.excluded.iter().filter(|base| is_same_form(base, name));
    // What cannot be compared is neither inside nor outside: refused on both sides.
    inside && excluded.all(|base| is_in(base, name) == Some(false))
}

fn is_same_form(base: &GeneralName, name: &GeneralName) -> bool {
    std::mem::discriminant(base) == std::mem::discriminant(name)
}

/// Whether a name is in the subtree of a base of its form; `None` if that cannot be said.
fn is_in(base: &GeneralName, name: &GeneralName) -> Option<bool> {
    match (base, name) {
        (GeneralName::Directory(base), GeneralName::Directory(name)) => Some(name.is_under(base)),
        (GeneralName::Dns(base), GeneralName::Dns(name)) => {
            let (base, name) = (base.to_ascii_lowercase(), name.to_ascii_lowercase());
            let base = base.strip_prefix('.').unwrap_or(&base);
            Some(base.is_empty() || name == base || name.ends_with(&format!(".{base}")))
        }
        (GeneralName::Email(base), GeneralName::Email(name)) => {
            let (local, host) = name.rsplit_once('@')?;
            match base.rsplit_once('@') {
                Some((base_local, base_host)) => {
                    Some(local == base_local && host.eq_ignore_ascii_case(base_host))
                }
                None => Some(is_host_in(base, host)),
            }
        }
        (GeneralName::Uri(base), GeneralName::Uri(name)) => {
            let authority = name.split_once("://")?.1;
            let authority = authority.split(['/', '?', '#']).next()?;
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let host = host.split_once(':').map_or(host, |(host, _)| host);
            // §4.2.1.10: a constraint on URIs holds for hosts' names alone.
            let is_name =
                !host.is_empty() && !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err();
            is_name.then(|| is_host_in(base, host))
        }
        (GeneralName::Ip(base), GeneralName::Ip(name)) => {
            let (address, mask) = base.split_at_checked(name.len())?;
            let fits = mask.len() == name.len() && matches!(name.len(), 4 | 16);
            let same = |((a, b), mask): ((&u8, &u8), &u8)| a & mask == b & mask;
            fits.then(|| address.iter().zip(name).zip(mask).all(same))
        }
        _ => None,
    }
}

/// A base with a dot before it is every host under it; one without is that host.
fn is_host_in(base: &str, host: &str) -> bool {
    let (base, host) = (base.to_ascii_lowercase(), host.to_ascii_lowercase());
    match base.starts_with('.') {
        true => host.ends_with(&base),
        false => host == base,
    }
}
