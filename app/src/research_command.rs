//! `musubi research`: what keepers, researchers and officers do at the room of research, from the terminal.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::research::{
    ASSENT, AskSet, Count, DOMAINS, DomainLine, END, EndSet, FINDINGS, FindingLine, HANDOVER, HowEnded,
    JUDGEMENT, Judge, Loaded, OpenDomain, PERSON, RELEASE, RELEASES, Reach, ReleaseLine, ReportFinding, SETS,
    STATISTICS, SetLine, StatisticsTable, TABLE, TABLES, TableLine,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use wire::{CallError, InnerClient};
use words::{ActId, DataDomain};

use crate::card_command::said::say;
use crate::config_file::ConfigFile;
use crate::desk;

/// What to do at the room of research. Each is done with a key of the room: keeper, researcher, officer, second-officer.
#[derive(clap::Subcommand, Debug)]
pub enum ResearchAct {
    /// The data domains, and what is spent of their budgets.
    Domains,
    /// Open a data domain (keeper; TOML: id, name, name_en, person, sensitive, k, l, minimum_cell, budget_milli_epsilon).
    Open {
        /// What holds for all releases from it.
        file: PathBuf,
    },
    /// Take in a domain's table in place of the one before (keeper; CSV, UTF-8, one row a person).
    Load {
        /// The domain.
        domain: DataDomain,
        /// The table.
        file: PathBuf,
    },
    /// Ask for a set (researcher; TOML, docs/research.md).
    Ask {
        /// What is asked for.
        file: PathBuf,
    },
    /// All sets: how they stand, what is due.
    Sets,
    /// What is due or overdue; ends with an error where something is overdue.
    Due,
    /// Judge a set (officer). Two different officers must approve it.
    Judge {
        /// The set.
        #[arg(allow_hyphen_values = true)]
        set: ActId,
        /// Do not approve it.
        #[arg(long)]
        decline: bool,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Whose key: officer or second-officer.
        #[arg(long = "as", value_name = "KEY", default_value = "officer")]
        officer: String,
    },
    /// Have an approved set made (keeper); where it cannot be, the least change is told.
    Release {
        /// The set.
        #[arg(allow_hyphen_values = true)]
        set: ActId,
    },
    /// Take a set over (researcher).
    TakeOver {
        /// The set.
        #[arg(allow_hyphen_values = true)]
        set: ActId,
        /// Where to write it (CSV).
        out: PathBuf,
    },
    /// Say that a set was returned or destroyed (researcher).
    End {
        /// The set.
        #[arg(allow_hyphen_values = true)]
        set: ActId,
        /// returned or destroyed.
        #[arg(long, value_enum)]
        how: How,
        /// By whom and how it was done.
        #[arg(long)]
        statement: String,
    },
    /// The ledger of a domain's releases.
    Ledger {
        /// The domain.
        domain: DataDomain,
    },
    /// Findings on their way to a person.
    Findings,
    /// Report a finding about the person of a number (researcher).
    Find {
        /// The set.
        #[arg(allow_hyphen_values = true)]
        set: ActId,
        /// The row's number.
        #[arg(allow_hyphen_values = true)]
        number: String,
        /// A file with what was found and why the person should know.
        file: PathBuf,
    },
    /// Assent that a finding reaches its person (officer). Two officers who approved the set must.
    Assent {
        /// The finding.
        #[arg(allow_hyphen_values = true)]
        finding: ActId,
        /// Whose key: officer or second-officer.
        #[arg(long = "as", value_name = "KEY", default_value = "officer")]
        officer: String,
    },
    /// Whom a finding is to reach (keeper).
    Person {
        /// The finding.
        #[arg(allow_hyphen_values = true)]
        finding: ActId,
    },
    /// Make a statistics table (researcher; TOML, docs/research.md).
    Count {
        /// What is counted.
        file: PathBuf,
        /// Where to write it (CSV); standard output where it is left out.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// How a set ended.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum How {
    /// Returned, no copy kept.
    Returned,
    /// All copies destroyed.
    Destroyed,
}

const WITHIN: Duration = Duration::from_secs(600);

/// A desk at the room under one of its keys.
pub struct ResearchDesk(InnerClient);

fn called<T>(result: Result<T, CallError>) -> Result<T> {
    result.map_err(|error| anyhow::anyhow!("{}", desk::in_words(&error)))
}

impl ResearchDesk {
    /// The desk of whoever holds the key.
    pub fn of(config: &ConfigFile, key: &str) -> Result<Self> {
        desk::client(config.section("research", None)?, key).map(Self)
    }

    /// The same under their certificate: see [`desk::certified`].
    ///
    /// # Errors
    /// As there.
    pub async fn certified(config: &ConfigFile, key: &str) -> Result<Self> {
        desk::certified(config.section("research", None)?, key).await.map(Self)
    }

    /// Gets what is at a path.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        called(self.0.get(path, WITHIN).await)
    }

    /// Posts a message.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, message: &impl Serialize) -> Result<T> {
        called(self.0.post(path, message, WITHIN).await)
    }

    /// Posts to the path of one act.
    pub async fn post_to<T: DeserializeOwned>(
        &self,
        path: &str,
        id: ActId,
        message: &impl Serialize,
    ) -> Result<T> {
        self.post(&path.replace("{id}", &id.to_string()), message).await
    }

    /// Takes in a table.
    pub async fn load(&self, domain: &DataDomain, csv: Vec<u8>) -> Result<Loaded> {
        let path = TABLE.replace("{domain}", domain.as_str());
        let bytes = called(self.0.post_media(&path, "text/csv", csv, WITHIN).await)?;
        serde_json::from_slice(&bytes).context("the room's answer")
    }

    /// Takes a set over.
    pub async fn take_over(&self, set: ActId) -> Result<Vec<u8>> {
        let path = HANDOVER.replace("{id}", &set.to_string());
        called(self.0.post_media(&path, "application/json", Vec::new(), WITHIN).await)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("cannot read {}; check the path and that you may read it", path.display())
    })?;
    toml::from_str(&text)
        .with_context(|| format!("{} is not what is expected here (docs/research.md)", path.display()))
}

fn told(set: &SetLine) {
    let [ja, en] = set.state.in_words();
    println!("{}  {}  {ja} / {en}", set.id, set.ask.domain);
    if let Some([ja, en]) = set.reminder() {
        println!("  ! {ja}\n  ! {en}");
    }
    if let Some([ja, en]) = set.least_change.as_ref().map(|least| least.in_words()) {
        println!("  → {ja}\n  → {en}");
    }
}

/// Runs the command.
pub async fn run(config: &Path, act: &ResearchAct) -> Result<()> {
    let file = ConfigFile::read(config)?;
    let config = &file;
    let at = async |key: &str| ResearchDesk::certified(config, key).await;
    match act {
        ResearchAct::Domains => {
            let domains: Vec<DomainLine> = at("keeper").await?.get(DOMAINS).await?;
            for DomainLine { domain, rows, people, releases, spent_milli_epsilon, columns } in domains {
                println!(
                    "{}  {} / {}  行 rows {rows}  人 people {people}  集合 releases {releases}  ε/1000 {spent_milli_epsilon} of {}  [{}]",
                    domain.id,
                    domain.name,
                    domain.name_en,
                    domain.budget_milli_epsilon,
                    columns.join(", ")
                );
            }
        }
        ResearchAct::Open { file } => {
            let opened: OpenDomain = at("keeper").await?.post(DOMAINS, &read::<OpenDomain>(file)?).await?;
            say(
                &format!("データ領域 {} を開きました", opened.id),
                &format!("the data domain {} is open", opened.id),
            );
        }
        ResearchAct::Load { domain, file } => {
            let csv = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let Loaded { rows, new_people } = at("keeper").await?.load(domain, csv).await?;
            say(
                &format!("{rows}行を取り込みました(新しい人 {new_people})"),
                &format!("{rows} rows taken in, {new_people} people are new"),
            );
        }
        ResearchAct::Ask { file } => {
            told(&at("researcher").await?.post::<SetLine>(SETS, &read::<AskSet>(file)?).await?);
        }
        ResearchAct::Sets => {
            at("researcher").await?.get::<Vec<SetLine>>(SETS).await?.iter().for_each(told);
        }
        ResearchAct::Due => return due(&at("researcher").await?).await,
        ResearchAct::Judge { set, decline, reason, officer } => {
            let judge = Judge { approves: !decline, reason: reason.clone() };
            told(&at(officer).await?.post_to::<SetLine>(JUDGEMENT, *set, &judge).await?);
        }
        ResearchAct::Release { set } => {
            told(&at("keeper").await?.post_to::<SetLine>(RELEASE, *set, &json!({})).await?);
        }
        ResearchAct::TakeOver { set, out } => {
            let csv = at("researcher").await?.take_over(*set).await?;
            std::fs::write(out, csv).with_context(|| format!("cannot write {}", out.display()))?;
            say(&format!("{} に書きました", out.display()), &format!("written to {}", out.display()));
        }
        ResearchAct::End { set, how, statement } => {
            let how = match how {
                How::Returned => HowEnded::Returned,
                How::Destroyed => HowEnded::Destroyed,
            };
            let ended = EndSet { how, statement: statement.clone() };
            told(&at("researcher").await?.post_to::<SetLine>(END, *set, &ended).await?);
        }
        ResearchAct::Ledger { domain } => {
            let path = RELEASES.replace("{domain}", domain.as_str());
            for line in at("keeper").await?.get::<Vec<ReleaseLine>>(&path).await? {
                let [ja, en] = line.in_words();
                println!(
                    "{:>4}  {}  人 people {}  最小の組 smallest joint class {}  基準に足りない人 below the bounds {}  {ja} / {en}",
                    line.number,
                    line.set,
                    line.people,
                    line.smallest_joint_class,
                    line.below_k + line.below_l
                );
            }
            let path = TABLES.replace("{domain}", domain.as_str());
            for TableLine { act, columns, milli_epsilon, release, .. } in
                at("keeper").await?.get::<Vec<TableLine>>(&path).await?
            {
                let noise =
                    milli_epsilon.map_or("セルキー cell keys".into(), |spent| format!("ε/1000 {spent}"));
                let number = release.map_or("–".into(), |number| number.to_string());
                println!("  統計表 table {act}  [{}]  {noise}  帳簿 ledger {number}", columns.join(", "));
            }
        }
        ResearchAct::Findings => {
            for line in at("officer").await?.get::<Vec<FindingLine>>(FINDINGS).await? {
                println!("{}  {}  {:?}  {}", line.id, line.domain, line.state, line.assents.join(", "));
            }
        }
        ResearchAct::Find { set, number, file } => {
            let finding =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let report = ReportFinding { set: *set, number: number.clone(), finding };
            let line: FindingLine = at("researcher").await?.post(FINDINGS, &report).await?;
            println!("{}  {:?}", line.id, line.state);
        }
        ResearchAct::Assent { finding, officer } => {
            let line: FindingLine = at(officer).await?.post_to(ASSENT, *finding, &json!({})).await?;
            println!("{}  {:?}  {}", line.id, line.state, line.assents.join(", "));
        }
        ResearchAct::Person { finding } => {
            let Reach { person, finding } = at("keeper").await?.post_to(PERSON, *finding, &json!({})).await?;
            println!("{person}\n{finding}");
        }
        ResearchAct::Count { file, out } => {
            let table: StatisticsTable =
                at("researcher").await?.post(STATISTICS, &read::<Count>(file)?).await?;
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(table.columns.iter().map(String::as_str).chain(["count"]))?;
            for cell in &table.cells {
                let count = cell.count.to_string();
                writer.write_record(cell.labels.iter().map(String::as_str).chain([count.as_str()]))?;
            }
            let csv = writer.into_inner().context("writing the table")?;
            if table.left_out > 0 {
                let gone = table.left_out;
                eprintln!(
                    "{gone}行はどのセルにも数えていません(ほかの集合や表と合わせると特定のおそれ) / {gone} rows are counted in no cell: beside the domain's releases they could be told apart"
                );
            }
            match out {
                Some(out) => {
                    std::fs::write(out, csv).with_context(|| format!("cannot write {}", out.display()))?
                }
                None => print!("{}", String::from_utf8_lossy(&csv)),
            }
        }
    }
    Ok(())
}

async fn due(desk: &ResearchDesk) -> Result<()> {
    let sets: Vec<SetLine> = desk.get(SETS).await?;
    sets.iter().filter(|set| set.reminder().is_some()).for_each(told);
    let overdue = sets.iter().filter(|set| set.days_left.is_some_and(|left| left < 0)).count();
    if overdue > 0 {
        bail!("{overdue}件が期限を過ぎています / {overdue} set(s) overdue");
    }
    Ok(())
}
