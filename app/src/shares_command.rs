//! `musubi shares`: a party's irreplaceable keys as shares for several people, of which some together give them back.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use seal::{Dice, KeyFolder, KeyShare};
use world::World;

use crate::config_file::ConfigFile;

/// What can be done with shares.
#[derive(Debug, Subcommand)]
pub enum SharesAct {
    /// Split the keys that nobody can make anew: signing, sealing, storage, and a transcryptor's or the register's secrets.
    Split {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Whose keys.
        #[arg(long, value_name = "ID")]
        party: String,
        /// How many shares give the keys back.
        #[arg(long, value_name = "K")]
        needed: u8,
        /// How many shares there are.
        #[arg(long, value_name = "N")]
        of: u8,
        /// An empty folder; give each file in it to another person, and leave none here.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Put the keys back from enough shares.
    Combine {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Whose keys.
        #[arg(long, value_name = "ID")]
        party: String,
        /// The shares.
        #[arg(value_name = "FILE", required = true)]
        shares: Vec<PathBuf>,
    },
}

/// Runs `musubi shares`.
pub fn run(act: &SharesAct) -> Result<()> {
    match act {
        SharesAct::Split { config, party, needed, of, out } => {
            let keys = keys_of(config, party)?;
            let text = keys.irreplaceable()?;
            ensure!(
                !text.is_empty(),
                "{party} の鍵がありません。 / {party} has no keys in {}.",
                keys.path().display()
            );
            let taken = std::fs::read_dir(out).is_ok_and(|mut files| files.next().is_some());
            ensure!(!taken, "{} は空ではありません。 / It is not empty.", out.display());
            let world = World::real();
            let dice = Dice::new(move |buffer| world.fill(buffer));
            let shares = seal::split(party, text.as_bytes(), *needed, *of, &dice)?;
            let folder = KeyFolder::new(out);
            for share in &shares {
                let name = format!("{party}-share-{}-of-{of}.json", share.number);
                folder.write(&name, &serde_json::to_vec_pretty(share)?)?;
            }
            println!(
                "{of} 枚の分割片を {0} に書きました。{needed} 枚で鍵が戻ります。一枚ずつ別の人に渡し、ここには残さないでください。\n\
                 {of} shares are in {0}; {needed} of them give the keys back. Give each to another person and leave none here.",
                out.display()
            );
            Ok(())
        }
        SharesAct::Combine { config, party, shares } => {
            let keys = keys_of(config, party)?;
            let shares: Vec<KeyShare> = shares
                .iter()
                .map(|path| {
                    let bytes =
                        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                    serde_json::from_slice(&bytes).with_context(|| {
                        format!("{0} は分割片ではありません。 / {0} is no share.", path.display())
                    })
                })
                .collect::<Result<_>>()?;
            let other = shares.iter().find(|share| share.of != *party);
            if let Some(share) = other {
                anyhow::bail!(
                    "分割片 {0} は {1} のものです。 / Share {0} is of {1}.",
                    share.number,
                    share.of
                );
            }
            let combined = seal::combine(&shares).context(
                "分割片から鍵を戻せません。何も変えていません。 / The shares do not give the keys back; nothing was changed",
            )?;
            for number in &combined.damaged {
                println!(
                    "分割片 {number} は壊れています。使いませんでした。 / Share {number} is damaged; it was not used."
                );
            }
            let text =
                std::str::from_utf8(&combined.secret).context("what the shares hold is no text of keys")?;
            let names = keys.put_back(text)?;
            println!(
                "鍵を戻しました / put back: {}\n証明書と内部の鍵は ceremony で作り直してください。 / The ceremony makes certificates and inner keys again.",
                names.join(", ")
            );
            Ok(())
        }
    }
}

fn keys_of(config: &std::path::Path, party: &str) -> Result<KeyFolder> {
    let file = ConfigFile::read(config)?;
    let section = file.sections.iter().find(|section| section.settings.id.as_str() == party);
    let section = section.with_context(|| {
        format!("設定に [{party}] がありません。 / The configuration has no party {party}.")
    })?;
    Ok(KeyFolder::new(section.settings.base.join(&section.settings.common.keys)))
}
