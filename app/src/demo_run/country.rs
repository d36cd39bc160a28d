//! The demo's country as files: configuration, whitelist rows, accreditations. Written once; found again by the
//! next run on the same folder.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use demo::Institution;
use rules::{Accreditation, Row, Standing};
use words::{AffairId, Date, ItemId, Kind, Moment, PartyId};

use portal::wording;

use super::DemoArgs;

/// Rooms that exist once, in the order they start.
const SINGLE: [(&str, &str, &str); 7] = [
    ("authority", "認証局", "Authority"),
    ("oversight", "第三者機関", "Third-party body"),
    ("linkage", "情報連携基盤", "Linkage platform"),
    ("trustee", "受託機関", "Trustee"),
    ("portal", "マイ・ポータル", "My Portal"),
    ("registry", "住民基本台帳", "Resident register"),
    ("research", "研究データ室", "Research data room"),
];

/// How often the demo's rooms fetch their documents, ms: often, so that a suspension can be watched acting.
pub const POLL_MS: u64 = 1_000;

/// How often its gateways look for late answers, ms.
const LOOK_AGAIN_MS: u32 = 2_000;

/// A demo's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
}

impl Folder {
    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path.join("musubi.toml")
    }

    /// The institutions' own data.
    pub fn sources(&self) -> PathBuf {
        self.path.join("sources")
    }

    /// What the demo remembers between runs.
    pub fn memory(&self) -> PathBuf {
        self.path.join("demo.json")
    }
}

/// Below the range from which the system takes ports for outgoing connections, so that none is taken between being
/// found free here and being listened on.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// Free ports, none of them twice in this process: where one country ended looking, the next one goes on.
pub fn free_ports(count: usize) -> Result<Vec<u16>> {
    static LOOKED: AtomicU32 = AtomicU32::new(0);
    let many = u32::from(PORTS.end - PORTS.start);
    // Each process begins elsewhere.
    let start = std::process::id().wrapping_mul(911);
    let mut ports = Vec::with_capacity(count);
    for _ in 0..many {
        if ports.len() == count {
            break;
        }
        let step = start.wrapping_add(LOOKED.fetch_add(1, Ordering::Relaxed)) % many;
        let port = PORTS.start + u16::try_from(step)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            ports.push(port);
        }
    }
    anyhow::ensure!(ports.len() == count, "no free ports");
    Ok(ports)
}

/// Writes `musubi.toml`, `accreditations.json`; gives the ports of the institutions' own services.
pub fn write(
    folder: &Folder,
    args: &DemoArgs,
    choice: conversion::Choice,
    now: Moment,
) -> Result<BTreeMap<String, u16>> {
    std::fs::create_dir_all(&folder.path)?;
    let (databases, otlp) = (args.postgres.as_deref(), args.otlp.as_deref());
    let replicas: Vec<String> = (2..=args.trustees).map(|number| format!("trustee-{number}")).collect();
    let with_service = || Institution::ALL.into_iter().filter(|one| one.profile().service.is_some());
    let rooms = SINGLE.len() + replicas.len() + Institution::ALL.len();
    let with_pages = 3 + Institution::ALL.len();
    let mut ports = free_ports(rooms * 2 + with_service().count() + with_pages + 2)?.into_iter();
    let mut next = || ports.next().context("a port");
    let services: BTreeMap<String, u16> =
        with_service().map(|one| Ok((one.as_str().to_owned(), next()?))).collect::<Result<_>>()?;
    // Schemas are named after the folder: two countries can share a server.
    let of_folder =
        std::path::absolute(&folder.path).map(|path| seal::sha256(path.as_os_str().as_encoded_bytes()))?;
    let of_folder = words::hex(of_folder.get(..4).unwrap_or_default());
    let start = next()?;
    let (public, portal_pages) = (next()?, next()?);
    let pages = |id: &str, port: u16| {
        format!("\n[{id}.pages]\nlisten = \"127.0.0.1:{port}\"\nstart = \"http://127.0.0.1:{start}/\"\n")
    };
    let collector = otlp.map(|url| format!("otlp = {url:?}\n")).unwrap_or_default();
    let mut text = String::from("# The demo's country: one section for each party.\n");
    let mut section = |id: &str,
                       room: Option<&str>,
                       name: &str,
                       name_en: &str,
                       own: &str,
                       outer: u16,
                       inner: u16| {
        let room = room.map(|room| format!("room = \"{room}\"\n")).unwrap_or_default();
        let database = match databases {
            Some(url) => format!(
                "{url}{}schema=m{of_folder}_{}",
                if url.contains('?') { "&" } else { "?" },
                id.replace('-', "_")
            ),
            None => format!("sqlite:{id}/{id}.db"),
        };
        text.push_str(&format!(
            "\n[{id}]\n{room}name = \"{name}\"\nname_en = \"{name_en}\"\nouter = \"127.0.0.1:{outer}\"\ninner = \"127.0.0.1:{inner}\"\n\
             database = \"{database}\"\nkeys = \"{id}/keys\"\ncountry = \"country.json\"\npoll_ms = {POLL_MS}\n{collector}{own}"
        ));
    };
    for (id, name, name_en) in SINGLE {
        let mut own = match id {
            "linkage" | "registry" | "portal" => "demo = true\n".to_owned(),
            "oversight" => {
                "whitelist = \"whitelist.jws\"\naccreditations = \"accreditations.json\"\n".to_owned()
            }
            "authority" => {
                format!(
                    "public = \"127.0.0.1:{public}\"\npublic_uri = \"http://127.0.0.1:{public}\"\npasskey_origin = \"http://localhost:{portal_pages}\"\n"
                )
            }
            _ => String::new(),
        };
        if id == "linkage" && !choice.scheme.is_blind() {
            own.push_str(&format!("scheme = {}\nlab = {}\n", choice.scheme.number(), choice.lab));
        }
        if ["oversight", "portal", "research"].contains(&id) {
            let port = if id == "portal" { portal_pages } else { next()? };
            own.push_str(&pages(id, port));
        }
        section(id, None, name, name_en, &own, next()?, next()?);
        for (replica, number) in replicas.iter().zip(2..).filter(|_| id == "trustee") {
            let (name, name_en) = (format!("{name}({number}号機)"), format!("{name_en}, replica {number}"));
            section(replica, Some(id), &name, &name_en, &own, next()?, next()?);
        }
    }
    for institution in Institution::ALL {
        let profile = institution.profile();
        let port = services.get(profile.id).map(u16::to_string).unwrap_or_default();
        let connector = profile.connector.replace("{port}", &port);
        let own = format!("look_again_ms = {LOOK_AGAIN_MS}\n{connector}{}", pages(profile.id, next()?));
        section(profile.id, Some("gateway"), profile.name, profile.name_en, &own, next()?, next()?);
    }
    let single = SINGLE.iter().map(|(id, _, _)| *id).chain(replicas.iter().map(String::as_str));
    for id in single.chain(Institution::ALL.map(Institution::as_str)) {
        std::fs::create_dir_all(folder.path.join(id))?;
    }
    std::fs::write(folder.config(), text)?;
    std::fs::write(
        folder.path.join("accreditations.json"),
        serde_json::to_vec_pretty(&accreditations(now)?)?,
    )?;
    Ok(services)
}

fn accreditations(now: Moment) -> Result<Vec<Accreditation>> {
    let one = |institution: Institution| {
        let profile = institution.profile();
        let assessed = match profile.accreditation {
            demo::Accreditation::Full => Some(true),
            demo::Accreditation::NoAssessment => Some(false),
            demo::Accreditation::None => None,
        }?;
        Some((profile, assessed))
    };
    let accreditation = |(profile, assessed): (&demo::Profile, bool)| {
        Ok(Accreditation {
            party: PartyId::parse(profile.id)?,
            kind: Kind::parse(profile.kind)?,
            standing: Standing::Active,
            // The assessment is good for five years (特定個人情報保護評価).
            assessed_until: assessed.then(|| now.plus_ms(5 * 365 * 86_400_000)),
            holds_number: profile.holds_number,
            people: Vec::new(),
        })
    };
    Institution::ALL.into_iter().filter_map(one).map(accreditation).collect()
}

/// The demo's whitelist. What the rows rest on stands in `demo/data/whitelist.csv`.
pub fn whitelist() -> Result<Vec<Row>> {
    const ORDER: &str = "番号法第十九条第八号・令和六年デジタル庁・総務省令第九号";
    const SAMPLE: &str = "見本(法の表にない行)";
    let row = |row: demo::LawRow| {
        Ok(Row {
            affair: AffairId::parse(&row.affair)?,
            affair_name_en: wording::affair(&row.affair).1,
            affair_name: row.affair_name,
            item: ItemId::parse(&row.item)?,
            item_name_en: wording::item(&row.item).1,
            item_name: row.item_name,
            inquirer_kind: Kind::parse(&row.inquirer_kind)?,
            provider_kind: Kind::parse(&row.provider_kind)?,
            needs_consent: row.consent,
            law: if row.checked { ORDER } else { SAMPLE }.into(),
            entry: row.entry,
            valid_from: Date::new(2026, 6, 26)?,
            valid_to: None,
            checked: row.checked,
        })
    };
    demo::whitelist().into_iter().map(row).collect()
}

/// The rooms' sections in the order they start.
pub fn start_order(config: &Path) -> Result<Vec<String>> {
    let file = crate::config_file::ConfigFile::read(config)?;
    Ok(file.sections.iter().map(|section| section.settings.id.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashSet};

    /// A row of the law's own table.
    #[derive(serde::Deserialize, Debug, PartialEq, Eq, Hash)]
    struct Entry {
        entry: String,
        inquirer: String,
        affair: String,
        provider: String,
        item: String,
        checked: bool,
    }

    /// What stands in the demo's list as checked stands so in the law's table; what does not says that it is a sample.
    #[test]
    fn checked_rows_stand_in_the_laws_table_and_no_others() {
        let packs = std::env::var("MUSUBI_PACKS").unwrap_or_else(|_| "../../shared".into());
        let Some(law) = crate::whitelist_command::law_of_pack(Path::new(&packs)) else {
            println!("needs pack");
            return;
        };
        let mut reader = csv::Reader::from_path(law).unwrap();
        let law: HashSet<Entry> = reader.deserialize().map(Result::unwrap).collect();
        let rows = demo::whitelist();
        assert!(rows.iter().filter(|row| row.checked).count() >= 40);
        for row in rows {
            let entry = Entry {
                entry: row.entry.clone(),
                inquirer: row.inquirer.clone(),
                affair: row.affair_name.clone(),
                provider: row.provider.clone(),
                item: row.item_name.clone(),
                checked: true,
            };
            assert_eq!(law.contains(&entry), row.checked, "{row:?}");
        }
    }

    /// A kind stands for the bodies that the law names, always the same ones.
    #[test]
    fn a_kind_stands_for_the_bodies_that_the_law_names() {
        let named = |kind: &str| -> &[&str] {
            match kind {
                "municipality" => &["市町村長"],
                "health-insurer" => &["健康保険組合", "医療保険者"],
                "pension" => &["厚生労働大臣", "日本年金機構"],
                "labour" => &["厚生労働大臣"],
                "welfare-office" => &["都道府県知事等"],
                "scholarship" => &["独立行政法人日本学生支援機構"],
                other => panic!("no checked row may speak of {other}"),
            }
        };
        for row in demo::whitelist().iter().filter(|row| row.checked) {
            for (kind, body) in [(&row.inquirer_kind, &row.inquirer), (&row.provider_kind, &row.provider)] {
                assert!(named(kind).iter().any(|name| body.contains(name)), "{kind}: {body}");
            }
        }
    }

    #[test]
    fn the_list_is_what_a_ceremony_can_publish_and_every_word_has_its_names() {
        let rows = whitelist().unwrap();
        for (id, (ja, en)) in rows
            .iter()
            .flat_map(|row| {
                let (affair, item) = (row.affair.as_str(), row.item.as_str());
                [(affair, wording::affair(affair)), (item, wording::item(item))]
            })
            .collect::<BTreeSet<_>>()
        {
            assert!(!ja.is_ascii() && en.is_ascii(), "{id}: {ja} / {en}");
        }
    }

    #[test]
    fn who_holds_no_number_and_who_waits_at_the_door() {
        let all = accreditations(Moment(0)).unwrap();
        let of = |id: &str| all.iter().find(|one| one.party.as_str() == id);
        assert!(of("care-home").is_none(), "not accredited");
        assert_eq!(of("clinic").unwrap().assessed_until, None);
        assert!(!of("bank").unwrap().holds_number && of("town").unwrap().holds_number);
    }
}
