//! `musubi my-information`: what an institution holds about me, as it holds it.

use std::path::PathBuf;

use anyhow::{Result, bail};
use pages::{Language, content_in_words, in_japan};
use words::{ActId, ItemId, PartyId};

use crate::{desk, picker};

/// What `musubi my-information` takes.
#[derive(Debug, clap::Args)]
pub struct MyInformationArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Who looks: the register's own key of the person's entry. A demo assertion is signed for the person.
    #[arg(long, value_name = "ENTRY")]
    pub person: String,
    /// The institution, e.g. tax.
    #[arg(long, value_name = "PARTY")]
    pub institution: PartyId,
    /// The item, e.g. income.
    #[arg(long, value_name = "ITEM")]
    pub item: ItemId,
    /// The act that was told to wait, to see whether its answer is there.
    #[arg(long, value_name = "ACT")]
    pub follows: Option<ActId>,
    /// Write what was found as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn run(args: &MyInformationArgs) -> Result<()> {
    let MyInformationArgs { config, person, institution, item, follows, json } = args;
    let found = match picker::my_information(config, person, institution, item, *follows).await? {
        Ok(found) => found,
        Err(error) => bail!("{}", desk::in_words(&error)),
    };
    if *json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    if let Some(content) = &found.content {
        let (ja, en) = (
            content_in_words(content.get(), Language::Japanese),
            content_in_words(content.get(), Language::English),
        );
        for ((name, value), (name_en, value_en)) in ja.into_iter().zip(en) {
            println!("{name}: {value} / {name_en}: {value_en}");
        }
    }
    if let Some(at) = found.as_of {
        let (ja, en) = (in_japan(at, Language::Japanese), in_japan(at, Language::English));
        println!("写した時点: {ja} / from a copy taken {en}");
    }
    if let Some(until) = found.until {
        let (ja, en) = (in_japan(until, Language::Japanese), in_japan(until, Language::English));
        println!(
            "職員が確かめてから答えます。期限: {ja}。あとで --follows {act} で確かめてください。\n\
             A clerk there looks first, by {en}. See later with --follows {act}.",
            act = found.act
        );
    }
    println!("記録番号 / act {}", found.act);
    Ok(())
}
