//! The terminal as a clerk's or an officer's desk: commands that call a room's inner side with a key of that room.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use house::{KeptCertificate, NewKey};
use protocol::country::Country;
use protocol::desk::{Ask, INQUIRIES, Told, Waiting};
use protocol::directory::{OPERATOR_CERTIFICATES, OrderPartyCertificate};
use protocol::oversight::{ChangeStanding, Changed};
use rules::Standing;
use seal::KeyFolder;
use serde_json::value::RawValue;
use wire::{CallError, InnerClient, InnerKey, TlsIdentity};
use words::{ActId, AffairId, ItemId, Moment, PartyId, Reason};

use crate::config_file::{ConfigFile, Section};

/// A client to a room's inner side under one of its keys.
pub fn client(section: &Section, key: &str) -> Result<InnerClient> {
    let common = &section.settings.common;
    let path = section.settings.base.join(&common.keys).join(format!("{key}.key"));
    let key = InnerKey::read(&path).with_context(|| format!("cannot read the key {}", path.display()))?;
    Ok(InnerClient::new(common.inner, &key))
}

/// The same under a certificate of the key's holder, which lies beside the key and is renewed with a new one when two thirds of its
/// day are over. Where none can be had, the client shows what there is: the certificate before, or the key.
///
/// # Errors
/// If the key cannot be read, or what is kept cannot be used.
pub async fn certified(section: &Section, name: &str) -> Result<InnerClient> {
    let (settings, common) = (&section.settings, &section.settings.common);
    let keys = KeyFolder::new(settings.base.join(&common.keys));
    let file = format!("{name}.certificate.json");
    let country = settings.base.join(&common.country);
    let read = || -> Result<Country> { Ok(serde_json::from_slice(&std::fs::read(&country)?)?) };
    let country = read().with_context(|| format!("{} is not a trust anchor", country.display()))?;
    let root = country.root_certificate.as_bytes();
    let under = |kept: &KeptCertificate| -> Result<InnerClient> {
        let identity = kept.show(|chain, key| TlsIdentity::from_der(chain, key, root))?;
        Ok(InnerClient::certified(common.inner, &settings.id, &identity)?)
    };
    let world = settings.world();
    let now = Moment(world.now());
    let kept = KeptCertificate::read(&keys, &file, now);
    let present = match &kept {
        Some(kept) => under(kept)?,
        None => client(section, name)?,
    };
    if kept.is_some_and(|kept| !kept.is_late(now)) {
        return Ok(present);
    }
    let renewed = async {
        let key = NewKey::generate()?;
        let order = OrderPartyCertificate { id: ActId::new(world.random()), request: key.request().clone() };
        let given = present.post(OPERATOR_CERTIFICATES, &order, Duration::from_secs(15)).await;
        let kept = key.with(given.map_err(|error| error.reason())?)?;
        kept.write(&keys, &file)?;
        Ok::<_, Reason>(kept)
    };
    match renewed.await {
        Ok(kept) => under(&kept),
        Err(reason) => {
            tracing::warn!(party = %settings.id, name, %reason, "no new certificate; what there is is shown");
            Ok(present)
        }
    }
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
    #[arg(long, required_unless_present = "file")]
    pub customer: Option<String>,
    /// For which affair, e.g. child-allowance.
    #[arg(long, required_unless_present = "file")]
    pub affair: Option<String>,
    /// For which item, e.g. income.
    #[arg(long, required_unless_present = "file")]
    pub item: Option<String>,
    /// From whom, e.g. tax.
    #[arg(long, required_unless_present = "file")]
    pub provider: Option<String>,
    /// Many at once: CSV with the columns customer, affair, item, provider. The same file again goes on where it stopped.
    #[arg(long, value_name = "CSV", conflicts_with_all = ["customer", "affair", "item", "provider"])]
    pub file: Option<std::path::PathBuf>,
    /// Where to write what came of each row; beside the file, as `….result.csv`, where it is left out.
    #[arg(long, value_name = "CSV", requires = "file")]
    pub out: Option<std::path::PathBuf>,
    /// Send a file that was sent before as new inquiries; the word tells this sending from others, e.g. the month.
    #[arg(long, value_name = "WORD", requires = "file")]
    pub anew: Option<String>,
}

/// Asks as a clerk; prints the content as JSON, or why there is none.
pub async fn inquire(args: &InquireArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let section = file.section("gateway", args.institution.as_deref())?;
    if let Some(rows) = &args.file {
        return crate::batch_command::run(section, rows, args.out.as_deref(), args.anew.as_deref()).await;
    }
    let given = |value: &Option<String>, name: &str| {
        value.clone().with_context(|| format!("--{name} is needed, or --file for many"))
    };
    let ask = Ask {
        id: None,
        customer: given(&args.customer, "customer")?,
        affair: AffairId::parse(&given(&args.affair, "affair")?)?,
        item: ItemId::parse(&given(&args.item, "item")?)?,
        provider: PartyId::parse(&given(&args.provider, "provider")?)?,
    };
    let client = certified(section, "clerk").await?;
    let spoken = client.post::<Box<RawValue>>(INQUIRIES, &ask, Duration::from_secs(20)).await;
    let spoken = spoken.map_err(|error| anyhow::anyhow!("{}", in_words(&error)))?;
    if let Ok(told) = serde_json::from_str::<Told>(spoken.get()) {
        println!("{}", told.content.get());
        eprintln!("act {}", told.id);
        return Ok(());
    }
    let waiting: Waiting = serde_json::from_str(spoken.get()).context("the gateway's answer")?;
    println!(
        "相手の機関の職員が確認します。回答の期限: {0}\nA clerk of the provider will look at it; an answer is due by {0}.",
        waiting.until.date_in_japan()
    );
    eprintln!("act {} → GET {INQUIRIES}/{}", waiting.id, waiting.id);
    Ok(())
}

/// Changes an institution's standing as an officer.
pub async fn change_standing(config: &Path, party: &str, standing: Standing, reason: &str) -> Result<i64> {
    let file = ConfigFile::read(config)?;
    let section = file.section("oversight", None)?;
    let party = PartyId::parse(party)?;
    let message = ChangeStanding { standing, reason: reason.to_owned() };
    let path = format!("/accreditations/{party}");
    let officer = certified(section, "officer").await?;
    match officer.post::<Changed>(&path, &message, Duration::from_secs(10)).await {
        Ok(changed) => Ok(changed.version),
        Err(error) => bail!("{}", in_words(&error)),
    }
}
