//! `musubi sign-in`: signing in at the portal with the card's authentication certificate. The text is signed by whatever has the
//! key, such as `musubi card auth`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use protocol::desk::SignIn;
use protocol::own::{AskMyRecords, PERSON_SIGN_INS};
use protocol::sign_in::{ASSERTIONS, AskAssertion, Asserted, sign_in_text};
use words::{ActId, B64, Moment};
use world::World;

use crate::config_file::ConfigFile;
use crate::desk;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum SignInAct {
    /// Write the text that the card is to sign, within two minutes.
    Begin(BeginArgs),
    /// Show certificate and signature to the authority, and its word to the portal: an address that lets in once.
    Finish(FinishArgs),
}

/// What `musubi sign-in begin` takes.
#[derive(Args, Debug)]
pub struct BeginArgs {
    /// Where the text goes.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What `musubi sign-in finish` takes.
#[derive(Args, Debug)]
pub struct FinishArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The text that was signed.
    #[arg(long, value_name = "FILE")]
    pub text: PathBuf,
    /// The signature: RSASSA-PKCS1-v1_5 with SHA-256.
    #[arg(long, value_name = "FILE")]
    pub signature: PathBuf,
    /// The authentication certificate, DER.
    #[arg(long, value_name = "FILE")]
    pub certificate: PathBuf,
}

/// Does it.
///
/// # Errors
/// What went wrong and what to do.
pub async fn run(act: &SignInAct) -> Result<()> {
    match act {
        SignInAct::Begin(args) => {
            let world = World::real();
            let text = sign_in_text(&ActId::new(world.random()), Moment(world.now()));
            std::fs::write(&args.out, text)
                .with_context(|| format!("cannot write {}", args.out.display()))?;
            println!(
                "{0} に書きました。二分以内にカードで署名し(musubi card auth --file {0} --out SIGNATURE --certificate CERTIFICATE)、musubi sign-in finish に渡してください。\n\
                 Written to {0}. Have the card sign it within two minutes, then give text, signature and certificate to `musubi sign-in finish`.",
                args.out.display()
            );
        }
        SignInAct::Finish(args) => println!("{}", finish(args).await?),
    }
    Ok(())
}

/// The address that lets a browser in.
///
/// # Errors
/// If a file cannot be read, or one of the rooms refuses.
pub async fn finish(args: &FinishArgs) -> Result<String> {
    let read = |path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("{0} を読めません。 / Cannot read {0}.", path.display()))
    };
    let text = String::from_utf8(read(&args.text)?).unwrap_or_default();
    let mut lines = text.lines().skip(1);
    let id = lines.next().and_then(|line| ActId::parse(line).ok());
    let at = lines.next().and_then(|line| line.parse().ok()).map(Moment);
    let (Some(id), Some(at)) = (id, at) else {
        bail!(
            "{0} は musubi sign-in begin の文ではありません。 / {0} is no text of `musubi sign-in begin`.",
            args.text.display()
        );
    };
    let certificate = B64::from(read(&args.certificate)?);
    let ask = AskAssertion { id, at, certificate, signature: B64::from(read(&args.signature)?) };
    let file = ConfigFile::read(&args.config)?;
    let within = Duration::from_secs(20);
    let authority = desk::certified(file.section("authority", None)?, "operator").await?;
    let asserted = authority.post::<Asserted>(ASSERTIONS, &ask, within).await;
    let Asserted { assertion, look } =
        asserted.map_err(|error| anyhow::anyhow!("{}", desk::in_words(&error)))?;
    let portal = desk::certified(file.section("portal", None)?, "operator").await?;
    let ask = AskMyRecords { assertion, look };
    let sign_in = portal.post::<SignIn>(PERSON_SIGN_INS, &ask, within).await;
    Ok(sign_in.map_err(|error| anyhow::anyhow!("{}", desk::in_words(&error)))?.url)
}
