//! `musubi attack steal`: what a thief can link who has taken the files and keys of one room, or of two.
//!
//! The attack uses nothing but the stolen folders and what everybody knows (`country.json`, the code of Musubi). The demo's
//! truth is read by the judge alone (`judge`), after the claims are made.

pub(crate) mod factors;
mod judge;
mod loot;
mod techniques;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::config_file::ConfigFile;
use judge::Judge;
use loot::Loot;

/// Files and keys of rooms of a demo's country, stolen: who can be linked with them.
#[derive(Debug, clap::Args)]
pub struct StealArgs {
    /// The demo's folder, after a run with `--once` (SQLite).
    #[arg(long, default_value = "demo-run", value_name = "DIR")]
    pub data: PathBuf,
    /// The figures as JSON.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
}

/// What one set of stolen rooms gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The rooms.
    pub stolen: Vec<String>,
    /// People whose customer numbers at two institutions were tied, right, and who are the subject of no act between the
    /// two: what must be 0.
    pub linked: usize,
    /// Who has a code at both and is the subject of no act between the two: who could be linked at most.
    pub possible: usize,
    /// How, by technique: people linked.
    pub how: BTreeMap<String, usize>,
    /// People tied who are the subject of an act between the two: the act itself ties them.
    pub by_act: usize,
    /// People whose name and birth date stand at both: no system escapes it.
    pub by_name_and_birth: usize,
    /// Customer numbers found at rooms that are not that customer's institution.
    pub foreign_numbers: usize,
    /// People without a number or name of whom it is known that acts or rows at two institutions are theirs.
    pub unnamed_at_two: usize,
    /// The portal's codes, or the rows of issues, whose customer number or register entry was found.
    pub unnamed_named: usize,
    /// Codes of the registry's people that were tied to a register entry, of institutions.
    pub codes_named: usize,
    /// Claims that techniques made and that hold no better than chance: made, right, right by chance.
    pub by_chance: BTreeMap<&'static str, Chance>,
    /// Sealed values that did not open with the stolen keys.
    pub unopened: usize,
}

/// Claims of a technique that guesses, over all pairs of institutions of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Chance {
    /// Claims made.
    pub claims: usize,
    /// Those that are right.
    pub right: usize,
    /// How many would be right by chance.
    pub expected: f64,
}

/// Everything the attack found.
#[derive(Debug, Serialize)]
pub struct Stolen {
    /// Each room alone.
    pub alone: Vec<Outcome>,
    /// Each two together.
    pub pairs: Vec<Outcome>,
    /// More than two, where both transcryptors are among them.
    pub more: Vec<Outcome>,
    /// People the registry knows by name, of whom it knows at which two institutions or more they are customers. It must:
    /// it matched them.
    pub registry_knows_at_two: usize,
    /// Codes of the portal with two acts or more: which acts are of one unnamed person. It must: it is the index.
    pub portal_knows_acts_of_one: usize,
}

/// Runs the command.
pub async fn run(args: &StealArgs) -> Result<()> {
    let found = steal(&args.data).await?;
    print(&found);
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&found)?)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Steals from a demo's folder.
pub async fn steal(data: &std::path::Path) -> Result<Stolen> {
    let config = data.join("musubi.toml");
    ensure!(
        data.join("truth.json").is_file() && config.is_file(),
        "{} is not a demo's folder: make one with `musubi demo --once --data {}`",
        data.display(),
        data.display()
    );
    let file = ConfigFile::read(&config)?;
    let services = loot::own_services(data).await?;
    let mut all = Vec::new();
    for section in &file.sections {
        all.push(Loot::take(section).await.with_context(|| format!("stealing {}", section.settings.id))?);
    }
    drop(services);
    let judge = Judge::new(data, &all)?;
    let of = |set: &[&Loot]| judge.outcome(set, techniques::attack(set));
    let mut found = Stolen {
        alone: all.iter().map(|one| of(&[one])).collect(),
        pairs: Vec::new(),
        more: Vec::new(),
        registry_knows_at_two: judge.registry_knows_at_two(&all),
        portal_knows_acts_of_one: judge.portal_knows_acts_of_one(&all),
    };
    for (at, one) in all.iter().enumerate() {
        found.pairs.extend(all.iter().skip(at + 1).map(|other| of(&[one, other])));
    }
    let named = |id: &str| all.iter().find(|one| one.id == id);
    let mut gateways: Vec<&Loot> = all.iter().filter(|one| one.is_institution()).collect();
    gateways.sort_by_key(|one| std::cmp::Reverse(one.customers.len()));
    if let (Some(linkage), Some(trustee), Some(registry), [a, b, ..]) =
        (named("linkage"), named("trustee"), named("registry"), gateways.as_slice())
    {
        found.more = vec![
            of(&[linkage, a, b]),
            of(&[trustee, a, b]),
            of(&[linkage, trustee, a]),
            of(&[linkage, trustee, registry]),
            of(&[linkage, trustee, a, b]),
        ];
    }
    Ok(found)
}

fn print(found: &Stolen) {
    println!(
        "盗んだもの / stolen: 結べた人 / linked, うち最大 / of at most, 行為で / by an act, 氏名と生年月日で / by name and birth date, \
         他機関の番号 / foreign numbers, 名なしで二機関 / unnamed at two, 名の付いた仮の番号 / unnamed who were named, 名の付いた符号 / codes that were named"
    );
    let line = |one: &Outcome| {
        let how: Vec<String> = one.how.iter().map(|(how, many)| format!("{how} {many}")).collect();
        println!(
            "{:<44} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}  {}",
            one.stolen.join(" + "),
            one.linked,
            one.possible,
            one.by_act,
            one.by_name_and_birth,
            one.foreign_numbers,
            one.unnamed_at_two,
            one.unnamed_named,
            one.codes_named,
            how.join(", ")
        );
    };
    found.alone.iter().for_each(line);
    found.pairs.iter().for_each(line);
    found.more.iter().for_each(line);
    println!(
        "台帳(registry)は自ら照合したので、二機関以上の顧客である{}人を知っている。 / The registry matched people itself: of {} it \
         knows at which institutions they are customers.\n\
         ポータルは索引なので、{}個の符号について、どの行為が同じ人のものかを知っている(誰か、どこの間かは知らない)。 / The portal is the \
         index: of {} codes it knows which acts are one person's, not whose, nor between whom.",
        found.registry_knows_at_two,
        found.registry_knows_at_two,
        found.portal_knows_acts_of_one,
        found.portal_knows_acts_of_one
    );
    println!(
        "linkage と trustee の両方を盗めば、二十四時間の変換を開き、行が同じ人かどうかを知る。機関の控えも合わせれば全員を結べる。 / Who \
         has linkage and trustee opens the conversions of the last 24 hours and knows which rows are one person's; with the \
         institutions' own databases as well, links everybody."
    );
}
