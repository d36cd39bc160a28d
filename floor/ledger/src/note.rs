//! Signed notes (C2SP signed-note) and cosignatures (C2SP tlog-cosignature), both with Ed25519.

use seal::{SigningKey, VerifyKey};

use crate::{LedgerError, base64_of, base64_read};

/// Longest note that is read, bytes. The tallest tree's checkpoint with a hundred signatures is a tenth of it.
const LONGEST: usize = 64 << 10;

/// A text with the signatures that came along. What they are worth is asked with [`Note::signed_by`] and
/// [`Note::cosigned_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text; ends with a newline.
    pub text: String,
    /// The signature lines, in their order.
    pub signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// What stands behind the id: 64 bytes, or 8 of time and 64.
    pub bytes: Vec<u8>,
}

/// A name with the Ed25519 key that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: VerifyKey,
}

const LOG: u8 = 0x01;
const COSIGNER: u8 = 0x04;

impl NoteKey {
    /// A key under a name. A name has neither spaces nor `+`, and is not empty.
    pub fn new(name: &str, key: VerifyKey) -> Result<Self, LedgerError> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return Err(LedgerError::Malformed("key name"));
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self, kind: u8) -> [u8; 4] {
        let hash = seal::sha256(&[self.name.as_bytes(), b"\n", &[kind], &self.key.to_bytes()].concat());
        let [a, b, c, d, ..] = hash;
        [a, b, c, d]
    }

    fn encoded(&self, kind: u8) -> String {
        let id = u32::from_be_bytes(self.id(kind));
        let key = [&[kind][..], &self.key.to_bytes()].concat();
        format!("{}+{id:08x}+{}", self.name, base64_of(&key))
    }

    /// The verifier key ("vkey") under which the log signs.
    pub fn as_log(&self) -> String {
        self.encoded(LOG)
    }

    /// The verifier key under which this party cosigns.
    pub fn as_cosigner(&self) -> String {
        self.encoded(COSIGNER)
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "— {} {}", self.name, base64_of(&[&self.id[..], &self.bytes].concat()))
    }
}

impl Signature {
    /// Reads one line, without its newline.
    pub fn parse(line: &str) -> Result<Self, LedgerError> {
        const WRONG: LedgerError = LedgerError::Malformed("signature line");
        let (name, coded) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(WRONG)?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return Err(WRONG);
        }
        let decoded = base64_read(coded).ok_or(WRONG)?;
        let (id, bytes) = decoded.split_first_chunk::<4>().ok_or(WRONG)?;
        if bytes.is_empty() {
            return Err(WRONG);
        }
        Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Note {
    /// Reads a note: text, an empty line, at least one signature line.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        const WRONG: LedgerError = LedgerError::Malformed("note");
        if text.len() > LONGEST || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(WRONG);
        }
        // The last empty line divides: the text itself may have others.
        let at = text.rfind("\n\n").ok_or(WRONG)?;
        let (body, lines) = text.split_at_checked(at + 1).ok_or(WRONG)?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n')).ok_or(WRONG)?;
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: body.to_owned(), signatures })
    }

    /// Whether the log of `key` signed the text.
    pub fn signed_by(&self, key: &NoteKey) -> Result<(), LedgerError> {
        let id = key.id(LOG);
        let mut own = self.signatures.iter().filter(|one| one.name == key.name && one.id == id);
        let valid = own.any(|one| key.key.verify_text(&self.text, &one.bytes).is_ok());
        if valid { Ok(()) } else { Err(LedgerError::BadSignature) }
    }

    /// When the witness of `key` cosigned the text, seconds since 1970; the latest of several.
    pub fn cosigned_by(&self, key: &NoteKey) -> Option<u64> {
        let id = key.id(COSIGNER);
        let own = self.signatures.iter().filter(|one| one.name == key.name && one.id == id);
        own.filter_map(|one| {
            let (time, signature) = one.bytes.split_first_chunk::<8>()?;
            let time = u64::from_be_bytes(*time);
            let valid = key.key.verify_text(&cosigned_text(time, &self.text), signature);
            valid.is_ok().then_some(time).filter(|time| i64::try_from(*time).is_ok())
        })
        .max()
    }
}

fn cosigned_text(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Signs `text` as the log `name`.
pub fn sign(name: &str, key: &SigningKey, text: &str) -> Result<Signature, LedgerError> {
    let note_key = NoteKey::new(name, key.verify_key())?;
    let bytes = key.sign_text(text).map_err(|_| LedgerError::Malformed("text without a newline"))?;
    Ok(Signature { name: name.to_owned(), id: note_key.id(LOG), bytes: bytes.to_vec() })
}

/// Cosigns a checkpoint's text as the witness `name` at `time`, seconds since 1970.
pub fn cosign(name: &str, key: &SigningKey, time: u64, text: &str) -> Result<Signature, LedgerError> {
    let note_key = NoteKey::new(name, key.verify_key())?;
    let signature = key
        .sign_text(&cosigned_text(time, text))
        .map_err(|_| LedgerError::Malformed("text without a newline"))?;
    let bytes = [&time.to_be_bytes()[..], &signature].concat();
    Ok(Signature { name: name.to_owned(), id: note_key.id(COSIGNER), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::generate(&seal::Dice::new(|buffer| buffer.fill(7)))
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else() {
        let (key, text) = (key(), "musubi/town\n3\nAAAA\n");
        let log = NoteKey::new("musubi/town", key.verify_key()).unwrap();
        let witness = NoteKey::new("musubi/oversight", key.verify_key()).unwrap();
        let signatures = vec![
            sign("musubi/town", &key, text).unwrap(),
            cosign("musubi/oversight", &key, 1_700_000_000, text).unwrap(),
        ];
        let note = Note { text: text.into(), signatures };
        let read = Note::parse(&note.to_string()).unwrap();
        assert_eq!(read, note);
        assert!(read.signed_by(&log).is_ok());
        assert!(read.signed_by(&witness).is_err(), "a cosignature is no log's signature");
        assert_eq!(read.cosigned_by(&witness), Some(1_700_000_000));
        assert_eq!(read.cosigned_by(&log), None);
        let changed = Note { text: text.replace('3', "4"), ..read };
        assert!(changed.signed_by(&log).is_err() && changed.cosigned_by(&witness).is_none());
    }

    #[test]
    fn key_ids_are_those_of_others() {
        // The verifier key of Go's checksum database, as every Go toolchain has it built in.
        let known = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let bytes = base64_read(known.rsplit_once("+033de0ae+").unwrap().1).unwrap();
        let key = VerifyKey::from_bytes(bytes.get(1..).unwrap()).unwrap();
        assert_eq!(NoteKey::new("sum.golang.org", key).unwrap().as_log(), known);
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let line = sign("a", &key(), "x\n").unwrap().to_string();
        assert!(Note::parse(&format!("x\n\n{line}\n")).is_ok());
        for wrong in [
            String::new(),
            "x\n".into(),
            format!("x\n{line}\n"),
            format!("x\n\n{line}"),
            "x\n\n— a AAAA\n".into(),
            format!("x\n\n{line}\n\n"),
            format!("x\t\n\n{line}\n"),
            format!("x\n\n- a{line}\n"),
        ] {
            assert!(Note::parse(&wrong).is_err(), "{wrong:?}");
        }
    }
}
