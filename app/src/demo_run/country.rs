//! The demo's country as files: configuration, whitelist rows, accreditations. Written once; found again by the
//! next run on the same folder.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use rules::{Accreditation, Row, Standing};
use words::{AffairId, Date, ItemId, Kind, Moment, PartyId};

/// Rooms that exist once, in the order they start.
const SINGLE: [(&str, &str, &str); 6] = [
    ("authority", "認証局", "Authority"),
    ("oversight", "第三者機関", "Third-party body"),
    ("linkage", "情報連携基盤", "Linkage platform"),
    ("trustee", "受託機関", "Trustee"),
    ("portal", "マイ・ポータル", "My Portal"),
    ("registry", "住民基本台帳", "Resident register"),
];

/// How often the demo's rooms fetch their documents, ms: often, so that a suspension can be watched acting.
pub const POLL_MS: u64 = 1_000;

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
fn free_ports(count: usize) -> Result<Vec<u16>> {
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

/// Writes `musubi.toml`, `accreditations.json`; gives the pension service's port.
pub fn write(folder: &Folder, databases: Option<&str>, now: Moment) -> Result<u16> {
    std::fs::create_dir_all(&folder.path)?;
    let mut ports = free_ports((SINGLE.len() + 3) * 2 + 1)?.into_iter();
    let mut next = || ports.next().context("a port");
    let pension_port = next()?;
    // Schemas are named after the folder: two countries can share a server.
    let of_folder =
        std::path::absolute(&folder.path).map(|path| seal::sha256(path.as_os_str().as_encoded_bytes()))?;
    let of_folder = words::hex(of_folder.get(..4).unwrap_or_default());
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
             database = \"{database}\"\nkeys = \"{id}/keys\"\ncountry = \"country.json\"\npoll_ms = {POLL_MS}\n{own}"
        ));
    };
    for (id, name, name_en) in SINGLE {
        let own = if ["linkage", "registry", "portal"].contains(&id) {
            "demo = true\n"
        } else if id == "oversight" {
            "whitelist = \"whitelist.jws\"\naccreditations = \"accreditations.json\"\n"
        } else {
            ""
        };
        section(id, None, name, name_en, own, next()?, next()?);
    }
    for (id, name, name_en, own) in gateways(pension_port) {
        section(id, Some("gateway"), name, name_en, &own, next()?, next()?);
    }
    for id in SINGLE.iter().map(|(id, _, _)| *id).chain(["town", "tax", "pension"]) {
        std::fs::create_dir_all(folder.path.join(id))?;
    }
    std::fs::write(folder.config(), text)?;
    std::fs::write(
        folder.path.join("accreditations.json"),
        serde_json::to_vec_pretty(&accreditations(now)?)?,
    )?;
    Ok(pension_port)
}

fn gateways(pension_port: u16) -> [(&'static str, &'static str, &'static str, String); 3] {
    [
        (
            "town",
            "市役所",
            "City office",
            r#"department = "子育て支援課"

[town.connector]
kind = "csv"
file = "sources/town/jumin.csv"
columns = { customer = "宛名番号", name = "氏名", kana = "氏名カナ", sex = "性別", birth = "生年月日", address = "住所", shielded = "支援措置" }

[town.connector.items.residence]
fields = { address = "住所", since = "住民となった日", relation = "続柄" }

[town.connector.items.child-allowance]
file = "sources/town/jido_teate.csv"
key = "宛名番号"
fields = { since = "認定年月日", children = "対象児童数", monthly_yen = "月額" }
integers = ["children", "monthly_yen"]
"#
            .into(),
        ),
        (
            "tax",
            "国税庁",
            "National Tax Agency",
            r#"department = "課税部"

[tax.connector]
kind = "sqlite"
file = "sources/tax/zeimu.db"
customers = "SELECT seiri_no, shimei, kana, seibetsu, seinengappi, jusho, shien FROM taxpayers"
columns = { customer = "seiri_no", name = "shimei", kana = "kana", sex = "seibetsu", birth = "seinengappi", address = "jusho", shielded = "shien" }

[tax.connector.items.income]
query = "SELECT nendo, shotoku, zeigaku FROM income WHERE seiri_no = ?1 ORDER BY nendo DESC LIMIT 1"
fields = { year = "nendo", amount_yen = "shotoku", tax_yen = "zeigaku" }
"#
            .into(),
        ),
        (
            "pension",
            "年金機構",
            "Pension service",
            format!(
                r#"department = "給付部"

[pension.connector]
kind = "http"
base = "http://127.0.0.1:{pension_port}"
list = "/members?after={{after}}"
one = "/members/{{customer}}"
rows = "members"
next = "next"
columns = {{ customer = "number", name = "nm", kana = "nm_kana", sex = "sx", birth = "dob", address = "adr", shielded = "protect" }}

[pension.connector.items.pension-paid]
fields = {{ year = "paid_fy", amount_yen = "paid_yen" }}
"#
            ),
        ),
    ]
}

fn accreditations(now: Moment) -> Result<Vec<Accreditation>> {
    let one = |party: &str, kind: &str| {
        Ok(Accreditation {
            party: PartyId::parse(party)?,
            kind: Kind::parse(kind)?,
            standing: Standing::Active,
            // The assessment is good for five years (特定個人情報保護評価).
            assessed_until: Some(now.plus_ms(5 * 365 * 86_400_000)),
            holds_number: true,
        })
    };
    ["town municipality", "tax tax-national", "pension pension"]
        .iter()
        .map(|line| line.split_once(' ').context("party and kind").and_then(|(party, kind)| one(party, kind)))
        .collect()
}

/// The demo's whitelist. Rows that rest on the law's table name its entry; none is marked checked, since the demo's
/// items are wider or narrower than the law's. Rows that no entry of the law's table has say that they are samples.
pub fn whitelist() -> Result<Vec<Row>> {
    const ORDER: &str = "番号法第十九条第八号・令和六年デジタル庁・総務省令第九号";
    const SAMPLE: &str = "見本(法の表にない行)";
    let row = |affair: &str,
               affair_name: &str,
               item: &str,
               item_name: &str,
               kinds: (&str, &str),
               law: &str,
               entry: &str| {
        Ok(Row {
            affair: AffairId::parse(affair)?,
            affair_name: affair_name.into(),
            affair_name_en: String::new(),
            item_name_en: String::new(),
            item: ItemId::parse(item)?,
            item_name: item_name.into(),
            inquirer_kind: Kind::parse(kinds.0)?,
            provider_kind: Kind::parse(kinds.1)?,
            needs_consent: false,
            law: law.into(),
            entry: entry.into(),
            valid_from: Date::new(2026, 6, 26)?,
            valid_to: None,
            checked: false,
        })
    };
    let pension = "国民年金法による年金である給付の支給に関する事務";
    [
        row(
            "child-allowance",
            "児童手当の支給に関する事務",
            "income",
            "所得",
            ("municipality", "tax-national"),
            SAMPLE,
            "所得は法では市町村長の地方税関係情報 (第二条の表 106項)",
        ),
        row(
            "pension",
            pension,
            "residence",
            "住民票関係情報",
            ("pension", "municipality"),
            ORDER,
            "第二条の表 73項",
        ),
        row(
            "tax",
            "国税の賦課に関する事務",
            "pension-paid",
            "年金給付関係情報",
            ("tax-national", "pension"),
            SAMPLE,
            "見本",
        ),
    ]
    .into_iter()
    .collect()
}

/// The rooms' sections in the order they start.
pub fn start_order(config: &Path) -> Result<Vec<String>> {
    let file = crate::config_file::ConfigFile::read(config)?;
    Ok(file.sections.iter().map(|section| section.settings.id.to_string()).collect())
}
