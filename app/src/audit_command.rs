//! `musubi audit`: what the third-party body's officers do with records.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::audit::{FindingKind, RECONCILIATIONS, Reconcile, Reconciliation};
use protocol::proof::{Proved, Target};
use words::{ActId, Date, Moment};

use crate::config_file::ConfigFile;
use crate::desk;

/// What `musubi audit` does.
#[derive(Debug, clap::Subcommand)]
pub enum AuditAct {
    /// Collect every room's records, hold them against their ledgers, join the sides of each act, name what is wrong.
    Reconcile(ReconcileArgs),
    /// Have both transcryptors prove their conversions of one act of the last 24 hours.
    Prove(ProveArgs),
}

/// What `musubi audit prove` takes.
#[derive(Debug, clap::Args)]
pub struct ProveArgs {
    /// The act; of an issue, a row's.
    #[arg(allow_hyphen_values = true)]
    pub id: String,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// What `musubi audit reconcile` takes.
#[derive(Debug, clap::Args)]
pub struct ReconcileArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// From which day on (Japan), YYYY-MM-DD; from the beginning if left out.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Up to which day, that day included; up to now if left out.
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Write the report as JSON.
    #[arg(long)]
    pub json: bool,
}

fn day(text: Option<&str>, plus: i64) -> Result<Option<Moment>> {
    let Some(text) = text else { return Ok(None) };
    let date = Date::parse(text).with_context(|| format!("{text} is no date (YYYY-MM-DD)"))?;
    Ok(Some(Moment((date.days() + plus) * 86_400_000 - 9 * 3_600_000)))
}

/// Runs `musubi audit`.
pub async fn run(act: &AuditAct) -> Result<()> {
    match act {
        AuditAct::Reconcile(args) => reconcile(args).await,
        AuditAct::Prove(args) => prove(args).await,
    }
}

async fn prove(args: &ProveArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let officer = desk::certified(file.section("oversight", None)?, "officer").await?;
    let act = ActId::parse(&args.id)?;
    let path = format!("/proofs/{act}");
    let proved: Vec<Proved> = match officer.post(&path, &serde_json::json!({}), Duration::from_secs(30)).await
    {
        Ok(proved) => proved,
        Err(error) => bail!("{}", desk::in_words(&error)),
    };
    for one in &proved {
        let (target_ja, target_en) = match one.target {
            Target::To => ("提供先への変換", "towards the receiver"),
            Target::Index => ("本人の索引への変換", "towards the person's index"),
        };
        let (ja, en) = match one.why {
            None => ("証明されました", "proved"),
            Some(reason) => (reason.in_japanese(), reason.in_english()),
        };
        println!("{} {target_ja}: {ja} / {target_en}: {en}", one.party);
    }
    if proved.iter().any(|one| !one.holds) {
        bail!("証明されない変換があります。 / A conversion was not proved.");
    }
    Ok(())
}

async fn reconcile(args: &ReconcileArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let officer = desk::certified(file.section("oversight", None)?, "officer").await?;
    let over = Reconcile { from: day(args.from.as_deref(), 0)?, to: day(args.to.as_deref(), 1)? };
    let report: Reconciliation = match officer.post(RECONCILIATIONS, &over, Duration::from_secs(3600)).await {
        Ok(report) => report,
        Err(error) => bail!("{}", desk::in_words(&error)),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        show(&report);
    }
    let away = report.ledgers.iter().any(|ledger| ledger.verified.is_none());
    match (report.findings.is_empty(), away) {
        (true, false) => Ok(()),
        (true, true) => {
            bail!("回答しない機関がありました。 / Some rooms could not be reached; run it again.")
        }
        (false, _) => {
            bail!("{} 件の指摘があります。 / {} findings.", report.findings.len(), report.findings.len())
        }
    }
}

fn show(report: &Reconciliation) {
    println!("記録簿 / Ledgers");
    for ledger in &report.ledgers {
        let state = match ledger.verified {
            Some(true) => "一致 / verified",
            Some(false) => "不一致 / NOT VERIFIED",
            None => "応答なし / not reached",
        };
        let party = ledger.party.to_string();
        println!("  {party:<12} {:>9} entries {:>9} records  {state}", ledger.size, ledger.records);
    }
    println!(
        "行為 / Acts: {} (一致 / agreed {}, 判断できず / not judged {})",
        report.acts, report.agreed, report.not_judged
    );
    for finding in &report.findings {
        let act = finding.act.map(|act| format!(" act {act}")).unwrap_or_default();
        let (ja, en) = in_words(finding.kind);
        println!("  {ja} / {en}: {} ({}){act}", finding.party, finding.detail);
    }
}

/// A finding in words.
pub const fn in_words(kind: FindingKind) -> (&'static str, &'static str) {
    match kind {
        FindingKind::MissingSide => ("記録が欠けています", "a side has no record"),
        FindingKind::Differs => ("記録が食い違っています", "sides differ"),
        FindingKind::AnsweredWithoutDecision => ("判断なしに回答しています", "answered without a decision"),
        FindingKind::NotIndexed => ("本人の索引にありません", "not in the person's index"),
        FindingKind::IndexedWithoutAct => ("行為のない索引があります", "an index entry without an act"),
        FindingKind::UnknownIndexEntry => ("だれのものでもない索引があります", "an index entry of nobody"),
        FindingKind::DishonestConversion => {
            ("符号の変換が正しいと示されていません", "a conversion was not shown to be right")
        }
        FindingKind::RecordNotInLedger => ("記録簿と合わない記録があります", "a record is not the ledger's"),
        FindingKind::LedgerBroken => ("記録簿が署名と合いません", "the ledger is not what it signs"),
        FindingKind::LedgerConflict => ("記録簿に二つの履歴があります", "the ledger has two histories"),
        FindingKind::LedgerSilent => ("記録簿が示されていません", "the ledger is not shown any more"),
        FindingKind::ClockBack => ("時計が戻っています", "the clock went back"),
        FindingKind::SetOverdue => {
            ("研究用の集合が期限までに返っていません", "a set for research is not back in time")
        }
    }
}
