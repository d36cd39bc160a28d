//! What a municipality's counter does: makes cards, sets PINs anew, admits operators.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use card::checking::NotGenuine;
use card::host::Host;
use card::layout::jpki;
use card::operator::{Admitted, Work, admit};
use card::personalise::{Person, Pins, personalise, personalise_operator};
use card::{Card, Image, Keep, NotKept, Role, layout};
use clap::{Args, Subcommand};
use world::World;
use zeroize::Zeroizing;

use super::authority::{Authority, HOSPITAL, TOWN, id};
use super::holder::{card, told};
use super::image_file::{ImageFile, key_path};
use super::said::{ask, say};
use super::{PinName, ReaderArgs, holder_file, pictures};

/// A card to make.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// Where the card's image goes; its key beside it, as FILE.key.
    #[arg(long, value_name = "FILE")]
    pub image: PathBuf,
    /// Where the key goes instead.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The test authority's folder; made if it is not there.
    #[arg(long, value_name = "FOLDER", default_value = "card-authority")]
    pub authority: PathBuf,
    /// Whose card (TOML); else a fictitious person's.
    #[arg(long, value_name = "FILE")]
    pub holder: Option<PathBuf>,
    /// The photograph (JPEG 2000); else an empty stand-in.
    #[arg(long, value_name = "FILE")]
    pub photo: Option<PathBuf>,
    /// A child's card: without a signature certificate.
    #[arg(long)]
    pub child: bool,
    /// Take the PINs everybody knows (1234, ABC123) instead of asking. For trying things out.
    #[arg(long)]
    pub test_pins: bool,
}

/// The operator at the desk. Nothing at a counter begins before the operator's card and the desk have proved themselves to
/// each other.
#[derive(Args, Debug)]
pub struct AtDesk {
    /// The test authority's folder, which has the counter's terminals.
    #[arg(long, value_name = "FOLDER", default_value = "card-authority")]
    pub authority: PathBuf,
    /// A part of the name of the reader with the operator's card.
    #[arg(long, value_name = "NAME")]
    pub operator_reader: String,
}

/// A card to check.
#[derive(Args, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    pub(crate) desk: AtDesk,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// A PIN to set anew.
#[derive(Args, Debug)]
pub struct UnblockArgs {
    /// Which PIN.
    #[arg(long, value_enum)]
    pub pin: PinName,
    #[command(flatten)]
    pub(crate) desk: AtDesk,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// A use without PIN.
#[derive(Args, Debug)]
pub struct IdentifyArgs {
    /// What the institution wants signed: a challenge of its own, 1 to 255 bytes.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
    /// Where the signature goes: over `MUSUBI-PINLESS-1`, the terminal's key id with the institution's code, the file.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Where the bytes go that were signed.
    #[arg(long, value_name = "FILE")]
    pub signed: PathBuf,
    /// The test authority's folder, which has the hospital's terminal.
    #[arg(long, value_name = "FOLDER", default_value = "card-authority")]
    pub authority: PathBuf,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// Operators' cards.
#[derive(Debug, Subcommand)]
pub enum OperatorAct {
    /// Make an operator's card.
    New(OperatorArgs),
    /// Log an operator in at this desk: card and desk authenticate each other, then the kinds of work are shown.
    Login(OperatorLoginArgs),
}

/// An operator's card.
#[derive(Args, Debug)]
pub struct OperatorArgs {
    /// Where the card's image goes.
    #[arg(long, value_name = "FILE")]
    pub image: PathBuf,
    /// Kinds of work: issue, change, read, areas, audit; separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    pub work: Vec<String>,
    /// The operator's number, 1 to 65535.
    #[arg(long, default_value_t = 1)]
    pub number: u16,
    /// The test authority's folder.
    #[arg(long, value_name = "FOLDER", default_value = "card-authority")]
    pub authority: PathBuf,
}

/// An operator at a desk.
#[derive(Args, Debug)]
pub struct OperatorLoginArgs {
    /// The kind of work that is about to be done.
    #[arg(long)]
    pub work: String,
    /// The test authority's folder, which has the desk's key.
    #[arg(long, value_name = "FOLDER", default_value = "card-authority")]
    pub authority: PathBuf,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// While a card is being made, nothing of it is kept: it is written when it is whole.
struct Unfinished;

impl Keep for Unfinished {
    fn keep(&mut self, _: &Image) -> Result<(), NotKept> {
        Ok(())
    }
}

fn blank(image: Image, world: &World) -> Card {
    let dice = world.clone();
    Card::new(image, Box::new(move |bytes| dice.fill(bytes)), Box::new(Unfinished))
}

fn finish(card: &Card, path: &Path, key: &Path, world: &World) -> Result<()> {
    let mut file = ImageFile::create(path, key, world)?;
    file.keep(card.image()).map_err(|NotKept| anyhow!("{} could not be written", path.display()))
}

/// Fifteen digits, from entropy.
fn serial(world: &World) -> [u8; 15] {
    let random: [u8; 15] = world.random();
    random.map(|byte| b'0' + byte % 10)
}

fn pins(args: &NewArgs) -> Result<Pins> {
    if args.test_pins {
        let four = || Zeroizing::new("1234".to_owned());
        return Ok(Pins { sign: Zeroizing::new("ABC123".into()), auth: four(), text: four(), juki: four() });
    }
    let ask_for = |pin: PinName| ask(pin.names().0, pin.names().1);
    Ok(Pins {
        sign: if args.child { Zeroizing::default() } else { ask_for(PinName::Sign)? },
        auth: ask_for(PinName::Auth)?,
        text: ask_for(PinName::Text)?,
        juki: ask_for(PinName::Juki)?,
    })
}

pub(crate) fn new(args: &NewArgs, world: &World) -> Result<()> {
    let key = key_path(&args.image, args.key.as_deref());
    anyhow::ensure!(
        !args.image.exists(),
        "{} is there already; a card is not overwritten",
        args.image.display()
    );
    let holder = holder_file::read(args.holder.as_deref())?;
    let pins = pins(args)?;
    let authority = Authority::at(&args.authority, world)?;
    let mut pictures = pictures::stand_ins(&holder);
    if let Some(path) = &args.photo {
        pictures.photo = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::ensure!(
            pictures.photo.get(4..8) == Some(b"jP  ") && pictures.photo.len() <= 16_000,
            "{} is not a JPEG 2000 file of at most 16,000 bytes",
            path.display()
        );
    }
    let serial = serial(world);
    let mut card = blank(layout::resident(serial, authority.anchor()?, authority.objects(&holder)?), world);
    let person = Person { holder: &holder, pictures: &pictures, pins: &pins, signs: !args.child };
    personalise(&mut card, &serial, &authority.counter()?, &person, &mut |request| {
        authority.certify(request, &holder)
    })
    .map_err(|error| match error {
        card::personalise::Failed::Card(error) => told(error),
        other => anyhow!("{other}"),
    })?;
    finish(&card, &args.image, &key, world)?;
    say(
        &format!(
            "{}: カードを作りました（試験用認証局 {}。法的効力はありません）",
            args.image.display(),
            args.authority.display()
        ),
        "made; the authority is a test authority, its certificates have no legal effect",
    );
    Ok(())
}

pub(crate) fn unblock(args: &UnblockArgs, world: &World) -> Result<()> {
    let (authority, operator) = args.desk.begin(world)?;
    let terminal = authority.counter_of(&operator)?;
    let (japanese, english) = args.pin.names();
    let new = ask(&format!("新しい{japanese}"), &format!("new {english}"))?;
    let again = ask(&format!("新しい{japanese}（もう一度）"), &format!("new {english}, again"))?;
    anyhow::ensure!(new == again, "二つが一致しません / the two differ; nothing was changed");
    let mut card = card(&args.at)?;
    let mut host = Host::new(&mut card);
    let serial = host.serial().map_err(told)?;
    for (aid, file) in args.pin.places() {
        let set = host
            .select(aid)
            .and_then(|()| host.authenticate(&terminal, &serial))
            .and_then(|()| host.set_pin(*file, new.as_bytes()));
        set.map_err(told)?;
    }
    say("再設定しました", "set anew, with all its tries");
    Ok(())
}

pub(crate) fn identify(args: &IdentifyArgs, world: &World) -> Result<()> {
    let challenge =
        std::fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let authority = Authority::at(&args.authority, world)?;
    let terminal = authority.terminal("hospital", HOSPITAL, Role::COUNTER)?;
    let mut card = card(&args.at)?;
    let mut host = Host::new(&mut card);
    let serial = host.serial().map_err(told)?;
    let signature = host
        .select(layout::JPKI)
        .and_then(|()| host.authenticate(&terminal, &serial))
        .and_then(|()| host.sign(jpki::AUTH_KEY, 6, &challenge))
        .map_err(told)?;
    let signed = card::bound_message(&id(HOSPITAL, Role::COUNTER, 1)?, &challenge);
    for (path, bytes) in [(&args.out, &signature), (&args.signed, &signed)] {
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    say("暗証番号なしで確認しました（機関コード入り）", "signed without PIN, for this institution alone");
    Ok(())
}

pub(crate) fn operator(act: &OperatorAct, world: &World) -> Result<()> {
    match act {
        OperatorAct::New(args) => new_operator(args, world),
        OperatorAct::Login(args) => login(args, world),
    }
}

fn work(word: &str) -> Result<Work> {
    let words: Vec<&str> = Work::ALL.iter().map(|(_, word)| *word).collect();
    Work::named(word).with_context(|| format!("`{word}` is no kind of work; there are {}", words.join(", ")))
}

fn new_operator(args: &OperatorArgs, world: &World) -> Result<()> {
    let kinds = args.work.iter().map(|word| work(word)).collect::<Result<Vec<_>>>()?;
    let pin = ask("操作者の暗証番号（6桁）", "operator's PIN, six digits")?;
    let authority = Authority::at(&args.authority, world)?;
    let (issuer, with) = authority.operators()?;
    let serial = serial(world);
    let mut card = blank(layout::operators(serial, authority.anchor()?), world);
    let operator = id(TOWN, Role::OPERATOR, args.number)?;
    personalise_operator(
        &mut card,
        &serial,
        &authority.counter()?,
        (&issuer, &with),
        &operator,
        &kinds,
        pin.as_bytes(),
    )?;
    finish(&card, &args.image, &key_path(&args.image, None), world)?;
    say(&format!("{}: 操作者カードを作りました", args.image.display()), "operator's card made");
    Ok(())
}

/// Has the desk and an operator's card prove themselves to each other.
fn admitted(authority: &Authority, at: &ReaderArgs, world: &World) -> Result<Admitted> {
    let desk = authority.terminal("desk", TOWN, Role::DESK)?;
    let pin = ask("操作者の暗証番号（6桁）", "operator's PIN, six digits")?;
    let mut card = card(at)?;
    admit(&mut card, &desk, &authority.anchor()?, pin.as_bytes(), world.random()).map_err(|error| match error
    {
        card::operator::NotAdmitted::Card(error) => told(error),
        other => anyhow!("操作者を認証できません / {other}"),
    })
}

/// Goes on only if the operator's card is for this work.
pub(crate) fn may(operator: &Admitted, work: Work) -> Result<()> {
    operator.may(work).map_err(|error| anyhow!("この操作者カードではできない業務です / {error}"))
}

impl AtDesk {
    /// Begins work at a counter.
    pub(crate) fn begin(&self, world: &World) -> Result<(Authority, Admitted)> {
        let authority = Authority::at(&self.authority, world)?;
        let at = ReaderArgs { reader: Some(self.operator_reader.clone()) };
        let operator = admitted(&authority, &at, world)?;
        Ok((authority, operator))
    }
}

fn login(args: &OperatorLoginArgs, world: &World) -> Result<()> {
    let wanted = work(&args.work)?;
    let authority = Authority::at(&args.authority, world)?;
    let admitted = admitted(&authority, &args.at, world)?;
    may(&admitted, wanted)?;
    let kinds: Vec<&str> =
        Work::ALL.iter().filter(|(work, _)| admitted.kinds().contains(work)).map(|(_, word)| *word).collect();
    let number = admitted.operator().bytes().last_chunk::<2>().map_or(0, |bytes| u16::from_be_bytes(*bytes));
    say(
        &format!("操作者{number}を認証しました。業務: {}", kinds.join(", ")),
        &format!("operator {number} is admitted for: {}", kinds.join(", ")),
    );
    Ok(())
}

/// Shows what a genuine card says of its holder. Nothing is written anywhere.
pub(crate) fn check(args: &CheckArgs, world: &World) -> Result<()> {
    let (authority, operator) = args.desk.begin(world)?;
    may(&operator, Work::Read)?;
    let (japanese, english) = PinName::Text.names();
    let pin = ask(japanese, english)?;
    let mut card = card(&args.at)?;
    let genuine = card::checking::check(&mut card, &authority.root()?, pin.as_bytes(), &world.random());
    let genuine = genuine.map_err(|error| match error {
        NotGenuine::Card(error) => told(error),
        forged => anyhow!("真正なカードではありません / {forged}"),
    })?;
    say("真正なカードです", "a genuine card");
    for (japanese, english, value) in [
        ("個人番号", "number", &genuine.number),
        ("氏名", "name", &genuine.name),
        ("住所", "address", &genuine.address),
        ("生年月日", "birth date", &genuine.birth),
    ] {
        say(&format!("{japanese}: {}", value.as_str()), english);
    }
    Ok(())
}
