//! The file of a backup: a line that says what it is, a line that says of whom and when, sealed chunks, and a signature over
//! all of it by the party itself.
//!
//! Each chunk is sealed by itself (HPKE, RFC 9180) to the operator's key and bound to its place, so that none can be left
//! out, moved or taken from another backup; the signature is what makes the file the party's: anybody can seal to a public key.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use protocol::Message;
use seal::{Dice, Jws, SealingKey, SealingPublic, Sha256, SigningKey, Typ, VerifyKey};
use serde::{Deserialize, Serialize};
use store::{Piece, Value};
use words::{B64, Moment, PartyId};

use crate::backup_command::flushed;

const MAGIC: &[u8] = b"musubi-backup-v1\n";
const INFO: &[u8] = b"musubi/backup/v1";
/// Bytes of pieces that go into one chunk, about.
const CHUNK: usize = 1 << 20;
/// What no chunk and no line can exceed: a single row may be large.
const LARGEST: usize = 256 << 20;
const LONGEST_LINE: usize = 64 << 10;

/// Of whom and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) party: PartyId,
    pub(crate) at: Moment,
}

/// What the party signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    party: PartyId,
    at: Moment,
    chunks: u64,
    /// SHA-256 of the digests of head and chunks, in order.
    digest: B64,
}

impl Message for Statement {
    const TYP: Typ = Typ("musubi-backup+jws");
}

/// Writes a backup.
pub(crate) struct Writer<W> {
    file: W,
    head: Head,
    to: SealingPublic,
    dice: Dice,
    head_hash: Sha256,
    digest: Sha256,
    pieces: Vec<u8>,
    chunks: u64,
    rows: u64,
}

fn place(head: &Sha256, chunk: u64, last: bool) -> Vec<u8> {
    [&head[..], &chunk.to_be_bytes(), &[u8::from(last)]].concat()
}

fn chained(digest: &Sha256, bytes: &[u8]) -> Sha256 {
    seal::sha256_parts(&[digest, &seal::sha256(bytes)])
}

impl<W: Write> Writer<W> {
    pub(crate) fn begin(mut file: W, head: Head, to: SealingPublic, dice: Dice) -> Result<Self> {
        let line = serde_json::to_vec(&head)?;
        file.write_all(MAGIC)?;
        file.write_all(&line)?;
        file.write_all(b"\n")?;
        let head_hash = seal::sha256(&line);
        let pieces = Vec::with_capacity(CHUNK * 2);
        Ok(Self { file, head, to, dice, head_hash, digest: head_hash, pieces, chunks: 0, rows: 0 })
    }

    pub(crate) fn take(&mut self, piece: &Piece) -> Result<()> {
        self.rows += u64::from(matches!(piece, Piece::Row(_)));
        encode(piece, &mut self.pieces)?;
        if self.pieces.len() >= CHUNK { self.write_chunk(false) } else { Ok(()) }
    }

    fn write_chunk(&mut self, last: bool) -> Result<()> {
        let place = place(&self.head_hash, self.chunks, last);
        let sealed = self.to.seal(INFO, &place, &self.pieces, &self.dice);
        let sealed = sealed.context("the public key cannot be sealed to")?.bytes;
        self.file.write_all(&u32::try_from(sealed.len())?.to_be_bytes())?;
        self.file.write_all(&[u8::from(last)])?;
        self.file.write_all(&sealed)?;
        self.digest = chained(&self.digest, &sealed);
        self.pieces.clear();
        self.chunks += 1;
        Ok(())
    }

    /// Gives the file back, and how many rows went into it.
    pub(crate) fn end(mut self, signing: &SigningKey) -> Result<(W, u64)> {
        self.write_chunk(true)?;
        let statement = Statement {
            party: self.head.party.clone(),
            at: self.head.at,
            chunks: self.chunks,
            digest: B64::from(self.digest),
        };
        let jws = protocol::sign(signing, &self.head.party, &statement);
        self.file.write_all(jws.as_str().as_bytes())?;
        self.file.write_all(b"\n")?;
        Ok((flushed(self.file)?, self.rows))
    }
}

fn line(file: &mut impl Read) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        ensure!(file.read(&mut byte)? == 1 && line.len() < LONGEST_LINE, "a line without an end");
        match byte {
            [b'\n'] => return Ok(line),
            [other] => line.push(other),
        }
    }
}

fn head(file: &mut impl Read) -> Result<(Head, Sha256)> {
    let mut magic = [0; MAGIC.len()];
    ensure!(file.read_exact(&mut magic).is_ok() && magic == MAGIC, "it does not begin as one");
    let line = line(file)?;
    Ok((serde_json::from_slice(&line)?, seal::sha256(&line)))
}

/// The next chunk, sealed, and whether it is the last.
fn chunk(file: &mut impl Read) -> Result<(Vec<u8>, bool)> {
    let (mut length, mut last) = ([0; 4], [0]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut last)?;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    ensure!(length <= LARGEST && last[0] <= 1, "a chunk of no length that is written");
    let mut sealed = Vec::new();
    file.take(u64::try_from(length)?).read_to_end(&mut sealed)?;
    ensure!(sealed.len() == length, "it ends in the middle of a chunk");
    Ok((sealed, last == [1]))
}

fn checked(file: &mut impl Read, party: &PartyId, key: &VerifyKey) -> Result<Head> {
    let (head, hash) = head(file)?;
    ensure!(head.party == *party, "{} の控えです。 / It is a backup of {}.", head.party, head.party);
    let (mut digest, mut chunks) = (hash, 0);
    loop {
        let (sealed, last) = chunk(file)?;
        (digest, chunks) = (chained(&digest, &sealed), chunks + 1);
        if last {
            break;
        }
    }
    let jws = Jws::parse(&String::from_utf8(line(file)?)?).context("no signature at its end")?;
    let statement: Statement = protocol::verify(&jws, party, key)
        .map_err(|_| anyhow::anyhow!("the signature is not by this party's key"))?;
    let said = Statement { party: head.party.clone(), at: head.at, chunks, digest: B64::from(digest) };
    ensure!(statement == said, "it is not what was signed");
    ensure!(file.read(&mut [0])? == 0, "something follows its end");
    Ok(head)
}

/// Verifies a whole file without opening anything of it.
pub(crate) fn verified(path: &Path, party: &PartyId, key: &VerifyKey) -> Result<Head> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    checked(&mut BufReader::new(file), party, key).with_context(|| {
        format!(
            "{0} は壊れているか、この機関の控えではありません。何も変えていません。\n\
             {0} is damaged, or no backup of this party. Nothing was changed",
            path.display()
        )
    })
}

/// Reads the pieces of a file that was verified.
pub(crate) struct Reader<R> {
    file: R,
    key: SealingKey,
    head_hash: Sha256,
    chunks: u64,
    ended: bool,
    pieces: std::io::Cursor<Vec<u8>>,
}

impl Reader<BufReader<File>> {
    pub(crate) fn open(path: &Path, key: SealingKey) -> Result<Self> {
        Self::begin(BufReader::new(File::open(path)?), key)
    }
}

impl<R: Read> Reader<R> {
    fn begin(mut file: R, key: SealingKey) -> Result<Self> {
        let (_, head_hash) = head(&mut file)?;
        Ok(Self { file, key, head_hash, chunks: 0, ended: false, pieces: std::io::Cursor::default() })
    }

    pub(crate) fn next(&mut self) -> Result<Option<Piece>> {
        while usize::try_from(self.pieces.position())? >= self.pieces.get_ref().len() {
            if self.ended {
                return Ok(None);
            }
            let (sealed, last) = chunk(&mut self.file)?;
            let place = place(&self.head_hash, self.chunks, last);
            let Ok(opened) = self.key.open(INFO, &place, &sealed) else {
                bail!(
                    "この鍵では控えが開きません。別の運営者の鍵で封じられています。何も変えていません。\n\
                     The backup does not open with this key: it was sealed to another operator's. Nothing was changed."
                );
            };
            (self.pieces, self.chunks, self.ended) =
                (std::io::Cursor::new(opened.plaintext), self.chunks + 1, last);
        }
        decode(&mut self.pieces).map(Some)
    }
}

const TABLE: u8 = 1;
const ROW: u8 = 2;

fn encode(piece: &Piece, out: &mut Vec<u8>) -> Result<()> {
    fn counted(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.extend(u32::try_from(bytes.len())?.to_be_bytes());
        out.extend(bytes);
        Ok(())
    }
    match piece {
        Piece::Table { name, columns } => {
            out.push(TABLE);
            counted(name.as_bytes(), out)?;
            out.extend(u32::try_from(columns.len())?.to_be_bytes());
            columns.iter().try_for_each(|column| counted(column.as_bytes(), out))
        }
        Piece::Row(values) => {
            out.push(ROW);
            out.extend(u32::try_from(values.len())?.to_be_bytes());
            for value in values {
                match value {
                    Value::Int(None) | Value::Text(None) | Value::Bytes(None) => out.push(0),
                    Value::Int(Some(number)) => {
                        out.push(1);
                        out.extend(number.to_be_bytes());
                    }
                    Value::Text(Some(text)) => {
                        out.push(2);
                        counted(text.as_bytes(), out)?;
                    }
                    Value::Bytes(Some(bytes)) => {
                        out.push(3);
                        counted(bytes, out)?;
                    }
                }
            }
            Ok(())
        }
    }
}

fn decode(from: &mut impl Read) -> Result<Piece> {
    fn array<const N: usize>(from: &mut impl Read) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        from.read_exact(&mut bytes).context("it ends in the middle of a row")?;
        Ok(bytes)
    }
    fn counted(from: &mut impl Read) -> Result<Vec<u8>> {
        let length = u64::from(u32::from_be_bytes(array(from)?));
        let mut bytes = Vec::new();
        from.take(length).read_to_end(&mut bytes)?;
        ensure!(u64::try_from(bytes.len())? == length, "it ends in the middle of a value");
        Ok(bytes)
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("text that is not UTF-8");
    match array::<1>(from)? {
        [TABLE] => {
            let name = text(counted(from)?)?;
            let count = u32::from_be_bytes(array(from)?);
            let columns = (0..count).map(|_| text(counted(from)?)).collect::<Result<_>>()?;
            Ok(Piece::Table { name, columns })
        }
        [ROW] => {
            let count = u32::from_be_bytes(array(from)?);
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(match array::<1>(from)? {
                    [0] => Value::Bytes(None),
                    [1] => Value::from(i64::from_be_bytes(array(from)?)),
                    [2] => Value::from(text(counted(from)?)?),
                    [3] => Value::from(counted(from)?),
                    _ => bail!("a value of no kind that is written"),
                });
            }
            Ok(Piece::Row(values))
        }
        _ => bail!("neither a table nor a row"),
    }
}

/// For fuzzing: what bytes, as the plaintext of a chunk, are read as. Never panics.
pub fn read_pieces(bytes: &[u8]) -> Result<Vec<Piece>> {
    let mut from = std::io::Cursor::new(bytes);
    let mut pieces = Vec::new();
    while usize::try_from(from.position())? < bytes.len() {
        pieces.push(decode(&mut from)?);
    }
    Ok(pieces)
}

/// For fuzzing: the same the other way.
pub fn write_pieces(pieces: &[Piece]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pieces.iter().try_for_each(|piece| encode(piece, &mut bytes))?;
    Ok(bytes)
}

/// For fuzzing: whether bytes are a backup of this party. Never panics.
pub fn check_bytes(bytes: &[u8], party: &PartyId, key: &VerifyKey) -> Result<()> {
    checked(&mut std::io::Cursor::new(bytes), party, key).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use seal::{KeyFolder, Suite};
    use world::World;

    fn dice() -> Dice {
        let world = World::simulated(3, 0);
        Dice::new(move |buffer| world.fill(buffer))
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Bytes(None)),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(|text: String| Value::from(text)),
            proptest::collection::vec(any::<u8>(), 0..50).prop_map(Value::from),
        ]
    }

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let table = ("[a-z]{1,8}", proptest::collection::vec("[a-z]{1,8}", 1..5))
            .prop_map(|(name, columns)| Piece::Table { name, columns });
        let row = proptest::collection::vec(value(), 0..5).prop_map(Piece::Row);
        proptest::collection::vec(prop_oneof![table, row], 0..20)
    }

    struct Made {
        bytes: Vec<u8>,
        party: PartyId,
        key: VerifyKey,
        folder: tempfile::TempDir,
    }

    impl Made {
        fn opened(&self, key: SealingKey) -> Result<Vec<Piece>> {
            let mut reader = Reader::begin(self.bytes.as_slice(), key)?;
            std::iter::from_fn(|| reader.next().transpose()).collect()
        }

        fn key(&self) -> SealingKey {
            KeyFolder::new(self.folder.path()).sealing(Suite::default(), None).unwrap()
        }
    }

    fn made(pieces: &[Piece]) -> Made {
        let (dice, folder) = (dice(), tempfile::tempdir().unwrap());
        let keys = KeyFolder::new(folder.path());
        let (sealing, signing) =
            (keys.sealing(Suite::default(), Some(&dice)).unwrap(), keys.signing(Some(&dice)).unwrap());
        let party = PartyId::parse("town").unwrap();
        let head = Head { party: party.clone(), at: Moment(1_790_000_000_000) };
        let mut writer = Writer::begin(Vec::new(), head, sealing.public(), dice).unwrap();
        pieces.iter().for_each(|piece| writer.take(piece).unwrap());
        let (bytes, _) = writer.end(&signing).unwrap();
        Made { bytes, party, key: signing.verify_key(), folder }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn what_goes_in_comes_out(pieces in pieces()) {
            let made = made(&pieces);
            prop_assert!(check_bytes(&made.bytes, &made.party, &made.key).is_ok());
            prop_assert_eq!(made.opened(made.key()).unwrap(), pieces);
        }

        #[test]
        fn a_byte_changed_or_missing_anywhere_is_refused(at in any::<proptest::sample::Index>(), bit in 0u8..8, cut: bool) {
            let mut made = made(&[Piece::Row(vec![Value::from("secret")])]);
            let at = at.index(made.bytes.len());
            if cut {
                made.bytes.truncate(at);
            } else {
                made.bytes[at] ^= 1 << bit;
            }
            prop_assert!(check_bytes(&made.bytes, &made.party, &made.key).is_err());
        }
    }

    #[test]
    fn another_key_another_party_and_another_signer_are_refused() {
        let (made, other) = (made(&[Piece::Row(vec![])]), made(&[]));
        let elsewhere = tempfile::tempdir().unwrap();
        let wrong = KeyFolder::new(elsewhere.path());
        let world = World::simulated(9, 0);
        let dice = Dice::new(move |buffer| world.fill(buffer));
        let error = made.opened(wrong.sealing(Suite::default(), Some(&dice)).unwrap()).unwrap_err();
        assert!(error.to_string().contains("does not open with this key"), "{error}");
        assert!(check_bytes(&made.bytes, &PartyId::parse("tax").unwrap(), &made.key).is_err());
        let signer = wrong.signing(Some(&dice)).unwrap().verify_key();
        assert!(check_bytes(&other.bytes, &other.party, &signer).is_err());
        // Content does not show.
        let text = Piece::Row(vec![Value::from("a name that must not show")]);
        let bytes = self::made(&[text]).bytes;
        assert!(!String::from_utf8_lossy(&bytes).contains("must not show"));
    }

    /// More than one chunk: none can be left out or exchanged.
    #[test]
    fn chunks_stand_where_they_were_written() {
        let large: Vec<Piece> = (0..5).map(|n| Piece::Row(vec![Value::from(vec![n; CHUNK])])).collect();
        let made = made(&large);
        assert_eq!(made.opened(made.key()).unwrap(), large);
        let head =
            made.bytes.len() - made.bytes.iter().rev().skip(1).position(|byte| *byte == b'\n').unwrap_or(0);
        assert!(head > 0);
        let first =
            MAGIC.len() + made.bytes[MAGIC.len()..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let length = u32::from_be_bytes(made.bytes[first..first + 4].try_into().unwrap()) as usize + 5;
        let mut without = made.bytes.clone();
        without.drain(first..first + length);
        assert!(check_bytes(&without, &made.party, &made.key).is_err());
        // Even to one who holds no signature against it: a chunk opens in its own place alone.
        let moved = Made { bytes: without, ..made };
        assert!(moved.opened(moved.key()).is_err());
    }
}
