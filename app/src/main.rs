//! `musubi`: one binary, every room.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use musubi::attack::{self, StealArgs};
use musubi::audit_command::{self, AuditAct};
use musubi::backup_command::{self, BackupArgs, BackupKeyArgs, RestoreArgs};
use musubi::card_command::{self, CardAct};
use musubi::config_file::{self, ConfigFile};
use musubi::demo_run::{self, DemoArgs};
use musubi::desk::{self, InquireArgs};
use musubi::keeping_command::{self, EraseArgs, ReplayArgs};
use musubi::my_information_command::{self, MyInformationArgs};
use musubi::my_records_command::{self, MyRecordsArgs};
use musubi::openapi_command::{self, OpenapiArgs};
use musubi::research_command::{self, ResearchAct};
use musubi::root_ceremony::{self, RootArgs, VerifyArgs};
use musubi::rotate_command::{self, RotateArgs};
use musubi::schemes_command::{self, SchemesArgs};
use musubi::shares_command::{self, SharesAct};
use musubi::sign_in_command::{self, SignInAct};
use musubi::verify_log::{self, VerifyLogArgs};
use musubi::whitelist_command::{self, ImportArgs};
use musubi::{AnonymiseArgs, MatchAct, MatchCommand, ReleasesArgs, ceremony, review_desk, rooms};
use rules::{Row, Standing};
use world::World;

/// Musubi (結び): organisations that know the same person under different numbers answer one another's lawful
/// questions, and nobody can gather the person's life in one place.
#[derive(Parser)]
#[command(name = "musubi", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build a small country in a folder, run it, ask and answer, report.
    Demo(DemoArgs),
    /// Make and certify every party's keys, deal the link codes' key, publish the whitelist; or, before that and off-line, make
    /// the country's root.
    Ceremony {
        #[command(subcommand)]
        act: Option<CeremonyAct>,
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// A share of the root's key, as often as are needed; without, the key is a file in the folder `ceremony`.
        #[arg(long, value_name = "FILE", requires = "root_transcript")]
        root_share: Vec<PathBuf>,
        /// The transcript of the root's ceremony, whose certificate the country gets.
        #[arg(long, value_name = "FILE", requires = "root_share")]
        root_transcript: Option<PathBuf>,
        /// Rows of the whitelist to publish (JSON), with --version.
        #[arg(long, value_name = "FILE")]
        whitelist: Option<PathBuf>,
        /// The whitelist's version.
        #[arg(long, default_value_t = 1)]
        list_version: u32,
    },
    /// Run linkage.
    Linkage(RoomArgs),
    /// Run the trustee.
    Trustee(RoomArgs),
    /// Run the registry.
    Registry(RoomArgs),
    /// Run the authority.
    Authority(RoomArgs),
    /// Run the portal.
    Portal(RoomArgs),
    /// Run an institution's gateway.
    Gateway(RoomArgs),
    /// Run oversight, or act as its officer.
    Oversight {
        #[command(subcommand)]
        act: Option<OfficerAct>,
        /// The configuration file.
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        /// As for the other rooms.
        #[arg(long, hide = true)]
        until_stdin_closes: bool,
    },
    /// Run the room of research, or act there as keeper, researcher or officer.
    Research {
        #[command(subcommand)]
        act: Option<Box<ResearchAct>>,
        /// The configuration file.
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        /// As for the other rooms.
        #[arg(long, hide = true)]
        until_stdin_closes: bool,
    },
    /// Ask as a clerk of an institution.
    Inquire(InquireArgs),
    /// Who asked what about me: my own records, each with its proof checked.
    MyRecords(MyRecordsArgs),
    /// Sign in at the portal with the card's authentication certificate.
    SignIn {
        /// What to do.
        #[command(subcommand)]
        act: SignInAct,
    },
    /// What an institution holds about me.
    MyInformation(MyInformationArgs),
    /// Hold the records of all rooms against one another, as an officer of oversight.
    Audit {
        #[command(subcommand)]
        act: AuditAct,
    },
    /// Erase records that have come to the end of their period, at one party or at all.
    Erase(EraseArgs),
    /// Make the key to which an operator's backups are sealed.
    BackupKey(BackupKeyArgs),
    /// Copy a room's database, while it runs, into a file sealed to the operator's key.
    Backup(BackupArgs),
    /// Put a backup back.
    Restore(RestoreArgs),
    /// A party's irreplaceable keys as shares.
    Shares {
        #[command(subcommand)]
        act: SharesAct,
    },
    /// Compare the five published schemes of link codes and the blind one: measured, and attacked.
    Schemes(SchemesArgs),
    /// Replace an institution's link codes while inquiries go on, as linkage's operator.
    Rotate(RotateArgs),
    /// Decide a past act again, under the law of its day.
    Replay(ReplayArgs),
    /// Verify a ledger from outside: signatures, witnesses, entries, and that it goes on from what it was.
    VerifyLog(VerifyLogArgs),
    /// Say what is wrong with a configuration file, and where.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// Write each room's OpenAPI document.
    Openapi(OpenapiArgs),
    /// Work on whitelists.
    Whitelist {
        #[command(subcommand)]
        act: WhitelistAct,
    },
    /// Match customers of institutions against the resident register (CSV in, CSV out); decide what is in doubt.
    Match(Box<MatchCommand>),
    /// Make a table safe to hand out: k-anonymous, diverse, with as little lost as can be (CSV in, CSV out).
    Anonymise(Box<AnonymiseArgs>),
    /// Attack what this system makes, as an exercise.
    Attack {
        #[command(subcommand)]
        act: AttackAct,
    },
    /// A software 個人番号カード, and cards in readers.
    Card {
        #[command(subcommand)]
        act: CardAct,
    },
}

#[derive(clap::Args)]
struct RoomArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Which section, where the file has several of this room.
    #[arg(long, visible_alias = "party", value_name = "ID")]
    institution: Option<String>,
    /// End when standard input is closed: whoever started the room and holds the other end is gone.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

#[derive(Subcommand)]
enum CeremonyAct {
    /// Make the country's root off-line, before witnesses: shares and a transcript.
    Root(RootArgs),
    /// Read a transcript back.
    Verify(VerifyArgs),
}

#[derive(Subcommand)]
enum WhitelistAct {
    /// Turn the law's table (CSV) into rows that a ceremony can publish.
    Import(ImportArgs),
}

#[derive(Subcommand)]
enum AttackAct {
    /// Put several anonymised sets together: made one by one, and through the ledger.
    Releases(Box<ReleasesArgs>),
    /// Steal files and keys of rooms of a demo's country, each alone and two at a time: who can be linked.
    Steal(StealArgs),
}

#[derive(Subcommand)]
enum OfficerAct {
    /// Suspend an institution's accreditation; acts everywhere within 60 seconds.
    Suspend(OfficerArgs),
    /// Restore it.
    Restore(OfficerArgs),
}

#[derive(clap::Args)]
struct OfficerArgs {
    /// The institution.
    #[arg(long, value_name = "ID")]
    party: String,
    /// Why; goes into oversight's record.
    #[arg(long)]
    reason: String,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("MUSUBI_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let cli = Cli::parse();
    if let Command::Card { act } = cli.command {
        return end(card_command::run(act));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(error.into())),
    };
    end(runtime.block_on(run(cli.command)))
}

fn end(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(args) => demo_run::run(args).await,
        Command::Ceremony { act: Some(CeremonyAct::Root(args)), .. } => {
            root_ceremony::root(&args, &World::real())
        }
        Command::Ceremony { act: Some(CeremonyAct::Verify(args)), .. } => root_ceremony::verify(&args),
        Command::Ceremony { act: None, config, root_share, root_transcript, whitelist, list_version } => {
            let config = config.context("--config FILE is missing")?;
            let rows = match &whitelist {
                Some(path) => Some(read_rows(path)?),
                None => None,
            };
            let from_shares = |transcript| root_ceremony::from_shares(&root_share, transcript);
            let root = root_transcript.as_deref().map(from_shares).transpose()?;
            let rows = rows.map(|rows| (list_version, rows));
            ceremony::run(&config, root, rows, &World::real(), |line| println!("{line}")).await
        }
        Command::Linkage(args) => serve("linkage", &args).await,
        Command::Trustee(args) => serve("trustee", &args).await,
        Command::Registry(args) => serve("registry", &args).await,
        Command::Authority(args) => serve("authority", &args).await,
        Command::Portal(args) => serve("portal", &args).await,
        Command::Gateway(args) => serve("gateway", &args).await,
        Command::Oversight { act, config, until_stdin_closes } => {
            let config = config.context("--config FILE is needed")?;
            match act {
                None => serve("oversight", &RoomArgs { config, institution: None, until_stdin_closes }).await,
                Some(OfficerAct::Suspend(args)) => stand(&config, &args, Standing::Suspended).await,
                Some(OfficerAct::Restore(args)) => stand(&config, &args, Standing::Active).await,
            }
        }
        Command::Research { act, config, until_stdin_closes } => {
            let config = config.context("--config FILE is needed")?;
            match act {
                None => serve("research", &RoomArgs { config, institution: None, until_stdin_closes }).await,
                Some(act) => research_command::run(&config, &act).await,
            }
        }
        Command::Inquire(args) => desk::inquire(&args).await,
        Command::MyRecords(args) => my_records_command::run(&args).await,
        Command::SignIn { act } => sign_in_command::run(&act).await,
        Command::MyInformation(args) => my_information_command::run(&args).await,
        Command::Audit { act } => audit_command::run(&act).await,
        Command::Erase(args) => keeping_command::erase(&args).await,
        Command::BackupKey(args) => backup_command::make_key(&args),
        Command::Backup(args) => backup_command::backup(&args).await,
        Command::Restore(args) => backup_command::restore(&args).await,
        Command::Shares { act } => shares_command::run(&act),
        Command::Schemes(args) => schemes_command::run(&args).await,
        Command::Rotate(args) => rotate_command::run(&args).await,
        Command::Replay(args) => keeping_command::replay(&args).await,
        Command::VerifyLog(args) => verify_log::run(&args).await,
        Command::Openapi(args) => openapi_command::run(&args),
        Command::CheckConfig { file } => check_config(&file),
        Command::Whitelist { act: WhitelistAct::Import(args) } => whitelist_command::run(&args),
        Command::Match(command) => match *command {
            MatchCommand { act: Some(MatchAct::Desk(args)), .. } => review_desk::run(args).await,
            MatchCommand { act: None, files } => {
                let args = files.context("give --register, --queries and --out; see musubi match --help")?;
                tokio::task::block_in_place(|| musubi::run_match(args))
            }
        },
        Command::Anonymise(args) => tokio::task::block_in_place(|| musubi::run_anonymise(&args)),
        Command::Attack { act: AttackAct::Releases(args) } => {
            tokio::task::block_in_place(|| musubi::run_attack_releases(&args))
        }
        Command::Attack { act: AttackAct::Steal(args) } => attack::run(&args).await,
        Command::Card { act } => card_command::run(act),
    }
}

fn read_rows(path: &std::path::Path) -> Result<Vec<Row>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not a list of whitelist rows", path.display()))
}

async fn stand(config: &std::path::Path, args: &OfficerArgs, standing: Standing) -> Result<()> {
    let version = desk::change_standing(config, &args.party, standing, &args.reason).await?;
    println!(
        "{}: {standing:?} (version {version}); every transcryptor has it with its next poll",
        args.party
    );
    Ok(())
}

fn check_config(file: &std::path::Path) -> Result<()> {
    let faults = config_file::check(file)?;
    for fault in &faults {
        println!("{}: {fault}", file.display());
    }
    if faults.is_empty() {
        println!("{}: no fault found\nDefaults:\n{}", file.display(), config_file::defaults());
        return Ok(());
    }
    bail!("{} fault(s)", faults.len())
}

/// Runs one room until it is asked to stop.
async fn serve(name: &str, args: &RoomArgs) -> Result<()> {
    let file = ConfigFile::read(&args.config)?;
    let section = file.section(name, args.institution.as_deref())?;
    let room = rooms::room(name).context("a room of the list")?;
    let running = room
        .start(section.settings.clone(), section.settings.world())
        .await
        .with_context(|| format!("{name} did not start"))?;
    println!("{} ({name}) is up: outer {}, inner {}", running.id, running.outer, running.inner);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        () = stdin_closed(), if args.until_stdin_closes => {}
    }
    running.stop().await;
    Ok(())
}

/// Returns when standard input has come to its end.
async fn stdin_closed() {
    let (closed, ended) = tokio::sync::oneshot::channel::<()>();
    // A thread that nobody waits for: a read of standard input cannot be broken off.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(closed);
    });
    let _ = ended.await;
}
