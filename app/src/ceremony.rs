//! The ceremony: every party makes its keys, the authority certifies them, the dealer deals the link codes' global
//! key to the transcryptors and destroys it, the publisher signs the whitelist. Run again, it adds what is new and
//! changes nothing that is there.

use std::path::Path;

use anyhow::{Context, Result, bail};
use authority::{PartyKey, Root};
use protocol::Message;
use protocol::country::Country;
use protocol::directory::Entry;
use protocol::oversight::WhitelistDocument;
use rules::{Role, Row};
use seal::{Dice, GlobalKeys, KeyFolder, Suite};
use wire::InnerKeys;
use words::{B64, Date, Kind, Moment, PartyId, Scheme};
use world::World;

use crate::config_file::{ConfigFile, Section, base_of};

/// Inner keys that are made for a room: name and role.
fn inner_roles(room: &str) -> Vec<(&'static str, Role)> {
    let own = match room {
        "gateway" => vec![("clerk", Role::Clerk)],
        "oversight" => vec![("officer", Role::Officer)],
        "registry" => vec![("registrar", Role::Registrar)],
        // Two officers: what they decide takes two people.
        "research" => vec![
            ("keeper", Role::Keeper),
            ("researcher", Role::Researcher),
            ("officer", Role::Officer),
            ("second-officer", Role::Officer),
        ],
        _ => Vec::new(),
    };
    [vec![("operator", Role::Operator)], own].concat()
}

/// Runs the ceremony for all parties of a file. `root` is the root from its shares; without, its key is a file. `whitelist` are the rows to publish, with their version. `told`
/// hears what is done, line by line.
pub async fn run(
    config: &Path,
    root: Option<Root>,
    whitelist: Option<(u32, Vec<Row>)>,
    world: &World,
    mut told: impl FnMut(&str),
) -> Result<()> {
    let file = ConfigFile::read(config)?;
    let base = base_of(config);
    let dice = {
        let world = world.clone();
        Dice::new(move |buffer| world.fill(buffer))
    };
    let today = Moment(world.now()).date_in_japan();
    let safe = KeyFolder::new(base.join("ceremony"));
    let root = match root {
        Some(root) => root,
        None => root_of(&safe)?,
    };
    check_root(&file, &root)?;
    for section in &file.sections {
        make_keys(section, &root, &dice, today)
            .with_context(|| format!("keys of {}", section.settings.id))?;
    }
    told("every party has made its keys; the authority has certified them");
    certify_organisations(file.section("authority", None)?, &root, &dice, today)?;
    told("the root has certified the authority for organisations");
    let country = country(&file, &safe, &root, &dice, today, &mut told)?;
    give_to_replicas(&file, country.scheme, &mut told)?;
    let authority = file.section("authority", None)?;
    let entries: Vec<Entry> = file.sections.iter().map(entry).collect::<Result<_>>()?;
    authority::enrol(&authority.settings.location(), entries)
        .await
        .context("enrolling the parties with the authority")?;
    told("the parties are enrolled in the directory");
    if let Some((version, rows)) = whitelist {
        let publisher = KeyFolder::new(base.join("ceremony/publisher")).signing(Some(&dice))?;
        let document = WhitelistDocument { version, issued_at: Moment(world.now()), rows };
        let signed = protocol::sign(&publisher, &country.publisher, &document);
        debug_assert_eq!(WhitelistDocument::TYP, seal::Typ("musubi-whitelist+jws"));
        std::fs::write(base.join("whitelist.jws"), signed.as_str()).context("writing whitelist.jws")?;
        told("the publisher has signed the whitelist");
    }
    Ok(())
}

/// Refuses a root that is not that of the trust anchor, before anything is certified with it.
fn check_root(file: &ConfigFile, root: &Root) -> Result<()> {
    let authority = file.section("authority", None)?;
    let path = authority.settings.base.join(&authority.settings.common.country);
    if !path.exists() {
        return Ok(());
    }
    let country: Country = serde_json::from_slice(&std::fs::read(&path)?)
        .with_context(|| format!("{} is not a trust anchor", path.display()))?;
    if !root.is_anchor(&country.root_certificate) {
        bail!(
            "根の鍵は {0} の国のものではありません。何も変えていません。\nThe root's key is not that of the country in {0}; nothing was changed.",
            path.display()
        );
    }
    Ok(())
}

/// The root's key as a file: for a country on one machine.
fn root_of(safe: &KeyFolder) -> Result<Root> {
    if !safe.has("root.key") {
        safe.write("root.key", Root::generate()?.key_pem().as_bytes())?;
    }
    Ok(Root::from_pem(std::str::from_utf8(&safe.read("root.key")?)?)?)
}

fn keys_of(section: &Section) -> KeyFolder {
    KeyFolder::new(section.settings.base.join(&section.settings.common.keys))
}

fn make_keys(section: &Section, root: &Root, dice: &Dice, today: Date) -> Result<()> {
    let keys = keys_of(section);
    keys.signing(Some(dice))?;
    keys.sealing(Suite::default(), Some(dice))?;
    keys.storage(dice, true)?;
    if !keys.has("tls.crt") {
        let key = PartyKey::generate()?;
        keys.write("tls.key", key.pem().as_bytes())?;
        let (pem, der) = root.certify(&section.settings.id, &key.public(), today)?;
        keys.write("tls.der", &der)?;
        keys.write("tls.crt", pem.as_bytes())?;
    }
    if !keys.has("inner.keys") {
        for (name, role) in inner_roles(section.room.name()) {
            InnerKeys::make(&keys, name, role, dice)?;
        }
    }
    Ok(())
}

/// The authority's key for certificates of parties, certified by the root; once.
fn certify_organisations(section: &Section, root: &Root, dice: &Dice, today: Date) -> Result<()> {
    let keys = keys_of(section);
    if keys.has("organisation-ca.der") {
        return Ok(());
    }
    let key = authority::organisation_key(&section.settings, dice)?;
    keys.write("organisation-ca.der", &root.certify_organisations(key.public(), today)?)?;
    Ok(())
}

/// The trust anchor; made once, with the dealing of the global key in it.
fn country(
    file: &ConfigFile,
    safe: &KeyFolder,
    root: &Root,
    dice: &Dice,
    today: Date,
    told: &mut impl FnMut(&str),
) -> Result<Country> {
    let authority = file.section("authority", None)?;
    let path = authority.settings.base.join(&authority.settings.common.country);
    if path.exists() {
        return serde_json::from_slice(&std::fs::read(&path)?)
            .with_context(|| format!("{} is not a trust anchor", path.display()));
    }
    let scheme = scheme_of(file)?;
    let global = deal(file, scheme, dice, told)?;
    let publisher = KeyFolder::new(safe.path().join("publisher")).signing(Some(dice))?;
    // Only a country that has a room for demo assertions has somebody who signs them.
    let demo_key = match file.sections.iter().any(|section| section.settings.common.demo) {
        true => Some(KeyFolder::new(safe.path().join("demo")).signing(Some(dice))?.verify_key()),
        false => None,
    };
    let country = Country {
        root_certificate: root.certificate(today)?.0,
        authority: authority.settings.id.clone(),
        authority_address: authority.settings.common.outer.to_string(),
        authority_key: keys_of(authority).signing(None)?.verify_key(),
        publisher: PartyId::parse("publisher")?,
        publisher_key: publisher.verify_key(),
        demo_key,
        scheme,
        global,
    };
    std::fs::write(&path, serde_json::to_vec_pretty(&country)?)
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(country)
}

/// The scheme that linkage's section chooses.
fn scheme_of(file: &ConfigFile) -> Result<Scheme> {
    let choice: conversion::Choice = file.section("linkage", None)?.settings.own()?;
    Ok(choice.check()?.scheme)
}

fn deal(file: &ConfigFile, scheme: Scheme, dice: &Dice, told: &mut impl FnMut(&str)) -> Result<GlobalKeys> {
    // In the order of the route: linkage first, the trustee last.
    let trustee = trustees(file).next().context("the file has no section for the room trustee")?;
    let parties = [file.section("linkage", None)?, trustee];
    if parties.iter().any(|section| keys_of(section).has("transcryptor.key")) {
        bail!(
            "a transcryptor has its share already, but the trust anchor is missing: restore country.json; dealing anew would end every link code"
        );
    }
    let dealt = seal::deal(parties.len(), dice).context("dealing the global key")?;
    for (section, secrets) in parties.iter().zip(&dealt.transcryptors) {
        keys_of(section).write_transcryptor(secrets)?;
    }
    if scheme.is_blind() {
        told("the global key was dealt to linkage and trustee and is gone");
        return Ok(dealt.global);
    }
    // One operator sees every code: the published schemes know no second body.
    let [core, _] = parties;
    let second = dealt.transcryptors.get(1).context("the second half")?;
    keys_of(core).write_second_transcryptor(second)?;
    told(
        "the global key was dealt, and linkage holds both halves of it: under this scheme it sees every code",
    );
    Ok(dealt.global)
}

/// The trustee's replicas, in the order of the file; the first one is dealt to.
fn trustees(file: &ConfigFile) -> impl Iterator<Item = &Section> {
    file.sections.iter().filter(|section| section.room.name() == "trustee")
}

/// Gives replicas of the trustee that are new the secrets that the trustee has: they are one body on several machines. All other
/// keys are each one's own.
fn give_to_replicas(file: &ConfigFile, scheme: Scheme, told: &mut impl FnMut(&str)) -> Result<()> {
    let (has, new): (Vec<_>, Vec<_>) =
        trustees(file).partition(|section| keys_of(section).has("transcryptor.key"));
    let Some(first) = has.first().filter(|_| !new.is_empty()) else { return Ok(()) };
    let secrets = keys_of(first).transcryptor()?;
    for section in &new {
        keys_of(section).write_transcryptor(&secrets)?;
    }
    if scheme.is_blind() {
        told("the trustee's half was given to its new replicas");
    }
    Ok(())
}

fn entry(section: &Section) -> Result<Entry> {
    let keys = keys_of(section);
    Ok(Entry {
        id: section.settings.id.clone(),
        kind: Kind::parse(section.room.name())?,
        name: section.name.clone(),
        name_en: section.name_en.clone(),
        address: section.settings.common.outer.to_string(),
        certificate: B64::from(seal::sha256(&keys.read("tls.der")?)),
        signing: keys.signing(None)?.verify_key(),
        sealing: keys.sealing(Suite::default(), None)?.public(),
        current: Vec::new(),
        revoked: false,
        revoked_operators: Vec::new(),
    })
}
