//! `musubi rotate`: an institution's codes are replaced while inquiries go on.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use protocol::rotation::{ROTATIONS, Rotate, Rotation};
use words::PartyId;

use crate::config_file::ConfigFile;
use crate::desk;

/// What `musubi rotate` takes.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Whose codes.
    #[arg(long, value_name = "ID")]
    pub institution: String,
    /// For how many seconds after the switch the old codes are still taken.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(0..=86_400), value_name = "SECONDS")]
    pub grace: u32,
}

/// Longer than linkage itself waits for the institution.
const WITHIN: Duration = Duration::from_secs(90);

/// Opens the rotation, goes on with it until every code is taken over, and returns when it has switched. `told` hears
/// how far it is.
pub async fn rotate(args: &RotateArgs, mut told: impl FnMut(&Rotation)) -> Result<Rotation> {
    let file = ConfigFile::read(&args.config)?;
    let operator = desk::certified(file.section("linkage", None)?, "operator").await?;
    let party = PartyId::parse(&args.institution)?;
    let ask = Rotate { party, grace_ms: Some(args.grace * 1000) };
    let mut before = u32::MAX;
    loop {
        let far: Rotation = match operator.post(ROTATIONS, &ask, WITHIN).await {
            Ok(far) => far,
            Err(error) => bail!("{}", desk::in_words(&error)),
        };
        told(&far);
        if far.old_until.is_some() {
            return Ok(far);
        }
        if far.left >= before {
            bail!(
                "残りの {} 件が進みません。機関のゲートウェイの記録を確かめてください。今までの符号は有効なままです。\n\
                 {} codes are not taken over; look at the institution's gateway. The old codes go on being taken.",
                far.left,
                far.left
            );
        }
        before = far.left;
    }
}

/// Runs `musubi rotate`.
pub async fn run(args: &RotateArgs) -> Result<()> {
    let far = rotate(args, |far| {
        println!(
            "{}: 世代 {} の符号 {} 件を受け取りました(残り {} 件) / {} codes of epoch {} taken over, {} left",
            far.party, far.epoch.0, far.taken, far.left, far.taken, far.epoch.0, far.left
        );
    })
    .await?;
    println!(
        "{}: 世代 {} に切り替えました。古い符号はあと {} 秒有効です / switched to epoch {}; old codes are taken for {} s more",
        far.party, far.epoch.0, args.grace, far.epoch.0, args.grace
    );
    Ok(())
}
