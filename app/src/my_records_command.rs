//! `musubi my-records`: who asked what about me, in plain sentences, each with its proof checked.

use std::path::PathBuf;

use anyhow::Result;
pub use portal::telling::{Checked, Told, tell};
use protocol::directory::Directory;

use crate::picker;

/// What `musubi my-records` takes.
#[derive(Debug, clap::Args)]
pub struct MyRecordsArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Who looks: the register's own key of the person's entry, e.g. 0000017 in a demo. A demo assertion is signed for
    /// the person; real countries will ask for a card.
    #[arg(long, value_name = "ENTRY")]
    pub person: String,
    /// Write what was found as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn run(args: &MyRecordsArgs) -> Result<()> {
    let (directory, records) = picker::my_records(&args.config, &args.person).await?;
    let told: Vec<Told> = records.acts.iter().map(|act| tell(act, &directory)).collect();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        println!(
            "あなたについての記録は {} 件です。 / There are {} records about you.\n",
            told.len(),
            told.len()
        );
        for one in &told {
            println!("{}\n{}\n  {}\n", one.ja, one.en, proof_in_words(&one.checked, &directory));
        }
    }
    if told.iter().any(|one| one.checked == Checked::Broken) {
        anyhow::bail!(
            "証明が成り立たない記録があります。第三者機関に知らせてください。\n\
             The proof of a record does not hold. Tell the third-party body."
        );
    }
    Ok(())
}

fn proof_in_words(checked: &Checked, directory: &Directory) -> String {
    match checked {
        Checked::Holds { witnessed_by } => {
            let (mut ja, mut en) = (Vec::new(), Vec::new());
            for origin in witnessed_by {
                let party = protocol::ledger::party_of(origin);
                if let Some(entry) = party.and_then(|party| directory.entry(&party)) {
                    ja.push(entry.name.clone());
                    en.push(entry.name_en.clone());
                }
            }
            format!(
                "証明: 確認しました(立会い: {}) / Proof: holds (witnessed by {})",
                ja.join("、"),
                en.join(", ")
            )
        }
        Checked::NotYet => "証明: まだ立会いがありません。少し後でもう一度見てください / Proof: not witnessed yet; look again shortly".into(),
        Checked::Broken => "証明: 成り立ちません / Proof: DOES NOT HOLD".into(),
    }
}
