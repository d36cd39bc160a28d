//! `musubi card area`: a municipality's own areas on residents' cards, with two to try: a library card, and eligibility for
//! insurance.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use card::host::{Host, HostError};
use card::operator::Work;
use card::{Credential, NewArea, NewBody, NewFile, Role, Rule, area_aid};
use clap::{Args, Subcommand, ValueEnum};
use world::World;

use super::ReaderArgs;
use super::authority::{Authority, TOWN};
use super::counter::{AtDesk, may};
use super::holder::{card, told};
use super::pcscd::CardInReader;
use super::said::{ask, say};

/// What to do with an area.
#[derive(Debug, Subcommand)]
pub enum AreaAct {
    /// Install an area and write into it.
    Install(InstallArgs),
    /// Read an area, as its service does.
    Read(AreaArgs),
    /// Delete an area with its files and keys; no other changes.
    Delete(ChangeArgs),
}

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// A library's number, after a PIN of its own.
    Library,
    /// Eligibility for insurance, for terminals of the service.
    Insurance,
}

impl Service {
    fn number(self) -> u8 {
        match self {
            Self::Library => 1,
            Self::Insurance => 2,
        }
    }

    fn aid(self) -> Vec<u8> {
        let owner = format!("{TOWN:07}").into_bytes();
        area_aid(&owner.try_into().unwrap_or(*b"0000000"), self.number())
    }

    /// Its files: content, and what opens it.
    fn files(self) -> Vec<NewFile> {
        let file = |read| NewFile { id: CONTENT, kind: NewBody::Transparent, read };
        match self {
            Self::Library => vec![
                NewFile { id: PIN, kind: NewBody::Pin { digits: 4, limit: 5 }, read: Rule::NEVER },
                file(Rule::Any(vec![Credential::Pin(PIN)])),
            ],
            Self::Insurance => vec![file(Rule::role(Role::SERVICE))],
        }
    }
}

const CONTENT: u16 = 1;
const PIN: u16 = 2;

/// An area on the card in a reader.
#[derive(Args, Debug)]
pub struct AreaArgs {
    /// Which service.
    #[arg(long, value_enum)]
    pub service: Service,
    /// The test authority's folder, which has the service's terminals.
    #[arg(long, value_name = "FOLDER", default_value = "card-authority")]
    pub authority: PathBuf,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// An area to install or delete, at a counter.
#[derive(Args, Debug)]
pub struct ChangeArgs {
    /// Which service.
    #[arg(long, value_enum)]
    pub service: Service,
    #[command(flatten)]
    pub(crate) desk: AtDesk,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

/// An area and what goes into it.
#[derive(Args, Debug)]
pub struct InstallArgs {
    #[command(flatten)]
    pub(crate) area: ChangeArgs,
    /// What is written: the service's own number or state, never a resident's code. At most 1,000 bytes.
    #[arg(long, value_name = "FILE")]
    pub content: PathBuf,
}

pub(crate) fn run(act: &AreaAct, world: &World) -> Result<()> {
    match act {
        AreaAct::Install(args) => install(args, world),
        AreaAct::Read(args) => read(args, world),
        AreaAct::Delete(args) => {
            let (authority, operator) = args.desk.begin(world)?;
            may(&operator, Work::Areas)?;
            let mut card = card(&args.at)?;
            delete(&mut card, &authority, args.service)?;
            say("領域を削除しました", "deleted, with its files and keys");
            Ok(())
        }
    }
}

fn install(args: &InstallArgs, world: &World) -> Result<()> {
    let ChangeArgs { service, desk, at } = &args.area;
    let content =
        std::fs::read(&args.content).with_context(|| format!("cannot read {}", args.content.display()))?;
    ensure!((1..=1_000).contains(&content.len()), "{} must have 1 to 1,000 bytes", args.content.display());
    let (authority, operator) = desk.begin(world)?;
    may(&operator, Work::Areas)?;
    let pin = match service {
        Service::Library => Some(ask("図書館カードの暗証番号（4桁）", "library card's PIN, four digits")?),
        Service::Insurance => None,
    };
    let (anchor_id, anchor) = authority.area_anchor()?;
    let area = NewArea { number: service.number(), room: 2_048, anchor_id, anchor };
    let manager = authority.terminal("areas", TOWN, Role::AREAS)?;
    let mut card = card(at)?;
    let serial = Host::new(&mut card).serial().map_err(told)?;
    {
        let mut host = Host::new(&mut card);
        host.authenticate(&manager, &serial).map_err(told)?;
        host.ask("install an area", [0x80, 0xE6, 0, 0], &area.data(), None).map_err(told)?;
    }
    let owner = authority.area_terminal("area-owner", Role::OWNER)?;
    let mut write = || -> Result<(), HostError> {
        let mut host = Host::new(&mut card);
        host.select(&service.aid())?;
        host.authenticate(&owner, &serial)?;
        for file in service.files() {
            host.ask("make a file", [0x80, 0xE0, 0, 0], &file.data(), None)?;
        }
        host.write(CONTENT, &content)?;
        pin.as_ref().map_or(Ok(()), |pin| host.set_pin(PIN, pin.as_bytes()))
    };
    if let Err(error) = write() {
        // Nothing half done stays on the card.
        delete(&mut card, &authority, *service)?;
        return Err(told(error));
    }
    say("領域を作成しました", "installed");
    Ok(())
}

fn delete(card: &mut CardInReader, authority: &Authority, service: Service) -> Result<()> {
    let manager = authority.terminal("areas", TOWN, Role::AREAS)?;
    let mut host = Host::new(card);
    let serial = host.serial().map_err(told)?;
    host.authenticate(&manager, &serial).map_err(told)?;
    host.ask("delete an area", [0x80, 0xE4, 0, 0], &service.aid(), None).map_err(told)?;
    Ok(())
}

fn read(args: &AreaArgs, world: &World) -> Result<()> {
    use std::io::Write;
    let authority = Authority::at(&args.authority, world)?;
    let pin = match args.service {
        Service::Library => Some(ask("図書館カードの暗証番号（4桁）", "library card's PIN, four digits")?),
        Service::Insurance => None,
    };
    let mut card = card(&args.at)?;
    let mut host = Host::new(&mut card);
    let serial = host.serial().map_err(told)?;
    host.select(&args.service.aid()).map_err(told)?;
    match pin {
        Some(pin) => host.verify(PIN, pin.as_bytes()).map_err(told)?,
        None => {
            let terminal = authority.area_terminal("area-service", Role::SERVICE)?;
            host.authenticate(&terminal, &serial).map_err(told)?;
        }
    }
    let content = host.read(CONTENT).map_err(told)?;
    std::io::stdout().write_all(&content).context("writing to standard output")
}
