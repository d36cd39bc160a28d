//! The terminal as a clerk's or an officer's desk: commands that call a room's inner side with a key of that room.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::desk::{Ask, INQUIRIES, Told};
use protocol::oversight::{ChangeStanding, Changed};
use rules::Standing;
use wire::{CallError, InnerClient, InnerKey};
use words::{AffairId, ItemId, PartyId};

use crate::config_file::{ConfigFile, Section};

/// A client to a room's inner side under one of its keys.
pub fn client(section: &Section, key: &str) -> Result<InnerClient> {
    let common = &section.settings.common;
    let path = section.settings.base.join(&common.keys).join(format!("{key}.key"));
    let key = InnerKey::read(&path).with_context(|| format!("cannot read the key {}", path.display()))?;
    Ok(InnerClient::new(common.inner, &key))
}

/// A problem in both languages, with what to do.
pub fn in_words(error: &CallError) -> String {
    match error {
        CallError::Problem(problem) => {
            let detail =
                problem.detail.as_deref().map(|detail| format!("  ({detail})\n")).unwrap_or_default();
            let act = problem.act.map(|act| format!("  act {act}\n")).unwrap_or_default();
            format!(
                "{}\n  → {}\n{}\n  → {}\n{detail}{act}  [{}]",
                problem.title_ja, problem.next_ja, problem.title, problem.next, problem.reason
            )
        }
        other => format!(
            "ゲートウェイに届きません。起動しているか確かめてください。\nThe room cannot be reached ({other}). Check that it is running."
        ),
    }
}

/// What `musubi inquire` asks.
#[derive(Debug, clap::Args)]
pub struct InquireArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: std::path::PathBuf,
    /// Which institution asks; may be left out if the file has one gateway.
    #[arg(long, value_name = "ID")]
    pub institution: Option<String>,
    /// The own customer number.
    #[arg(long)]
    pub customer: String,
    /// For which affair, e.g. child-allowance.
    #[arg(long)]
    pub affair: String,
    /// For which item, e.g. income.
    #[arg(long)]
    pub item: String,
    /// From whom, e.g. tax.
    #[arg(long)]
    pub provider: String,
}

/// Asks as a clerk; prints the content as JSON, or why there is none.
pub async fn inquire(args: &InquireArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let section = file.section("gateway", args.institution.as_deref())?;
    let ask = Ask {
        id: None,
        customer: args.customer.clone(),
        affair: AffairId::parse(&args.affair)?,
        item: ItemId::parse(&args.item)?,
        provider: PartyId::parse(&args.provider)?,
    };
    match client(section, "clerk")?.post::<Told>(INQUIRIES, &ask, Duration::from_secs(20)).await {
        Ok(told) => {
            println!("{}", told.content.get());
            eprintln!("act {}", told.id);
            Ok(())
        }
        Err(error) => bail!("{}", in_words(&error)),
    }
}

/// Changes an institution's standing as an officer.
pub async fn change_standing(config: &Path, party: &str, standing: Standing, reason: &str) -> Result<i64> {
    let file = ConfigFile::read(config)?;
    let section = file.section("oversight", None)?;
    let party = PartyId::parse(party)?;
    let message = ChangeStanding { standing, reason: reason.to_owned() };
    let path = format!("/accreditations/{party}");
    match client(section, "officer")?.post::<Changed>(&path, &message, Duration::from_secs(10)).await {
        Ok(changed) => Ok(changed.version),
        Err(error) => bail!("{}", in_words(&error)),
    }
}
