//! `musubi erase` and `musubi replay`: what operators do with records that are kept.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::audit::{REPLAY, Replayed};
use protocol::desk::{ERASURES, Erase, ErasedShelf};
use wire::CallError;
use words::{ActId, Date, Reason};

use crate::config_file::{ConfigFile, Section};
use portal::wording;

use crate::desk;

/// What `musubi erase` takes.
#[derive(Debug, clap::Args)]
pub struct EraseArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Erase what has come to the end of its period by this day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// At one party alone; at all of the file if left out.
    #[arg(long, value_name = "ID")]
    pub party: Option<String>,
}

/// Runs `musubi erase`.
pub async fn erase(args: &EraseArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let as_of =
        Date::parse(&args.as_of).with_context(|| format!("{} is no date (YYYY-MM-DD)", args.as_of))?;
    let wanted = |id: &str| args.party.as_deref().is_none_or(|party| party == id);
    let sections: Vec<_> =
        file.sections.iter().filter(|section| wanted(section.settings.id.as_str())).collect();
    if sections.is_empty() {
        bail!("the configuration has no party {}", args.party.as_deref().unwrap_or_default());
    }
    for section in sections {
        let operator = desk::certified(section, "operator").await?;
        let erased: Vec<ErasedShelf> =
            match operator.post(ERASURES, &Erase { as_of }, Duration::from_secs(600)).await {
                Ok(erased) => erased,
                Err(error) => bail!("{}: {}", section.settings.id, desk::in_words(&error)),
            };
        if erased.is_empty() {
            println!("{}: 消すものはありません / nothing to erase", section.settings.id);
        }
        for shelf in erased {
            println!(
                "{}: {} 記録 {} 件を消しました / {} records erased",
                section.settings.id, shelf.shelf, shelf.records, shelf.records
            );
        }
    }
    Ok(())
}

/// What `musubi replay` takes.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// The act.
    #[arg(allow_hyphen_values = true)]
    pub id: String,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Runs `musubi replay`: linkage and the trustee, each replica that had the act, decide it again.
pub async fn replay(args: &ReplayArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let act = ActId::parse(&args.id)?;
    let (mut decided, mut differs) = (0, false);
    let of = |kind: &str| file.sections.iter().filter(|section| section.room.name() == kind).count();
    let replicas = of("trustee");
    let transcryptors =
        file.sections.iter().filter(|section| ["linkage", "trustee"].contains(&section.room.name()));
    for section in transcryptors {
        let room = section.settings.id.as_str();
        match replay_at(section, act).await {
            Ok(Some(replayed)) => {
                decided += 1;
                differs |= !replayed.agrees;
                let (ja, en) = wording::when(replayed.at);
                println!(
                    "{room}: {ja} / {en}: {} → {} (list {}, accreditations {}){}",
                    replayed.recorded,
                    replayed.replayed,
                    replayed.list_version,
                    replayed.accreditations_version,
                    replayed.basis.map(|basis| format!(", {basis}")).unwrap_or_default()
                );
            }
            // An act is brought to one replica: that the others have nothing of it is as it should be.
            Ok(None) if section.room.name() == "trustee" && replicas > 1 => {
                println!("{room}: この複製は受けていません。 / not brought to this replica")
            }
            Ok(None) => println!("{room}: この記録はありません。 / no such act here"),
            Err(error) => println!("{room}: {error:#}"),
        }
    }
    if decided == 0 {
        bail!(
            "どの機関も再判断できませんでした。上を見てください。 / Nobody could decide it again: see above."
        );
    }
    if differs {
        bail!("当時の判断と一致しません。 / A decision does not come out again as it was recorded.");
    }
    Ok(())
}

/// What one room decides today; `None` if it has no such act.
async fn replay_at(section: &Section, act: ActId) -> Result<Option<Replayed>> {
    let operator = desk::certified(section, "operator").await?;
    let path = REPLAY.replace("{id}", &act.to_string());
    match operator.get(&path, Duration::from_secs(20)).await {
        Ok(replayed) => Ok(Some(replayed)),
        Err(CallError::Problem(problem)) if problem.reason == Reason::NotFound => Ok(None),
        Err(error) => bail!("{}", desk::in_words(&error)),
    }
}
