//! Readers, through the service of pcsc-lite on this machine. Its clients talk to it over a Unix socket; so does this, in
//! the form of version 4 of its messages (`winscard_msg.h`), and needs no C library when it is built or run.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use card::host::Link;

/// Where the service listens; the variable is pcsc-lite's own.
fn socket() -> PathBuf {
    std::env::var_os("PCSCLITE_CSOCK_NAME").map_or_else(|| "/run/pcscd/pcscd.comm".into(), PathBuf::from)
}

const ESTABLISH_CONTEXT: u32 = 0x01;
const CONNECT: u32 = 0x04;
const DISCONNECT: u32 = 0x06;
const BEGIN_TRANSACTION: u32 = 0x07;
const TRANSMIT: u32 = 0x09;
const VERSION: u32 = 0x11;
const READERS_STATE: u32 = 0x12;

const MAJOR: u32 = 4;
/// Minor versions whose messages, as far as they are used here, are the same.
const MINORS: [u32; 3] = [4, 5, 3];

const NAME: usize = 128;
/// A reader in the list: name, counter, state, sharing, ATR in 33 bytes and 3 to fill, its length, protocol.
const READER: usize = NAME + 4 + 4 + 4 + 36 + 4 + 4;
const READERS: usize = 16;
const PRESENT: u32 = 0x04;
/// The longest answer the service passes on.
const LONGEST: u32 = 65_548;

/// A reader and whether a card is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderState {
    /// Its name.
    pub name: String,
    /// Whether a card is in it.
    pub has_card: bool,
}

/// A connection to the service.
pub struct Service {
    stream: UnixStream,
    context: u32,
}

impl Service {
    /// Connects.
    ///
    /// # Errors
    /// If it does not run, or speaks another version.
    pub fn connect() -> Result<Self> {
        for minor in MINORS {
            let path = socket();
            let stream = UnixStream::connect(&path).with_context(|| {
                format!(
                    "the smart card service (pcscd) does not answer at {}; is it installed and running?",
                    path.display()
                )
            })?;
            let mut service = Self { stream, context: 0 };
            let [_, _, refused] = service.exchange(VERSION, &[MAJOR, minor, 0])?;
            if refused == 0 {
                let [_, context, refused] = service.exchange(ESTABLISH_CONTEXT, &[2, 0, 0])?;
                done(refused)?;
                service.context = context;
                return Ok(service);
            }
        }
        bail!("the smart card service (pcscd) speaks another version than 4.3 to 4.5")
    }

    fn send(&mut self, command: u32, message: &[u8]) -> Result<()> {
        let size = u32::try_from(message.len())?;
        let frame = [&size.to_ne_bytes()[..], &command.to_ne_bytes(), message].concat();
        self.stream.write_all(&frame).context("the smart card service (pcscd) went away")
    }

    fn receive(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).context("the smart card service (pcscd) went away")?;
        Ok(bytes)
    }

    /// Sends numbers, receives as many.
    fn exchange<const N: usize>(&mut self, command: u32, message: &[u32; N]) -> Result<[u32; N]> {
        let bytes: Vec<u8> = message.iter().flat_map(|number| number.to_ne_bytes()).collect();
        self.send(command, &bytes)?;
        self.numbers()
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u32; N]> {
        let bytes = self.receive(N * 4)?;
        let mut numbers = [0; N];
        let (chunks, _) = bytes.as_chunks::<4>();
        numbers.iter_mut().zip(chunks).for_each(|(to, from)| *to = u32::from_ne_bytes(*from));
        Ok(numbers)
    }

    /// The readers there are.
    ///
    /// # Errors
    /// If the service goes away.
    pub fn readers(&mut self) -> Result<Vec<ReaderState>> {
        self.send(READERS_STATE, &[])?;
        let list = self.receive(READER * READERS)?;
        let reader = |bytes: &[u8]| {
            let (name, rest) = bytes.split_at_checked(NAME)?;
            let name = name.split(|byte| *byte == 0).next().filter(|name| !name.is_empty())?;
            let state = u32::from_ne_bytes(*rest.get(4..)?.first_chunk()?);
            let name = String::from_utf8_lossy(name).into_owned();
            Some(ReaderState { name, has_card: state & PRESENT != 0 })
        };
        Ok(list.chunks_exact(READER).filter_map(reader).collect())
    }

    /// Connects to the card in a reader: the one whose name holds `wanted`, or the first with a card. Nobody else talks to
    /// it until this is dropped.
    ///
    /// # Errors
    /// If there is no such card, or another program has it alone.
    pub fn card(mut self, wanted: Option<&str>) -> Result<CardInReader> {
        let readers = self.readers()?;
        let fits = |reader: &&ReaderState| wanted.is_none_or(|wanted| reader.name.contains(wanted));
        let found = readers.iter().filter(fits).find(|reader| reader.has_card);
        let Some(reader) = found else {
            let names: Vec<&str> = readers.iter().map(|reader| reader.name.as_str()).collect();
            bail!(
                "no card in a reader that fits; readers: {}",
                if names.is_empty() { "none".into() } else { names.join(", ") }
            );
        };
        // Context, name, shared, T=0 or T=1; then the card's handle, its protocol, the result.
        let mut message = self.context.to_ne_bytes().to_vec();
        let mut name = reader.name.clone().into_bytes();
        ensure!(name.len() < NAME, "the reader's name is too long");
        name.resize(NAME, 0);
        message.extend(name);
        for number in [2u32, 3, 0, 0, 0] {
            message.extend(number.to_ne_bytes());
        }
        self.send(CONNECT, &message)?;
        self.receive(4 + NAME)?;
        let [_, _, handle, protocol, refused] = self.numbers()?;
        done(refused)?;
        let mut card = CardInReader { service: self, handle, protocol, reader: reader.name.clone() };
        let [_, refused] = card.service.exchange(BEGIN_TRANSACTION, &[handle, 0])?;
        done(refused)?;
        Ok(card)
    }
}

fn done(code: u32) -> Result<()> {
    match code {
        0 => Ok(()),
        0x8010_000C => bail!("there is no card in the reader"),
        0x8010_000B => bail!("another program uses the card alone; end it first"),
        0x8010_0066 => bail!("the card does not answer; is it the right way round?"),
        0x8010_0069 => bail!("the card was taken out"),
        0x8010_0068 => bail!("the card was reset by another program; try again"),
        0x8010_006A => bail!("this user may not use the reader"),
        code => bail!("the smart card service (pcscd) answered {code:#010X}"),
    }
}

/// A card, ours alone until it is dropped; then it is reset, and nothing that was presented stays.
pub struct CardInReader {
    service: Service,
    handle: u32,
    protocol: u32,
    /// Which reader it is in.
    pub reader: String,
}

impl CardInReader {
    fn exchange_apdu(&mut self, command: &[u8]) -> Result<Vec<u8>> {
        let length = u32::try_from(command.len())?;
        let head = [self.handle, self.protocol, 16, length, self.protocol, 16, LONGEST, 0];
        let bytes: Vec<u8> = head.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let mut frame = u32::try_from(bytes.len())?.to_ne_bytes().to_vec();
        frame.extend(TRANSMIT.to_ne_bytes());
        frame.extend(bytes);
        frame.extend_from_slice(command);
        self.service.stream.write_all(&frame).context("the smart card service (pcscd) went away")?;
        let [.., length, refused] = self.service.numbers::<8>()?;
        done(refused)?;
        ensure!((2..=LONGEST).contains(&length), "an answer of {length} bytes");
        self.service.receive(usize::try_from(length)?)
    }
}

impl Link for CardInReader {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        self.exchange_apdu(command).map_err(|error| format!("{error:#}"))
    }
}

impl Drop for CardInReader {
    fn drop(&mut self) {
        const RESET: u32 = 1;
        // Closing the socket ends transaction and context as well; what fails here is done by that.
        let _ = self.service.exchange(DISCONNECT, &[self.handle, RESET, 0]);
    }
}
