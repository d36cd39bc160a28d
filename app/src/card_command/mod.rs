//! `musubi card`: a software 個人番号カード, and what a holder and a counter do with a card in a reader.

pub mod agent;
mod area;
mod authority;
pub mod certificates;
mod counter;
mod holder;
mod holder_file;
mod image_file;
pub mod pcscd;
mod pictures;
pub(crate) mod said;
mod vpcd;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use card::layout::{self, common, jpki, surface, text};
use card::{Card, FileId};
use clap::{Args, Subcommand, ValueEnum};
use world::World;

pub use agent::AgentArgs;
pub use area::AreaAct;
pub use counter::{CheckArgs, IdentifyArgs, NewArgs, OperatorAct, UnblockArgs};

use crate::card_command::image_file::{ImageFile, key_path};
use crate::card_command::said::say;

/// What to do with cards.
#[derive(Debug, Subcommand)]
pub enum CardAct {
    /// Make a software card: keys are made in it, a test authority certifies them.
    New(NewArgs),
    /// Put software cards into virtual readers (vpcd of vsmartcard), one reader each.
    Run(RunArgs),
    /// Show what is on the card in the reader without any PIN, and how many tries each PIN has left.
    Show(ReaderArgs),
    /// Check one of the card's PINs. A wrong one costs a try.
    VerifyPin(PinArgs),
    /// Change one of the card's PINs.
    ChangePin(PinArgs),
    /// Set a blocked PIN anew, as a municipality's counter.
    Unblock(UnblockArgs),
    /// Check at a counter whether a card is genuine, and show what it says of its holder.
    Check(CheckArgs),
    /// Sign a file with the signature key.
    Sign(SignArgs),
    /// Sign a challenge with the authentication key.
    Auth(SignArgs),
    /// Have the card sign a challenge for a hospital's counter, which knows the holder by face: without PIN, the
    /// institution's code in what is signed.
    Identify(IdentifyArgs),
    /// Let web pages ask for a login, with the holder's assent each time.
    Agent(AgentArgs),
    /// Municipalities' own areas on the card.
    Area {
        /// What to do.
        #[command(subcommand)]
        act: AreaAct,
    },
    /// Operators' cards.
    Operator {
        /// What to do.
        #[command(subcommand)]
        act: OperatorAct,
    },
}

/// Which reader.
#[derive(Args, Clone, Debug)]
pub struct ReaderArgs {
    /// A part of the reader's name; else the first reader with a card.
    #[arg(long, value_name = "NAME")]
    pub reader: Option<String>,
}

/// One of the card's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PinName {
    /// 利用者証明用, four digits.
    Auth,
    /// 署名用, six to sixteen capital letters and digits.
    Sign,
    /// 券面事項入力補助用, four digits.
    Text,
    /// 住基用, four digits; two applications have it.
    Juki,
}

impl PinName {
    /// Application and file, both where there are two.
    fn places(self) -> &'static [(&'static [u8], FileId)] {
        match self {
            Self::Auth => &[(layout::JPKI, jpki::AUTH_PIN)],
            Self::Sign => &[(layout::JPKI, jpki::SIGN_PIN)],
            Self::Text => &[(layout::TEXT, text::PIN)],
            Self::Juki => &[(layout::COMMON, common::PIN), (layout::JUKI, common::PIN)],
        }
    }

    /// Japanese and English.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Auth => ("利用者証明用暗証番号", "PIN for authentication"),
            Self::Sign => ("署名用パスワード", "password for signatures"),
            Self::Text => ("券面事項入力補助用暗証番号", "PIN for the card's text"),
            Self::Juki => ("住基用暗証番号", "PIN for the resident register"),
        }
    }
}

/// A PIN of the card in a reader.
#[derive(Args, Debug)]
pub struct PinArgs {
    /// Which PIN.
    #[arg(long, value_enum)]
    pub pin: PinName,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// What to sign.
#[derive(Args, Debug)]
pub struct SignArgs {
    /// The file to sign.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
    /// Where the signature goes (RSASSA-PKCS1-v1_5 with SHA-256, 256 bytes).
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Where the certificate goes (DER).
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// Cards and the readers they go into.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// A card's image; several times for several cards.
    #[arg(long, value_name = "FILE", required = true)]
    pub image: Vec<PathBuf>,
    /// The images' keys, in their order; else FILE.key.
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// Where vpcd listens; the second card takes the next port. vpcd itself listens on every interface: `--listen` is safer.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:35963", conflicts_with = "listen")]
    pub connect: SocketAddr,
    /// Listen here for a vpcd that connects (`DEVICENAME 127.0.0.1:0x…`); the second card takes the next port.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// Does it.
///
/// # Errors
/// What went wrong and what to do, without anything personal.
pub fn run(act: CardAct) -> Result<()> {
    let world = World::real();
    match act {
        CardAct::New(args) => counter::new(&args, &world),
        CardAct::Run(args) => insert(&args, &world),
        CardAct::Show(args) => holder::show(&args),
        CardAct::VerifyPin(args) => holder::verify_pin(&args),
        CardAct::ChangePin(args) => holder::change_pin(&args),
        CardAct::Unblock(args) => counter::unblock(&args, &world),
        CardAct::Check(args) => counter::check(&args, &world),
        CardAct::Sign(args) => holder::sign(&args, PinName::Sign),
        CardAct::Auth(args) => holder::sign(&args, PinName::Auth),
        CardAct::Identify(args) => counter::identify(&args, &world),
        CardAct::Agent(args) => agent::run(&args, &world),
        CardAct::Area { act } => area::run(&act, &world),
        CardAct::Operator { act } => counter::operator(&act, &world),
    }
}

/// Puts cards into readers until the process is ended. Nothing is lost then: what a card answered for is on the disk.
fn insert(args: &RunArgs, world: &World) -> Result<()> {
    ensure!(args.key.is_empty() || args.key.len() == args.image.len(), "one --key for each --image, or none");
    // Whoever reaches the port can talk to the card, as to one that lies in a reader.
    let base = args.listen.unwrap_or(args.connect);
    if !base.ip().is_loopback() {
        bail!("{base} is not on this machine alone: a card takes a loopback address, as 127.0.0.1:36000");
    }
    let mut cards = Vec::new();
    for (at, path) in args.image.iter().enumerate() {
        let key = key_path(path, args.key.get(at).map(PathBuf::as_path));
        let (image, file) = ImageFile::open(path, &key, world)?;
        let dice = world.clone();
        let card = Card::new(image, Box::new(move |bytes| dice.fill(bytes)), Box::new(file));
        let port = u16::try_from(at).ok().and_then(|at| base.port().checked_add(at));
        let address = SocketAddr::new(base.ip(), port.context("there are no more ports")?);
        let way =
            if args.listen.is_some() { vpcd::Way::Listen(address) } else { vpcd::Way::Connect(address) };
        cards.push((card, way, path.display().to_string()));
    }
    let readers: Vec<_> = cards
        .into_iter()
        .map(|(mut card, way, name)| {
            std::thread::spawn(move || {
                vpcd::insert(&mut card, way, |address| {
                    say(&format!("{name}: 読取機 {address}"), &format!("reader at {address}"));
                })
            })
        })
        .collect();
    for reader in readers {
        reader.join().map_err(|_| anyhow::anyhow!("a card's thread ended"))??;
    }
    Ok(())
}

/// Every secret of a resident's card with its place, for the overview.
const SECRETS: [(&str, &str, &[u8], FileId); 9] = [
    ("署名用パスワード", "password for signatures", layout::JPKI, jpki::SIGN_PIN),
    ("利用者証明用暗証番号", "PIN for authentication", layout::JPKI, jpki::AUTH_PIN),
    ("券面事項入力補助用暗証番号", "PIN for the card's text", layout::TEXT, text::PIN),
    ("照合番号A（入力補助）", "code A (text)", layout::TEXT, text::CODE_A),
    ("照合番号B（入力補助）", "code B (text)", layout::TEXT, text::CODE_B),
    ("生年月日（券面確認）", "birth date (face)", layout::SURFACE, surface::BIRTH),
    ("照合番号A（券面確認）", "code A (face)", layout::SURFACE, surface::CODE_A),
    ("住基用（共通）", "resident register PIN (common)", layout::COMMON, common::PIN),
    ("住基用（住基）", "resident register PIN (register)", layout::JUKI, common::PIN),
];
