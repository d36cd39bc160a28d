//! `musubi whitelist import`: the law's own table (CSV) as rows that a ceremony can publish.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rules::Row;
use words::{AffairId, Date, ItemId, Kind};

/// What to import.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The law's table: entry, version, inquirer_kind, affair, provider_kind, item, consent, checked; further
    /// columns are ignored.
    #[arg(long, value_name = "CSV")]
    pub law: PathBuf,
    /// Only entries that begin with this text.
    #[arg(long, default_value = "命令第二条の表")]
    pub entries: String,
    /// The law's name, as it stands in the rows.
    #[arg(long, default_value = "番号法第十九条第八号・令和六年デジタル庁・総務省令第九号")]
    pub name: String,
    /// From which day the rows hold.
    #[arg(long, default_value = "2026-06-26")]
    pub valid_from: String,
    /// Where to write the rows (JSON).
    #[arg(long, value_name = "JSON")]
    pub out: PathBuf,
}

/// Imports and writes; prints how many rows there are and how many of them need a decision.
pub fn run(args: &ImportArgs) -> Result<()> {
    let rows = import(args)?;
    let consent = rows.iter().filter(|row| row.needs_consent).count();
    std::fs::write(&args.out, serde_json::to_vec_pretty(&rows)?)
        .with_context(|| format!("writing {}", args.out.display()))?;
    println!(
        "{} rows written; {consent} of them need consent, because the table says so or leaves it open",
        rows.len()
    );
    Ok(())
}

/// Reads the rows of the entries asked for.
pub fn import(args: &ImportArgs) -> Result<Vec<Row>> {
    let valid_from = Date::parse(&args.valid_from)?;
    let mut reader =
        csv::Reader::from_path(&args.law).with_context(|| format!("cannot read {}", args.law.display()))?;
    let headers = reader.headers().with_context(|| format!("{}, line 1", args.law.display()))?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .with_context(|| format!("{} has no column `{name}`", args.law.display()))
    };
    let (entry, affair, item) = (column("entry")?, column("affair")?, column("item")?);
    let (inquirer, provider) = (column("inquirer_kind")?, column("provider_kind")?);
    let (consent, checked) = (column("consent")?, column("checked")?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("reading {}", args.law.display()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: usize| record.get(at).unwrap_or_default();
        if !field(entry).starts_with(&args.entries) {
            continue;
        }
        let row = (|| {
            Ok::<_, anyhow::Error>(Row {
                affair: AffairId::parse(&format!("law-{}", number_of(field(entry))?))?,
                affair_name: field(affair).into(),
                affair_name_en: String::new(),
                item_name_en: String::new(),
                item: item_id(field(item))?,
                item_name: field(item).into(),
                inquirer_kind: Kind::parse(field(inquirer))?,
                provider_kind: Kind::parse(field(provider))?,
                // What the table leaves open is not given away: a row whose consent is unknown needs one.
                needs_consent: match field(consent) {
                    "no" => false,
                    "yes" | "unknown" => true,
                    other => bail!("consent is `{other}`, not yes, no or unknown"),
                },
                law: args.name.clone(),
                entry: field(entry).into(),
                valid_from,
                valid_to: None,
                checked: field(checked) == "true",
            })
        })();
        rows.push(row.with_context(|| format!("{}, line {line}", args.law.display()))?);
    }
    if rows.is_empty() {
        bail!("{} has no entry that begins with {}", args.law.display(), args.entries);
    }
    Ok(rows)
}

/// The number in an entry's name: `命令第二条の表 173の2項` → `173-2`.
fn number_of(entry: &str) -> Result<String> {
    let last = entry.rsplit(' ').next().unwrap_or_default().trim_end_matches('項').trim_start_matches('第');
    let number = last.replace("項の", "-").replace('の', "-");
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        bail!("the entry has no number");
    }
    Ok(number)
}

/// An id for an item's legal name. The law gives items no codes, so the id is drawn from the name: equal names,
/// equal ids.
pub fn item_id(name: &str) -> Result<ItemId> {
    let hash = words::hex(&seal::sha256(name.as_bytes()));
    Ok(ItemId::parse(&format!("item-{}", hash.get(..12).unwrap_or_default()))?)
}

/// The law's table of a pack folder, if the pack is there.
pub fn law_of_pack(packs: &Path) -> Option<PathBuf> {
    Some(packs.join("law/whitelist.csv")).filter(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::Whitelist;
    use words::Reason;

    fn args(law: PathBuf) -> ImportArgs {
        ImportArgs {
            law,
            entries: "命令第二条の表".into(),
            name: "law".into(),
            valid_from: "2026-06-26".into(),
            out: PathBuf::new(),
        }
    }

    #[test]
    fn entries_have_numbers() {
        assert_eq!(number_of("命令第二条の表 141項").unwrap(), "141");
        assert_eq!(number_of("命令第二条の表 173の2項").unwrap(), "173-2");
        assert!(number_of("命令第二条の表").is_err());
    }

    #[test]
    fn a_bad_row_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let law = folder.path().join("law.csv");
        let head = "entry,inquirer_kind,affair,provider_kind,item,consent,checked\n";
        std::fs::write(
            &law,
            format!("{head}命令第二条の表 1項,a,x,b,y,no,true\n命令第二条の表 2項,a,x,b,y,maybe,true\n"),
        )
        .unwrap();
        let error = format!("{:#}", import(&args(law.clone())).unwrap_err());
        assert!(error.contains("line 3") && error.contains("maybe"), "{error}");
        std::fs::write(&law, "entry,item\n").unwrap();
        assert!(format!("{:#}", import(&args(law)).unwrap_err()).contains("no column `affair`"));
    }

    /// The whole table of today's law, decided over by the index and by a plain scan.
    #[test]
    fn the_laws_table_is_decided_as_a_plain_scan_does() {
        let packs = std::env::var("MUSUBI_PACKS").unwrap_or_else(|_| "../../shared".into());
        let Some(law) = law_of_pack(Path::new(&packs)) else {
            println!("needs pack");
            return;
        };
        let rows = import(&args(law)).unwrap();
        assert_eq!(rows.len(), 773);
        let list = Whitelist::new(1, rows.clone());
        let day = Date::parse("2026-11-22").unwrap();
        let (mut allowed, mut uncovered, mut absent) = (0, 0, 0);
        // Every affair with every item asked of every provider by every inquirer would be tens of millions: every row
        // is asked with the item and provider of every seventh other.
        for one in &rows {
            for other in rows.iter().step_by(7) {
                let found =
                    list.find(&one.affair, &other.item, &one.inquirer_kind, &other.provider_kind, day);
                let mut pair = rows.iter().filter(|row| {
                    row.affair == one.affair
                        && row.inquirer_kind == one.inquirer_kind
                        && row.provider_kind == other.provider_kind
                });
                let any = pair.clone().next().is_some();
                let scanned = match pair.find(|row| row.item == other.item) {
                    Some(row) => Ok(row),
                    None if any => Err(Reason::ItemNotCovered),
                    None => Err(Reason::NotOnList),
                };
                assert_eq!(found, scanned);
                match scanned {
                    Ok(_) => allowed += 1,
                    Err(Reason::ItemNotCovered) => uncovered += 1,
                    Err(_) => absent += 1,
                }
            }
        }
        assert!(allowed > 100 && uncovered > 1_000 && absent > 1_000, "{allowed} {uncovered} {absent}");
        // Before the day the list holds, nothing is on it.
        let before = Date::parse("2026-06-25").unwrap();
        let row = rows.first().unwrap();
        assert_eq!(
            list.find(&row.affair, &row.item, &row.inquirer_kind, &row.provider_kind, before),
            Err(Reason::NotOnList)
        );
    }
}
